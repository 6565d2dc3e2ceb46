//! Many events through many kills: each of them counts once, and the timelines are those that follow from the files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use pegboard::clock;
use pegboard::replay::{Input, KeepEvents, read};
use pegboard_engine::timeline::append;
use pegboard_engine::{Silence, Timeline, TimelinePolicy};
use pegboard_model::{AgentId, Segment};
use pegboard_sim::{Centre, output};

use super::hub::{self, Folder};
use super::input::{self, Conserved, SOURCES};
use super::next;
use crate::support::day::begun;

/// How long the simulated centres work.
const HOURS: u32 = 12;

/// How many events an agent makes in that time, or a few more.
const EVENTS_OF_AN_AGENT: u64 = 250;

/// How many events there are unless a soak asks for more.
const EVENTS: u64 = 4000;

/// The longest that the program may run before it is killed, unless a soak has more for it to do.
const LONGEST: Duration = Duration::from_secs(1);

/// The files of all sources, in the past: all that silence means is known.
fn write_input(folder: &Path, events: u64) -> Conserved {
    input::Input::write_settings(folder);
    let agents = usize::try_from(events / EVENTS_OF_AN_AGENT / SOURCES.len() as u64).unwrap();
    let mut conserved = Conserved::default();
    for (seed, source) in (91..).zip(SOURCES) {
        let simulation = Centre::new(begun(HOURS + 48, agents, HOURS, seed)).run();
        conserved.events += simulation.agent_events.len() as u64;
        conserved.contacts += simulation.contact_records.len() as u64;
        let file = |name: &str| BufWriter::new(File::create(folder.join(source).join(name)).unwrap());
        let (mut events, mut contacts) = (file("events.ndjson"), file("contacts.ndjson"));
        output::write_agent_events(&mut events, &simulation).unwrap();
        output::write_contact_records(&mut contacts, &simulation).unwrap();
        events.flush().unwrap();
        contacts.flush().unwrap();
    }
    conserved
}

/// What follows from the events of a source, once all silence is known.
fn derived(folder: &Path, source: &str) -> BTreeMap<AgentId, Vec<Segment>> {
    let file = folder.join(source).join("events.ndjson");
    let (now, policy) =
        (clock::system(), TimelinePolicy { silence: Some(Silence::default()), ..TimelinePolicy::default() });
    let records = read(&[Input::parse(file.to_str().unwrap())], now, 2, KeepEvents::No, &|_| {}).unwrap();
    let timeline = |(agent, seen): (AgentId, Vec<Vec<_>>)| {
        let evidence: Vec<_> = seen.into_iter().flatten().collect();
        let (mut timeline, track) = Timeline::derive(agent, evidence, &policy).unwrap();
        for segment in track.silence_until(now, &policy) {
            append(&mut timeline.segments, segment);
        }
        (timeline.agent, timeline.segments)
    };
    records.evidence.into_iter().map(timeline).collect()
}

/// A million in a soak: `PEGBOARD_SOAK_EVENTS`.
#[test]
fn r01_every_event_counts_once_through_kills_at_random_moments() {
    let events = hub::soak_events();
    let mut folder = Folder::new();
    let conserved = write_input(folder.path(), events.unwrap_or(EVENTS));
    assert!(conserved.events >= events.unwrap_or(EVENTS), "{conserved:?}");
    let records = conserved.events + conserved.contacts;
    if events.is_some() {
        folder.has_time(Duration::from_mins(20));
    }
    let longest = u64::try_from(if events.is_some() { 5 * LONGEST } else { LONGEST }.as_micros()).unwrap();
    let seed = hub::seed();
    eprintln!("{conserved:?}; PEGBOARD_SEED={seed} gives the same kills again");
    let (mut random, mut kills) = (seed, 0);
    while folder.kill_after(Duration::from_micros(next(&mut random) % longest)) < records {
        kills += 1;
    }
    folder.finish(records);
    eprintln!("{kills} kills before all was read");
    assert_eq!(folder.conserved(), conserved, "each counts, and once");
    for source in SOURCES {
        let (expected, mut found) = (derived(folder.path(), source), BTreeMap::<_, Vec<_>>::new());
        for (agent, segment) in folder.segments(source) {
            found.entry(agent).or_default().push(segment);
        }
        assert!(expected.keys().eq(found.keys()), "{source}: other agents");
        for (agent, segments) in &expected {
            assert_eq!(*segments, found[agent], "{source}, agent {agent}");
        }
        fs::remove_dir_all(folder.path().join(source)).unwrap();
    }
}
