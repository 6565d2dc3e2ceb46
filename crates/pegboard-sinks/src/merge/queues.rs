//! Rows of queues, by the queues of the WFM.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use pegboard_model::{Direction, Text, Timestamp};

use super::sums::{add_agent_queue, add_queue};
use super::{AgentQueueLine, Lines, QueueLine};
use crate::Known;
use crate::mapping::{AcdQueue, Inbox, MainKinds, MappedKind, Unmapped, WfmAgent, WfmQueue};
use crate::settings::UnmappedPolicy;

/// Adds the rows of queues, and of agents and queues.
pub(super) fn add(known: &Known, lines: &mut BTreeMap<Timestamp, Lines>, inbox: &mut Inbox) {
    let mut names = Names { known, main: MainKinds::of(&known.queue_kinds), inbox };
    let mut queues: BTreeMap<(Timestamp, Text), QueueLine> = BTreeMap::new();
    for row in &known.queues {
        let acd = AcdQueue {
            source: &row.source,
            id: &row.queue_id,
            name: &row.queue_name,
            channel: &row.channel,
            direction: row.direction,
        };
        let Some(queue) = names.queue(acd, row.interval_start) else { continue };
        match queues.entry((row.interval_start, queue.id.clone())) {
            Entry::Vacant(entry) => drop(entry.insert(QueueLine { queue, sum: row.clone() })),
            Entry::Occupied(mut entry) => add_queue(&mut entry.get_mut().sum, row),
        }
    }
    for ((start, _), line) in queues {
        lines.entry(start).or_default().queues.push(line);
    }
    add_agents(known, &mut names, lines);
}

fn add_agents(known: &Known, names: &mut Names<'_>, lines: &mut BTreeMap<Timestamp, Lines>) {
    let mut sums: BTreeMap<(Timestamp, Text, Text), AgentQueueLine> = BTreeMap::new();
    for row in &known.agent_queues {
        let (agent, _) =
            known.mapping.agent(&row.source, &row.agent_id, &row.agent_login, row.interval_start);
        let acd = AcdQueue {
            source: &row.source,
            id: &row.queue_id,
            name: &row.queue_name,
            channel: &row.channel,
            direction: row.direction,
        };
        let Some(queue) = names.queue(acd, row.interval_start) else {
            if row.queue_id.as_str().is_empty() {
                let outside = &mut lines.entry(row.interval_start).or_default().outside_queues;
                outside.contacts += row.answered;
                if row.direction == Direction::Outbound {
                    let (contacts, time) = outside.outbound.entry(agent.id).or_default();
                    *contacts += row.answered;
                    *time += row.handle_s;
                }
            }
            continue;
        };
        if !names.is_sent(&agent, row) {
            continue;
        }
        match sums.entry((row.interval_start, agent.id.clone(), queue.id.clone())) {
            Entry::Vacant(entry) => drop(entry.insert(AgentQueueLine { agent, queue, sum: row.clone() })),
            Entry::Occupied(mut entry) => add_agent_queue(&mut entry.get_mut().sum, row),
        }
    }
    for ((start, _, _), line) in sums {
        lines.entry(start).or_default().agent_queues.push(line);
    }
}

/// Finds names, and lists those that no row has.
struct Names<'a> {
    known: &'a Known,
    main: MainKinds<'a>,
    inbox: &'a mut Inbox,
}

impl Names<'_> {
    /// The queue of the WFM; nothing where there is none, or where it waits for a row.
    fn queue(&mut self, acd: AcdQueue<'_>, at: Timestamp) -> Option<WfmQueue> {
        let mapping = &self.known.mapping;
        let (queue, is_mapped) = mapping.queue(acd, &self.main, at);
        if is_mapped || mapping.queues.rows().is_empty() {
            return queue;
        }
        let name = if acd.name.is_empty() { "" } else { acd.name };
        self.inbox.note(Unmapped {
            kind: MappedKind::Queue,
            source: acd.source.clone(),
            id: acd.id.as_str().into(),
            detail: format!("{name} {} {}", acd.channel.as_str(), acd.direction.as_str()).trim().into(),
            count: 1,
            first: at,
            last: at,
            suggestion: queue.as_ref().map(|queue| queue.id.clone()).unwrap_or_default(),
            agents: BTreeSet::new(),
        });
        queue.filter(|_| mapping.settings.unmapped == UnmappedPolicy::Send)
    }

    /// Whether rows of the agent go out. That nothing names the agent is listed with the agent's own time.
    fn is_sent(&self, agent: &WfmAgent, row: &pegboard_model::report::AgentQueueInterval) -> bool {
        let mapping = &self.known.mapping;
        if mapping.agents.rows().is_empty() || mapping.settings.unmapped == UnmappedPolicy::Send {
            return true;
        }
        let (found, is_mapped) =
            mapping.agent(&row.source, &row.agent_id, &row.agent_login, row.interval_start);
        is_mapped && found.id == agent.id
    }
}
