//! What the planners of the demo have mapped: all but a few names, which wait on the page for whoever looks at it.

use std::path::Path;

use anyhow::Context as _;
use pegboard_model::{SinkName, Timestamp};
use pegboard_sim::Organisation;
use pegboard_sinks::UnmappedPolicy;
use pegboard_sinks::mapping::Mapping;
use pegboard_store::{MappingWrite, Store};

use super::persons;
use crate::config::mapping::{Row, Table, TableName};

/// Where agents are who are not there for contacts, but for Training and Supervision.
const STATES: &str = "event_id,activity_code,status\nLunch,Lunch,closed\nCoaching *,Meeting,closed\n";

/// How the sink is set: what nobody has mapped waits.
pub(super) fn settings() -> Mapping {
    let mut mapping = Mapping::default();
    mapping.settings.unmapped = UnmappedPolicy::Hold;
    mapping
}

/// Puts the tables of two centres into a store, those that nobody has edited or given back there. The queues are those of the first one.
pub(super) async fn keep(
    store: &dyn Store,
    sink: &SinkName,
    centres: [&Organisation; 2],
    at: Timestamp,
) -> anyhow::Result<()> {
    let known = store.mapping_versions(sink).await?;
    let tables = [
        (TableName::States, STATES.to_owned()),
        (TableName::Queues, queues(centres[0])),
        (TableName::Agents, persons::of(&centres)),
    ];
    for (name, csv) in tables {
        if known.iter().any(|version| &*version.table == name.as_str()) {
            continue;
        }
        let table =
            Table::parse(name, Path::new(name.file()), csv.as_bytes()).context("the demo's mapping")?;
        let write = MappingWrite {
            sink: sink.clone(),
            table: name.as_str().into(),
            follows: 0,
            at,
            by: "demo".into(),
            content: Some((table.to_csv(), table.rows().len() as u64)),
        };
        store.write_mapping(write).await?;
    }
    Ok(())
}

/// Every queue, as the WFM calls it, but the first one for chats; and one for contacts that were in none.
fn queues(organisation: &Organisation) -> String {
    let all = &organisation.queues;
    let waits = all.iter().position(|queue| queue.digital);
    let row = |queue: &str, id: usize, name: &str| {
        let mut cells = vec![String::new(); TableName::Queues.columns().len()];
        (cells[0], cells[1], cells[2]) = (queue.to_owned(), id.to_string(), name.to_owned());
        Row { line: 0, cells }
    };
    let named = all.iter().enumerate().filter(|(number, _)| Some(*number) != waits);
    let named = named.map(|(number, queue)| row(&queue.name, 101 + number, &queue.name));
    let rows: Vec<_> = named.chain([row("", 100, "No queue")]).collect();
    TableName::Queues.to_csv(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_without_fault_and_the_first_queue_for_chats_waits() {
        for agents in [1, 30, 120, 5000] {
            let organisation =
                Organisation::found(&pegboard_sim::Config::new(agents, Timestamp::from_millis(0), 0, 7));
            let csv = queues(&organisation);
            let table = Table::parse(TableName::Queues, Path::new("queues.csv"), csv.as_bytes()).unwrap();
            assert_eq!(table.rows().len(), organisation.queues.len());
            assert!(table.rows().iter().all(|row| row.cells[0] != "Web chat"), "{csv}");
        }
        Table::parse(TableName::States, Path::new("states.csv"), STATES.as_bytes()).unwrap();
    }
}
