//! Nodes come, leave and die while records flow: in the end everything is as if one node had been there all the time.

use std::collections::BTreeMap;
use std::time::Duration;

use pegboard_model::{AgentNow, Millis};

use super::centre::{Centre, NERVOUS, SURE};
use super::on_every_store;
use crate::support::clock;
use crate::support::day::{Day, late, shuffled};
use crate::support::feeding::{all_arrived, feed, part_of};
use crate::support::live::{Live, Tables, assert_alike};
use crate::support::script::Script;

on_every_store!(
    r03_nodes_come_leave_and_die_while_each_agent_stays_in_its_partition,
    r03_nodes_come_leave_and_die_while_agents_are_everywhere,
    r09_nodes_come_leave_and_die_and_silence_is_known_all_the_same,
);

const PARTITIONS: u64 = 8;

/// In how many parts a day arrives.
const STEPS: i64 = 14;

/// The most nodes at a time.
const MOST: usize = 4;

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Which partition a record of a day is in.
type Place = fn(&pegboard_sim::Delivery) -> u64;

/// That of its agent or contact.
fn of_its_own(delivery: &pegboard_sim::Delivery) -> u64 {
    part_of(delivery, PARTITIONS)
}

/// Any: an agent is in all of them.
fn anywhere(delivery: &pegboard_sim::Delivery) -> u64 {
    let sum: u64 = delivery.json.bytes().map(u64::from).sum();
    sum % PARTITIONS
}

/// What nodes leave behind.
struct Outcome {
    tables: Tables,
    agents: BTreeMap<String, AgentNow>,
    /// What the feed has told, for each agent.
    told: BTreeMap<String, Vec<AgentNow>>,
}

async fn outcome(node: &Live, day: &Day) -> Outcome {
    let entries = node.feed(&node.beginning()).await;
    assert!((1..).zip(&entries).all(|(number, entry): (u64, _)| number == entry.0), "a number is missing");
    let mut told: BTreeMap<String, Vec<AgentNow>> = BTreeMap::new();
    for (_, now) in entries {
        told.entry(now.agent_id.to_string()).or_default().push(now);
    }
    Outcome { tables: node.tables(day.start, day.end).await, agents: node.agents().await, told }
}

fn empty_script(has_heartbeat: bool) -> Script {
    let script = Script::new(has_heartbeat);
    (0..PARTITIONS).for_each(|partition| script.add(&partition.to_string(), &[]));
    script
}

/// Puts a part of the day into its partitions.
fn push(script: &Script, day: &Day, place: Place, step: i64) {
    let length = Millis::new(all_arrived(day).since(day.start).get() / STEPS + 1);
    let from = day.start + Millis::new(length.get() * step);
    let deliveries = day.deliveries();
    for partition in 0..PARTITIONS {
        let own = |delivery: &pegboard_sim::Delivery| place(delivery) == partition;
        feed(script, &partition.to_string(), &deliveries, own, from, from + length);
    }
}

async fn undisturbed(script: Script, day: &Day, place: Place) -> Outcome {
    let centre = Centre::on_sqlite();
    (0..STEPS).for_each(|step| push(&script, day, place, step));
    let node = centre.join(&script, "only", SURE).await;
    node.settle(&script, day.end).await;
    let outcome = outcome(&node, day).await;
    node.leave().await;
    outcome
}

/// The same while nodes come, leave and die.
async fn shaken(centre: &Centre, script: Script, day: &Day, place: Place, seed: u64) -> Outcome {
    let mut dice = Dice(seed);
    let mut nodes = vec![centre.join(&script, "0", NERVOUS).await];
    let mut died = 0;
    for step in 0..STEPS {
        push(&script, day, place, step);
        let chosen = usize::try_from(dice.roll(nodes.len() as u64)).unwrap();
        match dice.roll(4) {
            0 if nodes.len() > 1 => nodes.remove(chosen).leave().await,
            1 if nodes.len() > 1 => {
                nodes.remove(chosen).die();
                died += 1;
            }
            _ if nodes.len() < MOST => {
                nodes.push(centre.join(&script, &format!("{}", step + 1), NERVOUS).await);
            }
            _ => {}
        }
        // Not to wait for something: the next change comes at any moment of the work.
        tokio::time::sleep(Duration::from_millis(dice.roll(300))).await;
    }
    assert!(died > 0, "nobody died: the seed shows nothing");
    nodes[0].settle(&script, day.end).await;
    let outcome = outcome(&nodes[0], day).await;
    let counts = nodes[0].status().await.counts;
    assert_eq!(counts.records, day.deliveries().len() as u64, "each record is read once with effect");
    for node in nodes {
        node.leave().await;
    }
    outcome
}

async fn r03_nodes_come_leave_and_die_while_each_agent_stays_in_its_partition(centre: Centre) {
    let day = Day::of(14, 6, 63);
    clock::set(all_arrived(&day));
    let expected = undisturbed(empty_script(false), &day, of_its_own).await;
    let found = shaken(&centre, empty_script(false), &day, of_its_own, 1).await;
    assert_alike(&expected.tables, &found.tables);
    assert_eq!(expected.agents, found.agents);
    assert_eq!(expected.told, found.told, "the feed tells the same of each agent, in the same order");
}

/// Late, doubled and in any order, and all nodes write all agents.
async fn r03_nodes_come_leave_and_die_while_agents_are_everywhere(centre: Centre) {
    let day = Day::of(8, 4, 64).disturbed(&shuffled(64));
    clock::set(all_arrived(&day));
    let expected = undisturbed(empty_script(false), &day, anywhere).await;
    let found = shaken(&centre, empty_script(false), &day, anywhere, 5).await;
    assert_alike(&expected.tables, &found.tables);
    assert_eq!(expected.agents, found.agents);
}

async fn r09_nodes_come_leave_and_die_and_silence_is_known_all_the_same(centre: Centre) {
    let day = Day::of(8, 4, 66).disturbed(&late(66, Millis::from_minutes(20)));
    clock::set(all_arrived(&day));
    let expected = undisturbed(empty_script(true), &day, anywhere).await;
    let found = shaken(&centre, empty_script(true), &day, anywhere, 7).await;
    assert_alike(&expected.tables, &found.tables);
    assert_eq!(expected.agents, found.agents);
}
