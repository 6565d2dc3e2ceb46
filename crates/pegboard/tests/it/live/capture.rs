//! When intervals close: rows wait for what they are made of and for nothing else, each for its own delay.

use pegboard::config::SourceConfig;
use pegboard_connect::spec::Carries;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::Stream;
use serde_json::Value;

use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::{all_arrived, feed};
use crate::support::live::{Live, assert_alike, config, replayed_tables, settings, until};
use crate::support::replayed::replay;
use crate::support::script::Script;

const EVENTS: &str = "events";
const RECORDS: &str = "records";

/// A source whose agent events and contact records come by ways of their own.
fn two_ways() -> Script {
    let script = Script::new(false);
    script.add_carrying(EVENTS, Carries { contacts: false, ..Carries::EVENTS });
    script.add_carrying(RECORDS, Carries::CONTACTS);
    script
}

fn feed_one(script: &Script, day: &Day, stream: Stream, from: Timestamp, to: Timestamp) {
    let partition = if stream == Stream::AgentEvents { EVENTS } else { RECORDS };
    feed(script, partition, &day.deliveries(), |delivery| delivery.stream == stream, from, to);
}

/// The end of the last interval of which rows are stored.
async fn stored_until(live: &Live, report: &str, day: &Day) -> Timestamp {
    let rows = live.report(report, day.start, day.end).await;
    let starts = rows.iter().filter(|row| row["provisional"] == false).map(start_of);
    starts.max().map_or(day.start, |start| start + Millis::from_minutes(15))
}

fn start_of(row: &Value) -> Timestamp {
    row["interval_start"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn rows_of_agents_do_not_wait_for_contacts_nor_the_other_way_round() {
    let day = Day::of(12, 3, 5);
    let (script, folder) = (two_ways(), tempfile::tempdir().unwrap());
    let (hour, end) = (Millis::from_hours(1), all_arrived(&day));
    clock::set(end);
    let live = Live::start(&script, &config(), folder.path()).await;
    feed_one(&script, &day, Stream::AgentEvents, day.start, day.start + hour + hour);
    feed_one(&script, &day, Stream::ContactRecords, day.start, day.start + hour);
    // A minute before the watermark ends the last interval that a delay of one minute leaves.
    let (agents, contacts) = (hour + hour - Millis::from_minutes(15), hour - Millis::from_minutes(15));
    let closed = async || {
        let queues = live.status().await.contacts_closed_until;
        let agents_are = stored_until(&live, "agent_interval", &day).await == day.start + agents;
        queues == Some(day.start + contacts) && agents_are
    };
    until("each is closed as far as it is known", closed).await;
    let status = live.status().await;
    assert_eq!(status.closed_until, Some(day.start + contacts), "of all rows the least");
    assert_eq!(
        (status.watermark, status.contacts_watermark),
        (Some(day.start + hour + hour), Some(day.start + hour))
    );
    assert!(stored_until(&live, "queue_interval", &day).await <= day.start + contacts);

    feed_one(&script, &day, Stream::ContactRecords, day.start + hour, end);
    let closed = async || live.status().await.contacts_closed_until >= Some(day.end);
    until("contacts do not wait for agents", closed).await;
    feed_one(&script, &day, Stream::AgentEvents, day.start + hour + hour, end);
    live.settle(&script, day.end).await;
    assert_alike(&replayed_tables(&replay(&day, &settings(&day))), &live.tables(day.start, day.end).await);
    live.stop().await;
}

#[tokio::test]
async fn contacts_close_after_a_delay_of_their_own() {
    let day = Day::of(12, 3, 6);
    let (script, folder) = (two_ways(), tempfile::tempdir().unwrap());
    clock::set(all_arrived(&day));
    let delay = Millis::from_minutes(20);
    let late = SourceConfig { close_delay_contacts: delay, ..config() };
    let live = Live::start(&script, &late, folder.path()).await;
    let to = day.start + Millis::from_hours(2);
    for stream in [Stream::AgentEvents, Stream::ContactRecords] {
        feed_one(&script, &day, stream, day.start, to);
    }
    let closed = async || stored_until(&live, "agent_interval", &day).await == to - Millis::from_minutes(15);
    until("agents are closed after a minute", closed).await;
    let closed = async || live.status().await.contacts_closed_until == Some(to - Millis::from_minutes(30));
    until("contacts are closed after twenty", closed).await;
    live.stop().await;
}
