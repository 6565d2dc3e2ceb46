//! The one order of an agent's events, and what a track says about an event that arrives.

use pegboard_engine::track::Arrival;

use crate::support::{day, evidence};

#[test]
fn time_decides_whatever_the_order_of_arrival() {
    let told = day("09:10 Break; 09:00 Available; 09:05 Available + c1 VOICE INBOUND CONNECTED");
    assert_eq!(told.classes(), "unknown, 09:00 available, 09:05 talk, 09:10 aux");
}

#[test]
fn within_one_instant_the_position_decides_in_one_partition() {
    let told = day("09:00 id:b at:p/10 Break; 09:00 id:c at:p/9 Lunch; 09:05 BEAT Break");
    assert_eq!(told.segments(), ["09:00- aux Break"], "10 is after 9, as numbers");
}

#[test]
fn within_one_instant_the_id_decides_between_partitions() {
    let told = day("09:00 id:b at:p/1 Break; 09:00 id:a at:q/2 Lunch; 09:05 BEAT Break");
    assert_eq!(told.segments(), ["09:00- aux Break"]);
    let told = day("09:00 id:a at:p/2 Break; 09:00 id:b at:q/1 Lunch; 09:05 BEAT Lunch");
    assert_eq!(told.segments(), ["09:00- aux Lunch"]);
}

#[test]
fn partitions_of_one_instant_follow_each_other_by_their_smallest_id() {
    // p holds c then a; q holds b. a < b, so p as a whole comes first and b has the last word.
    let told = day("09:00 id:c at:p/1 Break; 09:00 id:a at:p/2 Lunch; 09:00 id:b at:q/1 Training");
    assert_eq!(told.segments(), ["09:00- aux Training"]);
    // Here q comes first; within p the position decides, though b < d.
    let told = day("09:00 id:d at:p/1 Break; 09:00 id:b at:p/2 Lunch; 09:00 id:a at:q/1 Training");
    assert_eq!(told.segments(), ["09:00- aux Lunch"]);
}

#[test]
fn a_duplicate_changes_nothing_and_the_smaller_position_counts() {
    let told = day("09:00 id:x at:p/1 Break; 09:00 id:y at:p/2 Lunch; 09:00 id:x at:p/3 Break");
    assert_eq!(told.segments(), ["09:00- aux Lunch"]);
    let login = day("09:00 id:x at:p/1 LOGIN Available; 09:00 id:x at:p/5 LOGIN Available");
    assert_eq!(login.classes(), "signed_out, 09:00 LOGIN, 09:00 available");
}

/// What a track that has seen `seen` says of the one observation `new`.
fn arrival(seen: &str, new: &str) -> Arrival {
    day(seen).track.arrival(&evidence(new)[0])
}

#[test]
fn an_event_is_next_or_a_duplicate_or_late() {
    let seen = "09:00 id:a at:p/1 Available; 09:10 id:b at:p/2 Break; 09:10 id:c at:p/3 Lunch";
    assert_eq!(arrival(seen, "09:11 id:d at:p/1 Available"), Arrival::Next, "later, wherever it stood");
    assert_eq!(arrival(seen, "09:11 id:b at:q/1 Available"), Arrival::Next);
    assert_eq!(arrival(seen, "09:10 id:d at:p/4 Available"), Arrival::Next, "the same instant, behind all");
    assert_eq!(arrival(seen, "09:10 id:b at:p/2 Break"), Arrival::Duplicate);
    assert_eq!(arrival(seen, "09:10 id:b at:p/9 Break"), Arrival::Duplicate);
    assert_eq!(
        arrival(seen, "09:10 id:d at:p/0 Available"),
        Arrival::Late,
        "the same instant, before others"
    );
    assert_eq!(arrival(seen, "09:10 id:d at:q/9 Available"), Arrival::Late, "another partition: ids decide");
    assert_eq!(
        arrival(seen, "09:10 id:d at:p/3 Available"),
        Arrival::Late,
        "the very same place: ids decide"
    );
    assert_eq!(arrival(seen, "09:09 id:d at:p/9 Available"), Arrival::Late);
    let nothing = pegboard_engine::Track::default();
    assert_eq!(nothing.arrival(&evidence("09:00 Available")[0]), Arrival::Next);
}

#[test]
fn a_copy_that_stood_before_the_known_one_is_late_because_it_is_the_one_that_counts() {
    let seen = "09:00 id:b at:q/1 Break; 09:00 id:a at:q/2 Lunch";
    assert_eq!(arrival(seen, "09:00 id:a at:p/9 Lunch"), Arrival::Late);
    assert_eq!(arrival(seen, "09:00 id:a at:q/0 Lunch"), Arrival::Late);
    // With that copy the instant holds two partitions, and the one with the smaller id comes first.
    let told = day(&format!("{seen}; 09:00 id:a at:p/9 Lunch"));
    assert_eq!(told.segments(), ["09:00- aux Break"]);
}
