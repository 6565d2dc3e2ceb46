//! A table beside the configuration, as a spreadsheet saves it.
#![no_main]

#[path = "../../crates/pegboard/tests/api/fuzz/tables.rs"]
mod tables;
#[path = "../../crates/pegboard/tests/api/fuzz/scratch.rs"]
mod scratch;
mod target;

target::target!(tables);
