//! The live hub, from a source to reports, feeds and dead letters, over a real store.

mod acd_rows;
mod bad_records;
mod capture;
mod clock_steps;
mod equals_replay;
mod erasure;
mod hanging;
mod late_data;
mod limits;
mod on_postgres;
mod open_intervals;
mod ownership;
mod partitions;
mod raw_events;
mod recapture;
pub(crate) mod reload;
mod reload_archive;
pub(crate) mod reload_source;
mod restarts;
mod silence;
mod state_feed;
