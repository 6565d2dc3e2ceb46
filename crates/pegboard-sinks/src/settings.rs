//! How a sink is set, by name.

use pegboard_model::policy::ReadyTime;
use pegboard_model::{Millis, Text};

use crate::files::FileNames;
use crate::{aspect, cxone};

/// Every setting, each with its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The kind of ACD that bodies for CXone name; without blanks.
    pub acd_type: Text,
    /// The version that reports for CXone name.
    pub report_version: Text,
    /// What counts as ready time.
    pub ready_time: ReadyTime,
    /// What counts as received.
    pub received: Received,
    /// States that are shorter are left out of the state feed.
    pub shortest_state: Millis,
    /// The most changes of state in a message.
    pub states_per_message: usize,
    /// What becomes of what no row of the mapping names.
    pub unmapped: UnmappedPolicy,
    /// The form of the contact type report of IEX.
    pub contact_types: ContactTypes,
    /// Whether the interval file of IEX has the report of sign-ons and sign-offs.
    pub sign_ons: bool,
    /// The columns of the history that is imported into CXone by hand.
    pub history_columns: cxone::Columns,
    /// How dates are written there.
    pub history_dates: cxone::Dates,
    /// How times are written there.
    pub history_times: cxone::Times,
    /// The state that is sent in place of those of a stale source, as it is. Set with the sink, and not by name.
    pub stale_event: Option<Text>,
    /// How files of reports are named. Set with their place, and not by name.
    pub file_names: FileNames,
    /// What there is to set for Aspect.
    pub aspect: aspect::Settings,
}

/// What counts as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Everything that was offered to the queue, also what left it for elsewhere.
    Offered,
    /// What was handled or abandoned there.
    HandledAndAbandoned,
}

/// What becomes of rows and changes of state that name something unmapped, besides being listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnmappedPolicy {
    /// They are sent under their own names.
    Send,
    /// They are left out.
    Hold,
}

/// The form of the contact type report of IEX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactTypes {
    /// Eleven columns.
    Voice,
    /// Three more, for backlog.
    Multimedia,
}

/// Why a setting cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is none of this name.
    #[error("there is no such setting")]
    Unknown,
    /// It takes something else.
    #[error("expected {0}")]
    Takes(String),
}

/// The most changes of state in a message that can be asked for.
const MOST_STATES: usize = 1000;

/// The longest span below which a state can be left out.
const LONGEST_SHORT: i64 = 60;

impl Default for Settings {
    fn default() -> Self {
        Self {
            acd_type: "AMAZON_CONNECT".into(),
            report_version: "1.0".into(),
            ready_time: ReadyTime::default(),
            received: Received::Offered,
            shortest_state: Millis::ZERO,
            states_per_message: 100,
            unmapped: UnmappedPolicy::Send,
            contact_types: ContactTypes::Voice,
            sign_ons: true,
            history_columns: cxone::Columns::default(),
            history_dates: cxone::Dates::default(),
            history_times: cxone::Times::default(),
            stale_event: None,
            file_names: FileNames::default(),
            aspect: aspect::Settings::default(),
        }
    }
}

impl Settings {
    /// The names of all settings but those of Aspect.
    const OWN_NAMES: [&'static str; 12] = [
        "acd_type",
        "report_version",
        "ready_time",
        "received",
        "shortest_state_s",
        "states_per_message",
        "unmapped",
        "contact_types",
        "sign_ons",
        "history_columns",
        "history_dates",
        "history_times",
    ];

    /// The names of all settings.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::OWN_NAMES.into_iter().chain(aspect::Settings::NAMES)
    }

    /// Sets one.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        match name {
            "acd_type" => self.acd_type = word(value)?,
            "report_version" => self.report_version = word(value)?,
            "ready_time" => self.ready_time = value.parse().map_err(|_| takes("waiting, productive"))?,
            "received" => {
                let choices = [
                    ("offered", Received::Offered),
                    ("handled_and_abandoned", Received::HandledAndAbandoned),
                ];
                self.received = choice(value, &choices)?;
            }
            "shortest_state_s" => {
                let seconds: Option<i64> =
                    value.parse().ok().filter(|seconds| (0..=LONGEST_SHORT).contains(seconds));
                let seconds = seconds.ok_or_else(|| takes("whole seconds, 0 to 60"))?;
                self.shortest_state = Millis::from_seconds(seconds);
            }
            "states_per_message" => {
                let count: Option<usize> =
                    value.parse().ok().filter(|count| (1..=MOST_STATES).contains(count));
                self.states_per_message = count.ok_or_else(|| takes("a number, 1 to 1000"))?;
            }
            "unmapped" => {
                self.unmapped =
                    choice(value, &[("send", UnmappedPolicy::Send), ("hold", UnmappedPolicy::Hold)])?;
            }
            "contact_types" => {
                let choices = [("voice", ContactTypes::Voice), ("multimedia", ContactTypes::Multimedia)];
                self.contact_types = choice(value, &choices)?;
            }
            "sign_ons" => self.sign_ons = choice(value, &[("yes", true), ("no", false)])?,
            "history_columns" => {
                self.history_columns =
                    value.parse().map_err(|error: cxone::InvalidColumns| takes(&error.to_string()))?;
            }
            "history_dates" => {
                use cxone::Dates::{DayFirst, MonthFirst, YearFirst};
                let choices =
                    [("month_first", MonthFirst), ("day_first", DayFirst), ("year_first", YearFirst)];
                self.history_dates = choice(value, &choices)?;
            }
            "history_times" => {
                self.history_times =
                    choice(value, &[("24", cxone::Times::Of24), ("12", cxone::Times::Of12)])?;
            }
            _ => self.aspect.set(name, value)?,
        }
        Ok(())
    }
}

fn takes(what: &str) -> SettingError {
    SettingError::Takes(what.to_owned())
}

/// A text without blanks, as NICE asks for names of ACDs.
fn word(value: &str) -> Result<Text, SettingError> {
    let is_word = !value.is_empty() && !value.contains(char::is_whitespace);
    if is_word { Ok(value.into()) } else { Err(takes("a name without blanks")) }
}

fn choice<T: Copy>(value: &str, choices: &[(&str, T)]) -> Result<T, SettingError> {
    let found = choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice);
    let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
    found.ok_or_else(|| takes(&format!("one of {}", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_can_be_set_to_what_it_is_without() {
        let mut settings = Settings::default();
        let columns = settings.history_columns.to_string();
        let values = [
            "AMAZON_CONNECT",
            "1.0",
            "waiting",
            "offered",
            "0",
            "100",
            "send",
            "voice",
            "yes",
            &columns,
            "month_first",
            "24",
        ];
        for (name, value) in Settings::OWN_NAMES.iter().zip(values) {
            assert_eq!(settings.set(name, value), Ok(()), "{name}");
            assert!(matches!(settings.set(name, "no such value"), Err(SettingError::Takes(_))), "{name}");
        }
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.set("nothing", "1"), Err(SettingError::Unknown));
        assert_eq!(settings.set("aspect_columns", "12"), Ok(()));
        assert_eq!(settings.aspect.columns, aspect::Columns::Twelve);
        assert!(Settings::names().any(|name| name == "aspect_columns"));
    }

    #[test]
    fn r28_a_message_has_a_thousand_changes_at_most_and_a_short_state_lasts_a_minute_at_most() {
        let mut settings = Settings::default();
        assert_eq!(settings.set("states_per_message", "1000"), Ok(()));
        assert!(settings.set("states_per_message", "1001").is_err());
        assert_eq!(settings.set("shortest_state_s", "60"), Ok(()));
        assert!(settings.set("shortest_state_s", "61").is_err());
    }
}
