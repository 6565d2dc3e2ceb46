//! The command line from outside: what it reads, what it writes, and how it ends.

mod arguments;
mod demo;
mod encode;
mod input;
mod output;
mod samples;
mod store;
mod tools;
mod twilio;

use std::path::Path;

use crate::support::day::Day;

/// Writes the files of a small day into a folder: `agent-events.ndjson` and `contact-records.ndjson`.
fn small_day(folder: &Path) -> Day {
    let day = Day::of(12, 3, 61);
    day.write(folder);
    day
}

/// Both files as arguments.
const FILES: &str = "--agent-events agent-events.ndjson --contact-records contact-records.ndjson";
