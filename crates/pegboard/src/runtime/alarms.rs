//! Says what needs somebody, since when, and when it is over.
//!
//! Nothing tells of an alarm: again and again one node looks at everything that is known of sources, sinks and the store,
//! and compares what is wrong with the alarms that are open. So nothing is missed by who was away, and nothing stands for
//! ever because nobody took it back. What only the node knows that does the work, it tells with each beat.

pub mod condition;
pub mod judge;
pub mod outlet;
pub mod standing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pegboard_model::{SourceName, Timestamp};
use pegboard_store::{Alarm, AlarmSeen, AlarmsAsked, Part, Roll, Store, StoreError};
use tokio::time::Instant;

use self::judge::Judge;
use self::outlet::{OutletSetup, Teller};
use self::standing::{
    SourceHere, SourceThere, Standing, bounded, clock_of_sink, clocks_of_source, sink_here, sink_there,
    source_here, source_there, unmapped_there,
};
use super::clock_off::ClockOff;
use super::deliver::Deliverer;
use super::hub::name_nodes;
use super::node::Node;
use super::node::report::{alarms_of_others, told_by_others};
use super::reconcile::catching_up::CatchingUp;
use super::source::Shared;
use super::view::GAPS_SHOWN;
use super::watch;
use crate::clock::Clock;

/// How many names without a row of a sink are looked at.
const LISTED: usize = 100;

/// The most alarms that are open: [`standing::MOST_OF_ONE`] and one of each condition.
pub const MOST_OPEN: usize = (standing::MOST_OF_ONE + 1) * condition::Condition::ALL.len();

/// How a node looks for what needs somebody.
#[derive(Debug, Clone)]
pub struct AlarmOptions {
    /// How often.
    pub every: Duration,
    /// Whom it tells.
    pub outlets: Vec<OutletSetup>,
}

impl Default for AlarmOptions {
    fn default() -> Self {
        Self { every: Duration::from_secs(5), outlets: Vec::new() }
    }
}

/// What is watched.
#[derive(Debug)]
pub(super) struct AlarmWatch {
    pub(super) sources: Vec<Arc<Shared>>,
    pub(super) sinks: Vec<Arc<Deliverer>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Clock,
    pub(super) node: Arc<Node>,
    pub(super) every: Duration,
    pub(super) tellers: Vec<Arc<Teller>>,
    /// Whether this node is the one that looks, and tells.
    pub(super) leads: watch::Sender<bool>,
}

/// Looks until `stop` turns true.
pub(super) async fn run(watch: Arc<AlarmWatch>, mut stop: watch::Receiver<bool>) {
    let (name, part) = (SourceName::from("alarms"), Part::Alarms);
    let mut looks = Looks::default();
    while !*stop.borrow() {
        // Also before the first look: a hub that has just started knows nothing yet.
        tokio::select! {
            biased;
            _ = stop.changed() => break,
            () = tokio::time::sleep(watch.every) => {}
        }
        // Dropped half-way nothing is half written.
        let turn = tokio::select! {
            biased;
            _ = stop.changed() => break,
            turn = watch.turn(&name, &part, &mut looks) => turn,
        };
        if let Err(error) = turn {
            tracing::warn!("cannot look what needs somebody: {error}");
        }
    }
}

/// What was seen until now, by the node that looks.
#[derive(Debug, Default)]
struct Looks {
    judge: Judge,
    /// How the closing of each source's intervals comes nearer to the present.
    closing: BTreeMap<SourceName, CatchingUp>,
}

impl Looks {
    /// Whether a source's intervals, which are closed up to then, are being caught up with.
    fn is_catching_up(
        &mut self,
        source: &SourceName,
        closed_until: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let at = Instant::now();
        let closing = self.closing.entry(source.clone()).or_insert_with(|| CatchingUp::begin(at));
        closing.goes_on(at, closed_until.map(|until| now.since(until)))
    }
}

impl AlarmWatch {
    /// Looks once, if this node is the one that does.
    async fn turn(&self, name: &SourceName, part: &Part, looks: &mut Looks) -> Result<(), StoreError> {
        if !self.node.take(name, part).await? {
            *looks = Looks::default();
            self.leads.send_replace(false);
            return Ok(());
        }
        self.leads.send_replace(true);
        let now = (self.clock)();
        let standing = self.standing(looks, now).await?;
        let open = open(&*self.store).await?;
        let note = looks.judge.judge(now, &standing, &open);
        for seen in note.seen.iter().filter(|seen| is_new(seen, &open)) {
            tracing::warn!(condition = &*seen.condition, subject = &*seen.subject, "alarm: {}", seen.text);
        }
        for over in open.iter().filter(|alarm| note.ended.contains(&alarm.id)) {
            tracing::info!(condition = &*over.condition, subject = &*over.subject, "the alarm is over");
        }
        if !note.seen.is_empty() || !note.ended.is_empty() {
            self.store.note_alarms(note).await?;
        }
        Ok(())
    }

    /// What is wrong as only this node knows, for the one that looks.
    pub(super) fn here(&self) -> Vec<Standing> {
        let now = (self.clock)();
        let sources = self.sources.iter().flat_map(|shared| {
            source_here(SourceHere {
                name: &shared.config.name,
                troubles: shared.status.troubles(),
                missing: shared.source.missing(now),
                fallback: shared.source.fallback(),
            })
        });
        let clocks = self
            .sources
            .iter()
            .flat_map(|shared| clocks_of_source(&shared.config.name, shared.status.clocks(), now));
        let targets = self
            .sinks
            .iter()
            .filter_map(|sink| clock_of_sink(sink.name(), ClockOff::of_target(sink.told_time()?, now), now));
        let sinks = self.sinks.iter().flat_map(|sink| sink_here(sink.name(), &sink.delivery()));
        let outlets = self.tellers.iter().filter_map(|teller| teller.standing());
        sources.chain(sinks).chain(outlets).chain(clocks).chain(targets).collect()
    }

    /// All that is wrong.
    async fn standing(&self, looks: &mut Looks, now: Timestamp) -> Result<Vec<Standing>, StoreError> {
        let roll = self.node.roll().await?;
        let mut standing = self.here();
        standing.extend(alarms_of_others(&roll, self.node.id()));
        for shared in &self.sources {
            standing.extend(self.of_source(shared, &roll, looks, now).await?);
        }
        for sink in &self.sinks {
            let undelivered = self.store.undelivered(sink.name()).await?;
            let refused = self.store.refused_states(sink.name(), 1).await?;
            let hold = self.store.hold(sink.name()).await?;
            standing.extend(sink_there(sink.name(), &undelivered, refused.first(), hold.as_ref(), now));
            let listed = self.store.unmapped(sink.name(), LISTED).await?;
            standing.extend(unmapped_there(sink.name(), &listed, now));
        }
        standing.extend(standing::store(self.store.fullness().await?));
        Ok(bounded(standing))
    }

    async fn of_source(
        &self,
        shared: &Shared,
        roll: &Roll,
        looks: &mut Looks,
        now: Timestamp,
    ) -> Result<Vec<Standing>, StoreError> {
        let config = &shared.config;
        let name = &config.name;
        shared.refresh_status().await?;
        let told = told_by_others(roll, self.node.id(), name);
        let mut shown = shared.status.show(now, config.stale_after, told);
        name_nodes(roll, name, &mut shown.partitions);
        let gaps = self.store.gaps(name, GAPS_SHOWN).await?;
        let letters = self.store.dead_letters(std::slice::from_ref(name), None, 1).await?;
        let known = SourceThere {
            name,
            health: shown.health,
            watermark: shown.watermark,
            partitions: &shown.partitions,
            closed_until: shown.closed_until.least(),
            catches_up: looks.is_catching_up(name, shown.closed_until.least(), now),
            interval: config.interval,
            close_delay: config.close_delay.max(config.close_delay_contacts),
            gaps: &gaps,
            letter: letters.first(),
        };
        Ok(source_there(&known, now))
    }
}

/// All alarms that are open.
async fn open(store: &dyn Store) -> Result<Vec<Alarm>, StoreError> {
    let asked = AlarmsAsked { only_open: true, limit: MOST_OPEN, ..AlarmsAsked::default() };
    store.alarms(asked).await
}

fn is_new(seen: &AlarmSeen, open: &[Alarm]) -> bool {
    !open.iter().any(|alarm| alarm.condition == seen.condition && alarm.subject == seen.subject)
}
