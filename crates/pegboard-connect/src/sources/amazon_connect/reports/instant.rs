//! The instants of intervals.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use pegboard_model::Timestamp;

use super::error::ReportProblem;

/// Reads ISO 8601 with an offset, with `Z`, or with neither: then by the clock of `zone`. Seconds may be left out.
pub(super) fn instant(text: &str, zone: &TimeZone) -> Result<Timestamp, ReportProblem> {
    let (date_time, rest) = text.split_at_checked(16).ok_or(ReportProblem::NotATime)?;
    let seconds = if rest.starts_with(':') { "" } else { ":00" };
    let whole = format!("{date_time}{seconds}{rest}");
    if let Ok(at) = Timestamp::parse(&whole) {
        return Ok(at);
    }
    // Checked with the zone of all zones, so that nothing but a missing offset is made up for.
    Timestamp::parse(&format!("{whole}Z")).map_err(|_| ReportProblem::NotATime)?;
    local(&whole, zone)
}

fn local(text: &str, zone: &TimeZone) -> Result<Timestamp, ReportProblem> {
    let clock: DateTime = text.parse().map_err(|_| ReportProblem::NotATime)?;
    let ambiguous = zone.to_ambiguous_timestamp(clock);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => {
            let at = ambiguous.compatible().map_err(|_| ReportProblem::NotATime)?;
            Ok(Timestamp::from_millis(at.as_millisecond()))
        }
        AmbiguousOffset::Gap { .. } | AmbiguousOffset::Fold { .. } => {
            let zone = zone.iana_name().unwrap_or("the source").to_owned();
            Err(ReportProblem::NotOnTheClock { zone })
        }
    }
}
