//! A simulated day as TaskRouter would have it: activities of workers, reservations, tasks.
//!
//! TaskRouter knows no hold and no pause, so these tell nothing; and nobody signs out: who leaves is `Offline`. Of contacts that agents listen
//! to nothing is told. Every change of a record raises its version by one.

use std::collections::BTreeMap;

use pegboard_model::{Millis, StatusKind, Timestamp};
use serde_json::json;

use crate::events::{AgentView, Channel, ContactState, ContactView, Delivered, Leg, Uuid, Via};
use crate::organisation::{AgentNo, Organisation, StatusNo, TeamNo};
use crate::world::{Change, Presence, Simulation};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// Its SID.
    pub sid: String,
    /// When it happened.
    pub at: Timestamp,
    /// When it is delivered, where it is pushed.
    pub delivered: Timestamp,
    /// Its type, such as `reservation.created`.
    pub kind: &'static str,
    /// What it says, by names in `snake_case`.
    pub fields: BTreeMap<&'static str, String>,
}

impl Happening {
    fn new(at: Timestamp, kind: &'static str, fields: BTreeMap<&'static str, String>) -> Self {
        Self { sid: String::new(), at, delivered: at, kind, fields }
    }

    /// What it says under a name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// How late it is listed: anything up to `most`, by its SID.
    pub(super) fn lateness(&self, most: Millis) -> Millis {
        let spread = self.sid.bytes().fold(7_i64, |spread, byte| (spread * 31 + i64::from(byte)) % 1_000_003);
        Millis::new(spread % (most.get() + 1))
    }
}

impl Delivered for Happening {
    fn delivered(&self) -> Timestamp {
        self.delivered
    }
    fn deliver_at(&mut self, at: Timestamp) {
        self.delivered = at;
    }
}

/// The SID of something that has an id: its kind and 32 hexadecimal digits.
pub fn sid_of(kind: &str, id: Uuid) -> String {
    format!("{kind}{}", id.to_string().replace('-', ""))
}

/// Everything that happened, in order of time.
pub fn happenings(simulation: &Simulation) -> Vec<Happening> {
    let mut workspace = Workspace::new(&simulation.organisation);
    for change in &simulation.changes {
        workspace.change(change);
    }
    for leg in &simulation.legs {
        workspace.task(leg);
    }
    let mut told = workspace.told;
    told.sort_by_key(|happening| happening.at);
    for (number, happening) in told.iter_mut().enumerate() {
        happening.sid = format!("EV{:032x}", number + 1);
    }
    told
}

struct Workspace<'a> {
    organisation: &'a Organisation,
    offline: StatusNo,
    workers: BTreeMap<AgentNo, Worker>,
    reservations: u64,
    told: Vec<Happening>,
}

/// A worker as TaskRouter has it.
struct Worker {
    activity: StatusNo,
    team: TeamNo,
    version: u64,
    held: BTreeMap<Uuid, Held>,
}

/// A reservation that is open.
struct Held {
    sid: String,
    version: u64,
    stage: Stage,
    task: BTreeMap<&'static str, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Pending,
    Accepted,
    Wrapping,
}

impl<'a> Workspace<'a> {
    fn new(organisation: &'a Organisation) -> Self {
        let offline = organisation.statuses.iter().position(|card| card.kind == StatusKind::Offline);
        let offline = StatusNo(offline.expect("every centre has an offline status"));
        Self { organisation, offline, workers: BTreeMap::new(), reservations: 0, told: Vec::new() }
    }

    /// An agent's change: first what it means for reservations, then the team, then the activity.
    fn change(&mut self, change: &Change) {
        let is_there = change.presence == Presence::SignedIn;
        let activity = if is_there { change.view.status } else { self.offline };
        let offline = self.offline;
        let mut worker = self.workers.remove(&change.agent).unwrap_or_else(|| Worker {
            activity: offline,
            team: change.view.team,
            version: 0,
            held: BTreeMap::new(),
        });
        let contacts: Vec<&ContactView> = if is_there {
            let listened = |contact: &&ContactView| !contact.initiation.as_str().contains("MONITOR");
            change.view.contacts.iter().filter(listened).collect()
        } else {
            Vec::new()
        };
        self.end_gone(change, &mut worker, &contacts);
        for contact in contacts {
            self.contact(change, &mut worker, contact);
        }
        if worker.team != change.view.team {
            worker.team = change.view.team;
            worker.version += 1;
            let fields = self.worker_fields(change.agent, &change.view, &worker);
            self.told.push(Happening::new(change.at, "worker.attributes.update", fields));
        }
        if worker.activity != activity || worker.version == 0 {
            let previous = worker.activity;
            worker.activity = activity;
            worker.version += 1;
            let mut fields = self.worker_fields(change.agent, &change.view, &worker);
            let previous = self.organisation.status(previous);
            fields.insert("worker_previous_activity_sid", sid_of("WA", previous.id));
            fields.insert("worker_previous_activity_name", previous.name.to_string());
            self.told.push(Happening::new(change.at, "worker.activity.update", fields));
        }
        self.workers.insert(change.agent, worker);
    }

    /// Reservations whose contacts the agent no longer has.
    fn end_gone(&mut self, change: &Change, worker: &mut Worker, contacts: &[&ContactView]) {
        let gone: Vec<Uuid> = worker
            .held
            .keys()
            .filter(|id| contacts.iter().all(|contact| contact.id != **id))
            .copied()
            .collect();
        for id in gone {
            let Some(held) = worker.held.remove(&id) else { continue };
            let kind =
                if held.stage == Stage::Pending { "reservation.canceled" } else { "reservation.completed" };
            self.tell(change, worker, held, kind);
        }
    }

    fn contact(&mut self, change: &Change, worker: &mut Worker, contact: &ContactView) {
        let known = worker.held.remove(&contact.id);
        let stage = match contact.state {
            ContactState::Incoming | ContactState::Connecting => Stage::Pending,
            ContactState::Connected | ContactState::OnHold | ContactState::Paused => Stage::Accepted,
            ContactState::Ended => Stage::Wrapping,
            ContactState::Missed | ContactState::Rejected | ContactState::Error => {
                let kind = match contact.state {
                    ContactState::Missed => "reservation.timeout",
                    ContactState::Rejected => "reservation.rejected",
                    _ => "reservation.canceled",
                };
                if let Some(held) = known {
                    self.tell(change, worker, held, kind);
                }
                return;
            }
        };
        let mut held = known.unwrap_or_else(|| {
            self.reservations += 1;
            let sid = format!("WR{:032x}", self.reservations);
            let task = self.task_fields(
                contact.id,
                contact.channel,
                contact.via,
                contact.queued,
                contact.initiation.as_str(),
            );
            let held = Held { sid, version: 0, stage: Stage::Pending, task };
            self.tell(change, worker, held, "reservation.created")
        });
        if stage >= Stage::Accepted && held.stage == Stage::Pending {
            held.stage = Stage::Accepted;
            held = self.tell(change, worker, held, "reservation.accepted");
        }
        if stage == Stage::Wrapping && held.stage == Stage::Accepted {
            held.stage = Stage::Wrapping;
            held = self.tell(change, worker, held, "reservation.wrapup");
        }
        worker.held.insert(contact.id, held);
    }

    fn tell(&mut self, change: &Change, worker: &Worker, mut held: Held, kind: &'static str) -> Held {
        let mut fields = if worker.version == 0 {
            BTreeMap::from([("worker_sid", sid_of("WK", self.organisation.agent(change.agent).id))])
        } else {
            self.worker_fields(change.agent, &change.view, worker)
        };
        held.version += 1;
        fields.insert("reservation_sid", held.sid.clone());
        fields.insert("reservation_version", held.version.to_string());
        fields.extend(held.task.iter().map(|(name, value)| (*name, value.clone())));
        self.told.push(Happening::new(change.at, kind, fields));
        held
    }

    fn worker_fields(
        &self,
        agent: AgentNo,
        view: &AgentView,
        worker: &Worker,
    ) -> BTreeMap<&'static str, String> {
        let card = self.organisation.agent(agent);
        let activity = self.organisation.status(worker.activity);
        let team = &self.organisation.team(view.team).path;
        BTreeMap::from([
            ("worker_sid", sid_of("WK", card.id)),
            ("worker_name", card.login.to_string()),
            ("worker_attributes", json!({ "full_name": &*card.name, "team_name": &**team }).to_string()),
            ("worker_activity_sid", sid_of("WA", activity.id)),
            ("worker_activity_name", activity.name.to_string()),
            ("worker_version", worker.version.to_string()),
        ])
    }

    fn task_fields(
        &self,
        id: Uuid,
        channel: Channel,
        via: Option<Via>,
        queued: Option<Timestamp>,
        initiation: &str,
    ) -> BTreeMap<&'static str, String> {
        let unique_name = match channel {
            Channel::Voice => "voice",
            Channel::Chat => "chat",
            Channel::Task => "default",
        };
        let direction = if initiation.contains("OUTBOUND") { "outbound" } else { "inbound" };
        let mut fields = BTreeMap::from([
            ("task_sid", sid_of("WT", id)),
            ("task_channel_unique_name", unique_name.to_owned()),
            ("task_attributes", json!({ "direction": direction }).to_string()),
        ]);
        if let Some(Via::Queue(queue)) = via {
            let card = self.organisation.queue(queue);
            fields.insert("task_queue_sid", sid_of("WQ", card.id));
            fields.insert("task_queue_name", card.name.to_string());
        }
        if let Some(queued) = queued {
            fields.insert("task_queue_entered_date", (queued.as_millis() / 1000).to_string());
        }
        fields
    }

    /// What is told of a contact itself, once it is over.
    fn task(&mut self, leg: &Leg) {
        let Some(enqueued) = leg.enqueued.filter(|_| matches!(leg.via, Some(Via::Queue(_)))) else { return };
        let fields = self.task_fields(leg.id, leg.channel, leg.via, Some(enqueued), leg.initiation.as_str());
        let mut tell = |at, kind, fields| self.told.push(Happening::new(at, kind, fields));
        tell(leg.initiated.min(enqueued), "task.created", fields.clone());
        tell(enqueued, "task-queue.entered", fields.clone());
        let handled = leg.handling.as_ref().filter(|handling| handling.connected.is_some());
        match (handled, leg.disconnected) {
            (Some(handling), over) => {
                if let Some(at) = handling.acw_end.or(over) {
                    tell(at, "task.completed", fields);
                }
            }
            // Somewhere else it goes on, as a task of its own here.
            (None, Some(at)) if leg.next.is_some() => tell(at, "task-queue.moved", fields),
            (None, Some(at)) => {
                let mut fields = fields;
                fields.insert("task_canceled_reason", "hangup".to_owned());
                tell(at, "task.canceled", fields);
            }
            (None, None) => {}
        }
    }
}
