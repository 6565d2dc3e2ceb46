//! What would be written and sent, as documents.

use std::borrow::Cow;

use pegboard_model::Timestamp;
use serde::Deserialize;

use super::object::Object;
use super::productivity::{Productivity, ProductivityCounts};
use super::rta::{Rta, RtaCounts};
use super::settings::Settings;
use crate::{Document, Encoded, Encoder, Known, RawEvent, Refused};

/// Agent productivity: each object under its key.
pub const PRODUCTIVITY: Encoder = Encoder {
    name: "aspect-productivity",
    about: "Aspect WFM, agent productivity: a CSV line for each agent event, in objects of five minutes",
    pegging: None,
    interval_minutes: &[],
    raw_events: true,
    encode: |known| productivity(known, &known.mapping.settings.aspect),
};

/// Real-time adherence: each request to the table, and each message, under a number.
pub const RTA: Encoder = Encoder {
    name: "aspect-rta",
    about: "Aspect WFM, real-time adherence: requests to the table of states, and messages on the queues",
    pegging: None,
    interval_minutes: &[],
    raw_events: true,
    encode: |known| rta(known, &known.mapping.settings.aspect),
};

/// The digits of the number that the name of a document begins with, unless there are more documents than that.
const DIGITS: usize = 6;

fn productivity(known: &Known, settings: &Settings) -> Encoded {
    let (stream, states) = (settings.stream.of_source(&known.source), settings.states(&known.statuses));
    let mut encoder = Productivity::new(stream, settings.columns, states, 0);
    let (mut finished, mut refused) = (Vec::new(), Vec::new());
    for (sequence, (at, event)) in (0..).zip(arrivals(&known.raw_events)) {
        if let Err(unusable) = encoder.take(sequence, at, event.json.as_bytes(), &mut finished) {
            refused.push(refusal(event, &unusable));
        }
    }
    let (last, counts) = encoder.finish();
    finished.extend(last);
    let documents = finished.into_iter().map(|Object { key, body, .. }| Document::new(key, body)).collect();
    let ProductivityCounts { lines: _, without_user, repeated, foreign: _ } = counts;
    let notes = [
        (without_user, "events that name no user have no line"),
        (repeated, "events that came again have one line"),
    ];
    Encoded { documents, refused, notes: told(notes), ..Encoded::default() }
}

fn rta(known: &Known, settings: &Settings) -> Encoded {
    let mut encoder = Rta::new(settings.rta.clone());
    let (mut bodies, mut refused) = (Vec::new(), Vec::new());
    for (sequence, (_, event)) in (0..).zip(arrivals(&known.raw_events)) {
        match encoder.take(sequence, event.json.as_bytes()) {
            Ok(Some(step)) => {
                let table = step.table.map(|write| (write.document(), write.request(&settings.table)));
                bodies.extend(table);
                bodies.push((format!("queue-{}", step.message.queue), step.message.entry()));
            }
            Ok(None) => {}
            Err(unusable) => refused.push(refusal(event, &unusable)),
        }
    }
    let digits = bodies.len().to_string().len().max(DIGITS);
    let document = |(number, (what, body)): (usize, (String, serde_json::Value))| {
        Document::new(format!("{number:0digits$}-{what}.json"), body.to_string())
    };
    let documents = (1..).zip(bodies).map(document).collect();
    let RtaCounts { outdated, filtered, repeated, .. } = encoder.counts();
    let notes = [
        (outdated, "changes of the table are left out, because a newer event of the agent came before"),
        (filtered, "events of agents whom the filter holds back are left out"),
        (repeated, "events that came again are sent once"),
    ];
    Encoded { documents, refused, notes: told(notes), ..Encoded::default() }
}

fn told<const N: usize>(counts: [(u64, &str); N]) -> Vec<String> {
    let some = counts.into_iter().filter(|(count, _)| *count > 0);
    some.map(|(count, what)| format!("{count} {what}")).collect()
}

fn refusal(event: &RawEvent, unusable: &super::Unusable) -> Refused {
    let name = format!("the event of file {} at byte {}", event.input + 1, event.offset);
    Refused { name, reasons: vec![unusable.to_string()] }
}

/// The events with the time when each would have been read: at once, but not before one that stands before it in its file. Files are read
/// side by side, as the shards of a stream are.
fn arrivals(events: &[RawEvent]) -> Vec<(Timestamp, &RawEvent)> {
    let mut arrivals = Vec::with_capacity(events.len());
    for file in events.chunk_by(|one, next| one.input == next.input) {
        let mut now = Timestamp::MIN;
        for event in file {
            now = now.max(event_time(&event.json).unwrap_or(now));
            arrivals.push((now, event));
        }
    }
    arrivals.sort_by_key(|(at, _)| *at);
    arrivals
}

fn event_time(json: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Event<'a> {
        #[serde(borrow)]
        event_timestamp: Cow<'a, str>,
    }

    let event: Event<'_> = serde_json::from_str(json).ok()?;
    Timestamp::parse(&event.event_timestamp).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_side_by_side_and_each_in_its_order() {
        let event = |input: usize, offset: u64, time: &str| {
            let json = format!(r#"{{"EventTimestamp":"2026-03-02T{time}Z"}}"#);
            RawEvent { input, offset, json: json.into() }
        };
        let events = [
            event(0, 0, "09:00:00"),
            event(0, 1, "09:10:00"),
            event(0, 2, "09:05:00"),
            event(1, 0, "09:02:00"),
            event(1, 1, "09:20:00"),
        ];
        let arrivals: Vec<_> = arrivals(&events)
            .into_iter()
            .map(|(at, event)| (at.to_string()[11..16].to_owned(), event.input, event.offset))
            .collect();
        let expected = [("09:00", 0, 0), ("09:02", 1, 0), ("09:10", 0, 1), ("09:10", 0, 2), ("09:20", 1, 1)];
        assert_eq!(arrivals, expected.map(|(at, input, offset)| (at.to_owned(), input, offset)));
    }
}
