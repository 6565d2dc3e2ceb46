//! From the deliveries of a day to the chunks of a script.

use pegboard_model::{Millis, Timestamp};
use pegboard_sim::Delivery;

use super::clock;
use super::day::Day;
use super::script::Script;

/// How much time a chunk covers.
const STRIDE: Millis = Millis::from_minutes(10);

/// When all of a day has arrived, and its last interval can be closed.
pub(crate) fn all_arrived(day: &Day) -> Timestamp {
    // On some days nobody comes to work.
    let last = day.deliveries().iter().map(|delivery| delivery.at).max();
    last.unwrap_or(day.end).max(day.end) + Millis::from_minutes(5)
}

/// Which of `parts` a record belongs to.
pub(crate) fn part_of(delivery: &Delivery, parts: u64) -> u64 {
    let sum: u64 = delivery.partition_key.bytes().map(u64::from).sum();
    sum % parts
}

/// Puts into a partition what of the deliveries is its own and arrives in `[from, to)`, a stride at a time.
pub(crate) fn feed(
    script: &Script,
    partition: &str,
    deliveries: &[Delivery],
    own: impl Fn(&Delivery) -> bool,
    from: Timestamp,
    to: Timestamp,
) {
    let mut start = from;
    while start < to {
        let end = (start + STRIDE).min(to);
        let within = |delivery: &&Delivery| start <= delivery.at && delivery.at < end && own(delivery);
        let records: Vec<&str> =
            deliveries.iter().filter(within).map(|delivery| delivery.json.as_str()).collect();
        script.push(partition, &records, end);
        start = end;
    }
}

/// One partition with all of the day. The clock is set to when all has arrived.
pub(crate) fn one_partition(day: &Day, has_heartbeat: bool) -> Script {
    let script = Script::new(has_heartbeat);
    script.add(ONLY, &[]);
    feed_only(&script, day, day.start, all_arrived(day));
    script
}

/// The name of the only partition.
pub(crate) const ONLY: &str = "only";

/// Puts into the only partition what arrives in `[from, to)`, and sets the clock to that.
pub(crate) fn feed_only(script: &Script, day: &Day, from: Timestamp, to: Timestamp) {
    feed(script, ONLY, &day.deliveries(), |_| true, from, to);
    clock::set(to);
}
