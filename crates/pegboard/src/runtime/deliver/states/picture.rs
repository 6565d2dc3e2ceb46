//! The whole picture: everybody's present state, for a target that was never told anything, or not for so long that the feed of
//! states no longer reaches back.

use std::time::Duration;

use pegboard_model::Class;
use pegboard_sinks::{Lane, StateChange};
use pegboard_store::{AgentsSnapshot, DeliveryNote, HoldNote, Present, StoreError};

use super::Delivery;
use crate::runtime::deliver::hold::Picture;
use crate::runtime::deliver::waiting::key;
use crate::runtime::status::Freshness;

/// How often there is a look whether what is held back can be sent.
pub(super) const HELD_LOOK: Duration = Duration::from_secs(1);

/// What of the whole picture is to be done.
#[derive(Debug, Default)]
pub(super) struct Whole {
    /// Whether the target needs it.
    pub(super) is_due: bool,
    /// Whether the store says that it is held back.
    is_noted: bool,
    /// Why it was when that was looked at last.
    reason: Option<String>,
}

impl Delivery<'_> {
    /// What there is to do when the delivery begins.
    pub(super) async fn begin_picture(&mut self) -> Result<(), StoreError> {
        let Self { deliverer, .. } = *self;
        self.whole.is_noted = deliverer.store.hold(&deliverer.name).await?.is_some();
        self.whole.is_due = self.noted.is_none();
        if !self.whole.is_due {
            let everybody = self.everybody().await?.agents;
            let signed_in = everybody.iter().filter(|agent| agent.now.class.is_signed_in());
            self.signed_in = signed_in.map(|agent| key(&agent.now)).collect();
            self.persons.begin_anew(deliverer.mapping(), everybody.iter().map(|agent| &agent.now));
        }
        Ok(())
    }

    /// Takes up everybody's present state where the target needs it. Answers whether it is held back.
    pub(super) async fn take_picture(&mut self) -> Result<bool, StoreError> {
        if !self.whole.is_due {
            return Ok(false);
        }
        let Self { deliverer, .. } = *self;
        let hold = deliverer.store.hold(&deliverer.name).await?;
        let is_released = hold.is_some_and(|hold| hold.released.is_some());
        if !is_released && let Some(reason) = self.doubt_of_sources().await? {
            return self.hold_back(reason).await;
        }
        let picture = self.everybody().await?;
        if !is_released && let Some(reason) = self.doubt_of_agents(&picture) {
            return self.hold_back(reason).await;
        }
        if self.whole.is_noted && !is_released {
            tracing::info!(sink.name = %deliverer.name, "everybody's state is held back no longer");
            let hold = Some(HoldNote::Over);
            deliverer.store.note_deliveries(DeliveryNote { hold, ..self.nothing() }).await?;
        }
        // What a person released is so until it has arrived: who goes on after a crash must not ask again.
        self.whole = Whole { is_noted: is_released, ..Whole::default() };
        self.signed_in.clear();
        let present = self.true_picture(picture.agents.into_iter().map(|agent| agent.now));
        self.persons.begin_anew(deliverer.mapping(), &present);
        self.waiting.begin_anew(present, picture.cursor);
        self.batch = None;
        deliverer.status.waiting(Lane::States, self.waiting.count());
        Ok(false)
    }

    /// Takes note of who is whom, where people have edited that.
    pub(super) async fn follow_mapping(&mut self) -> Result<(), StoreError> {
        let mapping = self.deliverer.mapping();
        if !self.persons.is_of(&mapping) {
            self.waiting.follow(mapping.clone());
            let everybody = self.everybody().await?.agents;
            self.persons.begin_anew(mapping, everybody.iter().map(|agent| &agent.now));
        }
        Ok(())
    }

    /// What is written when everything has arrived.
    pub(super) fn picture_arrived(&mut self) -> Option<HoldNote> {
        std::mem::take(&mut self.whole.is_noted).then_some(HoldNote::Over)
    }

    /// Everybody whom the target is told of.
    pub(super) async fn everybody(&self) -> Result<AgentsSnapshot, StoreError> {
        let mut everybody = self.deliverer.store.agents(&self.deliverer.names).await?;
        everybody.agents.retain(|agent| self.deliverer.filter.admits(&agent.now));
        Ok(everybody)
    }

    async fn doubt_of_sources(&self) -> Result<Option<String>, StoreError> {
        let mut sources: Vec<(_, Freshness)> = Vec::new();
        for shared in &self.deliverer.sources {
            shared.refresh_status().await?;
            let freshness = shared.status.freshness(self.deliverer.now(), shared.config.stale_after);
            sources.push((&shared.config.name, freshness));
        }
        Ok(self.deliverer.hold.doubt_of_sources(sources))
    }

    fn doubt_of_agents(&self, picture: &AgentsSnapshot) -> Option<String> {
        let before = self.present?;
        self.deliverer.hold.doubt_of_agents(Picture::of(&picture.agents, before.at), Some(before))
    }

    async fn hold_back(&mut self, reason: String) -> Result<bool, StoreError> {
        if self.whole.reason.as_ref() != Some(&reason) {
            let deliverer = self.deliverer;
            tracing::warn!(sink.name = %deliverer.name, "everybody's state is held back: {reason}");
            let hold = Some(HoldNote::Waits { since: deliverer.now(), reason: reason.as_str().into() });
            deliverer.store.note_deliveries(DeliveryNote { hold, ..self.nothing() }).await?;
            self.whole.is_noted = true;
            self.whole.reason = Some(reason);
        }
        Ok(true)
    }

    /// Notes whom the target knows as signed in, now that it has these states. Whose state nobody knows, it knows as before.
    pub(super) fn note_signed_in(&mut self, arrived: &[StateChange]) {
        for StateChange { now, .. } in arrived {
            match now.class {
                Class::Unknown => {}
                Class::SignedOut => {
                    self.signed_in.remove(&key(now));
                }
                _ => {
                    self.signed_in.insert(key(now));
                }
            }
        }
    }

    /// How many these are, where it is to be written: while a picture has not arrived as a whole it is that of before.
    pub(super) fn present_to_note(&mut self, is_settled: bool) -> Option<Present> {
        let present = Present { agents: self.signed_in.len() as u64, at: self.deliverer.now() };
        let is_news = is_settled && self.present.is_none_or(|known| known.agents != present.agents);
        if is_news {
            self.present = Some(present);
        }
        is_news.then_some(present)
    }

    /// A note that says nothing yet.
    pub(super) fn nothing(&self) -> DeliveryNote {
        DeliveryNote::new(self.deliverer.name.clone(), self.epoch)
    }
}
