//! A record of a stream or a file, whatever it is.
#![no_main]

#[path = "../../crates/pegboard-connect/tests/fuzz/records.rs"]
mod records;
mod target;

target::target!(records);
