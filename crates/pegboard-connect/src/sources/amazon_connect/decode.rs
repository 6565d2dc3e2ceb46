//! One record's bytes to the model.

mod agent_event;
mod configurations;
mod contact_record;
mod wire;
mod words;

use std::sync::Arc;

use pegboard_model::{AgentProfile, Order, Timestamp};

pub(super) use self::agent_event::{is_monitored, is_outbound, phase, status_kind};
use self::configurations::Configurations;
use self::wire::{Configured, Markers, Record};
use self::words::Words;
use crate::framing::MAX_RECORD_BYTES;
use crate::sources::json::{self, Str};
use crate::sources::scan::{self, Repeated, Scanner};
use crate::sources::{DecodeError, Problem};
use crate::spec::Decoded;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An event of an agent.
    AgentEvent,
    /// The record of a contact that is over.
    ContactRecord,
    /// An object of another product on the same stream.
    Foreign,
}

/// Tells what a record is by the fields that it has, whatever their values.
///
/// An agent event has `AgentARN` and `EventType`. A contact record has
/// `AWSContactTraceRecordFormatVersion`; no other format of Amazon Connect does. An agent event that lost
/// one of its two but has a `CurrentAgentSnapshot` is taken for one as well, so that it fails and is not
/// passed over.
pub fn classify(bytes: &[u8]) -> Result<Kind, DecodeError> {
    kind_of(json::text(bytes)?)
}

fn kind_of(text: &str) -> Result<Kind, DecodeError> {
    let markers: Markers = json::parse(text)?;
    Ok(markers.kind())
}

/// Decodes records. Keeps one copy of every name that it has seen, so use one for many records, and one for
/// each thread.
#[derive(Debug)]
pub struct Decoder {
    words: Words,
    configurations: Configurations,
    max_record: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        let configurations = Configurations::within(Self::MEMORY);
        Self { words: Words::default(), configurations, max_record: MAX_RECORD_BYTES }
    }
}

impl Decoder {
    /// How many bytes a decoder keeps of the configurations of agents, so as not to read them again in every event;
    /// unless a caller asks for another limit.
    pub const MEMORY: usize = 16 << 20;

    /// A decoder that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another limit to the length of a record, in bytes.
    #[must_use]
    pub fn with_max_record(self, limit: usize) -> Self {
        Self { max_record: limit, ..self }
    }

    /// The same with another limit to what is kept of configurations, in bytes. It decides on speed only: about two
    /// kilobytes for each agent avoid reading most of its events.
    #[must_use]
    pub fn with_memory(self, limit: usize) -> Self {
        Self { configurations: Configurations::within(limit), ..self }
    }

    /// Decodes the record `bytes`, which stood at `order` in its stream.
    pub fn decode(&mut self, bytes: &[u8], order: Order) -> Result<Decoded, DecodeError> {
        if bytes.len() > self.max_record {
            return Err(DecodeError::TooLong { limit: self.max_record });
        }
        let text = json::text(bytes)?;
        let known = self.configurations.known(text);
        match scan::read(Scanner::new(text).with_known(known)) {
            Some(record) => self.record(&record, text, order),
            None => self.decode_slowly(text, order),
        }
    }

    /// The same by `serde_json` alone, which [`Decoder::decode`] must agree with.
    #[cfg(fuzzing)]
    pub fn decode_by_serde(&mut self, bytes: &[u8], order: Order) -> Result<Decoded, DecodeError> {
        if bytes.len() > self.max_record {
            return Err(DecodeError::TooLong { limit: self.max_record });
        }
        self.decode_slowly(json::text(bytes)?, order)
    }

    /// What the scanner gives up: mostly what is wrong, and is to be explained.
    #[cold]
    pub(super) fn decode_slowly(&mut self, text: &str, order: Order) -> Result<Decoded, DecodeError> {
        match json::parse::<Record<'_>>(text) {
            Ok(record) => self.record(&record, text, order),
            Err(error @ DecodeError::Field { .. }) => match kind_of(text)? {
                Kind::Foreign => Ok(Decoded::Foreign),
                Kind::AgentEvent | Kind::ContactRecord => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    fn record(&mut self, record: &Record<'_>, text: &str, order: Order) -> Result<Decoded, DecodeError> {
        let kind = if record.agent_arn.is_some() && record.event_type.is_some() {
            Kind::AgentEvent
        } else if record.contact_version.0 {
            Kind::ContactRecord
        } else {
            kind_of(text)?
        };
        match kind {
            Kind::AgentEvent => {
                let profile = self.profile(record, text);
                let observation = agent_event::observation(record, profile, order, &mut self.words)?;
                Ok(observation.map_or(Decoded::Foreign, Decoded::Agent))
            }
            Kind::ContactRecord => contact_record::leg(record, &mut self.words).map(Decoded::Contact),
            Kind::Foreign => Ok(Decoded::Foreign),
        }
    }

    /// Who the agent of an event is, where it tells.
    fn profile(&mut self, record: &Record<'_>, text: &str) -> Option<Arc<AgentProfile>> {
        let Repeated(snapshot) = record.current_agent_snapshot.as_ref()?;
        match snapshot.configuration.as_ref()? {
            Configured::Known => self.configurations.profile(text),
            Configured::New(configuration, read) => {
                let profile = self.words.profile(configuration);
                if let Some(read) = read {
                    self.configurations.keep(text, read, &profile);
                }
                Some(profile)
            }
        }
    }
}

/// The text of the field `name`, which must be there and not be empty.
fn required<'r>(text: Option<&'r Str<'_>>, name: &str) -> Result<&'r str, DecodeError> {
    let text = text.ok_or_else(|| DecodeError::missing(name))?;
    if text.is_empty() { Err(DecodeError::field(name, Problem::Empty)) } else { Ok(text) }
}

/// The time in the field `name`, if it is there.
fn time(text: Option<&Str<'_>>, name: &str) -> Result<Option<Timestamp>, DecodeError> {
    let parse =
        |text: &Str<'_>| Timestamp::parse(text).map_err(|_| DecodeError::field(name, Problem::NotATime));
    text.map(parse).transpose()
}

/// The id that the ARN in the field `name` ends with: what follows the last slash. The rest of an ARN tells
/// nothing that is needed, and is not always well formed.
fn id_of_arn<'r>(arn: Option<&'r Str<'_>>, name: &str) -> Result<&'r str, DecodeError> {
    let arn = required(arn, name)?;
    let id = arn.rsplit_once('/').map_or(arn, |(_, id)| id);
    if id.is_empty() { Err(DecodeError::field(name, Problem::Empty)) } else { Ok(id) }
}
