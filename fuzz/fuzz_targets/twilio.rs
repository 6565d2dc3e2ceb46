//! A body of Twilio, whichever way it comes.
#![no_main]

mod target;
#[path = "../../crates/pegboard-connect/tests/fuzz/twilio.rs"]
mod twilio;

target::target!(twilio);
