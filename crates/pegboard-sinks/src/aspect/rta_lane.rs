//! Real-time adherence, live: the table of present states first, and then the queues, while they are switched on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::forwarding::{Flag, Forwarding};
use super::queue::Message;
use super::rta::Rta;
use super::rta_target::{Connected, NotWritten, RtaTarget, Unsent, send};
use super::table::TableWrite;
use crate::{EventLane, EventOutcome, EventSource, RefusedItem, SourceEvent};

/// How many events are taken before the table has what comes of them. Of an agent it is given the last change among them.
const AT_ONCE: u64 = 500;

/// How many requests to the table are under way at once.
const WRITES_AT_ONCE: usize = 16;

/// How many messages are kept in case the queues are switched on. What was there before comes from the store again.
pub const MOST_KEPT: usize = 10_000;

/// How often it is looked whether the queues are switched on.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Rows and messages of one source.
#[derive(Debug)]
pub(super) struct RtaLane {
    target: Arc<RtaTarget>,
    rta: Rta,
    forwarding: Forwarding,
    looked: Option<Instant>,
    /// Why it is not known how the switch stands.
    unknown: Option<String>,
    /// The last event that was taken.
    taken: u64,
    /// The last event that the table has.
    applied: u64,
    /// What the table does not have, by agent.
    writes: BTreeMap<String, TableWrite>,
    /// What was not sent, with the numbers of the events.
    messages: VecDeque<(u64, Message)>,
    /// The last event whose message is no longer kept.
    forgotten: u64,
    /// The last event that was said to be done with.
    told: u64,
    unusable: u64,
}

impl std::fmt::Debug for RtaTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RtaTarget").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl RtaLane {
    pub(super) fn open(target: Arc<RtaTarget>, source: EventSource<'_>) -> Self {
        let (rta, done) = (Rta::new(target.settings.clone()), source.done);
        Self {
            target,
            rta,
            forwarding: Forwarding::new(done),
            looked: None,
            unknown: None,
            taken: done,
            applied: done,
            writes: BTreeMap::new(),
            messages: VecDeque::new(),
            forgotten: done,
            told: done,
            unusable: 0,
        }
    }

    /// Looks at the switch, if it is time. What the table had when the look began is what counts. While nobody can look, it
    /// stays as it was, and the table goes on.
    async fn look(&mut self, connected: &Connected) {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return;
        }
        let looked = connected.switch.look().await;
        self.looked = Some(Instant::now());
        match looked {
            Ok(flag) => {
                self.unknown = None;
                self.forwarding.look(flag, self.applied);
            }
            Err(error) => {
                self.unknown = Some(format!("it is not known whether the queues are switched on: {error}"));
            }
        }
    }

    /// Gives the table what it does not have. Changes of different agents go side by side.
    async fn apply(&mut self) -> Result<Vec<RefusedItem>, String> {
        let (mut refused, mut failure) = (Vec::new(), None);
        let mut waiting = self.writes.clone().into_iter();
        let mut under_way = JoinSet::new();
        loop {
            while failure.is_none()
                && under_way.len() < WRITES_AT_ONCE
                && let Some((agent, write)) = waiting.next()
            {
                let target = self.target.clone();
                under_way.spawn(async move {
                    let written = match target.connected().await {
                        Ok(connected) => connected.write(&write).await,
                        Err(error) => Err(NotWritten::Passing(error.to_string())),
                    };
                    (agent, written)
                });
            }
            match under_way.join_next().await {
                None => break,
                Some(Ok((agent, Ok(())))) => drop(self.writes.remove(&agent)),
                Some(Ok((agent, Err(NotWritten::Refused(reason))))) => {
                    self.writes.remove(&agent);
                    refused.push(RefusedItem { subject: agent, payload: String::new(), reason });
                }
                Some(Ok((_, Err(NotWritten::Passing(reason))))) => failure = Some(reason),
                Some(Err(error)) => failure = Some(error.to_string()),
            }
        }
        match failure {
            Some(reason) => Err(reason),
            None => Ok(refused),
        }
    }

    /// Sends what is kept to the queues, side by side.
    async fn forward(&mut self, connected: &Connected) -> (Vec<RefusedItem>, Option<String>) {
        let mut of_queues: BTreeMap<usize, VecDeque<(u64, Message)>> = BTreeMap::new();
        for (number, message) in self.messages.drain(..) {
            of_queues.entry(message.queue.index()).or_default().push_back((number, message));
        }
        let mut under_way = JoinSet::new();
        for (queue, messages) in of_queues {
            if let Some(queue) = connected.queues.get(queue) {
                under_way.spawn(send(queue.clone(), messages));
            }
        }
        let (mut left, mut all_refused, mut failure) = (BTreeMap::new(), Vec::new(), None);
        while let Some(ended) = under_way.join_next().await {
            match ended {
                Ok(Unsent { messages, refused, reason }) => {
                    left.extend(messages);
                    all_refused.extend(refused);
                    failure = reason.or(failure);
                }
                Err(error) => failure = Some(error.to_string()),
            }
        }
        self.messages = left.into_iter().collect();
        (all_refused, failure)
    }

    /// Lets go of messages that need not be sent, and of the oldest where there are too many.
    fn forget(&mut self) {
        let done = self.forwarding.done();
        while self.messages.front().is_some_and(|(number, _)| *number <= done) {
            self.messages.pop_front();
        }
        while self.forwarding.next().is_none() && self.messages.len() > MOST_KEPT {
            self.forgotten = self.messages.pop_front().map_or(self.forgotten, |(number, _)| number);
        }
    }

    fn told(&mut self, refused: Vec<RefusedItem>) -> EventOutcome {
        let done = self.forwarding.done();
        if done == self.told && refused.is_empty() {
            return EventOutcome::Nothing;
        }
        self.told = done;
        EventOutcome::Done { done, refused }
    }

    async fn try_send(&mut self) -> Result<EventOutcome, String> {
        let target = self.target.clone();
        let connected = target.connected().await.map_err(|error| error.to_string())?;
        self.look(connected).await;
        let mut refused = self.apply().await?;
        self.applied = self.taken;
        self.forget();
        let Some(next) = self.forwarding.next() else { return Ok(self.told(refused)) };
        if next <= self.forgotten {
            return Ok(EventOutcome::Reopen);
        }
        let (of_queues, failure) = self.forward(connected).await;
        refused.extend(of_queues);
        match failure {
            // Those that are refused are told with what is done.
            Some(reason) if refused.is_empty() => Err(reason),
            Some(_) => Ok(EventOutcome::Done { done: self.forwarding.done(), refused }),
            None => {
                self.forwarding.sent(self.applied);
                Ok(self.told(refused))
            }
        }
    }
}

#[async_trait]
impl EventLane for RtaLane {
    fn remember(&mut self, event: SourceEvent<'_>) {
        self.rta.remember(event.number, event.data);
    }

    fn has_room(&self) -> bool {
        self.taken - self.applied < AT_ONCE
    }

    fn take(&mut self, event: SourceEvent<'_>) {
        self.taken = event.number;
        match self.rta.take(event.number, event.data) {
            Ok(Some(step)) => {
                if let Some(write) = step.table {
                    self.writes.insert(step.message.agent.clone(), write);
                }
                self.messages.push_back((event.number, step.message));
            }
            Ok(None) => {}
            Err(_) => self.unusable += 1,
        }
    }

    fn pass(&mut self, _read_to: Timestamp) {}

    async fn send(&mut self) -> EventOutcome {
        self.try_send().await.unwrap_or_else(|reason| EventOutcome::Again { reason })
    }

    fn left_out(&self) -> u64 {
        self.unusable
    }

    fn trouble(&self) -> Option<String> {
        self.unknown.clone()
    }

    fn remark(&self) -> Option<String> {
        let flag = if self.forwarding.next().is_some() { Flag::On } else { Flag::Off };
        Some(format!("the queues are switched {}", flag.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pegboard_aws::{QueueConfig, TableConfig};
    use pegboard_engine::StatusTable;

    use super::super::queue::MessageGroup;
    use super::super::rta_target::RtaConfig;
    use super::super::switch::SwitchConfig;
    use super::*;

    /// A lane that reaches nobody.
    fn lane() -> RtaLane {
        let queue = "arn:aws:sqs:eu-central-1:111122223333:q.fifo".parse().unwrap();
        let config = RtaConfig {
            table: TableConfig::new("states"),
            queues: vec![QueueConfig::new(queue)],
            group: MessageGroup::All,
            filter: None,
            switch: SwitchConfig::Table(TableConfig::new("settings")),
        };
        let target = Arc::new(RtaTarget::new(config, Arc::new(|| 0), 1).unwrap());
        let (name, statuses) = ("connect".into(), StatusTable::default());
        RtaLane::open(target, EventSource { name: &name, statuses: &statuses, done: 0 })
    }

    fn take(lane: &mut RtaLane, number: u64, kind: &str) {
        let data = format!(
            r#"{{"AgentARN":"a/{}","EventType":"{kind}","EventId":"e{number}","EventTimestamp":"2026-03-02T09:00:00Z"}}"#,
            number % 7
        );
        let at = Timestamp::from_millis(0);
        lane.take(SourceEvent { number, at, data: data.as_bytes() });
    }

    #[test]
    fn r28_500_events_are_taken_before_the_table_has_what_comes_of_them() {
        let mut lane = lane();
        for number in 1..500 {
            take(&mut lane, number, "STATE_CHANGE");
        }
        assert!(lane.has_room());
        take(&mut lane, 500, "STATE_CHANGE");
        assert!(!lane.has_room());
        assert_eq!((lane.writes.len(), lane.messages.len()), (7, 500), "of an agent the last change");
    }

    #[test]
    fn r28_ten_thousand_messages_are_kept_in_case_the_queues_are_switched_on() {
        let mut lane = lane();
        let number_of = |count: usize| u64::try_from(count).unwrap();
        for number in 1..=number_of(MOST_KEPT) {
            take(&mut lane, number, "HEART_BEAT");
            lane.forget();
        }
        assert_eq!((lane.messages.len(), lane.forgotten), (MOST_KEPT, 0));
        take(&mut lane, number_of(MOST_KEPT) + 1, "HEART_BEAT");
        lane.forget();
        assert_eq!((lane.messages.len(), lane.forgotten), (MOST_KEPT, 1), "that comes from the store again");
        lane.forwarding.look(Flag::Off, 9);
        lane.forget();
        assert_eq!(
            lane.messages.front().map(|(number, _)| *number),
            Some(10),
            "what the table had need not be sent"
        );
    }
}
