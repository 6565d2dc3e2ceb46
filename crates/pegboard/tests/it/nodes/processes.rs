//! Two processes over one PostgreSQL database, of which one is killed.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use pegboard::clock;
use pegboard_sim::Delivery;
use pegboard_store::{Part, PostgresOptions, PostgresStore, Store};

use crate::support::day::{Day, begun};
use crate::support::feeding::part_of;
use crate::support::serving::Serving;

/// How many files there are: each is a partition.
const FILES: u64 = 4;

/// Adds records to the files they belong to.
fn append(folder: &Path, deliveries: &[Delivery]) {
    for number in 0..FILES {
        let path = folder.join(format!("{number}.ndjson"));
        let mut file = File::options().create(true).append(true).open(path).unwrap();
        for delivery in deliveries.iter().filter(|delivery| part_of(delivery, FILES) == number) {
            file.write_all(format!("{}\n", delivery.json).as_bytes()).unwrap();
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the address of the test server is the test's own setting")]
fn r03_a_process_that_is_killed_is_replaced_by_another_within_ten_seconds() {
    let Ok(server) = std::env::var("PEGBOARD_TEST_POSTGRES") else {
        eprintln!("skipped: PEGBOARD_TEST_POSTGRES names no server");
        return;
    };
    let url = format!("{server}?schema=processes_{}", std::process::id());
    let (input, one, other) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let day = Day::simulate(begun(8, 10, 4, 65));
    let deliveries = day.deliveries();
    let (first, second) = deliveries.split_at(deliveries.len() / 2);
    append(input.path(), first);
    let configuration = format!(
        "[store]\nurl = \"{url}\"\n[[source]]\nname = \"main\"\nkind = \"file\"\n[source.file]\npath = \"{}\"\nfollow = true\n",
        input.path().display()
    );
    let mut survivor = Serving::start(one.path(), &configuration);
    let mut victim = Serving::start(other.path(), &configuration);
    let has_read = |records: usize| {
        let records = f64::from(u32::try_from(records).unwrap());
        move |hub: &Serving| hub.metric("pegboard_source_records_total{source=\"main\"}") == Some(records)
    };
    survivor.until("everything is read", has_read(first.len()));
    victim.until("every node shows it", has_read(first.len()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store =
            PostgresStore::open(&url.parse().unwrap(), PostgresOptions::new(clock::system)).await.unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let roll = store.roll().await.unwrap();
            let files = roll.leases.iter().filter(|lease| matches!(lease.part, Part::Partition(_)));
            let mut shares = std::collections::BTreeMap::<_, usize>::new();
            files.for_each(|lease| *shares.entry(lease.node.clone()).or_default() += 1);
            if shares.values().copied().collect::<Vec<_>>() == [2, 2] {
                break;
            }
            assert!(Instant::now() < deadline, "the files are not shared: {shares:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });

    victim.kill();
    let killed = Instant::now();
    append(input.path(), second);
    survivor.until("the rest is read", has_read(deliveries.len()));
    let took = killed.elapsed();
    assert!(took < Duration::from_secs(10), "taken over after {took:?}");
    let duplicates = survivor.metric("pegboard_source_items_total{source=\"main\",kind=\"duplicate\"}");
    assert_eq!(duplicates, Some(0.0), "what was read was not read again");
    survivor.terminate();
}
