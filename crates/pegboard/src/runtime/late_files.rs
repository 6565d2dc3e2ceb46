//! The alarm for files that should be there: whoever writes them tells nobody when he does not.

use std::sync::Arc;
use std::time::Duration;

use pegboard_connect::spec::MissingFile;

use super::source::Shared;
use super::watch;

/// How often there is a look.
const EVERY: Duration = Duration::from_secs(10);

/// The part of the source that fails while a file is late.
pub(super) const PART: &str = "scheduled reports";

/// Looks until `stop` turns true.
pub(super) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut told = None;
    while !*stop.borrow() {
        let now = (shared.clock)();
        let late = alarm(&shared.source.missing(now));
        if late != told {
            match &late {
                Some(message) => {
                    tracing::warn!(source.name = %shared.config.name, "{message}");
                    shared.status.failed(PART, now, message.clone(), false);
                }
                None => shared.status.recovered(PART),
            }
            told = late;
        }
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    shared.status.recovered(PART);
}

/// What is late, in words; nothing if nothing is.
fn alarm(missing: &[MissingFile]) -> Option<String> {
    let mut late = missing.iter().filter(|file| file.is_late);
    let MissingFile { report, name, run, from, .. } = late.next()?;
    let others = match late.count() {
        0 => String::new(),
        1 => "; so is one more file".to_owned(),
        more => format!("; so are {more} more files"),
    };
    Some(format!(
        "a file of report {report:?} is late: `{name}` of the run at {run}, which tells of {from} to {run}{others}. Amazon Connect \
         tells nobody when a run fails: see whether the report is still scheduled and still written to this bucket"
    ))
}

#[cfg(test)]
mod tests {
    use pegboard_model::Timestamp;

    use super::*;

    fn file(run: &str, is_late: bool) -> MissingFile {
        let at = |clock: &str| Timestamp::parse(&format!("2026-03-01T{clock}:00Z")).unwrap();
        let (report, name) = ("QR".to_owned(), "r/QR-2026-03-01T*.csv".to_owned());
        MissingFile { report, name, run: at(run), from: at("09:00"), is_late }
    }

    #[test]
    fn the_first_late_file_is_named_with_its_interval_and_others_are_counted() {
        assert_eq!(alarm(&[file("09:15", false)]), None, "a later file is there");
        let told = alarm(&[file("09:15", false), file("09:30", true), file("09:45", true)]).unwrap();
        let expected = "a file of report \"QR\" is late: `r/QR-2026-03-01T*.csv` of the run at 2026-03-01T09:30:00Z, which tells of \
                        2026-03-01T09:00:00Z to 2026-03-01T09:30:00Z; so is one more file. ";
        assert!(told.starts_with(expected), "{told}");
    }
}
