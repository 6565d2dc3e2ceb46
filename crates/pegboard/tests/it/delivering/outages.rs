//! What a target that fails costs, and whom.

use pegboard_sim::stand_in::asc_manager::Counts;
use pegboard_sinks::{Document, Outcome, Sink};

use super::*;

fn always(manager: &AscManager, route: Option<Route>, what: Wrong) {
    manager.fail(Fault { route, times: u32::MAX, what });
}

fn faults(manager: &AscManager) -> u64 {
    manager.counts().faults.values().sum()
}

async fn failing(live: &Live, manager: &AscManager) {
    let fails = async || {
        let shown = live.hub.sinks().await.unwrap().remove(0).delivery;
        shown.states.failures > 0 && faults(manager) > 0
    };
    until("states are not taken", fails).await;
}

#[tokio::test]
async fn r16_after_an_outage_the_wfm_is_told_the_present_and_nothing_old() {
    let day = Day::of(12, 4, 41);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let script = Script::new(false);
    script.add("0", &[]);
    let live = Live::delivering(
        open_store(folder.path()),
        &script,
        &config(),
        setup(&day, &manager, Some(day.start)),
    )
    .await;
    let before = day.end - Millis::from_minutes(90);
    feed(&script, "0", &day.deliveries(), |_| true, day.start, before);
    clock::set(before);
    live.read_all(&script).await;
    assert_states_are_there(&live, &manager).await;
    let had = |manager: &AscManager| {
        manager.look(|kept| {
            kept.states
                .iter()
                .map(|(agent, states)| (agent.clone(), states.len()))
                .collect::<BTreeMap<_, _>>()
        })
    };
    let (had_before, feed_before) = (had(&manager), told(&live).await);
    always(&manager, Some(Route::AgentStates), Wrong::ServerError(503));
    feed(&script, "0", &day.deliveries(), |_| true, before, day.end);
    clock::set(day.end);
    live.read_all(&script).await;
    failing(&live, &manager).await;
    assert_eq!(had(&manager), had_before, "nothing arrives meanwhile");
    manager.mend();
    assert_states_are_there(&live, &manager).await;
    let told = told(&live).await;
    let most = told.iter().map(|(agent, told)| told.len() - feed_before.get(agent).map_or(0, Vec::len)).max();
    assert!(most > Some(3), "much has happened meanwhile: {most:?}");
    for (agent, count) in had(&manager) {
        assert!(count <= had_before.get(&agent).unwrap_or(&0) + 1, "{agent}: only the present");
    }
    live.stop().await;
}

#[tokio::test]
async fn r17_24_hours_of_outage_and_a_bad_line_afterwards_cost_nothing() {
    let day = Day::of(8, 24, 42);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    always(&manager, None, Wrong::ServerError(503));
    let live = hub(&day, &one_partition(&day, false), &manager, folder.path()).await;
    failing(&live, &manager).await;
    let waiting = async || {
        let lines = ledger(&live).await;
        lines.iter().any(|line| line.state == DeliveryState::Waiting && line.units > 90)
    };
    until("a day waits", waiting).await;
    assert!(manager.look(|kept| kept.queue_reports.is_empty() && kept.states.is_empty()));
    manager.mend();
    manager.pass(Millis::from_hours(3));
    let chances = [
        (0.10, Wrong::ServerError(503)),
        (0.05, Wrong::Throttled { retry_after: Some("0".to_owned()) }),
        (0.05, Wrong::Unauthorised),
        (0.05, Wrong::Cut),
        (0.05, Wrong::CutAnswer),
    ];
    manager.fail_at_random(9, chances.to_vec());
    let most = async || {
        pass_time();
        manager.look(|kept| kept.queue_reports.len() > 80)
    };
    until("most of it has arrived over a bad line", most).await;
    manager.mend();
    all_delivered(&live, &day).await;
    assert_reports(&day, &manager);
    assert_states_are_there(&live, &manager).await;
    let Counts { faults, .. } = manager.counts();
    assert!(faults.len() >= 4, "the line was bad: {faults:?}");
    live.stop().await;
}

#[tokio::test]
async fn r20_a_target_that_is_dead_delays_no_other() {
    let day = Day::of(12, 3, 43);
    let (healthy, dead, folder) = (manager(&day), manager(&day), tempfile::tempdir().unwrap());
    always(&dead, None, Wrong::Cut);
    let sink = setup(&day, &healthy, Some(day.start));
    let other = SinkSetup { name: "dead".into(), ..setup(&day, &dead, Some(day.start)) };
    let script = one_partition(&day, false);
    let live = Live::delivering_to(open_store(folder.path()), &script, &config(), vec![other, sink]).await;
    live.settle(&script, day.end).await;
    all_delivered(&live, &day).await;
    assert_reports(&day, &healthy);
    assert_states_are_there(&live, &healthy).await;
    let left_alone = async || live.hub.sinks().await.unwrap()[0].delivery.left_alone;
    until("the dead one is only tried now and then", left_alone).await;
    // Both lanes wait for one sign-in: what that fails they both fail.
    assert!(faults(&dead) > 2 && dead.look(|kept| kept.states.is_empty()));
    live.stop().await;
}

#[tokio::test]
async fn r22_a_single_change_and_then_silence_is_told() {
    let day = Day::of(4, 3, 44);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let script = Script::new(false);
    script.add("0", &[]);
    let live =
        Live::delivering(open_store(folder.path()), &script, &config(), setup(&day, &manager, None)).await;
    let ours = async || live.hub.sinks().await.unwrap()[0].delivery.ours;
    until("it delivers", ours).await;
    let first =
        day.deliveries().into_iter().find(|event| event.json.contains("\"EventType\":\"STATE_CHANGE\""));
    let first = first.unwrap();
    clock::set(first.at);
    script.push("0", &[&first.json], first.at);
    let there = async || manager.look(|kept| kept.states.len() == 1);
    until("the WFM is told", there).await;
    live.stop().await;
}

#[tokio::test]
async fn r23_what_waits_for_a_sink_that_is_removed_is_parked_and_sent_once_it_is_back() {
    let day = Day::of(8, 3, 45);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    always(&manager, None, Wrong::ServerError(500));
    let script = one_partition(&day, false);
    let live = hub(&day, &script, &manager, folder.path()).await;
    failing(&live, &manager).await;
    let some_wait = async || {
        ledger(&live).await.iter().any(|line| line.state == DeliveryState::Waiting && line.units > 5)
    };
    until("intervals wait", some_wait).await;
    live.stop().await;
    let live = Live::delivering_to(when_free(folder.path()).await, &script, &config(), Vec::new()).await;
    let lines = ledger(&live).await;
    assert!(lines.iter().all(|line| line.state == DeliveryState::Parked), "{lines:?}");
    live.stop().await;
    manager.mend();
    let sink = setup(&day, &manager, Some(day.start));
    let live = Live::delivering(when_free(folder.path()).await, &script, &config(), sink).await;
    live.settle(&script, day.end).await;
    all_delivered(&live, &day).await;
    assert_reports(&day, &manager);
    live.stop().await;
}

/// Whether an outcome is the one that is expected.
type Expected<'a> = &'a dyn Fn(&Outcome) -> bool;

/// What the delivery loop is told of each thing that goes wrong.
#[tokio::test]
async fn r18_what_goes_wrong_is_an_outcome_of_its_kind() {
    let day = Day::of(1, 1, 46);
    let manager = manager(&day);
    let sink = CxoneSink::new(connection_to(&manager), Some(Changes::Latest), vec![sink::QUEUE], clock::now);
    let state = |agent: &str| {
        format!(
            r#"{{"agentValue":"{agent}","agentId":"{agent}","eventId":"Available","eventReason":"","eventTime":"2026-03-02T09:00:00Z","sequence":1}}"#
        )
    };
    let body = format!(r#"{{"acdType":"AMAZON_CONNECT","agentStates":[{},{}]}}"#, state("a"), state("b"));
    let document = Document::new("1.json", body);
    let encoder = encoder("cxone-agent-states").unwrap();
    let throttled = |after: &str| Wrong::Throttled { retry_after: Some(after.to_owned()) };
    let is_again = |outcome: &Outcome| matches!(outcome, Outcome::Again { after: None, .. });
    let is_shut = |outcome: &Outcome| matches!(outcome, Outcome::Shut { .. });
    let is_accepted = |outcome: &Outcome| *outcome == Outcome::Accepted;
    let table: Vec<(Wrong, u32, Expected<'_>)> = vec![
        (Wrong::ServerError(500), 1, &is_again),
        (Wrong::ServerError(503), 1, &is_again),
        (Wrong::Cut, 1, &is_again),
        (Wrong::CutAnswer, 1, &is_again),
        (Wrong::FailsAfterwards(502), 1, &is_again),
        (Wrong::Garbled, 1, &is_again),
        (
            throttled("120"),
            1,
            &|outcome| matches!(outcome, Outcome::Again { after: Some(after), .. } if *after >= Duration::from_mins(2)),
        ),
        (Wrong::Forbidden, 1, &is_shut),
        (Wrong::Redirected, 1, &is_shut),
        (Wrong::TooLarge, 1, &|outcome| matches!(outcome, Outcome::TooLarge { .. })),
        (Wrong::Unauthorised, 1, &is_accepted),
        (Wrong::Unauthorised, 2, &is_shut),
    ];
    for (number, (what, times, is_right)) in table.into_iter().enumerate() {
        let (name, before) = (what.name(), faults(&manager));
        manager.fail(Fault { route: Some(Route::AgentStates), times, what });
        let outcome = sink.send(encoder, &document, &format!("table/{number}")).await;
        assert!(is_right(&outcome), "{name}: {outcome:?}");
        assert_eq!(faults(&manager), before + u64::from(times), "{name} took place");
        let again = sink.send(encoder, &document, &format!("table/{number}")).await;
        assert_eq!(again, Outcome::Accepted, "{name}: once it is over, and under its key");
    }
    let parts = sink.split(encoder, &document).unwrap();
    for (part, agent) in parts.iter().zip(["a", "b"]) {
        let text = String::from_utf8_lossy(&part.body).into_owned();
        assert!(text.contains(&format!("\"agentId\":\"{agent}\"")), "{text}");
        assert_eq!(text.matches("agentId").count(), 1, "{text}");
        assert_eq!(sink.send(encoder, part, &format!("part/{agent}")).await, Outcome::Accepted);
        assert!(sink.split(encoder, part).is_none(), "a single state is not split");
    }
    assert_eq!(sink.beat().await, Outcome::Accepted);
    assert_eq!(manager.look(|kept| kept.heartbeats), 1);
}
