//! The rows of every report, column by column.
//!
//! A row struct has the very columns of the reports contract as its fields, in order. Files, JSON and vendors'
//! messages are encodings of these rows and compute nothing of their own.

use std::fmt;

use crate::policy::{Pegging, ReadyTime, ServiceLevelFormula, SessionPolicy};
use crate::{
    AgentId, Channel, Class, ContactId, Direction, Fixed, Millis, QueueId, SourceName, StatusId, Text,
    Timestamp,
};

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Nothing is known: an empty field, or `null`.
    Empty,
    /// A text.
    Text(&'a str),
    /// A text that had to be made.
    Made(String),
    /// A count.
    Count(u64),
    /// A decimal number: seconds, a percentage, positions.
    Number(Fixed),
    /// An instant.
    Time(Timestamp),
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Text(text) => f.write_str(text),
            Self::Made(text) => f.write_str(text),
            Self::Count(count) => count.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Time(time) => fmt::Display::fmt(time, f),
        }
    }
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Texts.
    Text,
    /// Counts.
    Count,
    /// Decimal numbers: seconds, percentages, positions.
    Number,
    /// Instants.
    Time,
}

/// What the values of the column of this name are, which is the same in every report that has it. Nothing for a name that
/// no report has.
pub fn kind_of(column: &str) -> Option<Kind> {
    fn kind_in<R: Row>(column: &str) -> Option<Kind> {
        let place = R::COLUMNS.iter().position(|name| *name == column)?;
        Some(R::KINDS[place])
    }
    kind_in::<AgentInterval>(column)
        .or_else(|| kind_in::<GroupInterval>(column))
        .or_else(|| kind_in::<Session>(column))
        .or_else(|| kind_in::<QueueInterval>(column))
        .or_else(|| kind_in::<AgentQueueInterval>(column))
        .or_else(|| kind_in::<SegmentRow>(column))
        .or_else(|| kind_in::<Activity>(column))
}

/// A type that can stand in a column.
pub trait ToCell {
    /// What its values are.
    const KIND: Kind;
    /// The value as a cell.
    fn to_cell(&self) -> Cell<'_>;
}

/// A row of a report.
pub trait Row {
    /// The name of the report.
    const REPORT: &'static str;
    /// The names of the columns, in order.
    const COLUMNS: &'static [&'static str];
    /// What the values of each column are, in the order of the columns.
    const KINDS: &'static [Kind];
    /// The values, in the order of the columns, added to `out`.
    fn cells<'a>(&'a self, out: &mut Vec<Cell<'a>>);
}

macro_rules! to_cell {
    ($($Type:ty: $Kind:ident => |$value:ident| $cell:expr;)+) => {
        $(impl ToCell for $Type {
            const KIND: Kind = Kind::$Kind;
            fn to_cell(&self) -> Cell<'_> {
                let $value = self;
                $cell
            }
        })+
    };
}

to_cell! {
    Text: Text => |text| Cell::Text(text);
    AgentId: Text => |id| Cell::Text(id.as_str());
    QueueId: Text => |id| Cell::Text(id.as_str());
    StatusId: Text => |id| Cell::Text(id.as_str());
    SourceName: Text => |name| Cell::Text(name.as_str());
    ContactId: Text => |id| Cell::Made(id.to_string());
    Channel: Text => |channel| Cell::Text(channel.as_str());
    Class: Text => |class| Cell::Text(class.as_str());
    Direction: Text => |direction| Cell::Text(direction.as_str());
    Pegging: Text => |policy| Cell::Text(policy.as_str());
    ServiceLevelFormula: Text => |policy| Cell::Text(policy.as_str());
    SessionPolicy: Text => |policy| Cell::Text(policy.as_str());
    u64: Count => |count| Cell::Count(*count);
    Fixed: Number => |number| Cell::Number(*number);
    Millis: Number => |duration| Cell::Number(Fixed::new(duration.get(), 3));
    Timestamp: Time => |time| Cell::Time(*time);
}

impl<T: ToCell> ToCell for Option<T> {
    const KIND: Kind = T::KIND;
    fn to_cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Empty, ToCell::to_cell)
    }
}

macro_rules! report {
    ($(#[$doc:meta])* $Row:ident = $name:literal { $( $(#[$fdoc:meta])* $field:ident : $ty:ty ),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $Row { $( $(#[$fdoc])* pub $field: $ty ),+ }

        impl Row for $Row {
            const REPORT: &'static str = $name;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),+];
            const KINDS: &'static [Kind] = &[$(<$ty as ToCell>::KIND),+];
            fn cells<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
                $(out.push(self.$field.to_cell());)+
            }
        }
    };
}

report! {
    /// Where one agent's time of one interval went.
    AgentInterval = "agent_interval" {
        /// The first instant of the interval.
        interval_start: Timestamp,
        /// Its length; shorter than usual where the window or a change of offset cuts it.
        interval_s: Millis,
        /// The source.
        source: SourceName,
        /// The platform's id of the agent.
        agent_id: AgentId,
        /// The name with which the agent signs in.
        agent_login: Text,
        /// The name for people.
        agent_name: Text,
        /// The team at the end of the interval.
        team: Text,
        /// Signed in.
        login_s: Millis,
        /// Routable with nothing to do.
        available_s: Millis,
        /// Being offered a contact.
        ringing_s: Millis,
        /// Connected to a contact.
        talk_s: Millis,
        /// On a contact that is on hold.
        hold_s: Millis,
        /// In after-contact work.
        acw_s: Millis,
        /// Left with a missed, rejected or failed contact.
        error_s: Millis,
        /// In a status that does not route.
        aux_s: Millis,
        /// Not known.
        unknown_s: Millis,
        /// Staffed, by the status table.
        staffed_s: Millis,
        /// Of that in a status of type `A`.
        status_available_s: Millis,
        /// Of that in another status.
        status_unavailable_s: Millis,
    }
}

impl AgentInterval {
    /// Ready time of the agent system performance report, by policy.
    pub fn ready(&self, policy: ReadyTime) -> Millis {
        match policy {
            ReadyTime::Waiting => self.available_s,
            ReadyTime::Productive => self.login_s - self.aux_s - self.error_s,
        }
    }

    /// Not-ready time of the agent system performance report.
    pub fn not_ready(&self) -> Millis {
        self.aux_s + self.error_s
    }
}

report! {
    /// Average positions staffed of one group in one interval.
    GroupInterval = "group_interval" {
        /// The first instant of the interval.
        interval_start: Timestamp,
        /// Its length.
        interval_s: Millis,
        /// The source.
        source: SourceName,
        /// The group: a team, a hierarchy level or a routing profile.
        group: Text,
        /// Average positions staffed: `staffed_s / interval_s`.
        aps: Fixed,
        /// Staffed time of all its agents.
        staffed_s: Millis,
        /// Of that in a status of type `A`.
        status_available_s: Millis,
        /// Of that in another status.
        status_unavailable_s: Millis,
        /// Distinct agents with staffed time.
        agents: u64,
    }
}

report! {
    /// From sign-in to sign-out.
    Session = "sessions" {
        /// The source.
        source: SourceName,
        /// The platform's id of the agent.
        agent_id: AgentId,
        /// The name with which the agent signs in.
        agent_login: Text,
        /// The name for people.
        agent_name: Text,
        /// The team at the end of the session.
        team: Text,
        /// When it began.
        sign_in: Timestamp,
        /// When it ended; empty while it lasts.
        sign_out: Option<Timestamp>,
        /// Its length, up to the end of the report while it lasts.
        duration_s: Millis,
        /// What bounds a session.
        policy: SessionPolicy,
    }
}

report! {
    /// What happened in one queue, channel and direction to the contacts of one interval.
    QueueInterval = "queue_interval" {
        /// The first instant of the interval.
        interval_start: Timestamp,
        /// Its length.
        interval_s: Millis,
        /// The source.
        source: SourceName,
        /// The platform's id of the queue.
        queue_id: QueueId,
        /// The queue's name.
        queue_name: Text,
        /// The channel.
        channel: Channel,
        /// The direction.
        direction: Direction,
        /// Entered the queue.
        offered: u64,
        /// Reached an agent.
        answered: u64,
        /// Of those within the threshold.
        answered_in_sl: u64,
        /// Reached no agent and were not handed on.
        abandoned: u64,
        /// Of those within the threshold.
        abandoned_in_sl: u64,
        /// Of those within the short-abandon threshold.
        abandoned_short: u64,
        /// Left the queue for somewhere else without an agent.
        transferred_out: u64,
        /// Of the offered, those that came from another queue or agent.
        transferred_in: u64,
        /// Time in queue of the answered, summed.
        queue_answered_s: Millis,
        /// The longest of them.
        queue_answered_max_s: Millis,
        /// Time in queue of the abandoned, summed.
        queue_abandoned_s: Millis,
        /// The longest of them.
        queue_abandoned_max_s: Millis,
        /// Conversation without hold.
        talk_s: Millis,
        /// Hold, and pauses of tasks.
        hold_s: Millis,
        /// After-contact work.
        acw_s: Millis,
        /// `talk_s + hold_s`, without after-contact work.
        handle_s: Millis,
        /// The threshold.
        service_level_s: Millis,
        /// The service level; empty where nothing was to be measured.
        service_level_pct: Option<Fixed>,
        /// By which formula.
        service_level_formula: ServiceLevelFormula,
        /// By which time contacts were pegged.
        pegging: Pegging,
        /// Waiting at the interval's end.
        backlog: Option<u64>,
        /// Of those past the queue's goal.
        backlog_expired: Option<u64>,
        /// Contacts with the right party.
        right_party: Option<u64>,
        /// Conversation with them.
        right_party_talk_s: Option<Millis>,
        /// After-contact work on them.
        right_party_acw_s: Option<Millis>,
        /// Contacts with the wrong party.
        wrong_party: Option<u64>,
        /// Conversation with them.
        wrong_party_talk_s: Option<Millis>,
        /// After-contact work on them.
        wrong_party_acw_s: Option<Millis>,
        /// Contacts in progress at the interval's end.
        active: Option<u64>,
    }
}

report! {
    /// What one agent did for one queue, channel and direction in one interval.
    AgentQueueInterval = "agent_queue_interval" {
        /// The first instant of the interval.
        interval_start: Timestamp,
        /// Its length.
        interval_s: Millis,
        /// The source.
        source: SourceName,
        /// The platform's id of the agent.
        agent_id: AgentId,
        /// The name with which the agent signs in.
        agent_login: Text,
        /// The platform's id of the queue; empty for contacts that never entered one.
        queue_id: QueueId,
        /// The queue's name.
        queue_name: Text,
        /// The channel.
        channel: Channel,
        /// The direction.
        direction: Direction,
        /// Contacts that reached the agent.
        answered: u64,
        /// Conversation without hold.
        talk_s: Millis,
        /// Hold, and pauses of tasks.
        hold_s: Millis,
        /// After-contact work.
        acw_s: Millis,
        /// `talk_s + hold_s`, without after-contact work.
        handle_s: Millis,
        /// Contacts that the agent passed on.
        transferred_by_agent: u64,
        /// By which time contacts were pegged.
        pegging: Pegging,
    }
}

macro_rules! segment_report {
    ($(#[$doc:meta])* $Row:ident = $name:literal) => {
        report! {
            $(#[$doc])*
            $Row = $name {
                /// The source.
                source: SourceName,
                /// The platform's id of the agent.
                agent_id: AgentId,
                /// The name with which the agent signs in.
                agent_login: Text,
                /// The first instant.
                start: Timestamp,
                /// The first instant after; empty while it lasts.
                end: Option<Timestamp>,
                /// Its length, up to the end of the report while it lasts.
                duration_s: Millis,
                /// The class.
                class: Class,
                /// The platform's id of the status.
                status_id: Option<StatusId>,
                /// The name of the status.
                status_name: Text,
                /// The contact that decides.
                contact_id: Option<ContactId>,
                /// Its channel.
                channel: Option<Channel>,
                /// How it began.
                initiation: Option<Text>,
                /// The platform's id of its queue.
                queue_id: Option<QueueId>,
                /// The name of its queue.
                queue_name: Option<Text>,
                /// The state as a WFM's real-time adherence knows it.
                event_id: Text,
                /// The status name or idle code where it differs.
                reason: Text,
            }
        }
    };
}

segment_report! {
    /// A maximal span of one agent in one state.
    SegmentRow = "segments"
}

segment_report! {
    /// Segments joined while event id and reason stay the same.
    Activity = "activities"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agrees<R: Row>() {
        assert_eq!(R::COLUMNS.len(), R::KINDS.len(), "{}", R::REPORT);
        for (column, kind) in R::COLUMNS.iter().zip(R::KINDS) {
            assert_eq!(kind_of(column), Some(*kind), "{} of {}", column, R::REPORT);
        }
    }

    #[test]
    fn a_column_is_of_the_same_kind_in_every_report() {
        agrees::<AgentInterval>();
        agrees::<GroupInterval>();
        agrees::<Session>();
        agrees::<QueueInterval>();
        agrees::<AgentQueueInterval>();
        agrees::<SegmentRow>();
        agrees::<Activity>();
        assert_eq!(kind_of("talk_s"), Some(Kind::Number));
        assert_eq!(kind_of("sign_out"), Some(Kind::Time));
        assert_eq!(kind_of("guess"), None);
    }
}
