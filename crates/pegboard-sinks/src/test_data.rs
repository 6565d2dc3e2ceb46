//! Rows for the tests of encoders.

use jiff::tz::TimeZone;
use pegboard_engine::StatusTable;
use pegboard_model::policy::{Pegging, ServiceLevelFormula};
use pegboard_model::report::{Activity, AgentInterval, AgentQueueInterval, QueueInterval, SegmentRow};
use pegboard_model::{Channel, Class, Direction, Fixed, Millis, Timestamp};

use crate::mapping::Mapping;
use crate::{Interval, Known};

pub(crate) const START: &str = "2025-08-01T12:00:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn seconds(seconds: i64) -> Millis {
    Millis::from_seconds(seconds)
}

pub(crate) fn known() -> Known {
    let start = at(START);
    Known {
        source: "amazon-connect".into(),
        sources: vec!["amazon-connect".into()],
        zone: TimeZone::UTC,
        interval_length: Millis::from_minutes(15),
        intervals: vec![Interval { start, end: start + Millis::from_minutes(15) }],
        states: Vec::new(),
        changes: Vec::new(),
        before: Vec::new(),
        health: Vec::new(),
        activities: Vec::new(),
        sessions: Vec::new(),
        agents: Vec::new(),
        groups: Vec::new(),
        queues: Vec::new(),
        agent_queues: Vec::new(),
        directory: Vec::new(),
        queue_kinds: Vec::new(),
        statuses: StatusTable::default(),
        raw_events: Vec::new(),
        mapping: Mapping::default(),
    }
}

/// The interval of a real operator's file that section "test vector" of the notes on NICE has.
pub(crate) fn queue(id: &str) -> QueueInterval {
    QueueInterval {
        interval_start: at(START),
        interval_s: Millis::from_minutes(15),
        source: "amazon-connect".into(),
        queue_id: id.into(),
        queue_name: "Billing".into(),
        channel: Channel::Voice,
        direction: Direction::Inbound,
        offered: 22,
        answered: 18,
        answered_in_sl: 17,
        abandoned: 4,
        abandoned_in_sl: 2,
        abandoned_short: 0,
        transferred_out: 0,
        transferred_in: 0,
        queue_answered_s: seconds(60),
        queue_answered_max_s: seconds(30),
        queue_abandoned_s: seconds(90),
        queue_abandoned_max_s: seconds(40),
        talk_s: seconds(1075),
        hold_s: seconds(434),
        acw_s: Millis::new(82_500),
        handle_s: seconds(1509),
        service_level_s: seconds(20),
        service_level_pct: Fixed::percent(17, 20),
        service_level_formula: ServiceLevelFormula::AnsweredAbandonedLate,
        pegging: Pegging::Disconnect,
        backlog: None,
        backlog_expired: None,
        right_party: None,
        right_party_talk_s: None,
        right_party_acw_s: None,
        wrong_party: None,
        wrong_party_talk_s: None,
        wrong_party_acw_s: None,
        active: None,
    }
}

pub(crate) fn agent_queue(agent: &str, queue: &str) -> AgentQueueInterval {
    AgentQueueInterval {
        interval_start: at(START),
        interval_s: Millis::from_minutes(15),
        source: "amazon-connect".into(),
        agent_id: agent.into(),
        agent_login: "jdoe".into(),
        queue_id: queue.into(),
        queue_name: "Billing".into(),
        channel: Channel::Voice,
        direction: Direction::Inbound,
        answered: 4,
        talk_s: seconds(272),
        hold_s: seconds(40),
        acw_s: seconds(55),
        handle_s: seconds(312),
        transferred_by_agent: 0,
        pegging: Pegging::Disconnect,
    }
}

pub(crate) fn agent(id: &str) -> AgentInterval {
    AgentInterval {
        interval_start: at(START),
        interval_s: Millis::from_minutes(15),
        source: "amazon-connect".into(),
        agent_id: id.into(),
        agent_login: "jdoe".into(),
        agent_name: "J. Doe".into(),
        team: "".into(),
        login_s: seconds(900),
        available_s: seconds(500),
        ringing_s: seconds(0),
        talk_s: seconds(205),
        hold_s: seconds(40),
        acw_s: seconds(55),
        error_s: seconds(10),
        aux_s: seconds(90),
        unknown_s: seconds(0),
        staffed_s: seconds(900),
        status_available_s: seconds(900),
        status_unavailable_s: seconds(0),
    }
}

pub(crate) fn state(agent: &str, from: i64, to: Option<i64>, class: Class, event_id: &str) -> SegmentRow {
    let start = at(START) + seconds(from);
    let end = to.map(|to| at(START) + seconds(to));
    SegmentRow {
        source: "amazon-connect".into(),
        agent_id: agent.into(),
        agent_login: format!("login-{agent}").into(),
        start,
        end,
        duration_s: end.unwrap_or(at(START) + seconds(900)).since(start),
        class,
        status_id: None,
        status_name: "Available".into(),
        contact_id: None,
        channel: None,
        initiation: None,
        queue_id: None,
        queue_name: None,
        event_id: event_id.into(),
        reason: "".into(),
    }
}

pub(crate) fn activity(row: &SegmentRow) -> Activity {
    let row = row.clone();
    Activity {
        source: row.source,
        agent_id: row.agent_id,
        agent_login: row.agent_login,
        start: row.start,
        end: row.end,
        duration_s: row.duration_s,
        class: row.class,
        status_id: row.status_id,
        status_name: row.status_name,
        contact_id: row.contact_id,
        channel: row.channel,
        initiation: row.initiation,
        queue_id: row.queue_id,
        queue_name: row.queue_name,
        event_id: row.event_id,
        reason: row.reason,
    }
}
