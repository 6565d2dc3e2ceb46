//! Reads files into evidence and contacts, on all cores.
//!
//! One thread reads and splits a file into blocks of records; the others decode blocks. What they find is put
//! together by agent, in no order: the engine puts it in order.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use pegboard_connect::decompress;
use pegboard_connect::framing::{Block, Blocks, Framer};
use pegboard_connect::sources::amazon_connect::Decoder;
use pegboard_connect::spec::Decoded;
use pegboard_engine::evidence::EARLIEST;
use pegboard_engine::queues::ContactBook;
use pegboard_model::{AgentId, ContactLeg, Millis, Observation, Order, PartitionId, Position, Timestamp};

use super::{BadRecord, BadRecords};

/// The size of a block: the least that there is, so that the few in flight stay in the caches of the processor between
/// reading and decoding.
const BLOCK_BYTES: usize = 2 << 20;
/// What each thread may keep of agents' configurations: about fifty thousand agents.
const MEMORY: usize = 128 << 20;

/// Where records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    /// Standard input.
    Stdin,
    /// A file, plain or compressed.
    File(PathBuf),
}

/// One input, as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where it comes from.
    pub kind: InputKind,
}

impl Input {
    /// `-` is standard input, anything else a file.
    pub fn parse(text: &str) -> Self {
        let kind = if text == "-" { InputKind::Stdin } else { InputKind::File(text.into()) };
        Self { kind }
    }

    /// The name for messages.
    pub fn name(&self) -> String {
        match &self.kind {
            InputKind::Stdin => "<stdin>".into(),
            InputKind::File(path) => path.display().to_string(),
        }
    }

    /// Its size in bytes on disk, where that is known.
    pub fn size(&self) -> Option<u64> {
        match &self.kind {
            InputKind::Stdin => None,
            InputKind::File(path) => path.metadata().ok().map(|metadata| metadata.len()),
        }
    }

    pub(super) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match &self.kind {
            InputKind::Stdin => Ok(Box::new(io::stdin())),
            InputKind::File(path) => Ok(Box::new(File::open(path)?)),
        }
    }
}

/// An input that could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {cause}")]
pub struct ReadError {
    pub(super) name: String,
    #[source]
    pub(super) cause: io::Error,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Records {
    /// The evidence of each agent, in no order, as each thread has found it.
    pub evidence: HashMap<AgentId, Vec<Vec<Observation>>>,
    /// When the evidence is from.
    pub heard: Option<Heard>,
    /// The newest version of every contact.
    pub contacts: ContactBook,
    /// Records of something else.
    pub foreign: u64,
    /// Records that could not be used.
    pub bad: BadRecords,
    /// The agent events as they were written, in the order of the input, where they are asked for.
    pub events: Vec<EventText>,
}

/// An agent event as it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventText {
    /// The number of the file on the command line.
    pub file_number: usize,
    /// The number of bytes before it in the file.
    pub offset: u64,
    /// One JSON object.
    pub json: Box<str>,
}

/// Whether agent events are also kept as they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepEvents {
    /// They are, which takes as much memory as the input has bytes.
    Yes,
    /// They are not.
    No,
}

/// The times of the first and the last evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// The first.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
}

impl Heard {
    fn and(self, other: Option<Self>) -> Self {
        let other = other.unwrap_or(self);
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// What one thread has found.
#[derive(Default)]
pub(super) struct Found {
    evidence: HashMap<AgentId, Vec<Observation>>,
    heard: Option<Heard>,
    contacts: ContactBook,
    pub(super) foreign: u64,
    pub(super) bad: BadRecords,
    events: Vec<EventText>,
}

/// A block on its way to be decoded.
struct Work {
    file_number: usize,
    name: Arc<str>,
    block: Block,
}

/// Reads all inputs. `now` bounds event times; `progress` is told the bytes read from disk.
pub fn read(
    inputs: &[Input],
    now: Timestamp,
    threads: usize,
    keep: KeepEvents,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Records, ReadError> {
    let latest = now + Millis::from_hours(24);
    let (sender, receiver) = sync_channel(2 * threads);
    let (done, spare) = channel();
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        let receiver = &receiver;
        let decode = |done: Sender<Block>| move || decode_blocks(receiver, &done, keep, latest);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(decode(done.clone()))).collect();
        let outcome = inputs.iter().enumerate().try_for_each(|(file_number, input)| {
            let failed = |cause| ReadError { name: input.name(), cause };
            let source = Counted { inner: input.open().map_err(failed)?, progress };
            let reader = decompress::reader(source).map_err(failed)?;
            let name: Arc<str> = input.name().into();
            let mut blocks = Blocks::new(reader, Framer::new(), BLOCK_BYTES);
            while let Some(block) = blocks.next() {
                let work = Work { file_number, name: name.clone(), block: block.map_err(failed)? };
                if sender.send(work).is_err() {
                    break;
                }
                for block in spare.try_iter() {
                    blocks.reuse(block);
                }
            }
            Ok(())
        });
        drop(sender);
        let mut records = Records::default();
        for worker in workers {
            match worker.join() {
                Ok(found) => records.merge(found),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        records.events.sort_unstable();
        outcome.map(|()| records)
    })
}

fn decode_blocks(
    receiver: &Mutex<Receiver<Work>>,
    done: &Sender<Block>,
    keep: KeepEvents,
    latest: Timestamp,
) -> Found {
    let mut decoder = Decoder::new().with_memory(MEMORY);
    let mut found = Found::default();
    let mut partition = Partition::default();
    loop {
        let work = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = work else { return found };
        if partition.file_number != work.file_number {
            partition = Partition::of(work.file_number);
        }
        found.take(&work, &partition.id, &mut decoder, keep, latest);
        // The reader may be through already, and need no more blocks.
        let _not_needed = done.send(work.block);
    }
}

/// The name of a file in the order of evidence. Each thread has its own, since a million clones of one from all
/// threads would wait for each other.
struct Partition {
    file_number: usize,
    id: PartitionId,
}

impl Partition {
    fn of(file_number: usize) -> Self {
        Self { file_number, id: file_number.to_string().into() }
    }
}

impl Default for Partition {
    fn default() -> Self {
        Self::of(0)
    }
}

impl Found {
    fn take(
        &mut self,
        work: &Work,
        partition: &PartitionId,
        decoder: &mut Decoder,
        keep: KeepEvents,
        latest: Timestamp,
    ) {
        for frame in work.block.frames() {
            let (line, outcome) = match frame {
                Ok(frame) => {
                    let position = Position::Number(frame.offset);
                    let order = Order { partition: partition.clone(), position };
                    let decoded = decoder.decode(frame.bytes, order).map_err(|error| error.to_string());
                    let is_event = matches!(decoded, Ok(Decoded::Agent(_)));
                    let outcome = decoded.and_then(|decoded| self.keep(decoded, latest));
                    if outcome.is_ok() && is_event && keep == KeepEvents::Yes {
                        let json = String::from_utf8_lossy(frame.bytes).into();
                        let file_number = work.file_number;
                        self.events.push(EventText { file_number, offset: frame.offset, json });
                    }
                    (frame.line, outcome)
                }
                Err(broken) => (broken.line, Err(broken.reason.to_string())),
            };
            if let Err(reason) = outcome {
                let file = work.name.to_string();
                self.bad.add(BadRecord { file_number: work.file_number, line, file, reason });
            }
        }
    }

    pub(super) fn keep(&mut self, decoded: Decoded, latest: Timestamp) -> Result<(), String> {
        match decoded {
            Decoded::Agent(seen) => {
                check_time("EventTimestamp", seen.at, latest)?;
                self.heard = Some(Heard { first: seen.at, last: seen.at }.and(self.heard));
                match self.evidence.get_mut(&seen.agent) {
                    Some(known) => known.push(seen),
                    None => {
                        self.evidence.insert(seen.agent.clone(), vec![seen]);
                    }
                }
            }
            Decoded::Contact(leg) => {
                if let Some(disconnected) = leg.disconnected {
                    check_time("DisconnectTimestamp", disconnected, latest)?;
                }
                self.contacts.take(leg);
            }
            // Whoever reads such a platform's files has all of its events, and puts contacts together himself.
            Decoded::Told { seen, .. } => {
                for seen in seen {
                    self.keep(Decoded::Agent(seen), latest)?;
                }
            }
            Decoded::Foreign => self.foreign += 1,
        }
        Ok(())
    }
}

impl Records {
    pub(super) fn merge(&mut self, found: Found) {
        for (agent, evidence) in found.evidence {
            self.evidence.entry(agent).or_default().push(evidence);
        }
        self.heard = found.heard.map(|heard| heard.and(self.heard)).or(self.heard);
        found.contacts.into_legs().for_each(|leg: ContactLeg| self.contacts.take(leg));
        self.foreign += found.foreign;
        self.events.extend(found.events);
        self.bad.merge(found.bad);
    }
}

pub(super) fn check_time(field: &str, at: Timestamp, latest: Timestamp) -> Result<(), String> {
    if (EARLIEST..=latest).contains(&at) {
        return Ok(());
    }
    Err(format!("{field}: {at} lies outside {EARLIEST} to {latest}"))
}

/// Tells how much is read.
pub(super) struct Counted<'a, R> {
    pub(super) inner: R,
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        (self.progress)(length as u64);
        Ok(length)
    }
}
