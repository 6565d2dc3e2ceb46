//! A mapping that people edit while hubs deliver.

use pegboard_store::MappingWrite;

use super::*;
use crate::nodes::centre::Centre;
use crate::nodes::on_every_store;

on_every_store!(an_edit_on_one_node_names_what_another_delivers_and_nothing_is_sent_again_for_it);

/// Names that the queues of a report have.
fn queues_of(manager: &AscManager, start: Timestamp) -> BTreeSet<String> {
    manager.look(|kept| {
        let body: serde_json::Value = serde_json::from_slice(&kept.queue_reports[&start].sent).unwrap();
        let rows = body["queueReport"].as_array().unwrap();
        rows.iter().map(|row| row["queueId"].as_str().unwrap().to_owned()).collect()
    })
}

/// The table of queues in which all have one name.
fn all_are_one(day: &Day) -> MappingWrite {
    let mapping = mapping(day);
    let rows = mapping.queues.rows();
    let lines: Vec<_> = rows.iter().map(|row| format!("{},ALL\n", row.queue)).collect();
    MappingWrite {
        sink: wfm(),
        table: "queues".into(),
        follows: 0,
        at: clock::now(),
        by: "ann".into(),
        content: Some((format!("queue,wfm_queue_id\n{}", lines.concat()), rows.len() as u64)),
    }
}

async fn an_edit_on_one_node_names_what_another_delivers_and_nothing_is_sent_again_for_it(centre: Centre) {
    let day = Day::of(12, 3, 51);
    let manager = manager(&day);
    let script = one_partition(&day, false);
    let node = async || {
        let sink = setup(&day, &manager, Some(day.start));
        Live::delivering(centre.store().await, &script, &config(), sink).await
    };
    let ours = async |live: &Live| live.hub.sinks().await.unwrap()[0].delivery.ours;
    let delivers = node().await;
    until("it delivers", async || ours(&delivers).await).await;
    let other = node().await;
    delivers.settle(&script, day.end).await;
    all_delivered(&delivers, &day).await;
    assert!(other.store.write_mapping(all_are_one(&day)).await.unwrap());

    let mut starts = manager.look(|kept| kept.queue_reports.keys().copied().collect::<Vec<_>>());
    let again = starts.remove(4);
    let unit = Unit { report: REPORT.into(), interval_start: again };
    let Rebuilt::Body { bytes, .. } = other.hub.rebuild(&wfm(), &unit).await.unwrap() else {
        panic!("a body")
    };
    assert!(String::from_utf8(bytes).unwrap().contains("ALL"), "every node shows what would be sent");
    let all = BTreeSet::from(["ALL".to_owned()]);
    let renamed = async || {
        pass_time();
        let chosen = LedgerFilter::from(&unit);
        other.store.settle_deliveries(&wfm(), &chosen, Settle::Resend, clock::now()).await.unwrap();
        queues_of(&manager, again) == all
    };
    until("what is sent again is named anew", renamed).await;
    assert!(
        ours(&delivers).await && !ours(&other).await,
        "the node that delivers is not the one that was asked"
    );
    for start in starts {
        assert!(!queues_of(&manager, start).contains("ALL"), "{start}");
        assert_eq!(manager.look(|kept| kept.queue_reports[&start].revisions.len()), 1, "{start}");
    }
    other.leave().await;
    delivers.leave().await;
}
