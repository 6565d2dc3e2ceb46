//! One simulation: a hub lives, dies and lives again over one store, until everything is read.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pegboard::runtime::alarms::AlarmOptions;
use pegboard::runtime::hub::{Hub, NodeOptions};
use pegboard::runtime::node::Pace;
use pegboard::runtime::reload::ReloadRequest;
use pegboard::runtime::view::{REPORTS, View as _};
use pegboard_connect::spec::Source;
use pegboard_model::{Position, SourceName, Timestamp};
use pegboard_sim::random::Random;
use pegboard_store::Store;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::at_once::at_once;
use super::case::{Case, purpose};
use super::clock;
use super::database::Database;
use super::journal::Journal;
use super::node::{Node, Until};
use super::outcome::Outcome;
use super::platform::{Askers, Platform, differences};
use super::reader::Reader;
use super::source::{Shards, Wire};
use super::store::{Chance, Unreliable};
use super::witness::Witness;
use crate::support::live::report;

/// How long the hub may take to come to rest once nothing fails any more.
const PATIENCE: Duration = Duration::from_mins(30);

/// How long nothing must change until it counts as rest.
const REST: Duration = Duration::from_secs(15);

/// What came of it.
pub(super) struct Ran {
    pub(super) journal: Arc<Journal>,
    /// Of each source.
    pub(super) outcomes: Vec<Outcome>,
}

/// How a hub's life ended.
enum Ending {
    /// Everything is read and closed.
    Done(Vec<Outcome>),
    Stopped,
    Died,
}

/// A reader that outlives hubs, and its randomness.
type Follower = (Arc<Mutex<Reader>>, Arc<Mutex<Random>>);

struct World<'a> {
    case: &'a Case,
    journal: Arc<Journal>,
    witness: Arc<Witness>,
    random: Random,
    sources: Arc<Mutex<Random>>,
    store: Arc<Chance>,
    thief: Arc<Mutex<Random>>,
    queries: Random,
    reloads: Random,
    readers: Vec<Follower>,
    database: Database,
    /// How many nodes there were.
    nodes: usize,
    askers: Askers,
    now: Timestamp,
    /// What any node has shown as closed.
    closed_until: Until,
}

/// Runs a case over a database from `now` on.
pub(super) fn run(case: &Case, database: Database, now: Timestamp) -> Ran {
    let streams = case.centres.iter().map(|centre| (centre.name.into(), centre.stream.clone())).collect();
    let journal = Arc::new(Journal::default());
    let witness = Arc::new(Witness::new(journal.clone(), streams, case.window));
    let random = |purpose| Random::new(case.seed, purpose);
    let shared = |purpose| Arc::new(Mutex::new(random(purpose)));
    let reader = |number: usize| {
        let own = Random::new(case.seed * 10 + number as u64, purpose::READERS);
        (Arc::default(), Arc::new(Mutex::new(own)))
    };
    let mut world = World {
        case,
        journal: journal.clone(),
        witness,
        random: random(purpose::LIVES),
        sources: shared(purpose::SOURCE),
        store: Arc::new(Chance::new(case.seed)),
        thief: shared(purpose::THIEF),
        queries: random(purpose::QUERIES),
        reloads: random(purpose::RELOADS),
        readers: (0..case.readers).map(reader).collect(),
        database,
        nodes: 0,
        askers: Askers::default(),
        now,
        closed_until: Until::new(),
    };
    for life in 1.. {
        if let Some(outcomes) = world.life(life) {
            return Ran { journal, outcomes };
        }
    }
    unreachable!("lives do not end")
}

impl World<'_> {
    /// One life of the hub, and what comes before the next. Answers the outcome of the last.
    fn life(&mut self, life: usize) -> Option<Vec<Outcome>> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let ending = runtime.block_on(self.live());
        self.journal.assert_right();
        let went = match ending {
            Ending::Done(outcomes) => return Some(outcomes),
            Ending::Stopped => "hub: is stopped",
            Ending::Died if self.random.chance(0.5) && self.database.cut_off(life) => {
                "hub: dies, with its files as they are"
            }
            Ending::Died => "hub: dies",
        };
        runtime.block_on(async { self.journal.count(went) });
        None
    }

    async fn live(&mut self) -> Ending {
        clock::start(self.now, self.case.speed);
        clock::step_to(self.case.ahead);
        clock::show_to_store();
        // Every life has its own time.
        self.askers.lock().unwrap().clear();
        let store = self.database.open();
        self.witness.audit(&*store);
        let death = Arc::new(Notify::new());
        let woken = Arc::new(Notify::new());
        let unreliable: Arc<dyn Store> = Arc::new(Unreliable {
            store: store.clone(),
            witness: self.witness.clone(),
            journal: self.journal.clone(),
            rates: self.case.store,
            chance: self.store.clone(),
            names: Arc::default(),
            death: death.clone(),
            woken: woken.clone(),
        });
        let ending = tokio::select! {
            biased;
            () = death.notified() => Ending::Died,
            ending = self.work(&store, unreliable, &woken) => ending,
        };
        self.now = clock::centre() + self.random.minutes(0.0, 15.0);
        ending
    }

    async fn work(
        &mut self,
        store: &Arc<dyn Store>,
        unreliable: Arc<dyn Store>,
        woken: &Arc<Notify>,
    ) -> Ending {
        let mut nodes = Vec::new();
        for _ in 0..self.case.nodes {
            nodes.push(self.start(&unreliable).await);
        }
        let others = self.others(store, woken);
        let ends = Instant::now() + self.case.life.mul_f64(0.5 + self.random.unit());
        let mut calm_since = None;
        let mut rests_since = None;
        loop {
            tokio::time::sleep(Duration::from_millis(200 + self.queries.below(2_000) as u64)).await;
            self.observe(&mut nodes).await;
            self.reload(&nodes).await;
            if self.journal.is_wrong() {
                return Ending::Died;
            }
            if self.case.centres.iter().all(|centre| centre.stream.end <= clock::centre()) {
                self.journal.calm_down();
                let since = *calm_since.get_or_insert_with(Instant::now);
                if self.is_settled(&**store, &nodes) {
                    let rests: Instant = *rests_since.get_or_insert_with(Instant::now);
                    if rests.elapsed() > REST {
                        drop(others);
                        return self.finish(&**store, nodes).await;
                    }
                } else if since.elapsed() > PATIENCE {
                    let sources = nodes[0].hub.sources().await;
                    let unlike = self.unlike(&**store);
                    self.journal.wrong(format!("it does not come to rest: {unlike:#?} {sources:?}"));
                }
            } else if ends <= Instant::now() {
                if self.random.chance(0.5) {
                    return Ending::Died;
                }
                drop(others);
                self.stop(nodes).await;
                return Ending::Stopped;
            } else if nodes.len() > 1 && self.random.chance(0.03) {
                self.replace_one(&mut nodes, &unreliable).await;
            }
        }
    }

    /// One node goes, in order or not, and another comes.
    async fn replace_one(&mut self, nodes: &mut Vec<Node>, store: &Arc<dyn Store>) {
        let node = nodes.remove(self.random.below(nodes.len()));
        if self.random.chance(0.5) {
            self.journal.count("node: dies");
            drop(node);
        } else {
            self.journal.count("node: leaves");
            node.leave(&self.journal).await;
        }
        nodes.push(self.start(store).await);
    }

    async fn start(&mut self, store: &Arc<dyn Store>) -> Node {
        self.nodes += 1;
        loop {
            let sources = self.case.centres.iter().map(|centre| {
                let wire = Wire {
                    rates: self.case.source,
                    journal: self.journal.clone(),
                    random: self.sources.clone(),
                };
                let platform = centre.is_watched.then(|| Platform {
                    day: centre.day.clone(),
                    wire: wire.clone(),
                    asker: self.nodes,
                    askers: self.askers.clone(),
                });
                let source = Shards {
                    name: centre.name,
                    stream: centre.stream.clone(),
                    has_heartbeat: centre.has_heartbeat,
                    wire,
                    platform,
                };
                (centre.config(self.case.window), Box::new(source) as Box<dyn Source>)
            });
            match Hub::join(sources.collect(), store.clone(), clock::hub, self.options()).await {
                Ok(started) => return Node::new(started, self.closed_until.clone()),
                Err(error) => self.journal.note(&format!("the hub does not start: {error}")),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// A node that lives as long as usual, by the store's faster clock.
    fn options(&self) -> NodeOptions {
        let usual = Pace::default();
        let lasts = self.database.lasts(usual.lasts, self.case.speed);
        let pace = Pace { lasts, ..usual };
        // Nobody looks at alarms here: they are judged elsewhere, and no number depends on them.
        let alarms = AlarmOptions { every: Duration::from_hours(24 * 365), ..AlarmOptions::default() };
        let upkeep = self.case.upkeep();
        NodeOptions { name: Some("node".into()), pace, upkeep, alarms }
    }

    /// Everybody else: readers, who else takes partitions, and who sets the clock.
    fn others(&self, store: &Arc<dyn Store>, woken: &Arc<Notify>) -> JoinSet<()> {
        let mut others = JoinSet::new();
        for (reader, random) in &self.readers {
            let (reader, random, journal) = (reader.clone(), random.clone(), self.journal.clone());
            let (store, woken) = (store.clone(), woken.clone());
            others.spawn(follow(reader, random, journal, store, woken));
        }
        let Case { thefts, steps, step_by, ahead, .. } = *self.case;
        let (thief, store, journal) = (self.thief.clone(), store.clone(), self.journal.clone());
        let (witness, names) = (self.witness.clone(), self.names());
        others.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let random = &mut *thief.lock().unwrap();
                if journal.fires("clock: steps", steps, random) {
                    clock::step_to(ahead + random.minutes(-step_by, step_by));
                }
                let source = random.choose(&names);
                if journal.fires("thief: takes a partition", thefts, random) {
                    let partitions = at_once(store.partitions(source)).unwrap();
                    let open: Vec<_> = partitions.iter().filter(|state| !state.finished).collect();
                    if !open.is_empty() {
                        let partition = &random.choose(&open).partition;
                        witness.took(source, &at_once(store.take_partition(source, partition, &[])));
                    }
                }
                if journal.fires("thief: takes the closer", thefts, random) {
                    witness.took_closer(source, &at_once(store.take_closer(source)));
                }
            }
        });
        others
    }

    fn names(&self) -> Vec<SourceName> {
        self.case.centres.iter().map(|centre| centre.name.into()).collect()
    }

    /// Looks at the hub as its readers do.
    async fn observe(&mut self, nodes: &mut [Node]) {
        for node in &mut *nodes {
            node.observe(&self.journal).await;
            for (source, until) in node.closed_until() {
                let known = self.closed_until.entry(source.clone()).or_insert(*until);
                *known = *until.max(known);
            }
        }
        if self.queries.chance(0.05) {
            let chosen = self.queries.below(nodes.len());
            self.query(&nodes[chosen].hub).await;
        }
    }

    /// Asks for the day anew, now and then, and ends what was asked for, now and then. Either may fail.
    async fn reload(&mut self, nodes: &[Node]) {
        if !self.journal.fires("reload: is asked for", self.case.reloads, &mut self.reloads) {
            return;
        }
        let centre = &self.case.centres[self.reloads.below(self.case.centres.len())];
        let hub = &nodes[self.reloads.below(nodes.len())].hub;
        let day = centre.day.start.to_string()[..10].parse().unwrap();
        let asked = hub.reload(ReloadRequest::of_day(centre.name.into(), day), "a seed").await;
        let Ok(asked) = asked else { return self.journal.note("a reload is not taken") };
        if self.journal.fires("reload: is cancelled", 0.2, &mut self.reloads) {
            let ended = hub.cancel_reload(asked.id).await;
            self.journal.note(&format!("reload {} is cancelled: {}", asked.id, ended.is_ok()));
        }
    }

    /// Asks for a report. It may fail; but what is shown is right.
    async fn query(&mut self, hub: &Hub) {
        let centre = &self.case.centres[self.queries.below(self.case.centres.len())];
        let name = *self.queries.choose(&REPORTS);
        let from = centre.day.start + self.queries.minutes(0.0, 150.0);
        let to = from + self.queries.minutes(1.0, 90.0);
        let answer = report(hub, &[centre.name.into()], name, from, to).await;
        let Ok(rows) = answer else { return self.journal.note("a report fails") };
        self.journal.note(&format!("{name} from {from} to {to}: {} rows", rows.len()));
        self.journal.count("query: a report is shown");
        if name == "agent_interval" {
            for row in &rows {
                self.journal.check(adds_up(row), || format!("time does not add up: {row}"));
            }
        }
    }

    /// Agents whom the hub shows in another state than their platform, where it can be asked.
    fn unlike(&self, store: &dyn Store) -> Vec<String> {
        let watched = self.case.centres.iter().filter(|centre| centre.is_watched);
        watched.flat_map(|centre| differences(&centre.day, store, &centre.name.into())).collect()
    }

    fn is_settled(&self, store: &dyn Store, nodes: &[Node]) -> bool {
        let disputed: u64 = nodes.iter().map(Node::disputed).sum();
        let is_repaired = self.unlike(store).len() as u64 <= disputed;
        is_repaired
            && self.case.centres.iter().all(|centre| {
                let name: SourceName = centre.name.into();
                let states = at_once(store.partitions(&name)).unwrap();
                let is_read = centre.stream.shards.iter().all(|shard| {
                    states.iter().any(|state| {
                        let end = Position::Number(shard.position(shard.entries.len()));
                        let is_done = state.position == Some(end) && state.finished == shard.closed.is_some();
                        state.partition == shard.id && is_done
                    })
                });
                // On some days nobody comes to work: then there is nothing to show.
                let silent = centre.stream.shards.iter().all(|shard| shard.entries.is_empty());
                let shown = silent
                    || nodes.iter().all(|node| node.has_shown(&name, centre.stream.end, centre.day.end));
                let own = std::slice::from_ref(&name);
                let is_reloaded = at_once(store.reloads(own, None, true, 1)).unwrap().is_empty();
                is_read && shown && is_reloaded && at_once(store.dirty(&name, 1)).unwrap().is_empty()
            })
    }

    async fn finish(&mut self, store: &dyn Store, nodes: Vec<Node>) -> Ending {
        self.witness.audit(store);
        self.check_askers();
        let mut outcomes = Vec::new();
        for centre in &self.case.centres {
            let chosen = self.queries.below(nodes.len());
            let missing = self.witness.missing(&centre.name.into());
            self.journal.note(&format!("{}: {} lost", centre.name, missing.lost.len()));
            let config = centre.config(self.case.window);
            outcomes.push(Outcome::read(&nodes[chosen].hub, store, centre, &config, missing).await);
        }
        self.stop(nodes).await;
        Ending::Done(outcomes)
    }

    /// At rest one node asks the platform, however many there are.
    fn check_askers(&self) {
        let is_watched = self.case.centres.iter().any(|centre| centre.is_watched);
        let all = self.askers.lock().unwrap();
        let at_rest = all.iter().filter(|(_, at)| at.elapsed() < REST);
        let nodes: BTreeSet<usize> = at_rest.map(|(node, _)| *node).collect();
        let expected = usize::from(is_watched) * self.case.centres.len();
        let is_right = nodes.len() <= expected && nodes.is_empty() != is_watched;
        self.journal.check(is_right, || format!("asked at rest: {nodes:?}"));
        if self.case.nodes > 1 && is_watched {
            self.journal.count("platform: one of several nodes asks");
        }
    }

    async fn stop(&self, mut nodes: Vec<Node>) {
        let last = nodes.pop();
        for node in nodes {
            node.leave(&self.journal).await;
        }
        if let Some(last) = last {
            last.stop(&self.journal).await;
        }
    }
}

async fn follow(
    reader: Arc<Mutex<Reader>>,
    random: Arc<Mutex<Random>>,
    journal: Arc<Journal>,
    store: Arc<dyn Store>,
    woken: Arc<Notify>,
) {
    loop {
        let pause = Duration::from_millis(100 + random.lock().unwrap().below(20_000) as u64);
        let wakes = random.lock().unwrap().chance(0.5);
        tokio::select! {
            biased;
            () = woken.notified(), if wakes => {}
            () = tokio::time::sleep(pause) => {}
        }
        let read = reader.lock().unwrap().read(&*store, &journal, &mut random.lock().unwrap());
        journal.check(read.is_ok(), || format!("a reader is refused: {read:?}"));
    }
}

/// Whether the time in a row of `agent_interval` is the interval, and its parts are the whole.
fn adds_up(row: &Value) -> bool {
    let millis = |column: &str| {
        let text = row[column].to_string();
        let (seconds, fraction) = text.split_once('.').unwrap_or((&text, ""));
        seconds.parse::<i64>().unwrap() * 1000 + format!("{fraction:0<3}").parse::<i64>().unwrap()
    };
    let parts = ["available_s", "ringing_s", "talk_s", "hold_s", "acw_s", "error_s", "aux_s"];
    let login: i64 = parts.into_iter().map(millis).sum();
    login == millis("login_s") && login + millis("unknown_s") <= millis("interval_s")
}
