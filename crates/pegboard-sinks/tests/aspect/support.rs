//! What the tests share: records, and a stand-in for the table that obeys the conditions of requests.

use std::collections::HashMap;

use pegboard_engine::{StatusTable, StatusType};
use pegboard_model::Timestamp;
use pegboard_sinks::aspect::{
    Columns, DeliveryStream, Object, Productivity, ProductivityCounts, Rta, RtaSettings, SourceStream,
    StateTypes, Step, TableWrite,
};
use serde_json::{Value, json};

/// The status table of most tests: breaks are signed out, training is productive, and supervisors are available.
pub(crate) fn states() -> StateTypes {
    let mut table = StatusTable::default();
    table.set("Supervision", StatusType::Available);
    table.set("Training", StatusType::Productive);
    StateTypes::new(table, ["break", " Lunch "])
}

pub(crate) fn stream() -> SourceStream {
    DeliveryStream::default().of_source(&"test".into())
}

/// The objects of records that were read at these times. None of them may be unusable.
pub(crate) fn objects<'r>(
    records: impl IntoIterator<Item = (Timestamp, &'r str)>,
    columns: Columns,
) -> (Vec<Object>, ProductivityCounts) {
    let mut productivity = Productivity::new(stream(), columns, states(), 0);
    let mut finished = Vec::new();
    for (sequence, (at, record)) in (0..).zip(records) {
        productivity.take(sequence, at, record.as_bytes(), &mut finished).unwrap();
    }
    let (last, counts) = productivity.finish();
    finished.extend(last);
    (finished, counts)
}

/// The text of all objects.
pub(crate) fn text(objects: &[Object]) -> String {
    objects.iter().map(|object| std::str::from_utf8(&object.body).unwrap()).collect()
}

/// The lines of records that are read at once, with thirteen columns.
pub(crate) fn lines(records: &[String]) -> String {
    let at = "2026-03-02T09:00:00Z".parse().unwrap();
    text(&objects(records.iter().map(|record| (at, record.as_str())), Columns::default()).0)
}

/// What records lead to. None of them may be unusable.
pub(crate) fn steps(records: &[String]) -> Vec<Step> {
    let mut rta = Rta::new(RtaSettings::default());
    let taken = (0..).zip(records).map(|(sequence, record)| rta.take(sequence, record.as_bytes()).unwrap());
    taken.flatten().collect()
}

/// DynamoDB, as far as one table needs it.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) rows: HashMap<String, Value>,
    pub(crate) refused: usize,
}

impl Table {
    pub(crate) fn apply(&mut self, write: &TableWrite) {
        let request = write.request("states");
        assert_eq!(request["TableName"], "states");
        let key = request.pointer("/Item/AgentARN/S").or_else(|| request.pointer("/Key/AgentARN/S"));
        let key = key.unwrap().as_str().unwrap().to_owned();
        let condition = "attribute_not_exists(AgentARN) OR LastEventTimeStamp <= :at";
        assert_eq!(request["ConditionExpression"], condition);
        let at = request["ExpressionAttributeValues"][":at"]["S"].as_str().unwrap();
        let stored = self.rows.get(&key).map(|row| row["LastEventTimeStamp"]["S"].as_str().unwrap());
        if stored.is_some_and(|stored| stored > at) {
            self.refused += 1;
            return;
        }
        match write.operation() {
            "PutItem" => drop(self.rows.insert(key, request["Item"].clone())),
            "DeleteItem" => drop(self.rows.remove(&key)),
            other => panic!("{other} is no operation"),
        }
    }

    pub(crate) fn states(&self) -> Vec<&str> {
        self.rows.values().map(|row| row["CurrentState"]["S"].as_str().unwrap_or_default()).collect()
    }
}

/// An event in the making.
#[derive(Debug, Clone)]
pub(crate) struct Event(pub(crate) Value);

impl Event {
    /// A change of status, at a time of the second of March 2026.
    pub(crate) fn new(id: &str, time: &str, status: &str, kind: &str) -> Self {
        let instance = "arn:aws:connect:eu-central-1:111122223333:instance/i";
        let at = format!("2026-03-02T{time}Z");
        let status = json!({ "ARN": format!("{instance}/agent-state/s-{status}"), "Name": status, "StartTimestamp": at, "Type": kind });
        let configuration = json!({
            "AgentHierarchyGroups": { "Level1": { "Name": "Service" } },
            "FirstName": "Zoe",
            "LastName": "Sample",
            "RoutingProfile": { "Name": "Blended" },
            "Username": "zoe.sample",
        });
        Self(json!({
            "AWSAccountId": "111122223333",
            "AgentARN": format!("{instance}/agent/a-1"),
            "CurrentAgentSnapshot": { "AgentStatus": status, "Configuration": configuration, "Contacts": [], "NextAgentStatus": null },
            "EventId": id,
            "EventTimestamp": at,
            "EventType": "STATE_CHANGE",
            "PreviousAgentSnapshot": null,
        }))
    }

    pub(crate) fn with(mut self, path: &str, value: impl Into<Value>) -> Self {
        *self.0.pointer_mut(path).unwrap() = value.into();
        self
    }

    pub(crate) fn text(&self) -> String {
        self.0.to_string()
    }
}
