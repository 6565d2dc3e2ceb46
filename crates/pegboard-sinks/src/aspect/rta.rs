//! Real-time adherence: the table of present states, and the queues of events.

use super::event::{AgentEvent, Unusable};
use super::hierarchy::HierarchyFilter;
use super::queue::{Message, MessageGroup, QueueCount};
use super::seen::Seen;
use super::table::{Applied, TableWrite};

/// What a site decides on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RtaSettings {
    /// How many queues there are.
    pub queues: QueueCount,
    /// What they keep in order.
    pub group: MessageGroup,
    /// Whose events are passed on, where not everybody's.
    pub filter: Option<HierarchyFilter>,
}

/// What an event leads to, in this order: the adherence product finds it in the table or on the queue, whenever it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// A change of the table.
    pub table: Option<TableWrite>,
    /// A message, which is sent while [`Forwarding`](super::Forwarding) says so.
    pub message: Message,
}

/// Makes changes of the table and messages.
#[derive(Debug, Default)]
pub struct Rta {
    settings: RtaSettings,
    applied: Applied,
    seen: Seen,
    counts: RtaCounts,
}

/// What became of the records that were taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RtaCounts {
    /// Messages.
    pub messages: u64,
    /// Rows put.
    pub puts: u64,
    /// Rows deleted.
    pub deletes: u64,
    /// Changes that were left out, because a newer event of the agent was there.
    pub outdated: u64,
    /// Events of agents whom the filter holds back.
    pub filtered: u64,
    /// Events that had come before.
    pub repeated: u64,
    /// Objects of something else, such as contact records.
    pub foreign: u64,
}

impl Rta {
    /// Nothing is taken yet.
    pub fn new(settings: RtaSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Takes the record `sequence`: what it leads to, if anything.
    pub fn take(&mut self, sequence: u64, record: &[u8]) -> Result<Option<Step>, Unusable> {
        let Some(event) = AgentEvent::read(record)? else {
            self.counts.foreign += 1;
            return Ok(None);
        };
        if self.settings.filter.as_ref().is_some_and(|filter| !filter.lets_through(&event)) {
            self.counts.filtered += 1;
            return Ok(None);
        }
        if !self.seen.is_new(&event.id) {
            self.counts.repeated += 1;
            return Ok(None);
        }
        let message = Message::of(&event, event.reduced()?, self.settings.queues, self.settings.group)?;
        let table = TableWrite::of(&event, &message.body).filter(|_| self.is_newest(&event, sequence));
        match &table {
            Some(TableWrite::Put { .. }) => self.counts.puts += 1,
            Some(TableWrite::Delete { .. }) => self.counts.deletes += 1,
            None => {}
        }
        self.counts.messages += 1;
        Ok(Some(Step { table, message }))
    }

    /// Remembers the record `sequence` of those before the first, so that nothing older is applied after it.
    pub fn remember(&mut self, sequence: u64, record: &[u8]) {
        if let Ok(Some(event)) = AgentEvent::read(record)
            && self.seen.is_new(&event.id)
            && !event.is_heartbeat()
        {
            self.applied.is_newest(&event.agent, event.at, sequence);
        }
    }

    /// What became of the records so far.
    pub const fn counts(&self) -> RtaCounts {
        self.counts
    }

    fn is_newest(&mut self, event: &AgentEvent<'_>, sequence: u64) -> bool {
        let newest = self.applied.is_newest(&event.agent, event.at, sequence);
        self.counts.outdated += u64::from(!newest);
        newest
    }
}
