//! What an ACD hands in to the words of the model.

use std::sync::Arc;

use pegboard_model::acd::{AcdReport, Column, Grouping, Known, Telling, Unit, Value};
use pegboard_model::{
    AcdRow, AgentContact, AgentId, AgentLeg, AgentProfile, Channel, ContactId, ContactLeg, ContactPhase,
    ContactVersion, Direction, EventId, Fixed, Millis, Observation, Order, Queue, QueueStay, Snapshot,
    Status, StatusId, StatusKind, Text, Timestamp, What,
};
use serde_json::Number;
use xxhash_rust::xxh3::xxh3_64;

use super::wire::{self, Change};
use crate::sources::json::{self, Str};
use crate::sources::{DecodeError, Found, Problem};
use crate::spec::{Decode, Decoded};

/// The most bytes of a record.
pub const MAX_RECORD_BYTES: usize = 32 << 10;

/// The kind of rows.
const ROW: &str = "report_row";

/// The most bytes of an id, as stores index it.
const MAX_ID_BYTES: usize = 512;

/// The longest duration: a year.
const LONGEST_S: f64 = 366.0 * 86_400.0;

/// Up to here a number with decimals is exact where it has none.
const MOST_EXACT: f64 = 9_007_199_254_740_991.0;

/// What an ACD has handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// Evidence, like a record of any stream.
    Record(Decoded),
    /// A row that it computed itself.
    Row(AcdRow),
}

/// Decodes what an ACD hands in.
#[derive(Debug, Default)]
pub struct PushDecoder {}

impl Decode for PushDecoder {
    fn decode(&mut self, bytes: &[u8], order: Order) -> Result<Decoded, DecodeError> {
        match Self::read(bytes, order)? {
            Handed::Record(record) => Ok(record),
            // Rows leave the lane before anything is decoded.
            Handed::Row(_) => Ok(Decoded::Foreign),
        }
    }
}

impl PushDecoder {
    /// Whether a record is a row that the ACD computed, good or bad; it is not read any further.
    pub(super) fn is_row(bytes: &[u8]) -> bool {
        let head = json::text(bytes).and_then(json::parse::<wire::Head<'_>>);
        head.is_ok_and(|head| head.kind.is_some_and(|kind| &*kind == ROW))
    }

    /// What a record says.
    pub fn read(bytes: &[u8], order: Order) -> Result<Handed, DecodeError> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(DecodeError::TooLong { limit: MAX_RECORD_BYTES });
        }
        let text = json::text(bytes)?;
        let head: wire::Head<'_> = json::parse(text)?;
        match &*head.kind.ok_or_else(|| DecodeError::missing("kind"))? {
            "agent_state" => {
                let record = Decoded::Agent(observation(&json::parse(text)?, text, order)?);
                Ok(Handed::Record(record))
            }
            "contact" => Ok(Handed::Record(Decoded::Contact(leg(&json::parse(text)?, text)?))),
            ROW => Ok(Handed::Row(row(&json::parse(text)?)?)),
            _ => Err(DecodeError::field("kind", Problem::Unknown)),
        }
    }
}

/// An event without an id is known by what it says: handed in twice, it is the same.
fn observation(state: &wire::AgentState<'_>, text: &str, order: Order) -> Result<Observation, DecodeError> {
    let agent = AgentId::from(named(state.agent.as_ref(), "agent")?);
    let at = required_time(state.at.as_ref(), "at")?;
    let id = match state.id.as_ref() {
        Some(_) => EventId::from(named(state.id.as_ref(), "id")?),
        None => EventId::from(&*format!("{:016x}", xxh3_64(text.as_bytes()))),
    };
    let until = time(state.until.as_ref(), "until")?;
    let what = match (state.change, until) {
        (Change::State, Some(until)) if until > at => What::Activity { snapshot: snapshot(state)?, until },
        (Change::State, Some(_)) => return Err(DecodeError::field("until", Problem::NotLater)),
        // Nothing else that an ACD tells of ends by itself.
        (_, Some(_)) => return Err(DecodeError::field("until", Problem::Unknown)),
        (change, None) => lasting(change, state)?,
    };
    Ok(Observation { agent, at, order, id, what })
}

/// What holds until something else is told.
fn lasting(change: Change, state: &wire::AgentState<'_>) -> Result<What, DecodeError> {
    Ok(match change {
        Change::State => What::Snapshot(snapshot(state)?),
        Change::SignIn => What::SignIn(snapshot(state)?),
        Change::Confirmation => What::Confirmation(snapshot(state)?),
        Change::SignOut => What::SignOut(state.status.is_some().then(|| snapshot(state)).transpose()?),
    })
}

fn snapshot(state: &wire::AgentState<'_>) -> Result<Snapshot, DecodeError> {
    let status = match &state.status {
        Some(status) => self::status(status).map_err(|error| error.within("status"))?,
        // Who is offered contacts has selected something that is not told.
        None if !state.contacts.is_empty() => {
            Arc::new(Status { id: None, name: Text::default(), kind: StatusKind::Routable })
        }
        None => return Err(DecodeError::missing("status")),
    };
    let mut contacts = Vec::with_capacity(state.contacts.len());
    for (index, contact) in state.contacts.iter().enumerate() {
        let read = agent_contact(contact);
        contacts.push(read.map_err(|error| error.within(format_args!("contacts[{index}]")))?);
    }
    Ok(Snapshot {
        status,
        status_since: time(state.status_since.as_ref(), "status_since")?,
        contacts,
        profile: profile(state)?,
    })
}

fn status(status: &wire::Status<'_>) -> Result<Arc<Status>, DecodeError> {
    let id = status.id.as_ref().map(|_| named(status.id.as_ref(), "id")).transpose()?;
    Ok(Arc::new(Status {
        id: id.map(StatusId::from),
        name: named(status.name.as_ref(), "name")?.into(),
        kind: status.routing.ok_or_else(|| DecodeError::missing("routing"))?,
    }))
}

/// Nothing where the record tells nothing of it: then the last known profile holds.
fn profile(state: &wire::AgentState<'_>) -> Result<Option<Arc<AgentProfile>>, DecodeError> {
    let told = [&state.login, &state.name, &state.team, &state.routing_profile];
    if told.iter().all(|text| text.is_none()) && state.levels.is_empty() {
        return Ok(None);
    }
    let mut levels: [Text; 5] = Default::default();
    if state.levels.len() > levels.len() {
        return Err(DecodeError::field("levels", Problem::TooLarge));
    }
    for (level, text) in levels.iter_mut().zip(&state.levels) {
        *level = (&**text).into();
    }
    let [login, name, team, routing_profile] =
        told.map(|text| Text::from(text.as_deref().unwrap_or_default()));
    Ok(Some(Arc::new(AgentProfile { login, name, team, levels, routing_profile })))
}

fn agent_contact(contact: &wire::AgentContact<'_>) -> Result<AgentContact, DecodeError> {
    let phase = contact.phase.ok_or_else(|| DecodeError::missing("phase"))?;
    let direction = contact.direction.unwrap_or(Direction::Inbound);
    let queue = contact.queue.as_ref().map(|queue| self::queue(queue.id.as_ref(), queue.name.as_ref()));
    let named_phase =
        contact.phase_name.as_ref().map(|_| named(contact.phase_name.as_ref(), "phase_name")).transpose()?;
    Ok(AgentContact {
        id: ContactId::from(named(contact.id.as_ref(), "id")?),
        channel: channel(contact.channel.as_ref())?,
        initiation: initiation(contact.initiation.as_ref(), direction),
        outbound: direction == Direction::Outbound,
        monitored: contact.monitored,
        phase,
        phase_text: named_phase.map_or_else(|| phase_text(phase), Text::from),
        since: time(contact.since.as_ref(), "since")?,
        queue: queue.transpose().map_err(|error| error.within("queue"))?,
    })
}

/// Our own name of a phase, which is the ACD's where it tells no other.
fn phase_text(phase: ContactPhase) -> Text {
    let name = serde_json::to_value(phase).ok();
    name.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_uppercase().into()
}

fn leg(contact: &wire::Contact<'_>, text: &str) -> Result<ContactLeg, DecodeError> {
    let direction = contact.direction.unwrap_or(Direction::Inbound);
    let updated = required_time(contact.updated.as_ref(), "updated")?;
    let queue = contact.queue.as_ref().map(queue_stay).transpose();
    let agent = contact.agent.as_ref().map(agent_leg).transpose();
    Ok(ContactLeg {
        id: ContactId::from(named(contact.id.as_ref(), "id")?),
        version: ContactVersion { updated, content: xxh3_64(text.as_bytes()) },
        channel: channel(contact.channel.as_ref())?,
        initiation: initiation(contact.initiation.as_ref(), direction),
        direction,
        monitored: contact.monitored,
        queue: queue.map_err(|error| error.within("queue"))?,
        agent: agent.map_err(|error| error.within("agent"))?,
        disconnected: time(contact.disconnected.as_ref(), "disconnected")?,
        handed_on: contact.handed_on,
        transferred_in: contact.transferred_in,
    })
}

fn queue_stay(stay: &wire::QueueStay<'_>) -> Result<QueueStay, DecodeError> {
    Ok(QueueStay {
        queue: queue(stay.id.as_ref(), stay.name.as_ref())?,
        entered: time(stay.entered.as_ref(), "entered")?,
        waited: duration(stay.waited_s.as_ref(), "waited_s")?,
        rang: duration(stay.rang_s.as_ref(), "rang_s")?,
    })
}

fn agent_leg(agent: &wire::AgentLeg<'_>) -> Result<AgentLeg, DecodeError> {
    let told = |number: Option<&Number>, name| Ok(duration(number, name)?.unwrap_or(Millis::ZERO));
    let agent_id = named(agent.id.as_ref(), "id")?;
    Ok(AgentLeg {
        agent: AgentId::from(agent_id),
        login: agent.login.as_deref().unwrap_or(agent_id).into(),
        connected: time(agent.connected.as_ref(), "connected")?,
        talk: told(agent.talk_s.as_ref(), "talk_s")?,
        hold: told(agent.hold_s.as_ref(), "hold_s")?,
        acw: told(agent.acw_s.as_ref(), "acw_s")?,
        acw_end: time(agent.acw_end.as_ref(), "acw_end")?,
        passed_on: agent.passed_on,
    })
}

fn row(told: &wire::ReportRow<'_>) -> Result<AcdRow, DecodeError> {
    let report = told.report.ok_or_else(|| DecodeError::missing("report"))?;
    if !AcdReport::INTERVALS.contains(&report) {
        return Err(DecodeError::field("report", Problem::Unknown));
    }
    let start = required_time(told.interval_start.as_ref(), "interval_start")?;
    let length = duration(told.interval_s.as_ref(), "interval_s")?.filter(|length| *length > Millis::ZERO);
    let length = length.ok_or_else(|| DecodeError::missing("interval_s"))?;
    let name = named(told.name.as_ref(), "name")?;
    let mut row = AcdRow::new(report, name.into(), start, length, grouping(told)?);
    row.telling = Telling { file: Text::default(), made: required_time(told.made.as_ref(), "made")? };
    for (column, number) in &told.values {
        let at = |problem| DecodeError::field(column, problem).within("values");
        let known = Column::from_name(column).ok_or_else(|| at(Problem::Unknown))?;
        let value = value(known, number).map_err(at)?;
        if !row.put(known, value) {
            return Err(at(Problem::Unknown));
        }
    }
    Ok(row)
}

fn grouping(told: &wire::ReportRow<'_>) -> Result<Grouping, DecodeError> {
    let by_queue = told.report != Some(AcdReport::AgentInterval);
    let by_agent = told.report != Some(AcdReport::QueueInterval);
    if by_queue && told.queue.is_none() {
        return Err(DecodeError::missing("queue"));
    }
    if by_agent && told.agent.is_none() {
        return Err(DecodeError::missing("agent"));
    }
    let queue = told.queue.as_ref().map(|queue| known(queue.id.as_ref(), queue.name.as_ref(), "name"));
    let agent = told.agent.as_ref().map(|agent| known(agent.id.as_ref(), agent.login.as_ref(), "login"));
    Ok(Grouping {
        queue: queue.transpose().map_err(|error| error.within("queue"))?,
        agent: agent.transpose().map_err(|error| error.within("agent"))?,
        channel: told.channel.as_ref().map(|word| channel(Some(word))).transpose()?,
        direction: told.direction,
        further: Vec::new(),
    })
}

/// By its id where there is one, otherwise by its name.
fn known<I: From<Text>>(
    id: Option<&Str<'_>>,
    name: Option<&Str<'_>>,
    what: &'static str,
) -> Result<Known<I>, DecodeError> {
    Ok(match id {
        Some(_) => Known::Id(I::from(named(id, "id")?.into())),
        None => Known::Name(named(name, what)?.into()),
    })
}

fn value(column: Column, number: &Number) -> Result<Value, Problem> {
    Ok(match column.unit() {
        Unit::Count => Value::Count(count(number).ok_or(Problem::WrongType(Found::Decimal))?),
        Unit::Duration => Value::Duration(millis(number)?),
        Unit::Percent => {
            let percent = number.as_f64().filter(|percent| (0.0..=100.0).contains(percent));
            #[expect(clippy::cast_possible_truncation, reason = "at most 10000")]
            let hundredths = (percent.ok_or(Problem::TooLarge)? * 100.0).round() as i64;
            Value::Percent(Fixed::new(hundredths, 2))
        }
    })
}

/// A whole number. Some languages write one as `3.0`, and JSON does not tell that from `3`.
fn count(number: &Number) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, and neither negative nor large"
    )]
    let whole =
        |value: f64| (value.fract() == 0.0 && (0.0..=MOST_EXACT).contains(&value)).then_some(value as u64);
    number.as_u64().or_else(|| number.as_f64().and_then(whole))
}

fn queue(id: Option<&Str<'_>>, name: Option<&Str<'_>>) -> Result<Arc<Queue>, DecodeError> {
    let id = named(id, "id")?;
    let name = name.map_or(id, |name| name);
    Ok(Arc::new(Queue { id: id.into(), name: name.into(), personal: false }))
}

fn channel(word: Option<&Str<'_>>) -> Result<Channel, DecodeError> {
    Ok(Channel::from(&*named(word, "channel")?.to_uppercase()))
}

fn initiation(word: Option<&Str<'_>>, direction: Direction) -> Text {
    word.map_or_else(|| direction.as_str().to_uppercase(), |word| word.to_uppercase()).into()
}

/// A text that names something: not empty, and short enough to be an id.
fn named<'a>(text: Option<&'a Str<'_>>, name: &'static str) -> Result<&'a str, DecodeError> {
    let text = text.ok_or_else(|| DecodeError::missing(name))?;
    match text.len() {
        0 => Err(DecodeError::field(name, Problem::Empty)),
        1..=MAX_ID_BYTES => Ok(text),
        _ => Err(DecodeError::field(name, Problem::TooLarge)),
    }
}

fn time(text: Option<&Str<'_>>, name: &'static str) -> Result<Option<Timestamp>, DecodeError> {
    let parse = |text: &Str<'_>| text.parse().map_err(|_| DecodeError::field(name, Problem::NotATime));
    text.map(parse).transpose()
}

fn required_time(text: Option<&Str<'_>>, name: &'static str) -> Result<Timestamp, DecodeError> {
    time(text, name)?.ok_or_else(|| DecodeError::missing(name))
}

/// Seconds, with at most three decimals that count.
fn duration(number: Option<&Number>, name: &'static str) -> Result<Option<Millis>, DecodeError> {
    number.map(|number| millis(number).map_err(|problem| DecodeError::field(name, problem))).transpose()
}

fn millis(number: &Number) -> Result<Millis, Problem> {
    let seconds = number.as_f64().unwrap_or(f64::MAX);
    if seconds < 0.0 {
        return Err(Problem::Negative);
    }
    if seconds > LONGEST_S {
        return Err(Problem::TooLarge);
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most a year")]
    let millis = (seconds * 1000.0).round() as i64;
    Ok(Millis::new(millis))
}
