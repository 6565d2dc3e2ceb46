use super::show::show;
use super::*;
use crate::test_data::shared;

/// The first record of the fixtures with one text replaced.
fn changed(from: &str, to: &str) -> Result<ContactLeg, DecodeError> {
    let line = CONTACT_RECORDS.lines().next().unwrap();
    assert!(line.contains(from), "{from}");
    decode(&line.replacen(from, to, 1)).map(|decoded| match decoded {
        Decoded::Contact(leg) => leg,
        other => panic!("a contact, not {other:?}"),
    })
}

fn same(text: &str) -> ContactLeg {
    changed(text, text).unwrap()
}

#[test]
fn every_shape() {
    insta::assert_snapshot!(show(&decode_all(CONTACT_RECORDS)));
}

#[test]
fn the_hash_is_that_of_what_the_leg_says() {
    let leg = same("VOICE");
    assert_eq!(changed("4711", "4712").unwrap(), leg, "an attribute is not kept");
    assert_eq!(
        changed("\"Channel\":\"VOICE\"", "\"Channel\": \"VO\\u0049CE\"").unwrap(),
        leg,
        "but for spelling"
    );
    let changes = [
        ("\"ContactId\":\"1", "\"ContactId\":\"2"),
        ("VOICE", "CHAT"),
        ("INBOUND", "OUTBOUND"),
        ("INBOUND", "MONITOR"),
        ("INBOUND", "TRANSFER"),
        ("q-billing", "q-other"),
        ("queue/q-billing", "queue/agent/q-billing"),
        ("\"Billing\"", "\"Bills\""),
        ("\"EnqueueTimestamp\":\"2026", "\"EnqueueTimestamp\":\"2025"),
        ("\"Duration\":75", "\"Duration\":76"),
        ("agent/agent-1", "agent/agent-2"),
        ("zoe.sample", "zoe"),
        ("\"ConnectedToAgentTimestamp\":\"2026", "\"ConnectedToAgentTimestamp\":\"2025"),
        ("\"AgentInteractionDuration\":400", "\"AgentInteractionDuration\":401"),
        ("\"CustomerHoldDuration\":110", "\"CustomerHoldDuration\":111"),
        ("\"AfterContactWorkDuration\":30", "\"AfterContactWorkDuration\":31"),
        ("\"AfterContactWorkEndTimestamp\":\"2026", "\"AfterContactWorkEndTimestamp\":\"2025"),
        ("\"DisconnectTimestamp\":\"2026", "\"DisconnectTimestamp\":\"2027"),
        ("\"TransferCompletedTimestamp\":null", "\"TransferCompletedTimestamp\":\"2026-03-02T09:09:00Z\""),
        ("\"NextContactId\":null", "\"NextContactId\":\"x\""),
    ];
    let mut seen = vec![leg.version.content];
    for (from, to) in changes {
        let hash = changed(from, to).unwrap().version.content;
        assert!(!seen.contains(&hash), "{to}");
        seen.push(hash);
    }
    let later = changed("\"LastUpdateTimestamp\":\"2026", "\"LastUpdateTimestamp\":\"2027").unwrap();
    assert_eq!(later.version.content, leg.version.content);
    assert!(later.version > leg.version);
}

#[test]
fn durations_below_zero_or_beyond_sense_name_their_field() {
    let message = |from, to| changed(from, to).unwrap_err().to_string();
    assert_eq!(message("\"Duration\":75", "\"Duration\":-1"), "Queue.Duration: negative duration");
    assert_eq!(
        message("\"AgentPauseDuration\":null", "\"AgentPauseDuration\":-5"),
        "Agent.AgentPauseDuration: negative duration"
    );
    assert_eq!(
        message("\"AfterContactWorkDuration\":30", "\"AfterContactWorkDuration\":9223372036854775807"),
        "Agent.AfterContactWorkDuration: too large"
    );
    assert_eq!(
        message(
            "\"DequeueTimestamp\":\"2026-03-02T09:01:30Z\",\"Duration\":75",
            "\"DequeueTimestamp\":\"2026-03-01T09:01:30Z\""
        ),
        "Queue.DequeueTimestamp: negative duration"
    );
    assert_eq!(
        message(
            "\"DequeueTimestamp\":\"2026-03-02T09:01:30Z\",\"Duration\":75,\"EnqueueTimestamp\":\"2026",
            "\"EnqueueTimestamp\":\"2027"
        ),
        "DisconnectTimestamp: negative duration"
    );
}

#[test]
fn a_record_without_any_time_has_no_version() {
    let line = CONTACT_RECORDS.lines().last().unwrap();
    let error =
        decode(&line.replace("\"InitiationTimestamp\":\"2026-03-02T09:00:00Z\"", "\"X\":0")).unwrap_err();
    assert_eq!(error, DecodeError::missing("LastUpdateTimestamp"));
}

#[test]
fn the_published_records() {
    for name in ["abandoned-2018-11-02.json", "inbound-2020-03-31-older-shape.json"] {
        let Some(text) = shared(&format!("contact-records/{name}")) else { return };
        insta::assert_snapshot!(name.split_once('-').unwrap().0, show(&decode_all(&text)));
    }
}

#[test]
fn of_three_deliveries_the_last_is_the_newest() {
    let Some(text) = shared("contact-records/redelivery-2022-01-05-three-copies.ndjson") else { return };
    let legs = legs(&text);
    assert_eq!(legs.len(), 3);
    assert!(legs.windows(2).all(|pair| pair[0].id == pair[1].id && pair[0].version < pair[1].version));
    assert!(
        legs.windows(2).all(|pair| pair[0].version.content == pair[1].version.content),
        "only attributes were added"
    );
    insta::assert_snapshot!(show(&decode_all(&text)[2..]));
}
