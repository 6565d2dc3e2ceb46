//! Bodies of the calls, and the records that they become.

use pegboard_client::{ReportStatus, WfmReportResponse};
use pegboard_model::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::body::{MOST_ITEMS, Sorted};
use super::{agents, queue_report};
use crate::api::error::{ApiError, Code};
use crate::config::SdkSettings;

fn now() -> Timestamp {
    "2026-03-02T09:16:00Z".parse().unwrap()
}

fn read(read: super::Read, body: &Value, sdk: &SdkSettings) -> Result<Sorted, ApiError> {
    read(body.to_string().as_bytes(), sdk, now())
}

/// The answer to a body, its status, and the records that are kept of it.
fn sorted(reader: super::Read, body: &Value) -> (u16, WfmReportResponse, Vec<Value>) {
    let sorted = read(reader, body, &SdkSettings::default()).unwrap();
    let (status, response) = sorted.verdict("r".to_owned());
    let records = sorted.into_records();
    let records = records.iter().map(|record| serde_json::from_slice(record).unwrap()).collect();
    (status.as_u16(), response, records)
}

fn faults(response: &WfmReportResponse) -> Vec<String> {
    response.errors.iter().map(|error| format!("{} {}", error.code, error.path)).collect()
}

fn state(event_id: &str, reason: &str, sequence: u64) -> Value {
    json!({
        "agentValue": "jdoe", "agentId": "1001", "eventId": event_id, "eventReason": reason,
        "eventTime": "2026-03-02T09:00:00.120Z", "sequence": sequence,
    })
}

fn states(states: &[Value]) -> Value {
    json!({ "acdType": "PBX", "agentStates": states })
}

fn activity(event_id: &str, reason: &str, seconds: u64) -> Value {
    let end: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    let end = end + pegboard_model::Millis::from_seconds(i64::try_from(seconds).unwrap());
    json!({
        "eventId": event_id, "eventReason": reason, "startTime": "2026-03-02T09:00:00Z", "endTime": end,
        "duration": seconds,
    })
}

fn activities(activities: &[Value]) -> Value {
    json!({
        "acdType": "PBX", "reportVersion": "1.0", "startDate": "2026-03-02T09:00:00Z",
        "endDate": "2026-03-02T09:15:00Z",
        "reportData": [{ "agentValue": "jdoe", "agentId": "1001", "activities": activities }],
    })
}

fn queue_row(id: &str) -> Value {
    json!({
        "queueValue": "Billing", "queueId": id, "contactsReceived": 22, "handledShort": 17, "handledLong": 1,
        "abandonedShort": 2, "abandonedLong": 2, "handleTime": 1509, "holdTime": 434, "workTime": 83,
        "queueDelayTime": 60, "serviceLevelPercent": 88.89, "backlog": 0, "backlogExpired": 0,
        "backlogNotExpired": 0, "rightPartyContacts": 0, "rightPartyTalkTime": 0, "rightPartyWorkTime": 0,
        "wrongPartyContacts": 0, "wrongPartyTalkTime": 0, "wrongPartyWorkTime": 0, "active": 0,
    })
}

fn queue_report_of(queues: &[Value]) -> Value {
    json!({
        "acdType": "PBX", "reportVersion": "1.0", "startDate": "2026-03-02T09:00:00Z",
        "endDate": "2026-03-02T09:15:00Z", "queueReport": queues, "agentQueueReport": [],
        "agentSystemPerformanceReport": [
            { "agentValue": "jdoe", "agentId": "1001", "readyTime": 500, "notReady": 100, "loginTime": 900 },
        ],
    })
}

#[test]
fn n123_event_ids_are_what_a_hub_means_by_them() {
    let told = [
        state("LOGIN", "Available", 1),
        state("VOICE-QUEUE_TRANSFER-CONNECTED_ONHOLD", "Available", 2),
        state("CHAT-OUTBOUND-ENDED", "", 3),
        state("available", "", 4),
        state("Unavailable", "Lunch", 5),
        state("NOT-READY-AT-ALL", "", 6),
        state("Offline", "", 7),
        state("LOGOUT", "Offline", 8),
        state("LOGOUT", "", 9),
    ];
    let (status, response, records) = sorted(agents::states, &states(&told));
    assert_eq!((status, response.status, response.accepted), (202, ReportStatus::Accepted, 9));
    let shown = |record: &Value| {
        let contact = &record["contacts"][0];
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        [&record["change"], &record["status"]["name"], &record["status"]["routing"], &contact["phase"]]
            .map(word)
            .join(" ")
    };
    assert_eq!(
        records.iter().map(shown).collect::<Vec<_>>(),
        [
            "sign_in Available routable -",
            "- Available routable held",
            "- - - wrapping",
            "- available routable -",
            "- Unavailable (Lunch) aux -",
            "- NOT-READY-AT-ALL aux -",
            "- Offline offline -",
            "sign_out Offline offline -",
            "sign_out - - -",
        ]
    );
    let contact = &records[1]["contacts"][0];
    assert_eq!(
        (&contact["channel"], &contact["initiation"], &contact["phase_name"]),
        (&json!("VOICE"), &json!("QUEUE_TRANSFER"), &json!("CONNECTED_ONHOLD"))
    );
    assert_eq!(
        (&records[2]["contacts"][0]["direction"], &records[0]["login"]),
        (&json!("outbound"), &json!("jdoe"))
    );
}

#[test]
fn n123_states_are_taken_in_the_order_of_their_sequence() {
    let (_, _, records) = sorted(agents::states, &states(&[state("Lunch", "", 9), state("Break", "", 8)]));
    let names: Vec<_> = records.iter().map(|record| record["status"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Break", "Lunch"]);
}

#[test]
fn n124_an_activity_has_its_end() {
    let told = [
        activity("LOGIN", "Available", 0),
        activity("Available", "", 60),
        activity("Break", "", 0),
        activity("LOGOUT", "Offline", 900),
    ];
    let (status, _, records) = sorted(agents::activities, &activities(&told));
    let shown = |record: &Value| format!("{} {}", record["change"], record["until"]);
    assert_eq!(
        (status, records.iter().map(shown).collect::<Vec<_>>()),
        (
            202,
            ["\"sign_in\" null", "null \"2026-03-02T09:01:00Z\"", "\"sign_out\" null"]
                .map(str::to_owned)
                .to_vec()
        ),
        "what takes no time leaves nothing, and who has gone is not unknown"
    );
    let mut backwards = activity("Break", "", 60);
    backwards["endTime"] = "2026-03-02T08:59:00Z".into();
    let mut wrong = activity("Break", "", 60);
    wrong["duration"] = 60_000.into();
    let (status, response, _) = sorted(agents::activities, &activities(&[backwards, wrong]));
    assert_eq!((status, response.status), (422, ReportStatus::Rejected));
    assert_eq!(
        faults(&response),
        ["IDENTITY reportData[0].activities[0].endTime", "IDENTITY reportData[0].activities[1].duration"]
    );
}

#[test]
fn n125_a_row_of_a_queue_stands_under_our_columns() {
    let (status, _, records) = sorted(queue_report::read, &queue_report_of(&[queue_row("q-1")]));
    assert_eq!((status, records.len()), (202, 2));
    let [queue, agent] = &records[..] else { panic!("{records:?}") };
    assert_eq!(queue["queue"], json!({ "id": "q-1" }));
    let value = |column: &str| queue["values"][column].clone();
    assert_eq!(
        ["offered", "answered", "answered_in_sl", "abandoned", "abandoned_in_sl", "talk_s"].map(value),
        [22, 18, 17, 4, 2, 1075].map(Value::from)
    );
    assert_eq!((value("service_level_pct"), &queue["made"]), (json!(88.89), &json!("2026-03-02T09:16:00Z")));
    assert_eq!(agent["values"], json!({ "login_s": 900, "available_s": 500, "aux_s": 100 }));
}

#[test]
fn n127_a_list_that_is_left_out_is_not_an_empty_one() {
    let mut body = queue_report_of(&[queue_row("q-1")]);
    body.as_object_mut().unwrap().remove("agentQueueReport");
    let (status, response, _) = sorted(queue_report::read, &body);
    assert_eq!((status, faults(&response)), (422, vec!["REQUIRED agentQueueReport".to_owned()]));
}

#[test]
fn n126_each_bad_item_is_named_by_its_path_and_the_others_are_kept() {
    let mut short = queue_row("q-2");
    short.as_object_mut().unwrap().remove("handledShort");
    let mut odd = queue_row("q-3");
    odd["surprise"] = 1.into();
    let mut negative = queue_row("q-4");
    negative["backlog"] = (-1).into();
    let mut hold = queue_row("q-5");
    hold["holdTime"] = 1510.into();
    let rows = [queue_row("q-1"), short, odd, negative, hold, queue_row("q-1"), queue_row(""), json!([])];
    let (status, response, records) = sorted(queue_report::read, &queue_report_of(&rows));
    assert_eq!((status, response.status), (202, ReportStatus::Partial));
    assert_eq!((response.accepted, response.rejected, records.len()), (2, 7, 2));
    assert_eq!(
        faults(&response)[..6],
        [
            "REQUIRED queueReport[1].handledShort",
            "UNKNOWN_KEY queueReport[2].surprise",
            "TYPE queueReport[3].backlog",
            "IDENTITY queueReport[4].handleTime",
            "DUPLICATE queueReport[5].queueId",
            "BLANK queueReport[6].queueId",
        ]
    );
    assert_eq!(response.errors.last().unwrap().path, "queueReport[7]");
}

#[test]
fn what_is_wrong_with_the_whole_of_a_body_refuses_it() {
    let sdk = SdkSettings { acd_type: Some("TWILIO".to_owned()), ..SdkSettings::default() };
    let mut body = activities(&[activity("Break", "", 60)]);
    body["endDate"] = "2026-03-02T09:00:00Z".into();
    body["surprise"] = 1.into();
    let sorted = read(agents::activities, &body, &sdk).unwrap();
    let (status, response) = sorted.verdict("r".to_owned());
    assert_eq!((status.as_u16(), response.accepted, response.rejected), (422, 0, 1));
    assert_eq!(faults(&response), ["ACD_NAME acdType", "BAD_WINDOW endDate", "UNKNOWN_KEY surprise"]);
    let no_object = read(agents::states, &json!([1]), &sdk).unwrap_err();
    assert_eq!(no_object.code(), Code::BadRequest);
}

#[test]
fn r28_a_report_has_20_000_items_at_most() {
    let rows = |count: usize| states(&vec![state("Break", "", 1); count]);
    assert!(read(agents::states, &rows(MOST_ITEMS), &SdkSettings::default()).is_ok());
    let error = read(agents::states, &rows(MOST_ITEMS + 1), &SdkSettings::default()).unwrap_err();
    assert_eq!(error.code(), Code::TooLarge);
}

#[test]
fn r28_an_answer_names_1_000_faults_at_most() {
    let (_, response, _) = sorted(agents::states, &states(&vec![state("", "", 1); 1001]));
    assert_eq!((response.errors.len(), response.rejected), (1000, 1001));
}

proptest! {
    #[test]
    fn s35_whatever_is_sent_has_an_answer(text in "[\\[\\]{}:,\"a-z0-9. ]{0,80}", place in 0_usize..400, cut in 0_usize..40) {
        for (reader, body) in [
            (agents::states as super::Read, states(&[state("LOGIN", "", 1)])),
            (agents::activities, activities(&[activity("Break", "", 60)])),
            (queue_report::read, queue_report_of(&[queue_row("q-1")])),
        ] {
            let mut body = body.to_string();
            let place = place.min(body.len());
            let end = (place + cut).min(body.len());
            body.replace_range(place..end, &text);
            if let Ok(sorted) = reader(body.as_bytes(), &SdkSettings::default(), now()) {
                let (_, response) = sorted.verdict(String::new());
                prop_assert!(response.accepted + response.rejected <= 20);
            }
        }
    }
}
