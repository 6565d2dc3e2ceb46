//! Plans that were made while the tables were empty. To an empty table every way is the same, and a plan is kept: one that
//! goes over all rows of a source makes every batch slower than the one before.

use std::time::Duration;

use pegboard_model::{AgentId, Observation, PartitionId};
use pegboard_store::{
    AgentWrite, Batch, Close, ClosedUntil, DirtyMark, PostgresOptions, PostgresStore, SegmentsWrite, Store,
};
use tokio_postgres::Client;

use crate::home::{PostgresHome, clock};
use crate::sample::{agent_write, at, batch, close, contact, now, observation, row, segment, shard, source};

const AGENTS: u64 = 50;
const BATCHES: u64 = 80;

/// Entries of indexes and rows of tables that are looked at for each event at most. It takes fifteen; if one statement
/// went over all rows of the source, it would be forty more.
const LOOKED_AT: u64 = 25;

fn agents() -> impl Iterator<Item = AgentId> {
    (0..AGENTS).map(|number| AgentId::from(format!("agent-{number:03}")))
}

/// An event of every agent, and a second copy of the one before, which stands at an earlier place.
fn batch_of_all(epoch: u64, number: u64) -> Batch {
    let seconds = i64::try_from(number).unwrap();
    let seen =
        |agent: &AgentId, seconds: i64| observation(agent.as_str(), seconds, &format!("{agent}-{seconds}"));
    let again = |agent: AgentId| {
        let mut copy: Observation = seen(&agent, seconds - 1);
        copy.order.partition = PartitionId::from("a shard before");
        copy
    };
    let states: Vec<_> =
        agents().map(|agent| now(agent.as_str(), seconds, &format!("status {number}"))).collect();
    let segments = agents().map(|agent| SegmentsWrite {
        agent,
        from: at(seconds),
        segments: vec![segment(seconds, None, "Available")],
        until: None,
        keep_mark: false,
    });
    let contact = |agent: AgentId| (contact(&format!("{agent}-{number}"), seconds, 0), Some(at(seconds)));
    let mark = |agent| DirtyMark { agent: Some(agent), from: at(seconds), to: at(seconds + 1) };
    Batch {
        agents: states.iter().map(|now| AgentWrite { version: number, ..agent_write(now) }).collect(),
        evidence: agents()
            .map(|agent| seen(&agent, seconds))
            .chain(agents().filter(|_| number > 0).map(again))
            .collect(),
        segments: segments.collect(),
        contacts: agents().map(contact).collect(),
        dirty: agents().map(mark).collect(),
        states,
        ..batch(epoch, number)
    }
}

/// Batch after batch, each of which is closed and read, over one connection that writes and one that reads.
async fn work(store: &PostgresStore) {
    let epoch = store.take_partition(&source(), &shard(), &[]).await.unwrap().epoch;
    let closer = store.take_closer(&source()).await.unwrap().epoch;
    store.announce_closing(&source(), closer, ClosedUntil::both(at(900))).await.unwrap();
    let all: Vec<AgentId> = agents().collect();
    for number in 0..BATCHES {
        store.commit(batch_of_all(epoch, number)).await.unwrap();
        let answered = store.dirty(&source(), 1000).await.unwrap();
        assert!(answered.len() as u64 > AGENTS, "agents and contacts");
        let rows = all.iter().map(|agent| row(agent.as_str(), &format!("{{\"of\":{number}}}"), "late"));
        store.close(Close { rows: rows.collect(), answered, ..close(closer) }).await.unwrap();
        let seconds = i64::try_from(number).unwrap();
        let touching = store.segments(&source(), None, at(seconds), at(seconds + 1)).await.unwrap();
        assert_eq!(touching.len() as u64, AGENTS);
        assert_eq!(store.stored_agents_of(&source(), &all).await.unwrap().len() as u64, AGENTS);
    }
    // The last thing that the reading connection does: who sees it in the statistics sees everything.
    store.tokens().await.unwrap();
}

const STATISTICS: &str = "
    SELECT coalesce(sum(seq_tup_read), 0)::bigint + (SELECT coalesce(sum(idx_tup_read), 0)::bigint
                                                     FROM pg_stat_user_indexes WHERE schemaname = $1),
           coalesce(sum(n_tup_ins) FILTER (WHERE relname = 'evidence'), 0)::bigint,
           coalesce(sum(seq_scan + idx_scan) FILTER (WHERE relname = 'tokens'), 0)::bigint
    FROM pg_stat_user_tables WHERE schemaname = $1";

/// Has the server leave the tables alone: plans that it makes anew half way are not those that this is about.
fn without_statistics(schema: &str) -> String {
    format!(
        "DO $$ DECLARE one regclass; BEGIN
             FOR one IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = '{schema}'::regnamespace LOOP
                 EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', one);
             END LOOP;
         END $$"
    )
}

/// What was looked at, once the statistics tell of everything: each connection hands them in when it ends.
async fn looked_at(client: &Client, schema: &str) -> u64 {
    for _ in 0..600 {
        let row = client.query_one(STATISTICS, &[&schema]).await.unwrap();
        let (looked_at, written, marked): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        if written.unsigned_abs() >= AGENTS * BATCHES && marked > 0 {
            return looked_at.unsigned_abs();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the statistics never came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_looks_at_no_more_however_much_is_stored() {
    let Some(home) = PostgresHome::new() else { return };
    let single = PostgresOptions { writers: 1, readers: 1, ..PostgresOptions::new(clock) };
    let store = PostgresStore::open(&home.url(), single).await.unwrap();
    home.client().await.batch_execute(&without_statistics(home.url().schema())).await.unwrap();
    work(&store).await;
    store.shut_down().await.unwrap();
    let looked_at = looked_at(&home.client().await, home.url().schema()).await;
    let each = looked_at / (AGENTS * BATCHES);
    assert!(each <= LOOKED_AT, "{each} entries and rows for each event");
}
