//! Alarms: who sees them, takes notice, and wants silence.

use pegboard::runtime::alarms::condition::Condition;
use serde_json::{Value, json};

use crate::hub::{Ask, Hub};

async fn list(hub: &Hub, path: &str, token: &str) -> Value {
    Ask::get(path).token(token).send(&hub.router).await.json()
}

fn subjects(page: &Value) -> Vec<&str> {
    page["alarms"].as_array().unwrap().iter().map(|alarm| alarm["subject"].as_str().unwrap()).collect()
}

fn act(id: u64, deed: &str, body: &Value) -> Ask {
    Ask::new("POST", &format!("/api/v1/alarms/{id}/{deed}")).json(body)
}

#[tokio::test]
async fn an_alarm_says_what_is_wrong_since_when_and_what_to_do() {
    let hub = Hub::new();
    hub.store.raise("sink-failing", "wfm / states", None);
    let page = list(&hub, "/api/v1/alarms", &hub.viewer).await;
    let alarm = &page["alarms"][0];
    assert_eq!((&alarm["condition"], &alarm["severity"]), (&json!("sink-failing"), &json!("critical")));
    assert_eq!((&alarm["title"], &alarm["text"]), (&json!("A sink takes nothing"), &json!("it answers 503")));
    assert!(alarm["advice"].as_str().unwrap().contains("See the target"), "{alarm}");
    assert_eq!(
        (&alarm["ended"], &alarm["acknowledged"], &alarm["silence"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn alarms_are_asked_for_by_page_and_by_whether_they_are_over() {
    let hub = Hub::new();
    for subject in ["a", "b", "c"] {
        hub.store.raise("source-failing", subject, Some("acme"));
    }
    hub.store.end_alarm(2);
    let page = list(&hub, "/api/v1/alarms?limit=2", &hub.viewer).await;
    assert_eq!((subjects(&page), &page["next"]), (vec!["c", "b"], &json!(2)));
    let rest = list(&hub, "/api/v1/alarms?limit=2&before=2", &hub.viewer).await;
    assert_eq!((subjects(&rest), &rest["next"]), (vec!["a"], &Value::Null));
    assert_eq!(subjects(&list(&hub, "/api/v1/alarms?open=true", &hub.viewer).await), ["c", "a"]);
}

#[tokio::test]
async fn s30_alarms_of_other_tenants_and_of_the_house_are_not_there() {
    let hub = Hub::new();
    hub.store.raise("source-failing", "globex", Some("globex"));
    hub.store.raise("store-full", "store", None);
    hub.store.raise("source-failing", "acme", Some("acme"));
    assert_eq!(subjects(&list(&hub, "/api/v1/alarms", &hub.acme).await), ["acme"]);
    assert_eq!(subjects(&list(&hub, "/api/v1/alarms", &hub.viewer).await), ["acme", "store", "globex"]);
    for (id, status) in [(1, 404), (2, 404), (3, 204)] {
        let answer = act(id, "acknowledge", &json!({})).token(&hub.acme_admin).send(&hub.router).await;
        assert_eq!(answer.status, status);
    }
    let text = Ask::get("/metrics").token(&hub.acme).send(&hub.router).await.text;
    assert!(
        text.contains("pegboard_alarm_active{condition=\"source-failing\",severity=\"critical\"} 1"),
        "{text}"
    );
    assert!(
        text.contains("pegboard_alarm_active{condition=\"store-full\",severity=\"critical\"} 0"),
        "{text}"
    );
}

#[tokio::test]
async fn notice_is_taken_of_an_alarm_that_is_open_and_the_audit_log_says_by_whom() {
    let hub = Hub::new();
    hub.store.raise("source-failing", "acme", Some("acme"));
    let body = json!({"comment": " on it "});
    let answer = act(1, "acknowledge", &body).token(&hub.operator).send(&hub.router).await;
    assert_eq!(answer.status, 204);
    let mark = &list(&hub, "/api/v1/alarms", &hub.viewer).await["alarms"][0]["acknowledged"];
    assert_eq!(mark["comment"], "on it");
    hub.store.end_alarm(1);
    let late = act(1, "acknowledge", &body).token(&hub.operator).send(&hub.router).await;
    assert_eq!(late.status, 404);
    assert!(late.text.contains("the alarm is over"), "{}", late.text);
    let log = Ask::get("/api/v1/audit").token(&hub.admin).send(&hub.router).await.text;
    assert!(log.contains("alarm.acknowledged") && log.contains("source-failing"), "{log}");
}

#[tokio::test]
async fn a_silence_is_shown_until_it_ends() {
    let hub = Hub::new();
    hub.store.raise("source-failing", "acme", Some("acme"));
    let until = crate::fake::NOW + pegboard_model::Millis::from_hours(2);
    let body = json!({"until": until, "comment": "it is being moved"});
    assert_eq!(act(1, "silence", &body).token(&hub.operator).send(&hub.router).await.status, 204);
    let silence = &list(&hub, "/api/v1/alarms", &hub.viewer).await["alarms"][0]["silence"];
    assert_eq!((&silence["until"], &silence["comment"]), (&json!(until), &json!("it is being moved")));
    let end = Ask::new("DELETE", "/api/v1/alarms/1/silence").token(&hub.operator).send(&hub.router).await;
    assert_eq!(end.status, 204);
    assert_eq!(list(&hub, "/api/v1/alarms", &hub.viewer).await["alarms"][0]["silence"], Value::Null);
    let log = Ask::get("/api/v1/audit").token(&hub.admin).send(&hub.router).await.text;
    assert!(log.contains("alarm.silenced") && log.contains("alarm.silence_ended"), "{log}");
}

#[tokio::test]
async fn r28_a_silence_lasts_30_days_at_most() {
    let hub = Hub::new();
    hub.store.raise("source-failing", "acme", Some("acme"));
    let month = pegboard_model::Millis::from_hours(30 * 24);
    let one = pegboard_model::Millis::new(1);
    for (until, status) in [
        (crate::fake::NOW, 400),
        (crate::fake::NOW + one, 204),
        (crate::fake::NOW + month, 204),
        (crate::fake::NOW + month + one, 400),
    ] {
        let body = json!({"until": until, "comment": "why"});
        let answer = act(1, "silence", &body).token(&hub.operator).send(&hub.router).await;
        assert_eq!(answer.status, status, "{until}");
    }
}

#[tokio::test]
async fn r28_a_comment_on_an_alarm_has_500_characters_at_most() {
    let hub = Hub::new();
    hub.store.raise("source-failing", "acme", Some("acme"));
    for (comment, status) in [(String::new(), 400), ("ü".repeat(500), 204), ("ü".repeat(501), 400)] {
        let body = json!({ "comment": comment });
        let answer = act(1, "acknowledge", &body).token(&hub.operator).send(&hub.router).await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn r28_a_page_of_alarms_is_100_at_most() {
    let hub = Hub::new();
    for n in 0..101 {
        hub.store.raise("source-failing", &format!("shard-{n}"), Some("acme"));
    }
    let page = list(&hub, "/api/v1/alarms?limit=100", &hub.viewer).await;
    assert_eq!((subjects(&page).len(), &page["next"]), (100, &json!(2)));
    let more = Ask::get("/api/v1/alarms?limit=101").token(&hub.viewer).send(&hub.router).await;
    assert_eq!(more.status, 400);
}

/// The rows of the table of conditions.
fn documented() -> Vec<Vec<&'static str>> {
    let doc = include_str!("../../../../docs/alarms.md");
    let rows = doc.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn every_condition_is_documented_as_it_is() {
    let documented: Vec<[String; 3]> = documented()
        .into_iter()
        .map(|row| [row[0].trim_matches('`').to_owned(), row[1].to_owned(), row[3].to_owned()])
        .collect();
    let known: Vec<[String; 3]> = Condition::ALL
        .iter()
        .map(|condition| {
            let after = match condition.after().get() / 1000 {
                0 => "at once".to_owned(),
                seconds => format!("{seconds} s"),
            };
            [condition.to_string(), condition.severity().as_str().to_owned(), after]
        })
        .collect();
    assert_eq!(documented, known);
}

/// The alerts of the rules file: expression and severity of each.
fn alerts() -> Vec<(&'static str, &'static str)> {
    let rules = include_str!("../../../../deploy/prometheus/pegboard.rules.yml");
    let value = |line: &'static str, key: &str| line.trim().strip_prefix(key);
    let expressions = rules.lines().filter_map(move |line| value(line, "expr: "));
    let severities = rules.lines().filter_map(move |line| value(line, "severity: "));
    expressions.zip(severities).collect()
}

#[test]
fn every_condition_has_an_alert_of_its_severity() {
    let alerts = alerts();
    for condition in Condition::ALL {
        let expected = format!("max(pegboard_alarm_active{{condition=\"{condition}\"}}) > 0");
        let severity =
            alerts.iter().find(|(expression, _)| *expression == expected).map(|(_, severity)| *severity);
        assert_eq!(severity, Some(condition.severity().as_str()), "{condition}");
    }
    assert_eq!(alerts.len(), Condition::ALL.len() + 2);
}

#[test]
fn every_metric_of_an_alert_is_documented() {
    let documented = include_str!("../../../../docs/metrics.md");
    for (expression, _) in alerts() {
        let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let metrics: Vec<_> = words.filter(|word| word.starts_with("pegboard_")).collect();
        assert!(!metrics.is_empty(), "{expression}");
        for metric in metrics {
            assert!(documented.contains(&format!("| `{metric}` |")), "{metric}");
        }
    }
}
