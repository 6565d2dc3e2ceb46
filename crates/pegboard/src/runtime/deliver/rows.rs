//! The lane of reports: every interval that is closed, and every correction, until the target has it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use pegboard_engine::Window;
use pegboard_model::{Millis, SourceName, Timestamp};
use pegboard_sinks::{Ingredient, Lane, Outcome, SinkReport};
use pegboard_store::{
    Cursor, Delivery, DeliveryNote, DeliveryTry, FeedKind, LedgerFilter, Origin, StoreError, TryOutcome,
    Unit, failpoint,
};
use serde::Deserialize;

use super::lasting::{Corrected, tells_what_lasts};
use super::made::{Made, NotMade};
use super::{Deliverer, Turn, failure, removed};
use crate::runtime::reports::interval_at;

/// How many entries of the feed are taken up at once.
const PAGE: usize = 1000;

/// How many units are sent before there is a look at the feed.
const AT_ONCE: usize = 20;

/// How many intervals are put into the ledger in one step.
const STEP: usize = 1000;

/// How often there is a look at what is closed, corrected and due: not at each commit, most of which are about states.
const LOOK: Duration = Duration::from_secs(1);

/// The longest time without a look at what is closed and corrected, whatever the target asks for.
const LONGEST_LOOK: Duration = Duration::from_secs(30);

/// How long corrections are collected before a report is sent again.
const SETTLE: Millis = Millis::from_seconds(2);

/// What an entry of the feed of rows says of itself.
#[derive(Debug, Deserialize)]
struct RowHead<'a> {
    #[serde(borrow)]
    origin: &'a str,
    /// The report and the interval of the row; nothing where a reload has swapped all rows of a stretch.
    #[serde(borrow)]
    report: Option<Cow<'a, str>>,
    interval_start: Option<Timestamp>,
    /// Whose row it is: where it is about agents, the agent.
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    swapped: Option<Stretch>,
}

/// A stretch of time.
#[derive(Debug, Deserialize)]
struct Stretch {
    from: Timestamp,
    to: Timestamp,
}

/// Delivers until the store fails, or somebody else delivers.
pub(super) async fn deliver(
    deliverer: &Deliverer,
    epoch: u64,
    cursor: Option<Cursor>,
) -> Result<(), StoreError> {
    if deliverer.sink.reports().is_empty() || deliverer.sources.is_empty() {
        return std::future::pending().await;
    }
    let mut lane = RowLane::begin(deliverer, epoch, cursor).await?;
    loop {
        lane.take_up_corrections().await?;
        lane.take_up_closed().await?;
        match lane.send_due().await? {
            Due::More => {}
            Due::Done => tokio::time::sleep(LOOK).await,
            Due::NotNow(pause) => tokio::time::sleep(pause.min(LONGEST_LOOK)).await,
        }
    }
}

/// What came of sending what is due.
enum Due {
    /// There may be more.
    More,
    /// There is no more, or it fails.
    Done,
    /// The target takes nothing for this long.
    NotNow(Duration),
}

struct RowLane<'a> {
    deliverer: &'a Deliverer,
    epoch: u64,
    cursor: Cursor,
    /// Up to where intervals are in the ledger.
    listed: Option<Timestamp>,
}

impl<'a> RowLane<'a> {
    /// Goes on where the ledger ends; a sink that is new begins with what is closed from now on.
    async fn begin(deliverer: &'a Deliverer, epoch: u64, cursor: Option<Cursor>) -> Result<Self, StoreError> {
        removed::unpark(&*deliverer.store, &deliverer.name, deliverer.now()).await?;
        deliverer.learn_kinds().await?;
        let is_known = cursor.is_some();
        let cursor = match cursor {
            Some(cursor) => cursor,
            None => deliverer.store.feed_end(FeedKind::Rows).await?,
        };
        let mut lane = Self { deliverer, epoch, cursor, listed: None };
        let newest = deliverer.store.deliveries(&deliverer.name, &LedgerFilter::default(), None, 1).await?;
        lane.listed = newest.first().map(|delivery| lane.end_of(delivery.unit.interval_start));
        if !is_known {
            let note = DeliveryNote { cursors: vec![(FeedKind::Rows, lane.cursor.clone())], ..lane.note() };
            deliverer.store.note_deliveries(note).await?;
        }
        Ok(lane)
    }

    fn note(&self) -> DeliveryNote {
        DeliveryNote::new(self.deliverer.name.clone(), self.epoch)
    }

    /// The end of the interval that begins at `start`.
    fn end_of(&self, start: Timestamp) -> Timestamp {
        self.deliverer.sources.first().map_or(start, |shared| interval_at(&shared.config, start).to)
    }

    /// Takes up which closed intervals were corrected.
    async fn take_up_corrections(&mut self) -> Result<(), StoreError> {
        loop {
            let deliverer = self.deliverer;
            let page = deliverer.store.feed(FeedKind::Rows, &self.cursor, &deliverer.names, PAGE).await;
            let page = match page {
                // What was corrected meanwhile is no longer told: everything that is kept of it is looked at again.
                Err(StoreError::CursorGone) => return self.look_at_all_again().await,
                page => page?,
            };
            let due = deliverer.now() + SETTLE;
            let (mut units, mut corrected) = (BTreeSet::new(), BTreeSet::new());
            for entry in &page.entries {
                let head: RowHead<'_> = serde_json::from_str(&entry.body).map_err(|error| {
                    StoreError::Damaged { what: "entry of the feed of rows", detail: error.to_string() }
                })?;
                if head.origin == Origin::Computed.as_str() {
                    units.extend(self.units_of(&head));
                    corrected.extend(self.corrected(&head, &entry.source));
                }
            }
            let ends = deliverer.ends_of_what_lasts(&corrected).await?;
            units.extend(ends.into_iter().flat_map(|end| self.units_that_tell_the_end(end)));
            let moved = !page.entries.is_empty();
            self.cursor = page.cursor;
            if moved {
                let changed = units.into_iter().map(|unit| (unit, due)).collect();
                let cursors = vec![(FeedKind::Rows, self.cursor.clone())];
                deliverer.store.note_deliveries(DeliveryNote { cursors, changed, ..self.note() }).await?;
                failpoint!("deliver.corrected");
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// The units that are made of what an entry is about, as far as they are in the ledger.
    fn units_of(&self, head: &RowHead<'_>) -> Vec<Unit> {
        let reports = self.deliverer.sink.reports().iter();
        let made_of_it = reports.filter(|report| {
            head.report.as_ref().is_none_or(|name| report.made_of.iter().any(|of| of.report() == name))
        });
        let (from, to) = match (&head.swapped, head.interval_start) {
            (Some(Stretch { from, to }), _) => (*from, *to),
            (None, Some(start)) => (start, start + Millis::new(1)),
            (None, None) => return Vec::new(),
        };
        let end = self.listed.map_or(from, |listed| to.min(listed));
        let next = |start: &Timestamp| Some(self.end_of(*start));
        let starts = || std::iter::successors(Some(from), next).take_while(|start| *start < end);
        let units = |report: &'a SinkReport| {
            let spans = starts().filter_map(move |start| self.span_of(report, start));
            spans
                .filter(|span| Some(span.to) <= self.listed)
                .map(move |span| unit(report, span.from))
                .collect::<Vec<_>>()
        };
        made_of_it.flat_map(units).collect()
    }

    /// What an entry says of agents' time, for reports that tell what lasts.
    fn corrected(&self, head: &RowHead<'_>, source: &SourceName) -> Option<Corrected> {
        if !self.deliverer.sink.reports().iter().any(tells_what_lasts) {
            return None;
        }
        let of_agents = Ingredient::Activities.report();
        let agent = head.key.as_deref().map(Into::into);
        let end = match (&head.swapped, &head.report, head.interval_start) {
            (Some(Stretch { to, .. }), ..) => *to,
            (None, Some(report), Some(start)) if *report == of_agents => self.end_of(start),
            _ => return None,
        };
        Some(Corrected { source: source.clone(), agent, end })
    }

    /// The units that tell of what ended then, as far as they are in the ledger.
    fn units_that_tell_the_end(&self, end: Timestamp) -> Vec<Unit> {
        let reports = self.deliverer.sink.reports().iter().filter(|report| tells_what_lasts(report));
        let unit = |report: &SinkReport| {
            let span = self.span_of(report, end)?;
            (Some(span.to) <= self.listed).then(|| unit(report, span.from))
        };
        reports.filter_map(unit).collect()
    }

    /// From where to where that reaches which the documents of a report are about that hold the interval which begins at `start`.
    fn span_of(&self, report: &SinkReport, start: Timestamp) -> Option<Window> {
        let windows = self.deliverer.windows_of(report, start);
        Some(Window { from: windows.first()?.from, to: windows.last()?.to })
    }

    /// Has every unit of the ledger made again. One whose content is the same is not sent.
    async fn look_at_all_again(&mut self) -> Result<(), StoreError> {
        let store = &self.deliverer.store;
        let cursor = store.feed_end(FeedKind::Rows).await?;
        let due = self.deliverer.now();
        let (all, mut before) = (LedgerFilter::default(), None::<Unit>);
        loop {
            let page = store.deliveries(&self.deliverer.name, &all, before.as_ref(), STEP).await?;
            let Some(last) = page.last() else { break };
            before = Some(last.unit.clone());
            let changed = page.into_iter().map(|delivery| (delivery.unit, due)).collect();
            store.note_deliveries(DeliveryNote { changed, ..self.note() }).await?;
        }
        self.cursor = cursor;
        let cursors = vec![(FeedKind::Rows, self.cursor.clone())];
        store.note_deliveries(DeliveryNote { cursors, ..self.note() }).await
    }

    /// Puts into the ledger what was closed, also intervals in which nothing happened: silence is told, too.
    async fn take_up_closed(&mut self) -> Result<(), StoreError> {
        for shared in &self.deliverer.sources {
            shared.refresh_status().await?;
        }
        let Some(closed) = self.deliverer.closed_until() else { return Ok(()) };
        let Some(mut from) = self.listed else {
            let Some(shared) = self.deliverer.sources.first() else { return Ok(()) };
            let first = match self.deliverer.start {
                Some(start) => start.max(self.deliverer.known_from().await?.unwrap_or(closed)),
                None => closed - Millis::new(1),
            };
            self.listed = Some(interval_at(&shared.config, first).from);
            return Box::pin(self.take_up_closed()).await;
        };
        while from < closed {
            let due = self.deliverer.now();
            let mut changed = Vec::new();
            while from < closed && changed.len() < STEP {
                let end = self.end_of(from);
                let spans = self
                    .deliverer
                    .sink
                    .reports()
                    .iter()
                    .filter_map(|report| Some((report, self.span_of(report, from)?)));
                let complete = spans.filter(|(_, span)| span.to == end);
                changed.extend(complete.map(|(report, span)| (unit(report, span.from), due)));
                from = end;
            }
            self.deliverer.store.note_deliveries(DeliveryNote { changed, ..self.note() }).await?;
            failpoint!("deliver.rows_listed");
            self.listed = Some(from);
        }
        Ok(())
    }

    /// Sends some of what is due.
    async fn send_due(&mut self) -> Result<Due, StoreError> {
        let deliverer = self.deliverer;
        let due = deliverer.store.due_deliveries(&deliverer.name, deliverer.now(), AT_ONCE).await?;
        deliverer.status.waiting(Lane::Rows, due.len());
        if due.is_empty() {
            return Ok(Due::Done);
        }
        let more = due.len() == AT_ONCE;
        let kept_from = deliverer.kept_from().await?;
        for delivery in due {
            let tried = match self.send(&delivery, kept_from).await? {
                Ok(tried) => tried,
                Err(pause) => return Ok(Due::NotNow(pause)),
            };
            let failed = matches!(tried.outcome, TryOutcome::Again { .. });
            failpoint!("deliver.rows_before_note");
            let unmapped = deliverer.take_listed();
            let note = DeliveryNote { tried: vec![tried], unmapped, ..self.note() };
            deliverer.store.note_deliveries(note).await?;
            failpoint!("deliver.rows_after_note");
            if failed {
                // Whatever else is due would fail for the same reason; it is tried when this one is, or a second later.
                return Ok(Due::Done);
            }
        }
        Ok(if more { Due::More } else { Due::Done })
    }

    /// Makes the document of a unit, and sends it unless the target has just this one. Answers what came of it, or for how long the
    /// target is to be left alone.
    async fn send(
        &self,
        delivery: &Delivery,
        kept_from: Timestamp,
    ) -> Result<Result<DeliveryTry, Duration>, StoreError> {
        let deliverer = self.deliverer;
        let tried = |revision, digest, outcome| DeliveryTry {
            unit: delivery.unit.clone(),
            changes: delivery.changes,
            revision,
            digest,
            at: deliverer.now(),
            outcome,
        };
        let untouched = |outcome| Ok(tried(delivery.revision, delivery.digest.clone(), outcome));
        let at = delivery.unit.interval_start;
        let has_one = delivery.acknowledged > 0 && delivery.acknowledged == delivery.revision;
        let Made { encoder, documents, digest, remarks } =
            match deliverer.make(&delivery.unit, kept_from).await? {
                Ok(made) => made,
                Err(NotMade::NotKept) if has_one => return Ok(untouched(TryOutcome::Acknowledged)),
                Err(not) => {
                    let reason = not.to_string().into();
                    if let NotMade::Refused { remarks, .. } = not {
                        deliverer.list(remarks, at);
                    }
                    return Ok(untouched(TryOutcome::Parked { reason }));
                }
            };
        let is_same = delivery.digest.as_deref() == Some(&digest);
        if is_same && delivery.acknowledged == delivery.revision {
            return Ok(untouched(TryOutcome::Acknowledged));
        }
        let revision = if is_same { delivery.revision } else { delivery.revision + 1 };
        let key = format!("{}/{at}/{revision}/{digest}", delivery.unit.report);
        let turn = if delivery.acknowledged > 0 { Turn::Correction } else { Turn::First };
        let outcome = match deliverer.hand(encoder, &documents, &key, turn).await {
            Ok(outcome) => outcome,
            Err(pause) => return Ok(Err(pause)),
        };
        let judged = self.judge(delivery, outcome);
        if !matches!(judged, TryOutcome::Again { .. }) {
            deliverer.list(remarks, at);
        }
        // What was refused was answered: sent again it is another revision, for a key brings the same answer again.
        let known_by = (!matches!(judged, TryOutcome::Parked { .. })).then(|| digest.into());
        Ok(Ok(tried(revision, known_by, judged)))
    }

    /// What the outcome means for the unit, and for what people see.
    fn judge(&self, delivery: &Delivery, outcome: Outcome) -> TryOutcome {
        let (deliverer, now) = (self.deliverer, self.deliverer.now());
        if let Some((reason, asked)) = failure(&outcome) {
            deliverer.status.failed(Lane::Rows, now, reason);
            let pause = deliverer.pause(Lane::Rows, delivery.tries + 1, asked);
            let due = now + Millis::new(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
            return TryOutcome::Again { due, reason: reason.into() };
        }
        deliverer.status.accepted(Lane::Rows, now);
        match outcome {
            // Where one body holds a whole interval, a part of it that is refused makes it incomplete.
            Outcome::Partly(items) => {
                let reasons: Vec<_> =
                    items.iter().map(|item| format!("{}: {}", item.subject, item.reason)).collect();
                TryOutcome::Parked { reason: reasons.join("; ").into() }
            }
            Outcome::Refused { reason } | Outcome::TooLarge { reason } => {
                TryOutcome::Parked { reason: reason.into() }
            }
            Outcome::Accepted | Outcome::Again { .. } | Outcome::Shut { .. } => TryOutcome::Acknowledged,
        }
    }
}

fn unit(report: &SinkReport, interval_start: Timestamp) -> Unit {
    Unit { report: report.encoder.name.into(), interval_start }
}
