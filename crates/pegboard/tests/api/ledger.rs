//! What was delivered to whom, and what people decide about it.

use pegboard_store::{Deliveries as _, LedgerFilter, Settle};
use serde_json::{Value, json};

use crate::access::UNIT;
use crate::hub::{Answer, Ask, Hub};

const PATH: &str = "/api/v1/sinks/wfm";

async fn decide(hub: &Hub, token: &str, what: &str, body: &Value) -> Answer {
    Ask::new("POST", &format!("{PATH}/{what}")).token(token).json(body).send(&hub.router).await
}

#[tokio::test]
async fn r28_pages_of_the_ledger_follow_each_other_without_gap_or_overlap() {
    let hub = Hub::new();
    let unit = |minute: usize, report: &str| {
        format!("{report}@2026-03-01T{:02}:{:02}:00Z", minute / 60, minute % 60)
    };
    for minute in 0..600 {
        hub.store.park(&unit(minute, "activity"), "too large");
        hub.store.park(&unit(minute, "queue"), "too large");
    }
    let (mut seen, mut pages) = (Vec::new(), 0);
    let mut path = format!("{PATH}/ledger");
    loop {
        let body = hub.get(&path).await.json();
        let deliveries = body["deliveries"].as_array().unwrap();
        seen.extend(deliveries.iter().map(|delivery| delivery["unit"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = body["next"].as_str() else { break };
        path = format!("{PATH}/ledger?before={next}");
    }
    let expected: Vec<_> =
        (0..600).rev().flat_map(|minute| [unit(minute, "queue"), unit(minute, "activity")]).collect();
    assert_eq!((pages, seen), (2, expected));
    let narrow =
        hub.get(&format!("{PATH}/ledger?report=queue&from=2026-03-01T09:58:00Z&limit=1")).await.json();
    assert_eq!(narrow["deliveries"][0]["unit"], unit(599, "queue"));
    assert_eq!(narrow["next"], unit(599, "queue"));
    assert_eq!(hub.get(&format!("{PATH}/ledger?limit=1001")).await.status, 400);
    assert_eq!(hub.get(&format!("{PATH}/ledger?before=yesterday")).await.status, 400);
}

#[tokio::test]
async fn what_is_parked_is_told_by_reason() {
    let hub = Hub::new();
    hub.store.park(UNIT, "no such queue");
    let parked = hub.get(&format!("{PATH}/parked")).await.json();
    let start = "2026-03-01T09:00:00Z";
    let line = json!({
        "report": "queue-report", "reason": "no such queue", "intervals": 1, "oldest": start, "newest": start,
    });
    assert_eq!(parked, json!({ "parked": [line] }));
}

#[tokio::test]
async fn r28_a_hundred_reasons_are_told() {
    let hub = Hub::new();
    for number in 0..101 {
        hub.store.park(UNIT, &format!("reason {number}"));
    }
    let parked = hub.get(&format!("{PATH}/parked")).await.json();
    assert_eq!(parked["parked"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn s30_the_body_of_an_interval_is_shown_to_those_who_repair() {
    let hub = Hub::new();
    hub.store.park(UNIT, "no such queue");
    let show = async |token: &str, unit: &str| {
        Ask::get(&format!("{PATH}/ledger/{unit}")).token(token).send(&hub.router).await
    };
    let shown = show(&hub.operator, UNIT).await.json();
    assert_eq!(shown["payload"], "{\"report\": \"queue-report\"}");
    assert_eq!(shown["payload_note"], "just this was sent last");
    assert_eq!(
        (&shown["revision"], &shown["acknowledged"], &shown["due"]),
        (&json!(2), &json!(1), &Value::Null)
    );
    assert!(!show(&hub.viewer, UNIT).await.text.contains("payload"));
    for unit in ["queue-report@2026-03-01T10:00:00Z", "queue-report", "@"] {
        assert_eq!(show(&hub.operator, unit).await.json()["error"]["path"], "path.unit", "{unit}");
    }
}

#[tokio::test]
async fn intervals_are_chosen_one_all_or_by_what_holds_for_them_and_the_audit_log_says_who() {
    let hub = Hub::new();
    hub.store.park(UNIT, "no such queue");
    let all = LedgerFilter::default;
    let of_unit = LedgerFilter::from(&UNIT.parse().unwrap());
    let of_reason = LedgerFilter { reason: Some("no such queue".into()), ..all() };
    let of_stretch =
        LedgerFilter { from: "2026-03-01T09:00:00Z".parse().unwrap(), report: Some("r".into()), ..all() };
    let comment = Settle::Drop { comment: "closed that day".into() };
    for (what, body, filter, how) in [
        ("retry", json!({ "unit": UNIT }), of_unit, Settle::Retry),
        ("retry", json!({"all": true}), all(), Settle::Retry),
        ("resend", json!({"from": "2026-03-01T09:00:00Z", "report": "r"}), of_stretch, Settle::Resend),
        ("drop", json!({"reason": "no such queue", "comment": " closed that day "}), of_reason, comment),
    ] {
        let settled = decide(&hub, &hub.operator, what, &body).await;
        assert_eq!(settled.json(), json!({"intervals": 1}), "{what}");
        assert_eq!(hub.store.settled().pop(), Some((filter, how)), "{what}");
    }
    let log = Ask::get("/api/v1/audit").token(&hub.admin).send(&hub.router).await.json();
    let told: Vec<_> = log["entries"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(told, ["delivery.dropped", "delivery.resent", "delivery.retried", "delivery.retried"]);
    assert!(log["entries"][0]["after"].as_str().unwrap().contains("closed that day"));
}

#[tokio::test]
async fn who_does_not_say_which_intervals_or_why_decides_nothing() {
    let hub = Hub::new();
    hub.store.park(UNIT, "no such queue");
    for (what, body, path) in [
        ("retry", json!({}), "body"),
        ("retry", json!([]), "body"),
        ("retry", json!({"all": false}), "body"),
        ("resend", json!({"all": true, "report": "r"}), "body"),
        ("resend", json!({"unit": UNIT, "from": "2026-03-01T09:00:00Z"}), "body"),
        ("retry", json!({"unit": "yesterday"}), "body.unit"),
        ("retry", json!({"from": "yesterday"}), "body.from"),
        ("retry", json!({"all": true, "comment": "x"}), "body.comment"),
        ("drop", json!({"all": true}), "body.comment"),
        ("drop", json!({"all": true, "comment": "x".repeat(501)}), "body.comment"),
        ("refused-states/drop", json!({"source": "acme", "comment": "x"}), "body.agent_id"),
    ] {
        let refused = decide(&hub, &hub.operator, what, &body).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["path"]),
            (400, &json!(path)),
            "{body}"
        );
    }
    assert_eq!(hub.store.settled(), []);
    let elsewhere =
        Ask::new("POST", "/api/v1/sinks/other/retry").token(&hub.operator).json(&json!({"all": true}));
    assert_eq!(elsewhere.send(&hub.router).await.json()["error"]["path"], "path.name");
}

#[tokio::test]
async fn a_refused_state_is_dropped_with_a_comment() {
    let hub = Hub::new();
    hub.store.refuse("ann");
    let shown =
        Ask::get(&format!("{PATH}/refused-states")).token(&hub.operator).send(&hub.router).await.json();
    assert_eq!(shown["refused_states"][0]["agent_id"], "ann");
    let body = json!({"source": "acme", "agent_id": "ann", "comment": "left"});
    assert_eq!(decide(&hub, &hub.operator, "refused-states/drop", &body).await.status, 204);
    assert_eq!(decide(&hub, &hub.operator, "refused-states/drop", &body).await.status, 404);
    assert_eq!(hub.get(&format!("{PATH}/refused-states")).await.json(), json!({"refused_states": []}));
}

#[tokio::test]
async fn r28_a_thousand_refused_states_are_shown() {
    let hub = Hub::new();
    for number in 0..1001 {
        hub.store.refuse(&number.to_string());
    }
    let shown = hub.get(&format!("{PATH}/refused-states")).await.json();
    assert_eq!(shown["refused_states"].as_array().unwrap().len(), 1000);
    assert_eq!(hub.get(&format!("{PATH}/refused-states?limit=1001")).await.status, 400);
}

#[tokio::test]
async fn what_no_row_names_is_shown_until_it_is_forgotten() {
    let hub = Hub::new();
    hub.store.miss("Lunch");
    let shown = hub.get(&format!("{PATH}/unmapped")).await.json();
    assert_eq!(shown["unmapped"][0]["suggestion"], "Lunch,closed");
    let cells = json!({"event_id": "Lunch", "activity_code": "Lunch", "status": "closed"});
    assert_eq!(shown["unmapped"][0]["row"], json!({"table": "states", "cells": cells, "complete": true}));
    let forget = Ask::new("POST", &format!("{PATH}/unmapped/forget")).token(&hub.operator);
    assert_eq!(forget.send(&hub.router).await.json(), json!({"names": 1}));
    assert_eq!(hub.get(&format!("{PATH}/unmapped")).await.json(), json!({"unmapped": []}));
    let log = Ask::get("/api/v1/audit").token(&hub.admin).send(&hub.router).await.json();
    assert_eq!(log["entries"][0]["action"], "unmapped.forgotten");
}

#[tokio::test]
async fn r28_a_thousand_names_that_are_not_mapped_are_shown() {
    let hub = Hub::new();
    (0..1001).for_each(|number| hub.store.miss(&number.to_string()));
    let shown = hub.get(&format!("{PATH}/unmapped")).await.json();
    assert_eq!(shown["unmapped"].as_array().unwrap().len(), 1000);
    assert_eq!(hub.get(&format!("{PATH}/unmapped?limit=1001")).await.status, 400);
}

#[tokio::test]
async fn what_is_held_back_is_shown_and_released_by_an_operator() {
    let hub = Hub::new();
    let comment = json!({"comment": " the centre is closed "});
    let nothing = decide(&hub, &hub.operator, "release", &comment).await;
    assert_eq!((nothing.status.as_u16(), &nothing.json()["error"]["path"]), (404, &json!("path.name")));
    hub.store.hold_back("source one is stale");
    let shown = hub.get("/api/v1/sinks").await.json()["sinks"][0]["hold"].clone();
    assert_eq!((&shown["reason"], &shown["released"]), (&json!("source one is stale"), &Value::Null));
    assert_eq!(decide(&hub, &hub.operator, "release", &json!({})).await.status, 400, "it has a comment");
    assert_eq!(decide(&hub, &hub.viewer, "release", &comment).await.status, 403);
    assert_eq!(decide(&hub, &hub.operator, "release", &comment).await.status, 204);
    assert!(hub.store.hold(&"wfm".into()).await.unwrap().unwrap().released.is_some());
    assert_eq!(decide(&hub, &hub.operator, "release", &comment).await.status, 404, "it is released already");
    let log = Ask::get("/api/v1/audit").token(&hub.admin).send(&hub.router).await.json();
    assert_eq!(log["entries"][0]["action"], "snapshot.released");
    assert!(log["entries"][0]["after"].as_str().unwrap().contains("the centre is closed"));
}
