//! Records that cannot be used.

use pegboard::runtime::view::{Health, View as _};
use pegboard_model::Class;
use pegboard_store::DeadLetter;

use crate::support::clock;
use crate::support::event::{AGENT, change, event, minute, nine};
use crate::support::feeding::ONLY;
use crate::support::live::{Live, config, until};
use crate::support::script::Script;

/// What is kept of a record.
const KEPT: usize = 64 * 1024;

/// Bad records of every kind, and what is said of them.
fn poison() -> Vec<(String, &'static str)> {
    let good = change(minute(1), "Lunch");
    vec![
        ("{\"AgentARN\":".into(), "not JSON"),
        (
            good.replace(&format!("\"EventTimestamp\":\"{}\"", minute(1)), "\"EventTimestamp\":5"),
            "EventTimestamp: wrong type",
        ),
        (format!("{good}{}", " ".repeat(1 << 20)), "longer than 1048576 bytes"),
        (
            event(AGENT, "STATE_CHANGE", minute(1), "Lunch")
                .replace("\"CurrentAgentSnapshot\":", "\"CurrentAgentSnapshot\":null,\"Other\":"),
            "CurrentAgentSnapshot: missing",
        ),
        (good.replace("EventId", "EventKey"), "EventId: missing"),
        (change(minute(24 * 60), "Lunch"), "5 minutes from now"),
        ("\u{0}\u{1}".into(), "not JSON"),
    ]
}

async fn letters(live: &Live) -> Vec<DeadLetter> {
    let mut letters = live.store.dead_letters(&[], None, 1000).await.unwrap();
    letters.reverse();
    letters
}

#[tokio::test]
async fn r07_bad_records_of_every_kind_are_kept_with_place_and_reason_and_the_stream_goes_on() {
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    clock::set(minute(60));
    script.add(ONLY, &[]);
    let poison = poison();
    let unknown_kind = event(AGENT, "STATE_FORECAST", minute(3), "Break").replace("a-1@", "other@");
    let foreign = "{\"some\":\"thing\"}".to_owned();
    let mut records = vec![change(nine(), "Available")];
    records.extend(poison.iter().map(|(record, _)| record.clone()));
    records.extend([change(minute(2), "Break"), unknown_kind, foreign]);
    script.push(ONLY, &records, minute(4));
    script.push(ONLY, &[change(minute(5), "Available")], minute(6));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all(&script).await;

    let letters = letters(&live).await;
    assert_eq!(letters.len(), poison.len());
    for ((number, letter), (record, reason)) in (2..).zip(&letters).zip(&poison) {
        assert!(letter.reason.contains(reason), "{} is not about: {reason}", letter.reason);
        assert_eq!((letter.partition.as_str(), letter.position.to_string()), (ONLY, number.to_string()));
        assert_eq!(letter.payload, record.as_bytes()[..record.len().min(KEPT)]);
        assert_eq!(letter.at, minute(60));
    }
    let status = live.status().await;
    assert_eq!(status.health, Health::Lagging, "an hour behind, and nothing worse");
    let counts = status.counts;
    assert_eq!((counts.records, counts.events, counts.foreign, counts.failed), (12, 4, 1, 7));
    assert_eq!(live.agents().await[AGENT].class, Class::Available);
    live.stop().await;
}

#[tokio::test]
async fn r07_too_many_bad_records_stop_the_partition_before_them_and_a_restart_tries_again() {
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    clock::set(minute(600));
    script.add(ONLY, &[]);
    script.add("other", &[]);
    let good: Vec<String> = (0..200).map(|number| change(minute(number), "Available")).collect();
    script.push(ONLY, &good, minute(200));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all_but(&script, "other").await;

    let bad: Vec<String> =
        (0..11).map(|number| change(minute(200 + number), "Break").replace("EventId", "EventKey")).collect();
    script.push(ONLY, &bad, minute(300));
    script.push("other", &[event("a-2", "LOGIN", minute(300), "Available")], minute(300));
    until("the partition stops", async || live.status().await.health == Health::Stopped).await;
    let fault = live.status().await.error.unwrap();
    assert!(fault.message.contains("more than 5%") && fault.message.contains("restart"), "{}", fault.message);
    assert_eq!(letters(&live).await.len(), 0, "nothing of the chunk is taken");
    until("other partitions go on", async || live.agents().await.contains_key("a-2")).await;
    live.stop().await;

    // The next run knows nothing of the records before: of eleven nothing can be said yet.
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all(&script).await;
    let letters = letters(&live).await;
    assert_eq!(letters.len(), bad.len());
    assert!(letters.iter().all(|letter| &*letter.reason == "EventId: missing"));
    assert_eq!(live.status().await.counts.records, 212);
    live.stop().await;
}

#[tokio::test]
async fn a_record_that_came_too_early_is_taken_when_it_is_tried_again_in_its_time() {
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    clock::set(minute(60));
    script.add(ONLY, &[]);
    let early = change(minute(24 * 60), "Lunch");
    script.push(ONLY, &[change(nine(), "Available"), early, "{\"AgentARN\":".into()], minute(4));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.read_all(&script).await;
    let [early, cut] = &letters(&live).await[..] else { panic!("two letters") };
    let refused = live.hub.mend(early).await.unwrap_err().to_string();
    assert!(refused.contains("5 minutes from now"), "{refused}");

    clock::set(minute(24 * 60 + 1));
    live.hub.mend(early).await.unwrap();
    let agents = live.agents().await;
    assert_eq!(agents[AGENT].status_name.to_string(), "Lunch");
    let refused = live.hub.mend(cut).await.unwrap_err().to_string();
    assert!(refused.contains("not JSON"), "{refused}");
    let left = letters(&live).await;
    assert_eq!(left.iter().map(|letter| (letter.id, letter.tries)).collect::<Vec<_>>(), [(cut.id, 2)]);

    // The partition goes on as if nothing had been.
    script.push(ONLY, &[change(minute(24 * 60 + 1), "Available")], minute(24 * 60 + 1));
    live.read_all(&script).await;
    until("the present goes on", async || live.agents().await[AGENT].status_name.to_string() == "Available")
        .await;
    assert_eq!(live.status().await.partitions.len(), 1);
    live.stop().await;
}
