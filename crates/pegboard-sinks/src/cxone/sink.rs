//! Sends to CXone WFM, through the client that other programs may use as well.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_client::{Connection, Error, IdempotencyKey, ItemError, Kind, Receipt, Retry};
use pegboard_model::Timestamp;
use pegboard_net::ToldTime;
use serde_json::{Map, Value};

use super::{AGENT_ACTIVITY, AGENT_STATES, HISTORY, QUEUE_REPORT, agent_states};
use crate::{
    Changes, Document, Encoder, Ingredient, Outcome, RefusedItem, Sink, SinkReport, Span, StatesLane,
};

/// The queue report, which comes with two others (NICE: it is one call with three lists).
pub const QUEUE: SinkReport = SinkReport {
    encoder: &QUEUE_REPORT,
    made_of: &[Ingredient::Queues, Ingredient::AgentQueues, Ingredient::Agents],
    span: Span::Interval,
};

/// What agents did.
pub const ACTIVITY: SinkReport =
    SinkReport { encoder: &AGENT_ACTIVITY, made_of: &[Ingredient::Activities], span: Span::Interval };

/// CXone WFM as a target.
pub struct CxoneSink {
    connection: Connection,
    states: Option<Changes>,
    reports: Vec<SinkReport>,
    heartbeat: Option<Duration>,
    clock: fn() -> Timestamp,
}

impl fmt::Debug for CxoneSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CxoneSink").field("states", &self.states).finish_non_exhaustive()
    }
}

impl CxoneSink {
    /// A target that is sent these reports, and these changes of state.
    pub fn new(
        connection: Connection,
        states: Option<Changes>,
        reports: Vec<SinkReport>,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self { connection, states, reports, heartbeat: None, clock }
    }

    /// The same, and the target is told this often that the hub lives. NICE does not say how often its SDK does.
    #[must_use]
    pub fn beating(self, every: Duration) -> Self {
        Self { heartbeat: Some(every), ..self }
    }
}

#[async_trait]
impl Sink for CxoneSink {
    fn kind(&self) -> &'static str {
        "cxone"
    }

    fn states(&self) -> Option<StatesLane> {
        self.states.map(|changes| match changes {
            Changes::Latest => StatesLane::latest(&AGENT_STATES, agent_states::tells),
            Changes::Every => StatesLane::every(&AGENT_STATES),
        })
    }

    fn reports(&self) -> &[SinkReport] {
        &self.reports
    }

    fn history(&self) -> Option<&'static Encoder> {
        Some(&HISTORY)
    }

    fn told_time(&self) -> Option<ToldTime> {
        self.connection.told_time()
    }

    async fn send(&self, encoder: &'static Encoder, document: &Document, key: &str) -> Outcome {
        let (Some(kind), Ok(key), Ok(body)) =
            (kind_of(encoder), key.parse::<IdempotencyKey>(), std::str::from_utf8(&document.body))
        else {
            let reason = format!("{} is nothing that CXone WFM takes under the key {key}", encoder.name);
            return Outcome::Refused { reason };
        };
        match self.connection.send(kind, &key, body).await {
            Ok(receipt) if receipt.is_whole() => Outcome::Accepted,
            Ok(receipt) => Outcome::Partly(refused(&receipt, body)),
            Err(error) => outcome_of(&error, (self.clock)()),
        }
    }

    fn heartbeat(&self) -> Option<Duration> {
        self.heartbeat
    }

    /// States can be sent in any number of messages; a report of an interval is one body.
    fn split(&self, encoder: &'static Encoder, document: &Document) -> Option<[Document; 2]> {
        if encoder.name != AGENT_STATES.name {
            return None;
        }
        let body: Map<String, Value> = serde_json::from_slice(&document.body).ok()?;
        // Its key may be renamed: it is the only list.
        let key = body.iter().find(|(_, value)| value.is_array())?.0.clone();
        let states = body[&key].as_array().filter(|states| states.len() > 1)?;
        let (first, second) = states.split_at(states.len() / 2);
        let part = |states: &[Value], number: usize| {
            let mut body = body.clone();
            body.insert(key.clone(), states.into());
            Document::new(format!("{}.{number}", document.name), Value::Object(body).to_string())
        };
        Some([part(first, 1), part(second, 2)])
    }

    async fn beat(&self) -> Outcome {
        match self.connection.heartbeat().await {
            Ok(()) => Outcome::Accepted,
            Err(error) => outcome_of(&error, (self.clock)()),
        }
    }

    async fn probe(&self) -> Result<String, String> {
        let acd_type = self.connection.connect().await.map_err(|error| error.to_string())?;
        Ok(format!("the access key is taken; the ACD of the tenant is {acd_type}"))
    }
}

fn kind_of(encoder: &Encoder) -> Option<Kind> {
    let kinds = [
        (AGENT_STATES.name, Kind::AgentStates),
        (AGENT_ACTIVITY.name, Kind::AgentActivity),
        (QUEUE_REPORT.name, Kind::QueueReport),
    ];
    kinds.into_iter().find(|(name, _)| *name == encoder.name).map(|(_, kind)| kind)
}

fn outcome_of(error: &Error, now: Timestamp) -> Outcome {
    let reason = error.to_string();
    match (error.retry(), error) {
        (Retry::Later(after), _) => Outcome::Again { reason, after: after.map(|after| after.pause(now)) },
        (Retry::Never, Error::Rejected(_)) => Outcome::Refused { reason },
        (Retry::Never, Error::TooLarge(_)) => Outcome::TooLarge { reason },
        (Retry::Never, _) => Outcome::Shut { reason },
    }
}

/// What was refused of a body, with what was sent of it. What is refused without a word of which it is stands there as one more.
fn refused(receipt: &Receipt, body: &str) -> Vec<RefusedItem> {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let named = receipt.refused().map(|error| refused_item(error, &body));
    let unnamed = Some(receipt.unnamed()).filter(|count| *count > 0).map(|count| RefusedItem {
        subject: String::new(),
        payload: String::new(),
        reason: format!("{count} more items are refused, and the service does not say which"),
    });
    named.chain(unnamed).collect()
}

fn refused_item(error: &ItemError, body: &Value) -> RefusedItem {
    let item = error.item().map_or(&Value::Null, |(list, index)| &body[list][index]);
    let subject = ["agentId", "queueId"].iter().find_map(|key| item[*key].as_str()).unwrap_or(&error.path);
    let payload = if item.is_null() { String::new() } else { item.to_string() };
    RefusedItem { subject: subject.to_owned(), payload, reason: error.to_string() }
}
