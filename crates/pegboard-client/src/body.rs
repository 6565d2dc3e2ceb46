//! The bodies of the three calls, key by key in the order in which they are written.
//!
//! Times are UTC, windows go from their start to just before their end, durations are whole seconds. The names of the metrics are
//! NICE's; the bodies as a whole are Pegboard's proposal (`docs/sinks/cxone.md`), for the SDK's are not public.

use pegboard_model::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The version of the form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ReportVersion {
    /// The only one so far.
    #[default]
    #[serde(rename = "1.0")]
    V1,
}

/// A percentage from 0 to 100 with two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u16);

impl Percent {
    /// `part` of `whole`, rounded half up; nothing where there is no whole, or less than the part.
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        if part > whole {
            return None;
        }
        let (part, whole) = (u128::from(part), u128::from(whole));
        let hundredths = (part * 20_000 + whole).checked_div(2 * whole)?;
        u16::try_from(hundredths).ok().map(Self)
    }

    /// So many hundredths of a percent, 10,000 at most.
    pub fn from_hundredths(hundredths: u16) -> Option<Self> {
        (hundredths <= 10_000).then_some(Self(hundredths))
    }

    /// The same in hundredths of a percent.
    pub const fn hundredths(self) -> u16 {
        self.0
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            return serializer.serialize_u16(self.0 / 100);
        }
        serializer.serialize_f64(f64::from(self.0) / 100.0)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        // What is no whole number from 0 on becomes the nearest one, and is then told by the difference.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let nearest = (number * 100.0).round() as u16;
        let is_near = (f64::from(nearest) / 100.0 - number).abs() < 1e-9;
        let percent = Self::from_hundredths(nearest).filter(|_| is_near);
        percent.ok_or_else(|| D::Error::custom("a percentage is 0 to 100 with two decimals at most"))
    }
}

/// What agents do now: `AgentStateListDTO`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentStates {
    /// The kind of ACD, as [`Connection::connect`](crate::Connection::connect) tells it.
    pub acd_type: String,
    /// The states, the older ones of an agent before the newer.
    pub agent_states: Vec<AgentState>,
}

/// That an agent went over to a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentState {
    /// His login.
    pub agent_value: String,
    /// His id in the ACD.
    pub agent_id: String,
    /// What he does, such as `VOICE-INBOUND-CONNECTED`; mapped to an activity code by the WFM.
    pub event_id: String,
    /// Why, or nothing.
    pub event_reason: String,
    /// Since when.
    pub event_time: Timestamp,
    /// Its place among all states of the ACD: what has a lower one is older.
    pub sequence: u64,
}

/// What agents did: `AgentActivityReportDTO`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentActivityReport {
    /// The kind of ACD, as [`Connection::connect`](crate::Connection::connect) tells it.
    pub acd_type: String,
    /// Of this form.
    pub report_version: ReportVersion,
    /// The start of the interval.
    pub start_date: Timestamp,
    /// Its end.
    pub end_date: Timestamp,
    /// Agents, each once.
    pub report_data: Vec<AgentActivities>,
}

/// What an agent completed in the interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentActivities {
    /// His login.
    pub agent_value: String,
    /// His id in the ACD.
    pub agent_id: String,
    /// One after the other.
    pub activities: Vec<Activity>,
}

/// An activity, whole, wherever it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Activity {
    /// What it was.
    pub event_id: String,
    /// Why, or nothing.
    pub event_reason: String,
    /// From then on.
    pub start_time: Timestamp,
    /// Until then: within the interval.
    pub end_time: Timestamp,
    /// The time between, in seconds.
    pub duration: u64,
}

/// What happened in queues, with the two reports that always come with it: `ReportDTO`. A list without rows is written as
/// an empty one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueueReport {
    /// The kind of ACD, as [`Connection::connect`](crate::Connection::connect) tells it.
    pub acd_type: String,
    /// Of this form.
    pub report_version: ReportVersion,
    /// The start of the interval.
    pub start_date: Timestamp,
    /// Its end.
    pub end_date: Timestamp,
    /// Queues, each once.
    pub queue_report: Vec<QueueRow>,
    /// Agents and queues, each pair once.
    pub agent_queue_report: Vec<AgentQueueRow>,
    /// Agents, each once.
    pub agent_system_performance_report: Vec<AgentPerformanceRow>,
}

/// A queue in an interval: contacts that ended in it, with all of their times.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueueRow {
    /// Its name.
    pub queue_value: String,
    /// Its id in the ACD.
    pub queue_id: String,
    /// Contacts that were offered: handled, abandoned, or gone otherwise.
    pub contacts_received: u64,
    /// Handled within the service level's time.
    pub handled_short: u64,
    /// Handled after it.
    pub handled_long: u64,
    /// Abandoned within the service level's time.
    pub abandoned_short: u64,
    /// Abandoned after it.
    pub abandoned_long: u64,
    /// Talk and hold, without after-contact work, in seconds.
    pub handle_time: u64,
    /// Hold, in seconds.
    pub hold_time: u64,
    /// After-contact work, in seconds.
    pub work_time: u64,
    /// Waiting, in seconds.
    pub queue_delay_time: u64,
    /// How much of it was within the service level, where that can be said.
    pub service_level_percent: Option<Percent>,
    /// What waits at the end of the interval.
    pub backlog: u64,
    /// Of this, what waits for longer than it should.
    pub backlog_expired: u64,
    /// And what does not.
    pub backlog_not_expired: u64,
    /// Calls of a campaign that reached whom they were for.
    pub right_party_contacts: u64,
    /// Their talk, in seconds.
    pub right_party_talk_time: u64,
    /// Their after-contact work, in seconds.
    pub right_party_work_time: u64,
    /// Calls of a campaign that reached somebody else.
    pub wrong_party_contacts: u64,
    /// Their talk, in seconds.
    pub wrong_party_talk_time: u64,
    /// Their after-contact work, in seconds.
    pub wrong_party_work_time: u64,
    /// What NICE says no more of; 0.
    pub active: u64,
}

/// An agent and a queue in an interval.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentQueueRow {
    /// His login.
    pub agent_value: String,
    /// His id in the ACD.
    pub agent_id: String,
    /// The id of the queue in the ACD.
    pub queue_id: String,
    /// What he handled from this queue.
    pub contacts_handled: u64,
    /// Talk and hold, without after-contact work, in seconds.
    pub handle_time: u64,
    /// Hold, in seconds.
    pub hold_time: u64,
    /// After-contact work, in seconds.
    pub work_time: u64,
    /// As in [`QueueRow`].
    pub right_party_contacts: u64,
    /// As in [`QueueRow`].
    pub right_party_talk_time: u64,
    /// As in [`QueueRow`].
    pub right_party_work_time: u64,
    /// As in [`QueueRow`].
    pub wrong_party_contacts: u64,
    /// As in [`QueueRow`].
    pub wrong_party_talk_time: u64,
    /// As in [`QueueRow`].
    pub wrong_party_work_time: u64,
    /// As in [`QueueRow`].
    pub active: u64,
}

/// The time of an agent within an interval, over all queues.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentPerformanceRow {
    /// His login.
    pub agent_value: String,
    /// His id in the ACD.
    pub agent_id: String,
    /// Waiting for contacts, in seconds.
    pub ready_time: u64,
    /// Not waiting for any, in seconds.
    pub not_ready: u64,
    /// Signed in, in seconds.
    pub login_time: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_written_with_as_few_digits_as_it_has() {
        let text = |part, whole| serde_json::to_string(&Percent::of(part, whole)).unwrap();
        assert_eq!(text(17, 20), "85");
        assert_eq!(text(1, 8), "12.5");
        assert_eq!(text(8, 9), "88.89");
        assert_eq!(text(1, 20_000), "0.01");
        assert_eq!(text(0, 3), "0");
        assert_eq!(text(0, 0), "null");
        assert_eq!(text(2, 1), "null");
        for hundredths in 0..=10_000 {
            let percent = Percent::from_hundredths(hundredths).unwrap();
            let text = serde_json::to_string(&percent).unwrap();
            assert!(text.split_once('.').is_none_or(|(_, decimals)| decimals.len() <= 2), "{text}");
            assert_eq!(serde_json::from_str::<Percent>(&text).unwrap(), percent);
        }
        assert_eq!(Percent::from_hundredths(10_001), None);
        for no_percent in ["101", "-1", "12.345"] {
            assert!(serde_json::from_str::<Percent>(no_percent).is_err(), "{no_percent}");
        }
    }

    #[test]
    fn n127_lists_without_rows_are_written() {
        let report = QueueReport {
            acd_type: "TWILIO".into(),
            report_version: ReportVersion::V1,
            start_date: "2025-08-01T12:00:00Z".parse().unwrap(),
            end_date: "2025-08-01T12:15:00Z".parse().unwrap(),
            queue_report: Vec::new(),
            agent_queue_report: Vec::new(),
            agent_system_performance_report: Vec::new(),
        };
        let text = concat!(
            r#"{"acdType":"TWILIO","reportVersion":"1.0","startDate":"2025-08-01T12:00:00Z","endDate":"2025-08-01T12:15:00Z","#,
            r#""queueReport":[],"agentQueueReport":[],"agentSystemPerformanceReport":[]}"#
        );
        assert_eq!(serde_json::to_string(&report).unwrap(), text);
    }
}
