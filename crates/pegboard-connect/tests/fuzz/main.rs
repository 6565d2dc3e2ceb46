//! Whatever a platform or a file holds: no panic, no end without an answer, and the same answer every time.
//!
//! Each target is a file of its own with its corpus; `fuzz/` hands the very same to libFuzzer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod decompression;
mod framing;
mod messages;
mod mutate;
mod records;
mod reports;
mod twilio;

use mutate::fuzz;

#[test]
fn s35_messages_of_a_queue_are_hostile() {
    fuzz("messages", &messages::corpus(), messages::take);
}

#[test]
fn s35_agent_events_are_hostile() {
    fuzz("agent events", &records::agent_events(), records::take);
}

#[test]
fn s35_contact_records_are_hostile() {
    fuzz("contact records", &records::contact_records(), records::take);
}

#[test]
fn s35_whatever_else_is_on_a_stream_is_hostile() {
    fuzz("shared streams", &records::corpus(), records::take);
}

#[test]
fn s35_files_are_hostile_and_where_they_are_cut_changes_nothing() {
    fuzz("framing", &framing::corpus(), framing::take);
}

#[test]
fn s35_compressed_files_are_hostile_and_give_no_more_than_they_may() {
    fuzz("decompression", &decompression::corpus(), decompression::take);
}

#[test]
fn s35_scheduled_reports_are_hostile() {
    fuzz("scheduled reports", &reports::corpus(), reports::take);
}

#[test]
fn s35_names_of_objects_are_hostile() {
    fuzz("names of objects", &reports::names(), reports::take_name);
}

#[test]
fn s35_bodies_of_twilio_are_hostile() {
    fuzz("bodies of Twilio", &twilio::corpus(), twilio::take);
}
