//! NICE IEX WFM (`TotalView`).
//!
//! The layout of the interval file and its name are public through integrators' repositories, not through NICE; what the columns of the
//! contact history import are called is not public at all. What is ours stands in `docs/sinks/iex.md`.

mod contact_history;
mod interval_file;
mod sink;
#[cfg(test)]
mod tests;
mod validate;

use pegboard_model::policy::Pegging;

pub use contact_history::HISTORY_COLUMNS;
pub use sink::{CONTACT_HISTORY, Corrections, INTERVAL_FILES, IexSink};

use self::validate::violations;
use crate::merge::{Merged, People};
use crate::period::Period;
use crate::{Encoded, Encoder, Known, Refused};

/// An interval file for each interval, also an idle one, and the same numbers of queues as one file for the import of contact
/// history. IEX pegs a contact to the interval in which it ends.
pub const IEX: Encoder = Encoder {
    name: "iex",
    about: "NICE IEX WFM: interval files with four reports, and contact history for the import by hand",
    pegging: Some(Pegging::Disconnect),
    interval_minutes: &[15, 30],
    raw_events: false,
    encode,
};

/// The interval files alone, as the hub writes them.
pub const INTERVAL_FILE: Encoder = Encoder {
    name: "iex-interval-file",
    about: "NICE IEX WFM: the interval files alone, as the hub writes them",
    encode: |known| only(known, |name| !is_history(name)),
    ..IEX
};

/// The contact history alone, as the hub writes it.
pub const HISTORY: Encoder = Encoder {
    name: "iex-contact-history",
    about: "NICE IEX WFM: contact history alone, as the hub writes it",
    encode: |known| only(known, is_history),
    ..IEX
};

fn is_history(name: &str) -> bool {
    name.starts_with(contact_history::FOLDER)
}

fn only(known: &Known, is_it: fn(&str) -> bool) -> Encoded {
    let mut encoded = encode(known);
    encoded.documents.retain(|document| is_it(&document.name));
    encoded
}

fn encode(known: &Known) -> Encoded {
    let merged = Merged::of(known);
    let mut encoded = Encoded { notes: merged.notes(), ..Encoded::default() };
    let sessions = People::of(known).sessions();
    let periods = Period::all(known, merged.intervals);
    let repeated = periods.iter().filter(|period| period.intervals.len() > 1).count();
    if repeated > 0 {
        encoded.notes.push(format!(
            "the clock was put back: {repeated} files hold two intervals each, added up, since both have the same name"
        ));
    }
    let has_years = periods.first().map(Period::year) != periods.last().map(Period::year);
    for period in &periods {
        let file = interval_file::file(known, period, &sessions, has_years);
        let reasons = violations(period, known.interval_length);
        if reasons.is_empty() {
            encoded.documents.push(file);
        } else {
            encoded.refused.push(Refused { name: file.name, reasons });
        }
    }
    if encoded.refused.is_empty() {
        encoded.documents.extend(contact_history::file(known, &periods));
    }
    encoded.unmapped = merged.inbox;
    encoded
}
