//! Agent productivity: a line for each event, in objects.

use pegboard_model::Timestamp;

use super::columns::Columns;
use super::event::{AgentEvent, Unusable};
use super::object::{Object, Objects, SourceStream};
use super::seen::Seen;
use super::state_type::StateTypes;

/// Makes the objects that the WFM Adapter reads.
///
/// Heartbeats and every other type of event have their line; an event that comes twice has one. An event that names no user has none: since
/// August 2023 the Quick Start has made an agent of them whose name is `null`.
#[derive(Debug)]
pub struct Productivity {
    columns: Columns,
    states: StateTypes,
    objects: Objects,
    seen: Seen,
    counts: ProductivityCounts,
}

/// What became of the records that were taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProductivityCounts {
    /// Those that have a line.
    pub lines: u64,
    /// Events that name no user.
    pub without_user: u64,
    /// Events that had come before.
    pub repeated: u64,
    /// Objects of something else, such as contact records.
    pub foreign: u64,
}

impl Productivity {
    /// Nothing is taken yet, and `next` is the sequence number of the first record.
    pub fn new(stream: SourceStream, columns: Columns, states: StateTypes, next: u64) -> Self {
        let objects = Objects::new(stream, next);
        Self { columns, states, objects, seen: Seen::default(), counts: ProductivityCounts::default() }
    }

    /// Takes the record `sequence`, read at `at`. What is finished by it is added to `finished`, also where the record cannot be used.
    pub fn take(
        &mut self,
        sequence: u64,
        at: Timestamp,
        record: &[u8],
        finished: &mut Vec<Object>,
    ) -> Result<(), Unusable> {
        self.objects.pass(at, finished);
        match self.line(record) {
            Ok(Some(line)) => self.objects.put(sequence, at, &line, finished),
            Ok(None) => self.objects.pass_over(sequence),
            Err(unusable) => {
                self.objects.pass_over(sequence);
                return Err(unusable);
            }
        }
        Ok(())
    }

    /// Remembers a record of those before the first, so that it is known when it comes again.
    pub fn remember(&mut self, record: &[u8]) {
        if let Ok(Some(event)) = AgentEvent::read(record) {
            self.seen.is_new(&event.id);
        }
    }

    /// Notes that everything is read up to `read_to`. What is finished by that is added to `finished`: a blank line for every five minutes
    /// in which there was nothing.
    pub fn pass(&mut self, read_to: Timestamp, finished: &mut Vec<Object>) {
        self.objects.pass(read_to, finished);
    }

    /// What is gathered, where nothing more comes.
    pub fn finish(mut self) -> (Option<Object>, ProductivityCounts) {
        (self.objects.close(), self.counts)
    }

    /// What became of the records so far.
    pub const fn counts(&self) -> ProductivityCounts {
        self.counts
    }

    fn line(&mut self, record: &[u8]) -> Result<Option<String>, Unusable> {
        let Some(event) = AgentEvent::read(record)? else {
            self.counts.foreign += 1;
            return Ok(None);
        };
        if !self.seen.is_new(&event.id) {
            self.counts.repeated += 1;
            return Ok(None);
        }
        let line = self.columns.line(&event, self.states.of(event.status()));
        let count = if line.is_some() { &mut self.counts.lines } else { &mut self.counts.without_user };
        *count += 1;
        Ok(line)
    }
}
