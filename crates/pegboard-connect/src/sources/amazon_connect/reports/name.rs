//! What a file is by its name.

use pegboard_model::acd::AcdReport;
use pegboard_model::{Text, Timestamp};

/// Files whose report's name fits are of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPattern {
    /// What the name begins with, ignoring case; `*` stands for anything. `QR` is a prefix, `*QR` stands anywhere, and an
    /// empty one fits all.
    pub name: Text,
    /// What such files are.
    pub expected: Expected,
}

/// What a file is expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Rows of this report.
    Report(AcdReport),
    /// Whatever its grouping makes of it.
    ByGrouping,
    /// A login/logout report.
    Logins,
    /// Something that the site does not want.
    Nothing,
}

impl Expected {
    const NAMES: [(&'static str, Self); 6] = [
        ("queue", Self::Report(AcdReport::QueueInterval)),
        ("agent-queue", Self::Report(AcdReport::AgentQueueInterval)),
        ("agent", Self::Report(AcdReport::AgentInterval)),
        ("by-grouping", Self::ByGrouping),
        ("logins", Self::Logins),
        ("ignore", Self::Nothing),
    ];

    /// What settings call it: `queue`, `agent-queue`, `agent`, `by-grouping`, `logins` or `ignore`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, expected)| *expected)
    }

    /// All names, for settings.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(name, _)| *name)
    }
}

impl ReportPattern {
    /// The names that WFM vendors tell their customers to give: NICE's marks, Calabrio's login/logout report, and anything
    /// else by its grouping.
    pub fn usual() -> Vec<Self> {
        let pattern = |name: &str, expected| Self { name: name.into(), expected };
        vec![
            pattern("AQR", Expected::Report(AcdReport::AgentQueueInterval)),
            pattern("ASPR", Expected::Report(AcdReport::AgentInterval)),
            pattern("QR", Expected::Report(AcdReport::QueueInterval)),
            pattern("LoginLogout", Expected::Logins),
            pattern("Login_Logout", Expected::Logins),
            pattern("Login/Logout", Expected::Logins),
            pattern("", Expected::ByGrouping),
        ]
    }

    /// What reports are called whose names fit, unless it fits all: the pattern without its `*`.
    pub fn own_name(&self) -> String {
        self.name.replace('*', "")
    }

    fn fits(&self, name: &str) -> bool {
        let mut parts = self.name.split('*');
        let Some(mut rest) = parts.next().and_then(|prefix| after_prefix(name, prefix)) else { return false };
        for part in parts {
            let Some(found) = (0..=rest.len()).find_map(|at| after_prefix(rest.get(at..)?, part)) else {
                return false;
            };
            rest = found;
        }
        true
    }
}

/// What follows `prefix`, which is found ignoring the case of ASCII letters.
fn after_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Sorts patterns so that the first that fits is the most precise: `AQR` before `*QR`.
pub(super) fn longest_first(patterns: &mut [ReportPattern]) {
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.own_name().len()));
}

/// A file that is a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// The object's key, decoded.
    pub key: Text,
    /// What the site calls the report: the pattern that fits without its `*`, or the name itself where the pattern fits
    /// everything. A file that was mended and put there as `QR_mended-...csv` replaces the rows of `QR`.
    pub name: Text,
    /// What the file should be.
    pub expected: Expected,
    /// When it was made: by its name, else when it was put there.
    pub made: Timestamp,
}

impl ReportFile {
    /// Whether the site wants such files at all.
    pub fn is_wanted(&self) -> bool {
        self.expected != Expected::Nothing
    }

    /// Its key without the time and the ending.
    pub(super) fn stem(&self) -> String {
        let key: &str = &self.key;
        let (folder, file) = key.rsplit_once('/').map_or(("", key), |(folder, file)| (folder, file));
        let stem = file.get(..file.len().saturating_sub(".csv".len())).unwrap_or(file);
        let (name, _) = split_time(stem);
        if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
    }
}

pub(super) fn recognise(key: &str, modified: Timestamp, patterns: &[ReportPattern]) -> Option<ReportFile> {
    let key = percent_decoded(key);
    let file = key.rsplit('/').next().unwrap_or(&key);
    let stem_length = file.len().checked_sub(".csv".len())?;
    let (stem, ending) = file.split_at_checked(stem_length)?;
    if !ending.eq_ignore_ascii_case(".csv") || stem.is_empty() {
        return None;
    }
    let (name, time) = split_time(stem);
    let pattern = patterns.iter().find(|pattern| pattern.fits(name))?;
    let own = pattern.own_name();
    Some(ReportFile {
        key: key.as_str().into(),
        name: if own.is_empty() { name.into() } else { own.into() },
        expected: pattern.expected,
        made: time.unwrap_or(modified),
    })
}

/// `QR-2026-03-01T09:30:00Z` as `QR` and the time. The time is found by its shape, wherever it stands last: nobody
/// promises more than `REPORT-NAME-YYYY-MM-DD...`.
fn split_time(stem: &str) -> (&str, Option<Timestamp>) {
    let bytes = stem.as_bytes();
    let last_date = (1..bytes.len()).rev().find(|at| bytes[at - 1] == b'-' && is_date(&bytes[*at..]));
    let Some(start) = last_date else { return (stem, None) };
    let (name, time) = (&stem[..start - 1], &stem[start..]);
    (if name.is_empty() { stem } else { name }, loose_time(time))
}

/// Whether it begins with `YYYY-MM-DD`.
fn is_date(bytes: &[u8]) -> bool {
    bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// A date and whatever stands for a time of day after it: `T09:30:00Z`, `T09_30_00Z`, `T093000`, or nothing for midnight.
fn loose_time(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let digits: String = rest.chars().filter(char::is_ascii_digit).take(6).collect();
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or("00");
    Timestamp::parse(&format!("{date}T{}:{}:{}Z", part(0..2), part(2..4), part(4..6))).ok()
}

/// `%3A` as `:`; what is not hexadecimal stays, and so does `+`, which may be a part of a name.
fn percent_decoded(key: &str) -> String {
    let bytes = key.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| key.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok()))
            .flatten();
        decoded.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| key.to_owned())
}
