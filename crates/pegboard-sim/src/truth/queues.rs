//! The reports of contacts by interval: of queues, and of agents for queues.

use std::collections::BTreeMap;

use pegboard_model::policy::ServiceLevelFormula;
use pegboard_model::report::{AgentQueueInterval, QueueInterval};
use pegboard_model::{AgentId, Channel, Direction, Fixed, Millis, QueueId, Text};

use super::Book;
use super::contacts::{AgentWork, Facts, Stay};
use super::segments::model_channel;
use super::window::Interval;
use crate::events::Initiation;
use crate::organisation::QueueNo;

/// A contact of a queue, with the two parts of it that a queue's row needs.
type Queued<'a> = (&'a Facts, Stay);

impl Book<'_> {
    pub(super) fn queue_intervals(&self, contacts: &[Facts]) -> Vec<QueueInterval> {
        let mut rows: BTreeMap<(Interval, QueueId, Channel, Direction), Vec<Queued<'_>>> = BTreeMap::new();
        for facts in contacts.iter().filter(|facts| facts.counts()) {
            let (Some(interval), Some(stay)) = (self.interval_of(facts), facts.stay) else { continue };
            let queue = self.organisation.queue(stay.queue).queue_id.clone();
            let key = (interval, queue, model_channel(facts.channel), facts.direction());
            rows.entry(key).or_default().push((facts, stay));
        }
        rows.into_iter()
            .map(|((interval, _, channel, direction), contacts)| {
                self.queue_interval(interval, channel, direction, &contacts)
            })
            .collect()
    }

    fn interval_of(&self, facts: &Facts) -> Option<Interval> {
        self.window.interval_of(facts.pegged(self.settings.pegging)?)
    }

    fn queue_interval(
        &self,
        interval: Interval,
        channel: Channel,
        direction: Direction,
        contacts: &[Queued<'_>],
    ) -> QueueInterval {
        let card = self.organisation.queue(contacts[0].1.queue);
        let threshold =
            *self.settings.service_level_of.get(&card.queue_id).unwrap_or(&self.settings.service_level);
        let answered = Lot::of(contacts, |facts| facts.work.is_some());
        let abandoned = Lot::of(contacts, |facts| facts.work.is_none() && !facts.handed_on);
        let transferred_out = Lot::of(contacts, |facts| facts.work.is_none() && facts.handed_on);
        let all = Lot::of(contacts, |_| true);
        let came_over =
            |facts: &Facts| matches!(facts.initiation, Initiation::QueueTransfer | Initiation::Transfer);
        let formula = self.settings.formula;
        let pct = match formula {
            ServiceLevelFormula::Answered => percent(answered.within(threshold), answered.count()),
            ServiceLevelFormula::AnsweredAbandonedLate => percent(
                answered.within(threshold),
                answered.count() + abandoned.count() - abandoned.within(threshold),
            ),
            ServiceLevelFormula::Offered => {
                percent(answered.within(threshold) + abandoned.within(threshold), all.count())
            }
            ServiceLevelFormula::Aws => percent(all.within(threshold), all.count()),
        };
        let (talk_s, hold_s) = (answered.sum(|work| work.talk), answered.sum(|work| work.hold));
        QueueInterval {
            interval_start: interval.start,
            interval_s: interval.length(),
            source: self.settings.source.clone(),
            queue_id: card.queue_id.clone(),
            queue_name: card.name.clone(),
            channel,
            direction,
            offered: all.count(),
            answered: answered.count(),
            answered_in_sl: answered.within(threshold),
            abandoned: abandoned.count(),
            abandoned_in_sl: abandoned.within(threshold),
            abandoned_short: abandoned.within(self.settings.short_abandon),
            transferred_out: transferred_out.count(),
            transferred_in: Lot::of(contacts, came_over).count(),
            queue_answered_s: answered.waited(),
            queue_answered_max_s: answered.longest(),
            queue_abandoned_s: abandoned.waited(),
            queue_abandoned_max_s: abandoned.longest(),
            talk_s,
            hold_s,
            acw_s: answered.sum(|work| work.acw),
            handle_s: talk_s + hold_s,
            service_level_s: threshold,
            service_level_pct: pct,
            service_level_formula: formula,
            pegging: self.settings.pegging,
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

    pub(super) fn agent_queue_intervals(&self, contacts: &[Facts]) -> Vec<AgentQueueInterval> {
        let mut rows: BTreeMap<(Interval, AgentId, QueueId, Channel, Direction), AgentQueueInterval> =
            BTreeMap::new();
        for facts in contacts.iter().filter(|facts| facts.counts()) {
            let (Some(interval), Some(work)) = (self.interval_of(facts), &facts.work) else { continue };
            let row = self.agent_queue_interval(interval, facts, work);
            let key =
                (interval, row.agent_id.clone(), row.queue_id.clone(), row.channel.clone(), row.direction);
            let row = rows.entry(key).or_insert(row);
            row.answered += 1;
            row.talk_s += work.talk;
            row.hold_s += work.hold;
            row.acw_s += work.acw;
            row.handle_s += work.talk + work.hold;
            row.transferred_by_agent += u64::from(work.passed_on);
        }
        rows.into_values().collect()
    }

    /// A row without any contact.
    fn agent_queue_interval(
        &self,
        interval: Interval,
        facts: &Facts,
        work: &AgentWork,
    ) -> AgentQueueInterval {
        let agent = self.organisation.agent(work.agent);
        let (queue_id, queue_name) = self.queue_or_nothing(facts.stay.map(|stay| stay.queue));
        AgentQueueInterval {
            interval_start: interval.start,
            interval_s: interval.length(),
            source: self.settings.source.clone(),
            agent_id: agent.agent_id.clone(),
            agent_login: agent.login.clone(),
            queue_id,
            queue_name,
            channel: model_channel(facts.channel),
            direction: facts.direction(),
            answered: 0,
            talk_s: Millis::ZERO,
            hold_s: Millis::ZERO,
            acw_s: Millis::ZERO,
            handle_s: Millis::ZERO,
            transferred_by_agent: 0,
            pegging: self.settings.pegging,
        }
    }

    fn queue_or_nothing(&self, queue: Option<QueueNo>) -> (QueueId, Text) {
        match queue.map(|queue| self.organisation.queue(queue)) {
            Some(card) => (card.queue_id.clone(), card.name.clone()),
            None => (QueueId::default(), Text::default()),
        }
    }
}

/// Some of the contacts of a queue's interval.
struct Lot<'a>(Vec<Queued<'a>>);

impl<'a> Lot<'a> {
    fn of(contacts: &[Queued<'a>], belongs: impl Fn(&Facts) -> bool) -> Self {
        Self(contacts.iter().filter(|(facts, _)| belongs(facts)).copied().collect())
    }

    fn count(&self) -> u64 {
        self.0.len() as u64
    }

    fn within(&self, limit: Millis) -> u64 {
        self.0.iter().filter(|(_, stay)| stay.waited < limit).count() as u64
    }

    fn waited(&self) -> Millis {
        self.0.iter().map(|(_, stay)| stay.waited).sum()
    }

    fn longest(&self) -> Millis {
        self.0.iter().map(|(_, stay)| stay.waited).max().unwrap_or(Millis::ZERO)
    }

    fn sum(&self, what: impl Fn(&AgentWork) -> Millis) -> Millis {
        self.0.iter().filter_map(|(facts, _)| facts.work.as_ref()).map(what).sum()
    }
}

fn percent(part: u64, whole: u64) -> Option<Fixed> {
    let count = |number: u64| i64::try_from(number).expect("counts are small");
    Fixed::percent(count(part), count(whole))
}
