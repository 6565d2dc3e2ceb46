//! What the hub asks of a source.
//!
//! A source knows where its records are and how to decode them. It owns no task and stores nothing: the hub asks
//! it what to open, reads each partition chunk by chunk, and remembers positions together with what came of the
//! records.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_model::{
    AcdRow, AgentId, ContactEvent, ContactLeg, ContactPhase, Millis, Observation, Order, PartitionId,
    Position, Snapshot, Timestamp,
};

mod given_again;

pub(crate) use self::given_again::Ending;
pub use self::given_again::GivenAgain;
use crate::sources::DecodeError;
pub use crate::sources::amazon_connect::reports::MissingFile;

/// A source of records.
#[async_trait]
pub trait Source: Send + Sync + fmt::Debug {
    /// Its kind, as the configuration names it.
    fn kind(&self) -> &'static str;

    /// Whether its platform confirms agents' states now and then, so that silence means something.
    fn has_heartbeat(&self) -> bool;

    /// One cheap read that proves that the source can be reached and read; says what was found.
    async fn probe(&self) -> Result<String, SourceError>;

    /// Which partitions may be read now, and from where, given what is remembered of them. Asked again and
    /// again; a pure decision over one listing.
    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError>;

    /// Where the oldest record stands that there is of a partition, whichever that is when it is read: where it starts
    /// again when its stored position is no longer to be had.
    fn oldest(&self, partition: &PartitionId) -> Position;

    /// What a partition brings, whether it is open, waiting or only remembered. A report waits for the partitions that
    /// bring what it is made of, and for no other.
    fn carries(&self, _partition: &PartitionId) -> Carries {
        Carries::EVENTS
    }

    /// Opens a partition. Makes no request yet.
    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError>;

    /// What stands now where a dead letter of a partition stood, fetched anew, as a chunk whose position means nothing. Nothing
    /// where it cannot be had again and what was kept of it has to do.
    async fn again(
        &self,
        _partition: &PartitionId,
        _position: &Position,
    ) -> Result<Option<Chunk>, SourceError> {
        Ok(None)
    }

    /// Reads once more whatever it can still give that was written at or after `from`, beside what is new. A stream gives nothing
    /// again but by its positions.
    fn capture_again(&self, _from: Timestamp) {}

    /// Whether something of that is still to be read here, or to be committed.
    fn is_capturing_again(&self) -> bool {
        false
    }

    /// Whether anything of days of the past can be had of it once more: by files, by time, by questions.
    fn can_give_again(&self) -> bool {
        false
    }

    /// Its inputs that can be read once more, for whatever happened from `from` to `to` and was told since. Nothing that is
    /// remembered of reading it moves by that.
    async fn give_again(&self, _from: Timestamp, _to: Timestamp) -> Result<Vec<GivenAgain>, SourceError> {
        Ok(Vec::new())
    }

    /// A decoder for its records.
    fn decoder(&self) -> Box<dyn Decode>;

    /// What puts its contacts together, where its platform tells of them piece by piece.
    fn assembler(&self) -> Option<Arc<dyn Assemble>> {
        None
    }

    /// What it does in another way than it was told to, because that cannot be had, and what to do; nothing where all is as
    /// configured.
    fn fallback(&self) -> Option<String> {
        None
    }

    /// Files that should be there at `now` and are not, where it reads files that come on a schedule.
    fn missing(&self, _now: Timestamp) -> Vec<MissingFile> {
        Vec::new()
    }

    /// What a person should know of what is read, and nothing is lost by.
    fn remarks(&self) -> Vec<Remark> {
        Vec::new()
    }

    /// How its platform can be asked who is signed in, where it can: beside the stream, which may lose something.
    fn snapshots(&self) -> Option<&dyn Snapshots> {
        None
    }
}

/// Where the hub keeps records that others hand to it, until a source has read them.
#[async_trait]
pub trait Inlet: Send + Sync + fmt::Debug {
    /// The records after number `after`, in order, at most `most`.
    async fn after(&self, after: u64, most: usize) -> Result<Vec<HandedRecord>, SourceError>;

    /// Lets go of the records up to and with number `until`: what came of them is committed.
    async fn let_go(&self, until: u64) -> Result<(), SourceError>;

    /// Done when there may be more. Cancel-safe.
    async fn more(&self);
}

/// A record that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedRecord {
    /// Its number, from 1 without a gap.
    pub number: u64,
    /// When it came.
    pub at: Timestamp,
    /// The record.
    pub body: Vec<u8>,
}

/// Something that a person should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Since when.
    pub at: Timestamp,
    /// What.
    pub message: String,
}

/// How far behind its own events a platform's answer may be: what was heard of an agent in so much before an answer, or since, is newer than it.
pub const SETTLE: Millis = Millis::from_seconds(5);

/// What a platform shows of its agents when it is asked, beside the stream of what happens to them.
#[async_trait]
pub trait Snapshots: Send + Sync + fmt::Debug {
    /// Looks once. The answer is whole: where a part of it cannot be had, there is none.
    async fn look(&self, at: Whom<'_>) -> Result<Look, SourceError>;

    /// Whether everybody is shown who is signed in; otherwise whoever is not shown may be there all the same.
    fn shows_everybody(&self) -> bool {
        true
    }

    /// Phases of a contact that the stream tells and the platform shows as [`ContactPhase::Connected`] when it is asked.
    fn shown_as_connected(&self) -> &'static [ContactPhase] {
        &[]
    }
}

/// Whom to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom<'a> {
    /// Everybody who is signed in.
    Everybody,
    /// These agents, of whom those who are signed in are shown.
    Only(&'a [AgentId]),
}

/// What a platform showed when it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When the first question was put, by the platform's clock: whoever is not shown was not signed in at some time
    /// after it.
    pub began: Timestamp,
    /// Everybody who was shown, each once.
    pub shown: Vec<Shown>,
    /// Agents of whom was shown that they are there, and not in what: they are left as they are.
    pub unclear: Vec<AgentId>,
}

/// One agent, as a platform showed him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Who.
    pub agent: AgentId,
    /// When the question was put that this answers, by the platform's clock.
    pub at: Timestamp,
    /// The agent. A profile is there only where all of it is known.
    pub snapshot: Snapshot,
}

/// Reads one partition.
#[async_trait]
pub trait PartitionReader: Send + fmt::Debug {
    /// Waits until it is time to read, and reads. Failures that pass are tried again inside; what comes out as an
    /// error has lasted, or needs a person. The next call goes on where this one stopped. Cancel-safe.
    async fn next(&mut self) -> Result<Chunk, SourceError>;
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Evidence about an agent.
    Agent(Observation),
    /// A leg of a contact.
    Contact(ContactLeg),
    /// What a platform tells piece by piece: of agents, and of contacts that are [put together](Assemble) from all their
    /// events.
    Told {
        /// Evidence about agents.
        seen: Vec<Observation>,
        /// Events of contacts.
        of_contacts: Vec<ContactEvent>,
    },
    /// Nothing for us: an object of another product, or an agent event of a new kind without a snapshot.
    Foreign,
}

/// Puts contacts together from events, where a platform tells of them piece by piece. Pure: the same events make the same legs,
/// in whichever order they come and however they are cut.
pub trait Assemble: Send + Sync + fmt::Debug {
    /// The legs that differ once `new` events are known besides the `known` ones of the same contacts. One that is no more, since
    /// it turned out otherwise, comes without queue and agent, so that it counts nowhere; each in a newer version than before.
    ///
    /// Fails with the reason where an event is not as this source keeps it.
    fn legs(&self, known: &[ContactEvent], new: &[ContactEvent]) -> Result<Vec<ContactLeg>, String>;
}

/// Decodes records of one source. One for each task: it keeps what it has seen, to allocate less.
pub trait Decode: Send + fmt::Debug {
    /// Decodes one record.
    fn decode(&mut self, bytes: &[u8], order: Order) -> Result<Decoded, DecodeError>;
}

/// What is remembered of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It was opened, and this is where it goes on.
    Started {
        /// Where.
        position: Position,
        /// Up to when it is complete, if known.
        watermark: Option<Timestamp>,
    },
    /// It has ended.
    Finished,
}

/// What a partition brings.
///
/// The watermark of a report is the least over the unfinished partitions that carry what it is made of: `agents` for
/// what is computed from agents' states, `contacts` for what is computed from contacts. The rows of the ACD itself
/// hold back no report of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carries {
    /// Observations of agents: states, sign-ins, heartbeats.
    pub agents: bool,
    /// Contacts.
    pub contacts: bool,
    /// Rows that the ACD has computed.
    pub rows: bool,
}

impl Carries {
    /// A stream of events, on which agents and contacts may both be.
    pub const EVENTS: Self = Self { agents: true, contacts: true, rows: false };
    /// Contacts and nothing else.
    pub const CONTACTS: Self = Self { agents: false, contacts: true, rows: false };
    /// Rows of the ACD and nothing else.
    pub const ROWS: Self = Self { agents: false, contacts: false, rows: true };
}

/// A partition to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Which one.
    pub partition: PartitionId,
    /// Where to start or to go on. Remembered as it is before the first read, so that a restart starts there too.
    pub from: Position,
    /// Up to when it was complete when it was last read.
    pub watermark: Option<Timestamp>,
    /// The partitions that had to end before this one.
    pub parents: Vec<PartitionId>,
}

/// What to read now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// To be read, including those that are being read already.
    pub open: Vec<Opening>,
    /// To wait for other partitions to end.
    pub waiting: Vec<PartitionId>,
    /// Opened once, never read to their end, and no longer there: a gap, and finished.
    pub lost: Vec<PartitionId>,
}

/// What one read of a partition gave.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The records, in order.
    pub records: Vec<Record>,
    /// Where reading goes on after them.
    pub position: Position,
    /// Up to when the partition is complete, if the source can tell.
    pub watermark: Option<Timestamp>,
    /// How far this read was behind the newest record.
    pub behind: Option<Millis>,
    /// Whether the partition has ended.
    pub ended: bool,
    /// A stretch before these records that was lost.
    pub gap: Option<Lost>,
    /// Bytes that are no records.
    pub broken: Vec<Broken>,
    /// Rows that the platform computed itself, each with the file that told it.
    pub rows: Vec<AcdRow>,
    /// How many things were told of that are something else: another product's messages on a queue.
    pub foreign: u64,
    /// Whether its reader has weighed what is broken against the rest, as whoever takes a file as a whole does, or each record stands for
    /// itself: otherwise so much that cannot be read says that the platform has changed its format, and reading stops.
    pub is_judged: bool,
}

impl Chunk {
    /// One that brings nothing but a position.
    pub const fn at(position: Position) -> Self {
        Self {
            records: Vec::new(),
            position,
            watermark: None,
            behind: None,
            ended: false,
            gap: None,
            broken: Vec::new(),
            rows: Vec::new(),
            foreign: 0,
            is_judged: false,
        }
    }
}

/// One record, as it came.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where it stood.
    pub position: Position,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// Bytes that are no record.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Where they stood.
    pub position: Position,
    /// The bytes.
    pub data: Vec<u8>,
    /// What is wrong.
    pub reason: String,
}

/// A stretch of a partition that was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The last time before it, if known.
    pub from: Option<Timestamp>,
    /// The first time after it, if known.
    pub to: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// Why a source could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// Whether somebody has to act; otherwise it may pass by itself.
    pub needs_action: bool,
    /// Whether the position is no longer to be had: the partition must be opened at its oldest record, with a
    /// recorded gap.
    pub position_expired: bool,
    /// What failed, where, and what to do.
    pub message: String,
}

impl SourceError {
    /// A failure that may pass.
    pub fn passing(message: impl Into<String>) -> Self {
        Self { needs_action: false, position_expired: false, message: message.into() }
    }

    /// A failure that somebody has to mend.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self { needs_action: true, position_expired: false, message: message.into() }
    }
}
