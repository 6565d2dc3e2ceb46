//! A mapping that people edit while hubs deliver.

use pegboard_model::AgentNow;
use pegboard_sinks::UnmappedPolicy;
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

/// A table as somebody has edited it the first time.
fn edited(table: &str, content: String) -> MappingWrite {
    let rows = content.lines().count() as u64 - 1;
    MappingWrite {
        sink: wfm(),
        table: table.into(),
        follows: 0,
        at: clock::now(),
        by: "ann".into(),
        content: Some((content, rows)),
    }
}

/// The table of queues in which all have one name.
fn all_are_one(day: &Day) -> MappingWrite {
    let mapping = mapping(day);
    let rows = mapping.queues.rows();
    let lines: Vec<_> = rows.iter().map(|row| format!("{},ALL\n", row.queue)).collect();
    edited("queues", format!("queue,wfm_queue_id\n{}", lines.concat()))
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

#[tokio::test]
async fn what_was_refused_for_a_name_is_sent_when_the_name_has_a_row() {
    let day = Day::of(12, 3, 52);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    manager.know_queues(Some(["ALL".to_owned()].into()));
    let script = one_partition(&day, false);
    let row = QueueRow {
        queue: "another".into(),
        channel: None,
        direction: None,
        scope: Scope::default(),
        to: WfmQueue { id: "ALL".into(), name: "".into() },
    };
    let one_row = Mapping { queues: QueueMapping::new(vec![row]), ..Mapping::default() };
    let sink = SinkSetup { mapping: one_row, ..setup(&day, &manager, Some(day.start)) };
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink).await;
    live.settle(&script, day.end).await;
    let parked = async || {
        pass_time();
        let lines = ledger(&live).await;
        lines.iter().any(|line| line.state == DeliveryState::Parked && line.units > 3)
            && lines.iter().all(|line| line.state != DeliveryState::Waiting)
    };
    until("what has no row is refused", parked).await;
    assert!(!live.store.unmapped(&wfm(), 99).await.unwrap().is_empty(), "and listed");
    assert!(live.store.write_mapping(all_are_one(&day)).await.unwrap());
    all_delivered(&live, &day).await;
    let of_queues = async || {
        let listed = live.store.unmapped(&wfm(), 99).await.unwrap();
        // Contacts that were in no queue have no row still.
        listed.iter().all(|seen| &*seen.kind != "queue" || seen.id.is_empty())
    };
    until("no queue is listed any more", of_queues).await;
    live.stop().await;
}

#[tokio::test]
async fn a_present_state_that_was_held_is_sent_when_it_has_a_row() {
    let day = Day::of(12, 4, 53);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let script = one_partition(&day, false);
    let mut mapping = mapping(&day);
    mapping.settings.unmapped = UnmappedPolicy::Hold;
    let holds_back = |now: &AgentNow| mapping.holds_back(now);
    let sink = SinkSetup { mapping: mapping.clone(), ..setup(&day, &manager, Some(day.start)) };
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink).await;
    live.settle(&script, day.end).await;
    let is_there = |now: &AgentNow| {
        manager.look(|kept| {
            let last = kept.states.get(now.agent_id.as_str()).and_then(|states| states.back());
            last.is_some_and(|last| last.event_time == now.since)
        })
    };
    let present = live.store.agents(&[]).await.unwrap().agents;
    let (held, told): (Vec<_>, Vec<_>) =
        present.iter().map(|agent| &agent.now).partition(|now| holds_back(now));
    until("the others are told", async || told.iter().all(|now| is_there(now))).await;
    assert!(!held.is_empty() && !held.iter().any(|now| is_there(now)), "{held:?}");
    let row = "event_id,activity_code,status,class\n,Break,closed,aux\n";
    assert!(live.store.write_mapping(edited("states", row.to_owned())).await.unwrap());
    assert_states_are_there(&live, &manager).await;
    live.stop().await;
}
