//! The HTTP API from outside: against a store and a hub that hold just what a test puts there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod agents;
mod alarms;
mod audit;
mod canary;
mod client;
mod command;
mod dead_letters;
mod description;
mod erasures;
mod errors;
mod exact;
mod fake;
mod fuzz;
mod headers;
mod hub;
mod ledger;
mod limits;
mod limits_listed;
mod logs;
mod mapping;
mod metrics;
#[path = "../../../pegboard-connect/tests/fuzz/mutate.rs"]
mod mutate;
mod reloads;
mod reports;
mod schema;
mod secrets;
mod server;
mod session;
mod stream;
mod tokens;
