//! One record's bytes to the model.

mod agent_event;
mod contact_record;
mod wire;
mod words;

use pegboard_model::{ContactLeg, Observation, Order, Timestamp};

pub(super) use self::agent_event::{is_monitored, is_outbound, phase, status_kind};
use self::wire::{Markers, Record};
use self::words::Words;
use crate::framing::MAX_RECORD_BYTES;
use crate::sources::json::{self, Str};
use crate::sources::{DecodeError, Problem};

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

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Evidence about an agent.
    Agent(Observation),
    /// A leg of a contact.
    Contact(ContactLeg),
    /// Nothing for us: an object of another product, or an agent event of a new kind without a snapshot.
    Foreign,
}

/// Tells what a record is by the fields that it has, whatever their values.
///
/// An agent event has `AgentARN` and `EventType`. A contact record has
/// `AWSContactTraceRecordFormatVersion`; no other format of Amazon Connect does. An agent event that lost
/// one of its two but has a `CurrentAgentSnapshot` is taken for one as well, so that it fails and is not
/// passed over.
pub fn classify(bytes: &[u8]) -> Result<Kind, DecodeError> {
    let markers: Markers = json::parse(bytes)?;
    Ok(markers.kind())
}

/// Decodes records. Keeps one copy of every name that it has seen, so use one for many records, and one for
/// each thread.
#[derive(Debug)]
pub struct Decoder {
    words: Words,
    max_record: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { words: Words::default(), max_record: MAX_RECORD_BYTES }
    }
}

impl Decoder {
    /// A decoder that has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another limit to the length of a record, in bytes.
    #[must_use]
    pub fn with_max_record(self, limit: usize) -> Self {
        Self { max_record: limit, ..self }
    }

    /// Decodes the record `bytes`, which stood at `order` in its stream.
    pub fn decode(&mut self, bytes: &[u8], order: Order) -> Result<Decoded, DecodeError> {
        if bytes.len() > self.max_record {
            return Err(DecodeError::TooLong { limit: self.max_record });
        }
        match json::parse::<Record<'_>>(bytes) {
            Ok(record) => self.record(&record, bytes, order),
            Err(error @ DecodeError::Field { .. }) => match classify(bytes)? {
                Kind::Foreign => Ok(Decoded::Foreign),
                Kind::AgentEvent | Kind::ContactRecord => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    fn record(&mut self, record: &Record<'_>, bytes: &[u8], order: Order) -> Result<Decoded, DecodeError> {
        let kind = if record.agent_arn.is_some() && record.event_type.is_some() {
            Kind::AgentEvent
        } else if record.contact_version.0 {
            Kind::ContactRecord
        } else {
            classify(bytes)?
        };
        match kind {
            Kind::AgentEvent => {
                let observation = agent_event::observation(record, order, &mut self.words)?;
                Ok(observation.map_or(Decoded::Foreign, Decoded::Agent))
            }
            Kind::ContactRecord => contact_record::leg(record, &mut self.words).map(Decoded::Contact),
            Kind::Foreign => Ok(Decoded::Foreign),
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
