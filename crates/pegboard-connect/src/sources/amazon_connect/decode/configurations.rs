//! What each agent's last event said about its configuration.

use std::fmt;
use std::sync::Arc;

use hashbrown::HashMap;
use memchr::{memchr, memmem};
use pegboard_model::AgentProfile;

/// What comes before the ARN of an agent.
const NEEDLE: &[u8] = b"\"AgentARN\":\"";
/// How far into an event its agent is looked for. Fields come in the order of the alphabet.
const REACH: usize = 256;
/// What an entry costs besides its texts, roughly.
const ENTRY_BYTES: usize = 128;

/// The text of the configuration of agents, and what it was read as: two thirds of an event, and the same in nearly
/// all events of an agent.
pub(super) struct Configurations {
    by_arn: HashMap<Box<[u8]>, Known>,
    needle: memmem::Finder<'static>,
    bytes: usize,
    limit: usize,
}

struct Known {
    text: Box<str>,
    profile: Arc<AgentProfile>,
}

impl fmt::Debug for Configurations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configurations").field("agents", &self.by_arn.len()).finish_non_exhaustive()
    }
}

impl Configurations {
    /// None yet, and never more than `limit` bytes of them. Beyond it starts afresh.
    pub(super) fn within(limit: usize) -> Self {
        Self { by_arn: HashMap::new(), needle: memmem::Finder::new(NEEDLE), bytes: 0, limit }
    }

    /// The text that the configuration of the agent of this event probably has; empty for none.
    pub(super) fn known(&self, event: &str) -> &str {
        self.find(event).map_or("", |known| &known.text)
    }

    /// What that text was read as.
    pub(super) fn profile(&self, event: &str) -> Option<Arc<AgentProfile>> {
        self.find(event).map(|known| known.profile.clone())
    }

    /// Keeps what the configuration in this event was read as.
    pub(super) fn keep(&mut self, event: &str, text: &str, profile: &Arc<AgentProfile>) {
        let Some(arn) = self.arn(event) else { return };
        let cost = arn.len() + text.len() + ENTRY_BYTES;
        if self.bytes + cost > self.limit {
            self.by_arn.clear();
            self.bytes = 0;
        }
        if cost > self.limit {
            return;
        }
        self.bytes += cost;
        let known = Known { text: text.into(), profile: profile.clone() };
        if let Some(before) = self.by_arn.insert(arn.into(), known) {
            self.bytes -= arn.len() + before.text.len() + ENTRY_BYTES;
        }
    }

    fn find(&self, event: &str) -> Option<&Known> {
        self.by_arn.get(self.arn(event)?)
    }

    /// What probably is the ARN of the agent of an event. It only decides which configuration is compared first.
    fn arn<'e>(&self, event: &'e str) -> Option<&'e [u8]> {
        let start = &event.as_bytes()[..event.len().min(REACH)];
        let found = self.needle.find(start)?;
        let arn = &start[found + NEEDLE.len()..];
        Some(&arn[..memchr(b'"', arn)?])
    }
}
