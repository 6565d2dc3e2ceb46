//! One hub feeds another: what the sink `cxone` sends is taken by a push source.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use pegboard::runtime::deliver::SinkSetup;
use pegboard_client::{Connection, Error, IdempotencyKey, Kind, ReportStatus, Retry, TokenStyle};
use pegboard_sinks::Changes;
use pegboard_sinks::cxone::{CxoneSink, sink};
use serde_json::{Value, json};

use super::{all_delivered, dry_run, mapping, pass_time, wfm};
use crate::support::binary::run;
use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::one_partition;
use crate::support::live::{Live, config, open_store, until};
use crate::support::serving::Serving;

/// A hub that takes what is sent to its sources `east` and `west`, each by a key of its own, and a token by which it is asked.
struct Taking {
    hub: Serving,
    token: String,
}

impl Taking {
    fn start(folder: &Path) -> Self {
        for (name, text) in [("id", "east-1"), ("secret", "CANARY one"), ("other", "CANARY two")] {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let source = |name: &str, secret: &str| {
            format!(
                "[[source]]\nname = \"{name}\"\nkind = \"push\"\nlateness = \"7d\"\n[source.push]\naccess_key_id = \"file:id\"\n\
                 secret_access_key = \"file:{secret}\"\n"
            )
        };
        let configuration = source("east", "secret") + &source("west", "other");
        fs::write(folder.join("pegboard.toml"), &configuration).unwrap();
        let made = run(folder, &["token", "create", "--name", "test", "--role", "viewer"]).well().text();
        let token = made.split_whitespace().find(|word| word.starts_with("pgb_")).unwrap().to_owned();
        Self { hub: Serving::start(folder, &configuration), token }
    }

    fn asked(&self, path: &str) -> Value {
        loop {
            let (status, text) = self.hub.ask(path, &self.token).expect("it answers");
            if status == 429 {
                // Whoever waits asks more often than a token may.
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
            assert_eq!(status, 200, "{text}");
            return serde_json::from_str(&text).unwrap();
        }
    }

    fn connection(&self, source: &str, secret: &str) -> Connection {
        Connection::builder()
            .service_url(format!("{}/api/v1/push/{source}", self.hub.url()))
            .access_key("east-1")
            .secret_key(secret)
            .allow("127.0.0.1")
            .build()
            .unwrap()
    }

    fn shown(&self, kind: &str) -> f64 {
        let name = format!("pegboard_source_items_total{{source=\"east\",kind=\"{kind}\"}}");
        self.hub.metric(&name).unwrap_or_default()
    }
}

fn key(text: &str) -> IdempotencyKey {
    text.parse().unwrap()
}

/// What the format carries of everybody's present state.
fn present(agents: &[Value]) -> BTreeMap<String, Vec<Value>> {
    let carried = ["class", "since", "event_id", "reason", "agent_login"];
    let known = agents.iter().filter(|agent| agent["class"] != "unknown");
    known
        .map(|agent| {
            let told = carried.iter().map(|field| agent[field].clone()).collect();
            (agent["agent_id"].as_str().unwrap().to_owned(), told)
        })
        .collect()
}

/// Under which column each number of a queue report stands.
const COLUMNS: [(&str, &str); 12] = [
    ("contactsReceived", "offered"),
    ("handledShort", "answered_in_sl"),
    ("abandonedShort", "abandoned_in_sl"),
    ("handleTime", "handle_s"),
    ("holdTime", "hold_s"),
    ("workTime", "acw_s"),
    ("queueDelayTime", "queue_answered_s"),
    ("serviceLevelPercent", "service_level_pct"),
    ("backlog", "backlog"),
    ("backlogExpired", "backlog_expired"),
    ("rightPartyContacts", "right_party"),
    ("active", "active"),
];

type Rows = BTreeMap<(String, String), Vec<Option<f64>>>;

/// The rows of queues that the first hub sends, by interval and queue, in the order of [`COLUMNS`].
fn sent(day: &Day) -> Rows {
    let mut sent = BTreeMap::new();
    for (start, body) in dry_run(day) {
        let body: Value = serde_json::from_slice(&body).unwrap();
        for row in body["queueReport"].as_array().unwrap() {
            let numbers = COLUMNS.iter().map(|(key, _)| row[key].as_f64()).collect();
            sent.insert((start.to_string(), row["queueId"].as_str().unwrap().to_owned()), numbers);
        }
    }
    sent
}

/// The same as the second hub has them.
fn taken(second: &Taking, day: &Day) -> Rows {
    let window = format!("source=east&origin=acd&from={}&to={}", day.start, day.end);
    let report = second.asked(&format!("/api/v1/reports/queue_interval?{window}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let row = |row: &Value| {
        let numbers = COLUMNS.iter().map(|(_, column)| row[column].as_f64()).collect();
        ((text(&row["interval_start"]), text(&row["queue_id"])), numbers)
    };
    report["rows"].as_array().unwrap().iter().map(row).collect()
}

#[tokio::test]
async fn one_hub_feeds_another_and_both_know_the_same() {
    let day = Day::of(12, 4, 31);
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let second = Taking::start(other.path());
    let connection = second.connection("east", "CANARY one");
    let reports = vec![sink::QUEUE, sink::ACTIVITY];
    let target = CxoneSink::new(connection, Some(Changes::Every), reports, clock::now);
    let sink = SinkSetup {
        mapping: mapping(&day),
        start: Some(day.start),
        ..SinkSetup::new(wfm(), Box::new(target))
    };
    let script = one_partition(&day, false);
    let live = Live::delivering(open_store(folder.path()), &script, &config(), sink).await;
    live.settle(&script, day.end).await;
    all_delivered(&live, &day).await;
    let agents = live.store.agents(&[]).await.unwrap().agents;
    let agents: Vec<_> = agents.iter().map(|agent| serde_json::to_value(&agent.now).unwrap()).collect();
    let first = present(&agents);
    assert!(first.len() > 5, "{first:?}");
    let same = async || {
        pass_time();
        let agents = second.asked("/api/v1/agents?source=east");
        present(agents["agents"].as_array().unwrap()) == first
    };
    until("the second hub knows everybody's present state", same).await;
    let rows = sent(&day);
    assert!(rows.len() > 20, "{rows:?}");
    until("the second hub has every row", async || taken(&second, &day) == rows).await;
    assert!(second.shown("failed") < 0.5, "nothing of it was refused");
    live.stop().await;
}

fn state(agent: &str, event_id: &str, sequence: u64) -> Value {
    json!({
        "agentValue": agent, "agentId": agent, "eventId": event_id, "eventReason": "",
        "eventTime": pegboard::clock::system(), "sequence": sequence,
    })
}

fn states(states: &[Value]) -> String {
    json!({ "acdType": "PEGBOARD", "agentStates": states }).to_string()
}

#[tokio::test]
async fn n121_the_calls_of_the_sdk_are_answered_as_it_expects() {
    let folder = tempfile::tempdir().unwrap();
    let second = Taking::start(folder.path());
    let connection = second.connection("east", "CANARY one");
    assert_eq!(connection.connect().await.unwrap(), "PEGBOARD");
    connection.heartbeat().await.unwrap();
    let flat = Connection::builder()
        .service_url(format!("{}/api/v1/push/east", second.hub.url()))
        .access_key("east-1")
        .secret_key("CANARY one")
        .token_style(TokenStyle::Flat)
        .allow("127.0.0.1")
        .build()
        .unwrap();
    assert_eq!(flat.connect().await.unwrap(), "PEGBOARD");
    let body = states(&[state("1", "Break", 1), state("", "Break", 2)]);
    let receipt = connection.send(Kind::AgentStates, &key("a"), &body).await.unwrap();
    let response = receipt.response.unwrap();
    assert_eq!((response.status, response.accepted, response.rejected), (ReportStatus::Partial, 1, 1));
    assert_eq!(response.errors[0].path, "agentStates[1].agentValue");
    let again = connection.send(Kind::AgentStates, &key("a"), &body).await.unwrap();
    assert!(again.repeated, "the same again is a success, once");
    let other = states(&[state("2", "Break", 3)]);
    let reused = connection.send(Kind::AgentStates, &key("a"), &other).await.unwrap_err();
    assert_eq!(
        (reused.response().unwrap().errors[0].code.as_str(), reused.retry()),
        ("KEY_REUSED", Retry::Never)
    );
    let whole =
        connection.send(Kind::AgentStates, &key("b"), &states(&[state("", "", 1)])).await.unwrap_err();
    assert!(matches!(&whole, Error::Rejected(refusal) if refusal.status == 422), "{whole:?}");
    let no_lists = json!({"acdType": "PEGBOARD", "reportVersion": "1.0", "startDate": "2026-03-02T09:00:00Z",
        "endDate": "2026-03-02T09:15:00Z", "queueReport": []});
    let missing = connection.send(Kind::QueueReport, &key("c"), &no_lists.to_string()).await.unwrap_err();
    assert_eq!(missing.response().unwrap().errors.len(), 2, "N-127: {missing:?}");
    let mut hub = second.hub;
    let events = "pegboard_source_items_total{source=\"east\",kind=\"event\"}";
    hub.until("it is read", |hub| hub.metric(events) == Some(1.0));
    assert!(!hub.said().contains("CANARY"), "{}", hub.said());
}

#[tokio::test]
async fn s12_a_token_is_good_for_its_source_alone_and_only_its_key_has_one() {
    let folder = tempfile::tempdir().unwrap();
    let second = Taking::start(folder.path());
    let asked = |source: &str, path: &str, headers: &str, body: &str| {
        let headers = format!("Content-Type: application/json\r\nIdempotency-Key: k\r\n{headers}");
        second.hub.post(&format!("/api/v1/push/{source}/asc/v1{path}"), &headers, body).unwrap()
    };
    let login = json!({"accessKeyTokenRequest": {"accessKeyId": "east-1", "accessKeySecret": "CANARY one"}});
    let (status, text) = asked("east", "/token", "", &login.to_string());
    assert_eq!(status, 200, "{text}");
    let tokens: Value = serde_json::from_str(&text).unwrap();
    let [access, refresh] = ["access_token", "refresh_token"].map(|name| tokens[name].as_str().unwrap());
    let body = states(&[state("1", "Break", 1)]);
    let send = |source: &str, token: &str| {
        asked(source, "/agent-states", &format!("Authorization: Bearer {token}\r\n"), &body)
    };
    assert_eq!(send("east", access).0, 202);
    let forged = access.replace("access.1", "access.2");
    let no_shape = ["", "x", &second.token, refresh];
    let refused: Vec<_> = no_shape.iter().map(|token| send("east", token)).collect();
    let others = [send("west", access), send("nobody", access), send("east", &forged)];
    let (_, words) = &refused[0];
    for (status, text) in refused.iter().chain(&others) {
        assert_eq!((*status, text), (401, words), "which of them is wrong is not told");
    }
    let west = asked("west", "/token", "", &login.to_string());
    let nobody = asked("nobody", "/token", "", &login.to_string());
    assert_eq!((west.0, &west.1, &nobody), (401, words, &west));
    let renew = |token: &str| asked("east", "/token/refresh", "", &json!({ "token": token }).to_string());
    let (status, text) = renew(refresh);
    assert_eq!(status, 200, "{text}");
    let renewed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(send("east", renewed["token"].as_str().unwrap()).0, 409, "under the same key");
    assert_eq!(renew(access).0, 401, "a token is no refresh token");
    assert_eq!(asked("east", "/token", "", "{}").0, 400);
    let began = Instant::now();
    let wrong = json!({"accessKeyId": "east-1", "accessKeySecret": "CANARY three"}).to_string();
    let statuses: Vec<_> = (0..12).map(|_| asked("east", "/token", "", &wrong).0).collect();
    assert!(statuses.contains(&429) || began.elapsed().as_secs() > 60, "{statuses:?}");
    assert_eq!(send("east", access).0, 409, "whoever has a token goes on");
}

#[test]
fn r28_a_report_has_eight_mebibytes_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let second = Taking::start(folder.path());
    let login = json!({"accessKeyId": "east-1", "accessKeySecret": "CANARY one"}).to_string();
    let headers = "Content-Type: application/json\r\n";
    let (_, text) = second.hub.post("/api/v1/push/east/asc/v1/token", headers, &login).unwrap();
    let tokens: Value = serde_json::from_str(&text).unwrap();
    let token = tokens["access_token"].as_str().unwrap();
    let headers = format!("{headers}Idempotency-Key: k\r\nAuthorization: Bearer {token}\r\n");
    let post =
        |bytes: usize| second.hub.post("/api/v1/push/east/asc/v1/agent-states", &headers, &" ".repeat(bytes));
    assert_eq!(post(8 << 20).map(|(status, _)| status), Some(400), "it is read, and no object");
    // The answer comes before the body is read: it may be lost.
    assert!(post((8 << 20) + 1).is_none_or(|(status, _)| status == 413));
}
