//! Agent events to observations.

use std::sync::Arc;

use pegboard_model::{
    AgentContact, AgentId, AgentProfile, ContactId, ContactPhase, EventId, Observation, Order, Snapshot,
    StatusKind, What,
};

use super::wire::{AgentSnapshot, Contact, Record};
use super::words::Words;
use super::{id_of_arn, required, time};
use crate::sources::DecodeError;
use crate::sources::json::Object;
use crate::sources::scan::Repeated;

/// The observation that an event is; nothing for an event of a kind that is not known and shows no agent.
pub(super) fn observation(
    event: &Record<'_>,
    profile: Option<Arc<AgentProfile>>,
    order: Order,
    words: &mut Words,
) -> Result<Option<Observation>, DecodeError> {
    let agent = id_of_arn(event.agent_arn.as_ref(), "AgentARN")?;
    let id = required(event.event_id.as_ref(), "EventId")?;
    let at = time(event.event_timestamp.as_ref(), "EventTimestamp")?
        .ok_or_else(|| DecodeError::missing("EventTimestamp"))?;
    let kind = required(event.event_type.as_ref(), "EventType")?;
    let current =
        event.current_agent_snapshot.as_ref().map(|Repeated(current)| snapshot(current, profile, words));
    let current = current.transpose().map_err(|error| error.within("CurrentAgentSnapshot"))?;
    let Some(what) = what(kind, current, words)? else { return Ok(None) };
    let agent = AgentId::from(words.text(agent));
    Ok(Some(Observation { agent, at, order, id: EventId::from(id), what }))
}

/// What an event of this kind says.
///
/// An unknown kind does not say that something changed, but its snapshot says how the agent is. So it
/// confirms and repairs like a heartbeat, and like one it cannot sign an agent in again. Without a
/// snapshot it says nothing.
fn what(kind: &str, current: Option<Snapshot>, words: &mut Words) -> Result<Option<What>, DecodeError> {
    Ok(Some(match (kind, current) {
        ("LOGIN", current) => What::SignIn(current.unwrap_or_else(|| just_signed_in(words))),
        ("LOGOUT", current) => What::SignOut(current),
        ("STATE_CHANGE", Some(current)) => What::Snapshot(current),
        ("STATE_CHANGE" | "HEART_BEAT", None) => return Err(DecodeError::missing("CurrentAgentSnapshot")),
        (_, Some(current)) => What::Confirmation(current),
        (_, None) => return Ok(None),
    }))
}

/// Until the end of 2018 a sign-in came without a snapshot. The platform starts everyone in Offline.
fn just_signed_in(words: &mut Words) -> Snapshot {
    let status = words.status(None, "Offline", StatusKind::Offline);
    Snapshot { status, status_since: None, contacts: Vec::new(), profile: None }
}

fn snapshot(
    current: &AgentSnapshot<'_>,
    profile: Option<Arc<AgentProfile>>,
    words: &mut Words,
) -> Result<Snapshot, DecodeError> {
    let Repeated(status) =
        current.agent_status.as_ref().ok_or_else(|| DecodeError::missing("AgentStatus"))?;
    let in_status = |error: DecodeError| error.within("AgentStatus");
    let name = required(status.name.as_ref(), "Name").map_err(in_status)?;
    let status_since = time(status.start_timestamp.as_ref(), "StartTimestamp").map_err(in_status)?;
    let id = id_of_arn(status.arn.as_ref(), "ARN").ok();
    let mut contacts = Vec::with_capacity(current.contacts.as_ref().map_or(0, Vec::len));
    for (index, Object(one)) in current.contacts.iter().flatten().enumerate() {
        contacts.push(contact(one, words).map_err(|error| error.within(format_args!("Contacts[{index}]")))?);
    }
    Ok(Snapshot {
        status: words.status(id, name, status_kind(status.kind.as_deref(), name)),
        status_since,
        contacts,
        profile,
    })
}

/// Without a type (it came in 2022) or with an unknown one, the names decide that every instance starts with.
pub(in crate::sources::amazon_connect) fn status_kind(kind: Option<&str>, name: &str) -> StatusKind {
    match kind {
        Some("ROUTABLE") => StatusKind::Routable,
        Some("CUSTOM") => StatusKind::Aux,
        Some("OFFLINE") => StatusKind::Offline,
        _ if name.eq_ignore_ascii_case("Available") => StatusKind::Routable,
        _ if name.eq_ignore_ascii_case("Offline") => StatusKind::Offline,
        _ => StatusKind::Aux,
    }
}

fn contact(contact: &Contact<'_>, words: &mut Words) -> Result<AgentContact, DecodeError> {
    let id = required(contact.id.as_ref(), "ContactId")?;
    let channel = required(contact.channel.as_ref(), "Channel")?;
    let initiation = required(contact.initiation_method.as_ref(), "InitiationMethod")?;
    let state = required(contact.state.as_ref(), "State")?;
    let since = time(contact.state_start_timestamp.as_ref(), "StateStartTimestamp")?;
    let queue =
        contact.queue.as_ref().map(|Object(queue)| words.queue(queue.arn.as_ref(), queue.name.as_ref()));
    Ok(AgentContact {
        id: ContactId::from(id),
        channel: words.channel(channel),
        initiation: words.text(initiation),
        outbound: is_outbound(initiation),
        monitored: is_monitored(initiation),
        phase: phase(state),
        phase_text: words.text(state),
        since,
        queue: queue.transpose().map_err(|error| error.within("Queue"))?,
    })
}

/// Whether the agent or the system began a contact of this initiation method.
pub(in crate::sources::amazon_connect) fn is_outbound(initiation: &str) -> bool {
    matches!(initiation, "OUTBOUND" | "EXTERNAL_OUTBOUND" | "AGENT_REPLY")
}

/// Whether a contact of this initiation method is a supervisor's listening to another one.
pub(in crate::sources::amazon_connect) fn is_monitored(initiation: &str) -> bool {
    initiation == "MONITOR"
}

/// How far a contact in this state has come.
pub(in crate::sources::amazon_connect) fn phase(state: &str) -> ContactPhase {
    match state {
        "INCOMING" | "PENDING" => ContactPhase::Offered,
        "CONNECTING" => ContactPhase::Alerting,
        "CONNECTED" => ContactPhase::Connected,
        "CONNECTED_ONHOLD" => ContactPhase::Held,
        "PAUSED" => ContactPhase::Paused,
        "ENDED" => ContactPhase::Wrapping,
        "MISSED" => ContactPhase::Missed,
        "REJECTED" => ContactPhase::Rejected,
        "ERROR" => ContactPhase::Failed,
        _ => ContactPhase::Unrecognised,
    }
}
