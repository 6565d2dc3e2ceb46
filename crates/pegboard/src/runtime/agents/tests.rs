//! Whatever the order of arrival, the copies, the restarts and the folding of old evidence: what is stored in the end
//! is what all evidence together derives.

use std::sync::Arc;

use pegboard_connect::spec::Chunk;
use pegboard_engine::Silence;
use pegboard_model::{AgentProfile, EventId, Order, Snapshot, Status, StatusKind, What};
use pegboard_store::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

use super::*;
use crate::config::{FileSettings, SourceConfig, SourceInput};
use crate::runtime::ingest::{Ground, Prepared, Standing, Trust, opening_batch, prepare};
use crate::runtime::names::QueueNames;
use crate::runtime::status;

const AGENT: &str = "ann";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000 + seconds)
}

fn snapshot(name: &str, kind: StatusKind, since: Option<i64>) -> Snapshot {
    let profile = AgentProfile { login: AGENT.into(), ..AgentProfile::default() };
    Snapshot {
        status: Arc::new(Status { id: None, name: name.into(), kind }),
        status_since: since.map(at),
        contacts: Vec::new(),
        profile: Some(Arc::new(profile)),
    }
}

fn available() -> Snapshot {
    snapshot("Available", StatusKind::Routable, None)
}

fn on_break() -> Snapshot {
    snapshot("Break", StatusKind::Aux, None)
}

fn event(seconds: i64, what: What) -> Observation {
    let id = EventId::from(format!("{seconds}-{what:?}").as_str());
    let order = Order { partition: "p".into(), position: Position::Number(0) };
    Observation { agent: AGENT.into(), at: at(seconds), order, id, what }
}

/// A hub of one partition, without tasks.
struct Bench {
    store: Arc<SqliteStore>,
    agents: Agents,
    epoch: u64,
    position: u64,
    all: Vec<Observation>,
    states: Vec<Class>,
    _folder: TempDir,
}

impl Bench {
    async fn new(silence: Option<Silence>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(|| at(0));
        let store = Arc::new(SqliteStore::open(&folder.path().join("store.db"), options).unwrap());
        let policy = TimelinePolicy { silence, ..TimelinePolicy::default() };
        let source = SourceName::from("s");
        let epoch = store.take_partition(&source, &"p".into(), &[]).await.unwrap().epoch;
        store.commit(opening_batch(&source, &"p".into(), epoch, Position::Number(0))).await.unwrap();
        let agents = Agents::new(source, policy);
        Self { store, agents, epoch, position: 0, all: Vec::new(), states: Vec::new(), _folder: folder }
    }

    /// Takes events as one batch, complete up to `watermark` afterwards. Answers how many were refused as too late.
    async fn batch(&mut self, events: Vec<Observation>, watermark: Option<i64>) -> usize {
        let before = self.position;
        let mut staged = Staged::default();
        for mut seen in events {
            self.position += 1;
            seen.order.position = Position::Number(self.position);
            self.all.push(seen.clone());
            self.agents.stage(seen, &mut staged).unwrap();
        }
        self.position += 1;
        self.agents.settle(&mut staged, &*self.store).await.unwrap();
        self.agents.stage_silence_of_changed(|_| watermark.map(at), &mut staged);
        staged.add_others(self.agents.silence_of_others(|_| watermark.map(at), &staged, usize::MAX).0);
        self.agents.tell_settled(&mut staged);
        let writes = self.agents.writes(&staged).unwrap();
        self.states.extend(writes.states.iter().map(|now| now.class));
        let opening =
            opening_batch(&self.agents.source, &"p".into(), self.epoch, Position::Number(self.position));
        let batch = pegboard_store::Batch {
            expected: Some(Position::Number(before)),
            agents: writes.agents,
            evidence: writes.evidence,
            segments: writes.segments,
            states: writes.states,
            ..opening
        };
        self.store.commit(batch).await.unwrap();
        let refused = staged.too_late.len();
        self.agents.accept(staged);
        self.assert_everybody_has_his_turn();
        refused
    }

    /// Whom silence may still concern is found when his turn comes, and nobody else is kept for it.
    fn assert_everybody_has_his_turn(&self) {
        let silence = |agent: &Agent| self.agents.new_silence(agent, |_| Some(Timestamp::MAX)).is_some();
        let concerned = self.agents.known.values().filter(|known| silence(known)).count();
        assert_eq!(self.agents.silences.count(), concerned);
        let found = self.agents.silence_of_others(|_| Some(Timestamp::MAX), &Staged::default(), usize::MAX);
        assert_eq!((found.0.changes.len(), found.1), (concerned, false));
    }

    async fn restart(&mut self) {
        let (source, policy) = (self.agents.source.clone(), self.agents.policy);
        self.agents = Agents::load(source, policy, &*self.store).await.unwrap();
    }

    async fn fold(&mut self, until: i64) {
        self.agents.fold(&AGENT.into(), at(until), &*self.store).await.unwrap();
    }

    async fn stored(&self) -> Vec<Segment> {
        let agent = AGENT.into();
        let (from, to) = (Timestamp::MIN, Timestamp::MAX);
        let stored = self.store.segments(&self.agents.source, Some(&agent), from, to).await.unwrap();
        stored.into_iter().map(|(_, segment)| segment).collect()
    }

    fn derived(&self) -> Vec<Segment> {
        Timeline::derive(AGENT.into(), self.all.clone(), &self.agents.policy).unwrap().0.segments
    }

    async fn assert_stored_is_derived(&self, what: &str) {
        let (stored, derived) = (self.stored().await, self.derived());
        assert!(stored == derived, "{what}\n stored: {}\nderived: {}", shown(&stored), shown(&derived));
    }
}

fn shown(segments: &[Segment]) -> String {
    let show = |segment: &Segment| {
        let end = segment.end.map_or(String::new(), |end| end.since(at(0)).to_string());
        let mark = if segment.mark.is_some() { " LOGIN" } else { "" };
        format!("{}..{end} {}{mark}", segment.start.since(at(0)), segment.state.class.as_str())
    };
    segments.iter().map(show).collect::<Vec<_>>().join(", ")
}

/// A small generator, so that a seed is a history on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn what(&mut self, seconds: i64) -> What {
        let kinds = [
            ("Available", StatusKind::Routable),
            ("Break", StatusKind::Aux),
            ("Lunch", StatusKind::Aux),
            ("Offline", StatusKind::Offline),
        ];
        let (name, kind) = kinds[usize::try_from(self.below(4)).unwrap()];
        let reach = i64::try_from(self.below(80)).unwrap();
        let since = (self.below(3) == 0).then_some(seconds - reach);
        let snapshot = snapshot(name, kind, since);
        match self.below(10) {
            8 | 9 => {
                let lasts = 1 + i64::try_from(self.below(90)).unwrap();
                What::Activity { snapshot, until: at(seconds + lasts) }
            }
            0 => What::SignIn(snapshot),
            1 => What::SignOut((self.below(2) == 0).then_some(snapshot)),
            2 | 3 => What::Confirmation(snapshot),
            _ => What::Snapshot(snapshot),
        }
    }
}

/// A history of one agent, disturbed: some events late, some twice.
fn disturbed(dice: &mut Dice, gaps: &[i64]) -> Vec<Observation> {
    let mut seconds = 0;
    let mut arrivals: Vec<(u64, Observation)> = Vec::new();
    for turn in 0..25 {
        seconds += gaps[usize::try_from(dice.below(gaps.len() as u64)).unwrap()];
        let what = dice.what(seconds);
        let mut seen = event(seconds, what);
        seen.id = EventId::from(format!("e{turn}").as_str());
        let delay = if dice.below(5) == 0 { dice.below(60) } else { 0 };
        if dice.below(8) == 0 {
            arrivals.push((dice.below(300), seen.clone()));
        }
        arrivals.push((turn * 10 + delay, seen));
    }
    arrivals.sort_by_key(|(turn, _)| *turn);
    arrivals.into_iter().map(|(_, seen)| seen).collect()
}

async fn live_equals_derived(seed: u64, silence: Option<Silence>, gaps: &[i64]) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut bench = Bench::new(silence).await;
    let mut arrivals = disturbed(&mut dice, gaps);
    while !arrivals.is_empty() {
        let count = usize::try_from(1 + dice.below(4)).unwrap().min(arrivals.len());
        bench.batch(arrivals.drain(..count).collect(), None).await;
        if dice.below(6) == 0 {
            bench.restart().await;
        }
        bench.assert_stored_is_derived(&format!("seed {seed}")).await;
    }
}

#[tokio::test]
async fn r02_whatever_the_arrival_what_is_stored_is_what_all_evidence_derives() {
    for seed in 1..60 {
        live_equals_derived(seed, None, &[0, 0, 1, 20, 60, 100]).await;
    }
}

#[tokio::test]
async fn r02_so_it_is_with_silence() {
    for seed in 1..60 {
        live_equals_derived(seed, Some(Silence::default()), &[0, 1, 20, 100, 299, 300, 4000, 50_000]).await;
    }
}

#[tokio::test]
async fn folded_evidence_is_not_missed() {
    for seed in 1..40 {
        let mut dice = Dice(seed | 1 << 32);
        let mut bench = Bench::new(Some(Silence::default())).await;
        for round in 0..4 {
            let begin = round * 10_000;
            let mut events = disturbed(&mut dice, &[0, 1, 20, 100, 400]);
            for (number, seen) in events.iter_mut().enumerate() {
                seen.at = seen.at + Millis::from_seconds(begin);
                seen.id = EventId::from(format!("r{round}-{}-{}", seen.at, number).as_str());
            }
            for chunk in events.chunks(3) {
                assert_eq!(bench.batch(chunk.to_vec(), None).await, 0, "all within what is kept");
            }
            bench.assert_stored_is_derived(&format!("seed {seed}, round {round}")).await;
            bench.fold(begin + 9000).await;
            bench.restart().await;
        }
    }
}

#[tokio::test]
async fn an_agent_who_comes_back_after_everything_was_folded_keeps_the_history() {
    let mut bench = Bench::new(Some(Silence::default())).await;
    for turn in 0..50 {
        let snapshot = if turn % 2 == 0 { available() } else { on_break() };
        bench.batch(vec![event(turn * 100, What::Snapshot(snapshot))], None).await;
    }
    bench.batch(Vec::new(), Some(200_000)).await;
    bench.fold(4900).await;
    bench.restart().await;
    let days = 3 * 86_400;
    let late = event(days, What::SignIn(available()));
    bench.batch(vec![event(days + 60, What::Snapshot(on_break())), late], None).await;
    bench.assert_stored_is_derived("back after a weekend").await;
}

#[tokio::test]
async fn a_heartbeat_never_revives_who_signed_out_before_what_is_kept() {
    let mut bench = Bench::new(None).await;
    bench.batch(vec![event(0, What::Snapshot(available())), event(100, What::SignOut(None))], None).await;
    bench.batch(vec![event(300, What::Confirmation(available()))], None).await;
    bench.fold(250).await;
    bench.restart().await;
    bench.batch(vec![event(280, What::Confirmation(available()))], None).await;
    assert_eq!(bench.stored().await.last().unwrap().state.class, Class::SignedOut);
}

#[tokio::test]
async fn what_is_older_than_what_is_kept_is_refused_and_changes_nothing() {
    let mut bench = Bench::new(None).await;
    bench
        .batch(vec![event(0, What::Snapshot(available())), event(500, What::Snapshot(on_break()))], None)
        .await;
    bench.fold(400).await;
    bench.batch(vec![event(900, What::Snapshot(available()))], None).await;
    bench.fold(600).await;
    let before = bench.stored().await;
    assert_eq!(bench.batch(vec![event(450, What::Snapshot(on_break()))], None).await, 1);
    assert_eq!(bench.stored().await, before);
    // Once the second was taken for the copy of an event that counts.
    let late = event(460, What::Snapshot(on_break()));
    assert_eq!(bench.batch(vec![late.clone(), late], None).await, 2);
    assert_eq!(bench.stored().await, before);
}

#[tokio::test]
async fn silence_leaves_the_mark_of_the_sign_in_that_it_follows() {
    let mut bench = Bench::new(Some(Silence::default())).await;
    let sign_in = event(60, What::SignIn(available()));
    bench.batch(vec![event(0, What::SignOut(None)), sign_in], Some(61)).await;
    bench.batch(Vec::new(), Some(1000)).await;
    let stored = bench.stored().await;
    assert!(stored.iter().any(|segment| segment.mark.is_some()), "{stored:?}");
    assert_eq!(bench.states.last(), Some(&Class::Unknown));
    bench.batch(vec![event(1100, What::Confirmation(available()))], Some(1101)).await;
    bench.assert_stored_is_derived("heard of again").await;
    assert_eq!(bench.states.last(), Some(&Class::Available));
}

#[tokio::test]
async fn an_activity_is_over_when_it_was_told_to_be_heartbeats_or_not() {
    for silence in [None, Some(Silence::default())] {
        let mut bench = Bench::new(silence).await;
        let activity = |from, until| event(from, What::Activity { snapshot: on_break(), until: at(until) });
        bench.batch(vec![event(0, What::Snapshot(available())), activity(60, 90)], Some(80)).await;
        assert_eq!(bench.states, [Class::Available, Class::Aux], "it lasts");
        bench.batch(Vec::new(), Some(91)).await;
        assert_eq!(bench.states.last(), Some(&Class::Unknown));
        assert_eq!(shown(&bench.stored().await), "0..60 available, 60..90 aux, 90.. unknown");
        bench.restart().await;
        bench.batch(vec![activity(120, 150)], Some(200)).await;
        assert_eq!(bench.states[3..], [Class::Unknown], "since when it is so has changed");
        assert_eq!(
            shown(&bench.stored().await),
            "0..60 available, 60..90 aux, 90..120 unknown, 120..150 aux, 150.. unknown"
        );
        // What the log tells of what was told before changes nothing.
        bench.batch(vec![event(200, What::Snapshot(available())), activity(150, 200)], Some(201)).await;
        bench.assert_stored_is_derived("what followed was told").await;
        assert_eq!(bench.states.last(), Some(&Class::Available));
    }
}

#[tokio::test]
async fn late_first_evidence_moves_the_beginning() {
    let mut bench = Bench::new(None).await;
    let first = snapshot("Available", StatusKind::Routable, Some(1000));
    bench.batch(vec![event(4000, What::Snapshot(first))], None).await;
    let earlier = snapshot("Break", StatusKind::Aux, Some(2000));
    bench.batch(vec![event(2500, What::Snapshot(earlier))], None).await;
    bench.assert_stored_is_derived("late first").await;
    let begins = bench.store.beginnings(&bench.agents.source, Timestamp::MIN).await.unwrap()[0].at;
    assert_eq!(begins, bench.stored().await[0].start);
}

#[tokio::test]
async fn r01_copies_of_an_event_count_once_however_they_are_cut_into_batches() {
    let mut bench = Bench::new(None).await;
    let ends = [event(0, What::Snapshot(available())), event(20, What::Snapshot(available()))];
    bench.batch(ends.into(), None).await;
    let late = |position| {
        let seen = event(10, What::Snapshot(on_break()));
        Observation { order: Order { position: Position::Number(position), ..seen.order.clone() }, ..seen }
    };
    let count = async |bench: &Bench, copies: &[u64]| {
        let mut staged = Staged::default();
        for position in copies {
            bench.agents.stage(late(*position), &mut staged).unwrap();
        }
        bench.agents.settle(&mut staged, &*bench.store).await.unwrap();
        (staged.events, staged.duplicates)
    };
    assert_eq!(count(&bench, &[7, 8, 9]).await, (1, 2), "all in one batch");
    bench.batch(vec![late(0)], None).await;
    assert_eq!(count(&bench, &[100]).await, (0, 1), "after the one that counts");
    assert_eq!(count(&bench, &[0]).await, (0, 1), "before the stored one");
}

fn of(agent: &str, seconds: i64) -> Observation {
    Observation { agent: agent.into(), ..event(seconds, What::Snapshot(available())) }
}

#[tokio::test]
async fn r28_agents_are_read_a_thousand_at_once_and_all_of_them() {
    for count in [1000, 1001] {
        let mut bench = Bench::new(None).await;
        bench.batch((0..count).map(|number| of(&number.to_string(), 0)).collect(), None).await;
        bench.restart().await;
        assert_eq!(bench.agents.count(), count);
    }
}

#[tokio::test]
async fn r06_agents_whom_others_have_written_are_read_again_and_no_others() {
    let mut bench = Bench::new(None).await;
    bench.batch(vec![of("ann", 0), of("bob", 0)], None).await;
    let (source, policy) = (bench.agents.source.clone(), bench.agents.policy);
    let mut other = Agents::load(source, policy, &*bench.store).await.unwrap();
    // Noted nowhere else: it goes if he is read again.
    other.known.get_mut("bob").unwrap().folded = Some(at(0));

    bench.batch(vec![of("ann", 5), of("cid", 5)], None).await;
    other.reload(&*bench.store).await.unwrap();
    let known = |agent: &str| {
        let known = &other.known[agent];
        (known.version, known.track.last_at(), known.folded)
    };
    assert_eq!(known("ann"), (2, Some(at(5)), None));
    assert_eq!(known("bob"), (1, Some(at(0)), Some(at(0))));
    assert_eq!(known("cid"), (1, Some(at(5)), None));
}

#[tokio::test]
async fn what_readers_see_is_known_after_a_restart_and_not_told_again() {
    let mut bench = Bench::new(Some(Silence::default())).await;
    bench.batch(vec![of(AGENT, 0), of("bob", 600)], Some(700)).await;
    bench.restart().await;
    assert_eq!(bench.states, [Class::Available, Class::Unknown, Class::Available]);
    assert!(bench.agents.known[AGENT].told.is_some(), "his track says that he is available");
    assert!(bench.agents.known["bob"].told.is_none(), "his track says it");
    bench.batch(vec![of("bob", 610)], Some(800)).await;
    assert_eq!(bench.states.len(), 3);
}

#[tokio::test]
async fn who_is_due_is_looked_at_and_nobody_else() {
    let mut bench = Bench::new(Some(Silence::default())).await;
    bench.batch((0..10).map(|number| of(&number.to_string(), i64::from(number))).collect(), None).await;
    let due = |bench: &Bench, until| bench.agents.silences.due(|_| Some(at(until))).count();
    assert_eq!([due(&bench, 299), due(&bench, 300), due(&bench, 304)], [0, 1, 5]);
    bench.batch(vec![of("0", 20)], Some(304)).await;
    assert_eq!([due(&bench, 304), due(&bench, 309), due(&bench, 320)], [0, 5, 6]);
    bench.restart().await;
    assert_eq!(due(&bench, 320), 6);
    assert_eq!(due(&bench, 12 * 3600 + 20), 10, "silence ends in a sign-out");
    bench.agents.forget(&["9".into()]);
    assert_eq!(due(&bench, 12 * 3600 + 20), 9);
}

/// Prepares a chunk that says nothing but that it is `watermark`, and commits what came of it.
async fn pass_time(bench: &mut Bench, position: u64, watermark: i64) -> Prepared {
    let config = SourceConfig::new("s", SourceInput::File(FileSettings::new("s".into())));
    let partition = PartitionId::from("p");
    let standing = Standing {
        partition: partition.clone(),
        parents: Vec::new().into(),
        epoch: bench.epoch,
        position: Some(Position::Number(bench.position)),
        newest: None,
        newest_event: None,
        trust: Trust::default(),
    };
    let chunk = Chunk { watermark: Some(at(watermark)), ..Chunk::at(Position::Number(position)) };
    let ground = Ground {
        config: &config,
        agents: &bench.agents,
        status: &status::Status::default(),
        queues: &QueueNames::of(&[]),
        assembler: None,
        store: &*bench.store,
        now: at(watermark),
    };
    let mut prepared = prepare(ground, Vec::new(), &standing, &chunk).await.unwrap();
    bench.store.commit(prepared.batch.clone()).await.unwrap();
    bench.agents.accept(std::mem::take(&mut prepared.staged));
    prepared
}

#[tokio::test]
async fn r28_a_batch_tells_of_1000_who_fall_silent_and_of_the_others_the_next_one() {
    for (count, told) in [(1000, vec![1000]), (1001, vec![1000, 1])] {
        let mut bench = Bench::new(Some(Silence::default())).await;
        bench.batch((0..count).map(|number| of(&number.to_string(), 0)).collect(), None).await;
        let (before, after) = (bench.position, bench.position + 7);
        let mut agents = Vec::new();
        loop {
            let prepared = pass_time(&mut bench, after, 300).await;
            agents.push(prepared.batch.agents.len());
            let stands = if prepared.is_whole { after } else { before };
            assert_eq!(prepared.standing.position, Some(Position::Number(stands)));
            assert_eq!(prepared.batch.watermark.is_some(), prepared.is_whole);
            if prepared.is_whole {
                break;
            }
        }
        assert_eq!(agents, told);
        assert_eq!(bench.agents.silent().len(), count);
    }
}
