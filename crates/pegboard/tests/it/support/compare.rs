//! Rows that must be alike, and how they are not.

use std::fmt::Debug;

use pegboard::replay::{Cut, Inputs};
use pegboard_model::report::Row;
use pegboard_sim::Truth;

/// In which reports replay is not the truth: for each the first row that differs.
pub(crate) fn differences(truth: &Truth, replayed: &Inputs) -> Vec<String> {
    let interval = Cut::Interval;
    let all = [
        difference(&truth.segments, &replayed.segments()),
        difference(&truth.sessions, &replayed.sessions()),
        difference(&truth.agent_intervals, replayed.agent_rows(interval)),
        difference(&truth.group_intervals, replayed.group_rows(interval)),
        difference(&truth.queue_intervals, &replayed.queue_rows(interval)),
        difference(&truth.agent_queue_intervals, &replayed.agent_queue_rows(interval)),
    ];
    all.into_iter().flatten().collect()
}

fn difference<R: Row + PartialEq + Debug>(expected: &[R], found: &[R]) -> Option<String> {
    first_difference(R::REPORT, expected, found)
}

/// The first place at which the lists differ, in words.
pub(crate) fn first_difference<T: PartialEq + Debug>(
    what: &str,
    expected: &[T],
    found: &[T],
) -> Option<String> {
    let alike = expected.iter().zip(found).take_while(|(expected, found)| expected == found).count();
    if alike == expected.len() && alike == found.len() {
        return None;
    }
    Some(format!(
        "{what}: {} rows expected and {} found; row {alike} differs:\n  expected {:?}\n  found    {:?}",
        expected.len(),
        found.len(),
        expected.get(alike),
        found.get(alike)
    ))
}
