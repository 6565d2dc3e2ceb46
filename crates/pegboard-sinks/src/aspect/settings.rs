//! What a site sets, by name.

use pegboard_engine::StatusTable;

use super::columns::Columns;
use super::hierarchy::HierarchyFilter;
use super::object::DeliveryStream;
use super::queue::{MessageGroup, QueueCount};
use super::rta::RtaSettings;
use super::state_type::StateTypes;
use crate::SettingError;

/// Every setting, each with the default of the Quick Start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What the objects are called.
    pub stream: DeliveryStream,
    /// How many columns a line has.
    pub columns: Columns,
    /// Names of statuses that count as signed out.
    pub signed_out: Vec<String>,
    /// The name of the table.
    pub table: String,
    /// Queues and filter.
    pub rta: RtaSettings,
}

/// What parts the names of a list.
const SEPARATOR: char = ';';

impl Default for Settings {
    fn default() -> Self {
        Self {
            stream: DeliveryStream::default(),
            columns: Columns::default(),
            signed_out: Vec::new(),
            table: "aspect-agent-states".to_owned(),
            rta: RtaSettings::default(),
        }
    }
}

impl Settings {
    /// The names of all settings.
    pub const NAMES: [&'static str; 8] = [
        "aspect_stream",
        "aspect_prefix",
        "aspect_columns",
        "aspect_signed_out",
        "aspect_table",
        "aspect_queues",
        "aspect_message_group",
        "aspect_filter",
    ];

    /// Sets one.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        match name {
            "aspect_stream" => self.stream = self.stream.named(value).map_err(|_| takes(STREAM_NAMES))?,
            "aspect_prefix" => self.stream = self.stream.below(value).map_err(|_| takes(PREFIXES))?,
            "aspect_columns" => {
                let count: Option<u8> = value.parse().ok();
                let columns = count.and_then(|count| Columns::try_from(count).ok());
                self.columns = columns.ok_or_else(|| takes("11, 12 or 13"))?;
            }
            "aspect_signed_out" => self.signed_out = value.split(SEPARATOR).map(str::to_owned).collect(),
            "aspect_table" => self.table = table_name(value).ok_or_else(|| takes(TABLE_NAMES))?,
            "aspect_queues" => {
                let count: Option<u8> = value.parse().ok();
                let queues = count.and_then(|count| QueueCount::try_from(count).ok());
                self.rta.queues = queues.ok_or_else(|| takes("a number, 1 to 10"))?;
            }
            "aspect_message_group" => {
                self.rta.group = match value {
                    "all" => MessageGroup::All,
                    "agent" => MessageGroup::Agent,
                    _ => return Err(takes("one of all, agent")),
                }
            }
            "aspect_filter" => self.rta.filter = filter(value)?,
            _ => return Err(SettingError::Unknown),
        }
        Ok(())
    }

    /// What every status means, by the status table and the list.
    pub fn states(&self, table: &StatusTable) -> StateTypes {
        StateTypes::new(table.clone(), self.signed_out.iter().map(String::as_str))
    }
}

/// `LEVEL:GROUP;GROUP`, or nothing.
fn filter(value: &str) -> Result<Option<HierarchyFilter>, SettingError> {
    if value.is_empty() {
        return Ok(None);
    }
    let parts = value.split_once(':').and_then(|(level, groups)| Some((level.parse().ok()?, groups)));
    let (level, groups) = parts.ok_or_else(|| takes(FILTERS))?;
    HierarchyFilter::new(level, groups.split(SEPARATOR)).map_err(|_| takes(FILTERS))
}

const FILTERS: &str = "a level of the hierarchy, 1 to 5, ':' and groups with ';' between them";
const STREAM_NAMES: &str = "1 to 64 letters, digits, '-', '_' or '.'";
const PREFIXES: &str =
    "at most 512 printable characters that end with '/', without a part that is empty, '.' or '..'";
const TABLE_NAMES: &str = "3 to 255 letters, digits, '-', '_' or '.'";

/// The name of a table, as "Supported data types and naming rules" of the DynamoDB developer guide has it.
fn table_name(value: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((3..=255).contains(&value.len()) && value.bytes().all(fits)).then(|| value.to_owned())
}

fn takes(what: &str) -> SettingError {
    SettingError::Takes(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_can_be_set_to_what_it_is_without() {
        let values = ["aspect-wfm-ap-kda-to-s3", "OUTPUT/", "13", "", "aspect-agent-states", "1", "all", ""];
        let mut settings = Settings::default();
        for (name, value) in Settings::NAMES.iter().zip(values) {
            assert_eq!(settings.set(name, value), Ok(()), "{name}");
        }
        assert_eq!(settings.signed_out, [""]);
        settings.signed_out.clear();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.set("nothing", "1"), Err(SettingError::Unknown));
    }

    #[test]
    fn a_value_that_makes_no_sense_is_refused_and_says_what_would() {
        let mut settings = Settings::default();
        for (name, value, said) in [
            ("aspect_stream", "a/b", "1 to 64"),
            ("aspect_prefix", "OUTPUT", "end with '/'"),
            ("aspect_columns", "14", "11, 12 or 13"),
            ("aspect_table", "no table", "3 to 255"),
            ("aspect_table", "ab", "3 to 255"),
            ("aspect_queues", "0", "1 to 10"),
            ("aspect_queues", "11", "1 to 10"),
            ("aspect_message_group", "queue", "all, agent"),
            ("aspect_filter", "Service", "a level"),
            ("aspect_filter", "6:Service", "1 to 5"),
            ("aspect_filter", "2:;", "groups"),
        ] {
            let refusal = settings.set(name, value).unwrap_err().to_string();
            assert!(refusal.contains(said), "{name} = {value}: {refusal}");
        }
        assert_eq!(settings, Settings::default(), "nothing was set");
    }

    #[test]
    fn lists_are_parted_by_semicolons() {
        let mut settings = Settings::default();
        settings.set("aspect_signed_out", "Break; Lunch, long").unwrap();
        assert_eq!(settings.signed_out, ["Break", " Lunch, long"]);
        settings.set("aspect_filter", "2:North;Sales, EMEA").unwrap();
        assert_eq!(settings.rta.filter, HierarchyFilter::new(2, ["north", "sales, emea"]).unwrap());
        settings.set("aspect_filter", "0:").unwrap();
        assert_eq!(settings.rta.filter, None);
    }
}
