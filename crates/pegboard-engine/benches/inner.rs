//! The inner loops of the engine: the fold, the derivation of timelines, and the rows of reports.
//!
//! `cargo bench -p pegboard-engine`

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use jiff::tz::TimeZone;
use pegboard_engine::agents::AgentReport;
use pegboard_engine::queues::{QueueGoals, QueueReport};
use pegboard_engine::segments::segment_rows;
use pegboard_engine::{Grid, IntervalLength, Silence, StatusTable, Timeline, TimelinePolicy, Track, Window};
use pegboard_model::policy::{GroupBy, Pegging, Precedence, RingIn, ServiceLevelFormula};
use pegboard_model::{
    AgentContact, AgentLeg, AgentProfile, Channel, ContactLeg, ContactPhase, ContactVersion, Direction,
    Millis, Observation, Order, Position, Queue, QueueStay, Snapshot, Status, StatusKind, Timestamp, What,
};

fn main() {
    divan::main();
}

const AGENTS: u64 = 100;
const QUEUES: u64 = 20;
const SHIFT: i64 = 8;

/// 2026-03-02T09:00:00Z.
const START: Timestamp = Timestamp::from_seconds(1_772_442_000);

const WINDOW: Window = Window { from: START, to: Timestamp::from_seconds(1_772_442_000 + SHIFT * 3600) };

/// What an agent does in the six minutes of a call, in seconds; with a heartbeat every two minutes, as the platform has it.
const CALL: [(i64, Option<ContactPhase>); 8] = [
    (0, None),
    (60, Some(ContactPhase::Alerting)),
    (68, Some(ContactPhase::Connected)),
    (120, Some(ContactPhase::Connected)),
    (200, Some(ContactPhase::Held)),
    (230, Some(ContactPhase::Connected)),
    (240, Some(ContactPhase::Connected)),
    (300, Some(ContactPhase::Wrapping)),
];

/// One shift of each agent, in order.
static EVIDENCE: LazyLock<Vec<Vec<Observation>>> = LazyLock::new(|| (0..AGENTS).map(shift).collect());

static TIMELINES: LazyLock<Vec<Timeline>> = LazyLock::new(|| {
    let derive = |(number, seen): (u64, &Vec<Observation>)| derive(number, seen.iter().collect());
    (0..).zip(EVIDENCE.iter()).map(derive).collect()
});

/// One leg for each call of each agent.
static LEGS: LazyLock<Vec<ContactLeg>> = LazyLock::new(|| {
    (0..AGENTS).flat_map(|agent| (0..SHIFT * 10).map(move |call| leg(agent, call))).collect()
});

fn shift(agent: u64) -> Vec<Observation> {
    let profile = Arc::new(AgentProfile {
        login: format!("agent-{agent}").as_str().into(),
        team: format!("Team {}", agent % 8).as_str().into(),
        ..AgentProfile::default()
    });
    let status = Arc::new(Status { id: None, name: "Available".into(), kind: StatusKind::Routable });
    let queue = queue(agent % QUEUES);
    let mut shift = Vec::new();
    for call in 0..SHIFT * 10 {
        for (second, phase) in CALL {
            let at = START + Millis::from_seconds(call * 360 + second);
            let contact = phase.map(|phase| AgentContact {
                id: format!("contact-{agent}-{call}").as_str().into(),
                channel: Channel::Voice,
                initiation: "INBOUND".into(),
                outbound: false,
                monitored: false,
                phase,
                phase_text: "TEXT".into(),
                since: Some(at),
                queue: Some(queue.clone()),
            });
            let snapshot = Snapshot {
                status: status.clone(),
                status_since: Some(START),
                contacts: contact.into_iter().collect(),
                profile: Some(profile.clone()),
            };
            let number = shift.len() as u64;
            shift.push(Observation {
                agent: format!("agent-{agent}").as_str().into(),
                at,
                order: Order { partition: "0".into(), position: Position::Number(number) },
                id: format!("event-{agent}-{number}").as_str().into(),
                what: What::Snapshot(snapshot),
            });
        }
    }
    shift
}

fn queue(number: u64) -> Arc<Queue> {
    let (id, name) = (format!("queue-{number}"), format!("Queue {number}"));
    Arc::new(Queue { id: id.as_str().into(), name: name.as_str().into(), personal: false })
}

fn leg(agent: u64, call: i64) -> ContactLeg {
    let began = START + Millis::from_seconds(call * 360);
    ContactLeg {
        id: format!("contact-{agent}-{call}").as_str().into(),
        version: ContactVersion { updated: began + Millis::from_minutes(7), content: 0 },
        channel: Channel::Voice,
        initiation: "INBOUND".into(),
        direction: Direction::Inbound,
        monitored: false,
        queue: Some(QueueStay {
            queue: queue(agent % QUEUES),
            entered: Some(began),
            waited: Some(Millis::from_seconds(call % 30)),
            rang: Some(Millis::from_seconds(8)),
        }),
        agent: Some(AgentLeg {
            agent: format!("agent-{agent}").as_str().into(),
            login: format!("agent-{agent}").as_str().into(),
            connected: Some(began + Millis::from_seconds(68)),
            talk: Millis::from_seconds(202),
            hold: Millis::from_seconds(30),
            acw: Millis::from_seconds(60),
            acw_end: Some(began + Millis::from_seconds(360)),
            passed_on: false,
        }),
        disconnected: Some(began + Millis::from_seconds(300)),
        handed_on: false,
        transferred_in: false,
    }
}

fn policy() -> TimelinePolicy {
    TimelinePolicy { precedence: Precedence::default(), silence: Some(Silence::default()) }
}

fn derive(number: u64, seen: Vec<&Observation>) -> Timeline {
    let agent = format!("agent-{number}").as_str().into();
    let (timeline, _) = Timeline::derive(agent, seen, &policy()).expect("there is evidence");
    timeline
}

fn events() -> usize {
    EVIDENCE.iter().map(Vec::len).sum()
}

/// One event after the other, as they come live.
#[divan::bench]
fn fold(bencher: Bencher<'_, '_>) {
    let policy = policy();
    bencher.counter(ItemsCount::new(events())).bench_local(|| {
        for seen in EVIDENCE.iter() {
            let mut track = Track::default();
            for seen in seen {
                track.apply(seen, &policy, &mut |segment| drop(black_box(segment)));
            }
            black_box(&track);
        }
    });
}

/// The copy of a track that is made for each agent of a batch, so that nothing has happened if it fails.
#[divan::bench]
fn copy_track(bencher: Bencher<'_, '_>) {
    let tracks = tracks();
    bencher.counter(ItemsCount::new(tracks.len())).bench_local(|| black_box(tracks.clone()));
}

/// A track as it is stored with each batch.
#[divan::bench]
fn write_track(bencher: Bencher<'_, '_>) {
    let tracks = tracks();
    let write = |track: &Track| serde_json::to_string(track).expect("a track can be written");
    bencher
        .counter(ItemsCount::new(tracks.len()))
        .bench_local(|| tracks.iter().map(write).map(black_box).count());
}

/// A track as it is loaded at the start.
#[divan::bench]
fn read_track(bencher: Bencher<'_, '_>) {
    let texts: Vec<_> =
        tracks().iter().map(|track| serde_json::to_string(track).expect("a track can be written")).collect();
    bencher.counter(ItemsCount::new(texts.len())).bench_local(|| {
        for text in &texts {
            black_box(serde_json::from_str::<Track>(text).expect("it was written"));
        }
    });
}

/// All tracks in the middle of a call.
fn tracks() -> Vec<Track> {
    let policy = policy();
    let track = |seen: &Vec<Observation>| {
        let mut track = Track::default();
        for seen in &seen[..seen.len() - 4] {
            track.apply(seen, &policy, &mut drop);
        }
        track
    };
    EVIDENCE.iter().map(track).collect()
}

/// The whole timeline of each agent from evidence that is in order but for a few.
#[divan::bench]
fn derive_timelines(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(events())).bench_local(|| {
        for (number, seen) in (0..).zip(EVIDENCE.iter()) {
            let mut seen: Vec<&Observation> = seen.iter().collect();
            seen.swap(10, 20);
            black_box(derive(number, seen));
        }
    });
}

/// The same from evidence in any order.
#[divan::bench]
fn derive_timelines_from_any_order(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(events())).bench_local(|| {
        for (number, seen) in (0..).zip(EVIDENCE.iter()) {
            // A step that has no divisor in common with the number of events comes by all of them.
            let turned = (0..seen.len()).map(|place| &seen[place * 271 % seen.len()]);
            black_box(derive(number, turned.collect()));
        }
    });
}

fn grid() -> Grid {
    Grid::new(IntervalLength::minutes(15).expect("a length that is allowed"), &TimeZone::UTC, WINDOW)
}

/// From timelines to rows; counted are segments.
#[divan::bench]
fn agent_interval(bencher: Bencher<'_, '_>) {
    let report = AgentReport {
        source: "bench".into(),
        grid: grid(),
        known_until: WINDOW.to,
        statuses: StatusTable::default(),
        group_by: GroupBy::default(),
    };
    let segments: usize = TIMELINES.iter().map(|timeline| timeline.segments.len()).sum();
    bencher.counter(ItemsCount::new(segments)).bench_local(|| {
        for timeline in TIMELINES.iter() {
            black_box(report.rows(timeline));
        }
    });
}

/// From timelines to rows of `segments`.
#[divan::bench]
fn segments(bencher: Bencher<'_, '_>) {
    let (source, segments) =
        ("bench".into(), TIMELINES.iter().map(|timeline| timeline.segments.len()).sum::<usize>());
    bencher.counter(ItemsCount::new(segments)).bench_local(|| {
        for timeline in TIMELINES.iter() {
            black_box(segment_rows(&source, timeline, WINDOW, WINDOW.to));
        }
    });
}

fn queue_report() -> QueueReport {
    QueueReport {
        source: "bench".into(),
        grid: grid(),
        goals: HashMap::new(),
        default_goals: QueueGoals::default(),
        formula: ServiceLevelFormula::default(),
        pegging: Pegging::default(),
        ring_in: RingIn::default(),
        personal_queues: false,
    }
}

/// From contacts to rows; counted are contacts.
#[divan::bench]
fn queue_interval(bencher: Bencher<'_, '_>) {
    let report = queue_report();
    bencher.counter(ItemsCount::new(LEGS.len())).bench_local(|| report.queue_rows(LEGS.iter()));
}

/// The same by agent and queue.
#[divan::bench]
fn agent_queue_interval(bencher: Bencher<'_, '_>) {
    let report = queue_report();
    bencher.counter(ItemsCount::new(LEGS.len())).bench_local(|| report.agent_queue_rows(LEGS.iter()));
}
