//! What Twilio does not post, or loses, it is asked for: reports are the same in the end.

use std::collections::BTreeMap;
use std::path::Path;

use pegboard::runtime::intake::Gates;
use pegboard::runtime::view::View as _;
use pegboard_model::{Class, Millis, Timestamp};
use pegboard_sim::Truth;
use pegboard_sim::disturb::Disturbance;
use pegboard_sim::stand_in::task_router::Happening;
use pegboard_store::ReloadState;

use super::site::{STEP, Site, gates};
use crate::live::reload::{reload, rows_of};
use crate::live::reload_source::from_source;
use crate::nodes::centre::{Centre, SURE, until_shared};
use crate::nodes::on_every_store;
use crate::support::compare::first_difference;
use crate::support::live::{Live, Tables, config, open_store, until, values};

/// The posts that come by `now`, taken from the front of what comes.
fn arriving(coming: &mut &[Happening], now: Timestamp) -> Vec<Vec<u8>> {
    let count = coming.partition_point(|post| post.delivered <= now);
    let (arrived, later) = coming.split_at(count);
    *coming = later;
    arrived.iter().map(|post| post.form().into_bytes()).collect()
}

/// The steps of the morning, until all that came late is there.
fn steps(site: &Site) -> impl Iterator<Item = Timestamp> + use<> {
    let (start, end) = (site.start(), site.day.config.end() + Millis::from_minutes(30));
    (1..).map(move |number| start + Millis::new(number * STEP.get())).take_while(move |now| *now <= end)
}

async fn tables_of(site: &Site, hub: &Live) -> Tables {
    let end = site.day.config.end();
    hub.close(end).await;
    hub.tables(site.start(), end).await
}

/// The reports of a hub to which everything is posted in time, and that asks nobody: what can be known, as the simulation knows it.
async fn truth(site: &Site) -> Tables {
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path());
    let gates = gates(&store, folder.path());
    site.pass_to(site.start());
    let hub = Live::over(store, Box::new(Site::posted(&gates)), &config()).await;
    let mut coming = &site.told[..];
    for now in steps(site) {
        site.step(&gates, &hub, arriving(&mut coming, now), now).await;
    }
    assert!(coming.is_empty(), "{} posts are left", coming.len());
    let tables = tables_of(site, &hub).await;
    hub.stop().await;
    assert!(tables.values().filter(|rows| !rows.is_empty()).count() > 8, "{tables:?}");
    assert_known(&site.knowable(), &tables);
    tables
}

/// The reports of a hub to which this is posted, and that asks for the rest. While it is away, nothing that is posted arrives anywhere.
async fn repaired(site: &Site, coming: &[Happening], is_away: impl Fn(Timestamp) -> bool) -> Tables {
    let folder = tempfile::tempdir().unwrap();
    site.pass_to(site.start());
    let mut hub: Option<(Live, Gates)> = None;
    let mut coming = coming;
    for now in steps(site) {
        let posts = arriving(&mut coming, now);
        if is_away(now) {
            if let Some((hub, _)) = hub.take() {
                hub.stop().await;
            }
            continue;
        }
        let (running, gates) = match hub.take() {
            Some(running) => running,
            None => start(site, folder.path()).await,
        };
        site.step(&gates, &running, posts, now).await;
        hub = Some((running, gates));
    }
    let (hub, _) = hub.unwrap();
    let tables = tables_of(site, &hub).await;
    let status = hub.status().await;
    assert!(status.error.is_none() && status.counts.failed == 0, "{status:?}");
    hub.stop().await;
    tables
}

/// A hub that asks for everything that happened, over the store in the folder, whatever it holds.
async fn start(site: &Site, folder: &Path) -> (Live, Gates) {
    let store = open_store(folder);
    let gates = gates(&store, folder);
    let source = site.asked(&gates, Some(site.first()));
    (Live::over(store, Box::new(source), &config()).await, gates)
}

/// The reports are what the simulation says, reckoned by itself.
fn assert_known(truth: &Truth, found: &Tables) {
    let rows = [
        ("sessions", values(&truth.sessions)),
        ("agent_interval", values(&truth.agent_intervals)),
        ("group_interval", values(&truth.group_intervals)),
        ("queue_interval", values(&truth.queue_intervals)),
        ("agent_queue_interval", values(&truth.agent_queue_intervals)),
    ];
    let counted = |column: &str| {
        let rows = rows.iter().filter(|(name, _)| *name == "queue_interval").flat_map(|(_, rows)| rows);
        rows.filter_map(|row| row[column].as_u64()).sum::<u64>()
    };
    for column in ["answered", "abandoned", "transferred_out"] {
        assert!(counted(column) > 0, "{column}: it happens to none");
    }
    let differences = rows.iter().filter_map(|(name, rows)| first_difference(name, rows, &found[name]));
    let differences: Vec<_> = differences.collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn assert_same(truth: &Tables, found: &Tables) {
    let differences = truth
        .iter()
        .filter_map(|(name, rows)| first_difference(name, rows, &found[name]))
        .collect::<Vec<_>>();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn r10_callbacks_that_are_lost_doubled_and_late_make_the_reports_of_clean_ones_once_repair_has_run() {
    let site = Site::new(21);
    let disturbance = Disturbance { lost: 0.05, twice: 0.05, late: 0.2, ..Disturbance::none(21) };
    let coming = disturbance.disturb(&site.told);
    let truth = truth(&site).await;
    assert_same(&truth, &repaired(&site, &coming, |_| false).await);
}

#[tokio::test]
async fn r08_a_receiver_that_is_away_for_an_hour_loses_nothing() {
    let site = Site::new(22);
    let away = site.start() + Millis::from_hours(2);
    let is_away = |now: Timestamp| away < now && now <= away + Millis::from_hours(1);
    let missed = site.told.iter().filter(|post| is_away(post.delivered)).count();
    assert!(missed > 200, "{missed} posts are lost");
    let truth = truth(&site).await;
    assert_same(&truth, &repaired(&site, &site.told, is_away).await);
}

on_every_store!(r10_posts_and_what_is_asked_for_may_be_read_by_two_nodes);

/// One node reads what is posted, of which every other post is lost; the other one asks for everything. Both tell of the same contacts
/// at the same time.
async fn r10_posts_and_what_is_asked_for_may_be_read_by_two_nodes(centre: Centre) {
    let site = Site::new(23);
    let truth = truth(&site).await;
    let coming = Disturbance { lost: 0.5, ..Disturbance::none(23) }.disturb(&site.told);
    let folder = tempfile::tempdir().unwrap();
    let gates = gates(&centre.store().await, folder.path());
    site.pass_to(site.start());
    let nodes = [
        centre.join(&site.asked(&gates, Some(site.first())), "a", SURE).await,
        centre.join(&site.asked(&gates, Some(site.first())), "b", SURE).await,
    ];
    until_shared(&nodes[0], &[1, 1]).await;
    let mut coming = &coming[..];
    for now in steps(&site) {
        site.step_of(&gates, &[&nodes[0], &nodes[1]], arriving(&mut coming, now), now).await;
    }
    assert_same(&truth, &tables_of(&site, &nodes[0]).await);
    for node in nodes {
        node.leave().await;
    }
}

/// A hub that begins when all is over knows nothing of the morning, until that is asked for.
#[tokio::test]
async fn a_morning_that_was_never_read_is_there_once_it_is_reloaded_from_the_source() {
    let site = Site::new(26);
    let truth = truth(&site).await;
    let end = site.day.config.end();
    let now = end + Millis::from_hours(1);
    site.pass_to(now);
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path());
    let gates = gates(&store, folder.path());
    let hub = Live::over(store, Box::new(site.asked(&gates, Some(now))), &config()).await;
    site.step(&gates, &hub, Vec::new(), now + STEP).await;
    hub.close(end).await;
    let preview = hub.hub.preview_reload(from_source(site.start(), end)).await.unwrap();
    let done = reload(&hub, from_source(site.start(), end)).await;
    assert_eq!((done.state, done.progress.notes.len()), (ReloadState::Done, 0), "{done:?}");
    assert_same(&truth, &tables_of(&site, &hub).await);
    assert_eq!(done.progress.differ, rows_of(&preview), "as the preview said");
    hub.stop().await;
}

/// A hub that starts in the middle of the morning has been told of nobody.
#[tokio::test]
async fn whoever_is_there_when_the_hub_starts_is_known_at_once() {
    let site = Site::new(24);
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path());
    let gates = gates(&store, folder.path());
    let now = site.start() + Millis::from_hours(3);
    site.pass_to(now);
    let hub = Live::over(store, Box::new(site.asked(&gates, None)), &config()).await;
    // As the last event of each agent tells.
    let mut expected: BTreeMap<&str, &str> = BTreeMap::new();
    for told in site.told.iter().filter(|told| told.at <= now && told.kind == "worker.activity.update") {
        let (Some(agent), Some(activity)) = (told.field("worker_sid"), told.field("worker_activity_name"))
        else {
            continue;
        };
        expected.insert(agent, activity);
    }
    expected.retain(|_, activity| *activity != "Offline");
    assert!(expected.len() > 10, "{expected:?}");
    let all_known = async || {
        let agents = hub.agents().await;
        expected.keys().all(|agent| agents.get(*agent).is_some_and(|now| now.class != Class::Unknown))
    };
    until("everybody who is there is known", all_known).await;
    let agents = hub.agents().await;
    let talking = agents.values().filter(|now| matches!(now.class, Class::Talk | Class::Acw)).count();
    assert!(talking > 2, "contacts are shown, too: {agents:?}");
    hub.stop().await;
}
