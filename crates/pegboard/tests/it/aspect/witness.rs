//! What Aspect must be given, worked out from the events and the text of the requirement: it shares nothing with the sink.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The events, each once, in the order in which they came.
pub(super) struct Witness {
    events: Vec<Value>,
}

fn at<'a>(event: &'a Value, path: &str) -> Option<&'a str> {
    event.pointer(path)?.as_str()
}

const SNAPSHOT: &str = "/CurrentAgentSnapshot";

/// A time with three digits of a second.
fn millis(time: &str) -> String {
    let time = time.trim_end_matches('Z');
    let (second, fraction) = time.split_once('.').unwrap_or((time, ""));
    format!("{second}.{fraction:0<3}")
}

impl Witness {
    /// From records; what is no event, and what came before, is left out.
    pub(super) fn new<R: AsRef<[u8]>>(records: impl IntoIterator<Item = R>) -> Self {
        let mut known = HashSet::new();
        let events = records.into_iter().filter_map(|record| {
            let event: Value = serde_json::from_slice(record.as_ref()).ok()?;
            let (id, _) = (at(&event, "/EventId")?.to_owned(), at(&event, "/AgentARN")?);
            known.insert(id).then_some(event)
        });
        Self { events: events.collect() }
    }

    pub(super) fn count(&self) -> usize {
        self.events.len()
    }

    /// The lines of agent productivity, column by column.
    pub(super) fn lines(&self, columns: usize) -> Vec<Vec<String>> {
        let line = |event: &Value| {
            let text = |path: &str| at(event, path).unwrap_or("null").to_owned();
            let user = at(event, &format!("{SNAPSHOT}/Configuration/Username"))?.to_owned();
            let name = text(&format!("{SNAPSHOT}/AgentStatus/Name"));
            let kind = text(&format!("{SNAPSHOT}/AgentStatus/Type"));
            let letter = match (kind.as_str(), name.to_lowercase().as_str()) {
                ("ROUTABLE", _) | ("null", "available") => "A",
                ("OFFLINE", _) | ("null", "offline") => "0",
                _ => "1",
            };
            let mut line = vec![text("/AWSAccountId"), user];
            line.extend((1..=5).map(|level| {
                text(&format!("{SNAPSHOT}/Configuration/AgentHierarchyGroups/Level{level}/Name"))
            }));
            line.push(millis(&text("/EventTimestamp")).replace('T', " "));
            line.extend([name, text(&format!("{SNAPSHOT}/Contacts/0/State")), letter.to_owned()]);
            line.push(text(&format!("{SNAPSHOT}/Configuration/RoutingProfile/Name")));
            line.push(kind);
            line.truncate(columns);
            Some(line)
        };
        self.events.iter().filter_map(line).collect()
    }

    /// The event without what is not passed on.
    fn reduced(event: &Value) -> Value {
        let mut reduced = event.clone();
        reduced.as_object_mut().unwrap().remove("PreviousAgentSnapshot");
        if let Some(configuration) = reduced.pointer_mut("/CurrentAgentSnapshot/Configuration")
            && let Some(configuration) = configuration.as_object_mut()
        {
            configuration.remove("RoutingProfile");
        }
        reduced
    }

    /// The rows of the table, by agent: their texts, and the event in each.
    pub(super) fn rows(&self) -> BTreeMap<String, (BTreeMap<String, String>, Value)> {
        let mut newest: BTreeMap<&str, &Value> = BTreeMap::new();
        for event in self.events.iter().filter(|event| event["EventType"] != "HEART_BEAT") {
            let time = |event: &Value| millis(at(event, "/EventTimestamp").unwrap());
            let last = newest.entry(at(event, "/AgentARN").unwrap()).or_insert(event);
            if time(event) >= time(last) {
                *last = event;
            }
        }
        let is_offline = |event: &Value| {
            let status = |field: &str| at(event, &format!("{SNAPSHOT}/AgentStatus/{field}"));
            match status("Type") {
                Some(kind) => kind == "OFFLINE",
                None => status("Name").is_some_and(|name| name.eq_ignore_ascii_case("offline")),
            }
        };
        newest.retain(|_, event| !is_offline(event));
        let row = |(agent, event): (&str, &Value)| {
            let instant = |path: &str| at(event, path).map(|time| millis(time) + "Z");
            let attributes = [
                ("AgentARN", Some(agent.to_owned())),
                (
                    "AgentUsername",
                    at(event, &format!("{SNAPSHOT}/Configuration/Username")).map(str::to_owned),
                ),
                ("LastEventType", at(event, "/EventType").map(str::to_owned)),
                ("LastEventTimeStamp", instant("/EventTimestamp")),
                ("LastStateChangeTimeStamp", instant(&format!("{SNAPSHOT}/AgentStatus/StartTimestamp"))),
                ("CurrentState", at(event, &format!("{SNAPSHOT}/AgentStatus/Name")).map(str::to_owned)),
            ];
            let known = attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            (agent.to_owned(), (known.collect(), Self::reduced(event)))
        };
        newest.into_iter().map(row).collect()
    }

    /// The messages on each of so many queues, in their order.
    pub(super) fn messages(&self, queues: usize) -> Vec<Vec<Value>> {
        let mut messages = vec![Vec::new(); queues];
        for event in &self.events {
            let digest = Sha256::digest(at(event, "/AgentARN").unwrap());
            let number = i64::from_le_bytes(digest[..8].try_into().unwrap());
            let queue = usize::try_from(number.rem_euclid(i64::try_from(queues).unwrap())).unwrap();
            messages[queue].push(Self::reduced(event));
        }
        messages
    }

    /// Everybody of whom there is an event.
    pub(super) fn agents(&self) -> BTreeSet<&str> {
        self.events.iter().filter_map(|event| at(event, "/AgentARN")).collect()
    }
}
