//! A file that may be compressed.
#![no_main]

#[path = "../../crates/pegboard-connect/tests/fuzz/decompression.rs"]
mod decompression;
mod target;

target::target!(decompression);
