//! What the delivery loop asks of a target.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_model::AgentNow;
use pegboard_net::ToldTime;

use crate::mapping::Mapping;
use crate::{Document, Encoder, EventLane, EventLaneKind, EventSource, Outcome, Span};

/// How present states are delivered to a target.
#[derive(Debug, Clone, Copy)]
pub struct StatesLane {
    /// How they are written. What it is handed stands in [`Known::changes`](crate::Known::changes), and as segments in
    /// [`Known::states`](crate::Known::states).
    pub encoder: &'static Encoder,
    /// Which of them the target is to have.
    pub changes: Changes,
    /// The most that are encoded together.
    pub at_once: usize,
    /// Whether it takes what stands in [`Known::health`](crate::Known::health), too.
    pub tells_health: bool,
    /// Whether the target is told of a state at all, by a mapping: one that it is not told of stands for none before it.
    pub tells: fn(&Mapping, &AgentNow) -> bool,
}

impl StatesLane {
    /// The latest state of each agent that the target is told of.
    pub const fn latest(encoder: &'static Encoder, tells: fn(&Mapping, &AgentNow) -> bool) -> Self {
        Self { changes: Changes::Latest, at_once: 10_000, tells, ..Self::every(encoder) }
    }

    /// Every change of the feed.
    pub const fn every(encoder: &'static Encoder) -> Self {
        Self { encoder, changes: Changes::Every, at_once: 1_000, tells_health: false, tells: |_, _| true }
    }

    /// The same, and how sources do.
    #[must_use]
    pub const fn with_health(self) -> Self {
        Self { tells_health: true, ..self }
    }
}

/// Which changes of agents' states a target is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// The latest of each agent that the target is told of: what is overtaken while it waits is never sent.
    Latest,
    /// Every one, those of an agent in the order of the feed: while the target is away they wait in the store, for as long as
    /// the feed is kept. After a crash the last few come again.
    Every,
}

/// A report that a target takes.
#[derive(Debug, Clone, Copy)]
pub struct SinkReport {
    /// How it is written.
    pub encoder: &'static Encoder,
    /// What its encoder reads of what is [`Known`](crate::Known): nothing else is loaded for it, and a correction of one of them
    /// makes it anew.
    pub made_of: &'static [Ingredient],
    /// What one writing of it is about.
    pub span: Span,
}

/// What a report can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingredient {
    /// `activities`: those that end in the interval, whole, and the directory.
    Activities,
    /// `sessions`: those that touch the interval, and the directory.
    Sessions,
    /// `agents`: where agents' time went, and the directory.
    Agents,
    /// `groups`: positions staffed.
    Groups,
    /// `states`: what agents were in, cut where the interval begins and ends.
    Segments,
    /// `queues`, and what each queue is for.
    Queues,
    /// `agent_queues`, and what each queue is for.
    AgentQueues,
}

impl Ingredient {
    /// The report whose corrections are corrections of this.
    pub const fn report(self) -> &'static str {
        match self {
            Self::Activities | Self::Sessions | Self::Agents | Self::Segments => "agent_interval",
            Self::Groups => "group_interval",
            Self::Queues => "queue_interval",
            Self::AgentQueues => "agent_queue_interval",
        }
    }
}

/// How often a target may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Requests a second, on average.
    pub per_second: u32,
    /// Requests without a pause between, after one.
    pub at_once: u32,
}

impl Default for Pace {
    /// A hundred a second: more than any target is known to need, and what a loop that has gone wild does not exceed.
    fn default() -> Self {
        Self { per_second: 100, at_once: 100 }
    }
}

/// A target. It has no loop, no queue and no retry of its own: it sends what it is handed, and says what became of it.
#[async_trait]
pub trait Sink: Send + Sync + fmt::Debug {
    /// Its kind, as in the configuration.
    fn kind(&self) -> &'static str;

    /// How states are delivered, where the target takes them.
    fn states(&self) -> Option<StatesLane>;

    /// The reports that it takes.
    fn reports(&self) -> &[SinkReport];

    /// What writes the past of queues for an import by hand; most targets have none.
    fn history(&self) -> Option<&'static Encoder> {
        None
    }

    /// How often it may be asked, unless its configuration says otherwise.
    fn pace(&self) -> Pace {
        Pace::default()
    }

    /// How often it is told that the hub lives, where it wants to be.
    fn heartbeat(&self) -> Option<Duration> {
        None
    }

    /// Sends one document of an encoder. Whoever sends the same again has the same `key`; the same key never stands for
    /// another content.
    async fn send(&self, encoder: &'static Encoder, document: &Document, key: &str) -> Outcome;

    /// The same for what is made anew, of which the target has a document already. For most it is one like any other.
    async fn correct(&self, encoder: &'static Encoder, document: &Document, key: &str) -> Outcome {
        self.send(encoder, document, key).await
    }

    /// The same in two parts, where the target takes it so: for a document that is [too large](Outcome::TooLarge). Nothing
    /// where it can only be taken whole.
    fn split(&self, encoder: &'static Encoder, document: &Document) -> Option<[Document; 2]> {
        let _ = (encoder, document);
        None
    }

    /// What its target said last that the time is, where it says so.
    fn told_time(&self) -> Option<ToldTime> {
        None
    }

    /// Tells the target that the hub lives.
    async fn beat(&self) -> Outcome {
        Outcome::Accepted
    }

    /// The lanes in which it takes events as they came.
    fn event_lanes(&self) -> &[EventLaneKind] {
        &[]
    }

    /// Opens one of them; nothing if it is none of its own.
    fn open_events(&self, lane: &EventLaneKind, source: EventSource<'_>) -> Option<Box<dyn EventLane>> {
        let _ = (lane, source);
        None
    }

    /// Asks the target something that changes nothing. Answers what people should know of it, or why it cannot be delivered to.
    async fn probe(&self) -> Result<String, String>;
}
