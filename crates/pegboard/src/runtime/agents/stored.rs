//! Agents from the store: all of them at a start, afterwards those that somebody else has written.
//!
//! They come by pages, and what was read of an agent is gone once it is known. What is read at one moment and outdated at
//! the next does no harm: versions decide.

use pegboard_engine::TimelinePolicy;
use pegboard_model::{AgentId, SourceName};
use pegboard_store::{Store, StoreError, StoredAgent};

use super::{Agent, Agents, read_track};

/// How many agents are read at once: some megabytes of JSON.
const READ_AT_ONCE: usize = 1000;

/// How many versions of agents are read at once.
const VERSIONS_AT_ONCE: usize = 10_000;

impl Agents {
    /// All agents of a source, as they are stored.
    pub async fn load(
        source: SourceName,
        policy: TimelinePolicy,
        store: &dyn Store,
    ) -> Result<Self, StoreError> {
        let mut agents = Self::new(source, policy);
        let mut last = None;
        loop {
            let page = store.stored_agents(&agents.source, last.as_ref(), READ_AT_ONCE).await?;
            let is_last = page.len() < READ_AT_ONCE;
            last = page.last().map(|stored| stored.agent.clone());
            agents.take_over(page)?;
            if is_last {
                return Ok(agents);
            }
        }
    }

    /// Reads those again of which another version is stored than is known.
    pub async fn reload(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let mut last = None;
        loop {
            let page = store.agent_versions(&self.source, last.as_ref(), VERSIONS_AT_ONCE).await?;
            let is_last = page.len() < VERSIONS_AT_ONCE;
            last = page.last().map(|(agent, _)| agent.clone());
            let differs = |(agent, version): &(AgentId, u64)| self.version(agent) != Some(*version);
            let moved: Vec<_> = page.into_iter().filter(differs).map(|(agent, _)| agent).collect();
            self.reload_these(&moved, store).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Reads these again, whatever is known of them.
    pub async fn reload_these(&mut self, agents: &[AgentId], store: &dyn Store) -> Result<(), StoreError> {
        for some in agents.chunks(READ_AT_ONCE) {
            let stored = store.stored_agents_of(&self.source, some).await?;
            // Who is no longer stored is new when he is heard of.
            self.forget(some);
            self.take_over(stored)?;
        }
        Ok(())
    }

    fn version(&self, agent: &AgentId) -> Option<u64> {
        self.known.get(agent).map(|known| known.version)
    }

    /// Takes over agents as they are stored now.
    fn take_over(&mut self, stored: Vec<StoredAgent>) -> Result<(), StoreError> {
        for StoredAgent { agent, track, now, version } in stored {
            let mut track = read_track(&self.source, &agent, &track)?;
            track.share(&mut self.pool);
            let mut known = Agent { track, version, ..Agent::default() };
            known.set_now(&self.source, now);
            // Nothing but silence puts something over what was heard.
            known.silent =
                known.told.as_ref().filter(|_| known.track.current().is_some()).map(|now| now.class);
            self.keep(agent, known);
        }
        Ok(())
    }
}
