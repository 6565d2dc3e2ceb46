//! Small values of everything that a store keeps.

use std::collections::BTreeMap;
use std::sync::Arc;

use pegboard_model::{
    AgentId, AgentNow, AgentProfile, Channel, Class, ContactLeg, ContactVersion, Direction, Millis,
    Observation, Order, PartitionId, Position, Segment, Snapshot, SourceName, State, Status, StatusKind,
    Timestamp, What,
};
use pegboard_store::{
    AcdRowWrite, AgentWrite, Batch, Close, ClosedUntil, Counts, Cursor, DeadLetterWrite, EventWrite,
    EventsWrite, FeedEntry, FeedKind, HandIn, QueueName, RawEvent, RowWrite, SegmentsWrite, Store,
    StoredAgent,
};

/// An instant, in seconds from the morning of the tests.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_772_355_600 + seconds)
}

pub(crate) fn source() -> SourceName {
    "connect".into()
}

pub(crate) fn shard() -> PartitionId {
    "shard-0".into()
}

pub(crate) fn number(position: u64) -> Position {
    Position::Number(position)
}

/// The number of a position; 0 before the first.
pub(crate) fn position_of(position: Option<&Position>) -> u64 {
    match position {
        Some(Position::Number(position)) => *position,
        _ => 0,
    }
}

/// A batch of nothing but a position, from `expected` to the next; 0 is before the first.
pub(crate) fn batch(epoch: u64, expected: u64) -> Batch {
    Batch {
        source: source(),
        partition: shard(),
        epoch,
        expected: (expected > 0).then(|| number(expected)),
        position: Some(number(expected + 1)),
        watermark: None,
        behind: None,
        finished: false,
        counts: Counts { records: 1, ..Counts::default() },
        agents: Vec::new(),
        evidence: Vec::new(),
        segments: Vec::new(),
        contacts: Vec::new(),
        dirty: Vec::new(),
        states: Vec::new(),
        dead_letters: Vec::new(),
        gaps: Vec::new(),
        contact_events: Vec::new(),
        acd_rows: Vec::new(),
        queue_names: Vec::new(),
        events: None,
        archive: None,
    }
}

/// A record, as it came.
pub(crate) fn event_write(position: u64) -> EventWrite {
    EventWrite { position: number(position), data: format!("{{\"event\":{position}}}").into_bytes() }
}

/// Records that were read so many seconds from the morning of the tests.
pub(crate) fn events_write(seconds: i64, events: Vec<EventWrite>) -> EventsWrite {
    EventsWrite { read: at(seconds), events }
}

/// All records that are kept of the source.
pub(crate) async fn whole_events(store: &dyn Store) -> Vec<RawEvent> {
    let (mut events, mut after) = (Vec::new(), 0);
    loop {
        let page = store.raw_events(&source(), after, 999).await.unwrap();
        let Some(last) = page.events.last() else { return events };
        after = last.number;
        events.extend(page.events);
    }
}

/// A batch with one of everything that one event of an agent brings. All batches before it were about this agent, or
/// none.
pub(crate) fn event(epoch: u64, expected: u64, agent: &str) -> Batch {
    let seconds = i64::try_from(expected).unwrap();
    let present = now(agent, seconds, &format!("status {expected}"));
    Batch {
        agents: vec![AgentWrite { version: expected, ..agent_write(&present) }],
        evidence: vec![observation(agent, seconds, &format!("event-{expected}"))],
        segments: vec![SegmentsWrite {
            agent: agent.into(),
            from: at(seconds),
            segments: vec![segment(seconds, None, "Available")],
            until: None,
            keep_mark: false,
        }],
        states: vec![present],
        ..batch(epoch, expected)
    }
}

/// The same of an agent of whom nothing was known.
pub(crate) fn first_event(epoch: u64, expected: u64, agent: &str) -> Batch {
    let mut first = event(epoch, expected, agent);
    first.agents[0].version = 0;
    first
}

pub(crate) fn state(status: &str) -> State {
    let status = Status { id: Some("s-1".into()), name: status.into(), kind: StatusKind::Routable };
    State {
        class: Class::Available,
        status: Some(Arc::new(status)),
        contact: None,
        signed_out: false,
        profile: profile(),
    }
}

fn profile() -> Arc<AgentProfile> {
    Arc::new(AgentProfile {
        login: "jdoe".into(),
        name: "Jane Doe".into(),
        team: "Billing".into(),
        ..AgentProfile::default()
    })
}

pub(crate) fn now(agent: &str, since: i64, status: &str) -> AgentNow {
    AgentNow::new(&source(), &agent.into(), at(since), &state(status), &profile())
}

pub(crate) fn agent_write(now: &AgentNow) -> AgentWrite {
    AgentWrite {
        agent: now.agent_id.clone(),
        track: format!("{{\"since\":\"{}\"}}", now.since),
        now: now.clone(),
        heard: now.since,
        begins: Some((now.since, Class::Unknown)),
        version: 0,
    }
}

pub(crate) fn observation(agent: &str, seconds: i64, id: &str) -> Observation {
    let status = Status { id: None, name: "Lunch".into(), kind: StatusKind::Aux };
    let snapshot = Snapshot {
        status: Arc::new(status),
        status_since: Some(at(seconds)),
        contacts: Vec::new(),
        profile: Some(profile()),
    };
    Observation {
        agent: agent.into(),
        at: at(seconds),
        order: Order { partition: shard(), position: Position::Sequence("4959033827149".into()) },
        id: id.into(),
        what: What::Snapshot(snapshot),
    }
}

pub(crate) fn segment(start: i64, end: Option<i64>, status: &str) -> Segment {
    Segment { start: at(start), end: end.map(at), state: state(status), mark: None }
}

pub(crate) fn contact(id: &str, updated: i64, content: u64) -> ContactLeg {
    ContactLeg {
        id: id.into(),
        version: ContactVersion { updated: at(updated), content },
        channel: Channel::Voice,
        initiation: "INBOUND".into(),
        direction: Direction::Inbound,
        monitored: false,
        queue: None,
        agent: None,
        disconnected: Some(at(updated)),
        handed_on: false,
        transferred_in: false,
    }
}

pub(crate) fn dead_letter(position: u64, payload: Vec<u8>) -> DeadLetterWrite {
    DeadLetterWrite {
        position: number(position),
        reason: "AgentARN: missing".into(),
        payload,
        at: at(0) + Millis::new(i64::try_from(position).unwrap()),
    }
}

/// Nothing to close; the interval from 0 to 900 is over.
pub(crate) fn close(epoch: u64) -> Close {
    Close {
        source: source(),
        epoch,
        closed_until: ClosedUntil::both(at(900)),
        rows: Vec::new(),
        gone: Vec::new(),
        answered: Vec::new(),
        at: at(960),
    }
}

pub(crate) fn row(key: &str, body: &str, reason: &str) -> RowWrite {
    RowWrite {
        report: "agent_interval".into(),
        interval_start: at(0),
        key: key.to_string(),
        body: body.to_string(),
        reason: reason.into(),
    }
}

/// A row that the ACD computed of the interval from 0 on.
pub(crate) fn acd_row(key: &str, body: &str, file: &str, told: i64) -> AcdRowWrite {
    AcdRowWrite {
        report: "queue_interval".into(),
        interval_start: at(0),
        key: key.to_string(),
        body: body.to_string(),
        file: file.into(),
        told: at(told),
        reason: "late".into(),
    }
}

/// A queue that was seen under a name at an instant.
/// Records that are handed in under a key, five seconds after the beginning.
pub(crate) fn handed(key: &str, records: &[&[u8]]) -> HandIn {
    HandIn {
        source: source(),
        lane: shard(),
        key: Some(key.into()),
        at: at(5),
        records: records.iter().map(|record| record.to_vec()).collect(),
        answer: format!("answer to {key}"),
    }
}

pub(crate) fn queue_name(queue: &str, name: &str, seconds: i64) -> QueueName {
    QueueName { queue: queue.into(), name: name.into(), first_seen: at(seconds), last_seen: at(seconds) }
}

/// Takes the shard and commits events for `agents`, of whom nothing was known, one each time that they are named.
pub(crate) async fn commit_events(store: &dyn Store, agents: &[&str]) -> u64 {
    let taken = store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let mut written: BTreeMap<&str, u64> = BTreeMap::new();
    for (position, agent) in (position_of(taken.position.as_ref())..).zip(agents) {
        let mut event = event(taken.epoch, position, agent);
        let version = written.entry(agent).or_default();
        event.agents[0].version = *version;
        *version += 1;
        store.commit(event).await.unwrap();
    }
    taken.epoch
}

/// The cursor before everything.
pub(crate) fn beginning(store: &dyn Store) -> Cursor {
    Cursor { store: store.id().clone(), seen: BTreeMap::new() }
}

/// Everything in a feed.
pub(crate) async fn whole_feed(store: &dyn Store, kind: FeedKind) -> Vec<FeedEntry> {
    let mut cursor = beginning(store);
    let mut entries = Vec::new();
    loop {
        let page = store.feed(kind, &cursor, &[], 7).await.unwrap();
        entries.extend(page.entries);
        if !page.more {
            return entries;
        }
        cursor = page.cursor;
    }
}

/// What the engine keeps of all agents.
pub(crate) async fn all_agents(store: &dyn Store) -> Vec<StoredAgent> {
    store.stored_agents(&source(), None, usize::MAX).await.unwrap()
}

pub(crate) async fn all_segments(store: &dyn Store, agent: &str) -> Vec<Segment> {
    let agent = AgentId::from(agent);
    let found = store.segments(&source(), Some(&agent), Timestamp::MIN, Timestamp::MAX).await.unwrap();
    found.into_iter().map(|(_, segment)| segment).collect()
}
