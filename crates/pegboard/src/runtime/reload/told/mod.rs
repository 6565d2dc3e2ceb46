//! Facts of days as they are told elsewhere: by the archive, or by the source itself, once more.
//!
//! All of it is read once, and what it tells of the days that are asked for is kept on disk, day by day: the
//! timelines of agents, the newest version of each contact, and the rows of the ACD. From there they are laid over what is
//! stored ([`facts`]), or brought into the store ([`bring`]) beside live work.

mod bring;
mod facts;
mod given;
mod overlay;
mod scan;
mod sieve;
mod spool;
mod timelines;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use pegboard_connect::archive::{Archive, ArchiveDecoder, ArchivePlace};
use pegboard_engine::Window;
use pegboard_model::{
    AgentId, Class, ContactId, ContactLeg, ContactVersion, Observation, Segment, Timestamp,
};
use pegboard_store::StoreError;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub(in crate::runtime) use self::bring::is_lane;
pub(super) use self::scan::{ScanError, Walk};

use self::given::Gave;
use self::scan::{Scan, Scanned};
use self::sieve::{PARTS, Sieve, ToldRow, Version, pieces_of};
use self::spool::{Place, Spool};
use self::timelines::Timelines;
use crate::runtime::ingest::IngestError;
use crate::runtime::reconcile;
use crate::runtime::source::Shared;

/// What is told of some days.
#[derive(Debug)]
pub(super) struct Told {
    days: Arc<[Window]>,
    /// From when on an archive holds everything that was read; nothing where nobody does.
    begins: Option<Timestamp>,
    holes: Vec<Window>,
    /// What the inputs of the source gave; nothing where it is the archive that tells.
    gave: Option<Vec<Gave>>,
    spool: Arc<std::sync::Mutex<Spool>>,
    /// One at a time: what is read is much.
    turn: Mutex<()>,
}

/// Why it cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ToldError {
    /// Somebody has to act, or nobody wants it any more.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why it cannot be brought into the store.
#[derive(Debug, thiserror::Error)]
pub(super) enum BringError {
    /// It cannot be had.
    #[error(transparent)]
    Told(#[from] ToldError),
    /// It cannot be committed.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

impl From<io::Error> for ToldError {
    fn from(error: io::Error) -> Self {
        Self::Scan(error.into())
    }
}

/// One agent on one day.
#[derive(Debug, Serialize, Deserialize)]
struct AgentDay {
    agent: AgentId,
    /// Where his timeline begins, and what he was before, as far as it is told.
    begins: (Timestamp, Class),
    /// Stretches of the day of which all is told.
    valid: Vec<Stretch>,
    /// Up to when the store has no evidence of him any more that a timeline could be derived from.
    floor: Option<Timestamp>,
    segments: Vec<Segment>,
    /// Evidence that the store lacks.
    missing: Vec<Observation>,
}

/// A stretch, as it lies on disk.
type Stretch = (Timestamp, Timestamp);

impl AgentDay {
    fn valid(&self) -> Vec<Window> {
        self.valid.iter().map(|(from, to)| Window { from: *from, to: *to }).collect()
    }
}

/// A contact, as it is told newest.
#[derive(Debug, Serialize, Deserialize)]
enum DayContact {
    /// It is pegged to the day.
    Here(Box<ContactLeg>),
    /// It was once, and is pegged elsewhere, or nowhere, by this version.
    Left(ContactId, ContactVersion),
}

/// What is told of a day.
#[derive(Debug, Default)]
pub(super) struct DayFacts {
    agents: BTreeMap<AgentId, AgentDay>,
    contacts: BTreeMap<ContactId, ContactLeg>,
    left: BTreeMap<ContactId, ContactVersion>,
    rows: Vec<ToldRow>,
}

/// Ends a walk that nobody waits for any more.
struct EndOfWalk(Arc<Walk>);

impl Drop for EndOfWalk {
    fn drop(&mut self) {
        self.0.stop.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Told {
    /// Walks through the archive of a source for what it tells of `days`, which are in order.
    pub(super) async fn read(
        shared: &Shared,
        archive: &Archive,
        days: Arc<[Window]>,
        walk: Arc<Walk>,
    ) -> Result<Self, ToldError> {
        let _end = EndOfWalk(walk.clone());
        let sieve = Sieve::of(shared, days.clone(), walk.clone());
        let scan = Scan { archive: archive.clone(), sieve, walk };
        let mut decoder = ArchiveDecoder::new(reconcile::lane(), shared.source.decoder());
        let place = archive.place().clone();
        let walk = move || {
            let spool = match &place {
                ArchivePlace::Folder(folder) => Spool::in_folder(folder)?,
                ArchivePlace::Bucket(_) => Spool::new()?,
            };
            scan.run(spool, &mut decoder)
        };
        let Scanned { spool, begins, holes } = blocking(walk).await?;
        Self::of(days, spool).sorted(shared).await.map(|told| Self { begins, holes, ..told })
    }

    /// Has the source read once more whatever it still has of `days`, which are in order.
    pub(super) async fn read_source(
        shared: &Shared,
        days: Arc<[Window]>,
        walk: Arc<Walk>,
    ) -> Result<Self, ToldError> {
        let (spool, gave) = given::read(shared, days.clone(), &walk).await?;
        Self::of(days, spool).sorted(shared).await.map(|told| Self { gave: Some(gave), ..told })
    }

    fn of(days: Arc<[Window]>, spool: Spool) -> Self {
        let (spool, turn) = (Arc::new(std::sync::Mutex::new(spool)), Mutex::new(()));
        Self { days, begins: None, holes: Vec::new(), gave: None, spool, turn }
    }

    /// The same, with everything put to its day.
    async fn sorted(self, shared: &Shared) -> Result<Self, ToldError> {
        self.sort_contacts().await?;
        Timelines::of(shared, &self).await?.derive().await?;
        Ok(self)
    }

    /// Whether it holds everything that was read from before the day begins.
    pub(super) fn is_whole(&self, day: Window) -> bool {
        let touches = |hole: &Window| hole.from < day.to && day.from < hole.to;
        self.begins.is_some_and(|begins| begins <= day.from) && !self.holes.iter().any(touches)
    }

    /// Whether anything is missing in the midst of what was read on the day.
    pub(super) fn has_hole(&self, day: Window) -> bool {
        self.holes.iter().any(|hole| hole.from < day.to && day.from < hole.to)
    }

    /// Whether anything is told of a day. Of an archive, which may hold nothing because nothing happened, that is always so.
    pub(super) fn tells_of(&self, day: Window) -> bool {
        let Some(gave) = &self.gave else { return true };
        self.number(day).is_some_and(|number| gave.iter().any(|gave| gave.days[number]))
    }

    /// What inputs of the source do not have of a day.
    pub(super) fn lacks(&self, day: Window) -> Option<String> {
        let (gave, number) = (self.gave.as_ref()?, self.number(day)?);
        let lacks: Vec<_> = gave.iter().filter_map(|gave| gave.lacks(number, day)).collect();
        (!lacks.is_empty()).then(|| lacks.join("; "))
    }

    fn number(&self, day: Window) -> Option<usize> {
        self.days.iter().position(|known| *known == day)
    }

    /// Brings new events of contacts that are told of piece by piece, of all days: they may be of contacts of any of them. They
    /// are forgotten then.
    pub(super) async fn bring_pieces(&self, shared: &Shared) -> Result<(), BringError> {
        for part in 0..PARTS {
            let pieces = self.with_spool(move |spool| pieces_of(spool, part)).await?;
            bring::bring_pieces(shared, &pieces).await?;
            self.with_spool(move |spool| {
                spool.forget(Place::Pieces(part));
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// What it tells of a day; nothing of one that was not asked for.
    pub(super) async fn day(&self, day: Window) -> Result<DayFacts, ToldError> {
        let Some(number) = self.number(day) else { return Ok(DayFacts::default()) };
        let _turn = self.turn.lock().await;
        self.with_spool(move |spool| {
            let agents = spool.read::<AgentDay>(Place::Agents(number))?;
            let mut facts = DayFacts {
                agents: agents.into_iter().map(|day| (day.agent.clone(), day)).collect(),
                rows: spool.read(Place::Rows(number))?,
                ..DayFacts::default()
            };
            for contact in spool.read::<DayContact>(Place::Contacts(number))? {
                match contact {
                    DayContact::Here(leg) => drop(facts.contacts.insert(leg.id.clone(), *leg)),
                    DayContact::Left(id, version) => drop(facts.left.insert(id, version)),
                }
            }
            Ok(facts)
        })
        .await
    }

    /// Puts the newest version of each contact to its day.
    async fn sort_contacts(&self) -> Result<(), ToldError> {
        for part in 0..PARTS {
            self.with_spool(move |spool| {
                let mut versions = spool.read::<Version>(Place::Versions(part))?;
                spool.forget(Place::Versions(part));
                versions.sort_by(|a, b| (&a.id, a.told).cmp(&(&b.id, b.told)));
                for same in versions.chunk_by_mut(|a, b| a.id == b.id) {
                    let Some((newest, older)) = same.split_last_mut() else { continue };
                    if let (Some(day), Some(leg)) = (newest.day, newest.leg.take()) {
                        spool.push(Place::Contacts(day), &DayContact::Here(Box::new(leg)))?;
                    }
                    let mut left: Vec<usize> = older.iter().filter_map(|version| version.day).collect();
                    left.sort_unstable();
                    left.dedup();
                    for day in left.into_iter().filter(|day| Some(*day) != newest.day) {
                        let contact = DayContact::Left(newest.id.clone(), newest.told);
                        spool.push(Place::Contacts(day), &contact)?;
                    }
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    async fn with_spool<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Spool) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ToldError> {
        let spool = self.spool.clone();
        blocking(move || {
            let mut spool = spool.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Ok(work(&mut spool)?)
        })
        .await
    }
}

/// Runs what waits for the disk, or takes long.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ScanError> + Send + 'static,
) -> Result<T, ToldError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(io::Error::other)??)
}
