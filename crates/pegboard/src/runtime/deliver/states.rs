//! The lane of states: the latest of each agent, as soon as the target takes it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pegboard_model::{AgentId, AgentNow, SourceName};
use pegboard_sinks::{Document, Encoder, Lane, Outcome, RefusedItem};
use pegboard_store::{Cursor, DeliveryNote, FeedKind, StoreError};
use tokio::time::{Instant, sleep_until};

use super::{Deliverer, digest_of, failure};

/// How many changes are taken up at once.
const PAGE: usize = 1000;

/// How many refused states are remembered, so that they can be settled.
const REMEMBERED: usize = 10_000;

/// How often there is a look without being woken.
const LOOK: Duration = Duration::from_secs(5);

type Key = (SourceName, AgentId);

/// What waits to be sent, and how far the feed is taken up.
#[derive(Debug)]
struct Waiting {
    states: BTreeMap<Key, AgentNow>,
    cursor: Cursor,
    /// Whether the cursor has moved since it was noted.
    moved: bool,
}

/// Delivers until the store fails, or somebody else delivers.
pub(super) async fn deliver(
    deliverer: &Deliverer,
    epoch: u64,
    cursor: Option<Cursor>,
) -> Result<(), StoreError> {
    let Some(encoder) = deliverer.sink.states() else { return std::future::pending().await };
    let mut woken = deliverer.store.woken();
    let mut waiting = match cursor {
        Some(cursor) => Waiting { states: BTreeMap::new(), cursor, moved: false },
        None => snapshot(deliverer).await?,
    };
    let refused = deliverer.store.refused_states(&deliverer.name, REMEMBERED).await?;
    let mut refused: BTreeSet<Key> = refused.into_iter().map(|state| (state.source, state.agent)).collect();
    let mut not_before = Instant::now();
    loop {
        woken.borrow_and_update();
        waiting = take_up(deliverer, waiting).await?;
        deliverer.status.waiting(Lane::States, waiting.states.len());
        if waiting.moved && not_before <= Instant::now() {
            match send(deliverer, encoder, &waiting).await {
                Ok(items) => {
                    note(deliverer, epoch, &mut waiting, &mut refused, items).await?;
                    continue;
                }
                Err(pause) => not_before = Instant::now() + pause,
            }
        }
        let next = if waiting.moved { not_before } else { Instant::now() + LOOK };
        tokio::select! {
            _ = woken.changed(), if not_before <= Instant::now() => {}
            () = sleep_until(next) => {}
        }
    }
}

/// Everybody's present state: for a target that was never delivered to, or not for so long that the feed no longer reaches back.
async fn snapshot(deliverer: &Deliverer) -> Result<Waiting, StoreError> {
    let snapshot = deliverer.store.agents(&deliverer.names).await?;
    let states = snapshot.agents.into_iter().map(|entry| (key(&entry.now), entry.now)).collect();
    Ok(Waiting { states, cursor: snapshot.cursor, moved: true })
}

fn key(now: &AgentNow) -> Key {
    (now.source.clone(), now.agent_id.clone())
}

/// Takes up what the feed tells; the latest state of an agent stands for those before it.
async fn take_up(deliverer: &Deliverer, mut waiting: Waiting) -> Result<Waiting, StoreError> {
    loop {
        let page = deliverer.store.feed(FeedKind::States, &waiting.cursor, &deliverer.names, PAGE).await;
        let page = match page {
            Err(StoreError::CursorGone) => return snapshot(deliverer).await,
            page => page?,
        };
        waiting.moved |= !page.entries.is_empty();
        for entry in page.entries {
            let now: AgentNow = serde_json::from_str(&entry.body).map_err(|error| StoreError::Damaged {
                what: "entry of the feed of states",
                detail: error.to_string(),
            })?;
            waiting.states.insert(key(&now), now);
        }
        waiting.cursor = page.cursor;
        if !page.more {
            return Ok(waiting);
        }
    }
}

/// Sends everything that waits, in order. Answers what was refused of it, or how long to wait before it is sent again.
async fn send(
    deliverer: &Deliverer,
    encoder: &'static Encoder,
    waiting: &Waiting,
) -> Result<Vec<RefusedItem>, Duration> {
    let encoded = (encoder.encode)(&deliverer.known_states(waiting.states.values()));
    let mut refused = Vec::new();
    for document in &encoded.documents {
        let outcome = deliverer.sink.send(encoder, document, &content_key(encoder, document)).await;
        let now = deliverer.now();
        if let Some((reason, asked)) = failure(&outcome) {
            let failures = deliverer.status.failed(Lane::States, now, reason);
            tracing::debug!(sink.name = %deliverer.name, failures, "states are not taken: {reason}");
            return Err(deliverer.pause(Lane::States, failures, asked));
        }
        deliverer.status.accepted(Lane::States, now);
        match outcome {
            Outcome::Partly(items) => refused.extend(items),
            Outcome::Refused { reason } => refused.extend(all_of(waiting, &reason)),
            Outcome::Accepted | Outcome::Again { .. } | Outcome::Shut { .. } => {}
        }
    }
    Ok(refused)
}

/// A message that is refused as a whole is refused for everybody in it; who that is the target does not say.
fn all_of<'a>(waiting: &'a Waiting, reason: &'a str) -> impl Iterator<Item = RefusedItem> + 'a {
    waiting.states.values().map(|now| RefusedItem {
        subject: now.agent_id.to_string(),
        payload: String::new(),
        reason: reason.to_owned(),
    })
}

/// A key that the same content has again, and no other content has.
fn content_key(encoder: &Encoder, document: &Document) -> String {
    format!("{}/{}", encoder.name, digest_of(document, 16))
}

/// Notes that everything that waited has arrived, but for what was refused.
async fn note(
    deliverer: &Deliverer,
    epoch: u64,
    waiting: &mut Waiting,
    refused: &mut BTreeSet<Key>,
    items: Vec<RefusedItem>,
) -> Result<(), StoreError> {
    let mut note = DeliveryNote::new(deliverer.name.clone(), epoch);
    note.cursors.push((FeedKind::States, waiting.cursor.clone()));
    let now = deliverer.now();
    let mut still: BTreeSet<Key> = BTreeSet::new();
    for item in items {
        let of_agent = waiting.states.keys().find(|(_, agent)| agent.as_str() == item.subject);
        let (source, agent) = of_agent.cloned().unwrap_or_else(|| ("".into(), item.subject.as_str().into()));
        still.insert((source.clone(), agent.clone()));
        note.refused.push((source, agent, item.reason.into(), item.payload, now));
    }
    note.taken
        .extend(waiting.states.keys().filter(|key| refused.contains(*key) && !still.contains(*key)).cloned());
    note.taken.iter().for_each(|key| {
        refused.remove(key);
    });
    refused.extend(still);
    deliverer.store.note_deliveries(note).await?;
    waiting.states.clear();
    waiting.moved = false;
    deliverer.status.waiting(Lane::States, 0);
    Ok(())
}
