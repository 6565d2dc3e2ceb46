//! From a chunk of records to one committed batch.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use pegboard_connect::archive::{self, Step};
use pegboard_connect::spec::{Assemble, Carries, Chunk, Decode, Decoded, Record};
use pegboard_engine::evidence::{EARLIEST, LIVE_TOLERANCE};
use pegboard_engine::queues::pegged_at;
use pegboard_model::{
    ContactEvent, ContactId, ContactLeg, Observation, Order, PartitionId, Position, SourceName, Text,
    Timestamp,
};
use pegboard_store::{
    ArchiveWrite, Batch, Counts, DeadLetterWrite, EventWrite, EventsWrite, GapWrite, RowsOf, Store,
    StoreError,
};

use super::acd;
use super::agents::{Agents, Staged};
use super::assembling::{Assembled, assemble};
use super::clock_off::ClockOff;
use super::key_length::check_contact;
use super::names::QueueNames;
use super::reconcile::is_lane;
use super::status::Status;
use crate::config::SourceConfig;

/// The longest part of a bad record that is kept.
const MAX_DEAD_LETTER: usize = 64 * 1024;

/// Of how many records the share of bad ones is taken.
const TRUST_WINDOW: usize = 200;

/// The share of bad records, in percent, from which on the vendor must have changed something.
const TRUST_LIMIT_PERCENT: usize = 5;

/// Of how many agents a batch tells at most that they have fallen silent: of a floor that falls silent at once, some ten
/// megabytes.
const MOST_SILENT: usize = 1000;

/// Why an event was refused that is older than the evidence that is kept of its agent.
const TOO_LATE: &str =
    "event time: older than the evidence that is kept of this agent; reload this agent's day";

/// Where a partition stands, as its owner knows it.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The partition.
    pub partition: PartitionId,
    /// The partitions that had to end before it could start.
    pub parents: Arc<[PartitionId]>,
    /// The epoch under which it is owned.
    pub epoch: u64,
    /// Its position.
    pub position: Option<Position>,
    /// Up to when it has brought something, in a run before this one too.
    pub newest: Option<Timestamp>,
    /// The time of the newest event that it has brought in this run: what lateness is measured from. A watermark would
    /// not do: that of a file is the present, however old what stands in it.
    pub newest_event: Option<Timestamp>,
    /// Which of the last records could not be decoded.
    pub trust: Trust,
}

/// Which of the last records could not be decoded. One that can be, but comes too late or is of a time that cannot be,
/// says nothing about the format.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    last: VecDeque<bool>,
    bad: usize,
}

impl Trust {
    /// Notes one more record. Fails, because of `reason`, at the record with which too many are bad: what was good
    /// before it or is good after it does not make up for that.
    fn judge(&mut self, bad: bool, reason: &str) -> Result<(), IngestError> {
        self.note(bad);
        if self.is_lost() {
            return Err(IngestError::TooManyBad { reason: reason.into() });
        }
        Ok(())
    }

    fn note(&mut self, bad: bool) {
        if self.last.len() == TRUST_WINDOW && self.last.pop_front() == Some(true) {
            self.bad -= 1;
        }
        self.last.push_back(bad);
        self.bad += usize::from(bad);
    }

    /// Whether so many of the last records were bad that it is not the records.
    fn is_lost(&self) -> bool {
        self.last.len() == TRUST_WINDOW && self.bad * 100 > TRUST_LIMIT_PERCENT * TRUST_WINDOW
    }
}

/// Why a chunk was not taken.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Too many records are bad: nothing of the chunk was taken.
    #[error(
        "more than {TRUST_LIMIT_PERCENT}% of the last {TRUST_WINDOW} records cannot be used, the last because of: {reason}. \
         Reading has stopped before them: if the vendor changed its format, update pegboard; then restart it"
    )]
    TooManyBad {
        /// Why the last of them was bad.
        reason: Text,
    },
    /// What was read cannot be packed for the archive.
    #[error("cannot pack what was read for the archive: {0}")]
    Pack(#[from] std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A batch, and what to take over once it is committed.
#[derive(Debug)]
pub struct Prepared {
    /// What to commit.
    pub batch: Batch,
    /// What to accept.
    pub staged: Staged,
    /// Where the partition stands afterwards.
    pub standing: Standing,
    /// Whether all of the chunk is in it. If not, it only tells of some of those who have fallen silent by then, and the
    /// chunk is to be prepared again.
    pub is_whole: bool,
}

/// What is collected on the way through a chunk.
#[derive(Default)]
struct Collected {
    contacts: BTreeMap<ContactId, ContactLeg>,
    contact_events: Vec<ContactEvent>,
    dead_letters: Vec<DeadLetterWrite>,
    counts: Counts,
}

/// What a chunk is prepared against.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The settings of the source.
    pub config: &'a SourceConfig,
    /// Its agents.
    pub agents: &'a Agents,
    /// How its partitions stand.
    pub status: &'a Status,
    /// What its queues are called.
    pub queues: &'a QueueNames,
    /// What puts its contacts together, where they are told of piece by piece.
    pub assembler: Option<&'a dyn Assemble>,
    /// Where everything is kept.
    pub store: &'a dyn Store,
    /// The present instant.
    pub now: Timestamp,
}

/// What the records of a chunk say, or why they cannot be read. It is the same whoever is known, so that it needs no agents.
pub type Decodings = Vec<Result<Decoded, String>>;

/// Decodes the records of a chunk.
pub fn decode(decoder: &mut dyn Decode, partition: &PartitionId, chunk: &Chunk) -> Decodings {
    let decode = |record: &Record| {
        let order = Order { partition: partition.clone(), position: record.position.clone() };
        decoder.decode(&record.data, order).map_err(|error| error.to_string())
    };
    chunk.records.iter().map(decode).collect()
}

/// Prepares a batch from a chunk, and what its records say; what the batch keeps for the archive and for sinks that pass
/// events on is not in it yet.
pub async fn prepare(
    ground: Ground<'_>,
    decodings: Decodings,
    standing: &Standing,
    chunk: &Chunk,
) -> Result<Prepared, IngestError> {
    let Ground { config, agents, status, queues, assembler, store, now } = ground;
    let before = standing;
    let mut standing = before.clone();
    let mut staged = Staged::default();
    let mut collected = Collected::default();
    // Also of those that are refused for it.
    if let Some(off) = ClockOff::of_events(now, &decodings) {
        status.heard_event(off);
    }
    for (record, decoded) in chunk.records.iter().zip(decodings) {
        collected.counts.records += 1;
        let taken = match decoded {
            Ok(Decoded::Agent(seen)) => {
                standing.trust.note(false);
                take_event(config, seen, &mut standing, agents, &mut staged, now)
            }
            Ok(Decoded::Contact(leg)) => {
                standing.trust.note(false);
                take_contact(leg, &mut collected, now)
            }
            Ok(Decoded::Told { seen, of_contacts }) => {
                standing.trust.note(false);
                let taken = seen
                    .into_iter()
                    .try_for_each(|seen| take_event(config, seen, &mut standing, agents, &mut staged, now));
                taken.map(|()| collected.contact_events.extend(of_contacts))
            }
            Ok(Decoded::Foreign) => {
                collected.counts.foreign += 1;
                continue;
            }
            Err(reason) => {
                if !chunk.is_judged {
                    standing.trust.judge(true, &reason)?;
                }
                Err(reason)
            }
        };
        if let Err(reason) = taken {
            collected.refuse(record.position.clone(), &record.data, &reason, now);
        }
    }
    collected.counts.records += chunk.rows.len() as u64;
    // A file that is taken as a whole or not at all says nothing about the next one.
    let stands_for_itself = chunk.is_judged || status.carries(&standing.partition) == Some(Carries::ROWS);
    for broken in &chunk.broken {
        collected.counts.records += 1;
        if !stands_for_itself {
            standing.trust.judge(true, &broken.reason)?;
        }
        collected.refuse(broken.position.clone(), &broken.data, &broken.reason, now);
    }
    collected.counts.records += chunk.foreign;
    collected.counts.foreign += chunk.foreign;
    let told = std::mem::take(&mut collected.contact_events);
    let assembled = match assembler {
        Some(assembler) => assemble(&config.name, assembler, told, store).await?,
        None => Assembled::default(),
    };
    take_legs(&config.name, assembled.legs, &mut collected, now);
    agents.settle(&mut staged, store).await?;
    for position in &staged.too_late {
        let record = chunk.records.iter().find(|record| record.position == *position);
        let data = record.map_or(&[][..], |record| &record.data);
        collected.refuse(position.clone(), data, TOO_LATE, now);
    }
    // An agent whose partition has ended goes on in one of its children, nobody knows which until then; and one who was
    // last seen in a snapshot, in any.
    let everywhere = status.watermark(RowsOf::Agents);
    let is_everybodys = |partition: &PartitionId| is_lane(partition) || status.has_ended(partition);
    let complete = |partition: &PartitionId| match partition {
        own if *own == standing.partition => chunk.watermark.max(status.watermark_of(own)),
        other if is_everybodys(other) => everywhere,
        other => status.watermark_of(other),
    };
    // Whoever changes now may have been silent before, by another partition or by what this one has told earlier.
    agents.stage_silence_of_changed(complete, &mut staged);
    if chunk.watermark.is_some() {
        let tells = |partition: &PartitionId| *partition == standing.partition || is_everybodys(partition);
        let complete = |of: &PartitionId| tells(of).then(|| complete(of)).flatten();
        let (silent, are_more) = agents.silence_of_others(complete, &staged, MOST_SILENT);
        if are_more {
            return prepare_silence(ground, before, silent);
        }
        staged.add_others(silent);
    }
    agents.tell_settled(&mut staged);
    let writes = agents.writes(&staged)?;
    collected.counts.events = staged.events;
    collected.counts.duplicates = staged.duplicates;
    let queue_names = queues.news(collected.contacts.values(), writes.states.iter());
    let batch = Batch {
        source: config.name.clone(),
        partition: standing.partition.clone(),
        epoch: standing.epoch,
        expected: standing.position.clone(),
        position: Some(chunk.position.clone()),
        watermark: chunk.watermark,
        behind: chunk.behind,
        finished: chunk.ended,
        counts: collected.counts,
        agents: writes.agents,
        evidence: writes.evidence,
        segments: writes.segments,
        contacts: stage_contacts(config, collected.contacts),
        contact_events: assembled.writes,
        dirty: writes.dirty,
        states: writes.states,
        dead_letters: collected.dead_letters,
        gaps: chunk
            .gap
            .iter()
            .map(|lost| GapWrite { to: lost.to, ..gap(&lost.reason, lost.from, now) })
            .collect(),
        acd_rows: chunk.rows.iter().map(acd::write).collect::<Result<_, _>>()?,
        queue_names,
        events: None,
        archive: None,
    };
    standing.position = Some(chunk.position.clone());
    Ok(Prepared { batch, staged, standing, is_whole: true })
}

/// A batch that moves the partition nowhere, and tells of some who have fallen silent. They do so by what the chunk says of
/// the time, which is true whether the chunk itself is taken afterwards or not.
fn prepare_silence(ground: Ground<'_>, standing: &Standing, staged: Staged) -> Result<Prepared, IngestError> {
    let writes = ground.agents.writes(&staged)?;
    let Standing { partition, epoch, position, .. } = standing;
    let batch = Batch {
        position: position.clone(),
        expected: position.clone(),
        queue_names: ground.queues.news([].iter(), writes.states.iter()),
        agents: writes.agents,
        segments: writes.segments,
        dirty: writes.dirty,
        states: writes.states,
        ..empty_batch(&ground.config.name, partition, *epoch)
    };
    Ok(Prepared { batch, staged, standing: standing.clone(), is_whole: false })
}

/// What is kept of a chunk for the archive, where there is one. Before it the partition stood at `from`.
pub fn for_archive(
    config: &SourceConfig,
    (partition, parents): (&PartitionId, &[PartitionId]),
    (from, read): (&Position, Timestamp),
    chunk: &Chunk,
) -> std::io::Result<Option<ArchiveWrite>> {
    let Some(archive) = config.archive.as_ref().filter(|_| Step::is_worth_keeping(from, chunk)) else {
        return Ok(None);
    };
    let frame = archive::pack(partition, parents, (from, read), chunk, &archive.leave_out)?;
    Ok(Some(ArchiveWrite { read, frame }))
}

/// The events of a chunk as they came, where a sink passes them on: also those of which nothing can be made here, since
/// others may read them otherwise, but no contacts, and nothing that is plainly something else.
pub fn for_sinks(
    config: &SourceConfig,
    read: Timestamp,
    chunk: &Chunk,
    decodings: &Decodings,
) -> Option<EventsWrite> {
    if !config.passes_events {
        return None;
    }
    let is_event = |decoded: &Result<Decoded, String>| {
        matches!(decoded, Ok(Decoded::Agent(_) | Decoded::Told { .. }) | Err(_))
    };
    let records = chunk.records.iter().zip(decodings).filter(|(_, decoded)| is_event(decoded));
    let event = |record: &Record| EventWrite { position: record.position.clone(), data: record.data.clone() };
    let events: Vec<_> = records.map(|(record, _)| event(record)).collect();
    (!events.is_empty()).then_some(EventsWrite { read, events })
}

/// A lost stretch, noticed now; nobody knows when it ends.
pub fn gap(reason: &str, from: Option<Timestamp>, now: Timestamp) -> GapWrite {
    GapWrite { reason: reason.into(), from, to: None, at: now }
}

impl Collected {
    fn refuse(&mut self, position: Position, data: &[u8], reason: &str, now: Timestamp) {
        self.counts.failed += 1;
        let payload = data[..data.len().min(MAX_DEAD_LETTER)].to_vec();
        self.dead_letters.push(DeadLetterWrite { position, reason: reason.into(), payload, at: now });
    }
}

fn take_event(
    config: &SourceConfig,
    seen: Observation,
    standing: &mut Standing,
    agents: &Agents,
    staged: &mut Staged,
    now: Timestamp,
) -> Result<(), String> {
    if seen.at < EARLIEST || seen.at > now + LIVE_TOLERANCE {
        return Err(format!("event time: {} lies outside {EARLIEST} to 5 minutes from now", seen.at));
    }
    let newest = standing.newest_event.map_or(seen.at, |newest| newest.max(seen.at));
    if newest.since(seen.at) > config.lateness {
        return Err(format!(
            "event time: {} is later than the lateness window of {} s behind {newest}; reload this agent's day",
            seen.at, config.lateness
        ));
    }
    agents.stage(seen, staged)?;
    standing.newest_event = Some(newest);
    standing.newest = standing.newest.max(Some(newest));
    Ok(())
}

/// Takes the legs of contacts that events tell of.
fn take_legs(source: &SourceName, legs: Vec<ContactLeg>, collected: &mut Collected, now: Timestamp) {
    for leg in legs {
        let id = leg.id.clone();
        // The events of which it is made are kept, and are looked at again with the next one.
        if let Err(reason) = take_contact(leg, collected, now) {
            tracing::warn!(source.name = %source, contact.id = %id, "a contact cannot be used: {reason}");
        }
    }
}

fn take_contact(leg: ContactLeg, collected: &mut Collected, now: Timestamp) -> Result<(), String> {
    if let Some(at) = leg.disconnected
        && (at < EARLIEST || at > now + LIVE_TOLERANCE)
    {
        return Err(format!("end of the contact: {at} lies outside {EARLIEST} to 5 minutes from now"));
    }
    check_contact(&leg)?;
    collected.counts.contacts += 1;
    let newer = collected.contacts.get(&leg.id).is_none_or(|known: &ContactLeg| known.version < leg.version);
    if newer {
        collected.contacts.insert(leg.id.clone(), leg);
    }
    Ok(())
}

/// The contacts to write, with the instant they are pegged to. A version older than the stored one changes nothing there.
fn stage_contacts(
    config: &SourceConfig,
    contacts: BTreeMap<ContactId, ContactLeg>,
) -> Vec<(ContactLeg, Option<Timestamp>)> {
    let pegged = |leg: ContactLeg| {
        let at = pegged_at(&leg, config.pegging);
        (leg, at)
    };
    contacts.into_values().map(pegged).collect()
}

/// A batch that says only that a partition was opened, and where.
pub fn opening_batch(source: &SourceName, partition: &PartitionId, epoch: u64, position: Position) -> Batch {
    Batch { position: Some(position), ..empty_batch(source, partition, epoch) }
}

/// A batch that says nothing.
fn empty_batch(source: &SourceName, partition: &PartitionId, epoch: u64) -> Batch {
    Batch {
        source: source.clone(),
        partition: partition.clone(),
        epoch,
        expected: None,
        position: None,
        watermark: None,
        behind: None,
        finished: false,
        counts: Counts::default(),
        agents: Vec::new(),
        evidence: Vec::new(),
        segments: Vec::new(),
        contacts: Vec::new(),
        dirty: Vec::new(),
        states: Vec::new(),
        dead_letters: Vec::new(),
        gaps: Vec::new(),
        contact_events: Vec::new(),
        acd_rows: Vec::new(),
        queue_names: Vec::new(),
        events: None,
        archive: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_r07_a_few_bad_records_are_records_and_many_are_a_changed_format() {
        let mut trust = Trust::default();
        for index in 0..1000 {
            trust.note(index % 20 == 0);
            assert!(!trust.is_lost(), "one in twenty is five percent, at record {index}");
        }
        for _ in 0..20 {
            trust.note(true);
        }
        assert!(trust.is_lost());
    }

    #[test]
    fn r07_a_stream_that_starts_badly_is_given_a_window() {
        let mut trust = Trust::default();
        (0..TRUST_WINDOW - 1).for_each(|_| trust.note(true));
        assert!(!trust.is_lost());
        trust.note(true);
        assert!(trust.is_lost());
    }
}
