//! Histories that happened and histories that could not have: the laws hold for both.

use std::sync::Arc;

use pegboard_engine::{Silence, StatusTable, StatusType, Timeline, TimelinePolicy};
use pegboard_model::policy::Precedence;
use pegboard_model::{
    AgentContact, AgentId, AgentProfile, ContactPhase, Millis, Observation, Snapshot, Status, StatusKind,
    Timestamp, What,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{at, phase, place, queue};

/// So many cases, or as many as `PROPTEST_CASES` asks for.
pub(crate) fn cases(count: u32) -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        default
    } else {
        ProptestConfig { cases: count, ..default }
    }
}

/// Everything that was seen of one agent, in the order in which it was read.
pub(crate) type Evidence = Vec<Observation>;

/// One thing that happens, and how it is told.
#[derive(Debug, Clone)]
struct Step {
    /// Milliseconds since the step before; often none.
    gap: i64,
    change: Change,
    told: Told,
    /// The start that the platform reports is that long ago, if it reports one.
    reported: Option<i64>,
    partition: &'static str,
    version: Option<u64>,
    tells_profile: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Nothing,
    Status(usize),
    Team(usize),
    Contact { slot: usize, phase: &'static str },
    Leaves { slot: usize },
}

#[derive(Debug, Clone, Copy)]
enum Told {
    Change,
    Heartbeat,
    SignIn,
    SignOut,
    BareSignOut,
    StatusAlone,
    ContactAlone,
    Departure,
    /// Of so many milliseconds.
    Activity(i64),
}

const PHASES: [&str; 11] = [
    "INCOMING",
    "PENDING",
    "CONNECTING",
    "CONNECTED",
    "CONNECTED_ONHOLD",
    "PAUSED",
    "ENDED",
    "MISSED",
    "REJECTED",
    "ERROR",
    "DREAMING",
];
const STATUSES: [(&str, StatusKind); 5] = [
    ("Available", StatusKind::Routable),
    ("Break", StatusKind::Aux),
    ("Lunch", StatusKind::Aux),
    ("Offline", StatusKind::Offline),
    ("Ready", StatusKind::Routable),
];
const TEAMS: [&str; 3] = ["", "Blue", "Red"];
const CHANNELS: [&str; 3] = ["VOICE", "CHAT", "TASK"];
const SLOTS: usize = 4;

fn gap() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => Just(0),
        3 => 1..1000_i64,
        6 => 1_000..120_000_i64,
        4 => select(vec![120_000, 300_000, 299_999, 600_000]),
        3 => 120_000..3_600_000_i64,
        1 => 3_600_000..50_000_000_i64,
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => Just(Change::Nothing),
        4 => (0..STATUSES.len()).prop_map(Change::Status),
        1 => (0..TEAMS.len()).prop_map(Change::Team),
        6 => (0..SLOTS, select(&PHASES[..])).prop_map(|(slot, phase)| Change::Contact { slot, phase }),
        3 => (0..SLOTS).prop_map(|slot| Change::Leaves { slot }),
    ]
}

fn told() -> impl Strategy<Value = Told> {
    prop_oneof![
        10 => Just(Told::Change),
        5 => Just(Told::Heartbeat),
        2 => Just(Told::SignIn),
        1 => Just(Told::SignOut),
        1 => Just(Told::BareSignOut),
        1 => Just(Told::StatusAlone),
        1 => Just(Told::ContactAlone),
        1 => Just(Told::Departure),
        2 => (1..400_000_i64).prop_map(Told::Activity),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let reported =
        prop_oneof![3 => Just(None), 2 => Just(Some(0)), 4 => gap().prop_map(Some), 1 => Just(Some(-60_000))];
    let version = prop_oneof![1 => Just(None), 2 => (0..20_u64).prop_map(Some)];
    (gap(), change(), told(), reported, select(vec!["p", "p", "q"]), version, any::<bool>()).prop_map(
        |(gap, change, told, reported, partition, version, tells_profile)| Step {
            gap,
            change,
            told,
            reported,
            partition,
            version,
            tells_profile,
        },
    )
}

/// The agent as the platform sees it while the history is made.
struct World {
    now: Timestamp,
    status: usize,
    status_since: Option<Timestamp>,
    team: usize,
    contacts: [Option<AgentContact>; SLOTS],
}

impl World {
    fn change(&mut self, step: &Step) {
        self.now = self.now + Millis::new(step.gap);
        let since = step.reported.map(|ago| self.now - Millis::new(ago));
        match &step.change {
            Change::Nothing => {}
            Change::Status(status) => (self.status, self.status_since) = (*status, since),
            Change::Team(team) => self.team = *team,
            Change::Contact { slot, phase } => self.contacts[*slot] = Some(contact(*slot, phase, since)),
            Change::Leaves { slot } => self.contacts[*slot] = None,
        }
    }

    fn tell(&self, step: &Step) -> What {
        let slot = match step.change {
            Change::Contact { slot, .. } | Change::Leaves { slot } => slot,
            _ => 0,
        };
        match step.told {
            Told::Change => What::Snapshot(self.snapshot(step)),
            Told::Heartbeat => What::Confirmation(self.snapshot(step)),
            Told::SignIn => What::SignIn(self.snapshot(step)),
            Told::Activity(lasts) => {
                What::Activity { snapshot: self.snapshot(step), until: self.now + Millis::new(lasts) }
            }
            Told::SignOut => What::SignOut(Some(self.snapshot(step))),
            Told::BareSignOut => What::SignOut(None),
            Told::StatusAlone => What::Status {
                status: self.status(),
                since: self.status_since,
                version: step.version,
                profile: self.profile(step),
            },
            Told::ContactAlone => {
                let contact = self.contacts[slot].clone().unwrap_or_else(|| contact(slot, "CONNECTED", None));
                What::Contact { contact, version: step.version }
            }
            Told::Departure => {
                What::ContactGone { contact: contact_id(slot).as_str().into(), version: step.version }
            }
        }
    }

    fn snapshot(&self, step: &Step) -> Snapshot {
        Snapshot {
            status: self.status(),
            status_since: self.status_since,
            contacts: self.contacts.iter().flatten().cloned().collect(),
            profile: self.profile(step),
        }
    }

    fn status(&self) -> Arc<Status> {
        let (name, kind) = STATUSES[self.status];
        Arc::new(Status { id: None, name: name.into(), kind })
    }

    fn profile(&self, step: &Step) -> Option<Arc<AgentProfile>> {
        let team = TEAMS[self.team];
        let profile = AgentProfile { login: "ann".into(), team: team.into(), ..AgentProfile::default() };
        step.tells_profile.then(|| Arc::new(profile))
    }
}

fn contact_id(slot: usize) -> String {
    format!("c{slot}")
}

/// Slot 3 is always a monitored one; slot 2 is placed by the agent.
fn contact(slot: usize, phase_text: &str, since: Option<Timestamp>) -> AgentContact {
    AgentContact {
        id: contact_id(slot).as_str().into(),
        channel: CHANNELS[slot % CHANNELS.len()].into(),
        initiation: if slot == 2 { "OUTBOUND".into() } else { "INBOUND".into() },
        outbound: slot == 2,
        monitored: slot == 3,
        phase: if phase_text == "DREAMING" { ContactPhase::Unrecognised } else { phase(phase_text) },
        phase_text: phase_text.into(),
        since,
        queue: (slot == 1).then(|| queue("sales")),
    }
}

/// Event ids do not follow time, as UUIDs do not.
fn event_id(index: usize) -> String {
    format!("{:03}-{index}", (index * 157 + 71) % 256)
}

fn tell(agent: &AgentId, start: i64, steps: &[Step]) -> Evidence {
    let mut world = World {
        now: at("09:00") + Millis::new(start),
        status: 0,
        status_since: None,
        team: 0,
        contacts: [const { None }; SLOTS],
    };
    let tell = |(index, step): (usize, &Step)| {
        world.change(step);
        Observation {
            agent: agent.clone(),
            at: world.now,
            order: place(step.partition, index as u64),
            id: event_id(index).as_str().into(),
            what: world.tell(step),
        }
    };
    steps.iter().enumerate().map(tell).collect()
}

/// What is seen of one agent in some hours or days.
pub(crate) fn evidence() -> impl Strategy<Value = Evidence> {
    evidence_of("a0".into())
}

fn evidence_of(agent: AgentId) -> impl Strategy<Value = Evidence> {
    (0..86_400_000_i64, prop::collection::vec(step(), 1..24))
        .prop_map(move |(start, steps)| tell(&agent, start, &steps))
}

/// The same from one partition only, so that the order of reading is the order of the events.
pub(crate) fn evidence_in_order() -> impl Strategy<Value = Evidence> {
    evidence().prop_map(|mut evidence| {
        for seen in &mut evidence {
            seen.order.partition = "p".into();
        }
        evidence
    })
}

/// What is seen of one to five agents.
pub(crate) fn floor() -> impl Strategy<Value = Vec<Evidence>> {
    (1..=5_usize).prop_flat_map(|agents| {
        (0..agents).map(|agent| evidence_of(format!("a{agent}").as_str().into())).collect::<Vec<_>>()
    })
}

/// Every precedence, with silence, without, and with one that is soon over.
pub(crate) fn policy() -> impl Strategy<Value = TimelinePolicy> {
    let short = Silence { stale_after: Millis::from_minutes(2), gone_after: Millis::from_minutes(50) };
    let silence = select(vec![None, Some(Silence::default()), Some(short)]);
    (select(vec![Precedence::ContactFirst, Precedence::Aws]), silence)
        .prop_map(|(precedence, silence)| TimelinePolicy { precedence, silence })
}

/// Status tables, the empty one among them.
pub(crate) fn status_table() -> impl Strategy<Value = StatusTable> {
    let kinds =
        vec![StatusType::Available, StatusType::Productive, StatusType::SignedIn, StatusType::SignedOut];
    prop::collection::vec((select(&STATUSES[..]), select(kinds)), 0..4).prop_map(|rows| {
        let mut table = StatusTable::default();
        for ((name, _), kind) in rows {
            table.set(name, kind);
        }
        table
    })
}

/// The timelines of a floor.
pub(crate) fn derive(floor: &[Evidence], policy: &TimelinePolicy) -> Vec<Timeline> {
    let derive = |evidence: &Evidence| {
        Timeline::derive(evidence[0].agent.clone(), evidence.clone(), policy).expect("evidence").0
    };
    floor.iter().map(derive).collect()
}

/// The first and the last instant of any evidence.
pub(crate) fn reach(floor: &[Evidence]) -> (Timestamp, Timestamp) {
    let times = || floor.iter().flatten().map(|seen| seen.at);
    (times().min().expect("evidence"), times().max().expect("evidence"))
}
