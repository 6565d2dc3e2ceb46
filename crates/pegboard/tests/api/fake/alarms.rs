//! Alarms of the store that the API is tested with.

use async_trait::async_trait;
use pegboard_model::Timestamp;
use pegboard_store::{Alarm, AlarmMark, AlarmNote, Alarms, AlarmsAsked, Result, Silence, Told};

use super::{FakeStore, NOW, admits};

impl FakeStore {
    /// Opens an alarm, of a source or of the house.
    pub(crate) fn raise(&self, condition: &str, subject: &str, source: Option<&str>) -> u64 {
        let alarms = &mut *self.alarms.lock().unwrap();
        let id = alarms.len() as u64 + 1;
        alarms.push(Alarm {
            id,
            condition: condition.into(),
            severity: "critical".into(),
            subject: subject.into(),
            source: source.map(Into::into),
            text: "it answers 503".into(),
            since: NOW,
            seen: NOW,
            ended: None,
            acknowledged: None,
            silence: None,
        });
        id
    }

    /// Ends one.
    pub(crate) fn end_alarm(&self, id: u64) {
        let alarms = &mut *self.alarms.lock().unwrap();
        alarms.iter_mut().filter(|alarm| alarm.id == id).for_each(|alarm| alarm.ended = Some(NOW));
    }

    fn change_alarm(&self, id: u64, change: impl FnOnce(&mut Alarm)) -> bool {
        let alarms = &mut *self.alarms.lock().unwrap();
        alarms.iter_mut().find(|alarm| alarm.id == id).map(change).is_some()
    }
}

#[async_trait]
impl Alarms for FakeStore {
    async fn note_alarms(&self, _: AlarmNote) -> Result<()> {
        Ok(())
    }

    async fn alarms(&self, asked: AlarmsAsked<'_>) -> Result<Vec<Alarm>> {
        self.works()?;
        let alarms = self.alarms.lock().unwrap();
        let asked_for = alarms.iter().rev().filter(|alarm| {
            let is_seen = match &alarm.source {
                Some(source) => admits(asked.sources, source),
                None => asked.sources.is_empty(),
            };
            is_seen
                && !(asked.only_open && alarm.ended.is_some())
                && asked.before.is_none_or(|before| alarm.id < before)
        });
        Ok(asked_for.take(asked.limit).cloned().collect())
    }

    async fn alarm(&self, id: u64) -> Result<Option<Alarm>> {
        self.works()?;
        Ok(self.alarms.lock().unwrap().iter().find(|alarm| alarm.id == id).cloned())
    }

    async fn acknowledge_alarm(&self, id: u64, mark: AlarmMark) -> Result<bool> {
        let is_open = self.alarm(id).await?.is_some_and(|alarm| alarm.ended.is_none());
        Ok(is_open && self.change_alarm(id, |alarm| alarm.acknowledged = Some(mark)))
    }

    async fn silence_alarm(&self, id: u64, silence: Silence) -> Result<bool> {
        Ok(self.change_alarm(id, |alarm| alarm.silence = Some(silence)))
    }

    async fn know_outlet(&self, _: &str, now: Timestamp) -> Result<Timestamp> {
        Ok(now)
    }

    async fn told(&self, _: &str, _: &[u64]) -> Result<Vec<Told>> {
        Ok(Vec::new())
    }

    async fn note_told(&self, _: &str, _: &[Told], _: Timestamp) -> Result<()> {
        Ok(())
    }
}
