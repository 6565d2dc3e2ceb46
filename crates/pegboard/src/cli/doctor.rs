//! `pegboard doctor`: what is wrong with a running hub?

use axum::http::StatusCode;
use clap::Args;
use serde_json::Value;

use super::hub_client::{HubClient, HubError, TokenPlace};
use super::{ConfigPath, Failure, block_on};

/// Say what is wrong with a running hub.
///
/// Asks the hub on this machine that the configuration describes, and names every source and sink that needs somebody, with
/// the reason. Exit code 0 if nothing is wrong.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    #[command(flatten)]
    token: TokenPlace,
}

/// Runs the command.
#[expect(clippy::print_stdout, reason = "the answer of this command")]
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    let token = arguments.token.require(&arguments.path.config)?;
    let hub = HubClient::new(&config.server, &token)?;
    let complaints = block_on(async { Ok(examine(&hub).await?) })?;
    if complaints.is_empty() {
        println!("Nothing is wrong.");
        return Ok(());
    }
    for complaint in &complaints {
        println!("- {complaint}");
    }
    Err(Failure::Other(anyhow::anyhow!("{} things need somebody", complaints.len())))
}

async fn examine(hub: &HubClient) -> Result<Vec<String>, HubError> {
    let sources = hub.get("/api/v1/sources").await?;
    let letters = hub.get("/api/v1/dead-letters?limit=1").await?;
    let mut complaints = Vec::new();
    for source in sources["sources"].as_array().into_iter().flatten() {
        complaints.extend(complain_of_source(source));
        complaints.extend(tell_fallback(source));
    }
    // A token that is limited to sources is not told of sinks.
    let sinks = match hub.get("/api/v1/sinks").await {
        Err(HubError::Refused { status: StatusCode::FORBIDDEN, .. }) => Value::Null,
        answer => answer?,
    };
    for sink in sinks["sinks"].as_array().into_iter().flatten() {
        complaints.extend(complain_of_sink(sink));
    }
    if let Some(letter) = letters["dead_letters"].get(0) {
        complaints.push(format!(
            "there are dead letters, the newest of source {} at {}: {}. See /api/v1/dead-letters",
            text(&letter["source"]),
            text(&letter["at"]),
            text(&letter["reason"])
        ));
    }
    let alarms = hub.get("/api/v1/alarms?open=true").await?;
    complaints.extend(alarms["alarms"].as_array().into_iter().flatten().filter_map(tell_alarm));
    Ok(complaints)
}

/// An alarm that is not about what the other complaints tell of anyway.
fn tell_alarm(alarm: &Value) -> Option<String> {
    let told = [
        "source-stopped",
        "source-failing",
        "source-behind",
        "source-fallback",
        "dead-letters",
        "delivery-parked",
    ];
    if told.contains(&text(&alarm["condition"])) {
        return None;
    }
    let (title, subject) = (text(&alarm["title"]), text(&alarm["subject"]));
    Some(format!(
        "alarm {} since {}: {title} ({subject}): {}. {}",
        alarm["id"],
        text(&alarm["since"]),
        text(&alarm["text"]),
        text(&alarm["advice"])
    ))
}

fn complain_of_source(source: &Value) -> Option<String> {
    let name = text(&source["name"]);
    let error = source["error"]["message"].as_str();
    let since = text(&source["error"]["at"]);
    match (text(&source["health"]), error) {
        ("ok", None) => None,
        ("starting", None) => Some(format!("source {name} has not read anything yet")),
        ("lagging", None) => {
            Some(format!("source {name} is behind: everything is known up to {}", text(&source["watermark"])))
        }
        (health, Some(error)) => Some(format!("source {name} is {health} since {since}: {error}")),
        (health, None) => Some(format!("source {name} is {health}")),
    }
}

/// What a source does in another way than configured.
fn tell_fallback(source: &Value) -> Option<String> {
    let fallback = source["fallback"].as_str()?;
    Some(format!("source {} does not do as it is configured: {fallback}", text(&source["name"])))
}

/// What fails about a sink, lane by lane, and what its target refuses.
fn complain_of_sink(sink: &Value) -> Vec<String> {
    let name = text(&sink["name"]);
    let mut complaints = Vec::new();
    if sink["left_alone"] == true {
        complaints.push(format!("sink {name} does not answer, and is only tried now and then"));
    }
    for (lane, what) in [("states", "states of agents"), ("rows", "reports")] {
        let lane = &sink[lane];
        if lane["failures"].as_u64().is_some_and(|failures| failures > 0) {
            let (since, error) = (text(&lane["failing_since"]), text(&lane["error"]));
            complaints.push(format!("sink {name} has not taken {what} since {since}: {error}"));
        }
    }
    for lane in sink["events"].as_array().into_iter().flatten() {
        let (of, source) = (text(&lane["lane"]), text(&lane["source"]));
        if lane["failures"].as_u64().is_some_and(|failures| failures > 0) {
            let (since, error) = (text(&lane["failing_since"]), text(&lane["error"]));
            complaints
                .push(format!("sink {name} has not taken events of {source} ({of}) since {since}: {error}"));
        }
        if let Some(lost) = lane["lost"].as_u64().filter(|lost| *lost > 0) {
            complaints.push(format!("sink {name} has lost {lost} events of {source} ({of})"));
        }
    }
    for line in sink["ledger"].as_array().into_iter().flatten().filter(|line| line["state"] == "parked") {
        let (count, report, oldest) = (&line["intervals"], text(&line["report"]), text(&line["oldest"]));
        complaints.push(format!("sink {name} refuses {count} intervals of {report}, the oldest of {oldest}"));
    }
    complaints
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("(unknown)")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_needs_somebody_is_named() {
        let source = |health: &str, error: Value| json!({"name": "a", "health": health, "watermark": "W", "error": error});
        assert_eq!(complain_of_source(&source("ok", Value::Null)), None);
        let lagging = complain_of_source(&source("lagging", Value::Null)).expect("a complaint");
        assert!(lagging.contains("source a is behind") && lagging.contains('W'), "{lagging}");
        let error = json!({"at": "T", "message": "no such stream"});
        let failing = complain_of_source(&source("failing", error)).expect("a complaint");
        assert_eq!(failing, "source a is failing since T: no such stream");
        let polls = tell_fallback(&json!({"name": "a", "fallback": "it polls"}));
        assert_eq!(polls.as_deref(), Some("source a does not do as it is configured: it polls"));
        assert_eq!(tell_fallback(&source("ok", Value::Null)), None);
        let alarm = |condition: &str| json!({"id": 7, "condition": condition, "since": "T", "title": "A file is late", "subject": "a / QR", "text": "no file", "advice": "See."});
        assert_eq!(
            tell_alarm(&alarm("report-late")).as_deref(),
            Some("alarm 7 since T: A file is late (a / QR): no file. See.")
        );
        assert_eq!(tell_alarm(&alarm("source-failing")), None, "the source is told of");
        let lane = |failures: u64| json!({"failures": failures, "failing_since": "T", "error": "status 503"});
        let line =
            |state: &str| json!({"report": "queue-report", "state": state, "intervals": 3, "oldest": "O"});
        let sink = |failures, state| json!({"name": "wfm", "left_alone": failures > 0, "states": lane(failures), "rows": lane(0), "ledger": [line(state)]});
        assert_eq!(complain_of_sink(&sink(0, "waiting")), [""; 0]);
        assert_eq!(
            complain_of_sink(&sink(2, "parked")),
            [
                "sink wfm does not answer, and is only tried now and then",
                "sink wfm has not taken states of agents since T: status 503",
                "sink wfm refuses 3 intervals of queue-report, the oldest of O",
            ]
        );
    }
}
