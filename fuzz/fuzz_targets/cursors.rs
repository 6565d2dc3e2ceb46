//! A place in a feed, as a reader hands it back.
#![no_main]

#[path = "../../crates/pegboard/tests/api/fuzz/cursors.rs"]
mod cursors;
mod target;

target::target!(cursors);
