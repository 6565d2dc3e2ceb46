//! One page of an answer, to what it lists.

use std::collections::HashMap;

use jiff::fmt::rfc2822::DateTimeParser;
use pegboard_model::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::super::MAX_EVENTS;
use crate::sources::answer::{Unreadable, read};

/// One page: its entries as they stand, and where the next is.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) entries: Vec<&'a RawValue>,
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
struct Meta {
    next_page_url: Option<String>,
}

impl<'a> Page<'a> {
    /// Reads a page whose entries are in the member `key`.
    pub(super) fn read(body: &'a [u8], key: &str) -> Result<Self, Unreadable> {
        let members: HashMap<String, &RawValue> = read(body)?;
        let entries = members.get(key).ok_or_else(|| Unreadable(format!("{key}: missing")))?;
        let entries: Vec<&RawValue> = within(key, read(entries.get().as_bytes()))?;
        if entries.len() > MAX_EVENTS {
            return Err(Unreadable(format!("{key}: more than {MAX_EVENTS} entries on a page")));
        }
        let meta: Option<Meta> = match members.get("meta") {
            Some(meta) => within("meta", read(meta.get().as_bytes()))?,
            None => None,
        };
        let next = meta.and_then(|meta| meta.next_page_url).filter(|next| !next.is_empty());
        Ok(Self { entries, next })
    }

    /// The entries, each as what it is.
    pub(super) fn parse<T: Deserialize<'a>>(&self, key: &str) -> Result<Vec<T>, Unreadable> {
        let entries = self.entries.iter().enumerate();
        entries.map(|(at, entry)| within(&format!("{key}[{at}]"), read(entry.get().as_bytes()))).collect()
    }
}

fn within<T>(place: &str, read: Result<T, Unreadable>) -> Result<T, Unreadable> {
    read.map_err(|Unreadable(inner)| Unreadable(format!("{place}: {inner}")))
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Worker {
    /// Its SID (`WK...`).
    pub sid: String,
    /// By what it is known; in Flex most often the login.
    #[serde(default, deserialize_with = "text")]
    pub friendly_name: String,
    /// Its attributes, as the text of an object. Lists may leave them out.
    #[serde(default)]
    pub attributes: Option<String>,
    /// The SID of its activity.
    #[serde(default)]
    pub activity_sid: Option<String>,
    /// The name of its activity.
    #[serde(default, deserialize_with = "text")]
    pub activity_name: String,
    /// Whether it takes contacts in that activity.
    #[serde(default)]
    pub available: Option<bool>,
    /// Since when it is in that activity, to the second.
    #[serde(default, deserialize_with = "time")]
    pub date_status_changed: Option<Timestamp>,
}

/// An activity: what an agent can be in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Activity {
    /// Its SID (`WA...`).
    pub sid: String,
    /// Its name, which may change.
    #[serde(default, deserialize_with = "text")]
    pub friendly_name: String,
    /// Whether agents in it take contacts. It never changes.
    #[serde(default)]
    pub available: bool,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TaskQueue {
    /// Its SID (`WQ...`).
    pub sid: String,
    /// Its name.
    #[serde(default, deserialize_with = "text")]
    pub friendly_name: String,
    /// Which agents it reaches, as an expression over their attributes.
    #[serde(default)]
    pub target_workers: Option<String>,
}

/// A task channel: what kind of conversations there are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TaskChannel {
    /// Its SID (`TC...`).
    pub sid: String,
    /// By what contacts name it: `voice`, `chat`, `sms`, `default`.
    #[serde(default, deserialize_with = "text")]
    pub unique_name: String,
    /// Its name for people.
    #[serde(default, deserialize_with = "text")]
    pub friendly_name: String,
}

/// A workflow: what brings contacts into queues.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Workflow {
    /// Its SID (`WW...`).
    pub sid: String,
    /// Its name.
    #[serde(default, deserialize_with = "text")]
    pub friendly_name: String,
}

/// A contact that is with somebody, or about to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OpenTask {
    /// Its SID (`WT...`).
    pub sid: String,
    /// How far it has come: `reserved`, `assigned`, `wrapping`.
    #[serde(default, deserialize_with = "text")]
    pub assignment_status: String,
    /// Its attributes, as the text of an object. Lists may leave them out.
    #[serde(default)]
    pub attributes: Option<String>,
    /// The unique name of its channel.
    #[serde(default)]
    pub task_channel_unique_name: Option<String>,
    /// The SID of its queue.
    #[serde(default)]
    pub task_queue_sid: Option<String>,
    /// The name of its queue.
    #[serde(default)]
    pub task_queue_friendly_name: Option<String>,
}

/// A reservation: a contact at an agent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HeldReservation {
    /// Its SID (`WR...`).
    pub sid: String,
    /// `pending`, `accepted`, `rejected`, `timeout`, `canceled`, `rescinded`, `wrapping` or `completed`.
    #[serde(default, deserialize_with = "text")]
    pub reservation_status: String,
    /// The agent.
    #[serde(default, deserialize_with = "text")]
    pub worker_sid: String,
    /// The contact.
    #[serde(default, deserialize_with = "text")]
    pub task_sid: String,
    /// When it changed last, to the second.
    #[serde(default, deserialize_with = "time")]
    pub date_updated: Option<Timestamp>,
}

/// A text; where there is none, an empty one.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A time in either form in which it is documented; nothing where it is neither.
fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.and_then(|text| Timestamp::parse(&text).ok().or_else(|| of_header(&text))))
}

/// A time as headers write it: RFC 2822.
pub(super) fn of_header(text: &str) -> Option<Timestamp> {
    let at = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}
