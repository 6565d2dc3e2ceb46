//! What TaskRouter sends, to observations and legs.

mod agents;
mod assembling;
mod bodies;
mod contacts;
mod signatures;

use pegboard_model::{Order, PartitionId, Position};

use super::{Body, Event, decode};

/// One event as a callback posts it: its kind, its millisecond since [`EPOCH`], and more fields.
fn callback(id: &str, kind: &str, at_ms: i64, more: &str) -> String {
    let at = EPOCH + at_ms;
    format!("EventType={kind}&Sid={id}&Timestamp={}&TimestampMs={at}&WorkspaceSid=WS1{more}", at / 1000)
}

/// 2026-01-01T00:00:00Z.
const EPOCH: i64 = 1_767_225_600_000;

/// A task in the queue Sales, which it entered at the second `entered` since [`EPOCH`].
fn task(entered: i64) -> String {
    let entered = EPOCH / 1000 + entered;
    format!(
        "&TaskSid=WT1&TaskChannelUniqueName=voice&TaskQueueSid=WQ1&TaskQueueName=Sales&TaskQueueEnteredDate={entered}\
         &TaskAttributes=%7B%22direction%22%3A%22inbound%22%2C%22from%22%3A%22%2B491%22%7D"
    )
}

/// A reservation of the agent Ann.
fn reservation(id: &str, version: u64) -> String {
    format!(
        "&ReservationSid={id}&ReservationVersion={version}&WorkerSid=WK1&WorkerName=ann%40example.com&WorkerVersion=7\
         &WorkerActivitySid=WA1&WorkerActivityName=Available"
    )
}

fn event(text: &str) -> Event {
    let Body { mut events, bad, foreign, .. } = decode(text.as_bytes()).unwrap();
    assert!(bad.is_empty() && foreign == 0 && events.len() == 1, "{bad:?} {foreign} {events:?}");
    events.remove(0)
}

fn order() -> Order {
    Order { partition: PartitionId::from("0"), position: Position::Number(0) }
}

/// A sample of Twilio; nothing, said on standard error, where the samples are not at hand.
pub(super) fn sample(name: &str) -> Option<serde_json::Value> {
    let path = format!("{}/../../../shared/data/twilio/{name}", env!("CARGO_MANIFEST_DIR"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: there is no sample at {path}");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}
