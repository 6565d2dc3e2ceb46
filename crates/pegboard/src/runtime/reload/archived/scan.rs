//! One walk through the files of an archive: whatever is about the days that are asked for is put where it is looked at
//! together.

use std::hash::{Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pegboard_connect::archive::{Archive, ArchiveDecoder, ArchiveError, Step};
use pegboard_connect::spec::{Decode, Decoded};
use pegboard_engine::Window;
use pegboard_engine::evidence::{EARLIEST, LIVE_TOLERANCE};
use pegboard_engine::queues::pegged_at;
use pegboard_model::policy::Pegging;
use pegboard_model::{
    AcdRow, ContactId, ContactLeg, ContactVersion, Millis, Observation, Order, Position, Text, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::spool::{Place, Spool};
use crate::runtime::key_length::{check_contact, check_observation};

/// From how long before the first day what agents did is read, so that it is known in what they come into it.
pub(super) const LEAD: Millis = Millis::from_hours(48);

/// Up to how long after the last day, so that it is known up to when what they were in at its end lasts.
const TAIL: Millis = Millis::from_hours(24);

/// In how many parts agents and contacts are looked at.
pub(super) const PARTS: u64 = 256;

/// How far the walk is, for whoever watches it.
#[derive(Debug, Default)]
pub(in crate::runtime::reload) struct Walk {
    pub(in crate::runtime::reload) files: AtomicU64,
    pub(in crate::runtime::reload) files_read: AtomicU64,
    pub(in crate::runtime::reload) observations: AtomicU64,
    pub(in crate::runtime::reload) contacts: AtomicU64,
    /// Records that cannot be used, as it is known today how they are to be read.
    pub(in crate::runtime::reload) unusable: AtomicU64,
    /// Set by whoever does not want it any more.
    pub(in crate::runtime::reload) stop: AtomicBool,
}

/// Why the archive does not tell.
#[derive(Debug, thiserror::Error)]
pub(in crate::runtime::reload) enum ScanError {
    /// It cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// What was read cannot be kept until it is used.
    #[error("cannot keep what the archive tells until it is used: {0}")]
    Spool(#[from] io::Error),
    /// Nobody wants it any more.
    #[error("it was cancelled")]
    Stopped,
}

/// What is to be read.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) archive: Archive,
    pub(super) days: Arc<[Window]>,
    pub(super) pegging: Pegging,
    pub(super) now: Timestamp,
    pub(super) walk: Arc<Walk>,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) spool: Spool,
    /// From when on there is an archive; nothing where there is none.
    pub(super) begins: Option<Timestamp>,
    /// Stretches of the time of reading of which files are missing.
    pub(super) holes: Vec<Window>,
}

/// A version of a contact: all of it if it is pegged to one of the days.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) id: ContactId,
    /// Which telling of it.
    pub(super) told: ContactVersion,
    pub(super) day: Option<usize>,
    pub(super) leg: Option<ContactLeg>,
}

/// A row of the ACD, with where it was told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ToldRow {
    pub(super) row: AcdRow,
    pub(super) file: Text,
    pub(super) made: Timestamp,
}

/// The part of all that something belongs to.
pub(super) fn part_of(id: &impl Hash) -> u64 {
    let mut hasher = std::collections::hash_map::DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish() % PARTS
}

/// The number of the day that an instant lies in.
pub(super) fn day_of(days: &[Window], at: Timestamp) -> Option<usize> {
    let number = days.partition_point(|day| day.to <= at);
    days.get(number).filter(|day| day.from <= at).map(|_| number)
}

impl Scan {
    /// Reads all files that may tell of the days; what is told late stands in later ones. Waits for the disk.
    pub(super) fn run(&self, mut spool: Spool, decoder: &mut ArchiveDecoder) -> Result<Scanned, ScanError> {
        let begins = self.archive.begins()?;
        // What happened cannot have been read before it did, but for the clocks.
        let partitions = self.archive.files_since(self.evidence().from - LIVE_TOLERANCE)?;
        self.walk.files.store(partitions.iter().map(|files| files.len() as u64).sum(), Ordering::Relaxed);
        let mut holes = Vec::new();
        for files in &partitions {
            let mut reached: Option<(Position, Timestamp)> = None;
            for file in files {
                for step in self.archive.steps(file)? {
                    if self.walk.stop.load(Ordering::Relaxed) {
                        return Err(ScanError::Stopped);
                    }
                    let step = step?;
                    if let Some((position, read)) = reached.replace((step.chunk.position.clone(), step.read))
                        && position != step.from
                    {
                        holes.push(Window { from: read, to: step.read });
                    }
                    self.take(step, &mut spool, decoder)?;
                }
                self.walk.files_read.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(Scanned { spool, begins, holes })
    }

    fn evidence(&self) -> Window {
        let at = |day: Option<&Window>| {
            day.copied().unwrap_or(Window { from: Timestamp::MAX, to: Timestamp::MIN })
        };
        Window { from: at(self.days.first()).from - LEAD, to: at(self.days.last()).to + TAIL }
    }

    fn take(&self, step: Step, spool: &mut Spool, decoder: &mut ArchiveDecoder) -> Result<(), ScanError> {
        for record in step.chunk.records {
            let order = Order { partition: step.partition.clone(), position: record.position };
            match decoder.decode(&record.data, order) {
                Ok(Decoded::Agent(seen)) => self.take_event(&seen, spool)?,
                Ok(Decoded::Contact(leg)) => self.take_contact(leg, spool)?,
                // Such a source is not reloaded from its archive.
                Ok(Decoded::Told { .. } | Decoded::Foreign) => {}
                Err(_) => self.refuse(),
            }
        }
        for row in step.chunk.rows {
            if let Some(day) = day_of(&self.days, row.interval_start) {
                let (file, made) = (row.telling.file.clone(), row.telling.made);
                spool.push(Place::Rows(day), &ToldRow { row, file, made })?;
            }
        }
        Ok(())
    }

    fn take_event(&self, seen: &Observation, spool: &mut Spool) -> Result<(), ScanError> {
        let within = self.evidence();
        if seen.at < within.from || seen.at >= within.to {
            return Ok(());
        }
        if seen.at < EARLIEST || seen.at > self.now + LIVE_TOLERANCE || check_observation(seen).is_err() {
            self.refuse();
            return Ok(());
        }
        self.walk.observations.fetch_add(1, Ordering::Relaxed);
        Ok(spool.push(Place::Evidence(part_of(&seen.agent)), seen)?)
    }

    /// Of a contact that is pegged elsewhere its version counts: another one that is pegged to one of the days may be older.
    fn take_contact(&self, leg: ContactLeg, spool: &mut Spool) -> Result<(), ScanError> {
        let ends = leg.disconnected;
        if ends.is_some_and(|at| at < EARLIEST || at > self.now + LIVE_TOLERANCE)
            || check_contact(&leg).is_err()
        {
            self.refuse();
            return Ok(());
        }
        let day = pegged_at(&leg, self.pegging).and_then(|at| day_of(&self.days, at));
        let place = Place::Versions(part_of(&leg.id));
        let (id, told) = (leg.id.clone(), leg.version);
        if day.is_some() {
            self.walk.contacts.fetch_add(1, Ordering::Relaxed);
        }
        let leg = day.map(|_| leg);
        Ok(spool.push(place, &Version { id, told, day, leg })?)
    }

    fn refuse(&self) {
        self.walk.unusable.fetch_add(1, Ordering::Relaxed);
    }
}
