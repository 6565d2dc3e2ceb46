//! The ledger of the store in memory.

use async_trait::async_trait;
use pegboard_model::{AgentId, SinkName, SourceName, Timestamp};
use pegboard_store::{
    Deliveries, Delivery, DeliveryNote, DeliveryState, EventMark, EventPage, Events, Hold, LedgerFilter,
    LedgerLine, ParkedLine, RefusedState, Result, Settle, SinkState, Unit, UnmappedName, UnmappedSeen,
};

use super::{FakeStore, NOW};

impl FakeStore {
    /// An interval that the sink refuses.
    pub(crate) fn park(&self, unit: &str, reason: &str) {
        let delivery = Delivery {
            unit: unit.parse().unwrap(),
            state: DeliveryState::Parked,
            changes: 1,
            revision: 2,
            digest: Some("d1".into()),
            acknowledged: 1,
            tries: 1,
            first_try: Some(NOW),
            last_try: Some(NOW),
            due: NOW,
            reason: Some(reason.into()),
            comment: None,
        };
        self.kept.lock().unwrap().deliveries.push(delivery);
    }

    /// An agent whose state the sink refuses.
    pub(crate) fn refuse(&self, agent: &str) {
        let state = RefusedState {
            source: "acme".into(),
            agent: agent.into(),
            reason: "no such agent".into(),
            payload: "{}".to_owned(),
            first_at: NOW,
            last_at: NOW,
            count: 1,
        };
        self.kept.lock().unwrap().refused_states.push(state);
    }

    /// A name that no row of the mapping has.
    pub(crate) fn miss(&self, id: &str) {
        let seen = UnmappedSeen {
            kind: "state".into(),
            source: "acme".into(),
            id: id.into(),
            detail: "".into(),
            count: 7,
            first: NOW,
            last: NOW,
            suggestion: format!("{id},closed").into(),
            agents: vec!["ann".into()],
        };
        self.kept.lock().unwrap().unmapped.push(seen);
    }

    /// A whole picture is held back.
    pub(crate) fn hold_back(&self, reason: &str) {
        self.kept.lock().unwrap().hold = Some(Hold { since: NOW, reason: reason.into(), released: None });
    }

    /// What was decided about intervals.
    pub(crate) fn settled(&self) -> Vec<(LedgerFilter, Settle)> {
        self.kept.lock().unwrap().settled.clone()
    }
}

#[async_trait]
impl Events for FakeStore {
    async fn raw_events(&self, _: &SourceName, _: u64, _: usize) -> Result<EventPage> {
        Ok(EventPage::default())
    }

    async fn event_marks(&self, _: &SinkName) -> Result<Vec<EventMark>> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Deliveries for FakeStore {
    async fn known_sinks(&self) -> Result<Vec<SinkName>> {
        Ok(Vec::new())
    }

    async fn take_sink(&self, _: &SinkName) -> Result<SinkState> {
        Ok(SinkState { epoch: 1, states: None, rows: None, present: None, stale: Vec::new() })
    }

    async fn note_deliveries(&self, _: DeliveryNote) -> Result<()> {
        Ok(())
    }

    async fn due_deliveries(&self, _: &SinkName, _: Timestamp, _: usize) -> Result<Vec<Delivery>> {
        Ok(Vec::new())
    }

    async fn deliveries(
        &self,
        _: &SinkName,
        filter: &LedgerFilter,
        before: Option<&Unit>,
        limit: usize,
    ) -> Result<Vec<Delivery>> {
        self.works()?;
        let mut found = self.kept.lock().unwrap().deliveries.clone();
        let key = |unit: &Unit| (unit.interval_start, unit.report.clone());
        found.retain(|delivery| {
            let start = delivery.unit.interval_start;
            filter.from <= start
                && start < filter.to
                && filter.report.as_ref().is_none_or(|report| *report == delivery.unit.report)
                && filter.state.is_none_or(|state| state == delivery.state)
                && (filter.reason.is_none() || filter.reason == delivery.reason)
                && before.is_none_or(|before| key(&delivery.unit) < key(before))
        });
        found.sort_by_key(|delivery| std::cmp::Reverse(key(&delivery.unit)));
        found.truncate(limit);
        Ok(found)
    }

    async fn ledger(&self, _: &SinkName) -> Result<Vec<LedgerLine>> {
        Ok(Vec::new())
    }

    async fn undelivered(&self, _: &SinkName) -> Result<Vec<LedgerLine>> {
        Ok(Vec::new())
    }

    async fn parked(&self, _: &SinkName, limit: usize) -> Result<Vec<ParkedLine>> {
        let kept = self.kept.lock().unwrap();
        let line = |delivery: &Delivery| ParkedLine {
            report: delivery.unit.report.clone(),
            reason: delivery.reason.clone().unwrap_or_default(),
            units: 1,
            oldest: delivery.unit.interval_start,
            newest: delivery.unit.interval_start,
        };
        Ok(kept.deliveries.iter().map(line).take(limit).collect())
    }

    async fn settle_deliveries(
        &self,
        _: &SinkName,
        filter: &LedgerFilter,
        how: Settle,
        _: Timestamp,
    ) -> Result<u64> {
        let mut kept = self.kept.lock().unwrap();
        kept.settled.push((filter.clone(), how));
        Ok(kept.deliveries.len() as u64)
    }

    async fn refused_states(&self, _: &SinkName, limit: usize) -> Result<Vec<RefusedState>> {
        Ok(self.kept.lock().unwrap().refused_states.iter().take(limit).cloned().collect())
    }

    async fn drop_refused_state(&self, _: &SinkName, _: &SourceName, agent: &AgentId) -> Result<bool> {
        let mut kept = self.kept.lock().unwrap();
        let before = kept.refused_states.len();
        kept.refused_states.retain(|state| state.agent != *agent);
        Ok(kept.refused_states.len() < before)
    }

    async fn unmapped(&self, _: &SinkName, limit: usize) -> Result<Vec<UnmappedSeen>> {
        Ok(self.kept.lock().unwrap().unmapped.iter().take(limit).cloned().collect())
    }

    async fn forget_unmapped_names(&self, _: &SinkName, names: Vec<UnmappedName>) -> Result<()> {
        let mut kept = self.kept.lock().unwrap();
        kept.unmapped.retain(|seen| !names.contains(&UnmappedName::from(seen.clone())));
        Ok(())
    }

    async fn forget_unmapped(&self, _: &SinkName) -> Result<u64> {
        Ok(self.kept.lock().unwrap().unmapped.drain(..).count() as u64)
    }

    async fn hold(&self, _: &SinkName) -> Result<Option<Hold>> {
        Ok(self.kept.lock().unwrap().hold.clone())
    }

    async fn release_hold(&self, _: &SinkName, at: Timestamp) -> Result<bool> {
        let mut kept = self.kept.lock().unwrap();
        let held = kept.hold.as_mut().filter(|hold| hold.released.is_none());
        Ok(held.map(|hold| hold.released = Some(at)).is_some())
    }
}
