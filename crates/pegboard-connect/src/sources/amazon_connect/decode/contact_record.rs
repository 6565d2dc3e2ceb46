//! Contact records to legs of contacts.

use pegboard_model::{
    AgentId, AgentLeg, ContactId, ContactLeg, ContactVersion, Direction, Millis, QueueStay, Timestamp,
};

use super::agent_event::{is_monitored, is_outbound};
use super::wire::{AgentInfo, QueueInfo, Record};
use super::words::Words;
use super::{id_of_arn, required, time};
use crate::sources::content_hash::content_hash;
use crate::sources::json::Object;
use crate::sources::{DecodeError, Problem};

/// Ten years. No contact lasts as long, and sums of shorter ones cannot overflow.
const MAX_DURATION_S: i64 = 10 * 366 * 86_400;

/// The leg that a record tells of. Whatever else it holds (endpoints, attributes, recordings) is dropped here.
pub(super) fn leg(record: &Record<'_>, words: &mut Words) -> Result<ContactLeg, DecodeError> {
    let id = required(record.contact_id.as_ref(), "ContactId")?;
    let channel = required(record.channel.as_ref(), "Channel")?;
    let initiation = required(record.initiation_method.as_ref(), "InitiationMethod")?;
    let disconnected = time(record.disconnect_timestamp.as_ref(), "DisconnectTimestamp")?;
    let transferred = time(record.transfer_completed_timestamp.as_ref(), "TransferCompletedTimestamp")?
        .is_some()
        || record.transferred_to_endpoint.is_some();
    let queue =
        record.queue.as_ref().map(|Object(queue)| queue_stay(queue, disconnected, words)).transpose()?;
    let agent = record.agent.as_ref().map(|Object(agent)| agent_leg(agent, transferred, words)).transpose();
    let mut leg = ContactLeg {
        id: ContactId::from(id),
        version: ContactVersion { updated: updated(record, disconnected)?, content: 0 },
        channel: words.channel(channel),
        initiation: words.text(initiation),
        direction: if is_outbound(initiation) { Direction::Outbound } else { Direction::Inbound },
        monitored: is_monitored(initiation),
        queue,
        agent: agent.map_err(|error| error.within("Agent"))?,
        disconnected,
        handed_on: record.next_contact_id.as_ref().is_some_and(|id| !id.is_empty()),
        transferred_in: matches!(initiation, "TRANSFER" | "QUEUE_TRANSFER"),
    };
    leg.version.content = content_hash(id, &leg);
    Ok(leg)
}

/// When the record was last updated. Where it does not say: when the contact ended, else when it began.
fn updated(record: &Record<'_>, disconnected: Option<Timestamp>) -> Result<Timestamp, DecodeError> {
    const NAME: &str = "LastUpdateTimestamp";
    let initiated = time(record.initiation_timestamp.as_ref(), "InitiationTimestamp")?;
    let updated = time(record.last_update_timestamp.as_ref(), NAME)?;
    updated.or(disconnected).or(initiated).ok_or_else(|| DecodeError::missing(NAME))
}

/// The stay in a queue. Its length is what the record says; where it says nothing, the time from entering to
/// leaving, and for a contact that ended in the queue, to the end.
fn queue_stay(
    queue: &QueueInfo<'_>,
    disconnected: Option<Timestamp>,
    words: &mut Words,
) -> Result<QueueStay, DecodeError> {
    let in_queue = |error: DecodeError| error.within("Queue");
    let entered = time(queue.enqueue_timestamp.as_ref(), "EnqueueTimestamp").map_err(in_queue)?;
    let left = time(queue.dequeue_timestamp.as_ref(), "DequeueTimestamp").map_err(in_queue)?;
    let waited = match (queue.duration, entered, left, disconnected) {
        (Some(_), ..) => duration(queue.duration, "Duration").map(Some).map_err(in_queue)?,
        (None, Some(entered), Some(left), _) => {
            Some(span(entered, left, "DequeueTimestamp").map_err(in_queue)?)
        }
        (None, Some(entered), None, Some(end)) => Some(span(entered, end, "DisconnectTimestamp")?),
        _ => None,
    };
    let queue = words.queue(queue.arn.as_ref(), queue.name.as_ref()).map_err(in_queue)?;
    Ok(QueueStay { queue, entered, waited, rang: None })
}

fn agent_leg(agent: &AgentInfo<'_>, transferred: bool, words: &mut Words) -> Result<AgentLeg, DecodeError> {
    let connected = time(agent.connected_to_agent_timestamp.as_ref(), "ConnectedToAgentTimestamp")?;
    let hold = duration(agent.customer_hold_duration, "CustomerHoldDuration")?;
    let paused = duration(agent.agent_pause_duration, "AgentPauseDuration")?;
    let acw_end = time(agent.after_contact_work_end_timestamp.as_ref(), "AfterContactWorkEndTimestamp")?;
    Ok(AgentLeg {
        agent: AgentId::from(words.text(id_of_arn(agent.arn.as_ref(), "ARN")?)),
        login: words.text(agent.username.as_deref().unwrap_or_default()),
        connected,
        talk: duration(agent.agent_interaction_duration, "AgentInteractionDuration")?,
        hold: hold + paused,
        acw: duration(agent.after_contact_work_duration, "AfterContactWorkDuration")?,
        acw_end,
        passed_on: connected.is_some() && transferred,
    })
}

/// A duration in seconds; none is no time.
fn duration(seconds: Option<i64>, name: &str) -> Result<Millis, DecodeError> {
    match seconds.unwrap_or(0) {
        ..0 => Err(DecodeError::field(name, Problem::Negative)),
        seconds @ 0..=MAX_DURATION_S => Ok(Millis::from_seconds(seconds)),
        _ => Err(DecodeError::field(name, Problem::TooLarge)),
    }
}

/// The time between two instants, of which the field `name` gives the second.
fn span(start: Timestamp, end: Timestamp, name: &str) -> Result<Millis, DecodeError> {
    match end.since(start).get() {
        ..0 => Err(DecodeError::field(name, Problem::Negative)),
        millis if millis > MAX_DURATION_S * 1000 => Err(DecodeError::field(name, Problem::TooLarge)),
        millis => Ok(Millis::new(millis)),
    }
}
