//! A configuration file.
#![no_main]

#[path = "../../crates/pegboard/tests/api/fuzz/configurations.rs"]
mod configurations;
#[path = "../../crates/pegboard/tests/api/fuzz/scratch.rs"]
mod scratch;
mod target;

target::target!(configurations);
