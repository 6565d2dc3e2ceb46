//! What the source itself gives once more of the days, read into the same places as what the archive tells.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pegboard_connect::spec::{Chunk, Decode, GivenAgain, PartitionReader, SourceError};
use pegboard_engine::Window;
use pegboard_model::{PartitionId, Timestamp};

use super::scan::{ScanError, Walk};
use super::sieve::{PARTS, Sieve, pieces_of, push_piece};
use super::spool::{Place, Spool};
use super::{ToldError, blocking};
use crate::runtime::assembling::assemble;
use crate::runtime::source::Shared;

/// How often in a row an input may fail before it is given up.
const MOST_FAILURES: u32 = 6;

/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How many contacts are put together at once.
const CONTACTS_AT_ONCE: usize = 500;

/// What an input gave.
#[derive(Debug)]
pub(super) struct Gave {
    pub(super) name: String,
    pub(super) reaches: Option<Timestamp>,
    /// Whether it told anything of each of the days.
    pub(super) days: Vec<bool>,
}

impl Gave {
    /// What is to be said of what it does not have of a day; nothing where it has told of it.
    pub(super) fn lacks(&self, number: usize, day: Window) -> Option<String> {
        let Self { name, reaches, days } = self;
        let reaches = reaches.filter(|reaches| *reaches > day.from);
        match (days.get(number), reaches) {
            (Some(true), None) => None,
            (Some(true), Some(reaches)) => Some(format!("{name} has it from {reaches} on only")),
            (_, Some(reaches)) => Some(format!("{name} has nothing from before {reaches} any more")),
            (_, None) => Some(format!("{name} had nothing of it")),
        }
    }
}

/// What is at hand while it is read, handed to the thread that may wait for the disk and back.
struct Reading {
    sieve: Sieve,
    spool: Spool,
    decoder: Box<dyn Decode>,
}

/// Reads whatever the inputs of the source give of `days`, one after the other, beside live work.
pub(super) async fn read(
    shared: &Shared,
    days: Arc<[Window]>,
    walk: &Arc<Walk>,
) -> Result<(Spool, Vec<Gave>), ToldError> {
    let sieve = Sieve::of(shared, days, walk.clone());
    let within = sieve.evidence();
    let mut reading = Reading { sieve, spool: Spool::new()?, decoder: shared.source.decoder() };
    let inputs = shared.source.give_again(within.from, within.to).await.map_err(ScanError::from)?;
    let mut gave = Vec::new();
    for GivenAgain { name, reaches, readers } in inputs {
        for (partition, mut reader) in readers {
            reading = reading.through(&partition, &mut *reader, walk).await?;
        }
        gave.push(Gave { name, reaches, days: reading.sieve.told_days() });
    }
    let Reading { mut sieve, mut spool, .. } = reading;
    put_together(shared, &mut sieve, &mut spool).await?;
    Ok((spool, gave))
}

impl Reading {
    /// Reads a partition to its end.
    async fn through(
        mut self,
        partition: &PartitionId,
        reader: &mut dyn PartitionReader,
        walk: &Walk,
    ) -> Result<Self, ToldError> {
        loop {
            let chunk = next(reader, walk).await?;
            let (ended, partition) = (chunk.ended, partition.clone());
            self = blocking(move || {
                self.sieve.take(&partition, chunk, &mut self.spool, &mut *self.decoder)?;
                Ok(self)
            })
            .await?;
            if ended {
                return Ok(self);
            }
        }
    }
}

/// The next that a reader brings; what fails is tried again some times.
async fn next(reader: &mut dyn PartitionReader, walk: &Walk) -> Result<Chunk, ToldError> {
    let mut failures = 0;
    let mut pause = FIRST_PAUSE;
    loop {
        if walk.stop.load(Ordering::Relaxed) {
            return Err(ScanError::Stopped.into());
        }
        let error: SourceError = match reader.next().await {
            Ok(chunk) => return Ok(chunk),
            Err(error) => error,
        };
        failures += 1;
        if failures == MOST_FAILURES {
            return Err(ScanError::Source(error).into());
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// Makes legs of what is told of contacts piece by piece, and of what is known of them. Only pieces that are new are kept.
async fn put_together(shared: &Shared, sieve: &mut Sieve, spool: &mut Spool) -> Result<(), ToldError> {
    let Some(assembler) = shared.assembler.as_deref() else { return Ok(()) };
    for part in 0..PARTS {
        let mut pieces = pieces_of(spool, part)?;
        spool.forget(Place::Pieces(part));
        pieces.sort_by(|a, b| a.contact.cmp(&b.contact));
        let by_contact: Vec<_> = pieces.chunk_by(|a, b| a.contact == b.contact).collect();
        for some in by_contact.chunks(CONTACTS_AT_ONCE) {
            let told = some.concat();
            let put = assemble(&shared.config.name, assembler, told, &*shared.store).await?;
            for leg in put.legs {
                sieve.take_contact(leg, spool)?;
            }
            for piece in put.writes.iter().flat_map(|write| &write.events) {
                push_piece(spool, piece)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    #[derive(Debug)]
    struct Failing(u32);

    #[async_trait]
    impl PartitionReader for Failing {
        async fn next(&mut self) -> Result<Chunk, SourceError> {
            self.0 += 1;
            Err(SourceError::passing(format!("failure {}", self.0)))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn r28_an_input_is_asked_6_times_in_a_row() {
        let mut reader = Failing(0);
        let error = next(&mut reader, &Walk::default()).await.unwrap_err();
        assert_eq!((reader.0, error.to_string().ends_with("failure 6")), (MOST_FAILURES, true), "{error}");
    }

    #[test]
    fn what_an_input_lacks_of_a_day_is_said_by_its_name() {
        let at = Timestamp::from_seconds;
        let day = Window { from: at(100), to: at(200) };
        let lacks = |told, reaches: Option<i64>| {
            Gave { name: "it".to_owned(), reaches: reaches.map(at), days: vec![told] }.lacks(0, day)
        };
        assert_eq!((lacks(true, None), lacks(true, Some(100))), (None, None));
        assert!(lacks(true, Some(101)).unwrap().contains("from 1970-01-01T00:01:41Z on only"));
        assert!(lacks(false, Some(300)).unwrap().contains("nothing from before 1970-01-01T00:05:00Z"));
        assert_eq!(lacks(false, None).unwrap(), "it had nothing of it");
    }
}
