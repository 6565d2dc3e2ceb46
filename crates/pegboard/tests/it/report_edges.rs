//! What reports show at the edges of their windows, and of one agent.

use pegboard::runtime::view::{REPORTS, ReportError, ReportRequest, View as _};
use pegboard_model::{AgentId, Millis, Timestamp};

use crate::support::day::Day;
use crate::support::feeding::{ONLY, all_arrived, feed_only, one_partition};
use crate::support::live::{Live, config};
use crate::support::script::Script;

fn request(name: &str, from: Timestamp, to: Timestamp, agent: &str) -> ReportRequest {
    let agent = Some(AgentId::from(agent));
    ReportRequest { from: Some(from), to: Some(to), agent, ..ReportRequest::new(name) }
}

#[tokio::test]
async fn rows_of_one_agent_are_those_of_all_that_are_his() {
    let day = Day::of(6, 4, 3);
    let (script, folder) = (one_partition(&day, false), tempfile::tempdir().unwrap());
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    let mut with_agents = 0;
    for name in REPORTS {
        let all = live.report(name, day.start, day.end).await;
        let Some(agent) = all[0].get("agent_id").and_then(|id| id.as_str()) else {
            let refused = live.hub.report(request(name, day.start, day.end, "any")).await;
            assert!(matches!(refused, Err(ReportError::NoAgents(_))), "{name}");
            continue;
        };
        with_agents += 1;
        let own: Vec<_> = all.iter().filter(|row| row["agent_id"] == agent).cloned().collect();
        let found = live.hub.report(request(name, day.start, day.end, agent)).await.unwrap().values();
        assert_eq!(found, own, "{name}");
    }
    assert_eq!(with_agents, 7);
    live.stop().await;
}

#[tokio::test]
async fn interval_reports_give_whole_intervals_that_start_in_the_window_closed_or_open() {
    let day = Day::of(6, 4, 3);
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    feed_only(&script, &day, day.start, all_arrived(&day));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    let known = all_arrived(&day);
    let all = live.report("agent_interval", day.start, known).await;
    assert!(all.iter().any(|row| row["provisional"] == true));
    for from in [day.start, day.end - Millis::from_minutes(30)] {
        let seven = Millis::from_minutes(7);
        let found = live.report("agent_interval", from + seven, known - Millis::new(1)).await;
        let start =
            |row: &serde_json::Value| row["interval_start"].as_str().unwrap().parse::<Timestamp>().unwrap();
        let expected: Vec<_> = all.iter().filter(|row| start(row) >= from + seven).cloned().collect();
        assert_eq!(found, expected);
    }
    live.stop().await;
}
