//! Whatever is told of the days that are asked for, by the archive or by the source itself, put where it is looked at together.

use std::hash::{Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use pegboard_connect::spec::{Chunk, Decode, Decoded};
use pegboard_engine::Window;
use pegboard_engine::evidence::{EARLIEST, LIVE_TOLERANCE};
use pegboard_engine::queues::pegged_at;
use pegboard_model::policy::Pegging;
use pegboard_model::{
    AcdRow, ContactEvent, ContactId, ContactLeg, ContactVersion, EventId, Millis, Observation, Order,
    PartitionId, Text, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::scan::{ScanError, Walk};
use super::spool::{Place, Spool};
use crate::runtime::key_length::{check_contact, check_observation};
use crate::runtime::source::Shared;

/// From how long before the first day what agents did is read, so that it is known in what they come into it.
pub(super) const LEAD: Millis = Millis::from_hours(48);

/// Up to how long after the last day, so that it is known up to when what they were in at its end lasts.
const TAIL: Millis = Millis::from_hours(24);

/// In how many parts agents and contacts are looked at.
pub(super) const PARTS: u64 = 256;

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

/// An event of a contact that is told of piece by piece, as it lies on disk.
pub(super) type Piece = (ContactId, EventId, Timestamp, String);

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

/// Puts an event where those of its contact are.
pub(super) fn push_piece(spool: &mut Spool, event: &ContactEvent) -> io::Result<()> {
    let ContactEvent { contact, id, at, body } = event;
    spool.push(Place::Pieces(part_of(contact)), &(contact, id, at, body))
}

/// The events that were put there.
pub(super) fn pieces_of(spool: &mut Spool, part: u64) -> io::Result<Vec<ContactEvent>> {
    let event = |(contact, id, at, body): Piece| ContactEvent { contact, id, at, body };
    Ok(spool.read(Place::Pieces(part))?.into_iter().map(event).collect())
}

/// Lets through what is about the days.
#[derive(Debug)]
pub(super) struct Sieve {
    days: Arc<[Window]>,
    pegging: Pegging,
    now: Timestamp,
    walk: Arc<Walk>,
    /// Of which of the days something was told.
    told: Vec<bool>,
}

impl Sieve {
    pub(super) fn of(shared: &Shared, days: Arc<[Window]>, walk: Arc<Walk>) -> Self {
        let told = vec![false; days.len()];
        Self { days, pegging: shared.config.pegging, now: (shared.clock)(), walk, told }
    }

    /// Of which of the days something was told since this was last asked.
    pub(super) fn told_days(&mut self) -> Vec<bool> {
        std::mem::replace(&mut self.told, vec![false; self.days.len()])
    }

    /// From when to when what agents did is about the days.
    pub(super) fn evidence(&self) -> Window {
        let at = |day: Option<&Window>| {
            day.copied().unwrap_or(Window { from: Timestamp::MAX, to: Timestamp::MIN })
        };
        Window { from: at(self.days.first()).from - LEAD, to: at(self.days.last()).to + TAIL }
    }

    /// Takes what a partition brought.
    pub(super) fn take(
        &mut self,
        partition: &PartitionId,
        chunk: Chunk,
        spool: &mut Spool,
        decoder: &mut dyn Decode,
    ) -> Result<(), ScanError> {
        (0..chunk.broken.len()).for_each(|_| self.refuse());
        for record in chunk.records {
            let order = Order { partition: partition.clone(), position: record.position };
            match decoder.decode(&record.data, order) {
                Ok(Decoded::Agent(seen)) => self.take_event(&seen, spool)?,
                Ok(Decoded::Contact(leg)) => self.take_contact(leg, spool)?,
                Ok(Decoded::Told { seen, of_contacts }) => {
                    seen.iter().try_for_each(|seen| self.take_event(seen, spool))?;
                    of_contacts.iter().try_for_each(|piece| self.take_piece(piece, spool))?;
                }
                Ok(Decoded::Foreign) => {}
                Err(_) => self.refuse(),
            }
        }
        for row in chunk.rows {
            if let Some(day) = self.day_of(row.interval_start) {
                let (file, made) = (row.telling.file.clone(), row.telling.made);
                spool.push(Place::Rows(day), &ToldRow { row, file, made })?;
            }
        }
        Ok(())
    }

    /// The day that an instant lies in, of which something is told therefore.
    fn day_of(&mut self, at: Timestamp) -> Option<usize> {
        let day = day_of(&self.days, at)?;
        self.told[day] = true;
        Some(day)
    }

    fn take_event(&mut self, seen: &Observation, spool: &mut Spool) -> Result<(), ScanError> {
        let within = self.evidence();
        if seen.at < within.from || seen.at >= within.to {
            return Ok(());
        }
        if seen.at < EARLIEST || seen.at > self.now + LIVE_TOLERANCE || check_observation(seen).is_err() {
            self.refuse();
            return Ok(());
        }
        self.walk.observations.fetch_add(1, Ordering::Relaxed);
        self.day_of(seen.at);
        Ok(spool.push(Place::Evidence(part_of(&seen.agent)), seen)?)
    }

    /// Of a contact that is pegged elsewhere its version counts: another one that is pegged to one of the days may be older.
    pub(super) fn take_contact(&mut self, leg: ContactLeg, spool: &mut Spool) -> Result<(), ScanError> {
        let ends = leg.disconnected;
        if ends.is_some_and(|at| at < EARLIEST || at > self.now + LIVE_TOLERANCE)
            || check_contact(&leg).is_err()
        {
            self.refuse();
            return Ok(());
        }
        let day = pegged_at(&leg, self.pegging).and_then(|at| self.day_of(at));
        let place = Place::Versions(part_of(&leg.id));
        let (id, told) = (leg.id.clone(), leg.version);
        if day.is_some() {
            self.walk.contacts.fetch_add(1, Ordering::Relaxed);
        }
        let leg = day.map(|_| leg);
        Ok(spool.push(place, &Version { id, told, day, leg })?)
    }

    /// Of a contact that is told of piece by piece it is known only when all of them are there which day it is pegged to.
    fn take_piece(&mut self, piece: &ContactEvent, spool: &mut Spool) -> Result<(), ScanError> {
        let within = self.evidence();
        if piece.at >= within.from && piece.at < within.to {
            self.day_of(piece.at);
            push_piece(spool, piece)?;
        }
        Ok(())
    }

    fn refuse(&self) {
        self.walk.unusable.fetch_add(1, Ordering::Relaxed);
    }
}
