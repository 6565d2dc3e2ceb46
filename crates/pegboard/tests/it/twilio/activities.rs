//! What agents did, the activity log of every quarter of an hour, reaches the WFM from a site on Twilio, as from any other.

use pegboard::runtime::deliver::SinkSetup;
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::Config;
use pegboard_sim::stand_in::asc_manager::{AscManager, Options};
use pegboard_sim::stand_in::task_router::Happening;
use pegboard_sim::truth::ReportSettings;
use pegboard_sinks::cxone::{CxoneSink, sink};
use pegboard_sinks::encoder;
use pegboard_sinks::mapping::Mapping;

use super::site::{Site, gates};
use crate::delivering::connection_to;
use crate::support::clock;
use crate::support::live::{Live, SOURCE, config, open_store, until};
use crate::support::replayed::replay_posts;

const QUARTER: Millis = Millis::from_minutes(15);

#[tokio::test]
async fn the_wfm_has_what_agents_did_after_every_quarter_of_an_hour() {
    let start: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
    let site = Site::of(Config::new(12, start, 1, 31));
    let end = site.day.config.end();
    let manager = AscManager::serve(Options::at(end + Millis::from_hours(1))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path());
    let gates = gates(&store, folder.path());
    site.pass_to(start);
    let target = CxoneSink::new(connection_to(&manager), None, vec![sink::ACTIVITY], clock::now);
    let setup = SinkSetup { start: Some(start), ..SinkSetup::new("wfm".into(), Box::new(target)) };
    let hub = Live::delivering_from(store, Box::new(Site::posted(&gates)), &config(), vec![setup]).await;
    let mut told = &site.told[..];
    for number in 1..=4 {
        let now = start + Millis::new(QUARTER.get() * number) + Millis::from_minutes(2);
        let (before, later) = told.split_at(told.partition_point(|happening| happening.at <= now));
        told = later;
        let posts = before.iter().map(|happening| happening.form().into_bytes()).collect();
        site.step(&gates, &hub, posts, now).await;
        let interval = start + Millis::new(QUARTER.get() * (number - 1));
        let has_it = async || {
            // What is settled is so by the hub's clock; no other interval ends meanwhile.
            clock::set((clock::now() + Millis::from_seconds(1)).min(now + Millis::from_minutes(2)));
            manager.look(|kept| kept.activity_reports.contains_key(&interval))
        };
        until("the WFM has the quarter of an hour that has just ended", has_it).await;
    }
    hub.stop().await;

    let settings = ReportSettings { source: SOURCE.into(), ..ReportSettings::new(start, end) };
    let posts: Vec<String> = site.told.iter().map(Happening::form).collect();
    let known = replay_posts(&posts, &settings).known(Vec::new(), Mapping::default());
    let documents = (encoder("cxone-agent-activity").unwrap().encode)(&known).documents;
    let dry_run: Vec<_> = known.intervals.iter().map(|interval| interval.start).zip(documents).collect();
    assert_eq!(dry_run.len(), 4);
    let activities = dry_run
        .iter()
        .map(|(_, document)| String::from_utf8_lossy(&document.body).matches("eventId").count());
    assert!(activities.sum::<usize>() > 50, "people do something");
    manager.look(|kept| {
        for (start, document) in &dry_run {
            let sent = &kept.activity_reports[start].sent;
            assert_eq!(String::from_utf8_lossy(sent), String::from_utf8_lossy(&document.body), "{start}");
        }
    });
}
