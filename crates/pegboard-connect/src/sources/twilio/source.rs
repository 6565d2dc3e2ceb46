//! What Twilio posts, as a source.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_model::{Order, PartitionId, Position};

use super::agent::{Activities, SiteStyle, observations};
use super::assemble::{Assembler, kept};
use super::body::decode;
use super::contact::ContactSettings;
use super::{KIND, LANE};
use crate::sources::DecodeError;
use crate::sources::file::Clock;
use crate::sources::handed::{HandedLane, OLDEST};
use crate::spec::{
    Assemble, Carries, Chunk, Decode, Decoded, HandedRecord, Inlet, Opening, PartitionReader, Plan, Progress,
    Record, Source, SourceError,
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
}

impl TwilioSource {
    /// Reads what is handed in.
    pub fn new(inlet: Arc<dyn Inlet>, clock: Clock, site: TwilioSite) -> Self {
        Self { lane: HandedLane { name: LANE, inlet, clock, sort }, site: Arc::new(site) }
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
        self.lane.probe().await
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        Ok(self.lane.plan(known))
    }

    fn oldest(&self, _partition: &PartitionId) -> Position {
        OLDEST
    }

    fn carries(&self, _partition: &PartitionId) -> Carries {
        Carries::EVENTS
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        self.lane.open(opening)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(TwilioDecoder { site: self.site.clone() })
    }

    fn assembler(&self) -> Option<Arc<dyn Assemble>> {
        Some(Arc::new(Assembler { contacts: self.site.contacts.clone() }))
    }
}

fn sort(_: &PartitionId, HandedRecord { number, body, .. }: HandedRecord, chunk: &mut Chunk) {
    chunk.records.push(Record { position: Position::Number(number), data: body });
}

/// Decodes what is posted.
#[derive(Debug)]
struct TwilioDecoder {
    site: Arc<TwilioSite>,
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
        let TwilioSite { style, activities, .. } = &*self.site;
        let seen = body.events.iter().flat_map(|event| observations(event, *style, activities, &order));
        Ok(Decoded::Told { seen: seen.collect(), of_contacts: body.events.iter().filter_map(kept).collect() })
    }
}
