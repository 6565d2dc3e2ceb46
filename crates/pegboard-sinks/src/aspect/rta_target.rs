//! The table and the queues of real-time adherence, as servers have them.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use pegboard_aws::{
    CallError, Clock, ErrorKind, FifoMessage, FifoQueue, FifoQueueRef, QueueConfig, Sent, Table, TableConfig,
};
use serde_json::json;
use tokio::sync::OnceCell;

use super::hierarchy::HierarchyFilter;
use super::queue::{BadQueueCount, Message, MessageGroup, QueueCount};
use super::rta::RtaSettings;
use super::switch::{Switch, SwitchConfig};
use super::table::TableWrite;
use crate::RefusedItem;

/// Where rows and messages go, and whose.
#[derive(Debug, Clone)]
pub struct RtaConfig {
    /// The table of present states.
    pub table: TableConfig,
    /// The queues, in their order.
    pub queues: Vec<QueueConfig<FifoQueueRef>>,
    /// What the queues keep in order.
    pub group: MessageGroup,
    /// Whose events are passed on, where not everybody's.
    pub filter: Option<HierarchyFilter>,
    /// Where it is said whether messages are sent.
    pub switch: SwitchConfig,
}

/// The same, connected when it is first needed.
pub(super) struct RtaTarget {
    config: RtaConfig,
    pub(super) settings: RtaSettings,
    clock: Clock,
    seed: u64,
    connected: OnceCell<Connected>,
}

#[derive(Debug)]
pub(super) struct Connected {
    pub(super) switch: Switch,
    table: Table,
    pub(super) queues: Vec<Arc<FifoQueue>>,
}

impl RtaTarget {
    pub(super) fn new(config: RtaConfig, clock: Clock, seed: u64) -> Result<Self, BadQueueCount> {
        let queues = QueueCount::try_from(u8::try_from(config.queues.len()).unwrap_or(u8::MAX))?;
        let settings = RtaSettings { queues, group: config.group, filter: config.filter.clone() };
        Ok(Self { config, settings, clock, seed, connected: OnceCell::new() })
    }

    pub(super) async fn connected(&self) -> Result<&Connected, CallError> {
        self.connected.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Connected, CallError> {
        let RtaConfig { table, queues, switch, .. } = &self.config;
        let mut connected = Vec::with_capacity(queues.len());
        for queue in queues {
            let queue = FifoQueue::connect(queue.clone(), self.clock.clone(), self.seed).await?;
            connected.push(Arc::new(queue));
        }
        Ok(Connected {
            switch: Switch::connect(switch.clone(), self.clock.clone(), self.seed).await?,
            table: Table::connect(table.clone(), self.clock.clone(), self.seed).await?,
            queues: connected,
        })
    }
}

/// Why a row is not as it should be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotWritten {
    /// It may be later.
    Passing(String),
    /// It never will.
    Refused(String),
}

impl From<CallError> for NotWritten {
    fn from(error: CallError) -> Self {
        // What the table finds wrong with one row says nothing of others.
        if error.kind() == ErrorKind::Other {
            Self::Refused(error.to_string())
        } else {
            Self::Passing(error.to_string())
        }
    }
}

impl Connected {
    /// Makes a change, unless what is there is newer.
    pub(super) async fn write(&self, write: &TableWrite) -> Result<(), NotWritten> {
        let request = write.request("");
        match write {
            TableWrite::Put { .. } => self.table.put(request).await?,
            TableWrite::Delete { .. } => self.table.delete(request).await?,
        };
        Ok(())
    }

    /// Whether the table can be changed: by removing a row, of nobody, if it is there.
    pub(super) async fn probe(&self) -> Result<(), CallError> {
        let nobody = json!({
            "Key": { "AgentARN": { "S": "pegboard" } },
            "ConditionExpression": "attribute_exists(AgentARN)",
        });
        self.table.delete(nobody).await.map(drop)
    }
}

/// What is left after messages were sent to one queue.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    /// Those that are to be sent again, in their order.
    pub(super) messages: VecDeque<(u64, Message)>,
    /// Those that never will be taken.
    pub(super) refused: Vec<RefusedItem>,
    /// Why some were not taken.
    pub(super) reason: Option<String>,
}

/// Sends messages to one queue, until one is not taken. Of a group there is one at a time on its way, so that they stay in
/// order whatever fails.
pub(super) async fn send(queue: Arc<FifoQueue>, messages: VecDeque<(u64, Message)>) -> Unsent {
    let mut unsent = Unsent { messages, ..Unsent::default() };
    while !unsent.messages.is_empty() && unsent.reason.is_none() {
        let batch: Vec<_> = of_different_groups(&unsent.messages).map(fifo).collect();
        match queue.send(&batch).await {
            Ok(sent) => unsent.note(sent),
            Err(error) => unsent.reason = Some(error.to_string()),
        }
    }
    unsent
}

impl Unsent {
    /// Notes what became of the first messages.
    fn note(&mut self, sent: Vec<Sent>) {
        let mut left = VecDeque::new();
        for outcome in sent {
            let Some((number, message)) = self.messages.pop_front() else { break };
            match outcome {
                Sent::Accepted => {}
                Sent::Failed { detail } => {
                    self.reason = Some(format!("queue {}: {detail}", message.queue));
                    left.push_back((number, message));
                }
                Sent::Rejected { detail } => self.refused.push(RefusedItem {
                    subject: message.agent,
                    payload: message.body,
                    reason: format!("queue {}: {detail}", message.queue),
                }),
            }
        }
        left.append(&mut self.messages);
        self.messages = left;
    }
}

/// The first messages, up to the second one of a group.
fn of_different_groups(messages: &VecDeque<(u64, Message)>) -> impl Iterator<Item = &Message> {
    let mut groups = HashSet::new();
    messages.iter().map(|(_, message)| message).take_while(move |message| groups.insert(&message.group))
}

fn fifo(message: &Message) -> FifoMessage {
    FifoMessage {
        body: message.body.clone(),
        group: message.group.clone(),
        deduplication: message.deduplication.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::AgentEvent;
    use super::*;

    fn messages(agents: &[&str]) -> VecDeque<(u64, Message)> {
        let message = |(number, agent): (u64, &&str)| {
            let event = format!(
                r#"{{"AgentARN":"{agent}","EventType":"LOGIN","EventId":"e{number}","EventTimestamp":"2026-03-02T09:00:00Z"}}"#
            );
            let event = AgentEvent::read(event.as_bytes()).unwrap().unwrap();
            let body = "{}".to_owned();
            (number, Message::of(&event, body, QueueCount::default(), MessageGroup::Agent).unwrap())
        };
        (1..).zip(agents).map(message).collect()
    }

    #[test]
    fn of_a_group_there_is_one_message_in_a_request() {
        let count = |agents: &[&str]| of_different_groups(&messages(agents)).count();
        assert_eq!(count(&["a", "b", "c"]), 3);
        assert_eq!(count(&["a", "b", "a", "c"]), 2, "and none overtakes another");
        assert_eq!(count(&[]), 0);
    }

    #[test]
    fn what_was_not_taken_stays_in_its_order_before_what_was_not_sent() {
        let mut unsent = Unsent { messages: messages(&["a", "b", "c", "d", "a"]), ..Unsent::default() };
        let (failed, rejected) = ("busy".to_owned(), "never".to_owned());
        unsent.note(vec![
            Sent::Accepted,
            Sent::Failed { detail: failed },
            Sent::Rejected { detail: rejected },
            Sent::Accepted,
        ]);
        let left: Vec<u64> = unsent.messages.iter().map(|(number, _)| *number).collect();
        assert_eq!(left, [2, 5]);
        assert_eq!(unsent.reason.as_deref(), Some("queue 0: busy"));
        let refused: Vec<_> = unsent.refused.iter().map(|item| (&*item.subject, &*item.reason)).collect();
        assert_eq!(refused, [("c", "queue 0: never")]);
    }
}
