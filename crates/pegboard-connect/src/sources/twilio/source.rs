//! What Twilio posts or writes to a stream, and what it is asked for, as a source.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_model::{Order, PartitionId, Position, Timestamp};

use super::agent::{Activities, SiteStyle, observations};
use super::asked::{Asked, Asking, KnownActivities};
use super::assemble::{Assembler, kept};
use super::body::decode;
use super::contact::ContactSettings;
use super::event::Event;
use super::feed::{FedAgent, Feed};
use super::rest::Posted;
use super::streamed::StreamedEvents;
use super::{KIND, LANE};
use crate::sources::DecodeError;
use crate::sources::file::Clock;
use crate::sources::handed::{HandedLane, OLDEST};
use crate::sources::kinesis::KinesisStream;
use crate::sources::probing::all_of;
use crate::spec::{
    Assemble, Carries, Chunk, Decode, Decoded, GivenAgain, HandedRecord, Inlet, Opening, PartitionReader,
    Plan, Progress, Record, Snapshots, Source, SourceError,
};

/// How a site's events are to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TwilioSite {
    /// How agents' states are seen.
    pub style: SiteStyle,
    /// Which activities mean what.
    pub activities: Activities,
    /// Which contacts are told of, and what counts as an abandon.
    pub contacts: ContactSettings,
}

/// The events of a workspace.
#[derive(Debug, Clone)]
pub struct TwilioSource {
    lane: HandedLane,
    stream: Option<Arc<KinesisStream>>,
    site: Arc<TwilioSite>,
    activities: KnownActivities,
    asked: Option<Arc<Asked>>,
    feed: Option<Feed>,
}

impl TwilioSource {
    /// Reads what is handed in.
    pub fn new(inlet: Arc<dyn Inlet>, clock: Clock, site: TwilioSite) -> Self {
        let activities = KnownActivities::new(site.activities.clone());
        let lane = HandedLane { name: LANE, inlet, clock, sort };
        Self { lane, stream: None, site: Arc::new(site), activities, asked: None, feed: None }
    }

    /// The same, which also reads the stream that Event Streams writes to.
    #[must_use]
    pub fn streamed(self, stream: KinesisStream) -> Self {
        Self { stream: Some(Arc::new(stream)), ..self }
    }

    /// The same, which also takes what the WFM RTA feed posts for how agents are.
    #[must_use]
    pub fn fed(self) -> Self {
        let feed = Feed::new(self.lane.clock.clone());
        Self { feed: Some(feed), ..self }
    }

    /// The same, which also asks the workspace: for its events, which decide up to when everything is known, and for its agents.
    #[must_use]
    pub fn asking(self, asking: Asking) -> Self {
        let asked = Asked::new(asking, self.site.style, self.activities.clone());
        Self { asked: Some(Arc::new(asked)), ..self }
    }
}

#[async_trait]
impl Source for TwilioSource {
    fn kind(&self) -> &'static str {
        KIND
    }

    /// No event is a heartbeat: an agent to whom nothing happens is not told of.
    fn has_heartbeat(&self) -> bool {
        false
    }

    /// Every input is tried, and every failure told.
    async fn probe(&self) -> Result<String, SourceError> {
        let mut outcomes = Vec::new();
        if let Some(stream) = &self.stream {
            outcomes.push(stream.probe().await);
        }
        if let Some(asked) = &self.asked {
            outcomes.push(asked.probe(self.site.style, (self.lane.clock)()).await);
        }
        let posted = self.lane.probe().await;
        // Of a lane there is nothing to tell where something else was reached.
        if posted.is_err() || outcomes.is_empty() {
            outcomes.push(posted);
        }
        all_of(outcomes)
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let mut plan = self.lane.plan(known);
        if let Some(stream) = &self.stream {
            let its = known.iter().filter(|(partition, _)| Input::of(partition) == Input::Streamed);
            let its = its.map(|(partition, progress)| (partition.clone(), progress.clone())).collect();
            let Plan { open, waiting, lost } = stream.plan(&its).await?;
            plan.open.extend(open);
            plan.waiting.extend(waiting);
            plan.lost.extend(lost);
        }
        if let Some(asked) = &self.asked {
            asked.learn_activities((self.lane.clock)()).await;
            plan.open.push(asked.opening(known, &self.lane.clock));
        }
        Ok(plan)
    }

    fn oldest(&self, partition: &PartitionId) -> Position {
        match Input::of(partition) {
            Input::Streamed => KinesisStream::oldest(),
            Input::Posted | Input::Asked => OLDEST,
        }
    }

    fn carries(&self, _partition: &PartitionId) -> Carries {
        Carries::EVENTS
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let nobody = || SourceError::passing(format!("{} is no longer read", opening.partition));
        match Input::of(&opening.partition) {
            Input::Posted => self.lane.open(opening),
            Input::Streamed => {
                let shard = self.stream.as_ref().ok_or_else(nobody)?.open(opening)?;
                Ok(Box::new(StreamedEvents(shard)))
            }
            Input::Asked => self.asked.as_ref().ok_or_else(nobody)?.open(opening, &self.lane.clock),
        }
    }

    fn can_give_again(&self) -> bool {
        self.stream.is_some() || self.asked.is_some()
    }

    async fn give_again(&self, from: Timestamp, to: Timestamp) -> Result<Vec<GivenAgain>, SourceError> {
        let mut given = Vec::new();
        if let Some(stream) = &self.stream {
            given.push(stream.given_again(from).await?);
        }
        given.extend(self.asked.iter().map(|asked| asked.given_again(from, to, &self.lane.clock)));
        Ok(given)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        let posted = self.asked.as_ref().map(|asked| asked.posted.clone());
        let (site, activities, feed) = (self.site.clone(), self.activities.clone(), self.feed.clone());
        Box::new(TwilioDecoder { site, activities, posted, feed })
    }

    fn assembler(&self) -> Option<Arc<dyn Assemble>> {
        Some(Arc::new(Assembler { contacts: self.site.contacts.clone() }))
    }

    fn fallback(&self) -> Option<String> {
        self.stream.as_ref()?.fallback()
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        let asked = self.asked.as_ref().map(|asked| &asked.snapshots as &dyn Snapshots);
        // Whoever can be asked knows better.
        asked.or_else(|| self.feed.as_ref().map(|feed| feed as &dyn Snapshots))
    }
}

/// By which way a partition comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    /// It is posted, and kept in the lane.
    Posted,
    /// It is written to a stream, of which it is a shard.
    Streamed,
    /// It is asked for.
    Asked,
}

impl Input {
    fn of(partition: &PartitionId) -> Self {
        if partition.as_str() == LANE {
            Self::Posted
        } else if Asked::is_asked_for(partition) {
            Self::Asked
        } else {
            Self::Streamed
        }
    }
}

fn sort(_: &PartitionId, HandedRecord { number, body, .. }: HandedRecord, chunk: &mut Chunk) {
    chunk.records.push(Record { position: Position::Number(number), data: body });
}

/// Decodes events, however they come.
#[derive(Debug)]
struct TwilioDecoder {
    site: Arc<TwilioSite>,
    activities: KnownActivities,
    posted: Option<Posted>,
    feed: Option<Feed>,
}

impl TwilioDecoder {
    /// Notes what was posted, or is on the stream: nobody need be asked for it. What was asked for is kept nowhere until it is committed.
    fn note(&self, event: &Event, order: &Order) {
        if let Some(posted) = self.posted.as_ref().filter(|_| Input::of(&order.partition) != Input::Asked) {
            posted.note(event.id.to_string(), event.at);
        }
    }

    /// Takes what the feed tells; false where nobody wants to know it.
    fn take_fed(&self, fed: Vec<FedAgent>) -> bool {
        let Some(feed) = self.feed.as_ref().filter(|_| !fed.is_empty()) else { return false };
        let activities = self.activities.now();
        for agent in fed {
            feed.take(agent, self.site.style, &activities);
        }
        true
    }
}

impl Decode for TwilioDecoder {
    fn decode(&mut self, bytes: &[u8], order: Order) -> Result<Decoded, DecodeError> {
        let mut body = decode(bytes)?;
        let is_fed = self.take_fed(std::mem::take(&mut body.fed));
        if let Some(error) = body.bad.pop() {
            return Err(error);
        }
        if body.events.is_empty() && !is_fed {
            return Ok(Decoded::Foreign);
        }
        body.events.iter().for_each(|event| self.note(event, &order));
        let activities = self.activities.now();
        let observe = |event| observations(event, self.site.style, &activities, &order);
        let seen = body.events.iter().flat_map(observe).collect();
        Ok(Decoded::Told { seen, of_contacts: body.events.iter().filter_map(kept).collect() })
    }
}
