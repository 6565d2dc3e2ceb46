//! Sources that are stale: the target is told that they are, or of a state in place of their agents'.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use pegboard_model::{AgentNow, Class, Millis, SourceName, Timestamp};
use pegboard_sinks::{Lane, Outcome, SourceHealth, StateChange};
use pegboard_store::{DeliveryNote, StaleNote, StoreError};
use tokio::time::Instant;

use super::Delivery;
use crate::runtime::deliver::stale::true_again;
use crate::runtime::deliver::waiting::key;
use crate::runtime::deliver::{Turn, digest_of, failure};
use crate::runtime::source::Shared;
use crate::runtime::status::Freshness;

/// How often there is a look at how sources do, at most.
const LOOK: Duration = Duration::from_secs(1);

/// What the target knows of sources.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Those that it was told are stale, and from when on.
    told: BTreeMap<SourceName, Timestamp>,
    /// Those that are fresh again, whose agents' states may still be on the way.
    returning: BTreeSet<SourceName>,
    /// Up to which change of the feed they have told everything that the target is told of them.
    told_up_to: BTreeMap<SourceName, u64>,
    /// What the target is to be told of them.
    due: VecDeque<SourceHealth>,
    looked: Option<Instant>,
}

impl Sources {
    /// Those that the target was told are stale.
    pub(super) fn told(stale: &[(SourceName, Timestamp)]) -> Self {
        Self { told: stale.iter().cloned().collect(), ..Self::default() }
    }
}

impl Delivery<'_> {
    /// Looks which sources have turned stale, and which are fresh again.
    pub(super) async fn look_at_sources(&mut self) -> Result<(), StoreError> {
        let Self { deliverer, .. } = *self;
        let sends = deliverer.stale.state().is_some() || !self.sources.told.is_empty();
        let is_told = self.lane.tells_health || (sends && !self.whole.is_due);
        if !is_told || self.sources.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return Ok(());
        }
        self.sources.looked = Some(Instant::now());
        for shared in &deliverer.sources {
            shared.refresh_status().await?;
            let told = self.sources.told.get(&shared.config.name).copied();
            match (told, self.freshness(shared, told.is_some())) {
                (None, Freshness::Stale { until }) => self.turned_stale(shared, until).await?,
                (Some(since), Freshness::Fresh) => self.is_fresh_again(shared, since).await?,
                (Some(since), _) if !self.tells_anything() => self.is_fresh_again(shared, since).await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the target is told anything while a source is stale: it may have been before the configuration was changed.
    fn tells_anything(&self) -> bool {
        self.lane.tells_health || self.deliverer.stale.state().is_some()
    }

    /// One that was stale is fresh when it is clearly so: one at the edge would be told again and again.
    fn freshness(&self, shared: &Shared, was_stale: bool) -> Freshness {
        let stale_after = shared.config.stale_after;
        let most = if was_stale { Millis::new(stale_after.get() / 2) } else { stale_after };
        shared.status.freshness(self.deliverer.now(), most)
    }

    async fn turned_stale(&mut self, shared: &Shared, until: Timestamp) -> Result<(), StoreError> {
        let (name, now) = (&shared.config.name, self.deliverer.now());
        tracing::warn!(sink.name = %self.deliverer.name, source.name = %name, "a source is stale: the sink is told");
        self.sources.returning.remove(name);
        if self.lane.tells_health {
            let since = until + shared.config.stale_after;
            let health =
                SourceHealth { source: name.clone(), is_fresh: false, since, known_until: Some(until) };
            self.sources.due.push_back(health);
            self.sources.told.insert(name.clone(), since);
            return Ok(());
        }
        // Before anybody is told: who goes on after a crash must know that the true states are to follow.
        self.note_stale(name, Some(now)).await?;
        self.sources.told.insert(name.clone(), now);
        let Some(state) = self.deliverer.stale.state() else { return Ok(()) };
        for agent in self.everybody_of(name).await?.into_iter().filter(|agent| agent.class.is_signed_in()) {
            self.waiting.tell_instead(state.in_place_of(agent, now));
        }
        Ok(())
    }

    async fn is_fresh_again(&mut self, shared: &Shared, told: Timestamp) -> Result<(), StoreError> {
        let (name, now) = (&shared.config.name, self.deliverer.now());
        tracing::info!(sink.name = %self.deliverer.name, source.name = %name, "a source is fresh again: the sink is told");
        self.sources.told.remove(name);
        if self.lane.tells_health {
            let health = SourceHealth { source: name.clone(), is_fresh: true, since: now, known_until: None };
            self.sources.due.push_back(health);
            return Ok(());
        }
        self.sources.returning.insert(name.clone());
        for agent in self.everybody_of(name).await? {
            let is_told =
                agent.class.is_signed_in() || self.signed_in.contains(&key(&agent)) || agent.since > told;
            if agent.class != Class::Unknown && is_told {
                let now = true_again(agent, told, now);
                self.waiting.tell_instead(StateChange::new(None, now));
            }
        }
        Ok(())
    }

    /// The agents of a source whom the target is told of, as they are now. What the feed has told of them by then is told herewith.
    async fn everybody_of(&mut self, source: &SourceName) -> Result<Vec<AgentNow>, StoreError> {
        let Self { deliverer, .. } = *self;
        let everybody = deliverer.store.agents(std::slice::from_ref(source)).await?;
        if let Some(number) = everybody.cursor.seen.get(source) {
            self.sources.told_up_to.insert(source.clone(), *number);
        }
        let agents = everybody.agents.into_iter().map(|agent| agent.now);
        Ok(agents.filter(|agent| deliverer.filter.admits(agent)).collect())
    }

    /// Whether the target is told something else in place of this change, or was told what follows from it.
    pub(super) fn is_left_out(&self, change: &StateChange) -> bool {
        let source = &change.now.source;
        let is_stale = self.deliverer.stale.state().is_some() && self.sources.told.contains_key(source);
        is_stale || self.sources.told_up_to.get(source).is_some_and(|upto| change.number <= Some(*upto))
    }

    /// Of a whole picture: what the target was told in place of states is over with it.
    pub(super) fn true_picture(&mut self, agents: impl Iterator<Item = AgentNow>) -> Vec<AgentNow> {
        if self.lane.tells_health {
            return agents.collect();
        }
        let (told, at) = (std::mem::take(&mut self.sources.told), self.deliverer.now());
        let agents = agents.map(|now| match told.get(&now.source) {
            Some(since) => true_again(now, *since, at),
            None => now,
        });
        let agents = agents.collect();
        self.sources.told_up_to.clear();
        self.sources.returning.extend(told.into_keys());
        agents
    }

    /// What is written when everything has arrived.
    pub(super) fn returned(&mut self) -> Vec<StaleNote> {
        let returning = std::mem::take(&mut self.sources.returning);
        returning.into_iter().map(|source| StaleNote { source, since: None }).collect()
    }

    /// Tells the target how sources do. Answers for how long it takes nothing, if so.
    pub(super) async fn tell_health(&mut self) -> Result<Option<Duration>, StoreError> {
        let (deliverer, encoder) = (self.deliverer, self.lane.encoder);
        while let Some(health) = self.sources.due.front().cloned() {
            let documents = (encoder.encode)(&deliverer.known_health(health.clone())).documents;
            let key = format!("{}/{}", encoder.name, digest_of(&documents, 16));
            let outcome = match deliverer.hand(encoder, &documents, &key, Turn::First).await {
                Ok(outcome) => outcome,
                Err(pause) => return Ok(Some(pause)),
            };
            let now = deliverer.now();
            if let Some((reason, asked)) = failure(&outcome) {
                let failures = deliverer.status.failed(Lane::States, now, reason);
                return Ok(Some(deliverer.pause(Lane::States, failures, asked)));
            }
            deliverer.status.accepted(Lane::States, now);
            if outcome != Outcome::Accepted {
                tracing::warn!(sink.name = %deliverer.name, "how a source does is refused: {outcome:?}");
            }
            self.note_stale(&health.source, (!health.is_fresh).then_some(health.since)).await?;
            self.sources.due.pop_front();
        }
        Ok(None)
    }

    async fn note_stale(&self, source: &SourceName, since: Option<Timestamp>) -> Result<(), StoreError> {
        let stale = vec![StaleNote { source: source.clone(), since }];
        self.deliverer.store.note_deliveries(DeliveryNote { stale, ..self.nothing() }).await
    }
}
