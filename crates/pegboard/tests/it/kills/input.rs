//! What the program reads: two contact centres, each in files of its own.

use std::fs;
use std::io::Write;
use std::path::Path;

use pegboard_model::{Millis, Timestamp};
use pegboard_sim::{Delivery, Stream};
use pegboard_store::Counts;

use super::hub::free_port;
use crate::support::day::{Day, begun};
use crate::support::feeding::part_of;

/// The sources, each with a folder of its own.
pub(super) const SOURCES: [&str; 2] = ["east", "west"];

/// How long a record is in its file, filled up with empty lines: so that one read of the program, of 2 MiB, takes few
/// records, and there are many batches between which to kill it.
const RECORD_BYTES: usize = 12_000;

/// Files of a source that are there from the beginning.
const FILES: u64 = 2;

/// One record in so many is followed by one that cannot be used.
const BAD_EVERY: usize = 97;

/// One record in so many is there twice.
const TWICE_EVERY: usize = 13;

/// More than a day, the lateness, and a quarter of both, so that the oldest evidence is folded.
const HOURS: u32 = 52;

/// One record in so many of the last hours comes late, in the first file.
const LATE_EVERY: usize = 5;

/// How many of the last hours that concerns.
const LATE_HOURS: i64 = 6;

/// A shift that has just ended: as long, and so long ago.
const SHIFT_HOURS: u32 = 8;
const SHIFT_ENDED_HOURS: u32 = 1;

/// The files of all sources.
pub(super) struct Input {
    /// Source, name, content.
    files: Vec<(&'static str, String, String)>,
    late: Vec<(&'static str, String, String)>,
    records: u64,
    late_records: u64,
    /// What every record must have come to.
    pub(super) conserved: Conserved,
    /// From when on nothing happened any more, silence included.
    pub(super) end: Timestamp,
    /// When people came to work.
    pub(super) began: Timestamp,
    /// When the last record was made.
    pub(super) ended: Timestamp,
}

/// How many records of each kind there are, whatever happens to the program.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Conserved {
    /// Different events of agents.
    pub(super) events: u64,
    /// Events that are there a second time.
    pub(super) duplicates: u64,
    /// Versions of contacts, a second copy included.
    pub(super) contacts: u64,
    /// Records that cannot be used.
    pub(super) failed: u64,
}

impl Conserved {
    /// What a partition tells of its records.
    pub(super) fn add(&mut self, counts: Counts) {
        self.events += counts.events;
        self.duplicates += counts.duplicates;
        self.contacts += counts.contacts;
        self.failed += counts.failed;
    }

    fn note(&mut self, delivery: &Delivery, copies: u64) {
        match delivery.stream {
            Stream::AgentEvents => {
                self.events += 1;
                self.duplicates += copies - 1;
            }
            Stream::ContactRecords => self.contacts += copies,
        }
    }
}

impl Input {
    /// The same for every run of a test. It ended so long ago that all that silence means is known.
    pub(super) fn make() -> Self {
        Self::of(HOURS, 48)
    }

    /// The same of a shift that has just ended: for what takes a while for each interval.
    pub(super) fn shift() -> Self {
        Self::of(SHIFT_HOURS, SHIFT_ENDED_HOURS)
    }

    /// As long, but up to an hour ago: with all of yesterday, whatever the hour is.
    pub(super) fn until_lately() -> Self {
        Self::of(HOURS, SHIFT_ENDED_HOURS)
    }

    fn of(hours: u32, ended_hours: u32) -> Self {
        let centre = |seed| begun(hours + ended_hours, 6, hours, seed);
        let mut input = Self {
            files: Vec::new(),
            late: Vec::new(),
            records: 0,
            late_records: 0,
            conserved: Conserved::default(),
            end: centre(0).end() + Millis::from_hours(14),
            began: centre(0).start,
            ended: centre(0).end(),
        };
        for (seed, source) in (51..).zip(SOURCES) {
            input.add(source, &Day::simulate(centre(seed)));
        }
        input
    }

    fn add(&mut self, source: &'static str, day: &Day) {
        let deliveries = day.deliveries();
        let late_from = day.end - Millis::from_hours(LATE_HOURS);
        let is_late = |index: usize, delivery: &Delivery| {
            delivery.at >= late_from && index.is_multiple_of(LATE_EVERY) && part_of(delivery, FILES) == 0
        };
        for part in 0..FILES {
            let mut content = String::new();
            for (index, delivery) in deliveries.iter().enumerate() {
                if part_of(delivery, FILES) != part || is_late(index, delivery) {
                    continue;
                }
                let copies = if index.is_multiple_of(TWICE_EVERY) { 2 } else { 1 };
                self.conserved.note(delivery, copies);
                self.records += copies;
                for _ in 0..copies {
                    push(&mut content, &delivery.json);
                }
                if index.is_multiple_of(BAD_EVERY) {
                    self.conserved.failed += 1;
                    self.records += 1;
                    push(&mut content, r#"{"AgentARN":7,"EventType":"STATE_CHANGE"}"#);
                }
            }
            self.files.push((source, file_name(part), content));
        }
        let late = deliveries.iter().enumerate().filter(|(index, delivery)| is_late(*index, delivery));
        let late: Vec<&Delivery> = late.map(|(_, delivery)| delivery).collect();
        for delivery in &late {
            self.conserved.note(delivery, 1);
        }
        let late: Vec<&str> = late.iter().map(|delivery| delivery.json.as_str()).collect();
        assert!(late.len() > 5, "nothing comes late");
        self.late_records += late.len() as u64;
        let content = late.join("\n") + "\n";
        assert!(content.len() < 2 << 20, "one read, so that it makes one revision");
        self.late.push((source, file_name(0), content));
    }

    /// How many records are there from the beginning.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// The same with those that come late.
    pub(super) fn all_records(&self) -> u64 {
        self.records + self.late_records
    }

    /// Writes what is there from the beginning, and the configuration.
    pub(super) fn write(&self, folder: &Path) {
        Self::write_settings(folder);
        self.write_records(folder);
    }

    /// Writes what is there from the beginning, where the configuration is there.
    pub(super) fn write_records(&self, folder: &Path) {
        append(folder, &self.files);
    }

    /// Adds what comes late. The program must not run: then each source reads it at once, and revises once.
    pub(super) fn write_late(&self, folder: &Path) {
        append(folder, &self.late);
    }

    /// The configuration alone.
    pub(super) fn write_settings(folder: &Path) {
        let mut settings = format!("[server]\nlisten = \"127.0.0.1:{}\"\n", free_port());
        for source in SOURCES {
            fs::create_dir_all(folder.join(source)).unwrap();
            settings.push_str(&source_settings(source));
        }
        fs::write(folder.join("pegboard.toml"), settings).unwrap();
    }
}

fn source_settings(source: &str) -> String {
    format!(
        "[[source]]\nname = \"{source}\"\nkind = \"file\"\nlateness = \"30m\"\nclose_delay_contacts = \"1m\"\n[source.file]\npath = \"{source}\"\n"
    )
}

fn push(content: &mut String, record: &str) {
    content.push_str(record);
    let fill = RECORD_BYTES.saturating_sub(record.len()).max(1);
    content.extend(std::iter::repeat_n('\n', fill));
}

fn append(folder: &Path, files: &[(&str, String, String)]) {
    for (source, name, content) in files {
        let path = folder.join(source).join(name);
        let mut file = fs::File::options().create(true).append(true).open(path).unwrap();
        file.write_all(content.as_bytes()).unwrap();
    }
}

fn file_name(part: u64) -> String {
    format!("{part}.ndjson")
}
