//! A store that an earlier version wrote is opened with all that it holds, and goes on.

use std::collections::BTreeMap;
use std::path::Path;

use pegboard_model::{AgentNow, Millis, Timestamp};
use rusqlite::{Connection, OpenFlags};

use crate::support::clock;
use crate::support::event::{event, minute};
use crate::support::feeding::ONLY;
use crate::support::live::{Live, Tables, config};
use crate::support::script::Script;

/// What version 0.1 (schema 1) wrote of the first hour: `sqlite3 test.db .dump`.
const SCHEMA_1: &str = include_str!("../fixtures/store_schema_1.sql");

/// The end of the first hour, and of both.
fn hour(hours: i64) -> Timestamp {
    minute(hours * 60)
}

/// An hour of three agents, each of whom goes through his statuses.
fn add_hour(script: &Script, hours: i64) {
    let mut records = Vec::new();
    for step in 0..12 {
        for agent in ["a-1", "a-2", "a-3"] {
            let at = minute(hours * 60 + step * 5);
            let status = ["Available", "Lunch", "Training"][usize::try_from(step % 3).unwrap()];
            let kind = if hours == 0 && step == 0 { "LOGIN" } else { "STATE_CHANGE" };
            records.push(event(agent, kind, at, status));
        }
    }
    script.push(ONLY, &records, hour(hours + 1) + Millis::from_minutes(5));
}

fn script(hours: i64) -> Script {
    let script = Script::new(false);
    script.add(ONLY, &[]);
    (0..hours).for_each(|hours| add_hour(&script, hours));
    clock::set(hour(hours) + Millis::from_minutes(6));
    script
}

/// Makes the file from what `sqlite3` wrote.
pub(crate) fn load_schema_1(path: &Path) {
    let database = Connection::open(path).unwrap();
    database.execute_batch(SCHEMA_1).unwrap();
}

/// Opens a store, of whatever version, as the program that wrote it does.
pub(crate) fn open(path: &Path) -> Connection {
    match pegboard_pages::has_seals(path).unwrap() {
        Some(false) => Connection::open(path).unwrap(),
        _ => pegboard_pages::open(path, OpenFlags::default()).unwrap(),
    }
}

/// What a feed tells of each agent, in order. In which order version 0.1 told of agents, was left to chance.
type Told = BTreeMap<String, Vec<AgentNow>>;

fn by_agent(feed: Vec<(u64, AgentNow)>) -> Told {
    let mut told = Told::new();
    for (expected, (number, now)) in (1..).zip(feed) {
        assert_eq!(number, expected, "the feed goes on without a gap");
        told.entry(now.agent_id.to_string()).or_default().push(now);
    }
    told
}

/// What is seen after both hours.
async fn both_hours(folder: &Path) -> (Tables, Told, String) {
    let script = script(2);
    let live = Live::start(&script, &config(), folder).await;
    live.settle(&script, hour(2)).await;
    let seen = (live.tables(hour(0), hour(2)).await, by_agent(live.feed(&live.beginning()).await));
    let agents = format!("{:?}", live.agents().await);
    live.stop().await;
    (seen.0, seen.1, agents)
}

#[tokio::test]
async fn r26_a_store_of_the_first_schema_goes_on_where_it_was() {
    let fresh = tempfile::tempdir().unwrap();
    let (tables, feed, agents) = both_hours(fresh.path()).await;
    assert!(tables["agent_interval"].len() > 20 && feed["a-1"].len() > 20, "{feed:?}");

    let upgraded = tempfile::tempdir().unwrap();
    load_schema_1(&upgraded.path().join("test.db"));
    let after = both_hours(upgraded.path()).await;
    assert_eq!(after.0, tables);
    assert_eq!(after.1, feed);
    assert_eq!(after.2, agents);
}
