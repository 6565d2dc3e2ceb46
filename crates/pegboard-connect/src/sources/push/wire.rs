//! What an ACD hands in, as it stands there.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pegboard_model::acd::AcdReport;
use pegboard_model::{ContactPhase, Direction, StatusKind};
use serde::Deserialize;
use serde_json::Number;

use crate::sources::json::Str;

/// What kind of record it is. Everything else is read once that is known, so that errors name their field.
#[derive(Debug, Deserialize)]
pub(super) struct Head<'a> {
    #[serde(borrow)]
    pub(super) kind: Option<Str<'a>>,
}

/// An agent, at one moment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentState<'a> {
    #[serde(rename = "kind")]
    _kind: serde::de::IgnoredAny,
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    pub(super) agent: Option<Str<'a>>,
    pub(super) at: Option<Str<'a>>,
    #[serde(default)]
    pub(super) change: Change,
    pub(super) login: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) team: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) levels: Vec<Cow<'a, str>>,
    pub(super) routing_profile: Option<Cow<'a, str>>,
    pub(super) status: Option<Status<'a>>,
    pub(super) status_since: Option<Str<'a>>,
    pub(super) until: Option<Str<'a>>,
    #[serde(default)]
    pub(super) contacts: Vec<AgentContact<'a>>,
}

/// What made the ACD tell of an agent.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    /// Something changed.
    #[default]
    State,
    /// The agent signed in.
    SignIn,
    /// The agent signed out.
    SignOut,
    /// Nothing: this is how the agent still is.
    Confirmation,
}

/// What the agent selected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Status<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    pub(super) name: Option<Str<'a>>,
    pub(super) routing: Option<StatusKind>,
}

/// A contact that the agent has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentContact<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    pub(super) channel: Option<Str<'a>>,
    pub(super) direction: Option<Direction>,
    pub(super) initiation: Option<Str<'a>>,
    pub(super) phase: Option<ContactPhase>,
    pub(super) phase_name: Option<Str<'a>>,
    pub(super) since: Option<Str<'a>>,
    pub(super) queue: Option<Queue<'a>>,
    #[serde(default)]
    pub(super) monitored: bool,
}

/// A queue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Queue<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    pub(super) name: Option<Str<'a>>,
}

/// A leg of a contact.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contact<'a> {
    #[serde(rename = "kind")]
    _kind: serde::de::IgnoredAny,
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    pub(super) updated: Option<Str<'a>>,
    pub(super) channel: Option<Str<'a>>,
    pub(super) direction: Option<Direction>,
    pub(super) initiation: Option<Str<'a>>,
    pub(super) queue: Option<QueueStay<'a>>,
    pub(super) agent: Option<AgentLeg<'a>>,
    pub(super) disconnected: Option<Str<'a>>,
    #[serde(default)]
    pub(super) monitored: bool,
    #[serde(default)]
    pub(super) handed_on: bool,
    #[serde(default)]
    pub(super) transferred_in: bool,
}

/// A stay in a queue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueStay<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    pub(super) name: Option<Str<'a>>,
    pub(super) entered: Option<Str<'a>>,
    pub(super) waited_s: Option<Number>,
    pub(super) rang_s: Option<Number>,
}

/// What an agent did with a contact.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentLeg<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    pub(super) login: Option<Str<'a>>,
    pub(super) connected: Option<Str<'a>>,
    pub(super) talk_s: Option<Number>,
    pub(super) hold_s: Option<Number>,
    pub(super) acw_s: Option<Number>,
    pub(super) acw_end: Option<Str<'a>>,
    #[serde(default)]
    pub(super) passed_on: bool,
}

/// A row of a report that the ACD computed itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportRow<'a> {
    #[serde(rename = "kind")]
    _kind: serde::de::IgnoredAny,
    pub(super) report: Option<AcdReport>,
    #[serde(borrow)]
    pub(super) name: Option<Str<'a>>,
    pub(super) interval_start: Option<Str<'a>>,
    pub(super) interval_s: Option<Number>,
    pub(super) made: Option<Str<'a>>,
    pub(super) queue: Option<Queue<'a>>,
    pub(super) agent: Option<AgentOfRow<'a>>,
    pub(super) channel: Option<Str<'a>>,
    pub(super) direction: Option<Direction>,
    #[serde(default)]
    pub(super) values: BTreeMap<Cow<'a, str>, Number>,
}

/// The agent of a row, by id or by login.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentOfRow<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    pub(super) login: Option<Str<'a>>,
}
