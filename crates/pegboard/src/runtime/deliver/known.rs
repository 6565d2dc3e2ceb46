//! What a sink is handed: the same as a dry run hands it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use jiff::tz::TimeZone;
use pegboard_engine::{IntervalLength, Window};
use pegboard_model::report::{QueueInterval, SegmentRow};
use pegboard_model::{AgentNow, Millis, QueueId, SourceName, Timestamp};
use pegboard_sinks::mapping::QueueKind;
use pegboard_sinks::{Groups, Ingredient, Interval, Known, SinkReport, SourceHealth, Span, StateChange};
use pegboard_store::{RowsOf, StoreError};

use super::Deliverer;
use crate::runtime::reports::{Facts, days};
use crate::runtime::silence::Silence;
use crate::runtime::source::Shared;

/// How far back it is looked what queues are for.
const LEARNED_FROM: Millis = Millis::from_hours(7 * 24);

/// How far before an interval an activity is looked for that ends in it.
pub(super) const AROUND: Millis = Millis::from_hours(24);

impl Deliverer {
    /// Nothing known, yet.
    pub(super) fn nothing(&self) -> Known {
        let first = self.sources.first().map(|shared| &shared.config);
        Known {
            source: first.map_or_else(|| "".into(), |config| config.name.clone()),
            sources: self.names.clone(),
            zone: first.map_or(TimeZone::UTC, |config| config.time_zone.clone()),
            interval_length: Millis::ZERO,
            intervals: Vec::new(),
            states: Vec::new(),
            changes: Vec::new(),
            before: Vec::new(),
            health: Vec::new(),
            activities: Vec::new(),
            sessions: Vec::new(),
            agents: Vec::new(),
            groups: Vec::new(),
            queues: Vec::new(),
            agent_queues: Vec::new(),
            directory: Vec::new(),
            queue_kinds: Vec::new(),
            statuses: first.map(|config| config.statuses.clone()).unwrap_or_default(),
            raw_events: Vec::new(),
            mapping: self.mapping().mapping.clone(),
        }
    }

    /// Some changes of agents' states, in the order of the feed, and what persons' agents were told to be in before.
    pub(super) fn known_states(&self, changes: &[StateChange], before: Vec<AgentNow>) -> Known {
        let mut states: Vec<_> = changes.iter().map(|change| segment(&change.now)).collect();
        states.sort_by(|a, b| (a.start, &a.agent_id).cmp(&(b.start, &b.agent_id)));
        Known { states, changes: changes.to_vec(), before, ..self.nothing() }
    }

    /// How a source does.
    pub(super) fn known_health(&self, health: SourceHealth) -> Known {
        Known { health: vec![health], ..self.nothing() }
    }

    /// The stretches that the documents of a report are about which hold the interval that begins at `start`.
    pub(super) fn windows_of(&self, report: &SinkReport, start: Timestamp) -> Vec<Window> {
        let of =
            |shared: &Arc<Shared>| report.span.of(shared.config.interval, &shared.config.time_zone, start);
        self.sources.first().map(of).unwrap_or_default()
    }

    /// What happened in the stretches that a document of a report is about, by its start, of all sources: as much of it as the
    /// report is made of.
    pub(super) async fn known_of(&self, start: Timestamp, report: &SinkReport) -> Result<Known, StoreError> {
        let (mut known, mut groups) = (self.nothing(), Groups::default());
        for shared in &self.sources {
            let config = &shared.config;
            let length = if report.span == Span::Day { IntervalLength::Day } else { config.interval };
            let windows = report.span.of(config.interval, &config.time_zone, start);
            known.intervals =
                windows.iter().map(|window| Interval { start: window.from, end: window.to }).collect();
            for window in windows {
                known.interval_length = window.to.since(window.from);
                self.add(&mut known, &mut groups, shared, window, length, report.made_of).await?;
            }
        }
        known.states.sort_by(|a, b| (a.start, &a.agent_id).cmp(&(b.start, &b.agent_id)));
        known.directory.sort_by(|a, b| a.id.cmp(&b.id));
        known.directory.dedup();
        known.queue_kinds = self.kinds_with(&known.queues);
        self.filter.apply(&mut known, &groups);
        Ok(known)
    }

    /// What all queues are for, also those of these rows of which nothing was known.
    pub(super) fn kinds_with(&self, queues: &[QueueInterval]) -> Vec<QueueKind> {
        let kinds = &mut *self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        learn(kinds, QueueKind::of_most(queues));
        kinds.values().cloned().collect()
    }

    /// Adds what a source knows of a window, as far as it is asked for.
    pub(super) async fn add(
        &self,
        known: &mut Known,
        groups: &mut Groups,
        shared: &Shared,
        window: Window,
        length: IntervalLength,
        made_of: &[Ingredient],
    ) -> Result<(), StoreError> {
        if of_agents(made_of) || self.filter.limits_agents() {
            self.add_agents(known, groups, shared, window, length, made_of).await?;
        }
        if of_contacts(made_of) {
            add_contacts(known, shared, window, length, made_of).await?;
        }
        Ok(())
    }

    async fn add_agents(
        &self,
        known: &mut Known,
        groups: &mut Groups,
        shared: &Shared,
        window: Window,
        length: IntervalLength,
        made_of: &[Ingredient],
    ) -> Result<(), StoreError> {
        let (store, config) = (&*shared.store, &shared.config);
        let is_asked = |ingredient| made_of.contains(&ingredient);
        // What lasts longer than an interval tells nothing of its beginning there.
        let lasts = is_asked(Ingredient::Activities) || is_asked(Ingredient::Sessions);
        let from = if lasts { window.from - AROUND } else { window.from };
        let around = Window { from, to: window.to };
        let timelines = Facts::load(store, config, RowsOf::Agents, around, window.to).await?;
        groups.add(&config.name, timelines.timelines());
        if is_asked(Ingredient::Activities) {
            known.activities.extend(timelines.activities(config));
        }
        let merges_people = !known.mapping.agents.rows().is_empty();
        if merges_people {
            // A person may be several agents, whose time is that of all of them.
            known.states.extend(timelines.segments(config));
        }
        known.directory.extend(timelines.directory());
        let timelines = timelines.seen_through(window);
        if is_asked(Ingredient::Agents) || is_asked(Ingredient::Groups) {
            let (agents, groups) = timelines.agent_and_group_rows(config, length);
            known.agents.extend(agents);
            known.groups.extend(groups);
        }
        if is_asked(Ingredient::Segments) && !merges_people {
            known.states.extend(timelines.segments(config));
        }
        if is_asked(Ingredient::Sessions) {
            known.sessions.extend(timelines.sessions(config, config.session_policy));
        }
        Ok(())
    }

    /// From when on everything that reports are made of is still kept.
    pub(super) async fn kept_from(&self) -> Result<Timestamp, StoreError> {
        let mut kept = Timestamp::MIN;
        for shared in &self.sources {
            kept = kept.max(shared.store.source_state(&shared.config.name).await?.details_from);
        }
        Ok(kept)
    }

    /// From when on anything is known that is still kept: before that a report would tell of silence where nothing is known.
    pub(super) async fn known_from(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut first: Option<Timestamp> = None;
        for shared in &self.sources {
            let (store, source) = (&shared.store, &shared.config.name);
            let agents = store.beginnings(source, Timestamp::MIN).await?.into_iter().map(|begins| begins.at);
            let known = agents.chain(store.first_contact(source).await?).min();
            let kept = store.source_state(source).await?.details_from;
            first = first.into_iter().chain(known.map(|known| known.max(kept))).min();
        }
        Ok(first)
    }

    /// Whether nothing was learned yet.
    pub(super) fn knows_no_kinds(&self) -> bool {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Learns what queues are for from the contacts of the last week.
    pub(super) async fn learn_kinds(&self) -> Result<(), StoreError> {
        let mut learned = Vec::new();
        for shared in &self.sources {
            let (store, config) = (&*shared.store, &shared.config);
            let known_until = shared.status.known_until(RowsOf::Contacts).unwrap_or_else(|| self.now());
            for window in days(Window { from: known_until - LEARNED_FROM, to: known_until }) {
                let contacts = Facts::load(store, config, RowsOf::Contacts, window, window.to).await?;
                learned.extend(contacts.queue_rows(config, config.interval));
            }
        }
        let kinds = &mut *self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        learn(kinds, QueueKind::of_most(&learned));
        Ok(())
    }
}

async fn add_contacts(
    known: &mut Known,
    shared: &Shared,
    window: Window,
    length: IntervalLength,
    made_of: &[Ingredient],
) -> Result<(), StoreError> {
    let (store, config) = (&*shared.store, &shared.config);
    let contacts = Facts::load(store, config, RowsOf::Contacts, window, window.to).await?;
    if made_of.contains(&Ingredient::Queues) && length == IntervalLength::Day {
        known.queues.extend(contacts.queue_rows(config, length));
    } else if made_of.contains(&Ingredient::Queues) {
        let silence = Silence::load(shared).await?;
        let meant = |setting: &str, at| silence.queue(setting, at);
        let is_complete = |interval| silence.is_complete(interval);
        known.queues.extend(contacts.queue_rows_with_silence(config, meant, is_complete));
    }
    if made_of.contains(&Ingredient::AgentQueues) {
        known.agent_queues.extend(contacts.agent_queue_rows(config, length));
    }
    Ok(())
}

fn of_agents(made_of: &[Ingredient]) -> bool {
    made_of.iter().any(|ingredient| !matches!(ingredient, Ingredient::Queues | Ingredient::AgentQueues))
}

fn of_contacts(made_of: &[Ingredient]) -> bool {
    made_of.iter().any(|ingredient| matches!(ingredient, Ingredient::Queues | Ingredient::AgentQueues))
}

/// What each queue is for, by source and queue.
pub(super) type Kinds = BTreeMap<(SourceName, QueueId), QueueKind>;

/// Notes what queues are for of which nothing was known. What is known stays: a queue is called the same in every interval.
fn learn(known: &mut Kinds, kinds: Vec<QueueKind>) {
    for kind in kinds {
        known.entry((kind.source.clone(), kind.queue.clone())).or_insert(kind);
    }
}

/// A present state as the segment that it began.
fn segment(now: &AgentNow) -> SegmentRow {
    SegmentRow {
        source: now.source.clone(),
        agent_id: now.agent_id.clone(),
        agent_login: now.agent_login.clone(),
        start: now.since,
        end: None,
        duration_s: Millis::ZERO,
        class: now.class,
        status_id: now.status_id.clone(),
        status_name: now.status_name.clone(),
        contact_id: now.contact_id.clone(),
        channel: now.channel.clone(),
        initiation: now.initiation.clone(),
        queue_id: now.queue_id.clone(),
        queue_name: now.queue_name.clone(),
        event_id: now.event_id.clone(),
        reason: now.reason.clone(),
    }
}
