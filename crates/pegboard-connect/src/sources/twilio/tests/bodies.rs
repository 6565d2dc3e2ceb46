use pegboard_model::{Channel, Direction};
use serde_json::{Value, json};

use super::super::{Body, Kind, MAX_BODY_BYTES, MAX_EVENTS, decode};
use super::{EPOCH, callback, event, reservation, sample, task};

/// The three ways in which one event comes.
fn three_ways() -> [String; 3] {
    let form = callback("EV1", "reservation.accepted", 5123, &(task(3) + &reservation("WR1", 2)));
    let said = json!({
        "task_sid": "WT1", "task_channel_unique_name": "voice", "task_queue_sid": "WQ1", "task_queue_name": "Sales",
        "task_queue_entered_date": (EPOCH / 1000 + 3).to_string(),
        "task_attributes": "{\"direction\":\"inbound\",\"from\":\"+491\"}",
        "reservation_sid": "WR1", "reservation_version": "2", "worker_sid": "WK1", "worker_name": "ann@example.com",
        "worker_version": "7", "worker_activity_sid": "WA1", "worker_activity_name": "Available",
    });
    let record = json!({
        "sid": "EV1", "event_type": "reservation.accepted", "event_date": "2026-01-01T00:00:05Z",
        "event_date_ms": EPOCH + 5123, "resource_sid": "WR1", "event_data": said,
    });
    let page = json!({ "events": [record], "meta": { "key": "events", "next_page_url": null } });
    let mut payload = said;
    payload["sid"] = json!("EV1");
    payload["eventtype"] = json!("reservation.accepted");
    payload["timestamp"] = json!("2026-01-01T00:00:05.123Z");
    payload["task_queue_entered_date"] = json!("2026-01-01T00:00:03Z");
    payload["reservation_version"] = json!(2);
    payload["worker_version"] = json!(7);
    let streamed = json!([{
        "specversion": "1.0", "type": "com.twilio.taskrouter.reservation.accepted", "id": "EZ1",
        "data": { "sid": "EV1", "timestamp": "2026-01-01T00:00:05.123Z", "payload": payload },
    }]);
    [form, page.to_string(), streamed.to_string()]
}

#[test]
fn one_event_is_the_same_whichever_way_it_comes() {
    let [form, page, streamed] = three_ways();
    let told = event(&form);
    assert_eq!(told.id.to_string(), "EV1");
    assert_eq!((told.kind, told.at.as_millis()), (Kind::ReservationAccepted, EPOCH + 5123));
    let of_task = told.task.as_ref().unwrap();
    assert_eq!((&of_task.channel, of_task.direction), (&Channel::Voice, Direction::Inbound));
    assert_eq!(event(&page), told);
    assert_eq!(event(&streamed), told);
    let mut as_text: Value = serde_json::from_str(&streamed).unwrap();
    as_text[0]["data"] = json!(as_text[0]["data"].to_string());
    assert_eq!(event(&as_text.to_string()), told, "data as text");
}

#[test]
fn one_bad_event_costs_no_other() {
    let good = json!({"sid": "EV1", "event_type": "task.created", "event_date_ms": EPOCH, "event_data": {"task_sid": "WT1"}});
    let bad =
        json!({"sid": "EV2", "event_type": "reservation.accepted", "event_date_ms": EPOCH, "event_data": {}});
    let body = decode(json!({"events": [good, bad, 7, {"sid": "EV3"}]}).to_string().as_bytes()).unwrap();
    assert_eq!(body.events.len(), 1);
    assert_eq!(
        body.bad.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["events[1].worker_sid: missing"]
    );
    assert_eq!(body.foreign, 2);
}

#[test]
fn what_is_something_else_is_foreign_and_what_lacks_something_says_what() {
    let limits = r#"[{"specversion":"1.0","type":"com.twilio.apiusage.taskrouter.ratelimits","data":{}}]"#;
    let conference = "StatusCallbackEvent=participant-hold&ConferenceSid=CF1";
    for text in [limits, conference, "{}", "[]", " "] {
        let Body { events, bad, foreign, .. } = decode(text.as_bytes()).unwrap();
        assert!(events.is_empty() && bad.is_empty() && foreign <= 1, "{text}");
    }
    let said = |text: &str| decode(text.as_bytes()).unwrap().bad[0].to_string();
    assert_eq!(said("EventType=worker.activity.update"), "sid: missing");
    assert_eq!(said("EventType=worker.activity.update&Sid=EV1"), "timestamp: missing");
    assert_eq!(said(&callback("EV1", "worker.activity.update", 0, "")), "worker_sid: missing");
    assert_eq!(
        said(&callback("EV1", "worker.activity.update", 0, "&WorkerSid=WK1")),
        "worker_activity_name: missing"
    );
    assert_eq!(said(&callback("EV1", "task.canceled", 0, "")), "task_sid: missing");
    assert!(said("EventType=task.created&Sid=EV1&TimestampMs=soon").starts_with("timestamp_ms: not a time"));
    assert!(decode(b"[{").is_err());
    assert!(decode(b"\xff").is_err());
}

#[test]
fn channels_are_those_of_the_attributes_where_several_share_one() {
    let channel = |unique: &str, attributes: &str| {
        let text = format!("&TaskSid=WT1&TaskChannelUniqueName={unique}&TaskAttributes={attributes}");
        event(&callback("EV1", "task.created", 0, &text)).task.unwrap().channel
    };
    let of = |text: &str| format!("%7B%22channelType%22%3A%22{text}%22%7D");
    assert_eq!(channel("voice", &of("web")), Channel::Voice);
    assert_eq!(channel("chat", &of("sms")), Channel::Other("SMS".into()));
    assert_eq!(channel("chat", &of("web")), Channel::Other("WEB".into()));
    assert_eq!(channel("chat", "no-json"), Channel::Chat);
    assert_eq!(channel("default", ""), Channel::Task);
    assert_eq!(channel("email", ""), Channel::Email);
}

#[test]
fn r28_a_body_one_byte_longer_than_is_read_is_refused() {
    let mut text = callback("EV1", "task.created", 0, "&TaskSid=WT1&TaskAttributes=");
    text.push_str(&"x".repeat(MAX_BODY_BYTES - text.len()));
    assert!(decode(text.as_bytes()).is_ok());
    text.push('x');
    assert_eq!(
        decode(text.as_bytes()).unwrap_err().to_string(),
        format!("longer than {MAX_BODY_BYTES} bytes")
    );
}

#[test]
fn r28_a_page_of_one_event_more_than_a_page_has_is_refused() {
    let page = |events: usize| {
        let record = json!({"sid": "EV1", "event_type": "task.created", "event_date_ms": EPOCH, "event_data": {"task_sid": "WT1"}});
        decode(json!({"events": vec![record; events]}).to_string().as_bytes())
    };
    assert_eq!(page(MAX_EVENTS).unwrap().events.len(), MAX_EVENTS);
    assert_eq!(page(MAX_EVENTS + 1).unwrap_err().to_string(), "events: too large");
}

/// Canned answers and samples of the documentation, oddities included.
#[test]
fn every_sample_decodes() {
    let Some(canned) = sample("canned/taskrouter_v1_responses.json") else { return };
    let mut events = 0;
    for name in ["FetchEvent.200.fetch", "ListEvent.200.readFull", "ListEvent.200.readEmpty"] {
        let Body { events: read, bad, foreign, .. } =
            decode(canned[name]["body"].to_string().as_bytes()).unwrap();
        assert!(bad.is_empty() && foreign == 0, "{name}: {bad:?}");
        assert!(read.iter().all(|event| event.kind == Kind::ActivityChanged));
        events += read.len();
    }
    assert_eq!(events, 2);
    let streams = sample("events/event_streams_doc_samples.json").unwrap();
    for (name, foreign) in [("sample", 0), ("ratelimit_sample", 1)] {
        let body = decode(streams[name].to_string().as_bytes()).unwrap();
        // The documentation's sample of a reservation is cut before its worker.
        assert_eq!(
            (body.foreign, body.bad.len()),
            (foreign, 1 - usize::try_from(foreign).unwrap()),
            "{name}: {body:?}"
        );
    }
}

/// Every type that the documentation lists is known, or known not to be needed.
#[test]
fn no_type_of_the_catalogue_is_refused() {
    let Some(types) = sample("events/event_types.json") else { return };
    let listed = types["types"].to_string();
    let more = "&WorkerSid=WK1&WorkerActivityName=Break".to_owned() + &task(0) + "&ReservationSid=WR1";
    for kind in listed.split('"').filter(|word| word.contains('.') && !word.starts_with("com.")) {
        event(&callback("EV1", kind, 0, &more));
    }
}

#[test]
fn each_event_of_a_body_is_a_record_of_its_own() {
    let shown = |body: &str| {
        let records = super::super::split(body.as_bytes());
        records.iter().map(|record| String::from_utf8(record.clone()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(shown(r#" [{"a":1}, {"b":[2]}]"#), [r#"{"a":1}"#, r#"{"b":[2]}"#]);
    assert_eq!(shown(r#"{"events":[{"a":1},{}],"meta":{}}"#), [r#"{"a":1}"#, "{}"]);
    for whole in ["EventType=a&Sid=b", r#"{"specversion":"1.0"}"#, "[{", "", "{\"events\":7}"] {
        assert_eq!(shown(whole), [whole]);
    }
    assert!(shown("[]").is_empty());
}

#[test]
fn r28_a_body_of_more_events_than_are_read_is_not_taken_apart() {
    let list = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
    assert_eq!(super::super::split(list(1000).as_bytes()).len(), 1000);
    assert_eq!(super::super::split(list(1001).as_bytes()).len(), 1);
}
