//! Delivers to sinks: what is known goes out, and the ledger says what arrived.
//!
//! One node at a time delivers to a sink, under an epoch that stands in every note of the ledger. States and reports have a
//! lane each, and wait for nothing of the other. A target that does not answer costs nothing but its own distance: the
//! latest state of each agent waits in memory, units of the ledger in the store.

mod events;
mod gate;
pub mod history;
pub mod hold;
mod known;
mod lasting;
mod made;
mod mapped;
mod persons;
mod places;
mod rebuild;
mod release;
pub(super) mod removed;
mod rows;
pub mod stale;
mod states;
pub mod status;
mod unmapped;
mod waiting;

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pegboard_model::{SinkName, SourceName, Timestamp};
use pegboard_net::ToldTime;
use pegboard_sinks::mapping::Mapping;
use pegboard_sinks::{Document, Encoder, Filter, Lane, Outcome, Pace, Sink};
use pegboard_store::{Part, RowsOf, Store, StoreError, failpoint};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use self::events::EventStatus;
use self::gate::{Gate, Pass};
use self::hold::HoldPolicy;
use self::known::Kinds;
use self::mapped::Mapped;
use self::stale::StalePolicy;
use self::status::{DeliveryShown, DeliveryStatus};
use self::unmapped::Listed;
use super::node::Node;
use super::source::Shared;
use super::view::{HoldShown, LedgerCount, SinkStatus};
use super::watch;
use crate::clock::Clock;
use crate::config::mapping::{Folder, Tables};

/// How long to wait after the store has failed.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// How often there is a look whether the sink is still this node's.
const CONFIRM: Duration = Duration::from_secs(2);

/// A sink, and what it is handed.
#[derive(Debug)]
pub struct SinkSetup {
    /// Its name: the ledger is kept under it.
    pub name: SinkName,
    /// The target.
    pub sink: Box<dyn Sink>,
    /// The sources that it is handed; all where none is named.
    pub sources: Vec<SourceName>,
    /// Whom and what it is told of.
    pub filter: Filter,
    /// What planners say about names.
    pub mapping: Mapping,
    /// The tables of it that can be edited, as the configuration has them.
    pub tables: Tables,
    /// From when on intervals are delivered the first time; from the last closed one on where nothing is said.
    pub start: Option<Timestamp>,
    /// How often the target may be asked; as its kind says where nothing is said.
    pub pace: Option<Pace>,
    /// When it is not told everybody's state.
    pub hold: HoldPolicy,
    /// What it is told while a source is stale, where it is not told how sources do.
    pub stale: StalePolicy,
}

impl SinkSetup {
    /// A target that is handed everything, under the names that it has.
    pub fn new(name: SinkName, sink: Box<dyn Sink>) -> Self {
        Self {
            name,
            sink,
            sources: Vec::new(),
            filter: Filter::default(),
            mapping: Mapping::default(),
            tables: Tables::default(),
            start: None,
            pace: None,
            hold: HoldPolicy::default(),
            stale: StalePolicy::default(),
        }
    }
}

/// Delivers to one sink.
#[derive(Debug)]
pub(super) struct Deliverer {
    name: SinkName,
    sink: Box<dyn Sink>,
    filter: Filter,
    mapped: Mapped,
    start: Option<Timestamp>,
    hold: HoldPolicy,
    stale: StalePolicy,
    kinds: Mutex<Kinds>,
    gate: Gate,
    sources: Vec<Arc<Shared>>,
    names: Vec<SourceName>,
    store: Arc<dyn Store>,
    clock: Clock,
    node: Arc<Node>,
    status: DeliveryStatus,
    listed: Listed,
    events: EventStatus,
}

impl Deliverer {
    /// Delivers what some of the sources know.
    pub(super) fn new(
        setup: SinkSetup,
        sources: &[Arc<Shared>],
        store: Arc<dyn Store>,
        clock: Clock,
        node: Arc<Node>,
    ) -> Self {
        let SinkSetup { name, sink, sources: chosen, filter, mapping, tables, start, pace, hold, stale } =
            setup;
        let mut mapping = mapping;
        mapping.settings.stale_event = stale.state().map(|state| state.event_id.clone());
        let gate = Gate::new(pace.unwrap_or_else(|| sink.pace()), sink.states().is_some());
        let is_chosen = |shared: &&Arc<Shared>| chosen.is_empty() || chosen.contains(&shared.config.name);
        let sources: Vec<_> = sources.iter().filter(is_chosen).cloned().collect();
        let names = sources.iter().map(|shared| shared.config.name.clone()).collect();
        Self {
            name,
            sink,
            filter,
            mapped: Mapped::new(Folder { mapping, tables }),
            start,
            hold,
            stale,
            kinds: Mutex::default(),
            gate,
            sources,
            names,
            store,
            clock,
            node,
            status: DeliveryStatus::default(),
            listed: Listed::default(),
            events: EventStatus::default(),
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &SinkName {
        &self.name
    }

    /// How it goes on this node.
    pub(super) fn delivery(&self) -> DeliveryShown {
        let shown = self.status.show();
        let left_alone = shown.ours && self.gate.is_open();
        DeliveryShown { events: self.events.show(), left_alone, ..shown }
    }

    /// What the target said last that the time is.
    pub(super) fn told_time(&self) -> Option<ToldTime> {
        self.sink.told_time()
    }

    /// How it goes, and what the target has.
    pub(super) async fn show(&self) -> Result<SinkStatus, StoreError> {
        let ledger = self.store.ledger(&self.name).await?;
        let (name, kind) = (self.name.clone(), self.sink.kind());
        let delivery = self.delivery();
        let hold = self.store.hold(&self.name).await?.map(HoldShown::from);
        let ledger = ledger.into_iter().map(LedgerCount::from).collect();
        Ok(SinkStatus { name, kind, delivery, hold, ledger })
    }

    /// The name under which nodes share sinks out.
    fn part(&self) -> (SourceName, Part) {
        (self.name.as_str().into(), Part::Sink)
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Up to when all that reports are made of is closed, of all sources; nothing while one of them is not closed at all.
    fn closed_until(&self) -> Option<Timestamp> {
        let closed = self.sources.iter().map(|shared| {
            let closed = shared.status.closed_until();
            Some(closed.get(RowsOf::Agents)?.min(closed.get(RowsOf::Contacts)?))
        });
        closed.min().flatten()
    }

    /// Hands documents to the target, one after the other, in parts where it asks for them. Answers what came of them, or for how
    /// long the target is to be left alone.
    async fn hand(
        &self,
        encoder: &'static Encoder,
        documents: &[Document],
        key: &str,
        turn: Turn,
    ) -> Result<Outcome, Duration> {
        let mut refused = Vec::new();
        let named = |(place, document)| match documents {
            [_] => (Cow::Borrowed(document), key.to_owned()),
            _ => (Cow::Borrowed(document), format!("{key}/{place}")),
        };
        let mut parts: Vec<_> = documents.iter().enumerate().map(named).rev().collect();
        while let Some((part, key)) = parts.pop() {
            match self.hand_whole(encoder, &part, &key, turn).await? {
                Outcome::Accepted => {}
                Outcome::Partly(items) => refused.extend(items),
                Outcome::TooLarge { reason } => match self.sink.split(encoder, &part) {
                    Some([first, second]) => {
                        parts.push((Cow::Owned(second), format!("{key}/2")));
                        parts.push((Cow::Owned(first), format!("{key}/1")));
                    }
                    None => return Ok(Outcome::Refused { reason }),
                },
                other => return Ok(other),
            }
        }
        Ok(if refused.is_empty() { Outcome::Accepted } else { Outcome::Partly(refused) })
    }

    /// The same in one piece.
    async fn hand_whole(
        &self,
        encoder: &'static Encoder,
        document: &Document,
        key: &str,
        turn: Turn,
    ) -> Result<Outcome, Duration> {
        loop {
            match self.gate.pass(Instant::now()) {
                Pass::Go => break,
                Pass::Soon(wait) => tokio::time::sleep(wait).await,
                Pass::Wait(wait) => return Err(wait),
            }
        }
        failpoint!("deliver.before_send");
        let outcome = match turn {
            Turn::First => self.sink.send(encoder, document, key).await,
            Turn::Correction => self.sink.correct(encoder, document, key).await,
        };
        failpoint!("deliver.after_send");
        self.status.answered(&outcome);
        self.gate.tell(&outcome, Instant::now());
        Ok(outcome)
    }

    /// What a failed try means for the next one.
    fn pause(&self, lane: Lane, failures: u64, asked: Option<Duration>) -> Duration {
        let seed = self.name.as_str().bytes().fold(self.now().as_millis().unsigned_abs(), |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        lane.pause(failures, asked, seed)
    }
}

/// Delivers until `stop` turns true.
pub(super) async fn run(deliverer: Arc<Deliverer>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let pause = match turn(&deliverer, &mut stop).await {
            Ok(()) => CONFIRM,
            Err(error) => {
                deliverer.status.store_failed(&error);
                tracing::warn!(sink.name = %deliverer.name, "cannot deliver: {error}");
                AFTER_ERROR
            }
        };
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Delivers for as long as the sink is this node's.
async fn turn(deliverer: &Deliverer, stop: &mut watch::Receiver<bool>) -> Result<(), StoreError> {
    let (name, part) = deliverer.part();
    if !deliverer.node.take(&name, &part).await? {
        deliverer.status.is_anothers();
        deliverer.events.clear();
        return Ok(());
    }
    failpoint!("deliver.before_take");
    let state = deliverer.store.take_sink(&deliverer.name).await?;
    failpoint!("deliver.taken");
    deliverer.remap().await?;
    deliverer.gate.open();
    deliverer.status.is_ours();
    let outcome = tokio::select! {
        biased;
        _ = stop.changed() => Ok(()),
        left = leave(deliverer) => left,
        failed = mapped::follow(deliverer, state.epoch) => failed,
        ended = states::deliver(deliverer, &state) => ended,
        ended = rows::deliver(deliverer, state.epoch, state.rows.clone()) => ended,
        never = beat(deliverer) => never,
        ended = events::deliver(deliverer, state.epoch) => ended,
    };
    deliverer.node.release(&name, &part).await;
    outcome
}

/// Tells the target that the hub lives, where it wants to be told.
async fn beat(deliverer: &Deliverer) -> Result<(), StoreError> {
    let Some(every) = deliverer.sink.heartbeat() else { return std::future::pending().await };
    loop {
        if deliverer.gate.pass(Instant::now()) == Pass::Go {
            let outcome = deliverer.sink.beat().await;
            deliverer.gate.tell(&outcome, Instant::now());
            match outcome {
                Outcome::Accepted => deliverer.status.beaten(deliverer.now()),
                outcome => tracing::debug!(sink.name = %deliverer.name, "no heartbeat: {outcome:?}"),
            }
        }
        tokio::time::sleep(every).await;
    }
}

/// Done when another node should go on.
async fn leave(deliverer: &Deliverer) -> Result<(), StoreError> {
    let (name, part) = deliverer.part();
    loop {
        tokio::time::sleep(CONFIRM).await;
        deliverer.node.confirm(&name, &part).await?;
        if deliverer.node.is_anothers(&name, &part) || deliverer.node.is_to_leave(&name, &part) {
            return Ok(());
        }
    }
}

/// Whether the target has something of what it is handed.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// It has not.
    First,
    /// It has one that is made anew.
    Correction,
}

/// What documents are known by: so many bytes of the hash of what they say, as text. One is known by its body alone.
fn digest_of(documents: &[Document], bytes: usize) -> String {
    let mut hash = Sha256::new();
    for document in documents {
        if documents.len() > 1 {
            hash.update(Sha256::digest(&document.name));
            hash.update(Sha256::digest(&document.body));
        } else {
            hash.update(&document.body);
        }
    }
    hash.finalize().iter().take(bytes).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// How a failure that may pass is told.
fn failure(outcome: &Outcome) -> Option<(&str, Option<Duration>)> {
    match outcome {
        Outcome::Again { reason, after } => Some((reason, *after)),
        Outcome::Shut { reason } => Some((reason, None)),
        Outcome::Accepted | Outcome::Partly(_) | Outcome::Refused { .. } | Outcome::TooLarge { .. } => None,
    }
}
