//! The platform itself, asked beside its stream: it shows everybody as he is, if it answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use pegboard_connect::sources::amazon_connect::Decoder;
use pegboard_connect::spec::{Decoded, Look, Shown, Snapshots, SourceError, Whom};
use pegboard_engine::{TimelinePolicy, Track};
use pegboard_model::{
    AgentContact, AgentId, AgentNow, Channel, Class, ContactId, ContactPhase, EventId, Observation, Order,
    Position, Snapshot, SourceName, Text, Timestamp, What,
};
use pegboard_sim::events::{AgentEventRecord, AgentView, EventKind};
use pegboard_sim::organisation::AgentNo;
use pegboard_sim::wire::Writer;
use pegboard_sim::world::{Change, Presence};
use pegboard_store::Store;
use tokio::time::{Duration, Instant};

use super::at_once::at_once;
use super::clock;
use super::source::Wire;
use crate::support::day::Day;

/// Who asked, and when.
pub(super) type Askers = Arc<Mutex<Vec<(usize, Instant)>>>;

/// What an agent is in, as far as the platform shows it.
type State = (Class, Text, Option<ContactId>);

/// The platform, as one node asks it.
#[derive(Debug, Clone)]
pub(super) struct Platform {
    pub(super) day: Day,
    pub(super) wire: Wire,
    /// The node.
    pub(super) asker: usize,
    pub(super) askers: Askers,
}

#[async_trait]
impl Snapshots for Platform {
    async fn look(&self, at: Whom<'_>) -> Result<Look, SourceError> {
        let began = clock::centre();
        self.askers.lock().unwrap_or_else(PoisonError::into_inner).push((self.asker, Instant::now()));
        self.wire.request("platform: slow", "platform: does not answer").await?;
        let asked = clock::centre();
        let is_asked = |agent: &AgentId| match at {
            Whom::Everybody => true,
            Whom::Only(agents) => agents.contains(agent),
        };
        let signed_in = signed_in(&self.day, asked);
        let shown = signed_in.into_iter().filter(|(agent, _)| is_asked(agent));
        let shown = shown.map(|(agent, snapshot)| Shown { agent, at: asked, snapshot });
        self.wire.journal.count("platform: is looked at");
        Ok(Look { began, shown: shown.collect(), unclear: Vec::new() })
    }

    fn shown_as_connected(&self) -> &'static [ContactPhase] {
        &[ContactPhase::Paused]
    }
}

/// Everybody who is signed in, as the platform shows him.
fn signed_in(day: &Day, now: Timestamp) -> BTreeMap<AgentId, Snapshot> {
    let mut last: BTreeMap<AgentNo, &Change> = BTreeMap::new();
    for change in day.changes.iter().filter(|change| change.at <= now) {
        last.insert(change.agent, change);
    }
    last.retain(|_, change| change.presence == Presence::SignedIn);
    let id = |agent: AgentNo| day.organisation.agent(agent).agent_id.clone();
    last.into_iter().map(|(agent, change)| (id(agent), shown(day, agent, &change.view, now))).collect()
}

/// An agent in the words of his events, but for what the platform does not show: a pause, and since when there is a hold.
fn shown(day: &Day, agent: AgentNo, view: &Arc<AgentView>, now: Timestamp) -> Snapshot {
    let event = AgentEventRecord {
        id: day.organisation.agent(agent).id,
        at: now,
        delivered: now,
        agent,
        kind: EventKind::HeartBeat,
        current: view.clone(),
        previous: None,
    };
    let json = Writer::new(day.organisation.clone()).agent_event_json(&event);
    let order = Order { partition: "platform".into(), position: Position::Number(0) };
    let Ok(Decoded::Agent(Observation { what: What::Confirmation(mut snapshot), .. })) =
        Decoder::new().decode(json.as_bytes(), order)
    else {
        panic!("no heartbeat: {json}");
    };
    snapshot.contacts.iter_mut().for_each(as_shown);
    snapshot
}

fn as_shown(contact: &mut AgentContact) {
    match contact.phase {
        ContactPhase::Paused => {
            contact.phase = ContactPhase::Connected;
            contact.phase_text = "CONNECTED".into();
        }
        ContactPhase::Held => contact.since = None,
        _ => {}
    }
}

/// The platform does not show that a task is paused.
fn visible(class: Class, channel: Option<&Channel>) -> Class {
    if class == Class::Hold && channel == Some(&Channel::Task) { Class::Talk } else { class }
}

/// Agents whom the hub shows in another state than the platform.
pub(super) fn differences(day: &Day, store: &dyn Store, source: &SourceName) -> Vec<String> {
    let is_in = |(class, ..): &State| *class != Class::SignedOut;
    let expected: BTreeMap<AgentId, Expected> = signed_in(day, clock::centre())
        .into_iter()
        .map(|(agent, snapshot)| (agent, Expected::of(&snapshot)))
        .collect();
    let own = std::slice::from_ref(source);
    let agents = at_once(store.agents(own)).expect("the store itself does not fail").agents;
    let seen = |now: AgentNow| {
        let state = (visible(now.class, now.channel.as_ref()), now.status_name, now.contact_id);
        (now.agent_id, state)
    };
    let found: BTreeMap<AgentId, State> = agents.into_iter().map(|agent| seen(agent.now)).collect();
    let agents = expected.keys().chain(found.keys().filter(|agent| !expected.contains_key(*agent)));
    let unlike = agents.filter(|agent| {
        let found = found.get(*agent).filter(|state| is_in(state));
        match (expected.get(*agent).filter(|expected| is_in(&expected.state)), found) {
            (Some(expected), Some(found)) => !expected.allows(found),
            (expected, found) => expected.is_some() || found.is_some(),
        }
    });
    unlike
        .map(|agent| format!("{agent}: {:?}, shown as {:?}", expected.get(agent), found.get(agent)))
        .collect()
}

/// What the hub may show of an agent.
#[derive(Debug)]
struct Expected {
    state: State,
    /// Contacts that are as good as the deciding one: which of them has been as it is for longer depends on what was heard.
    equals: Vec<ContactId>,
}

impl Expected {
    fn of(snapshot: &Snapshot) -> Self {
        let deciding = state(snapshot.clone());
        let alone = |contact: &AgentContact| Snapshot { contacts: vec![contact.clone()], ..snapshot.clone() };
        let is_equal = |contact: &&AgentContact| state(alone(contact)).0 == deciding.0;
        let equals = snapshot.contacts.iter().filter(is_equal).map(|contact| contact.id.clone()).collect();
        Self { state: deciding, equals }
    }

    fn allows(&self, found: &State) -> bool {
        let (class, status, contact) = found;
        let decides = self.state.2 == *contact || contact.as_ref().is_some_and(|id| self.equals.contains(id));
        (class, status) == (&self.state.0, &self.state.1) && decides
    }
}

/// What an agent is in of whom nothing else is known.
fn state(snapshot: Snapshot) -> State {
    let mut track = Track::default();
    let seen = Observation {
        agent: "somebody".into(),
        at: clock::centre(),
        order: Order { partition: "platform".into(), position: Position::Number(0) },
        id: EventId::from("look"),
        what: What::Snapshot(snapshot),
    };
    track.apply(&seen, &TimelinePolicy::default(), &mut |_| ());
    let (since, state) = track.current().expect("there is a state after a snapshot");
    let now = AgentNow::new(&"platform".into(), &seen.agent, since, state, track.profile());
    (visible(now.class, now.channel.as_ref()), now.status_name, now.contact_id)
}

/// How often the hub looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);
