//! Rows and states as a WFM knows their queues and agents: several of an ACD may be one there.
//!
//! Counts and times of queues are added up and percentages made again; the time of a person is the union of the timelines of the
//! agents that the person is, so that no more time is signed in than there is.

mod people;
mod present;
mod queues;
mod sums;

use std::collections::BTreeMap;

use pegboard_model::report::{AgentQueueInterval, QueueInterval};
use pegboard_model::{Millis, Text, Timestamp};

use crate::mapping::{Inbox, WfmAgent, WfmQueue};
use crate::{Interval, Known};

pub(crate) use people::{Change, Done, People, SignedIn, tells};

/// What happened in a queue of the WFM in an interval. The names in the sum are those of its first row.
#[derive(Debug, Clone)]
pub(crate) struct QueueLine {
    pub(crate) queue: WfmQueue,
    pub(crate) sum: QueueInterval,
}

/// What a person did for a queue of the WFM in an interval.
#[derive(Debug, Clone)]
pub(crate) struct AgentQueueLine {
    pub(crate) agent: WfmAgent,
    pub(crate) queue: WfmQueue,
    pub(crate) sum: AgentQueueInterval,
}

/// Where a person's time went in an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgentLine {
    pub(crate) agent: WfmAgent,
    pub(crate) login: Millis,
    pub(crate) ready: Millis,
    pub(crate) not_ready: Millis,
}

/// Everything of an interval, each by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines {
    pub(crate) queues: Vec<QueueLine>,
    pub(crate) agent_queues: Vec<AgentQueueLine>,
    pub(crate) agents: Vec<AgentLine>,
    /// Contacts that agents handled and that were in no queue, which no row names: outbound calls, direct transfers.
    pub(crate) outside_queues: OutsideQueues,
}

/// Contacts that were in no queue.
#[derive(Debug, Clone, Default)]
pub(crate) struct OutsideQueues {
    /// How many in all.
    pub(crate) contacts: u64,
    /// Of those outbound, and how long they took, by the id of the person.
    pub(crate) outbound: BTreeMap<Text, (u64, Millis)>,
}

/// Every interval with its lines, and what no row of the mapping names.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) intervals: Vec<(Interval, Lines)>,
    pub(crate) inbox: Inbox,
}

impl Lines {
    /// Adds the lines of another interval.
    pub(crate) fn add(&mut self, other: Self) {
        for line in other.queues {
            match self.queues.iter_mut().find(|known| known.queue.id == line.queue.id) {
                Some(known) => sums::add_queue(&mut known.sum, &line.sum),
                None => self.queues.push(line),
            }
        }
        for line in other.agent_queues {
            let is_same = |known: &&mut AgentQueueLine| {
                (&known.queue.id, &known.agent.id) == (&line.queue.id, &line.agent.id)
            };
            match self.agent_queues.iter_mut().find(is_same) {
                Some(known) => sums::add_agent_queue(&mut known.sum, &line.sum),
                None => self.agent_queues.push(line),
            }
        }
        for line in other.agents {
            match self.agents.iter_mut().find(|known| known.agent.id == line.agent.id) {
                Some(known) => {
                    known.login += line.login;
                    known.ready += line.ready;
                    known.not_ready += line.not_ready;
                }
                None => self.agents.push(line),
            }
        }
        self.outside_queues.contacts += other.outside_queues.contacts;
        for (agent, (contacts, time)) in other.outside_queues.outbound {
            let sum = self.outside_queues.outbound.entry(agent).or_default();
            sum.0 += contacts;
            sum.1 += time;
        }
        self.queues.sort_by(|a, b| a.queue.id.cmp(&b.queue.id));
        self.agent_queues.sort_by(|a, b| (&a.agent.id, &a.queue.id).cmp(&(&b.agent.id, &b.queue.id)));
        self.agents.sort_by(|a, b| a.agent.id.cmp(&b.agent.id));
    }
}

impl Merged {
    pub(crate) fn of(known: &Known) -> Self {
        let mut inbox = Inbox::default();
        let mut lines: BTreeMap<Timestamp, Lines> = BTreeMap::new();
        queues::add(known, &mut lines, &mut inbox);
        People::of(known).add_time(known, &mut lines, &mut inbox);
        let intervals = known
            .intervals
            .iter()
            .map(|interval| (*interval, lines.remove(&interval.start).unwrap_or_default()))
            .collect();
        Self { intervals, inbox }
    }

    /// What is to be said of contacts that no line holds.
    pub(crate) fn notes(&self) -> Vec<String> {
        match self.intervals.iter().map(|(_, lines)| lines.outside_queues.contacts).sum::<u64>() {
            0 => Vec::new(),
            contacts => vec![format!(
                "left out: {contacts} contacts of agents that were in no queue (outbound calls, direct transfers); a row of \
                 queues.csv with an empty queue gives them one"
            )],
        }
    }
}
