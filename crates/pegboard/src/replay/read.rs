//! Reads files into evidence and contacts, on all cores.
//!
//! One thread reads and splits a file into blocks of records; the others decode blocks. What they find is put
//! together by agent, in no order: the engine puts it in order.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use pegboard_connect::decompress;
use pegboard_connect::framing::{Block, Blocks, Framer};
use pegboard_connect::sources::amazon_connect::{Decoded, Decoder};
use pegboard_engine::evidence::EARLIEST;
use pegboard_engine::queues::ContactBook;
use pegboard_model::{AgentId, ContactLeg, Millis, Observation, Order, PartitionId, Position, Timestamp};

use super::{BadRecord, BadRecords};

/// The size of a block: large enough that handing it over costs nothing, small enough that a few in flight do not
/// matter.
const BLOCK_BYTES: usize = 4 << 20;

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

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
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
    name: String,
    #[source]
    cause: io::Error,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Records {
    /// The evidence of each agent, in no order.
    pub evidence: HashMap<AgentId, Vec<Observation>>,
    /// The newest version of every contact.
    pub contacts: ContactBook,
    /// Records of something else.
    pub foreign: u64,
    /// Records that could not be used.
    pub bad: BadRecords,
}

/// A block on its way to be decoded.
struct Work {
    file_number: usize,
    name: Arc<str>,
    partition: PartitionId,
    block: Block,
}

/// Reads all inputs. `now` bounds event times; `progress` is told the bytes read from disk.
pub fn read(
    inputs: &[Input],
    now: Timestamp,
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Records, ReadError> {
    let latest = now + Millis::from_hours(24);
    let (sender, receiver) = sync_channel(2 * threads);
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| decode_blocks(&receiver, latest))).collect();
        let outcome = inputs.iter().enumerate().try_for_each(|(file_number, input)| {
            let failed = |cause| ReadError { name: input.name(), cause };
            let source = Counted { inner: input.open().map_err(failed)?, progress };
            let reader = decompress::reader(source).map_err(failed)?;
            let name: Arc<str> = input.name().into();
            let partition = PartitionId::from(format!("{file_number}"));
            for block in Blocks::new(reader, Framer::new(), BLOCK_BYTES) {
                let block = block.map_err(failed)?;
                let work = Work { file_number, name: name.clone(), partition: partition.clone(), block };
                if sender.send(work).is_err() {
                    break;
                }
            }
            Ok(())
        });
        drop(sender);
        let mut records = Records::default();
        for worker in workers {
            match worker.join() {
                Ok(part) => records.merge(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        outcome.map(|()| records)
    })
}

fn decode_blocks(receiver: &Mutex<Receiver<Work>>, latest: Timestamp) -> Records {
    let mut decoder = Decoder::new();
    let mut records = Records::default();
    loop {
        let work = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = work else { return records };
        records.take(&work, &mut decoder, latest);
    }
}

impl Records {
    fn take(&mut self, work: &Work, decoder: &mut Decoder, latest: Timestamp) {
        for frame in work.block.frames() {
            let (line, outcome) = match frame {
                Ok(frame) => {
                    let position = Position::Number(frame.offset);
                    let order = Order { partition: work.partition.clone(), position };
                    let decoded = decoder.decode(frame.bytes, order).map_err(|error| error.to_string());
                    (frame.line, decoded.and_then(|decoded| self.keep(decoded, latest)))
                }
                Err(broken) => (broken.line, Err(broken.reason.to_string())),
            };
            if let Err(reason) = outcome {
                let file = work.name.to_string();
                self.bad.add(BadRecord { file_number: work.file_number, line, file, reason });
            }
        }
    }

    fn keep(&mut self, decoded: Decoded, latest: Timestamp) -> Result<(), String> {
        match decoded {
            Decoded::Agent(seen) => {
                check_time("EventTimestamp", seen.at, latest)?;
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
            Decoded::Foreign => self.foreign += 1,
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) {
        for (agent, mut evidence) in other.evidence {
            self.evidence.entry(agent).or_default().append(&mut evidence);
        }
        other.contacts.into_legs().for_each(|leg: ContactLeg| self.contacts.take(leg));
        self.foreign += other.foreign;
        self.bad.merge(other.bad);
    }
}

fn check_time(field: &str, at: Timestamp, latest: Timestamp) -> Result<(), String> {
    if (EARLIEST..=latest).contains(&at) {
        return Ok(());
    }
    Err(format!("{field}: {at} lies outside {EARLIEST} to {latest}"))
}

/// Tells how much is read.
struct Counted<'a, R> {
    inner: R,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        (self.progress)(length as u64);
        Ok(length)
    }
}
