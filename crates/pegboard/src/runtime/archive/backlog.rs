//! How much waits for the archive, and what follows from it.
//!
//! What waits has no other copy, so that none of it is ever dropped. It has a bound nevertheless: where so much waits, nothing
//! more is read until some of it is in the archive. What is not read waits where it is, in the stream, the bucket or the
//! platform, for as long as that keeps it.

use std::sync::Arc;
use std::time::Duration;

use pegboard_model::{Millis, Timestamp};
use pegboard_store::ArchiveBacklog;
use tokio::time::Instant;

use crate::runtime::source::Shared;
use crate::runtime::watch::Receiver;

/// The part of the source that fails when too much waits.
pub(in crate::runtime) const PART: &str = "archive backlog";

/// How often there is a look, unless a look takes long.
const EVERY: Duration = Duration::from_secs(1);

/// How much longer than a look the pause after it is at least.
const PAUSE: u32 = 20;

/// How long something may wait that should be in the archive after an hour and ten minutes.
const BEHIND: Millis = Millis::from_hours(4);

/// Looks at what waits until `stop` turns true, and has reading wait while it is too much. On every node: each reads.
pub(in crate::runtime) async fn watch(shared: Arc<Shared>, mut stop: Receiver<bool>) {
    let Some(settings) = &shared.config.archive else { return };
    while !*stop.borrow() {
        let began = Instant::now();
        // What the store does not tell is as it was.
        if let Ok(backlog) = shared.store.archive_backlog(&shared.config.name).await {
            take(&shared, backlog, settings.most_waiting);
        }
        let pause = EVERY.max(began.elapsed() * PAUSE);
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    shared.status.recovered(PART);
}

fn take(shared: &Shared, backlog: ArchiveBacklog, most: u64) {
    let (now, is_full) = ((shared.clock)(), is_full(backlog, most));
    if *shared.archive_is_full.borrow() != is_full {
        shared.archive_is_full.send_replace(is_full);
        tracing::warn!(source.name = %shared.config.name, bytes = backlog.bytes, is_full, "what waits for the archive");
    }
    match told(backlog, most, now) {
        Some(text) => shared.status.failed(PART, now, text, false),
        None => shared.status.recovered(PART),
    }
}

/// Whether so much waits that nothing more is to be read.
const fn is_full(backlog: ArchiveBacklog, most: u64) -> bool {
    backlog.bytes > most
}

/// What is to be said of what waits, if anything.
fn told(backlog: ArchiveBacklog, most: u64, now: Timestamp) -> Option<String> {
    let oldest = backlog.oldest?;
    if is_full(backlog, most) {
        return Some(format!(
            "{} bytes, read since {oldest}, wait in the store for the archive, which is more than most_waiting ({most}): nothing \
             more is read until some of it is there",
            backlog.bytes
        ));
    }
    let is_behind = now.since(oldest) > BEHIND;
    is_behind.then(|| format!("what was read at {oldest} is not in the archive yet, and waits in the store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backlog(bytes: u64, oldest: Timestamp) -> ArchiveBacklog {
        ArchiveBacklog { oldest: Some(oldest), bytes }
    }

    #[test]
    fn what_was_read_four_hours_ago_and_still_waits_is_told() {
        let at: Timestamp = "2026-05-04T09:00:00Z".parse().unwrap();
        assert_eq!(told(backlog(9, at), 9, at + BEHIND), None);
        let told = told(backlog(9, at), 9, at + BEHIND + Millis::new(1)).unwrap();
        assert!(told.contains("read at 2026-05-04T09:00:00Z"), "{told}");
    }

    #[test]
    fn r28_nothing_more_is_read_where_a_byte_more_waits_than_may() {
        let at: Timestamp = "2026-05-04T09:00:00Z".parse().unwrap();
        assert_eq!((is_full(backlog(9, at), 9), told(backlog(9, at), 9, at)), (false, None));
        assert!(is_full(backlog(10, at), 9));
        let told = told(backlog(10, at), 9, at).unwrap();
        assert!(told.contains("10 bytes") && told.contains("nothing more is read"), "{told}");
        assert_eq!(super::told(ArchiveBacklog::default(), 0, at), None);
    }
}
