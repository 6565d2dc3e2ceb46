//! Contact history for the import by hand: one file for the whole span.

use super::interval_file::{percent, seconds};
use crate::period::Period;
use crate::{Document, Known};

/// The columns, which a site can give other names.
pub const HISTORY_COLUMNS: &[&str] = &[
    "ID",
    "Date",
    "Time",
    "Received",
    "Handled",
    "HandledWithin",
    "Abandoned",
    "AbandonedWithin",
    "HandleTime",
    "HoldTime",
    "WorkTime",
    "QueueDelay",
    "ServiceLevel",
];

/// Where the files are.
pub(super) const FOLDER: &str = "contact-history/";

/// The file, named by the start of the first period; nothing where there is no period.
pub(super) fn file(known: &Known, periods: &[Period]) -> Option<Document> {
    let first = periods.first()?;
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let keys = &known.mapping.keys;
    let columns = HISTORY_COLUMNS.iter().map(|column| keys.get(*column).map_or(*column, String::as_str));
    let mut written = writer.write_record(columns);
    for period in periods {
        let [date, time] = ["%m/%d/%y", "%H:%M"].map(|format| period.local.strftime(format).to_string());
        for line in &period.lines.queues {
            let sum = &line.sum;
            let cells = [
                line.queue.id.to_string(),
                date.clone(),
                time.clone(),
                sum.offered.to_string(),
                sum.answered.to_string(),
                sum.answered_in_sl.to_string(),
                sum.abandoned.to_string(),
                sum.abandoned_in_sl.to_string(),
                seconds(sum.handle_s),
                seconds(sum.hold_s),
                seconds(sum.acw_s),
                seconds(sum.queue_answered_s),
                percent(sum.service_level_pct),
            ];
            written = written.and_then(|()| writer.write_record(cells));
        }
    }
    debug_assert!(written.is_ok(), "memory takes everything");
    let name = first.local.strftime("History-%y%m%d%H%M.txt");
    Some(Document::new(format!("{FOLDER}{name}"), writer.into_inner().unwrap_or_default()))
}
