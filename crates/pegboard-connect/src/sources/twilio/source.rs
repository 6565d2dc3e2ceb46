//! What Twilio posts, and what it is asked for, as a source.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_model::{Order, PartitionId, Position};

use super::agent::{Activities, SiteStyle, observations};
use super::asked::{Asked, Asking, KnownActivities};
use super::assemble::{Assembler, kept};
use super::body::decode;
use super::contact::ContactSettings;
use super::event::Event;
use super::rest::Posted;
use super::{KIND, LANE};
use crate::sources::DecodeError;
use crate::sources::file::Clock;
use crate::sources::handed::{HandedLane, OLDEST};
use crate::spec::{
    Assemble, Carries, Chunk, Decode, Decoded, HandedRecord, Inlet, Opening, PartitionReader, Plan, Progress,
    Record, Snapshots, Source, SourceError,
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
    site: Arc<TwilioSite>,
    activities: KnownActivities,
    asked: Option<Arc<Asked>>,
}

impl TwilioSource {
    /// Reads what is handed in.
    pub fn new(inlet: Arc<dyn Inlet>, clock: Clock, site: TwilioSite) -> Self {
        let activities = KnownActivities::new(site.activities.clone());
        let lane = HandedLane { name: LANE, inlet, clock, sort };
        Self { lane, site: Arc::new(site), activities, asked: None }
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

    async fn probe(&self) -> Result<String, SourceError> {
        let found = self.lane.probe().await?;
        let Some(asked) = &self.asked else { return Ok(found) };
        let asked = asked.probe(self.site.style, (self.lane.clock)()).await?;
        Ok(format!("{found}; {asked}"))
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let mut plan = self.lane.plan(known);
        if let Some(asked) = &self.asked {
            asked.learn_activities((self.lane.clock)()).await;
            plan.open.push(asked.opening(known, &self.lane.clock));
        }
        Ok(plan)
    }

    fn oldest(&self, _partition: &PartitionId) -> Position {
        OLDEST
    }

    fn carries(&self, _partition: &PartitionId) -> Carries {
        Carries::EVENTS
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        if !Asked::is_asked_for(&opening.partition) {
            return self.lane.open(opening);
        }
        let nobody = || SourceError::passing(format!("{} is no longer asked for", opening.partition));
        self.asked.as_ref().ok_or_else(nobody)?.open(opening, &self.lane.clock)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        let posted = self.asked.as_ref().map(|asked| asked.posted.clone());
        Box::new(TwilioDecoder { site: self.site.clone(), activities: self.activities.clone(), posted })
    }

    fn assembler(&self) -> Option<Arc<dyn Assemble>> {
        Some(Arc::new(Assembler { contacts: self.site.contacts.clone() }))
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        self.asked.as_ref().map(|asked| &asked.snapshots as &dyn Snapshots)
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
}

impl TwilioDecoder {
    /// Notes what was posted: nobody need be asked for it. What was asked for is kept nowhere until it is committed.
    fn note(&self, event: &Event, order: &Order) {
        if let Some(posted) = self.posted.as_ref().filter(|_| order.partition.as_str() == LANE) {
            posted.note(event.id.to_string(), event.at);
        }
    }
}

impl Decode for TwilioDecoder {
    fn decode(&mut self, bytes: &[u8], order: Order) -> Result<Decoded, DecodeError> {
        let mut body = decode(bytes)?;
        if let Some(error) = body.bad.pop() {
            return Err(error);
        }
        if body.events.is_empty() {
            return Ok(Decoded::Foreign);
        }
        body.events.iter().for_each(|event| self.note(event, &order));
        let activities = self.activities.now();
        let observe = |event| observations(event, self.site.style, &activities, &order);
        let seen = body.events.iter().flat_map(observe).collect();
        Ok(Decoded::Told { seen, of_contacts: body.events.iter().filter_map(kept).collect() })
    }
}
