//! Activities are told in the interval in which they end, also when it is corrected where they began.

use std::collections::BTreeMap;

use pegboard::runtime::deliver::SinkSetup;
use pegboard_model::{Millis, Timestamp};
use pegboard_sinks::cxone::{CxoneSink, sink};
use pegboard_sinks::encoder;

use super::{all_delivered, connection_to, manager, mapping, wfm};
use crate::support::clock;
use crate::support::day::{Day, late};
use crate::support::feeding::{all_arrived, feed};
use crate::support::live::{Live, config, open_store, settings, until};
use crate::support::replayed::replay;
use crate::support::script::Script;

/// What a dry run writes of the day, by interval.
fn dry_run(day: &Day) -> BTreeMap<Timestamp, Vec<u8>> {
    let known = replay(day, &settings(day)).known(Vec::new(), mapping(day));
    let documents = (encoder("cxone-agent-activity").unwrap().encode)(&known).documents;
    let starts = known.intervals.iter().map(|interval| interval.start);
    starts.zip(documents).map(|(start, document)| (start, document.body)).collect()
}

#[tokio::test]
async fn r12_an_activity_that_began_otherwise_is_told_anew_in_the_interval_in_which_it_ends() {
    for seed in [33, 34, 35] {
        let day = Day::of(12, 4, seed).disturbed(&late(seed, Millis::from_hours(1)));
        let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
        let script = Script::new(false);
        script.add("0", &[]);
        feed(&script, "0", &day.deliveries(), |_| true, day.start, day.end);
        clock::set(day.end);
        let target = CxoneSink::new(connection_to(&manager), None, vec![sink::ACTIVITY], clock::now);
        let setup = SinkSetup {
            mapping: mapping(&day),
            start: Some(day.start),
            ..SinkSetup::new(wfm(), Box::new(target))
        };
        let live = Live::delivering(open_store(folder.path()), &script, &config(), setup).await;
        live.read_all(&script).await;
        let some = async || manager.look(|kept| kept.activity_reports.len() > 8);
        until("the WFM has some intervals", some).await;
        feed(&script, "0", &day.deliveries(), |_| true, day.end, all_arrived(&day));
        clock::set(all_arrived(&day));
        live.settle(&script, day.end).await;
        all_delivered(&live, &day).await;
        let expected = dry_run(&day);
        let differing = async || {
            clock::set(clock::now() + Millis::from_seconds(1));
            manager.look(|kept| {
                expected.iter().all(|(start, body)| kept.activity_reports[start].sent[..] == body[..])
            })
        };
        until("the WFM has every activity as it is known now", differing).await;
        live.stop().await;
    }
}
