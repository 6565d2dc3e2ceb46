//! Instants and durations in whole milliseconds of UTC.
//!
//! Everything inside is an integer; seconds with decimals exist only in text, made once at encoding.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
///
/// Displays as RFC 3339 with `Z`, with milliseconds only where they are not zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A duration in milliseconds. Displays in seconds with at most three decimals: `12`, `12.5`, `12.005`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(i64);

impl Timestamp {
    /// Earlier than every real instant.
    pub const MIN: Self = Self(i64::MIN);
    /// Later than every real instant.
    pub const MAX: Self = Self(i64::MAX);

    /// The instant `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The instant `seconds` seconds after the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1000)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to this instant; negative where `earlier` is in truth later.
    pub const fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }

    /// Reads RFC 3339: a date, `T` or a blank, a time with any number of decimals, and `Z` or an offset.
    ///
    /// Decimals beyond milliseconds are cut off. A leap second (`:60`) is read as the second after.
    pub fn parse(text: &str) -> Result<Self, ParseTimeError> {
        parse_rfc3339(text.as_bytes()).map(Self).ok_or(ParseTimeError)
    }
}

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A duration of `millis` milliseconds.
    pub const fn new(millis: i64) -> Self {
        Self(millis)
    }

    /// A duration of `seconds` seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1000)
    }

    /// A duration of `minutes` minutes.
    pub const fn from_minutes(minutes: i64) -> Self {
        Self(minutes * 60_000)
    }

    /// A duration of `hours` hours.
    pub const fn from_hours(hours: i64) -> Self {
        Self(hours * 3_600_000)
    }

    /// The number of milliseconds.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add<Millis> for Timestamp {
    type Output = Self;
    fn add(self, rhs: Millis) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl Sub<Millis> for Timestamp {
    type Output = Self;
    fn sub(self, rhs: Millis) -> Self {
        Self(self.0.saturating_sub(rhs.0))
    }
}

impl Add for Millis {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        Self(self.0 + rhs.0)
    }
}

impl Sub for Millis {
    type Output = Self;
    fn sub(self, rhs: Self) -> Self {
        Self(self.0 - rhs.0)
    }
}

impl AddAssign for Millis {
    fn add_assign(&mut self, rhs: Self) {
        self.0 += rhs.0;
    }
}

impl std::iter::Sum for Millis {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

/// A text that is not a time in RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseTimeError;

impl fmt::Display for ParseTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a time in RFC 3339 such as 2026-03-01T09:15:00Z")
    }
}

impl std::error::Error for ParseTimeError {}

impl FromStr for Timestamp {
    type Err = ParseTimeError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.div_euclid(86_400_000);
        let millis = self.0.rem_euclid(86_400_000);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute) = (millis / 3_600_000, millis / 60_000 % 60);
        let (second, fraction) = (millis / 1000 % 60, millis % 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if fraction != 0 {
            write!(f, ".{fraction:03}")?;
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MIN => f.write_str("-inf"),
            Self::MAX => f.write_str("+inf"),
            _ => fmt::Display::fmt(self, f),
        }
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::Fixed::new(self.0, 3).fmt(f)
    }
}

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}s")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

fn parse_rfc3339(text: &[u8]) -> Option<i64> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let separators = [date_time[4], date_time[7], date_time[13], date_time[16]];
    if separators != *b"--::" || !matches!(date_time[10], b'T' | b't' | b' ') {
        return None;
    }
    let year = digits(&date_time[0..4])?;
    let month = digits(&date_time[5..7])?;
    let day = digits(&date_time[8..10])?;
    let hour = digits(&date_time[11..13])?;
    let minute = digits(&date_time[14..16])?;
    let second = digits(&date_time[17..19])?;
    let valid = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !valid {
        return None;
    }
    let (fraction, zone) = parse_fraction(rest)?;
    let offset_minutes = parse_offset(zone)?;
    let seconds =
        days_from_civil(year, month, day) * 86_400 + hour * 3600 + (minute - offset_minutes) * 60 + second;
    Some(seconds * 1000 + fraction)
}

/// The milliseconds of `.123…`, and what follows. Without a dot: 0 and everything.
fn parse_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.' | b',', decimals)) = text.split_first() else {
        return Some((0, text));
    };
    let length = decimals.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let padded = decimals[..length].iter().copied().chain(std::iter::repeat(b'0')).take(3);
    let millis = padded.fold(0, |millis, digit| millis * 10 + i64::from(digit - b'0'));
    Some((millis, &decimals[length..]))
}

/// The offset from UTC in minutes, positive east of Greenwich.
fn parse_offset(text: &[u8]) -> Option<i64> {
    match text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] | [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            let total = hours * 60 + minutes;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -total } else { total })
        }
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the date, in the proleptic Gregorian calendar. Counting years from March puts
/// the leap day at the end, so that the days before a month follow one linear formula.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: year, month, day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(text: &str) -> Option<i64> {
        Timestamp::parse(text).ok().map(Timestamp::as_millis)
    }

    #[test]
    fn reads_what_acds_write() {
        assert_eq!(ms("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(ms("2018-05-16T16:12:59.059Z"), Some(1_526_487_179_059));
        assert_eq!(ms("2022-01-05T17:47:28Z"), Some(1_641_404_848_000));
        assert_eq!(ms("2022-01-05T17:47:28.123456789Z"), Some(1_641_404_848_123));
        assert_eq!(ms("2022-01-05T18:47:28+01:00"), Some(1_641_404_848_000));
        assert_eq!(ms("2022-01-05T13:17:28.5-0430"), Some(1_641_404_848_500));
        assert_eq!(ms("2024-02-29T00:00:00Z"), Some(1_709_164_800_000));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "2022",
            "2022-01-05",
            "2022-01-05T17:47:28",
            "2022-13-05T17:47:28Z",
            "2023-02-29T00:00:00Z",
            "2022-01-05T24:00:00Z",
            "2022-01-05T17:60:28Z",
            "2022-01-05T17:47:28.Z",
            "2022-01-05T17:47:28Zz",
            "2022-01-0517:47:28Z0",
            "2022-01-05T17:47:28+1:00",
            "20x2-01-05T17:47:28Z",
            "２０２２-01-05T17:47:28Z",
        ] {
            assert_eq!(ms(text), None, "{text}");
        }
    }

    #[test]
    fn shows_milliseconds_only_where_there_are_any() {
        assert_eq!(Timestamp::from_millis(1_641_404_848_000).to_string(), "2022-01-05T17:47:28Z");
        assert_eq!(Timestamp::from_millis(1_641_404_848_050).to_string(), "2022-01-05T17:47:28.050Z");
        assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn shows_durations_in_seconds() {
        let shown: Vec<_> =
            [12_000, 12_500, 12_005, 5, 0, 900_000].map(|ms| Millis::new(ms).to_string()).into();
        assert_eq!(shown, ["12", "12.5", "12.005", "0.005", "0", "900"]);
    }

    proptest! {
        #[test]
        fn text_and_back(millis in -62_135_596_800_000_i64..253_402_300_799_999) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
        }

        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let _time = Timestamp::parse(&text);
        }
    }
}
