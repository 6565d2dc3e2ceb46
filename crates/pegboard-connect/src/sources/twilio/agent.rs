//! Events to what they say about agents.

use std::collections::BTreeSet;
use std::sync::Arc;

use pegboard_model::{
    AgentContact, ContactId, ContactPhase, Direction, EventId, Observation, Order, Status, StatusKind, Text,
    Timestamp, What,
};

use super::event::{Event, Kind, Reservation, Task, Worker};
use super::rest;

/// How a site lets its agents' states be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SiteStyle {
    /// The activity stays as it is while agents work, as in Flex: the state is the activity together with the open
    /// reservations.
    #[default]
    Composed,
    /// A plug-in changes the activity with every contact ("On a Task", "Wrap Up"): the state is the activity alone.
    ActivityAlone,
}

/// Which activities mean what for routing. Events tell their names and ids only; the platform lists what they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activities {
    available: BTreeSet<String>,
    offline: BTreeSet<String>,
}

impl Default for Activities {
    /// Those that every workspace starts with.
    fn default() -> Self {
        Self::new(Self::AVAILABLE, Self::OFFLINE)
    }
}

impl Activities {
    /// The names under which every workspace starts with an available activity, today and in older ones.
    pub const AVAILABLE: [&'static str; 2] = ["Available", "Idle"];
    /// The same of an activity in which nobody works.
    pub const OFFLINE: [&'static str; 1] = ["Offline"];

    /// Activities by id or by name (case does not matter); every other one is neither available nor offline.
    pub fn new<'a>(
        available: impl IntoIterator<Item = &'a str>,
        offline: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let lower = |text: &str| text.to_lowercase();
        Self {
            available: available.into_iter().map(lower).collect(),
            offline: offline.into_iter().map(lower).collect(),
        }
    }

    /// Those that a workspace lists as available, by id; offline are those that the site, or every workspace, calls so.
    pub fn of_workspace<'a>(
        listed: &'a [rest::Activity],
        offline: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let available = listed.iter().filter(|activity| activity.available);
        Self::new(available.map(|activity| &*activity.sid), offline)
    }

    /// The same, with those that a workspace lists as available in place of those that are named.
    pub(super) fn with_available_of(&self, listed: &[rest::Activity]) -> Self {
        Self { offline: self.offline.clone(), ..Self::of_workspace(listed, []) }
    }

    pub(super) fn kind(&self, worker: &Worker) -> StatusKind {
        let id = worker.activity.as_ref().map(|id| id.as_str().to_lowercase());
        let name = worker.activity_name.to_lowercase();
        let among =
            |set: &BTreeSet<String>| set.contains(&name) || id.as_ref().is_some_and(|id| set.contains(id));
        if among(&self.offline) {
            StatusKind::Offline
        } else if among(&self.available) {
            StatusKind::Routable
        } else {
            StatusKind::Aux
        }
    }
}

/// What an event says about its agent: of a reservation, where the site is composed, how it stands; and the activity, which is
/// told with every event of an agent and so repairs one that was lost.
pub fn observations(
    event: &Event,
    style: SiteStyle,
    activities: &Activities,
    order: &Order,
) -> Vec<Observation> {
    let Some(worker) = &event.worker else { return Vec::new() };
    let observed = |id: EventId, what: What| Observation {
        agent: worker.id.clone(),
        at: event.at,
        order: order.clone(),
        id,
        what,
    };
    if event.kind == Kind::WorkerDeleted {
        return vec![observed(event.id.clone(), What::SignOut(None))];
    }
    let contact = match (style, &event.reservation, &event.task) {
        (SiteStyle::Composed, Some(reservation), Some(task)) => of_reservation(event, reservation, task),
        _ => None,
    };
    let activity = activity(event, worker, activities);
    match (contact, activity) {
        (Some(contact), Some(activity)) => {
            let second = EventId::from(format!("{}/activity", event.id).as_str());
            vec![observed(second, activity), observed(event.id.clone(), contact)]
        }
        (contact, activity) => {
            contact.or(activity).map(|what| observed(event.id.clone(), what)).into_iter().collect()
        }
    }
}

/// The activity. Without a version only an event of the agent's own record says that it is the present one.
fn activity(event: &Event, worker: &Worker, activities: &Activities) -> Option<What> {
    let own = matches!(event.kind, Kind::ActivityChanged | Kind::AttributesChanged | Kind::WorkerCreated);
    if worker.activity_name.is_empty() || !(own || worker.version.is_some()) {
        return None;
    }
    let status = Status {
        id: worker.activity.clone(),
        name: worker.activity_name.clone(),
        kind: activities.kind(worker),
    };
    Some(What::Status {
        status: Arc::new(status),
        since: (event.kind == Kind::ActivityChanged).then_some(event.at),
        version: worker.version,
        profile: worker.profile.clone(),
    })
}

fn of_reservation(event: &Event, reservation: &Reservation, task: &Task) -> Option<What> {
    let (phase, word) = match event.kind {
        Kind::ReservationCreated => (ContactPhase::Alerting, "pending"),
        Kind::ReservationAccepted => (ContactPhase::Connected, "accepted"),
        Kind::ReservationWrapUp => (ContactPhase::Wrapping, "wrapping"),
        kind if kind.is_of_reservation() => {
            return Some(What::ContactGone { contact: reservation.id.clone(), version: reservation.version });
        }
        _ => return None,
    };
    let contact = contact(reservation.id.clone(), task, (phase, word), Some(event.at));
    Some(What::Contact { contact, version: reservation.version })
}

/// A contact as its agent has it, in a phase that the platform has a word for.
pub(super) fn contact(
    id: ContactId,
    task: &Task,
    (phase, word): (ContactPhase, &str),
    since: Option<Timestamp>,
) -> AgentContact {
    AgentContact {
        id,
        channel: task.channel.clone(),
        initiation: Text::from(initiation(task.direction)),
        outbound: task.direction == Direction::Outbound,
        monitored: false,
        phase,
        phase_text: word.into(),
        since,
        queue: task.queue.clone(),
    }
}

/// How a contact of this direction began.
pub(super) const fn initiation(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "INBOUND",
        Direction::Outbound => "OUTBOUND",
    }
}
