//! The past of queues for an import by hand, a local day at a time.

use jiff::civil::Date;
use pegboard_engine::{Grid, Interval as Slot, Window};
use pegboard_model::Millis;
use pegboard_sinks::{Document, Groups, Ingredient, Interval};
use pegboard_store::StoreError;

use super::Deliverer;
use crate::runtime::local_day::{local_day, yesterday};
use crate::runtime::reports::starting_in;

/// Why there is no history of a day, in words for whoever asks for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoHistory {
    /// There is no such sink.
    #[error("there is no sink of this name")]
    NoSink,
    /// The target has no import by hand.
    #[error("a sink of kind {0} has no history to import by hand: cxone and iex have")]
    NotOfThisKind(&'static str),
    /// Not one interval of it is closed.
    #[error("nothing of this day is closed yet")]
    NotYet,
    /// It is too long ago.
    #[error("what this day is made of is no longer kept, or was never known")]
    NotKept,
    /// The target would not take it.
    #[error("{0}")]
    Refused(String),
}

impl Deliverer {
    /// The history of a day by the clock of the first source, of yesterday where none is named: all of its intervals that are
    /// closed and still kept. Sends nothing, and changes nothing in the ledger.
    pub(in crate::runtime) async fn history(
        &self,
        day: Option<Date>,
    ) -> Result<Result<Document, NoHistory>, StoreError> {
        let Some(encoder) = self.sink.history() else {
            return Ok(Err(NoHistory::NotOfThisKind(self.sink.kind())));
        };
        let day = self.sources.first().and_then(|shared| {
            let zone = &shared.config.time_zone;
            local_day(zone, day.or_else(|| yesterday(zone, self.now()))?)
        });
        let (Some(day), Some(closed)) = (day, self.closed_until()) else { return Ok(Err(NoHistory::NotYet)) };
        if closed <= day.from {
            return Ok(Err(NoHistory::NotYet));
        }
        let known_from = self.known_from().await?.unwrap_or(day.to).max(self.kept_from().await?);
        if known_from >= day.to {
            return Ok(Err(NoHistory::NotKept));
        }
        self.remap().await?;
        self.know_kinds().await?;
        let day = Window { from: day.from.max(known_from), to: day.to.min(closed) };
        let (mut known, mut groups) = (self.nothing(), Groups::default());
        for shared in &self.sources {
            let config = &shared.config;
            let whole = starting_in(config, day);
            let grid = Grid::new(config.interval, &config.time_zone, whole);
            known.intervals = grid.intervals().map(|Slot { start, end }| Interval { start, end }).collect();
            known.interval_length = known.intervals.first().map_or(Millis::ZERO, |first| first.length());
            self.add(&mut known, &mut groups, shared, whole, config.interval, &[Ingredient::Queues]).await?;
        }
        known.queue_kinds = self.kinds_with(&known.queues);
        self.filter.apply(&mut known, &groups);
        let mut encoded = (encoder.encode)(&known);
        if let Some(refused) = encoded.refused.pop() {
            return Ok(Err(NoHistory::Refused(refused.reasons.join("; "))));
        }
        Ok(encoded.documents.pop().ok_or(NoHistory::NotYet))
    }
}
