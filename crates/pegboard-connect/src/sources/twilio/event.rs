//! One event of TaskRouter, the same whichever way it came.

use std::sync::Arc;

use pegboard_model::{
    AgentId, AgentProfile, Channel, ContactId, Direction, EventId, Queue, QueueId, StatusId, Text, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::fields::Fields;
use crate::sources::DecodeError;

/// What happened. As documented in the [events reference].
///
/// [events reference]: https://www.twilio.com/docs/taskrouter/api/event/reference
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "they are the platform's own names")]
pub enum Kind {
    WorkerCreated,
    ActivityChanged,
    AttributesChanged,
    WorkerDeleted,
    ReservationCreated,
    ReservationAccepted,
    ReservationRejected,
    ReservationTimedOut,
    ReservationCanceled,
    ReservationRescinded,
    ReservationFailed,
    ReservationWrapUp,
    ReservationCompleted,
    TaskCanceled,
    TaskCompleted,
    TaskDeleted,
    TaskSystemDeleted,
    TransferInitiated,
    QueueEntered,
    QueueLeft,
    WorkflowEnded,
    /// Anything else: it tells nothing that is needed.
    Other,
}

impl Kind {
    fn parse(text: &str) -> Self {
        match text {
            "worker.created" => Self::WorkerCreated,
            // The older name is in canned answers still.
            "worker.activity.update" | "worker.activity" => Self::ActivityChanged,
            "worker.attributes.update" => Self::AttributesChanged,
            "worker.deleted" => Self::WorkerDeleted,
            "reservation.created" => Self::ReservationCreated,
            "reservation.accepted" => Self::ReservationAccepted,
            "reservation.rejected" => Self::ReservationRejected,
            "reservation.timeout" => Self::ReservationTimedOut,
            "reservation.canceled" => Self::ReservationCanceled,
            "reservation.rescinded" => Self::ReservationRescinded,
            "reservation.failed" => Self::ReservationFailed,
            "reservation.wrapup" => Self::ReservationWrapUp,
            "reservation.completed" => Self::ReservationCompleted,
            "task.canceled" => Self::TaskCanceled,
            "task.completed" => Self::TaskCompleted,
            "task.deleted" => Self::TaskDeleted,
            "task.system-deleted" => Self::TaskSystemDeleted,
            "task.transfer-initiated" => Self::TransferInitiated,
            "task-queue.entered" => Self::QueueEntered,
            "task-queue.moved" | "task-queue.timeout" => Self::QueueLeft,
            "workflow.timeout" | "workflow.skipped" => Self::WorkflowEnded,
            _ => Self::Other,
        }
    }

    /// Whether it is about a reservation that an agent has, or had.
    pub(super) const fn is_of_reservation(self) -> bool {
        matches!(
            self,
            Self::ReservationCreated
                | Self::ReservationAccepted
                | Self::ReservationRejected
                | Self::ReservationTimedOut
                | Self::ReservationCanceled
                | Self::ReservationRescinded
                | Self::ReservationFailed
                | Self::ReservationWrapUp
                | Self::ReservationCompleted
        )
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id (`EV...`), by which it is known whichever way it comes.
    pub id: EventId,
    /// What happened.
    pub kind: Kind,
    /// When, by Twilio's clock.
    pub at: Timestamp,
    /// The agent that it is about.
    pub worker: Option<Worker>,
    /// The contact that it is about.
    pub task: Option<Task>,
    /// The reservation that it is about.
    pub reservation: Option<Reservation>,
}

/// An agent, as an event shows him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Who (`WK...`).
    pub id: AgentId,
    /// The activity's id (`WA...`), where the event tells.
    pub activity: Option<StatusId>,
    /// The activity's name; empty where the event does not tell.
    pub activity_name: Text,
    /// The version of the agent's record.
    pub version: Option<u64>,
    /// Who that is, where the event tells.
    pub profile: Option<Arc<AgentProfile>>,
}

/// A contact, as an event shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Which (`WT...`).
    pub id: Text,
    /// The version of its record.
    pub version: Option<u64>,
    /// Its channel: that of its attributes where several ride on one task channel.
    pub channel: Channel,
    /// Who began it; the customer, unless its attributes say otherwise.
    pub direction: Direction,
    /// The queue that it is in, or was in last.
    pub queue: Option<Arc<Queue>>,
    /// When it entered that, to the second.
    pub queue_entered: Option<Timestamp>,
    /// Why it was canceled, in the words of whoever did.
    pub canceled_reason: Option<Text>,
    /// Of a transfer: the reservation of the agent who passes it on.
    pub transferred_by: Option<ContactId>,
}

/// A reservation: a contact at an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Which (`WR...`).
    pub id: ContactId,
    /// The version of its record.
    pub version: Option<u64>,
}

impl Event {
    /// Reads an event. What an event of its kind is about must be there.
    pub(super) fn read(fields: &Fields) -> Result<Self, DecodeError> {
        let kind = Kind::parse(fields.required("event_type")?);
        let id = fields.required("sid")?.into();
        let at = ["timestamp_ms", "event_date_ms", "timestamp", "event_date"];
        let at = at.into_iter().find_map(|name| fields.time(name).transpose()).transpose()?;
        let at = at.ok_or_else(|| DecodeError::missing("timestamp"))?;
        let event = Self {
            id,
            kind,
            at,
            worker: worker(fields)?,
            task: task(fields)?,
            reservation: reservation(fields)?,
        };
        event.must_be_about(fields)?;
        Ok(event)
    }

    fn must_be_about(&self, fields: &Fields) -> Result<(), DecodeError> {
        let needs_worker = matches!(
            self.kind,
            Kind::WorkerCreated | Kind::ActivityChanged | Kind::AttributesChanged | Kind::WorkerDeleted
        );
        let of_reservation = self.kind.is_of_reservation();
        if needs_worker || (of_reservation && self.kind != Kind::ReservationFailed) {
            fields.required("worker_sid")?;
        }
        if self.kind == Kind::ActivityChanged {
            fields.required("worker_activity_name")?;
        }
        if of_reservation {
            fields.required("reservation_sid")?;
        }
        if !needs_worker && self.kind != Kind::Other {
            fields.required("task_sid")?;
        }
        Ok(())
    }
}

pub(super) fn worker(fields: &Fields) -> Result<Option<Worker>, DecodeError> {
    let Some(id) = fields.get("worker_sid") else { return Ok(None) };
    Ok(Some(Worker {
        id: id.into(),
        activity: fields.get("worker_activity_sid").map(StatusId::from),
        activity_name: fields.get("worker_activity_name").unwrap_or_default().into(),
        version: fields.number("worker_version")?,
        profile: profile(fields),
    }))
}

/// Who an agent is: the login is the worker's name, the rest is in the attributes that Flex keeps there.
fn profile(fields: &Fields) -> Option<Arc<AgentProfile>> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Attributes {
        full_name: String,
        team_name: String,
    }

    let login = fields.get("worker_name")?;
    // Attributes are the site's own: whatever cannot be read tells nothing.
    let attributes: Attributes =
        fields.get("worker_attributes").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let name = if attributes.full_name.is_empty() { login } else { &attributes.full_name };
    Some(Arc::new(AgentProfile {
        login: login.into(),
        name: name.into(),
        team: attributes.team_name.into(),
        ..AgentProfile::default()
    }))
}

pub(super) fn task(fields: &Fields) -> Result<Option<Task>, DecodeError> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Attributes {
        direction: Option<String>,
        #[serde(rename = "channelType")]
        channel_type: Option<String>,
    }

    let Some(id) = fields.get("task_sid") else { return Ok(None) };
    let attributes: Attributes =
        fields.get("task_attributes").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let outbound = attributes.direction.is_some_and(|text| text.eq_ignore_ascii_case("outbound"));
    let queue = fields.get("task_queue_sid").map(|id| {
        let name = fields.get("task_queue_name").unwrap_or(id);
        Arc::new(Queue { id: QueueId::from(id), name: name.into(), personal: false })
    });
    Ok(Some(Task {
        id: id.into(),
        version: fields.number("task_version")?,
        channel: channel(fields.get("task_channel_unique_name"), attributes.channel_type.as_deref()),
        direction: if outbound { Direction::Outbound } else { Direction::Inbound },
        queue,
        queue_entered: fields.time("task_queue_entered_date")?,
        canceled_reason: fields.get("task_canceled_reason").or_else(|| fields.get("reason")).map(Text::from),
        transferred_by: fields.get("transfer_initiating_reservation_sid").map(ContactId::from),
    }))
}

/// Voice is voice; on any other task channel the attributes know better what it is.
fn channel(task_channel: Option<&str>, channel_type: Option<&str>) -> Channel {
    let named = task_channel.unwrap_or("default");
    let text = if named.eq_ignore_ascii_case("voice") { named } else { channel_type.unwrap_or(named) };
    match text.to_ascii_lowercase().as_str() {
        "default" => Channel::Task,
        text => Channel::from(text.to_ascii_uppercase().as_str()),
    }
}

fn reservation(fields: &Fields) -> Result<Option<Reservation>, DecodeError> {
    let Some(id) = fields.get("reservation_sid") else { return Ok(None) };
    Ok(Some(Reservation { id: id.into(), version: fields.number("reservation_version")? }))
}
