//! What IEX could not read.

use pegboard_model::Millis;

use crate::period::Period;

/// The faults of a period whose intervals have this length where nothing cuts them.
pub(super) fn violations(period: &Period, length: Millis) -> Vec<String> {
    let local = period.local;
    let mut found = Vec::new();
    let minutes = length.get() / 60_000;
    let is_whole = period.intervals.iter().all(|interval| interval.length() == length)
        && i64::from(local.minute()) % minutes.max(1) == 0
        && local.second() == 0;
    if !is_whole {
        found.push(format!(
            "interval, {local}: an interval has {minutes} minutes and begins at a multiple of them: --from, --to or the zone cuts it"
        ));
    }
    let tags = period.lines.queues.iter().map(|line| ("queue", &line.queue.id));
    let logins = period.lines.agents.iter().map(|line| ("agent", &line.agent.value));
    for (what, name) in tags.chain(logins) {
        if name.is_empty() || name.contains(char::is_control) {
            found
                .push(format!("{what} {name:?}, {local}: a name is not empty, and has no tabs or line ends"));
        }
    }
    found
}
