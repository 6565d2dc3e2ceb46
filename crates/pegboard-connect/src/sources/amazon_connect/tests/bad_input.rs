use proptest::prelude::*;

use super::*;
use crate::sources::Problem;
use crate::sources::amazon_connect::{Kind, classify};
use crate::test_data::shared;

/// A change of state with two contacts.
const EVENT: &str = r#"{"AgentARN":"arn:x/agent/a-1","CurrentAgentSnapshot":{"AgentStatus":{"ARN":"arn:x/agent-state/s-1","Name":"Available","StartTimestamp":"2026-03-02T08:00:00Z"},"Configuration":{"FirstName":"Secret","Username":"secret"},"Contacts":[{"ContactId":"c-1","Channel":"VOICE","InitiationMethod":"INBOUND","State":"CONNECTED","StateStartTimestamp":"2026-03-02T08:01:00Z","Queue":{"ARN":"arn:x/queue/q-1","Name":"Q"}},{"ContactId":"c-2","Channel":"CHAT","InitiationMethod":"API","State":"ENDED","StateStartTimestamp":"2026-03-02T08:02:00Z","Queue":null}]},"EventId":"e-1","EventTimestamp":"2026-03-02T08:03:00Z","EventType":"STATE_CHANGE"}"#;

/// What is said about [`EVENT`] with one text replaced.
fn message(from: &str, to: &str) -> String {
    assert!(EVENT.contains(from), "{from}");
    decode(&EVENT.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn r07_what_is_missing_is_named() {
    for (from, path) in [
        ("\"AgentARN\":\"arn:x/agent/a-1\"", "AgentARN"),
        ("\"EventId\":\"e-1\"", "EventId"),
        ("\"EventTimestamp\":\"2026-03-02T08:03:00Z\"", "EventTimestamp"),
        ("\"EventType\":\"STATE_CHANGE\"", "EventType"),
        ("\"ContactId\":\"c-2\"", "CurrentAgentSnapshot.Contacts[1].ContactId"),
        ("\"State\":\"ENDED\"", "CurrentAgentSnapshot.Contacts[1].State"),
        ("\"Channel\":\"CHAT\"", "CurrentAgentSnapshot.Contacts[1].Channel"),
        ("\"InitiationMethod\":\"API\"", "CurrentAgentSnapshot.Contacts[1].InitiationMethod"),
        ("\"ARN\":\"arn:x/queue/q-1\"", "CurrentAgentSnapshot.Contacts[0].Queue.ARN"),
        ("\"Name\":\"Available\"", "CurrentAgentSnapshot.AgentStatus.Name"),
        ("\"AgentStatus\":", "CurrentAgentSnapshot.AgentStatus"),
    ] {
        let (name, _) = from.split_once("\":").unwrap();
        assert_eq!(message(from, &from.replacen(name, "\"Other", 1)), format!("{path}: missing"));
    }
}

#[test]
fn r07_an_id_that_names_nothing_is_none() {
    assert_eq!(message("agent/a-1", "agent/"), "AgentARN: empty");
    assert_eq!(message("arn:x/agent/a-1", ""), "AgentARN: empty");
    assert_eq!(message("queue/q-1", "queue/"), "CurrentAgentSnapshot.Contacts[0].Queue.ARN: empty");
    assert_eq!(message("\"e-1\"", "\"\""), "EventId: empty");
}

#[test]
fn r07_a_bad_time_is_named() {
    let not_a_time = "not a time in RFC 3339 such as 2026-03-01T09:15:00Z";
    assert_eq!(message("2026-03-02T08:03:00Z", "secret"), format!("EventTimestamp: {not_a_time}"));
    assert_eq!(
        message("2026-03-02T08:02:00Z", "1772438520"),
        format!("CurrentAgentSnapshot.Contacts[1].StateStartTimestamp: {not_a_time}")
    );
}

#[test]
fn r07_bad_json_has_a_place() {
    assert_eq!(
        decode("{\"AgentARN\":").unwrap_err().to_string(),
        "not JSON: EOF while parsing a value at line 1 column 12"
    );
    assert_eq!(decode("secret").unwrap_err().to_string(), "not JSON: expected value at line 1 column 1");
}

#[test]
fn r07_a_wrong_type_is_named() {
    assert_eq!(
        message("\"2026-03-02T08:03:00Z\"", "1772438580"),
        "EventTimestamp: wrong type: found an integer"
    );
    assert_eq!(
        message("\"Queue\":{", "\"Queue\":[{\"a\":{}}],\"X\":{"),
        "CurrentAgentSnapshot.Contacts[0].Queue: wrong type: found a list"
    );
    assert_eq!(
        message("\"Username\":\"secret\"", "\"Username\":{\"secret\":1}"),
        "CurrentAgentSnapshot.Configuration.Username: wrong type: found an object"
    );
    let snapshot = EVENT.find("{\"AgentStatus\"").unwrap()..EVENT.find(",\"EventId\"").unwrap();
    assert_eq!(message(&EVENT[snapshot], "\"secret\""), "CurrentAgentSnapshot: wrong type: found a text");
}

#[test]
fn r07_a_null_snapshot_is_named_where_one_must_be() {
    let bare = |kind: &str| {
        format!(
            r#"{{"AgentARN":"a/1","EventId":"e","EventTimestamp":"2026-03-02T08:03:00Z","EventType":"{kind}","CurrentAgentSnapshot":null}}"#
        )
    };
    for kind in ["STATE_CHANGE", "HEART_BEAT"] {
        assert_eq!(decode(&bare(kind)), Err(DecodeError::missing("CurrentAgentSnapshot")), "{kind}");
    }
    for kind in ["LOGIN", "LOGOUT"] {
        assert!(matches!(decode(&bare(kind)), Ok(Decoded::Agent(_))), "{kind}");
    }
}

#[test]
fn r07_an_unknown_event_type_confirms_with_a_snapshot_and_is_foreign_without() {
    use pegboard_model::What;
    let unknown = EVENT.replace("STATE_CHANGE", "STATE_FORECAST");
    let Ok(Decoded::Agent(observation)) = decode(&unknown) else { panic!("an observation") };
    assert!(matches!(observation.what, What::Confirmation(_)));
    let bare = r#"{"AgentARN":"a/1","EventId":"e","EventTimestamp":"2026-03-02T08:03:00Z","EventType":"STATE_FORECAST"}"#;
    assert_eq!(decode(bare), Ok(Decoded::Foreign));
}

#[test]
fn r28_r07_one_byte_more_than_is_read() {
    let limit = framing::MAX_RECORD_BYTES;
    let padded = |length: usize| format!("{}{}", EVENT, " ".repeat(length - EVENT.len()));
    assert!(decode(&padded(limit)).is_ok());
    assert_eq!(decode(&padded(limit + 1)), Err(DecodeError::TooLong { limit }));
    let error = Decoder::new().with_max_record(10).decode(EVENT.as_bytes(), order(1));
    assert_eq!(error, Err(DecodeError::TooLong { limit: 10 }));
}

#[test]
fn r07_the_sample_as_published_fails_and_the_next_record_is_read() {
    let Some(text) = shared("agent-events/aws-docs-heartbeat-next-status.as-published.txt") else { return };
    let input = format!("{text}{EVENT}\n");
    let frames: Vec<_> = framing::frames(input.as_bytes()).collect();
    assert_eq!(frames.len(), 2);
    let reason = frames[0].unwrap_err().reason.to_string();
    assert_eq!(reason, "text after the closing brace of the record");
    assert!(Decoder::new().decode(frames[1].unwrap().bytes, order(2)).is_ok());
}

#[test]
fn records_are_told_apart_on_a_shared_stream() {
    for (input, kind) in
        [(AGENT_EVENTS, Kind::AgentEvent), (CONTACT_RECORDS, Kind::ContactRecord), (FOREIGN, Kind::Foreign)]
    {
        for line in input.lines() {
            assert_eq!(classify(line.as_bytes()), Ok(kind));
        }
    }
    assert_eq!(decode_all(FOREIGN), [Decoded::Foreign, Decoded::Foreign, Decoded::Foreign]);
    assert_eq!(classify(br#"{"AgentARN":null,"EventType":5}"#), Ok(Kind::AgentEvent), "whatever the values");
    assert_eq!(classify(br#"{"EventType":"x"}"#), Ok(Kind::Foreign));
}

#[test]
fn contact_events_of_the_event_bus_are_foreign() {
    let Some(text) = shared("contact-events/aws-docs-contact-event-2.json") else { return };
    assert_eq!(decode(&text), Ok(Decoded::Foreign));
}

#[test]
fn errors_repeat_nothing_of_the_contents() {
    let marked = AGENT_EVENTS.replace("zoe.sample", "hush").replace("Billing", "hush").replace("c-", "hush-");
    let marked = marked
        + &CONTACT_RECORDS.replace("zoe.sample", "hush").replace("4711", "hush").replace("0100", "hush");
    for line in marked.lines() {
        for (at, _) in line.match_indices("hush") {
            for garbage in ["\"", "\\x", "\u{1}", "}", "\":5,\""] {
                let broken = format!("{}{garbage}{}", &line[..at + 4], &line[at + 4..]);
                if let Err(error) = decode(&broken) {
                    assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_problem_within_a_list_has_its_index() {
    let error =
        DecodeError::field("State", Problem::Missing).within("Contacts[1]").within("CurrentAgentSnapshot");
    assert_eq!(error.to_string(), "CurrentAgentSnapshot.Contacts[1].State: missing");
}

fn samples() -> Vec<String> {
    [AGENT_EVENTS, CONTACT_RECORDS, FOREIGN, EVENT]
        .iter()
        .flat_map(|text| text.lines())
        .map(str::to_owned)
        .collect()
}

/// What a decoder makes of a record when it reads it field by field, and what one makes of it that has just read
/// the undamaged record and so knows most of it.
fn in_both_ways(good: &str, text: &str) -> [Result<Decoded, DecodeError>; 3] {
    let mut slow = Decoder::new();
    let mut knowing = Decoder::new();
    let _primed = knowing.decode(good.as_bytes(), order(1));
    [
        slow.decode_slowly(text, order(1)),
        Decoder::new().with_memory(0).decode(text.as_bytes(), order(1)),
        knowing.decode(text.as_bytes(), order(1)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_scanner_and_serde_judge_damaged_records_alike(
        record in proptest::sample::select(samples()),
        at in any::<proptest::sample::Index>(),
        length in 0_usize..4,
        with in proptest::sample::select(&["", "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-1", " ", "\n", "\u{1}", "null", "é", "{}", "\"EventId\":\"x\",", "\\u0041"][..]),
    ) {
        let at = at.index(record.len());
        let end = (at + length).min(record.len());
        prop_assume!(record.is_char_boundary(at) && record.is_char_boundary(end));
        let damaged = format!("{}{with}{}", &record[..at], &record[end..]);
        for text in [&damaged, &record] {
            let [slowly, fresh, knowing] = in_both_ways(&record, text);
            prop_assert_eq!(&slowly, &fresh, "{}", text);
            prop_assert_eq!(&slowly, &knowing, "{}", text);
        }
    }

    #[test]
    fn the_scanner_and_serde_read_fields_in_any_order_alike(
        record in proptest::sample::select(samples()),
        turns in 0_usize..20,
        pretty in any::<bool>(),
    ) {
        let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(&record) else { panic!("an object") };
        let mut fields: Vec<_> = fields.iter().collect();
        let middle = turns % fields.len().max(1);
        fields.rotate_left(middle);
        let show = |value| if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
        let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key:?}: {}", show(value).unwrap())).collect();
        let text = format!("{{{}}}", fields.join(",\n"));
        let [slowly, fresh, knowing] = in_both_ways(&record, &text);
        prop_assert_eq!(&slowly, &fresh, "{}", text);
        prop_assert_eq!(&slowly, &knowing, "{}", text);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!matches!(Decoder::new().decode(&bytes, order(1)), Ok(Decoded::Agent(_) | Decoded::Contact(_))));
    }

    #[test]
    fn damaged_records_are_decoded_without_a_panic(
        record in proptest::sample::select(samples()),
        at in any::<proptest::sample::Index>(),
        end in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut decoder = Decoder::new();
        let mut flipped = record.clone().into_bytes();
        flipped[at.index(record.len())] = byte;
        let _may_be_fine = decoder.decode(&flipped, order(1));
        let cut = &record.as_bytes()[..end.index(record.len())];
        prop_assert!(decoder.decode(cut, order(2)).is_err(), "what is cut off is no record");
        let _may_be_fine = decoder.decode(&record.as_bytes()[at.index(record.len())..], order(3));
    }

    #[test]
    fn any_value_in_any_field_is_decoded_without_a_panic(
        record in proptest::sample::select(samples()),
        field in any::<proptest::sample::Index>(),
        value in proptest::sample::select(&["null", "-1", "9e99", "\"\"", "\"/\"", "[]", "{}", "[[{}]]", "true", "\"9999-12-31T23:59:59Z\"", "9223372036854775807"][..]),
    ) {
        let fields: Vec<_> = record.match_indices("\":").collect();
        prop_assume!(!fields.is_empty());
        let (at, _) = fields[field.index(fields.len())];
        let changed = format!("{}\":{value},\"Was{}", &record[..at], &record[at..]);
        prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&changed).is_ok());
        let not_json = matches!(decode(&changed), Err(DecodeError::NotJson { .. } | DecodeError::NotUtf8 { .. }));
        prop_assert!(!not_json);
    }
}
