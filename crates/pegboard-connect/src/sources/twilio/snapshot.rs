//! How the agents of a workspace are right now: their activities, and where the site is composed the contacts that they have.
//!
//! - Agents are one list. Which contacts an agent has no list tells: each open task is asked for its reservations; where only a few agents are
//!   looked at, each of them is.
//! - Everything is as it was when the agents were listed. A reservation that changed since then says nothing of that time, and leaves its agent
//!   unclear.
//! - Everybody is shown, whoever is offline too, as in events: TaskRouter knows no sign-out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use http::StatusCode;
use pegboard_model::{AgentContact, AgentId, ContactId, ContactPhase, Snapshot, Status, Timestamp};
use serde_json::{Value, json};

use super::agent::{Activities, SiteStyle, contact};
use super::asked::KnownActivities;
use super::event::{self, Task};
use super::fields::Fields;
use super::rest::{self, HeldReservation, Holder, OpenTask, RestError, Sid, TaskRouter};
use crate::sources::DecodeError;
use crate::spec::{Look, Shown, Snapshots, SourceError, Whom};

/// The most tasks, or agents, that are asked for their reservations in one look.
pub const MOST_QUESTIONS: usize = 2000;

/// Looks at the agents of a workspace.
#[derive(Debug)]
pub struct TwilioSnapshots {
    task_router: TaskRouter,
    style: SiteStyle,
    activities: KnownActivities,
}

/// What agents have, as far as that can be said.
#[derive(Debug, Default)]
struct Held {
    contacts: HashMap<String, Vec<AgentContact>>,
    unclear: HashSet<String>,
}

impl TwilioSnapshots {
    /// Looks at a workspace in the way in which its events are read.
    pub fn new(task_router: TaskRouter, style: SiteStyle, activities: Activities) -> Self {
        Self::sharing(task_router, style, KnownActivities::new(activities))
    }

    /// The same, with what becomes known of activities.
    pub(super) const fn sharing(
        task_router: TaskRouter,
        style: SiteStyle,
        activities: KnownActivities,
    ) -> Self {
        Self { task_router, style, activities }
    }

    /// The contacts that agents had at `asked`.
    async fn held(
        &self,
        workers: &[rest::Worker],
        at: Whom<'_>,
        asked: Timestamp,
    ) -> Result<Held, SourceError> {
        let tasks = self.task_router.open_tasks().await?;
        let holders: Vec<&str> = match at {
            Whom::Everybody => tasks.iter().map(|task| &*task.sid).collect(),
            Whom::Only(_) => workers.iter().map(|worker| &*worker.sid).collect(),
        };
        if holders.len() > MOST_QUESTIONS {
            return Err(SourceError::passing(format!(
                "TaskRouter has {} contacts that are with agents: no more than {MOST_QUESTIONS} are looked at",
                holders.len()
            )));
        }
        let by_sid: HashMap<&str, &OpenTask> = tasks.iter().map(|task| (&*task.sid, task)).collect();
        let mut held = Held::default();
        for holder in holders {
            let Ok(sid) = holder.parse::<Sid>() else { continue };
            let holder = match at {
                Whom::Everybody => Holder::Task(&sid),
                Whom::Only(_) => Holder::Worker(&sid),
            };
            for reservation in self.reservations(holder).await? {
                held.take(reservation, &by_sid, asked);
            }
        }
        Ok(held)
    }

    /// What is gone in the meantime has none.
    async fn reservations(&self, of: Holder<'_>) -> Result<Vec<HeldReservation>, RestError> {
        match self.task_router.reservations(of).await {
            Err(RestError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(Vec::new()),
            outcome => outcome,
        }
    }

    fn snapshot(&self, worker: &rest::Worker, contacts: Vec<AgentContact>) -> Option<Snapshot> {
        let fields = fields(json!({
            "worker_sid": worker.sid, "worker_name": worker.friendly_name, "worker_attributes": worker.attributes,
            "worker_activity_sid": worker.activity_sid, "worker_activity_name": worker.activity_name,
        }));
        let known = event::worker(&fields).ok().flatten().filter(|known| !known.activity_name.is_empty())?;
        let kind = self.activities.now().kind(&known);
        let status = Status { kind, id: known.activity, name: known.activity_name };
        // A list may leave the attributes out: then the name is not known.
        let profile = known.profile.filter(|_| worker.attributes.is_some());
        Some(Snapshot {
            status: Arc::new(status),
            status_since: worker.date_status_changed,
            contacts,
            profile,
        })
    }
}

#[async_trait]
impl Snapshots for TwilioSnapshots {
    async fn look(&self, at: Whom<'_>) -> Result<Look, SourceError> {
        let (mut workers, asked) = self.task_router.workers_at().await?;
        if let Whom::Only(agents) = at {
            workers.retain(|worker| agents.iter().any(|agent| agent.as_str() == worker.sid));
        }
        let mut held = match self.style {
            SiteStyle::Composed => self.held(&workers, at, asked).await?,
            SiteStyle::ActivityAlone => Held::default(),
        };
        let mut look = Look { began: asked, shown: Vec::with_capacity(workers.len()), unclear: Vec::new() };
        let mut seen = HashSet::with_capacity(workers.len());
        // Pages change while they are read: who moved from one to another is there twice.
        for worker in workers.iter().filter(|worker| seen.insert(&*worker.sid)) {
            let agent = AgentId::from(&*worker.sid);
            let contacts = held.contacts.remove(&worker.sid).unwrap_or_default();
            // What was listed before the look was asked for, and changed since, is not as it was.
            let snapshot = self.snapshot(worker, contacts).filter(|_| !held.unclear.contains(&worker.sid));
            match snapshot {
                Some(snapshot) => look.shown.push(Shown { agent, at: asked, snapshot }),
                None => look.unclear.push(agent),
            }
        }
        Ok(look)
    }
}

impl Held {
    fn take(&mut self, reservation: HeldReservation, tasks: &HashMap<&str, &OpenTask>, asked: Timestamp) {
        let phase = match &*reservation.reservation_status {
            // The feed for WFM partners has a word of its own for the first.
            "pending" | "created" => Some((ContactPhase::Alerting, "pending")),
            "accepted" => Some((ContactPhase::Connected, "accepted")),
            "wrapping" => Some((ContactPhase::Wrapping, "wrapping")),
            _ => None,
        };
        if reservation.date_updated.is_some_and(|updated| updated > asked) {
            self.unclear.insert(reservation.worker_sid);
            return;
        }
        let Some(phase) = phase else { return };
        // An open reservation of a task that is not listed as open: one of the two has just changed.
        let task = tasks.get(&*reservation.task_sid).and_then(|task| read(task).ok().flatten());
        let Some(task) = task else {
            self.unclear.insert(reservation.worker_sid);
            return;
        };
        let contact = contact(ContactId::from(&*reservation.sid), &task, phase, reservation.date_updated);
        let contacts = self.contacts.entry(reservation.worker_sid).or_default();
        if contacts.iter().all(|known| known.id != contact.id) {
            contacts.push(contact);
        }
    }
}

/// A task as events would tell it.
fn read(task: &OpenTask) -> Result<Option<Task>, DecodeError> {
    event::task(&fields(json!({
        "task_sid": task.sid, "task_attributes": task.attributes, "task_channel_unique_name": task.task_channel_unique_name,
        "task_queue_sid": task.task_queue_sid, "task_queue_name": task.task_queue_friendly_name,
    })))
}

fn fields(said: Value) -> Fields {
    let mut fields = Fields::default();
    if let Value::Object(said) = said {
        fields.take(&said);
    }
    fields
}
