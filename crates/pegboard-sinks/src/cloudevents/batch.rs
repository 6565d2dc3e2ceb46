//! A batch of events taken apart, for targets that take them one by one.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Outcome, RefusedItem};

/// An event of a batch, as it is sent alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchedEvent {
    /// Its id, which is made of what it says.
    pub id: String,
    /// The name of the source.
    pub source: String,
    /// Of whom it is: the agent.
    pub subject: String,
    /// The whole event.
    pub json: String,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    source: String,
    subject: String,
}

/// The events of a batch, in order. Fails for what is no batch.
pub fn events_of(body: &[u8]) -> Result<Vec<BatchedEvent>, serde_json::Error> {
    let events: Vec<&RawValue> = serde_json::from_slice(body)?;
    let event = |json: &&RawValue| {
        let Head { id, source, subject } = serde_json::from_str(json.get())?;
        let source = source.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(BatchedEvent { id, source, subject, json: json.get().to_owned() })
    };
    events.iter().map(event).collect()
}

/// Sends a batch in [rounds]; answers what came of all of it. `send` answers what was refused of a round, or why it is not known what
/// came of it.
pub async fn in_rounds<Sending>(body: &[u8], mut send: impl FnMut(Vec<BatchedEvent>) -> Sending) -> Outcome
where
    Sending: Future<Output = Result<Vec<RefusedItem>, Outcome>>,
{
    let events = match events_of(body) {
        Ok(events) => events,
        Err(error) => return Outcome::Refused { reason: error.to_string() },
    };
    let mut refused = Vec::new();
    for round in rounds(events) {
        match send(round).await {
            Ok(items) => refused.extend(items),
            Err(outcome) => return outcome,
        }
    }
    if refused.is_empty() { Outcome::Accepted } else { Outcome::Partly(refused) }
}

/// The events in rounds, each with one of an agent at most: those of a round may be on their way together, and the next begins
/// when all of them have arrived, so that no target ever has an older one after a newer.
pub fn rounds(events: Vec<BatchedEvent>) -> Vec<Vec<BatchedEvent>> {
    let mut rounds = Vec::new();
    let mut left = events;
    while !left.is_empty() {
        let mut seen = HashSet::new();
        let (round, later) = left
            .into_iter()
            .partition(|event: &BatchedEvent| seen.insert((event.source.clone(), event.subject.clone())));
        rounds.push(round);
        left = later;
    }
    rounds
}
