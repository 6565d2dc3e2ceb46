//! What the event ids of a hub mean: `LOGIN`, `LOGOUT`, `{CHANNEL}-{INITIATION}-{PHASE}` while a contact decides, else the name of a
//! status. Pure.

use pegboard_model::Timestamp;
use serde_json::{Value, json};

use crate::config::SdkSettings;

/// A state as it was told.
pub(super) struct Told<'a> {
    pub(super) agent: &'a str,
    pub(super) login: &'a str,
    pub(super) event_id: &'a str,
    pub(super) reason: &'a str,
    pub(super) at: Timestamp,
    /// Its end, where that was told with it.
    pub(super) until: Option<Timestamp>,
}

impl Told<'_> {
    /// The record that it is; nothing where it takes no time and marks nothing.
    pub(super) fn record(&self, sdk: &SdkSettings) -> Option<Value> {
        let mut record =
            json!({ "kind": "agent_state", "agent": self.agent, "login": self.login, "at": self.at });
        match self.event_id {
            "LOGIN" => {
                let name = if self.reason.is_empty() { self.event_id } else { self.reason };
                record["change"] = "sign_in".into();
                record["status"] = status(name, sdk);
            }
            "LOGOUT" => {
                record["change"] = "sign_out".into();
                if !self.reason.is_empty() {
                    record["status"] = json!({ "name": self.reason, "routing": "offline" });
                }
            }
            _ => self.tell_state(&mut record, sdk)?,
        }
        Some(record)
    }

    fn tell_state(&self, record: &mut Value, sdk: &SdkSettings) -> Option<()> {
        if let Some(until) = self.until {
            if until <= self.at {
                return None;
            }
            record["until"] = json!(until);
        }
        let Some(contact) = contact(self.event_id, self.at) else {
            let name = match self.reason {
                "" => self.event_id.to_owned(),
                reason => format!("{} ({reason})", self.event_id),
            };
            let routing = routing(self.event_id, sdk);
            record["status"] = json!({ "name": name, "routing": routing });
            return Some(());
        };
        record["contacts"] = json!([contact]);
        if !self.reason.is_empty() {
            record["status"] = status(self.reason, sdk);
        }
        Some(())
    }
}

fn status(name: &str, sdk: &SdkSettings) -> Value {
    json!({ "name": name, "routing": routing(name, sdk) })
}

fn routing(name: &str, sdk: &SdkSettings) -> &'static str {
    let is_one_of = |names: &[String]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    if is_one_of(&sdk.routable) {
        return "routable";
    }
    if is_one_of(&sdk.offline) { "offline" } else { "aux" }
}

/// The contact that an event id tells of, if it tells of one. Which one it is, nobody says: it is known by when its phase began.
fn contact(event_id: &str, at: Timestamp) -> Option<Value> {
    let (channel, rest) = event_id.split_once('-')?;
    let (initiation, word) = rest.rsplit_once('-')?;
    if channel.is_empty() || initiation.is_empty() {
        return None;
    }
    let direction = if initiation.contains("OUTBOUND") { "outbound" } else { "inbound" };
    Some(json!({
        "id": at, "channel": channel, "initiation": initiation, "direction": direction, "phase": phase(word)?,
        "phase_name": word,
    }))
}

/// Our name of a phase, by the words of the ACDs that a hub reads, and by its own.
fn phase(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "incoming" | "offered" => "offered",
        "pending" | "connecting" | "alerting" => "alerting",
        "connected" | "accepted" => "connected",
        "connected_onhold" | "held" => "held",
        "paused" => "paused",
        "ended" | "wrapping" => "wrapping",
        "missed" => "missed",
        "rejected" => "rejected",
        "error" | "failed" => "failed",
        _ => return None,
    })
}
