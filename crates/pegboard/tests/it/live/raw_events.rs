//! What is kept for sinks that pass events on as they came.

use std::path::Path;

use pegboard::config::SourceConfig;
use pegboard_model::PartitionId;
use pegboard_sim::wire::Writer;
use pegboard_store::{RawEvent, Store};

use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::all_arrived;
use crate::support::live::{Live, SOURCE, config, until};
use crate::support::script::Script;

const PARTITIONS: [&str; 2] = ["one", "two"];

/// A record, and whether it is an event.
type Given = (Vec<u8>, bool);

/// There are contacts between the events, and now and then a record that cannot be read.
fn records(day: &Day) -> [Vec<Given>; 2] {
    let writer = Writer::new(day.organisation.clone());
    let mut records = [Vec::new(), Vec::new()];
    for (number, event) in day.events.iter().enumerate() {
        let agent = day.events.iter().position(|other| other.agent == event.agent).unwrap();
        let partition = &mut records[agent % 2];
        partition.push((writer.agent_event_json(event).into_bytes(), true));
        if number % 3 == 0 {
            let contact = &day.records[number % day.records.len()];
            partition.push((writer.contact_record_json(contact).into_bytes(), false));
        }
        if number % 60 == 0 {
            partition.push((format!("{{\"AgentARN\": {number}\u{0}").into_bytes(), true));
        }
    }
    records
}

fn script(day: &Day, records: &[Vec<Given>; 2]) -> Script {
    let script = Script::new(false);
    for (partition, records) in PARTITIONS.iter().zip(records) {
        script.add(partition, &[]);
        for chunk in records.chunks(50) {
            let chunk: Vec<_> = chunk.iter().map(|(record, _)| record).collect();
            script.push(partition, &chunk, day.end);
        }
    }
    clock::set(all_arrived(day));
    script
}

async fn kept(store: &dyn Store) -> Vec<RawEvent> {
    let (mut events, mut after) = (Vec::new(), 0);
    loop {
        let page = store.raw_events(&SOURCE.into(), after, 77).await.unwrap();
        let Some(last) = page.events.last() else { return events };
        after = last.number;
        events.extend(page.events);
    }
}

/// What is kept after a hub has stopped on the way, and another has read the rest.
async fn read(script: &Script, config: &SourceConfig, folder: &Path) -> Vec<RawEvent> {
    let live = Live::start(script, config, folder).await;
    let begun = async || !live.store.partitions(&SOURCE.into()).await.unwrap().is_empty();
    until("something is read", begun).await;
    live.stop().await;
    let live = Live::start(script, config, folder).await;
    live.read_all(script).await;
    let events = kept(&*live.store).await;
    live.stop().await;
    events
}

#[tokio::test]
async fn every_event_is_kept_once_as_it_came_and_in_its_order() {
    let day = Day::of(8, 4, 3);
    let records = records(&day);
    let (script, folder) = (script(&day, &records), tempfile::tempdir().unwrap());
    let config = SourceConfig { passes_events: true, ..config() };
    let events = read(&script, &config, folder.path()).await;
    assert!(events.iter().map(|event| event.number).eq(1..=events.len() as u64));
    for (partition, records) in PARTITIONS.iter().zip(&records) {
        let partition = PartitionId::from(*partition);
        let came = events.iter().filter(|event| event.partition == partition).map(|event| &event.data);
        let expected = records.iter().filter(|(_, is_event)| *is_event).map(|(record, _)| record);
        assert!(came.eq(expected), "partition {partition}");
    }
}

#[tokio::test]
async fn nothing_is_kept_of_a_source_of_which_no_sink_passes_events_on() {
    let day = Day::of(8, 4, 3);
    let (script, folder) = (script(&day, &records(&day)), tempfile::tempdir().unwrap());
    assert_eq!(read(&script, &config(), folder.path()).await, []);
}
