//! What the routes do, once the guard has let a request through.

pub(crate) mod agents;
pub(crate) mod alarms;
pub(crate) mod asc;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod dead_letters;
pub(crate) mod erasures;
pub(crate) mod holds;
pub(crate) mod house;
pub(crate) mod ledger;
pub(crate) mod mapping;
pub(crate) mod push;
pub(crate) mod refused_states;
pub(crate) mod reloads;
pub(crate) mod reports;
pub(crate) mod session;
pub(crate) mod sinks;
pub(crate) mod sources;
pub(crate) mod stream;
pub(crate) mod tokens;
pub(crate) mod twilio;
pub(crate) mod unmapped;
