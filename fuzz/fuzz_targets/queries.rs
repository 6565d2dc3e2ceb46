//! The query of an address.
#![no_main]
#![allow(dead_code, reason = "the hub of the tests can do more than is asked of it here")]

#[path = "../../crates/pegboard/tests/api/fuzz/asked.rs"]
mod asked;
#[path = "../../crates/pegboard/tests/api/fuzz/queries.rs"]
mod queries;
#[path = "../../crates/pegboard/tests/api/fake.rs"]
mod fake;
#[path = "../../crates/pegboard/tests/api/hub.rs"]
mod hub;
mod target;

target::target!(queries);
