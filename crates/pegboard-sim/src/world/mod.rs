//! The contact centre itself: a simulation from event to event.

mod agenda;
mod agents;
mod arrivals;
mod contacts;
mod conversation;
mod duties;
mod own_calls;
mod routing;
mod shifts;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use pegboard_model::{Millis, Timestamp};

use self::agenda::{Agenda, Task};
use self::agents::AgentState;
use self::arrivals::Forecast;
use self::contacts::{LegNo, LiveLeg};
use crate::config::Config;
use crate::events::{AgentEventRecord, AgentView, ContactRecordOut, Delivered, Leg};
use crate::organisation::{AgentNo, Organisation};
use crate::random::Random;
use crate::wire;

/// A contact centre that lives as far as it is asked to.
#[derive(Debug)]
pub struct Centre {
    config: Config,
    organisation: Arc<Organisation>,
    random: Random,
    agenda: Agenda,
    agents: Vec<AgentState>,
    /// A number from 0 to 1 for each agent, from which his working hours follow.
    rhythms: Vec<f64>,
    /// The agents of each queue.
    members: Vec<Vec<AgentNo>>,
    /// The contacts that wait in each queue, the longest first.
    waiting: Vec<VecDeque<LegNo>>,
    legs: BTreeMap<LegNo, LiveLeg>,
    legs_begun: u64,
    forecast: Forecast,
    outbox: Outbox,
    /// Written for the live mode only.
    text: wire::Writer,
}

/// What has happened and was not collected yet.
#[derive(Debug, Default)]
struct Outbox {
    events: Vec<AgentEventRecord>,
    records: Vec<ContactRecordOut>,
    changes: Vec<Change>,
    legs: Vec<Arc<Leg>>,
}

/// Where an agent is in truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Not at work, or gone without a word.
    Away,
    /// Signed in.
    SignedIn,
    /// Signed out by an explicit logout.
    SignedOut,
}

/// A change of an agent as it happened, told or not.
#[derive(Debug, Clone)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub agent: AgentNo,
    /// The agent after it.
    pub view: Arc<AgentView>,
    /// Where the agent is after it.
    pub presence: Presence,
    /// Whether it is a sign-in.
    pub login: bool,
}

/// Everything that a run brought forth.
#[derive(Debug)]
pub struct Simulation {
    /// Of what centre.
    pub config: Config,
    /// Who and what there is.
    pub organisation: Arc<Organisation>,
    /// What the platform tells of agents, in order of time.
    pub agent_events: Vec<AgentEventRecord>,
    /// What the platform tells of contacts, in order of delivery. Those of the last contacts come up to two
    /// minutes after the end.
    pub contact_records: Vec<ContactRecordOut>,
    /// What happened to agents, in order of time.
    pub changes: Vec<Change>,
    /// What happened to contacts, to the millisecond: those that were over before the end.
    pub legs: Vec<Arc<Leg>>,
}

/// What happened in a step of [`Centre::pass_until`] or [`Centre::tell_until`].
#[derive(Debug)]
pub struct Passage {
    /// What happened to agents.
    pub changes: Vec<Change>,
    /// What the platform tells of contacts.
    pub contact_records: Vec<ContactRecordOut>,
}

/// The streams that a contact centre writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// Agent events.
    AgentEvents,
    /// Contact records.
    ContactRecords,
}

/// One record on its way to a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// When it arrives.
    pub at: Timestamp,
    /// On which stream.
    pub stream: Stream,
    /// The key by which the stream is spread over shards: the agent's ARN, or the contact's id.
    pub partition_key: String,
    /// The record.
    pub json: String,
}

impl Centre {
    /// Founds a contact centre; its time is the start of the configuration.
    pub fn new(config: Config) -> Self {
        let organisation = Arc::new(Organisation::found(&config));
        let mut random = Random::new(config.seed, 2);
        let rhythms = spread(organisation.agents.len(), &mut random);
        let agents = organisation
            .agents
            .iter()
            .map(|card| {
                AgentState::at_home(card.team, card.profile, config.start - random.minutes(360.0, 1800.0))
            })
            .collect();
        let mut centre = Self {
            forecast: Forecast::new(&organisation, config.traffic, config.seed),
            members: vec![Vec::new(); organisation.queues.len()],
            waiting: vec![VecDeque::new(); organisation.queues.len()],
            text: wire::Writer::new(organisation.clone()),
            config,
            organisation,
            random,
            agenda: Agenda::default(),
            agents,
            rhythms,
            legs: BTreeMap::new(),
            legs_begun: 0,
            outbox: Outbox::default(),
        };
        centre.open();
        centre
    }

    fn open(&mut self) {
        for agent in self.organisation.agent_numbers() {
            let since = self.agents[agent.0].status_since;
            self.note_unseen(agent, since);
            self.join_queues(agent, self.organisation.agent(agent).profile);
        }
        self.plan_day(self.local_day(self.config.start) - 1);
        for stream in self.forecast.stream_numbers() {
            self.await_arrival(stream, self.config.start);
        }
    }

    /// Who and what there is.
    pub fn organisation(&self) -> &Arc<Organisation> {
        &self.organisation
    }

    /// Lives through the hours of the configuration.
    pub fn run(mut self) -> Simulation {
        let end = self.config.end();
        self.live_until(end - Millis::new(1));
        let Outbox { mut events, mut records, mut changes, legs } = self.outbox;
        events.retain(|event| event.at < end);
        changes.retain(|change| change.at < end);
        records.retain(|record| record.edition == 0 || record.delivered < end);
        events.sort_by_key(|event| event.at);
        changes.sort_by_key(|change| change.at);
        records.sort_by_key(|record| record.delivered);
        Simulation {
            config: self.config,
            organisation: self.organisation,
            agent_events: events,
            contact_records: records,
            changes,
            legs,
        }
    }

    /// Lives on up to `until` and hands over what was delivered since the last step, in order of delivery.
    ///
    /// The steps do not matter: many small ones deliver the same as a large one. Truth is not kept.
    pub fn step_until(&mut self, until: Timestamp) -> Vec<Delivery> {
        self.live_until(until);
        self.outbox.changes.clear();
        self.deliver(until).0
    }

    /// The same, and what a [`Reporter`](crate::reports::Reporter) is told of it, as [`Centre::pass_until`] says.
    pub fn tell_until(&mut self, until: Timestamp) -> (Vec<Delivery>, Passage) {
        self.live_until(until);
        let changes = self.take_changes(until);
        let (deliveries, contact_records) = self.deliver(until);
        (deliveries, Passage { changes, contact_records })
    }

    /// What was delivered until then, and the contact records among it.
    fn deliver(&mut self, until: Timestamp) -> (Vec<Delivery>, Vec<ContactRecordOut>) {
        self.outbox.legs.clear();
        let events = take_due(&mut self.outbox.events, until);
        let records = take_due(&mut self.outbox.records, until);
        let mut deliveries: Vec<_> = events.iter().map(|event| self.text.deliver_event(event)).collect();
        deliveries.extend(records.iter().map(|record| self.text.deliver_record(record)));
        deliveries.sort_by_key(|delivery| (delivery.at, delivery.stream));
        (deliveries, records)
    }

    /// What became of agents until then, in order of time.
    fn take_changes(&mut self, until: Timestamp) -> Vec<Change> {
        let mut changes: Vec<_> = self.outbox.changes.extract_if(.., |change| change.at <= until).collect();
        changes.sort_by_key(|change| change.at);
        changes
    }

    /// Lives on up to `until` and hands over what happened since the last step: what became of agents, told or not, in
    /// order of time, and the contact records that were delivered. What is told of agents is not kept.
    pub fn pass_until(&mut self, until: Timestamp) -> Passage {
        self.live_until(until);
        self.outbox.events.clear();
        self.outbox.legs.clear();
        Passage {
            changes: self.take_changes(until),
            contact_records: take_due(&mut self.outbox.records, until),
        }
    }

    fn live_until(&mut self, until: Timestamp) {
        while let Some((now, task)) = self.agenda.next(until) {
            self.perform(task, now);
        }
    }

    fn perform(&mut self, task: Task, now: Timestamp) {
        match task {
            Task::PlanDay(day) => self.plan_day(day),
            Task::Duty(agent, duty) => self.do_duty(agent, duty, now),
            Task::HeartBeat(agent) => self.heart_beat(agent, now),
            Task::Arrival(stream) => self.arrival(stream, now),
            Task::Enqueue(leg) => self.enqueue(leg, now),
            Task::PatienceEnds(leg) => self.patience_ends(leg, now),
            Task::QueueCloses(leg) => self.queue_closes(leg, now),
            Task::Overflow(leg) => self.overflow(leg, now),
            Task::Route(agent) => self.route(agent, now),
            Task::OfferEnds(leg, number, end) => self.offer_ends(leg, number, end, now),
            Task::Step(leg, number) => self.step(leg, number, now),
            Task::Consulted(leg, answered) => self.consulted(leg, answered, now),
            Task::AcwEnds(leg) => self.acw_ends(leg, now),
            Task::Clear(agent, leg) => self.clear(agent, leg, now),
            Task::CustomerLeaves(leg) => self.customer_leaves(leg, now),
            Task::CallFails(leg) => self.call_fails(leg, now),
            Task::MonitorEnds(leg) => self.monitor_ends(leg, now),
        }
    }
}

/// Numbers from 0 to 1 at equal distances, in a random order.
#[expect(clippy::cast_precision_loss, reason = "numbers of agents are small")]
fn spread(count: usize, random: &mut Random) -> Vec<f64> {
    let mut numbers: Vec<_> = (0..count).map(|number| number as f64 / count as f64).collect();
    random.shuffle(&mut numbers);
    numbers
}

/// Takes what is due out of the list, in order of delivery.
fn take_due<T: Delivered>(items: &mut Vec<T>, until: Timestamp) -> Vec<T> {
    let mut due: Vec<_> = items.extract_if(.., |item| item.delivered() <= until).collect();
    due.sort_by_key(Delivered::delivered);
    due
}
