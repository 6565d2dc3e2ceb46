//! The lane of states: the latest of each agent or every change, as soon as the target takes it.

mod before;
mod picture;
mod released;
mod stale;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use pegboard_model::AgentNow;
use pegboard_sinks::mapping::Inbox;
use pegboard_sinks::{Changes, Document, Lane, Outcome, RefusedItem, StateChange, StatesLane};
use pegboard_store::{Cursor, DeliveryNote, FeedEntry, FeedKind, Present, SinkState, StoreError, failpoint};
use tokio::time::{Instant, sleep, sleep_until};

use self::picture::{HELD_LOOK, Whole};
use self::stale::Sources;
use super::persons::Persons;
use super::unmapped::Remarks;
use super::waiting::{Key, Tells, Waiting, key};
use super::{Deliverer, Turn, digest_of, failure};
use crate::runtime::mapping::Held;

/// How many changes are taken up in one step.
const PAGE: usize = 1000;

/// How many refused states are remembered, so that they can be settled.
const REMEMBERED: usize = 10_000;

/// How often there is a look without being woken, and how often it is noted what nobody had to be sent.
const LOOK: Duration = Duration::from_secs(5);

/// Delivers until the store fails, or somebody else delivers.
pub(super) async fn deliver(deliverer: &Deliverer, state: &SinkState) -> Result<(), StoreError> {
    let Some(lane) = deliverer.sink.states() else { return std::future::pending().await };
    let mut woken = deliverer.store.woken();
    let mut lane = Delivery::begin(deliverer, lane, state).await?;
    loop {
        woken.borrow_and_update();
        lane.follow_mapping().await?;
        lane.look_at_sources().await?;
        if let Some(pause) = lane.tell_health().await? {
            sleep(pause).await;
            continue;
        }
        if lane.take_picture().await? {
            sleep(HELD_LOOK).await;
            continue;
        }
        lane.take_up().await?;
        lane.take_up_released().await?;
        if lane.whole.is_due {
            continue;
        }
        let (next, is_paused) = match lane.send().await {
            Sent::All => {
                lane.note().await?;
                continue;
            }
            Sent::Nothing => (lane.look_again().await?, false),
            Sent::NotNow(pause) => (Instant::now() + pause, true),
        };
        tokio::select! {
            _ = woken.changed(), if !is_paused => {}
            () = sleep_until(next) => {}
        }
    }
}

/// What came of sending.
enum Sent {
    /// What was sent together has arrived.
    All,
    /// There is nothing to send now.
    Nothing,
    /// The target takes nothing for this long.
    NotNow(Duration),
}

/// The delivery of one epoch.
struct Delivery<'a> {
    deliverer: &'a Deliverer,
    lane: StatesLane,
    epoch: u64,
    waiting: Waiting,
    batch: Option<Batch>,
    /// Agents of whom the target has refused a state.
    refused: BTreeSet<Key>,
    /// Up to where the store knows that everything has arrived, and since when it has not been told.
    noted: Option<Cursor>,
    noted_at: Instant,
    whole: Whole,
    /// Whom the target knows as signed in, and how many these were when that was written down.
    signed_in: HashSet<Key>,
    present: Option<Present>,
    sources: Sources,
    /// By which mapping what waits was taken up.
    mapped: Arc<Held>,
    persons: Persons,
}

/// What is sent together.
struct Batch {
    changes: Vec<StateChange>,
    /// What of it has not arrived.
    documents: VecDeque<Document>,
    refused: Vec<RefusedItem>,
    /// What of it no row of the mapping names.
    unmapped: Inbox,
}

impl<'a> Delivery<'a> {
    /// Goes on where the store says; a target that was never delivered to gets everybody's present state.
    async fn begin(
        deliverer: &'a Deliverer,
        lane: StatesLane,
        state: &SinkState,
    ) -> Result<Self, StoreError> {
        let (epoch, cursor) = (state.epoch, state.states.clone());
        let remembered = deliverer.store.refused_states(&deliverer.name, REMEMBERED).await?;
        let refused = remembered.into_iter().map(|state| (state.source, state.agent)).collect();
        let shortest = deliverer.mapping().mapping.settings.shortest_state;
        let taken_up = match &cursor {
            Some(cursor) => cursor.clone(),
            None => deliverer.store.feed_end(FeedKind::States).await?,
        };
        let tells = Tells { by: lane.tells, held: deliverer.mapping() };
        let waiting = Waiting::new(lane.changes, shortest, tells, taken_up);
        let (noted, noted_at) = (cursor, Instant::now());
        let mut delivery = Self {
            deliverer,
            lane,
            epoch,
            waiting,
            batch: None,
            refused,
            noted,
            noted_at,
            whole: Whole::default(),
            signed_in: HashSet::new(),
            present: state.present,
            sources: Sources::told(&state.stale),
            mapped: deliverer.mapping(),
            persons: Persons::new(deliverer.mapping()),
        };
        delivery.remember_told().await?;
        delivery.begin_picture().await?;
        Ok(delivery)
    }

    /// Takes up what the feed tells: all of it where the latest wins, else as much as is sent together. Where the feed no longer
    /// reaches back the whole picture is due.
    async fn take_up(&mut self) -> Result<(), StoreError> {
        let is_enough = |waiting: &Waiting| match self.lane.changes {
            Changes::Latest => false,
            Changes::Every => waiting.count() >= self.lane.at_once,
        };
        while !is_enough(&self.waiting) {
            let Deliverer { store, names, .. } = self.deliverer;
            let page = match store.feed(FeedKind::States, self.waiting.taken_up(), names, PAGE).await {
                Err(StoreError::CursorGone) => {
                    self.whole.is_due = true;
                    return Ok(());
                }
                page => page?,
            };
            let mut changes = Vec::with_capacity(page.entries.len());
            for entry in page.entries {
                let change = StateChange::new(Some(entry.number), state_of(&entry)?);
                if self.deliverer.filter.admits(&change.now) && !self.is_left_out(&change) {
                    changes.push(change);
                }
            }
            self.waiting.take_up(changes, page.cursor);
            if !page.more {
                break;
            }
        }
        self.deliverer.status.waiting(Lane::States, self.waiting.count());
        Ok(())
    }

    /// Sends some of what waits, in order.
    async fn send(&mut self) -> Sent {
        let Some(mut batch) = self.batch.take().or_else(|| self.next_batch()) else { return Sent::Nothing };
        while let Some(document) = batch.documents.front() {
            let (deliverer, lane, document) = (self.deliverer, self.lane, std::slice::from_ref(document));
            let content_key = format!("{}/{}", lane.encoder.name, digest_of(document, 16));
            let outcome = match deliverer.hand(lane.encoder, document, &content_key, Turn::First).await {
                Ok(outcome) => outcome,
                Err(pause) => return self.put_back(batch, pause),
            };
            let now = deliverer.now();
            if let Some((reason, asked)) = failure(&outcome) {
                let failures = deliverer.status.failed(Lane::States, now, reason);
                tracing::debug!(sink.name = %deliverer.name, failures, "states are not taken: {reason}");
                return self.put_back(batch, deliverer.pause(Lane::States, failures, asked));
            }
            deliverer.status.accepted(Lane::States, now);
            batch.documents.pop_front();
            match outcome {
                Outcome::Partly(items) => batch.refused.extend(items),
                Outcome::Refused { reason } | Outcome::TooLarge { reason } => {
                    let all = all_of(&batch.changes, &reason);
                    batch.refused.extend(all);
                }
                Outcome::Accepted | Outcome::Again { .. } | Outcome::Shut { .. } => {}
            }
        }
        self.batch = Some(batch);
        Sent::All
    }

    fn next_batch(&self) -> Option<Batch> {
        let changes = self.waiting.ripe(self.deliverer.now(), self.lane.at_once);
        if changes.is_empty() {
            return None;
        }
        let before = self.persons.before(&changes);
        let encoded = (self.lane.encoder.encode)(&self.deliverer.known_states(&changes, before));
        let (documents, unmapped) = (encoded.documents.into(), encoded.unmapped);
        Some(Batch { changes, documents, refused: Vec::new(), unmapped })
    }

    /// What did not arrive is sent again: the very same where every change counts, else what is the latest by then.
    fn put_back(&mut self, batch: Batch, pause: Duration) -> Sent {
        self.batch = Some(batch).filter(|_| self.lane.changes == Changes::Every);
        Sent::NotNow(pause)
    }

    /// Notes that what was sent has arrived, but for what was refused.
    async fn note(&mut self) -> Result<(), StoreError> {
        let Some(Batch { changes, refused, unmapped, .. }) = self.batch.take() else { return Ok(()) };
        self.waiting.arrived(&changes);
        self.note_signed_in(&changes);
        for change in &changes {
            self.persons.note(&change.now);
        }
        let mut note = self.nothing();
        let now = self.deliverer.now();
        self.deliverer.list(Remarks { unmapped, notes: Vec::new() }, now);
        note.unmapped = self.deliverer.take_listed();
        let still: BTreeSet<Key> = self.of_whom(&changes, &refused).into_iter().collect();
        for (item, (source, agent)) in refused.iter().zip(self.of_whom(&changes, &refused)) {
            note.refused.push((source, agent, item.reason.as_str().into(), item.payload.clone(), now));
        }
        let sent = changes.iter().map(|change| key(&change.now));
        let taken: BTreeSet<Key> =
            sent.filter(|key| self.refused.contains(key) && !still.contains(key)).collect();
        self.refused.retain(|key| !taken.contains(key));
        self.refused.extend(still);
        note.taken.extend(taken);
        self.write(note).await
    }

    /// Whose states were refused. The target may know an agent by another name; one whom it does not name is nobody's.
    fn of_whom(&self, changes: &[StateChange], refused: &[RefusedItem]) -> Vec<Key> {
        if refused.is_empty() {
            return Vec::new();
        }
        let (mut agents, held): (HashMap<String, Key>, _) = (HashMap::new(), self.deliverer.mapping());
        for StateChange { now, .. } in changes {
            agents.insert(held.mapping.person(now).id.to_string(), key(now));
            agents.insert(now.agent_id.to_string(), key(now));
        }
        let nobody = |item: &RefusedItem| ("".into(), item.subject.as_str().into());
        let of = |item: &RefusedItem| agents.get(&item.subject).cloned().unwrap_or_else(|| nobody(item));
        refused.iter().map(of).collect()
    }

    /// Notes what nobody had to be sent, now and then. Answers when there is a look again.
    async fn look_again(&mut self) -> Result<Instant, StoreError> {
        let is_moved = self.waiting.settled().is_some_and(|settled| self.noted.as_ref() != Some(&settled));
        if is_moved && (self.noted.is_none() || self.noted_at.elapsed() >= LOOK) {
            self.write(self.nothing()).await?;
        }
        let ripe = self.waiting.next_ripe().map(|at| at.since(self.deliverer.now()).get().max(1));
        let ripe = ripe.and_then(|wait| u64::try_from(wait).ok()).map(Duration::from_millis);
        Ok(Instant::now() + ripe.map_or(LOOK, |wait| wait.min(LOOK)))
    }

    /// Writes a note, and up to where everything has arrived.
    async fn write(&mut self, mut note: DeliveryNote) -> Result<(), StoreError> {
        let settled = self.waiting.settled();
        note.cursors.extend(settled.clone().map(|cursor| (FeedKind::States, cursor)));
        note.present = self.present_to_note(settled.is_some());
        if settled.is_some() {
            note.hold = self.picture_arrived();
            note.stale = self.returned();
        }
        failpoint!("deliver.states_before_note");
        self.deliverer.store.note_deliveries(note).await?;
        failpoint!("deliver.states_after_note");
        self.noted = settled.or_else(|| self.noted.take());
        self.noted_at = Instant::now();
        self.deliverer.status.waiting(Lane::States, self.waiting.count());
        Ok(())
    }
}

/// What an entry of the feed of states tells.
fn state_of(entry: &FeedEntry) -> Result<AgentNow, StoreError> {
    serde_json::from_str(&entry.body).map_err(|error| StoreError::Damaged {
        what: "entry of the feed of states",
        detail: error.to_string(),
    })
}

/// A message that is refused as a whole is refused for everybody in it; who that is the target does not say.
fn all_of(changes: &[StateChange], reason: &str) -> Vec<RefusedItem> {
    let item = |change: &StateChange| RefusedItem {
        subject: change.now.agent_id.to_string(),
        payload: String::new(),
        reason: reason.to_owned(),
    };
    changes.iter().map(item).collect()
}
