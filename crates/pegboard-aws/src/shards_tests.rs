use super::*;
use proptest::prelude::*;

fn id(name: &str) -> ShardId {
    ShardId::new(name)
}

fn shard(name: &str, parents: &[&str]) -> Shard {
    Shard {
        id: id(name),
        parents: parents.iter().copied().map(id).collect(),
        closed: false,
        starting_sequence: "1".parse().unwrap(),
    }
}

fn finished(names: &[&str]) -> BTreeMap<ShardId, Progress> {
    names.iter().map(|name| (id(name), Progress::Finished)).collect()
}

fn started(name: &str) -> (ShardId, Progress) {
    (id(name), Progress::Started(after("7")))
}

fn after(sequence: &str) -> Position {
    Position::AfterSequence(sequence.parse().unwrap())
}

/// The openings as `(shard, from)`, for comparison.
fn open(plan: &Plan) -> Vec<(&str, &Position)> {
    plan.open.iter().map(|opening| (opening.shard.id.as_str(), &opening.from)).collect()
}

/// The shards that wait, with the parents they wait for.
fn waiting(plan: &Plan) -> Vec<(&str, Vec<&str>)> {
    plan.waiting
        .iter()
        .map(|waiting| (waiting.shard.as_str(), waiting.parents.iter().map(ShardId::as_str).collect()))
        .collect()
}

const TRIM_HORIZON: &Position = &Position::TrimHorizon;
const LATEST: &Position = &Position::Latest;

#[test]
fn at_the_first_start_roots_start_where_the_configuration_says() {
    let listed = [shard("a", &[]), shard("b", &["long-gone"])];
    for start in [Position::TrimHorizon, Position::Latest, Position::AtTimestamp(5)] {
        let plan = plan(&listed, &BTreeMap::new(), &start);
        assert_eq!(open(&plan), [("a", &start), ("b", &start)]);
        assert_eq!(plan.waiting, []);
    }
}

#[test]
fn r04_children_of_a_split_wait_and_then_start_at_the_trim_horizon() {
    let listed = [shard("a", &[]), shard("a1", &["a"]), shard("a2", &["a"])];
    let before = plan(&listed, &BTreeMap::from([started("a")]), LATEST);
    assert_eq!(open(&before), [("a", &after("7"))]);
    assert_eq!(waiting(&before), [("a1", vec!["a"]), ("a2", vec!["a"])]);

    let afterwards = plan(&listed, &finished(&["a"]), LATEST);
    assert_eq!(open(&afterwards), [("a1", TRIM_HORIZON), ("a2", TRIM_HORIZON)]);
}

#[test]
fn r04_a_merged_shard_waits_for_both_parents() {
    let listed = [shard("a", &[]), shard("b", &[]), shard("m", &["a", "b"])];
    let mut known = finished(&["a"]);
    known.extend([started("b")]);
    assert_eq!(waiting(&plan(&listed, &known, LATEST)), [("m", vec!["b"])]);
    assert_eq!(open(&plan(&listed, &finished(&["a", "b"]), LATEST)), [("m", TRIM_HORIZON)]);
}

#[test]
fn r04_a_split_of_a_split_is_read_generation_by_generation() {
    let listed = [
        shard("a", &[]),
        shard("a1", &["a"]),
        shard("a2", &["a"]),
        shard("a1x", &["a1"]),
        shard("a1y", &["a1"]),
    ];
    let first = plan(&listed, &BTreeMap::new(), TRIM_HORIZON);
    assert_eq!(open(&first), [("a", TRIM_HORIZON)]);
    let second = plan(&listed, &finished(&["a"]), TRIM_HORIZON);
    assert_eq!(open(&second), [("a1", TRIM_HORIZON), ("a2", TRIM_HORIZON)]);
    assert_eq!(waiting(&second), [("a1x", vec!["a1"]), ("a1y", vec!["a1"])]);
    let third = plan(&listed, &finished(&["a", "a1"]), TRIM_HORIZON);
    assert_eq!(open(&third), [("a1x", TRIM_HORIZON), ("a1y", TRIM_HORIZON), ("a2", TRIM_HORIZON)]);
}

#[test]
fn r04_a_merge_after_a_split_waits_for_the_split_halves() {
    let listed = [
        shard("a", &[]),
        shard("b", &[]),
        shard("a1", &["a"]),
        shard("a2", &["a"]),
        shard("m", &["a2", "b"]),
    ];
    let plan = plan(&listed, &finished(&["a", "b"]), LATEST);
    assert_eq!(open(&plan), [("a1", TRIM_HORIZON), ("a2", TRIM_HORIZON)]);
    assert_eq!(waiting(&plan), [("m", vec!["a2"])]);
}

#[test]
fn a_parent_that_is_both_parents_is_waited_for_once() {
    let listed = [shard("a", &[]), shard("m", &["a", "a"])];
    assert_eq!(waiting(&plan(&listed, &BTreeMap::from([started("a")]), LATEST)), [("m", vec!["a"])]);
}

#[test]
fn r04_a_reshard_after_a_latest_start_skips_nothing() {
    let first = plan(&[shard("a", &[])], &BTreeMap::new(), LATEST);
    assert_eq!(open(&first), [("a", LATEST)]);

    let listed = [shard("a", &[]), shard("a1", &["a"]), shard("a2", &["a"])];
    assert_eq!(open(&plan(&listed, &BTreeMap::from([started("a")]), LATEST)), [("a", &after("7"))]);
    assert_eq!(open(&plan(&listed, &finished(&["a"]), LATEST)), [("a1", TRIM_HORIZON), ("a2", TRIM_HORIZON)]);
}

#[test]
fn r04_a_root_that_appears_after_the_first_listing_is_read_whole() {
    let listed = [shard("a", &[]), shard("z", &[])];
    let plan = plan(&listed, &BTreeMap::from([started("a")]), LATEST);
    assert_eq!(open(&plan), [("a", &after("7")), ("z", TRIM_HORIZON)]);
}

#[test]
fn r04_a_parent_that_expired_before_its_end_is_lost_and_no_longer_holds_its_children() {
    let listed = [shard("a1", &["a"]), shard("a2", &["a"])];
    let plan = plan(&listed, &BTreeMap::from([started("a")]), LATEST);
    assert_eq!(plan.lost, [id("a")]);
    assert_eq!(open(&plan), [("a1", TRIM_HORIZON), ("a2", TRIM_HORIZON)]);
}

#[test]
fn r04_grandchildren_of_an_expired_shard_are_read_when_the_generation_between_expired_too() {
    let listed = [shard("a1x", &["a1"]), shard("a1y", &["a1"])];
    let plan = plan(&listed, &BTreeMap::from([started("a")]), LATEST);
    assert_eq!(plan.lost, [id("a")]);
    assert_eq!(open(&plan), [("a1x", TRIM_HORIZON), ("a1y", TRIM_HORIZON)]);
}

#[test]
fn a_parent_that_expired_unknown_is_no_loss() {
    let plan = plan(&[shard("a1", &["a"])], &BTreeMap::from([started("a1")]), LATEST);
    assert_eq!(plan.lost, []);
    assert_eq!(open(&plan), [("a1", &after("7"))]);
}

#[test]
fn a_finished_shard_may_be_forgotten_only_when_it_is_no_longer_listed() {
    let known = || {
        let mut known = finished(&["a"]);
        known.extend([started("a1")]);
        known
    };
    let while_listed = plan(&[shard("a", &[]), shard("a1", &["a"])], &known(), LATEST);
    assert_eq!(while_listed.forgettable, []);
    let afterwards = plan(&[shard("a1", &["a"])], &known(), LATEST);
    assert_eq!(afterwards.forgettable, [id("a")]);
    assert_eq!(open(&afterwards), [("a1", &after("7"))]);
}

#[test]
fn a_shard_listed_twice_is_opened_once() {
    let plan = plan(&[shard("a", &[]), shard("a", &[])], &BTreeMap::new(), TRIM_HORIZON);
    assert_eq!(open(&plan), [("a", TRIM_HORIZON)]);
}

/// Reads every shard that may be read to its end if it is closed, round by round, until nothing new is opened.
fn read_to_the_end(listed: &[Shard]) -> BTreeMap<ShardId, Progress> {
    let mut known = BTreeMap::new();
    loop {
        let plan = plan(listed, &known, TRIM_HORIZON);
        let before = known.clone();
        for opening in plan.open {
            let progress =
                if opening.shard.closed { Progress::Finished } else { Progress::Started(after("7")) };
            known.insert(opening.shard.id, progress);
        }
        if known == before {
            assert_eq!(plan.waiting, [], "shards are stuck");
            return known;
        }
    }
}

fn closed(name: &str, parents: &[&str]) -> Shard {
    Shard { closed: true, ..shard(name, parents) }
}

#[test]
fn r04_a_stream_grown_from_340_to_435_shards_has_none_that_is_never_read() {
    let mut listed = vec![];
    for root in 0..340 {
        let name = format!("r{root}");
        if root >= 95 {
            listed.push(shard(&name, &[]));
            continue;
        }
        listed.push(closed(&name, &[]));
        listed.extend(["a", "b"].map(|half| shard(&format!("{name}{half}"), &[&name])));
    }
    assert_eq!(listed.iter().filter(|shard| !shard.closed).count(), 435);
    assert_eq!(read_to_the_end(&listed).len(), listed.len());
}

#[test]
fn r04_a_stream_shrunk_from_400_to_300_shards_goes_on() {
    let mut listed = vec![];
    for root in (0..400).step_by(2) {
        let (left, right) = (format!("r{root}"), format!("r{}", root + 1));
        if root >= 200 {
            listed.extend([shard(&left, &[]), shard(&right, &[])]);
            continue;
        }
        listed.extend([closed(&left, &[]), closed(&right, &[])]);
        listed.push(shard(&format!("m{root}"), &[&left, &right]));
    }
    assert_eq!(listed.iter().filter(|shard| !shard.closed).count(), 300);
    assert_eq!(read_to_the_end(&listed).len(), listed.len());
}

// The matrix as one property: a model of a stream that is resharded, written and read in any order.

/// How many partition keys the model writes; a shard holds a contiguous range of them.
const KEYS: usize = 8;

#[derive(Debug, Clone)]
enum Step {
    Put { key: usize },
    Split { shard: usize },
    Merge { shard: usize },
    Read { shard: usize, records: usize },
}

#[derive(Debug)]
struct ModelShard {
    parents: Vec<ShardId>,
    keys: std::ops::Range<usize>,
    closed: bool,
    /// `(key, number)`; numbers grow over the whole stream.
    records: Vec<(usize, usize)>,
}

#[derive(Debug)]
struct Model {
    shards: Vec<ModelShard>,
    written: usize,
    known: BTreeMap<ShardId, Progress>,
    /// How many records of each shard have been read.
    cursors: BTreeMap<ShardId, usize>,
    read: Vec<(usize, usize)>,
    start: Position,
}

fn shard_name(index: usize) -> ShardId {
    ShardId::new(format!("shardId-{index:012}"))
}

impl Model {
    fn new(start: Position) -> Self {
        let root = ModelShard { parents: vec![], keys: 0..KEYS, closed: false, records: vec![] };
        Self {
            shards: vec![root],
            written: 0,
            known: BTreeMap::new(),
            cursors: BTreeMap::new(),
            read: vec![],
            start,
        }
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Put { key } => self.put(key),
            Step::Split { shard } => self.split(shard % self.shards.len()),
            Step::Merge { shard } => self.merge(shard % self.shards.len()),
            Step::Read { shard, records } => self.read(shard, records),
        }
    }

    fn put(&mut self, key: usize) {
        self.written += 1;
        let number = self.written;
        let open = self.shards.iter_mut().find(|shard| !shard.closed && shard.keys.contains(&key));
        open.expect("open shards cover all keys").records.push((key, number));
    }

    fn split(&mut self, index: usize) {
        let parent = &mut self.shards[index];
        if parent.closed || parent.keys.len() < 2 {
            return;
        }
        parent.closed = true;
        let middle = parent.keys.start.midpoint(parent.keys.end);
        for keys in [parent.keys.start..middle, middle..parent.keys.end] {
            let parents = vec![shard_name(index)];
            self.shards.push(ModelShard { parents, keys, closed: false, records: vec![] });
        }
    }

    fn merge(&mut self, index: usize) {
        let keys = self.shards[index].keys.clone();
        let adjacent = self.shards.iter().position(|shard| !shard.closed && shard.keys.start == keys.end);
        let Some(adjacent) = adjacent.filter(|_| !self.shards[index].closed) else { return };
        self.shards[index].closed = true;
        self.shards[adjacent].closed = true;
        let parents = vec![shard_name(index), shard_name(adjacent)];
        let keys = keys.start..self.shards[adjacent].keys.end;
        self.shards.push(ModelShard { parents, keys, closed: false, records: vec![] });
    }

    fn plan(&mut self) -> Plan {
        let listed: Vec<Shard> = self
            .shards
            .iter()
            .enumerate()
            .map(|(index, shard)| Shard {
                id: shard_name(index),
                parents: shard.parents.clone(),
                closed: shard.closed,
                starting_sequence: "1".parse().unwrap(),
            })
            .collect();
        let plan = plan(&listed, &self.known, &self.start);
        for Opening { shard, from } in &plan.open {
            let records = &self.shards[index_of(&shard.id)].records;
            let begin = if *from == Position::Latest { records.len() } else { 0 };
            self.cursors.entry(shard.id.clone()).or_insert(begin);
            self.known.insert(shard.id.clone(), Progress::Started(Position::AtTimestamp(0)));
        }
        plan
    }

    fn read(&mut self, choice: usize, records: usize) {
        let open = self.plan().open;
        let Some(opening) = open.get(choice % open.len().max(1)) else { return };
        let id = &opening.shard.id;
        let shard = &self.shards[index_of(id)];
        let begin = self.cursors[id];
        let end = shard.records.len().min(begin + records);
        self.read.extend_from_slice(&shard.records[begin..end]);
        self.cursors.insert(id.clone(), end);
        if shard.closed && end == shard.records.len() {
            self.known.insert(id.clone(), Progress::Finished);
        }
    }

    /// Reads all there is, and fails if a shard is stuck.
    fn drain(&mut self) {
        for _ in 0..self.shards.len() {
            for choice in 0..self.plan().open.len() {
                self.read(choice, usize::MAX / 2);
            }
        }
        let waiting = self.plan().waiting;
        assert_eq!(waiting, [], "shards are stuck");
    }
}

fn index_of(id: &ShardId) -> usize {
    id.as_str().trim_start_matches("shardId-").parse().unwrap()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..KEYS).prop_map(|key| Step::Put { key }),
        1 => (0_usize..64).prop_map(|shard| Step::Split { shard }),
        1 => (0_usize..64).prop_map(|shard| Step::Merge { shard }),
        3 => (0_usize..64, 0_usize..4).prop_map(|(shard, records)| Step::Read { shard, records }),
    ];
    proptest::collection::vec(step, 0..120)
}

proptest! {
    #[test]
    fn r04_every_record_is_read_once_and_no_key_goes_back_in_time(steps in steps()) {
        let mut model = Model::new(Position::TrimHorizon);
        for step in &steps {
            model.apply(step);
        }
        model.drain();

        let mut numbers: Vec<usize> = model.read.iter().map(|(_, number)| *number).collect();
        for key in 0..KEYS {
            let of_key: Vec<usize> =
                model.read.iter().filter(|(k, _)| *k == key).map(|(_, number)| *number).collect();
            prop_assert!(of_key.is_sorted(), "key {key} was read as {of_key:?}");
        }
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (1..=model.written).collect::<Vec<_>>());
    }

    #[test]
    fn r04_a_latest_start_misses_nothing_that_comes_after_it(
        before in 0_usize..5,
        steps in steps(),
    ) {
        let mut model = Model::new(Position::Latest);
        for key in 0..before {
            model.put(key);
        }
        model.plan();
        for step in &steps {
            model.apply(step);
        }
        model.drain();

        let mut numbers: Vec<usize> = model.read.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (before + 1..=model.written).collect::<Vec<_>>());
    }
}
