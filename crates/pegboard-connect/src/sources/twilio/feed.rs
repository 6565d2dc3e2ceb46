//! The WFM RTA feed of Flex: agents, each as a whole, posted to whoever watches adherence ([Workforce Management Real-Time Adherence],
//! a public beta).
//!
//! Public of it are that page and its four samples: the shape of a body, that nearly every field may be null, after which events an
//! agent is told of, and that changes that come together are told as one. Not public are how a URL is registered for it, how a post
//! is authenticated, and what becomes of one that fails. So this reads the shape, and takes it only where it is signed as every
//! other post is.
//!
//! It tells of the present and is no history, as the page itself says: short states are missing, and nothing is told when a
//! reservation is completed. So what it tells is no evidence by itself: it is weighed, as what a platform shows when it is asked,
//! and where anything was heard of an agent since, it says nothing.
//!
//! [Workforce Management Real-Time Adherence]: https://www.twilio.com/docs/flex/developer/insights/real-time-adherence

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use pegboard_model::{AgentContact, AgentId, ContactId, ContactPhase, Millis, Snapshot, Status, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::MAX_EVENTS;
use super::agent::{Activities, SiteStyle, contact};
use super::event::{self, Worker};
use super::fields::Fields;
use crate::sources::file::Clock;
use crate::sources::{DecodeError, Found, Problem};
use crate::spec::{Look, SETTLE, Shown, Snapshots, SourceError, Whom};

/// What a body of the feed calls itself.
const OBJECT: &str = "WFMWorkerChange";

/// The most agents whose last record is remembered; Twilio has 15,000 in a workspace. Beyond it all are forgotten.
pub const MOST_FED: usize = 20_000;

/// How old what is told of an agent may be to be weighed at all: whoever it shows has been heard of since.
const OLD: Millis = Millis::from_hours(1);

/// An agent, as the feed tells of him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FedAgent {
    /// Who, and in which activity.
    pub worker: Worker,
    /// Since when in that.
    pub activity_since: Option<Timestamp>,
    /// The contacts that he has.
    pub contacts: Vec<AgentContact>,
    /// When the last event happened that this knows of.
    pub at: Timestamp,
}

/// A record, as it is on the page.
#[derive(Deserialize)]
struct Record {
    worker: Option<FedWorker>,
    channels: Option<Vec<FedChannel>>,
    date_last_processed_event: Option<String>,
}

#[derive(Deserialize)]
struct FedWorker {
    sid: Option<String>,
    activity_sid: Option<String>,
    activity_name: Option<String>,
    // Once the page has the shorter name.
    #[serde(alias = "date_activity_update")]
    date_activity_updated: Option<String>,
}

#[derive(Deserialize)]
struct FedChannel {
    task_channel_name: Option<String>,
    reservations: Option<Vec<FedReservation>>,
}

#[derive(Deserialize)]
struct FedReservation {
    sid: Option<String>,
    status: Option<String>,
    task_sid: Option<String>,
    task_queue_sid: Option<String>,
    date_reservation_status_updated: Option<String>,
    direction: Option<String>,
}

/// Whether a body is one of the feed.
pub(super) fn is_fed(body: &Map<String, Value>) -> bool {
    body.get("object").and_then(Value::as_str) == Some(OBJECT)
}

/// The agents that a body of the feed tells of, or why one cannot be read. Of one in no activity nothing is told.
pub(super) fn read(
    body: &Map<String, Value>,
) -> Result<Vec<Result<Option<FedAgent>, DecodeError>>, DecodeError> {
    let Some(Value::Array(records)) = body.get("records") else {
        return Err(DecodeError::missing("records"));
    };
    if records.len() > MAX_EVENTS {
        return Err(DecodeError::field("records", Problem::TooLarge));
    }
    let agent = |(index, record): (usize, &Value)| {
        let read = Record::deserialize(record).map_err(|_| {
            DecodeError::field(&format!("records[{index}]"), Problem::WrongType(Found::SomethingElse))
        });
        read.and_then(|record| record.agent().map_err(|error| error.within(format_args!("records[{index}]"))))
    };
    Ok(records.iter().enumerate().map(agent).collect())
}

impl Record {
    fn agent(&self) -> Result<Option<FedAgent>, DecodeError> {
        let worker = self.worker.as_ref().ok_or_else(|| DecodeError::missing("worker"))?;
        let sid = worker.sid.as_deref().ok_or_else(|| DecodeError::missing("worker.sid"))?;
        let (Some(name), Some(at)) = (&worker.activity_name, &self.date_last_processed_event) else {
            return Ok(None);
        };
        let at = time("date_last_processed_event", at)?;
        let said = fields(&json!({
            "worker_sid": sid, "worker_activity_sid": worker.activity_sid, "worker_activity_name": name,
        }));
        let Some(known) = event::worker(&said)? else { return Ok(None) };
        let since =
            worker.date_activity_updated.as_deref().map(|at| time("worker.date_activity_updated", at));
        let mut contacts = Vec::new();
        for channel in self.channels.iter().flatten() {
            for reservation in channel.reservations.iter().flatten() {
                contacts.extend(reservation.contact(channel)?);
            }
        }
        Ok(Some(FedAgent { worker: known, activity_since: since.transpose()?, contacts, at }))
    }
}

impl FedReservation {
    /// The contact, while the agent has it.
    fn contact(&self, channel: &FedChannel) -> Result<Option<AgentContact>, DecodeError> {
        let phase = match self.status.as_deref() {
            // The page lists the first word, and its sample has the second.
            Some("pending" | "created") => (ContactPhase::Alerting, "pending"),
            Some("accepted") => (ContactPhase::Connected, "accepted"),
            Some("wrapping") => (ContactPhase::Wrapping, "wrapping"),
            _ => return Ok(None),
        };
        let sid = self.sid.as_deref().ok_or_else(|| DecodeError::missing("reservation.sid"))?;
        let attributes = json!({ "direction": self.direction }).to_string();
        let said = fields(&json!({
            // Nothing is made of a contact of which nobody knows whose it is, but that it is there.
            "task_sid": self.task_sid.as_deref().unwrap_or(sid), "task_queue_sid": self.task_queue_sid,
            "task_channel_unique_name": channel.task_channel_name, "task_attributes": attributes,
        }));
        let Some(task) = event::task(&said)? else { return Ok(None) };
        let since = self.date_reservation_status_updated.as_deref();
        let since = since.map(|at| time("date_reservation_status_updated", at)).transpose()?;
        Ok(Some(contact(ContactId::from(sid), &task, phase, since)))
    }
}

fn time(name: &str, text: &str) -> Result<Timestamp, DecodeError> {
    Timestamp::parse(text).map_err(|_| DecodeError::field(name, Problem::NotATime))
}

fn fields(said: &Value) -> Fields {
    let mut fields = Fields::default();
    if let Value::Object(said) = said {
        fields.take(said);
    }
    fields
}

impl FedAgent {
    fn shown(self, style: SiteStyle, activities: &Activities) -> Shown {
        let kind = activities.kind(&self.worker);
        let Worker { id, activity, activity_name, .. } = self.worker;
        let status = Arc::new(Status { kind, id: activity, name: activity_name });
        let contacts = match style {
            SiteStyle::Composed => self.contacts,
            SiteStyle::ActivityAlone => Vec::new(),
        };
        let snapshot = Snapshot { status, status_since: self.activity_since, contacts, profile: None };
        // Whatever was heard after that event is newer than this.
        Shown { agent: id, at: self.at + SETTLE, snapshot }
    }
}

/// What was told last of each agent. Clones share it.
#[derive(Clone)]
pub(super) struct Feed {
    latest: Arc<Mutex<HashMap<AgentId, Shown>>>,
    clock: Clock,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("agents", &self.lock().len()).finish_non_exhaustive()
    }
}

impl Feed {
    pub(super) fn new(clock: Clock) -> Self {
        Self { latest: Arc::default(), clock }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AgentId, Shown>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is told of an agent, unless something newer was.
    pub(super) fn take(&self, told: FedAgent, style: SiteStyle, activities: &Activities) {
        let shown = told.shown(style, activities);
        let mut latest = self.lock();
        if latest.get(&shown.agent).is_some_and(|known| known.at > shown.at) {
            return;
        }
        if latest.len() >= MOST_FED && !latest.contains_key(&shown.agent) {
            latest.clear();
        }
        latest.insert(shown.agent.clone(), shown);
    }
}

#[async_trait]
impl Snapshots for Feed {
    async fn look(&self, at: Whom<'_>) -> Result<Look, SourceError> {
        let now = (self.clock)();
        let mut latest = self.lock();
        latest.retain(|_, shown| now.since(shown.at) < OLD);
        let is_asked_for = |shown: &&Shown| match at {
            Whom::Everybody => true,
            Whom::Only(agents) => agents.contains(&shown.agent),
        };
        let shown = latest.values().filter(|shown| shown.at <= now).filter(is_asked_for).cloned().collect();
        Ok(Look { began: now, shown, unclear: Vec::new() })
    }

    fn shows_everybody(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sources::twilio::tests::sample;
    use crate::sources::twilio::{Body, decode};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn record(worker: &str, activity: Option<&str>, told: &str) -> Value {
        json!({
            "worker": { "sid": worker, "activity_sid": null, "activity_name": activity, "date_activity_updated": null },
            "channels": null, "last_processed_event_sid": null, "date_last_processed_event": told,
        })
    }

    fn body(records: &[Value]) -> Body {
        let body =
            json!({ "product": "Flex", "object": "WFMWorkerChange", "version": 1, "records": records });
        decode(body.to_string().as_bytes()).unwrap()
    }

    fn feed(now: &'static str) -> Feed {
        Feed::new(Arc::new(move || now.parse().unwrap()))
    }

    async fn shown(feed: &Feed, whom: Whom<'_>) -> Vec<String> {
        let mut shown: Vec<_> = feed
            .look(whom)
            .await
            .unwrap()
            .shown
            .iter()
            .map(|shown| format!("{} {}", shown.agent, shown.snapshot.status.name))
            .collect();
        shown.sort();
        shown
    }

    #[test]
    fn the_samples_of_the_page_are_read() {
        let Some(samples) = sample("events/wfm_rta_feed_samples.json") else { return };
        let read = |name: &str| {
            let Body { mut fed, bad, foreign, .. } =
                decode(samples["samples"][name].to_string().as_bytes()).unwrap();
            assert!(bad.is_empty() && foreign == 0 && fed.len() == 1, "{name}");
            fed.remove(0)
        };
        let ringing = read("reservation created");
        assert_eq!(
            (&*ringing.worker.activity_name, ringing.at),
            ("Available", at("2021-06-06T11:09:09.240Z"))
        );
        assert_eq!(ringing.activity_since, Some(at("2021-06-06T11:06:10.268Z")));
        assert_eq!(ringing.contacts[0].phase, ContactPhase::Alerting);
        assert_eq!(ringing.contacts[0].since, Some(at("2021-06-06T11:09:09.240Z")));
        assert_eq!(read("offline, channels null").contacts, []);
        let two = read("available, voice plus chat, no direction");
        let channels: Vec<_> =
            two.contacts.iter().map(|contact| contact.channel.as_str().to_owned()).collect();
        assert_eq!(channels, ["VOICE", "CHAT"]);
        assert!(
            two.contacts.iter().all(|contact| !contact.outbound && contact.phase == ContactPhase::Connected)
        );
    }

    #[test]
    fn of_whom_nothing_is_known_nothing_is_told_and_one_bad_record_costs_no_other() {
        let no_name = json!({ "worker": { "activity_name": "Break" }, "date_last_processed_event": "2026-01-01T00:00:00Z" });
        let records = [
            record("WK1", None, "2026-01-01T00:00:00Z"),
            no_name,
            json!(7),
            record("WK2", Some("Break"), "yesterday"),
            record("WK3", Some("Break"), "2026-01-01T00:00:00Z"),
        ];
        let Body { fed, bad, foreign, .. } = body(&records);
        assert_eq!(foreign, 1, "who is in no activity");
        assert_eq!(fed.iter().map(|fed| fed.worker.id.to_string()).collect::<Vec<_>>(), ["WK3"]);
        assert_eq!(
            bad.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "records[1].worker.sid: missing",
                "records[2]: wrong type: found something else",
                "records[3].date_last_processed_event: not a time in RFC 3339 such as 2026-03-01T09:15:00Z"
            ]
        );
        let outbound = json!({ "sid": "WR1", "status": "wrapping", "direction": "outbound" });
        let mut wrapping = record("WK1", Some("Available"), "2026-01-01T00:00:00Z");
        wrapping["channels"] =
            json!([{ "reservations": [outbound, { "status": "completed" }], "task_channel_name": "voice" }]);
        let contacts = body(&[wrapping]).fed.remove(0).contacts;
        assert_eq!(contacts.len(), 1, "what is over is not there");
        assert!(contacts[0].outbound);
    }

    #[tokio::test]
    async fn r28_what_is_told_is_shown_once_it_has_settled_and_for_an_hour() {
        let activities = Activities::default();
        let feed = feed("2026-01-01T10:00:00Z");
        for (worker, activity, told) in [
            ("WK1", "Break", "2026-01-01T09:59:00Z"),
            ("WK1", "Lunch", "2026-01-01T09:58:00Z"),
            ("WK2", "Break", "2026-01-01T09:59:58Z"),
            ("WK3", "Break", "2026-01-01T08:59:00Z"),
            ("WK4", "Break", "2026-01-01T09:30:00Z"),
        ] {
            for fed in body(&[record(worker, Some(activity), told)]).fed {
                feed.take(fed, SiteStyle::Composed, &activities);
            }
        }
        assert_eq!(shown(&feed, Whom::Everybody).await, ["WK1 Break", "WK4 Break"]);
        assert_eq!(shown(&feed, Whom::Only(&["WK4".into(), "WK9".into()])).await, ["WK4 Break"]);
        assert!(!feed.shows_everybody(), "whoever is not shown is not gone");
    }

    #[tokio::test]
    async fn r28_of_one_agent_more_than_are_remembered_the_others_are_forgotten() {
        let feed = feed("2026-01-01T10:00:00Z");
        let agent = |number: usize| FedAgent {
            worker: Worker {
                id: format!("WK{number}").as_str().into(),
                activity: None,
                activity_name: "Break".into(),
                version: None,
                profile: None,
            },
            activity_since: None,
            contacts: Vec::new(),
            at: at("2026-01-01T09:59:00Z"),
        };
        for number in 0..MOST_FED {
            feed.take(agent(number), SiteStyle::Composed, &Activities::default());
        }
        assert_eq!(shown(&feed, Whom::Everybody).await.len(), MOST_FED);
        feed.take(agent(MOST_FED), SiteStyle::Composed, &Activities::default());
        assert_eq!(shown(&feed, Whom::Everybody).await, [format!("WK{MOST_FED} Break")]);
    }
}
