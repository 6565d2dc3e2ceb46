//! A file that is to be split into records.
#![no_main]

#[path = "../../crates/pegboard-connect/tests/fuzz/framing.rs"]
mod framing;
mod target;

target::target!(framing);
