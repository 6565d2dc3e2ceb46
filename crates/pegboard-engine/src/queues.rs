//! `queue_interval` and `agent_queue_interval`: what happened to contacts.

use std::collections::{BTreeMap, HashMap};

use pegboard_model::policy::{Pegging, RingIn, ServiceLevelFormula};
use pegboard_model::report::{AgentQueueInterval, QueueInterval};
use pegboard_model::{
    AgentId, AgentLeg, Channel, ContactId, ContactLeg, ContactVersion, Direction, Fixed, Millis, Queue,
    QueueId, QueueStay, SourceName, Text, Timestamp,
};

use crate::grid::{Grid, Interval};

/// The thresholds of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueGoals {
    /// Time in queue strictly below it is within the service level.
    pub service_level: Millis,
    /// An abandon strictly below it is a short one.
    pub short_abandon: Millis,
}

impl Default for QueueGoals {
    fn default() -> Self {
        Self { service_level: Millis::from_seconds(20), short_abandon: Millis::from_seconds(5) }
    }
}

/// What the rows of queues depend on besides the contacts.
#[derive(Debug, Clone)]
pub struct QueueReport {
    /// The source, as rows name it.
    pub source: SourceName,
    /// Interval or day grid; its window is that of the report.
    pub grid: Grid,
    /// The thresholds of queues that have their own, by id or by name.
    pub goals: HashMap<String, QueueGoals>,
    /// The thresholds of all others.
    pub default_goals: QueueGoals,
    /// How the service level is computed.
    pub formula: ServiceLevelFormula,
    /// Which interval a contact belongs to.
    pub pegging: Pegging,
    /// Where ring time counts.
    pub ring_in: RingIn,
    /// Whether agents' personal queues are reported as queues.
    pub personal_queues: bool,
}

/// Keeps the newest version of every contact.
#[derive(Debug, Default)]
pub struct ContactBook {
    legs: HashMap<ContactId, ContactLeg>,
}

impl ContactBook {
    /// Takes a version of a contact, unless a newer one is known.
    pub fn take(&mut self, leg: ContactLeg) {
        match self.legs.get_mut(&leg.id) {
            Some(known) if known.version >= leg.version => {}
            Some(known) => *known = leg,
            None => {
                self.legs.insert(leg.id.clone(), leg);
            }
        }
    }

    /// The newest version of each contact, in no order.
    pub fn legs(&self) -> impl Iterator<Item = &ContactLeg> {
        self.legs.values()
    }

    /// The newest version of each contact, in no order, owned.
    pub fn into_legs(self) -> impl Iterator<Item = ContactLeg> {
        self.legs.into_values()
    }
}

/// The instant by which a contact belongs to an interval: nothing while it is not over.
pub fn pegged_at(leg: &ContactLeg, pegging: Pegging) -> Option<Timestamp> {
    let disconnected = leg.disconnected?;
    let agent = leg.agent.as_ref();
    let named = match pegging {
        Pegging::Disconnect => None,
        Pegging::AcwEnd => agent.and_then(|agent| agent.acw_end),
        Pegging::Enqueue => leg.queue.as_ref().and_then(|stay| stay.entered),
        Pegging::Connect => agent.and_then(|agent| agent.connected),
    };
    Some(named.unwrap_or(disconnected))
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct QueueKey<'a> {
    interval: Interval,
    queue: &'a QueueId,
    channel: &'a str,
    direction: Direction,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct AgentQueueKey<'a> {
    interval: Interval,
    agent: &'a AgentId,
    queue: QueueId,
    channel: &'a str,
    direction: Direction,
}

#[derive(Default)]
struct QueueTally<'a> {
    newest: Option<(ContactVersion, &'a Queue)>,
    offered: u64,
    answered: u64,
    answered_in_sl: u64,
    abandoned: u64,
    abandoned_in_sl: u64,
    abandoned_short: u64,
    transferred_out: u64,
    transferred_in: u64,
    removed_in_sl: u64,
    answered_wait: Longest,
    abandoned_wait: Longest,
    work: Work,
}

#[derive(Default)]
struct Longest {
    sum: Millis,
    max: Millis,
}

impl Longest {
    fn add(&mut self, time: Millis) {
        self.sum += time;
        self.max = self.max.max(time);
    }
}

#[derive(Default)]
struct Work {
    talk: Millis,
    hold: Millis,
    acw: Millis,
    ring: Millis,
}

impl Work {
    fn handle(&self) -> Millis {
        self.talk + self.hold + self.ring
    }
}

#[derive(Default)]
struct AgentQueueTally<'a> {
    newest: Option<(ContactVersion, &'a AgentLeg, &'a str)>,
    answered: u64,
    passed_on: u64,
    work: Work,
}

impl QueueReport {
    /// The rows of all queues, by interval, queue, channel and direction. `legs` holds each contact once.
    pub fn queue_rows<'a>(&self, legs: impl IntoIterator<Item = &'a ContactLeg>) -> Vec<QueueInterval> {
        let mut tallies: BTreeMap<QueueKey<'a>, QueueTally<'a>> = BTreeMap::new();
        for leg in legs {
            let Some(interval) = self.interval_of(leg) else { continue };
            let Some(stay) = self.reported_stay(leg) else { continue };
            let key = QueueKey {
                interval,
                queue: &stay.queue.id,
                channel: leg.channel.as_str(),
                direction: leg.direction,
            };
            self.count(tallies.entry(key).or_default(), leg, stay);
        }
        tallies.into_iter().map(|(key, tally)| self.queue_row(&key, &tally)).collect()
    }

    /// The rows of all agents by queue, by interval, agent, queue, channel and direction. `legs` holds each
    /// contact once.
    pub fn agent_queue_rows<'a>(
        &self,
        legs: impl IntoIterator<Item = &'a ContactLeg>,
    ) -> Vec<AgentQueueInterval> {
        let mut tallies: BTreeMap<AgentQueueKey<'a>, AgentQueueTally<'a>> = BTreeMap::new();
        for leg in legs {
            let Some(interval) = self.interval_of(leg) else { continue };
            let Some(agent) = leg.agent.as_ref().filter(|agent| agent.connected.is_some()) else { continue };
            let queue = self.reported_stay(leg).map(|stay| &stay.queue);
            let key = AgentQueueKey {
                interval,
                agent: &agent.agent,
                queue: queue.map(|queue| queue.id.clone()).unwrap_or_default(),
                channel: leg.channel.as_str(),
                direction: leg.direction,
            };
            let tally = tallies.entry(key).or_default();
            let name = queue.map_or("", |queue| &*queue.name);
            if tally.newest.is_none_or(|(version, ..)| version < leg.version) {
                tally.newest = Some((leg.version, agent, name));
            }
            tally.answered += 1;
            tally.passed_on += u64::from(agent.passed_on);
            self.add_work(&mut tally.work, leg, agent);
        }
        tallies.into_iter().map(|(key, tally)| self.agent_queue_row(key, &tally)).collect()
    }

    /// The row of an interval in which a queue was open and nothing came: zeros.
    pub fn quiet_row(
        &self,
        queue: &Queue,
        channel: &Channel,
        direction: Direction,
        interval: Interval,
    ) -> QueueInterval {
        let newest = Some((ContactVersion { updated: interval.start, content: 0 }, queue));
        let key = QueueKey { interval, queue: &queue.id, channel: channel.as_str(), direction };
        self.queue_row(&key, &QueueTally { newest, ..QueueTally::default() })
    }

    /// The thresholds of a queue: its own by id, then by name, else the default.
    pub fn goals_of(&self, queue: &Queue) -> QueueGoals {
        let own = self.goals.get(queue.id.as_str()).or_else(|| self.goals.get(&*queue.name));
        own.copied().unwrap_or(self.default_goals)
    }

    /// The interval that the contact belongs to; nothing if that is outside the window, or it is no contact of
    /// its own.
    fn interval_of(&self, leg: &ContactLeg) -> Option<Interval> {
        let pegged = pegged_at(leg, self.pegging).filter(|_| !leg.monitored)?;
        self.grid.window().contains(pegged).then(|| self.grid.interval_at(pegged))
    }

    /// The stay in a queue that is reported: one that was entered, and no personal queue unless asked for.
    fn reported_stay<'a>(&self, leg: &'a ContactLeg) -> Option<&'a QueueStay> {
        let stay = leg.queue.as_ref()?;
        let reported = stay.entered.is_some() && (self.personal_queues || !stay.queue.personal);
        reported.then_some(stay)
    }

    fn count<'a>(&self, tally: &mut QueueTally<'a>, leg: &'a ContactLeg, stay: &'a QueueStay) {
        let goals = self.goals_of(&stay.queue);
        let known = self.time_in_queue(stay);
        let in_sl = known.is_some_and(|waited| waited < goals.service_level);
        let short = known.is_some_and(|waited| waited < goals.short_abandon);
        let waited = known.unwrap_or_default();
        if tally.newest.is_none_or(|(version, _)| version < leg.version) {
            tally.newest = Some((leg.version, &stay.queue));
        }
        tally.offered += 1;
        tally.transferred_in += u64::from(leg.transferred_in);
        tally.removed_in_sl += u64::from(in_sl);
        if let Some(agent) = leg.agent.as_ref().filter(|agent| agent.connected.is_some()) {
            tally.answered += 1;
            tally.answered_in_sl += u64::from(in_sl);
            tally.answered_wait.add(waited);
            self.add_work(&mut tally.work, leg, agent);
        } else if leg.handed_on {
            tally.transferred_out += 1;
        } else {
            tally.abandoned += 1;
            tally.abandoned_in_sl += u64::from(in_sl);
            tally.abandoned_short += u64::from(short);
            tally.abandoned_wait.add(waited);
        }
    }

    fn time_in_queue(&self, stay: &QueueStay) -> Option<Millis> {
        let rang = stay.rang.unwrap_or_default();
        match self.ring_in {
            RingIn::Queue => stay.waited,
            RingIn::Handle | RingIn::None => stay.waited.map(|waited| (waited - rang).max(Millis::ZERO)),
        }
    }

    fn add_work(&self, work: &mut Work, leg: &ContactLeg, agent: &AgentLeg) {
        work.talk += agent.talk;
        work.hold += agent.hold;
        work.acw += agent.acw;
        if self.ring_in == RingIn::Handle {
            work.ring += leg.queue.as_ref().and_then(|stay| stay.rang).unwrap_or_default();
        }
    }

    fn queue_row(&self, key: &QueueKey<'_>, tally: &QueueTally<'_>) -> QueueInterval {
        let queue = tally.newest.map(|(_, queue)| queue);
        let goals = queue.map_or(self.default_goals, |queue| self.goals_of(queue));
        QueueInterval {
            interval_start: key.interval.start,
            interval_s: key.interval.length(),
            source: self.source.clone(),
            queue_id: key.queue.clone(),
            queue_name: queue.map(|queue| queue.name.clone()).unwrap_or_default(),
            channel: Channel::from(key.channel),
            direction: key.direction,
            offered: tally.offered,
            answered: tally.answered,
            answered_in_sl: tally.answered_in_sl,
            abandoned: tally.abandoned,
            abandoned_in_sl: tally.abandoned_in_sl,
            abandoned_short: tally.abandoned_short,
            transferred_out: tally.transferred_out,
            transferred_in: tally.transferred_in,
            queue_answered_s: tally.answered_wait.sum,
            queue_answered_max_s: tally.answered_wait.max,
            queue_abandoned_s: tally.abandoned_wait.sum,
            queue_abandoned_max_s: tally.abandoned_wait.max,
            talk_s: tally.work.talk,
            hold_s: tally.work.hold,
            acw_s: tally.work.acw,
            handle_s: tally.work.handle(),
            service_level_s: goals.service_level,
            service_level_pct: self.service_level(tally),
            service_level_formula: self.formula,
            pegging: self.pegging,
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

    fn service_level(&self, tally: &QueueTally<'_>) -> Option<Fixed> {
        let (reached, of) = match self.formula {
            ServiceLevelFormula::Answered => (tally.answered_in_sl, tally.answered),
            ServiceLevelFormula::AnsweredAbandonedLate => {
                (tally.answered_in_sl, tally.answered + tally.abandoned - tally.abandoned_in_sl)
            }
            ServiceLevelFormula::Offered => (tally.answered_in_sl + tally.abandoned_in_sl, tally.offered),
            ServiceLevelFormula::Aws => (tally.removed_in_sl, tally.offered),
        };
        Fixed::percent(i64::try_from(reached).ok()?, i64::try_from(of).ok()?)
    }

    fn agent_queue_row(&self, key: AgentQueueKey<'_>, tally: &AgentQueueTally<'_>) -> AgentQueueInterval {
        let (login, name) = match tally.newest {
            Some((_, agent, name)) => (agent.login.clone(), Text::from(name)),
            None => (Text::default(), Text::default()),
        };
        AgentQueueInterval {
            interval_start: key.interval.start,
            interval_s: key.interval.length(),
            source: self.source.clone(),
            agent_id: key.agent.clone(),
            agent_login: login,
            queue_id: key.queue,
            queue_name: name,
            channel: Channel::from(key.channel),
            direction: key.direction,
            answered: tally.answered,
            talk_s: tally.work.talk,
            hold_s: tally.work.hold,
            acw_s: tally.work.acw,
            handle_s: tally.work.handle(),
            transferred_by_agent: tally.passed_on,
            pegging: self.pegging,
        }
    }
}
