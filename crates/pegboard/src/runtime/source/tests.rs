//! A source that hangs, panics, is lost or brings nothing, by itself over a real store.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use pegboard_connect::sources::amazon_connect::Decoder;
use pegboard_connect::spec::{Chunk, Decode, Opening, PartitionReader, Record, Source};
use pegboard_model::{Millis, Position, Timestamp};
use pegboard_store::{RowsOf, SqliteOptions, SqliteStore, Store};

use super::*;
use crate::clock;
use crate::config::{FileSettings, SourceConfig, SourceInput};
use crate::runtime::leaving::leave;
use crate::runtime::node::report::NodeReport;
use crate::runtime::node::{Node, Pace};
use crate::runtime::view::Health;

const ONLY: &str = "only";

const EVENT: &str = r#"{"AgentARN":"arn:aws:connect:eu-central-1:111122223333:instance/i-1/agent/a-1","CurrentAgentSnapshot":{"AgentStatus":{"ARN":"arn:aws:connect:eu-central-1:111122223333:instance/i-1/agent-state/Available","Name":"Available","StartTimestamp":"2026-03-02T09:00:00.000Z"},"Configuration":{"FirstName":"Ann","LastName":"Example","Username":"ann"},"Contacts":[]},"EventId":"e-1","EventTimestamp":"2026-03-02T09:00:00.000Z","EventType":"STATE_CHANGE"}"#;

/// What a source does when it is asked for its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planning {
    Works,
    Hangs,
    Panics,
    /// The partition is there the first time only.
    Loses,
}

/// What the reader does after its chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Hangs,
    Fails,
    Panics,
}

#[derive(Debug, Clone)]
struct Scripted {
    planning: Planning,
    reading: Reading,
    chunks: Vec<Chunk>,
    planned: Arc<AtomicUsize>,
    /// Held by each reader there is.
    alive: Arc<()>,
}

impl Scripted {
    fn new(planning: Planning, reading: Reading, chunks: Vec<Chunk>) -> Self {
        Self { planning, reading, chunks, planned: Arc::default(), alive: Arc::default() }
    }

    fn readers(&self) -> usize {
        // One is held by the test and one by the hub.
        Arc::strong_count(&self.alive) - 2
    }
}

#[async_trait]
impl Source for Scripted {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn has_heartbeat(&self) -> bool {
        false
    }

    async fn probe(&self) -> Result<String, SourceError> {
        Ok("a test".into())
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        let times = self.planned.fetch_add(1, Ordering::SeqCst);
        match self.planning {
            Planning::Hangs => return std::future::pending().await,
            Planning::Panics => panic!("the plan is off"),
            Planning::Loses if times > 0 => return Ok(Plan::default()),
            Planning::Works | Planning::Loses => {}
        }
        let from = match known.get(ONLY) {
            Some(Progress::Started { position, .. }) => position.clone(),
            _ => Position::Number(0),
        };
        let opening = Opening { partition: ONLY.into(), from, watermark: None, parents: Vec::new() };
        Ok(Plan { open: vec![opening], ..Plan::default() })
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        let Position::Number(read) = opening.from else {
            return Err(SourceError::permanent("no position of this source"));
        };
        let chunks: Vec<_> = self.chunks.iter().skip(usize::try_from(read).unwrap()).rev().cloned().collect();
        Ok(Box::new(Reader { reading: self.reading, chunks, _alive: self.alive.clone() }))
    }

    fn oldest(&self, _: &PartitionId) -> Position {
        Position::Number(0)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::new())
    }
}

#[derive(Debug)]
struct Reader {
    reading: Reading,
    /// The last is the next.
    chunks: Vec<Chunk>,
    _alive: Arc<()>,
}

#[async_trait]
impl PartitionReader for Reader {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        match (self.chunks.pop(), self.reading) {
            (Some(chunk), _) => Ok(chunk),
            (None, Reading::Hangs) => std::future::pending().await,
            (None, Reading::Fails) => Err(SourceError::passing("no answer")),
            (None, Reading::Panics) => panic!("the reader is off"),
        }
    }
}

fn at(minute: i64) -> Timestamp {
    "2026-03-02T09:00:00Z".parse::<Timestamp>().unwrap() + Millis::from_minutes(minute)
}

/// The chunk with this number, complete up to so many minutes after nine.
fn chunk(number: u64, records: &[&str]) -> Chunk {
    let record = |data: &&str| Record { position: Position::Number(number), data: data.as_bytes().to_vec() };
    Chunk {
        records: records.iter().map(record).collect(),
        watermark: Some(at(i64::try_from(number).unwrap())),
        ..Chunk::at(Position::Number(number))
    }
}

/// A source at work.
struct Work {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Work {
    async fn load(source: &Scripted, store: &Arc<dyn Store>) -> Arc<Shared> {
        let node = Node::join(store.clone(), None, Pace::default()).await.unwrap();
        Self::load_on(&node, source, store).await
    }

    async fn load_on(node: &Arc<Node>, source: &Scripted, store: &Arc<dyn Store>) -> Arc<Shared> {
        let config = SourceConfig::new("centre", SourceInput::File(FileSettings::new("script".into())));
        let (source, node) = (Box::new(source.clone()), node.clone());
        Arc::new(Shared::load(config, source, store.clone(), clock::system, node).await.unwrap())
    }

    fn start(shared: Arc<Shared>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(shared.clone(), stopped));
        Self { shared, stop, task }
    }

    fn health(&self) -> Health {
        self.shared.status.show(at(5), Millis::from_hours(1), Vec::new()).health
    }

    fn error(&self) -> Option<String> {
        self.shared.status.show(at(5), Millis::from_hours(1), Vec::new()).error.map(|fault| fault.message)
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        let ended = tokio::time::timeout(Duration::from_secs(3), self.task).await;
        ended.expect("a stop takes seconds at most").unwrap();
        self.shared.node.leave().await;
    }
}

fn store(folder: &tempfile::TempDir) -> Arc<dyn Store> {
    let path = folder.path().join("test.db");
    Arc::new(SqliteStore::open(&path, SqliteOptions::new(clock::system)).unwrap())
}

async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..2000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited ten seconds, and not: {what}");
}

#[tokio::test]
async fn r25_a_source_that_never_answers_does_not_hold_up_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let source = Scripted::new(Planning::Hangs, Reading::Hangs, Vec::new());
    let work = Work::start(Work::load(&source, &store(&folder)).await);
    until("it is asked", || source.planned.load(Ordering::SeqCst) > 0).await;
    work.stop().await;
}

#[tokio::test]
async fn a_listing_that_never_ends_is_told_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let source = Scripted::new(Planning::Hangs, Reading::Hangs, Vec::new());
    let work = Work::start(Work::load(&source, &store(&folder)).await);
    until("a fault is told", || work.error().is_some()).await;
    assert!(work.error().is_some_and(|error| error.contains("listing what to read took more than")));
    until("it is asked again", || source.planned.load(Ordering::SeqCst) > 1).await;
    work.stop().await;
}

#[tokio::test]
async fn a_panic_of_a_reader_is_told_at_once_and_it_is_not_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let source = Scripted::new(Planning::Works, Reading::Panics, Vec::new());
    let work = Work::start(Work::load(&source, &store(&folder)).await);
    until("the source has stopped", || work.health() == Health::Stopped).await;
    assert!(work.error().is_some_and(|error| error.contains("the reader is off")), "{:?}", work.error());
    let planned = source.planned.load(Ordering::SeqCst);
    work.shared.replan.notify_one();
    until("it is planned again", || source.planned.load(Ordering::SeqCst) > planned).await;
    assert_eq!(source.readers(), 0);
    work.stop().await;
}

#[tokio::test]
async fn a_panic_of_the_planning_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let source = Scripted::new(Planning::Panics, Reading::Hangs, Vec::new());
    let work = Work::start(Work::load(&source, &store(&folder)).await);
    until("the source has stopped", || work.health() == Health::Stopped).await;
    work.stop().await;
}

#[tokio::test]
async fn the_reader_of_a_lost_partition_ends_and_its_fault_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let source = Scripted::new(Planning::Loses, Reading::Fails, vec![chunk(1, &[EVENT])]);
    let store = store(&folder);
    let work = Work::start(Work::load(&source, &store).await);
    until("it fails", || work.health() == Health::Failing).await;
    assert_eq!(source.readers(), 1);
    work.shared.replan.notify_one();
    until("its fault is gone", || work.error().is_none()).await;
    until("its reader is gone", || source.readers() == 0).await;
    let shown = work.shared.status.show(at(5), Millis::from_hours(1), Vec::new());
    assert_eq!((shown.agents, shown.health), (1, Health::Ok));
    assert_eq!(store.gaps(&"centre".into(), 10).await.unwrap().len(), 1);
    work.stop().await;
}

#[tokio::test]
async fn r14_the_last_watermark_is_stored_on_stop_although_nothing_came_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let chunks = vec![chunk(1, &[EVENT]), chunk(2, &[]), chunk(3, &[])];
    let source = Scripted::new(Planning::Works, Reading::Hangs, chunks);
    let store = store(&folder);
    let work = Work::start(Work::load(&source, &store).await);
    until("all is read", || work.shared.status.watermark(RowsOf::Agents) == Some(at(3))).await;
    assert_eq!(store.partitions(&"centre".into()).await.unwrap()[0].watermark, Some(at(1)));
    work.stop().await;
    assert_eq!(store.partitions(&"centre".into()).await.unwrap()[0].watermark, Some(at(3)));
}

#[tokio::test]
async fn r06_whoever_takes_a_partition_knows_the_agents_that_its_last_owner_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let source = Scripted::new(Planning::Works, Reading::Hangs, vec![chunk(1, &[EVENT])]);
    let heir = Work::load(
        &Scripted { chunks: vec![chunk(1, &[EVENT]), chunk(2, &[EVENT])], ..source.clone() },
        &store,
    )
    .await;
    let owner = Work::start(Work::load(&source, &store).await);
    until("it is read", || owner.shared.status.watermark(RowsOf::Agents) == Some(at(1))).await;
    owner.stop().await;
    let heir = Work::start(heir);
    until("it goes on", || heir.shared.status.watermark(RowsOf::Agents) == Some(at(2))).await;
    let shown = heir.shared.status.show(at(5), Millis::from_hours(1), Vec::new());
    assert_eq!((shown.agents, shown.counts.duplicates), (1, 1));
    heir.stop().await;
}

async fn take(store: &dyn Store) -> PartitionState {
    store.take_partition(&"centre".into(), &ONLY.into(), &[]).await.unwrap()
}

/// A batch of the partition's owner, with a watermark and nothing else.
async fn commit(store: &dyn Store, owner: &PartitionState, from: Option<u64>, to: u64, watermark: i64) {
    let mut batch = opening_batch(&"centre".into(), &ONLY.into(), owner.epoch, Position::Number(to));
    batch.expected = from.map(Position::Number);
    batch.watermark = Some(at(watermark));
    store.commit(batch).await.unwrap();
}

#[tokio::test]
async fn agents_are_read_again_only_if_somebody_may_have_written_them_since_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let source = Scripted::new(Planning::Works, Reading::Hangs, Vec::new());
    let node = Node::join(store.clone(), None, Pace::default()).await.unwrap();
    let load = async || Work::load_on(&node, &source, &store).await;
    let first = load().await;
    let owner = take(&*store).await;
    first.note_taken(&owner).await;
    assert!(!first.is_stale(), "nobody has ever written");

    commit(&*store, &owner, None, 1, 1).await;
    let [next, outdated] = [load().await, load().await];
    let owner = take(&*store).await;
    next.note_taken(&owner).await;
    assert!(!next.is_stale(), "it stands where it stood");
    next.note_taken(&take(&*store).await).await;
    assert!(next.is_stale(), "nobody knows who had it in between");
    outdated.note_taken(&take(&*store).await).await;
    assert!(outdated.is_stale(), "others have had it in between");

    let owner = take(&*store).await;
    let heir = load().await;
    commit(&*store, &owner, Some(1), 1, 2).await;
    heir.note_taken(&take(&*store).await).await;
    assert!(heir.is_stale(), "silence is written with nothing but a watermark");

    let owner = take(&*store).await;
    commit(&*store, &owner, Some(1), 2, 3).await;
    let second = Node::join(store.clone(), None, Pace::default()).await.unwrap();
    let one_of_two = Work::load_on(&second, &source, &store).await;
    one_of_two.note_taken(&take(&*store).await).await;
    assert!(one_of_two.is_stale(), "another node writes through other partitions");
}

/// The event with which an agent of this name signs in or out, so many minutes after nine.
fn event_of(agent: &str, kind: &str, minute: i64) -> String {
    let renamed = EVENT
        .replace("a-1", agent)
        .replace("STATE_CHANGE", kind)
        .replace("e-1", &format!("{agent}-{minute}"));
    renamed.replace("2026-03-02T09:00:00.000Z", &at(minute).to_string())
}

fn store_of_a_month(folder: &tempfile::TempDir) -> Arc<dyn Store> {
    let mut options = SqliteOptions::new(clock::system);
    let month = Millis::from_hours(31 * 24);
    options.retention.history = month;
    options.retention.details = month;
    Arc::new(SqliteStore::open(&folder.path().join("test.db"), options).unwrap())
}

async fn stored(store: &Arc<dyn Store>) -> u64 {
    store.source_state(&"centre".into()).await.unwrap().agents
}

#[tokio::test]
async fn who_left_long_ago_is_removed_by_the_node_that_leads_and_is_new_when_he_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of_a_month(&folder);
    let events = [event_of("a-1", "LOGOUT", 0), event_of("a-2", "STATE_CHANGE", 0)];
    let gone = chunk(1, &events.each_ref().map(String::as_str));
    let back = chunk(2, &[&event_of("a-1", "STATE_CHANGE", 60)]);
    let source = Scripted::new(Planning::Works, Reading::Hangs, vec![gone.clone()]);
    let work = Work::start(Work::load(&source, &store).await);
    until("it is read", || work.shared.status.watermark(RowsOf::Agents) == Some(at(1))).await;
    work.stop().await;

    let shared = Work::load(&source, &store).await;
    let (_stop, stopped) = watch::channel(false);
    leave(&shared, &stopped).await.unwrap();
    assert_eq!((shared.agents.lock().await.count(), stored(&store).await), (2, 2), "it does not lead yet");
    shared.leads.send_replace(true);
    leave(&shared, &stopped).await.unwrap();
    assert_eq!(
        (shared.agents.lock().await.count(), stored(&store).await),
        (1, 1),
        "the other never signed out"
    );
    shared.node.leave().await;

    let source = Scripted { chunks: vec![gone, back], ..source };
    let work = Work::start(Work::load(&source, &store).await);
    until("it goes on", || work.shared.status.watermark(RowsOf::Agents) == Some(at(2))).await;
    let begins = store.beginnings(&"centre".into(), at(0)).await.unwrap();
    assert_eq!((begins.len(), begins[0].at), (1, at(60)));
    work.stop().await;
}

#[tokio::test]
async fn a_node_that_does_not_lead_forgets_who_left_and_knows_him_when_he_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of_a_month(&folder);
    let gone = chunk(1, &[&event_of("a-1", "LOGOUT", 0)]);
    let source = Scripted::new(Planning::Works, Reading::Hangs, vec![gone]);
    let leader = Work::start(Work::load(&source, &store).await);
    until("it is read", || leader.shared.status.watermark(RowsOf::Agents) == Some(at(1))).await;

    let second = Work::load(&source, &store).await;
    let (_stop, stopped) = watch::channel(false);
    leave(&second, &stopped).await.unwrap();
    let mut agents = second.agents.lock().await;
    assert_eq!((agents.count(), stored(&store).await), (0, 1));
    agents.reload(&*store).await.unwrap();
    assert_eq!(agents.count(), 1);
    drop(agents);
    leader.stop().await;
}

#[tokio::test]
async fn r28_two_thousand_agents_leave_in_a_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_of_a_month(&folder);
    let events: Vec<_> = (0..2001).map(|agent| event_of(&format!("a-{agent}"), "LOGOUT", 0)).collect();
    let gone = chunk(1, &events.iter().map(String::as_str).collect::<Vec<_>>());
    let source = Scripted::new(Planning::Works, Reading::Hangs, vec![gone]);
    let work = Work::start(Work::load(&source, &store).await);
    until("it is read", || work.shared.status.watermark(RowsOf::Agents) == Some(at(1))).await;
    work.stop().await;
    let shared = Work::load(&source, &store).await;
    shared.leads.send_replace(true);
    let (_stop, stopped) = watch::channel(false);
    for left in [1, 0] {
        leave(&shared, &stopped).await.unwrap();
        assert_eq!(stored(&store).await, left);
    }
}

/// Once a node that had stood still went on counting what another had taken over meanwhile as its own: its share seemed
/// full, and partitions that it was to read were read by nobody.
#[tokio::test]
async fn r06_what_another_node_has_taken_over_is_no_part_of_the_share() {
    let folder = tempfile::tempdir().unwrap();
    let (store, source) = (store(&folder), Scripted::new(Planning::Works, Reading::Hangs, Vec::new()));
    let often = Pace { beat: Duration::from_millis(1), lasts: Millis::from_hours(1) };
    let node = Node::join(store.clone(), None, often).await.unwrap();
    let shared = Work::load_on(&node, &source, &store).await;
    let (name, part) = (&shared.config.name, Part::Partition(ONLY.into()));
    let (plan, mut readers) = (source.plan(&BTreeMap::new()).await.unwrap(), Readers::default());
    shared.node.note_open(name, 1);
    assert!(take_share(&shared, &plan, &mut readers).await);
    assert_eq!(shared.node.held(name).len(), 1);

    let other = Node::join(store.clone(), None, often).await.unwrap();
    store.release_lease(shared.node.id(), name, &part).await.unwrap();
    assert!(store.take_lease(other.id(), name, &part).await.unwrap());
    readers.cut_off(&ONLY.into());
    let (stop, stopped) = watch::channel(false);
    let living = tokio::spawn({
        let shared = shared.clone();
        async move { shared.node.live(NodeReport::default, stopped).await }
    });
    until("it knows that another has it", || shared.node.is_anothers(name, &part)).await;
    assert!(take_share(&shared, &plan, &mut readers).await);
    assert_eq!(shared.node.held(name), []);
    stop.send_replace(true);
    living.await.unwrap();
}
