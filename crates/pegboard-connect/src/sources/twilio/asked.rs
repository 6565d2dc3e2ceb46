//! A workspace that is asked for what it does not post: its events, as a partition of their own, which activities are available, and
//! how its agents are.
//!
//! The partition is named after the workspace. Its position is the time, in milliseconds since 1970, up to which everything that
//! happened was read: what its watermark says, too. Where somebody stopped asking and begins again, it is another partition.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::{Millis, PartitionId, Position, Timestamp};
use tokio::time::timeout;

use super::agent::{Activities, SiteStyle};
use super::rest::{self, EventsPoller, Polled, Posted, RepairSettings, RestError, TaskRouter, Window};
use super::snapshot::TwilioSnapshots;
use crate::sources::file::Clock;
use crate::spec::{Chunk, Ending, GivenAgain, Opening, PartitionReader, Progress, Record, SourceError};

/// How the names of partitions of events that are asked for begin. The one into which they are posted begins otherwise.
const EVENTS: &str = "twilio-events:";

/// How often it is asked which activities are available.
const LIST_ACTIVITIES_EVERY: Millis = Millis::from_hours(1);

/// How long whoever plans waits for that.
const LIST_ACTIVITIES_WITHIN: Duration = Duration::from_secs(5);

/// How a workspace is asked.
#[derive(Debug, Clone)]
pub struct Asking {
    /// The workspace.
    pub task_router: TaskRouter,
    /// From when on its events are asked for the first time; nothing: from then on. Twilio has those of 30 days.
    pub start: Option<Timestamp>,
    /// How its events are asked for.
    pub repair: RepairSettings,
    /// Whether the workspace says which activities are available; else the site does.
    pub lists_activities: bool,
}

/// Which activities mean what, as far as that is known now. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct KnownActivities(Arc<RwLock<Arc<Activities>>>);

impl KnownActivities {
    pub(super) fn new(activities: Activities) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(activities))))
    }

    pub(super) fn now(&self) -> Arc<Activities> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self, listed: &[rest::Activity]) {
        let activities = Arc::new(self.now().with_available_of(listed));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = activities;
    }
}

/// A workspace that is asked.
#[derive(Debug)]
pub(super) struct Asked {
    asking: Asking,
    pub(super) snapshots: TwilioSnapshots,
    pub(super) posted: Posted,
    activities: KnownActivities,
    /// When it was asked for the first time what there is to read.
    began: OnceLock<Timestamp>,
    /// When its activities were listed.
    listed: Mutex<Option<Timestamp>>,
}

impl Asked {
    pub(super) fn new(asking: Asking, style: SiteStyle, activities: KnownActivities) -> Self {
        let snapshots = TwilioSnapshots::sharing(asking.task_router.clone(), style, activities.clone());
        let (posted, began, listed) = (Posted::default(), OnceLock::new(), Mutex::default());
        Self { asking, snapshots, posted, activities, began, listed }
    }

    /// Whether a partition is one of events that are asked for.
    pub(super) fn is_asked_for(partition: &PartitionId) -> bool {
        partition.as_str().starts_with(EVENTS)
    }

    /// Asks for a little of everything that is asked for later.
    pub(super) async fn probe(&self, style: SiteStyle, now: Timestamp) -> Result<String, SourceError> {
        let task_router = &self.asking.task_router;
        let workers = task_router.workers().await?;
        let activities = task_router.activities().await?;
        task_router.events(Window { from: now - Millis::from_minutes(1), to: now }).await?;
        if style == SiteStyle::Composed {
            task_router.open_tasks().await?;
        }
        let available: Vec<&str> = activities
            .iter()
            .filter(|activity| activity.available)
            .map(|activity| &*activity.friendly_name)
            .collect();
        Ok(format!(
            "workspace {} has {} agents and {} activities, of which available are: {}",
            task_router.workspace(),
            workers.len(),
            activities.len(),
            available.join(", ")
        ))
    }

    /// Asks which activities are available, where that is due. Where there is no answer, what was known goes on, and the next plan
    /// asks again.
    pub(super) async fn learn_activities(&self, now: Timestamp) {
        let is_fresh = |listed: Timestamp| now.since(listed) < LIST_ACTIVITIES_EVERY;
        let last = *self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.asking.lists_activities || last.is_some_and(is_fresh) {
            return;
        }
        let asked = timeout(LIST_ACTIVITIES_WITHIN, self.asking.task_router.activities()).await;
        if let Ok(Ok::<_, RestError>(listed)) = asked {
            self.activities.take(&listed);
            *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        }
    }

    /// Where its events are read on.
    pub(super) fn opening(&self, known: &BTreeMap<PartitionId, Progress>, clock: &Clock) -> Opening {
        let prefix = format!("{EVENTS}{}#", self.asking.task_router.workspace());
        let its = || known.iter().filter(|(partition, _)| partition.as_str().starts_with(&prefix));
        let started = its().find_map(|(partition, progress)| match progress {
            Progress::Started { position, watermark } => Some((partition, position, *watermark)),
            Progress::Finished => None,
        });
        if let Some((partition, position, watermark)) = started {
            let (partition, from) = (partition.clone(), position.clone());
            return Opening { partition, from, watermark, parents: Vec::new() };
        }
        let generation = its().count() + 1;
        let began = *self.began.get_or_init(|| clock());
        // Whoever begins again does not begin before he stopped.
        let start = self.asking.start.filter(|_| generation == 1).unwrap_or(began);
        let partition = PartitionId::from(format!("{prefix}{generation}"));
        Opening { partition, from: position(start), watermark: None, parents: Vec::new() }
    }

    /// Its events from `from` to `to`, asked for once more: those that were posted, too.
    pub(super) fn given_again(&self, from: Timestamp, to: Timestamp, clock: &Clock) -> GivenAgain {
        let Asking { task_router, repair, .. } = self.asking.clone();
        let now = clock();
        let reaches = now - rest::REACH;
        let name = format!("events of workspace {}", task_router.workspace());
        let partition = PartitionId::from(format!("{EVENTS}{}#again", task_router.workspace()));
        // Nothing of what is younger is said to be complete.
        let until = to.min(now - repair.settle);
        let poller = EventsPoller::new(task_router, from.max(reaches), repair, clock.clone());
        let reader = Ending::at(until, Box::new(EventsReader { poller, clock: clock.clone() }));
        GivenAgain { name, reaches: Some(reaches), readers: vec![(partition, reader)] }
    }

    /// Reads its events.
    pub(super) fn open(
        &self,
        opening: &Opening,
        clock: &Clock,
    ) -> Result<Box<dyn PartitionReader>, SourceError> {
        let complete = match &opening.from {
            Position::Number(millis) => i64::try_from(*millis).ok().map(Timestamp::from_millis),
            Position::Sequence(_) => None,
        };
        let Some(complete) = complete else {
            let message = format!("{}: {} is no time in milliseconds", opening.partition, opening.from);
            return Err(SourceError::permanent(message));
        };
        let Asking { task_router, repair, .. } = self.asking.clone();
        let poller = EventsPoller::new(task_router, complete, repair, clock.clone());
        Ok(Box::new(EventsReader { poller: poller.leaving_out(self.posted.clone()), clock: clock.clone() }))
    }
}

fn position(complete: Timestamp) -> Position {
    Position::Number(complete.as_millis().unsigned_abs())
}

/// The events of a workspace, being asked for.
struct EventsReader {
    poller: EventsPoller,
    clock: Clock,
}

impl std::fmt::Debug for EventsReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventsReader").field("poller", &self.poller).finish_non_exhaustive()
    }
}

#[async_trait]
impl PartitionReader for EventsReader {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        let Polled { events, complete_until, lost, is_caught_up } = self.poller.next().await?;
        let position = position(complete_until);
        // Each has a place of its own, in order: as many digits as any other.
        let place = |number: usize| Position::Sequence(format!("{position}/{number:05}").into());
        let records = events.into_iter().enumerate();
        let records = records.map(|(number, data)| Record { position: place(number), data }).collect();
        let behind = if is_caught_up { Millis::ZERO } else { (self.clock)().since(complete_until) };
        Ok(Chunk {
            records,
            watermark: Some(complete_until),
            behind: Some(behind.max(Millis::ZERO)),
            gap: lost,
            ..Chunk::at(position)
        })
    }
}
