//! What is asked for, and how far it is.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use pegboard_connect::archive::Archive;
use pegboard_engine::Window;
use pegboard_model::{AgentId, SourceName, Timestamp};
use pegboard_store::{Reload, ReloadState, StoreError};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::runtime::local_day::local_day;
use crate::runtime::rows::MOST_ROWS;
use crate::runtime::source::Shared;

/// How many days one reload may span: ten years.
const MOST_DAYS: usize = 3660;

/// How many days are named of which something has to be said; the others are counted.
const MOST_NOTES: usize = 40;

/// Which days of a source are made anew, and which of their rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadRequest {
    /// The source.
    pub source: SourceName,
    /// The first day, by the source's local clock.
    #[serde(serialize_with = "write_date", deserialize_with = "read_date")]
    pub from: Date,
    /// The last day.
    #[serde(serialize_with = "write_date", deserialize_with = "read_date")]
    pub to: Date,
    /// Only rows about these queues, by id or by name; all where empty.
    pub queues: Vec<String>,
    /// Only rows about these agents; all where empty.
    pub agents: Vec<AgentId>,
    /// Whether what the archive tells of the days is brought back first.
    #[serde(default)]
    pub from_archive: bool,
    /// Whether the source itself is first asked for whatever it still has of the days.
    #[serde(default)]
    pub from_source: bool,
    /// Where the hub itself asks: since when this recapture was due.
    #[serde(default)]
    pub recapture: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the field over like this")]
fn write_date<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}

fn read_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// Why days are not reloaded.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// There is no such source.
    #[error("there is no source '{0}'")]
    UnknownSource(SourceName),
    /// The days make no sense.
    #[error("{0}")]
    BadDays(String),
    /// Too many are under way or wait.
    #[error(
        "{} reloads of this source are under way or wait: let some of them end first, or cancel them",
        super::MOST_OPEN
    )]
    TooManyOpen,
    /// Nothing is archived.
    #[error("nothing is archived: [archive] of the configuration says where, or reload without from_archive")]
    NoArchive,
    /// Contacts are told of piece by piece.
    #[error(
        "contacts of this source are put together from their events, which a reload does not bring back from the archive: \
         make the store anew with `pegboard rebuild`"
    )]
    InPieces,
    /// The source gives nothing twice.
    #[error(
        "this source gives nothing twice: what it brings is handed in, or stands in files that are read once; reload from what \
         is kept, or with from_archive"
    )]
    GivesNothing,
    /// Both are asked for.
    #[error("days are reloaded from the archive or from the source, one after the other: ask twice")]
    FromBoth,
    /// The archive does not tell, or the source gives nothing.
    #[error("{0}")]
    NotTold(String),
    /// There is no such reload.
    #[error("there is no reload with this number")]
    Unknown,
    /// More differs than an answer holds.
    #[error("more than {MOST_ROWS} columns would change: ask for fewer days, or for some queues or agents")]
    TooManyRows,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who tells of the days besides the store.
pub(super) enum ToldBy<'a> {
    /// The archive.
    Archive(&'a Archive),
    /// The source itself, once more.
    Source,
}

impl ReloadRequest {
    /// All rows of a day, from what is stored.
    pub fn of_day(source: SourceName, date: Date) -> Self {
        let (queues, agents) = (Vec::new(), Vec::new());
        Self {
            source,
            from: date,
            to: date,
            queues,
            agents,
            from_archive: false,
            from_source: false,
            recapture: None,
        }
    }

    /// Why revisions are written.
    pub(super) const fn reason(&self) -> &'static str {
        if self.recapture.is_some() { "recapture" } else { "reload" }
    }

    /// Who tells of the days besides the store. Fails where he cannot.
    pub(super) fn told_by<'a>(&self, shared: &'a Shared) -> Result<Option<ToldBy<'a>>, ReloadError> {
        if self.from_source {
            return match (self.from_archive, shared.source.can_give_again()) {
                (true, _) => Err(ReloadError::FromBoth),
                (false, false) => Err(ReloadError::GivesNothing),
                (false, true) => Ok(Some(ToldBy::Source)),
            };
        }
        if !self.from_archive {
            return Ok(None);
        }
        if shared.assembler.is_some() {
            return Err(ReloadError::InPieces);
        }
        let archive = shared.archive.as_ref().ok_or(ReloadError::NoArchive)?;
        Ok(Some(ToldBy::Archive(archive)))
    }

    /// Whether it is about all rows of its days.
    pub(super) fn is_of_all(&self) -> bool {
        self.queues.is_empty() && self.agents.is_empty()
    }

    /// Its days, each from midnight to midnight of the source's local clock, without those that lie ahead. Fails if there are
    /// none, or too many.
    pub(super) fn days(&self, shared: &Shared) -> Result<Vec<Window>, ReloadError> {
        days(&shared.config.time_zone, self.from, self.to, (shared.clock)())
    }

    pub(in crate::runtime) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(in crate::runtime) fn read(json: &str) -> Result<Self, StoreError> {
        read_json("request of a reload", json)
    }
}

fn days(zone: &TimeZone, from: Date, to: Date, now: Timestamp) -> Result<Vec<Window>, ReloadError> {
    let bad = |message: &str| ReloadError::BadDays(message.to_owned());
    if from > to {
        return Err(bad("from must not lie after to"));
    }
    let mut days = Vec::new();
    let mut date = from;
    while date <= to {
        let no_day = || bad("there is no such day");
        let day = local_day(zone, date).ok_or_else(no_day)?;
        if day.from > now {
            break;
        }
        if days.len() == MOST_DAYS {
            return Err(bad("a reload spans ten years at most: ask for several"));
        }
        days.push(day);
        date = date.tomorrow().map_err(|_| no_day())?;
    }
    if days.is_empty() {
        return Err(bad("from lies ahead: there is nothing to reload yet"));
    }
    Ok(days)
}

/// How far a reload is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReloadProgress {
    /// Who asked for it.
    pub by: String,
    /// How many files of the archive tell of the days; none where the source itself does.
    pub files: u64,
    /// How many of them are read.
    pub files_read: u64,
    /// What is told of agents of the days, and of the hours around them.
    pub observations: u64,
    /// Versions of contacts of the days that are told.
    pub contacts: u64,
    /// How many days there are.
    pub days: usize,
    /// How many are done.
    pub days_done: usize,
    /// Segments and contacts from which rows were derived.
    pub facts: u64,
    /// Rows that were derived.
    pub rows: u64,
    /// Rows that were not the same as before.
    pub differ: u64,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When what the archive or the source tells was read.
    pub read: Option<Timestamp>,
    /// Which stretch the closer leaves to it.
    pub holds: Option<(Timestamp, Timestamp)>,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// What has to be said of some days.
    pub notes: Vec<String>,
    /// Of how many more.
    pub more_notes: u64,
    /// Why it cannot be done.
    pub error: Option<String>,
}

impl ReloadProgress {
    pub(in crate::runtime) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn read(json: &str) -> Result<Self, StoreError> {
        read_json("progress of a reload", json)
    }

    /// Notes something of a day.
    pub(super) fn note(&mut self, zone: &TimeZone, day: Window, what: &str) {
        if self.notes.len() == MOST_NOTES {
            self.more_notes += 1;
            return;
        }
        let midnight = jiff::Timestamp::from_millisecond(day.from.as_millis()).unwrap_or_default();
        self.notes.push(format!("{}: {what}", zone.to_datetime(midnight).date()));
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(what: &'static str, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Damaged { what, detail: error.to_string() })
}

/// A reload, for readers.
#[derive(Debug, Clone, Serialize)]
pub struct ReloadStatus {
    /// Its number.
    pub id: u64,
    /// How it stands.
    pub state: ReloadState,
    /// What was asked for.
    #[serde(flatten)]
    pub request: ReloadRequest,
    /// When.
    pub at: Timestamp,
    /// How far it is.
    #[serde(flatten)]
    pub progress: ReloadProgress,
    /// How many seconds it will take from now on, at the pace of its days until now; nothing while nobody knows.
    pub left_s: Option<u64>,
}

impl ReloadStatus {
    /// How a stored reload stands at `now`.
    pub(in crate::runtime) fn of(reload: &Reload, now: Timestamp) -> Result<Self, StoreError> {
        let request = ReloadRequest::read(&reload.asked)?;
        let progress = ReloadProgress::read(&reload.progress)?;
        let left_s = if reload.state == ReloadState::Running { left(&progress, now) } else { None };
        Ok(Self { id: reload.id, state: reload.state, request, at: reload.at, progress, left_s })
    }
}

/// How many seconds the days that are left will take; while the archive is read, the files that are.
fn left(progress: &ReloadProgress, now: Timestamp) -> Option<u64> {
    let since = |at: Timestamp| now.since(at).get().max(0).unsigned_abs();
    let is_reading = progress.files > 0 && progress.read.is_none();
    let (took, done, all) = if is_reading {
        (since(progress.began?), progress.files_read, progress.files)
    } else {
        (since(progress.read.or(progress.began)?), progress.days_done as u64, progress.days as u64)
    };
    (done > 0).then(|| (took * all.saturating_sub(done) / done).div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(from: &str, to: &str) -> Result<Vec<String>, String> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = Timestamp::parse("2026-03-30T10:00:00Z").unwrap();
        let days = days(&zone, from.parse().unwrap(), to.parse().unwrap(), now);
        let shown = |day: &Window| format!("{} {}", day.from, day.to.since(day.from));
        days.map(|days| days.iter().map(shown).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn days_are_those_of_the_local_clock_up_to_today() {
        let expected = [
            "2026-03-27T23:00:00Z 86400.000",
            "2026-03-28T23:00:00Z 82800.000",
            "2026-03-29T22:00:00Z 86400.000",
        ];
        let found = asked("2026-03-28", "2026-04-09").unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(&expected[..20]), "{found}");
        }
    }

    #[test]
    fn r28_a_reload_spans_ten_years_at_most() {
        assert_eq!(asked("2016-03-23", "2026-03-30").unwrap().len(), MOST_DAYS);
        assert!(asked("2016-03-22", "2026-03-30").unwrap_err().contains("ten years"));
    }

    #[test]
    fn days_that_make_no_sense_are_refused() {
        assert!(asked("2026-03-02", "2026-03-01").unwrap_err().contains("after to"));
        assert!(asked("2026-04-01", "2026-04-02").unwrap_err().contains("ahead"));
    }

    #[test]
    fn r28_only_so_many_days_are_named() {
        let mut progress = ReloadProgress::default();
        let day = Window { from: Timestamp::from_millis(0), to: Timestamp::from_millis(1) };
        (0..=MOST_NOTES).for_each(|_| progress.note(&TimeZone::UTC, day, "lost"));
        assert_eq!((progress.notes.len(), progress.more_notes), (MOST_NOTES, 1));
        assert_eq!(progress.notes[0], "1970-01-01: lost");
    }

    #[test]
    fn the_days_that_are_left_take_as_long_as_those_before() {
        let at = Timestamp::from_millis;
        let progress =
            ReloadProgress { days: 30, days_done: 10, began: Some(at(0)), ..ReloadProgress::default() };
        assert_eq!(left(&progress, at(5_000)), Some(10));
        assert_eq!(left(&ReloadProgress { days_done: 0, ..progress.clone() }, at(5_000)), None);
        let reading = ReloadProgress { files: 100, files_read: 20, days_done: 0, ..progress.clone() };
        assert_eq!(left(&reading, at(5_000)), Some(20), "files, while the archive is read");
        let read = ReloadProgress { read: Some(at(4_000)), files: 100, files_read: 100, ..progress };
        assert_eq!(left(&read, at(5_000)), Some(2), "the days, from when it was read");
    }
}
