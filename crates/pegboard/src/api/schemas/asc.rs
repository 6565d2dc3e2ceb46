//! The schemas of the calls of NICE's SDK.

use serde_json::{Value, json};

use super::{count, described, list, object, or_null, reference, text, time};

/// Each by its name.
pub(super) fn all() -> [(&'static str, Value); 17] {
    [
        ("AscLogin", json!({"oneOf": [reference("AscAccessKey"), reference("AscNestedKey")]})),
        ("AscAccessKey", object(vec![("accessKeyId", text()), ("accessKeySecret", text())])),
        ("AscNestedKey", nested_key()),
        (
            "AscToken",
            object(vec![
                ("token_type", json!({"type": "string", "enum": ["Bearer"]})),
                ("expires_in", described(count(), "Seconds.")),
                ("access_token", text()),
                ("refresh_token", text()),
            ]),
        ),
        ("AscRefresh", refresh()),
        (
            "AscRefreshed",
            object(vec![
                ("token", text()),
                ("tokenExpirationTimeSec", count()),
                ("refreshToken", text()),
                ("refreshTokenExpirationTimeSec", count()),
                ("sessionId", json!({"type": "null"})),
            ]),
        ),
        ("AscType", object(vec![("acdType", name())])),
        ("AscAgentStates", object(vec![("acdType", name()), ("agentStates", items("AscAgentState"))])),
        (
            "AscAgentState",
            agent(vec![
                (
                    "eventId",
                    described(name(), "`LOGIN`, `LOGOUT`, `{CHANNEL}-{INITIATION}-{PHASE}`, or a status."),
                ),
                ("eventReason", reason()),
                ("eventTime", time()),
                ("sequence", described(count(), "Its place: what has a lower one is older.")),
            ]),
        ),
        ("AscAgentActivities", report(vec![("reportData", items("AscActivities"))])),
        ("AscActivities", agent(vec![("activities", list(&reference("AscActivity")))])),
        (
            "AscActivity",
            object(vec![
                ("eventId", name()),
                ("eventReason", reason()),
                ("startTime", time()),
                ("endTime", time()),
                ("duration", described(count(), "Seconds from the start to the end.")),
            ]),
        ),
        (
            "AscQueueReport",
            report(vec![
                ("queueReport", items("AscQueueRow")),
                ("agentQueueReport", items("AscAgentQueueRow")),
                ("agentSystemPerformanceReport", items("AscAgentRow")),
            ]),
        ),
        ("AscQueueRow", queue_row()),
        ("AscAgentQueueRow", agent_queue_row()),
        ("AscAgentRow", agent(vec![("readyTime", count()), ("notReady", count()), ("loginTime", count())])),
        ("AscResponse", response()),
    ]
}

fn name() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 512})
}

fn reason() -> Value {
    json!({"type": "string", "maxLength": 512})
}

fn items(of: &str) -> Value {
    let mut items = list(&reference(of));
    items["maxItems"] = 20_000.into();
    items
}

fn nested_key() -> Value {
    let mut key = object(vec![("accessKeyTokenRequest", reference("AscAccessKey"))]);
    key["properties"]["tenantName"] = described(or_null(text()), "Means nothing here.");
    key
}

fn refresh() -> Value {
    let mut refresh = object(vec![("token", text())]);
    for flag in ["updateCookie", "toggleEnabled"] {
        refresh["properties"][flag] = json!({"type": ["boolean", "null"]});
    }
    refresh
}

fn agent(mut fields: Vec<(&'static str, Value)>) -> Value {
    fields.splice(0..0, [("agentValue", described(name(), "The login.")), ("agentId", name())]);
    object(fields)
}

fn report(mut fields: Vec<(&'static str, Value)>) -> Value {
    let envelope = [
        ("acdType", name()),
        ("reportVersion", json!({"type": "string", "enum": ["1.0"]})),
        ("startDate", time()),
        ("endDate", described(time(), "After the start, by a day at most.")),
    ];
    fields.splice(0..0, envelope);
    object(fields)
}

const PARTIES: [&str; 7] = [
    "rightPartyContacts",
    "rightPartyTalkTime",
    "rightPartyWorkTime",
    "wrongPartyContacts",
    "wrongPartyTalkTime",
    "wrongPartyWorkTime",
    "active",
];

fn queue_row() -> Value {
    let counted = [
        "contactsReceived",
        "handledShort",
        "handledLong",
        "abandonedShort",
        "abandonedLong",
        "handleTime",
        "holdTime",
        "workTime",
        "queueDelayTime",
        "backlog",
        "backlogExpired",
        "backlogNotExpired",
    ];
    let mut fields = vec![("queueValue", text()), ("queueId", name())];
    fields.extend(counted.into_iter().chain(PARTIES).map(|key| (key, count())));
    fields.push(("serviceLevelPercent", json!({"type": ["number", "null"], "minimum": 0, "maximum": 100})));
    object(fields)
}

fn agent_queue_row() -> Value {
    let mut fields = vec![("queueId", name())];
    let counted = ["contactsHandled", "handleTime", "holdTime", "workTime"];
    fields.extend(counted.into_iter().chain(PARTIES).map(|key| (key, count())));
    agent(fields)
}

fn response() -> Value {
    let error = object(vec![
        ("code", text()),
        (
            "path",
            described(text(), "Such as `queueReport[0].handledShort`; empty where it is the whole of it."),
        ),
        ("message", text()),
    ]);
    object(vec![
        ("status", json!({"type": "string", "enum": ["ACCEPTED", "PARTIAL", "REJECTED"]})),
        ("requestId", text()),
        ("accepted", count()),
        ("rejected", count()),
        ("errors", described(list(&error), "1,000 at most.")),
    ])
}
