//! The live hub: what reads, applies, closes and shows.
//!
//! [`hub::Hub`] starts one [`source`] task for each configured source. That plans which partitions to read, and each
//! [`partition`] reads chunks, has [`ingest`] turn them into one batch over the [`agents`] in memory, and commits it.
//! What the stream has lost, [`reconcile`] repairs from the platform's own snapshot, where a source has one.
//! The [`closer`] derives rows from what was committed, and [`reload`] makes days anew.
//! [`alarms`] says what needs somebody. [`view`] is what the API and the page see.

mod acd;
mod acd_rows;
pub mod agents;
pub mod alarms;
pub mod archive;
mod assembling;
pub mod build;
mod checks;
pub mod clock_off;
pub mod closer;
pub mod deliver;
pub mod derived;
pub mod erasure;
pub mod folding;
mod gaps;
mod history;
pub mod hub;
pub mod ingest;
pub mod intake;
mod key_length;
mod known_from;
mod late_files;
pub mod leaving;
mod local_day;
pub mod mapping;
pub mod mending;
pub mod names;
pub mod node;
pub mod partition;
mod recapture;
pub mod reconcile;
pub mod reload;
pub mod report_row;
pub mod reports;
mod rows;
mod silence;
pub mod simulated;
pub mod source;
pub mod status;
pub mod subject;
pub mod view;
pub mod watch;
