//! Stretches that were lost, and what they were lost of.

use pegboard_connect::spec::Carries;
use pegboard_engine::Interval;
use pegboard_store::{Gap, RowsOf, StoreError};

use super::source::Shared;

/// How many gaps of a source are looked at, the latest first.
const GAPS: usize = 1000;

/// Whether what a partition brings is what rows are made of.
pub(super) const fn brings(carries: Carries, rows: RowsOf) -> bool {
    match rows {
        RowsOf::Agents => carries.agents,
        RowsOf::Contacts => carries.contacts,
    }
}

/// The gaps in what rows are made of, the latest first.
pub(super) async fn of(shared: &Shared, rows: RowsOf) -> Result<Vec<Gap>, StoreError> {
    let mut gaps = shared.store.gaps(&shared.config.name, GAPS).await?;
    gaps.retain(|gap| brings(shared.source.carries(&gap.partition), rows));
    Ok(gaps)
}

/// Whether something of the interval may have been lost with the gap.
pub(super) fn touches(gap: &Gap, interval: Interval) -> bool {
    gap.from.is_none_or(|from| from < interval.end) && interval.start < gap.to.unwrap_or(gap.at)
}

#[cfg(test)]
mod tests {
    use pegboard_model::Timestamp;

    use super::*;

    #[test]
    fn a_gap_of_which_an_end_is_not_known_reaches_as_far_as_it_may() {
        let at = |minutes: i64| Timestamp::from_seconds(minutes * 60);
        let interval = Interval { start: at(15), end: at(30) };
        let gap = |from: Option<i64>, to: Option<i64>| Gap {
            partition: "p".into(),
            reason: "lost".into(),
            from: from.map(at),
            to: to.map(at),
            at: at(40),
        };
        assert!(touches(&gap(Some(20), Some(21)), interval) && touches(&gap(None, Some(16)), interval));
        assert!(touches(&gap(Some(29), None), interval));
        assert!(!touches(&gap(Some(30), None), interval) && !touches(&gap(None, Some(15)), interval));
    }
}
