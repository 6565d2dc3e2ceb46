//! What needs somebody: alarms, who has taken notice of them, and which outlets were told.
//!
//! An alarm is known by what it is about: a condition, and what it holds of. At most one of each is open; when it ends it
//! stays as history, and the next time is another alarm. Two nodes that judge at once therefore write the same. A silence
//! belongs to what an alarm is about, so that one that comes and goes does not break it.

use async_trait::async_trait;
use pegboard_model::{SourceName, Text, Timestamp};

use crate::Result;

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its number.
    pub id: u64,
    /// What is wrong, by the name of the condition.
    pub condition: Text,
    /// How bad that is.
    pub severity: Text,
    /// What it holds of.
    pub subject: Text,
    /// The source that it is about, if it is about one.
    pub source: Option<SourceName>,
    /// What, where, and what to do, as it was last seen.
    pub text: Text,
    /// Since when it is so.
    pub since: Timestamp,
    /// When it was last seen to be so.
    pub seen: Timestamp,
    /// When it was over; nothing while it is open.
    pub ended: Option<Timestamp>,
    /// Who has taken notice of it.
    pub acknowledged: Option<AlarmMark>,
    /// The last silence over what it is about, which may be over.
    pub silence: Option<Silence>,
}

/// Who has taken notice of an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmMark {
    /// Who.
    pub by: Text,
    /// When.
    pub at: Timestamp,
    /// What he said.
    pub comment: Option<Text>,
}

/// Until when outlets are not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// Until when.
    pub until: Timestamp,
    /// Who has said so, when, and why.
    pub mark: AlarmMark,
}

/// Something that is wrong, as it was just seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmSeen {
    /// The name of the condition.
    pub condition: Text,
    /// How bad that is.
    pub severity: Text,
    /// What it holds of.
    pub subject: Text,
    /// The source that it is about, if it is about one.
    pub source: Option<SourceName>,
    /// What, where, and what to do.
    pub text: Text,
    /// Since when it is so, where it is not open yet.
    pub since: Timestamp,
}

/// What a look has come to, written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmNote {
    /// When.
    pub at: Timestamp,
    /// What is wrong: opened, or seen once more.
    pub seen: Vec<AlarmSeen>,
    /// Alarms that are over.
    pub ended: Vec<u64>,
}

/// Which alarms are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct AlarmsAsked<'a> {
    /// Of these sources only; of all, and those that are of none, where it is empty.
    pub sources: &'a [SourceName],
    /// Whether only those that are open.
    pub only_open: bool,
    /// With numbers below.
    pub before: Option<u64>,
    /// How many at most.
    pub limit: usize,
}

/// What an outlet was told of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The alarm.
    pub alarm: u64,
    /// Whether that it is over, and not only that it is there.
    pub ended: bool,
}

/// What the watch over alarms asks of a database.
#[async_trait]
pub trait Alarms: Send + Sync {
    /// Writes what a look has come to, all or nothing. What was noted before is not changed by noting it again.
    async fn note_alarms(&self, note: AlarmNote) -> Result<()>;

    /// Alarms, the newest first.
    async fn alarms(&self, asked: AlarmsAsked<'_>) -> Result<Vec<Alarm>>;

    /// One alarm.
    async fn alarm(&self, id: u64) -> Result<Option<Alarm>>;

    /// Notes that somebody has taken notice. Answers whether the alarm is open.
    async fn acknowledge_alarm(&self, id: u64, mark: AlarmMark) -> Result<bool>;

    /// Silences what an alarm is about, in place of an earlier silence. Answers whether there is such an alarm.
    async fn silence_alarm(&self, id: u64, silence: Silence) -> Result<bool>;

    /// Since when an outlet is told: since now, where it was not known.
    async fn know_outlet(&self, outlet: &str, now: Timestamp) -> Result<Timestamp>;

    /// What an outlet was told of these alarms.
    async fn told(&self, outlet: &str, alarms: &[u64]) -> Result<Vec<Told>>;

    /// Notes what an outlet was told.
    async fn note_told(&self, outlet: &str, told: &[Told], at: Timestamp) -> Result<()>;
}
