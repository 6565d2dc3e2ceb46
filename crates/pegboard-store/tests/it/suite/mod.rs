//! What every store has to do. Each test gets a home of its own with no store in it yet.

pub(crate) mod access;
pub(crate) mod acd;
pub(crate) mod alarms;
pub(crate) mod archive;
pub(crate) mod audit;
pub(crate) mod closing;
pub(crate) mod contact_events;
pub(crate) mod dead_letters;
pub(crate) mod delivery;
pub(crate) mod erasure;
pub(crate) mod events;
pub(crate) mod feeds;
pub(crate) mod ingest;
pub(crate) mod intake;
pub(crate) mod leaving;
pub(crate) mod mapping;
pub(crate) mod nodes;
pub(crate) mod reload;
pub(crate) mod retention;
pub(crate) mod upkeep;
