//! Numbers as reports write them: exact, and nothing else than what stands there.

use pegboard_model::acd::{Unit, Value};
use pegboard_model::{Fixed, Millis};

use super::error::ReportProblem;

/// Whole numbers have at most so many digits: no count and no duration of a contact centre comes near it.
const MOST_DIGITS: usize = 10;
/// As many seconds.
const MOST_MILLIS: i64 = 10_000_000_000_000;

/// Whether a cell says nothing: empty, or `-`.
pub(super) fn is_absent(cell: &str) -> bool {
    matches!(cell, "" | "-")
}

/// Reads a number of a known unit.
pub(super) fn value(unit: Unit, cell: &str) -> Result<Value, ReportProblem> {
    match unit {
        Unit::Count => count(cell).map(Value::Count).ok_or(ReportProblem::NotACount),
        Unit::Duration => duration(cell).map(Value::Duration).ok_or(ReportProblem::NotADuration),
        Unit::Percent => percent(cell).map(Value::Percent).ok_or(ReportProblem::NotAPercentage),
    }
}

/// `12`, also as `12.0`.
fn count(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_whole = !decimals.is_empty() && decimals.bytes().all(|digit| digit == b'0');
    is_whole.then(|| number(whole)).flatten().and_then(|count| u64::try_from(count).ok())
}

/// `754`, `754.5`, `12:34`, `0:12:34`.
fn duration(text: &str) -> Option<Millis> {
    let Some((before, seconds)) = text.rsplit_once(':') else { return decimal(text, 3).map(Millis::new) };
    let (hours, minutes) = before.rsplit_once(':').unwrap_or(("0", before));
    let below_60 = |millis: &i64| *millis < 60_000;
    let seconds = two_digits(seconds).and_then(|_| decimal(seconds, 3)).filter(below_60)?;
    // m:ss counts minutes as far as it likes, h:mm:ss does not.
    let minutes = if before.contains(':') {
        two_digits(minutes).and_then(|_| number(minutes)).filter(|minutes| *minutes < 60)?
    } else {
        number(minutes)?
    };
    let duration = (number(hours)? * 60 + minutes) * 60_000 + seconds;
    (duration < MOST_MILLIS).then(|| Millis::new(duration))
}

/// `83.33%`, `83.33 %`, `83.33`; with two places, rounded half up.
fn percent(text: &str) -> Option<Fixed> {
    decimal(text.strip_suffix('%').unwrap_or(text).trim_end(), 2).map(|units| Fixed::new(units, 2))
}

/// The text, if two digits stand before its decimals.
fn two_digits(text: &str) -> Option<&str> {
    (text.split('.').next()?.len() == 2).then_some(text)
}

fn number(digits: &str) -> Option<i64> {
    let is_number =
        (1..=MOST_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// A decimal number in units of its last of `places`, rounded half up.
fn decimal(text: &str, places: usize) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if decimals.is_empty() || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut digits = decimals.bytes().map(|digit| i64::from(digit - b'0')).chain(std::iter::repeat(0));
    let mut units = number(whole)?;
    for _ in 0..places {
        units = units * 10 + digits.next()?;
    }
    Some(units + i64::from(digits.next()? >= 5))
}
