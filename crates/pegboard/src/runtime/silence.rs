//! When no contact means that there was none.

use pegboard_engine::Interval;
use pegboard_model::{QueueId, Text, Timestamp};
use pegboard_store::{Gap, RowsOf, StoreError};

use super::gaps;
use super::names::Directory;
use super::source::Shared;

/// What tells silence from loss.
#[derive(Debug, Default)]
pub(super) struct Silence {
    directory: Directory,
    /// Stretches of which nobody knows whether contacts were lost in them.
    lost: Vec<Gap>,
}

impl Silence {
    /// What is known now. Nothing is asked for where no queue has opening hours.
    pub(super) async fn load(shared: &Shared) -> Result<Self, StoreError> {
        if shared.config.open_queues.is_empty() {
            return Ok(Self::default());
        }
        let (store, source) = (&shared.store, &shared.config.name);
        let lost = gaps::of(shared, RowsOf::Contacts).await?;
        Ok(Self { directory: Directory::load(&**store, source).await?, lost })
    }

    /// Whether nothing was lost of an interval.
    pub(super) fn is_complete(&self, interval: Interval) -> bool {
        !self.lost.iter().any(|gap| gaps::touches(gap, interval))
    }

    /// The queue that a setting means, by its id or by its name at an instant, if the hub has ever seen it.
    pub(super) fn queue(&self, setting: &str, at: Timestamp) -> Option<(QueueId, Text)> {
        self.directory.queue_meant(setting, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_that_a_gap_touches_is_not_complete() {
        let at = |minutes: i64| Timestamp::from_seconds(minutes * 60);
        let gap = Gap {
            partition: "p".into(),
            reason: "lost".into(),
            from: Some(at(20)),
            to: Some(at(31)),
            at: at(40),
        };
        let silence = Silence { lost: vec![gap], ..Silence::default() };
        let complete = |from, to| silence.is_complete(Interval { start: at(from), end: at(to) });
        let found = [(0, 15), (15, 30), (30, 45), (45, 60)].map(|(from, to)| complete(from, to));
        assert_eq!(found, [true, false, false, true]);
    }
}
