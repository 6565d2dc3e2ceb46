//! The lanes of raw events: what a source brought goes out as it came, event by event and in order.
//!
//! Each lane of the sink runs for each source beside all others, and notes how far it is done. What a sink has not taken
//! before the store lets go of it is lost to it: that is counted, told, and stands among the dead letters.

mod status;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use pegboard_model::{Millis, Timestamp};
use pegboard_sinks::{
    Begins, EventLane, EventLaneKind, EventOutcome, EventSource, Lane, RefusedItem, SourceEvent,
};
use pegboard_store::{DeliveryNote, DeliveryTry, EventMark, RowsOf, StoreError, TryOutcome, Unit, failpoint};
use tokio::time::Instant;

pub use self::status::EventLaneShown;
pub(super) use self::status::{EventStatus, LaneOf};
use super::Deliverer;
use crate::runtime::source::Shared;

/// How many events are read at once.
const PAGE: usize = 500;

/// How often there is a look at what has come, where nobody tells of it.
const LOOK: Duration = Duration::from_secs(1);

/// How far before the present a source counts as read: what was read by then may be committed a little later.
const SETTLE: Millis = Millis::from_seconds(5);

/// How many of the events that are done with a lane is reminded of when it begins again.
const REMEMBERED: u64 = 20_000;

/// A lane at work.
type Running<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// Delivers until the store fails, or somebody else delivers.
pub(super) async fn deliver(deliverer: &Deliverer, epoch: u64) -> Result<(), StoreError> {
    let lanes = deliverer.sink.event_lanes();
    if lanes.is_empty() || deliverer.sources.is_empty() {
        return std::future::pending().await;
    }
    let marks = deliverer.store.event_marks(&deliverer.name).await?;
    let mut running: Vec<Running<'_>> = Vec::new();
    for shared in &deliverer.sources {
        for kind in lanes {
            let is_its = |mark: &&EventMark| *mark.lane == *kind.name && mark.source == shared.config.name;
            let done = marks.iter().find(is_its).map(|mark| mark.done);
            let place = Place { deliverer, epoch, kind, shared };
            running.push(Box::pin(async move { place.run(done).await }));
        }
    }
    poll_fn(|context| {
        let ended = running.iter_mut().map(|lane| lane.as_mut().poll(context)).find(Poll::is_ready);
        ended.unwrap_or(Poll::Pending)
    })
    .await
}

/// Where a lane stands: for which sink, under which epoch, of which source.
#[derive(Clone, Copy)]
struct Place<'a> {
    deliverer: &'a Deliverer,
    epoch: u64,
    kind: &'a EventLaneKind,
    shared: &'a Shared,
}

impl<'a> Place<'a> {
    async fn run(self, done: Option<u64>) -> Result<(), StoreError> {
        let mut done = match done {
            Some(done) => done,
            None => self.begin().await?,
        };
        loop {
            let Shared { config, .. } = self.shared;
            let source = EventSource { name: &config.name, statuses: &config.statuses, done };
            let Some(lane) = self.deliverer.sink.open_events(self.kind, source) else {
                return std::future::pending().await;
            };
            let mut open = Open { place: self, lane, done, taken: done, failures: 0, asked: None };
            open.remember().await?;
            open.run().await?;
            done = open.done;
        }
    }

    /// Decides where the lane begins, for good.
    async fn begin(self) -> Result<u64, StoreError> {
        let page = self.deliverer.store.raw_events(&self.shared.config.name, 0, 1).await?;
        let oldest = page.events.first().map_or(page.head, |event| event.number - 1);
        let done = match self.kind.begins {
            Begins::Oldest => oldest,
            Begins::Newest => page.head,
        };
        let note = DeliveryNote { marks: vec![self.mark(done)], ..self.note() };
        self.deliverer.store.note_deliveries(note).await?;
        Ok(done)
    }

    fn note(self) -> DeliveryNote {
        DeliveryNote::new(self.deliverer.name.clone(), self.epoch)
    }

    fn mark(self, done: u64) -> EventMark {
        EventMark { lane: self.kind.name.into(), source: self.shared.config.name.clone(), done }
    }

    fn lane_of(self) -> LaneOf<'a> {
        LaneOf { lane: self.kind.name, source: &self.shared.config.name }
    }
}

/// The event behind which a lane is reminded of those that are done with.
const fn remembered_after(done: u64) -> u64 {
    done.saturating_sub(REMEMBERED)
}

/// A lane that is open.
struct Open<'a> {
    place: Place<'a>,
    lane: Box<dyn EventLane>,
    /// The last event that is done with.
    done: u64,
    /// The last event that the lane was handed.
    taken: u64,
    failures: u64,
    /// When it was last asked up to when the source is read.
    asked: Option<Instant>,
}

impl Open<'_> {
    async fn remember(&mut self) -> Result<(), StoreError> {
        let (store, source) = (&self.place.deliverer.store, &self.place.shared.config.name);
        let mut after = remembered_after(self.done);
        while after < self.done {
            let page = store.raw_events(source, after, PAGE).await?;
            let Some(last) = page.events.last() else { return Ok(()) };
            after = last.number;
            for event in page.events.iter().filter(|event| event.number <= self.done) {
                self.lane.remember(SourceEvent { number: event.number, at: event.at, data: &event.data });
            }
        }
        Ok(())
    }

    /// Hands over and sends, until the lane is to be opened again.
    async fn run(&mut self) -> Result<(), StoreError> {
        let mut woken = self.place.deliverer.store.woken();
        loop {
            woken.borrow_and_update();
            match self.lane.send().await {
                EventOutcome::Done { done, refused } => {
                    failpoint!("deliver.events_sent");
                    self.note(done, refused).await?;
                    continue;
                }
                EventOutcome::Again { reason } => {
                    self.failed(&reason).await;
                    continue;
                }
                EventOutcome::Reopen => return Ok(()),
                EventOutcome::Nothing => self.went_well(0),
            }
            if self.hand_over().await? {
                continue;
            }
            tokio::select! {
                _ = woken.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn note(&mut self, done: u64, refused: Vec<RefusedItem>) -> Result<(), StoreError> {
        let (deliverer, source) = (self.place.deliverer, &self.place.shared.config.name);
        let now = deliverer.now();
        let refused = refused.into_iter().map(|RefusedItem { subject, payload, reason }| {
            (source.clone(), subject.as_str().into(), reason.into(), payload, now)
        });
        let marks = vec![self.place.mark(done)];
        let note = DeliveryNote { marks, refused: refused.collect(), ..self.place.note() };
        deliverer.store.note_deliveries(note).await?;
        let events = done.saturating_sub(self.done);
        self.done = done;
        self.went_well(events);
        Ok(())
    }

    fn went_well(&mut self, events: u64) {
        self.failures = 0;
        let deliverer = self.place.deliverer;
        deliverer.events.went_well(self.place.lane_of(), deliverer.now(), events, &*self.lane);
    }

    async fn failed(&mut self, reason: &str) {
        let deliverer = self.place.deliverer;
        self.failures += 1;
        deliverer.events.failed(self.place.lane_of(), deliverer.now(), self.failures, reason);
        tracing::debug!(sink.name = %deliverer.name, lane = self.place.kind.name, "events are not taken: {reason}");
        tokio::time::sleep(deliverer.pause(Lane::States, self.failures, None)).await;
    }

    /// Hands over what has come. Answers whether there is more to do at once.
    async fn hand_over(&mut self) -> Result<bool, StoreError> {
        if !self.lane.has_room() {
            return Ok(true);
        }
        let Place { deliverer, shared, .. } = self.place;
        // Before the page: what was read by then is in it.
        let read_to = self.read_to().await?;
        let page = deliverer.store.raw_events(&shared.config.name, self.taken, PAGE).await?;
        let kept_from = page.events.first().map_or(page.head + 1, |event| event.number);
        if kept_from > self.taken + 1 {
            self.lose(kept_from - 1).await?;
        }
        for event in &page.events {
            if !self.lane.has_room() {
                break;
            }
            self.lane.take(SourceEvent { number: event.number, at: event.at, data: &event.data });
            self.taken = event.number;
        }
        deliverer.events.waiting(self.place.lane_of(), page.head.saturating_sub(self.taken));
        if let Some(read_to) = read_to.filter(|_| page.events.is_empty()) {
            self.lane.pass(read_to);
        }
        Ok(!page.events.is_empty() || !self.lane.has_room())
    }

    /// Up to when everything of the source is in the store, asked now and then.
    async fn read_to(&mut self) -> Result<Option<Timestamp>, StoreError> {
        if self.asked.is_some_and(|asked| asked.elapsed() < LOOK) {
            return Ok(None);
        }
        self.asked = Some(Instant::now());
        let Place { deliverer, shared, .. } = self.place;
        shared.refresh_status().await?;
        let now = deliverer.now() - SETTLE;
        Ok(shared.status.watermark(RowsOf::Agents).map(|watermark| watermark.min(now)))
    }

    /// The events up to `last` are no longer kept: that is a dead letter.
    async fn lose(&mut self, last: u64) -> Result<(), StoreError> {
        let (deliverer, now) = (self.place.deliverer, self.place.deliverer.now());
        let (first, source) = (self.taken + 1, &self.place.shared.config.name);
        let count = last - self.taken;
        let reason = format!(
            "{count} events of {source} ({first} to {last}) were not taken before the store let go of them; they are lost to this sink"
        );
        tracing::error!(sink.name = %deliverer.name, lane = self.place.kind.name, "{reason}");
        let unit = Unit { report: self.place.kind.name.into(), interval_start: now };
        let tried = DeliveryTry {
            unit: unit.clone(),
            changes: 1,
            revision: 1,
            digest: None,
            at: now,
            outcome: TryOutcome::Parked { reason: reason.into() },
        };
        let note = DeliveryNote { changed: vec![(unit, now)], tried: vec![tried], ..self.place.note() };
        deliverer.store.note_deliveries(note).await?;
        deliverer.events.lost(self.place.lane_of(), count);
        self.taken = last;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_a_lane_is_reminded_of_the_last_20_000_events() {
        assert_eq!(remembered_after(0), 0);
        assert_eq!(remembered_after(20_000), 0);
        assert_eq!(remembered_after(20_001), 1);
    }
}
