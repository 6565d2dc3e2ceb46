//! A source in this process: agents in turn change between two statuses, as fast as is read or at a given rate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pegboard::clock;
use pegboard_connect::sources::amazon_connect::Decoder;
use pegboard_connect::spec::{
    Chunk, Decode, Opening, PartitionReader, Plan, Progress, Record, Source, SourceError,
};
use pegboard_model::{Millis, PartitionId, Position, Timestamp};

/// What a read gives at most, as a stream of Amazon's does by default.
const AT_ONCE: u64 = 500;

/// Copies are the same source.
#[derive(Debug, Clone)]
pub(crate) struct Centre {
    agents: u64,
    /// In each partition.
    events: u64,
    partitions: u64,
    /// The events of each partition, where they were made before anybody reads them.
    ready: Arc<Vec<Vec<Vec<u8>>>>,
    /// Events a second; none for as fast as they are read.
    rate: Option<f64>,
    /// When the events were due that are on their way, by their number.
    sent: Arc<Mutex<BTreeMap<u64, Instant>>>,
}

impl Centre {
    pub(crate) fn new(agents: u64, events: u64, rate: Option<f64>) -> Self {
        Self { agents, events, partitions: 1, ready: Arc::default(), rate, sent: Arc::default() }
    }

    /// A centre whose events are there already, so that making them takes no time of whoever reads them. No two partitions
    /// have an agent in common.
    pub(crate) fn ready(agents: u64, events: u64, partitions: u64) -> Self {
        let mut centre = Self::new(agents, events / partitions, None);
        let now = clock::system();
        let share = agents / partitions;
        let of = |partition: u64| {
            let numbers = (0..centre.events).map(|event| {
                let agent = partition * share + event % share;
                centre.event((event / share) * agents + agent, centre.past(now, event))
            });
            numbers.collect()
        };
        centre.ready = Arc::new((0..partitions).map(of).collect());
        Self { partitions, ..centre }
    }

    /// Half an hour of the past, so that nothing is late and nothing lies ahead.
    fn past(&self, now: Timestamp, number: u64) -> Timestamp {
        now - Millis::new(i64::try_from(self.events - number).unwrap_or(0).min(1_800_000))
    }

    /// When the event of this number was due; once.
    pub(crate) fn due(&self, number: u64) -> Option<Instant> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).remove(&number)
    }

    /// An event of some four kilobytes, most of them the configuration, twice, as Amazon Connect writes it.
    fn event(&self, number: u64, at: Timestamp) -> Vec<u8> {
        let agent = number % self.agents;
        let snapshot = |turn: u64| {
            let (name, kind) =
                if turn.is_multiple_of(2) { ("Available", "ROUTABLE") } else { ("Break", "CUSTOM") };
            let arn =
                "arn:aws:connect:eu-central-1:111122223333:instance/0b2f28ad-e192-43bc-99f4-2cfbfaf2097e";
            let queues: Vec<String> = (0..4)
                .map(|queue| format!(r#"{{"ARN":"{arn}/queue/{queue:08}-0000-4000-8000-{agent:012}","Channels":["VOICE"],"Name":"Queue {queue}"}}"#))
                .collect();
            let groups: Vec<String> = (1..=3)
                .map(|level| format!(r#""Level{level}":{{"ARN":"{arn}/agent-group/{level:08}-0000-4000-8000-000000000000","Name":"Team {}"}}"#, agent / 20))
                .collect();
            // The reason tells the events of an agent apart, for whoever waits for one of them.
            format!(
                r#"{{"AgentStatus":{{"ARN":"{arn}/agent-state/{kind}","Name":"{name} {turn}","StartTimestamp":"{at}","Type":"{kind}"}},"Configuration":{{"AgentHierarchyGroups":{{{}}},"FirstName":"Agent","LastName":"{agent}","RoutingProfile":{{"ARN":"{arn}/routing-profile/p","DefaultOutboundQueue":{},"InboundQueues":[{}],"Name":"Profile"}},"Username":"agent.{agent}"}},"Contacts":[]}}"#,
                groups.join(","),
                queues[0],
                queues.join(","),
            )
        };
        let turn = number / self.agents;
        format!(
            r#"{{"AgentARN":"arn:aws:connect:eu-central-1:111122223333:instance/i/agent/{agent}","CurrentAgentSnapshot":{},"EventId":"00000000-0000-4000-8000-{number:012x}","EventTimestamp":"{at}","EventType":"STATE_CHANGE","PreviousAgentSnapshot":{},"Version":"2017-10-01"}}"#,
            snapshot(turn),
            snapshot(turn + 1),
        )
        .into_bytes()
    }
}

#[async_trait]
impl Source for Centre {
    fn kind(&self) -> &'static str {
        "bench"
    }

    fn has_heartbeat(&self) -> bool {
        false
    }

    async fn probe(&self) -> Result<String, SourceError> {
        Ok("a bench".into())
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let open = (0..self.partitions).map(|number| {
            let partition = PartitionId::from(number.to_string());
            let from = match known.get(&partition) {
                Some(Progress::Started { position, .. }) => position.clone(),
                _ => Position::Number(0),
            };
            Opening { partition, from, watermark: None, parents: Vec::new() }
        });
        Ok(Plan { open: open.collect(), ..Plan::default() })
    }

    fn oldest(&self, _partition: &PartitionId) -> Position {
        Position::Number(0)
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let Position::Number(next) = opening.from else {
            return Err(SourceError::permanent("no such position"));
        };
        let partition =
            opening.partition.as_str().parse().map_err(|_| SourceError::permanent("no such partition"))?;
        Ok(Box::new(Reader { centre: self.clone(), partition, first: next, next, began: None }))
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
    }
}

#[derive(Debug)]
struct Reader {
    centre: Centre,
    partition: usize,
    first: u64,
    next: u64,
    began: Option<Instant>,
}

#[async_trait]
impl PartitionReader for Reader {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        let left = self.centre.events.saturating_sub(self.next);
        if left == 0 {
            std::future::pending::<()>().await;
        }
        let count = match self.centre.rate {
            None => left.min(AT_ONCE),
            Some(rate) => self.due(rate).await.min(left).min(AT_ONCE),
        };
        let now = clock::system();
        let records = (self.next..self.next + count).map(|number| {
            let at = if self.centre.rate.is_some() { now } else { self.centre.past(now, number) };
            Record { position: Position::Number(number), data: self.event(number, at) }
        });
        let records = records.collect();
        self.next += count;
        Ok(Chunk {
            records,
            position: Position::Number(self.next),
            watermark: None,
            behind: None,
            ended: false,
            gap: None,
            broken: Vec::new(),
            rows: Vec::new(),
            foreign: 0,
            is_judged: false,
        })
    }
}

impl Reader {
    fn event(&self, number: u64, at: Timestamp) -> Vec<u8> {
        let ready = self.centre.ready.get(self.partition);
        let event = ready.and_then(|events| events.get(usize::try_from(number).ok()?));
        event.cloned().unwrap_or_else(|| self.centre.event(number, at))
    }

    /// Waits until an event is due; answers how many are.
    async fn due(&mut self, rate: f64) -> u64 {
        let began = *self.began.get_or_insert_with(Instant::now);
        #[expect(clippy::cast_precision_loss, reason = "a few million at most")]
        let due_at = |number: u64| began + Duration::from_secs_f64((number - self.first) as f64 / rate);
        tokio::time::sleep_until(due_at(self.next).into()).await;
        let now = Instant::now();
        let due = (self.next..).take_while(|number| due_at(*number) <= now).take(500);
        let due: Vec<_> = due.map(|number| (number, due_at(number))).collect();
        let count = due.len().max(1) as u64;
        self.centre.sent.lock().unwrap_or_else(PoisonError::into_inner).extend(due);
        count
    }
}
