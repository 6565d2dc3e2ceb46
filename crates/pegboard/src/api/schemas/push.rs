//! The schemas of what an ACD hands in.

use pegboard_model::acd::{AcdReport, Column, Unit};
use serde_json::{Map, Value, json};

use super::{count, described, list, object, reference, text, time};

/// Each by its name.
pub(super) fn all() -> [(&'static str, Value); 13] {
    [
        ("Push", json!({"oneOf": [reference("PushRecord"), reference("PushRecords")]})),
        ("PushRecords", of(&["records"], vec![("records", most(list(&reference("PushRecord")), 500))])),
        (
            "PushRecord",
            json!({"oneOf": [reference("PushAgentState"), reference("PushContact"), reference("PushReportRow")]}),
        ),
        ("PushAgentState", agent_state()),
        ("PushAgentContact", agent_contact()),
        ("PushContact", contact()),
        ("PushReportRow", json!({"oneOf": ROWS.map(|(name, _)| reference(name))})),
        row_of(ROWS[0]),
        row_of(ROWS[1]),
        row_of(ROWS[2]),
        (
            "Pushed",
            object(vec![
                ("accepted", described(count(), "How many records were kept, durably.")),
                ("refused", list(&reference("PushRefused"))),
            ]),
        ),
        (
            "TwilioPost",
            described(json!({}), "One event of TaskRouter as a form, or a list of them as `CloudEvents`."),
        ),
        (
            "PushRefused",
            object(vec![
                ("path", described(text(), "Which record, such as `records[3]`.")),
                ("message", described(text(), "Which field, and what is wrong with it.")),
            ]),
        ),
    ]
}

/// Rows, by what they are rows of.
const ROWS: [(&str, AcdReport); 3] = [
    ("PushQueueInterval", AcdReport::QueueInterval),
    ("PushAgentQueueInterval", AcdReport::AgentQueueInterval),
    ("PushAgentInterval", AcdReport::AgentInterval),
];

/// An object that has to have some of its fields, and no others.
fn of(required: &[&str], fields: Vec<(&str, Value)>) -> Value {
    let properties: Map<String, Value> =
        fields.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

fn most(mut list: Value, items: usize) -> Value {
    list["maxItems"] = items.into();
    list
}

fn kind(name: &str) -> Value {
    json!({"type": "string", "enum": [name]})
}

fn id() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 512})
}

fn yes_or_no() -> Value {
    json!({"type": "boolean", "default": false})
}

fn seconds() -> Value {
    json!({"type": "number", "minimum": 0, "maximum": 31_622_400})
}

fn direction() -> Value {
    json!({"type": "string", "enum": ["inbound", "outbound"], "default": "inbound"})
}

fn queue() -> Value {
    of(&["id"], vec![("id", id()), ("name", id())])
}

fn agent_state() -> Value {
    let change = json!({"type": "string", "enum": ["state", "sign_in", "sign_out", "confirmation"], "default": "state"});
    let routing = json!({"type": "string", "enum": ["routable", "aux", "offline"]});
    let status = of(&["name", "routing"], vec![("id", id()), ("name", id()), ("routing", routing)]);
    let mut state = of(
        &["kind", "agent", "at"],
        vec![
            ("kind", kind("agent_state")),
            (
                "id",
                described(
                    id(),
                    "The id of the event: the same again changes nothing. Without one it is known by what it says.",
                ),
            ),
            ("agent", id()),
            ("at", described(time(), "When it was so.")),
            ("change", described(change, "What made the ACD tell of it.")),
            ("login", text()),
            ("name", text()),
            ("team", text()),
            ("levels", most(list(&text()), 5)),
            ("routing_profile", text()),
            (
                "status",
                described(
                    status,
                    "What the agent selected; needed but for `sign_out`, and where a contact tells what he does.",
                ),
            ),
            ("status_since", time()),
            (
                "until",
                described(
                    time(),
                    "The end of it, where it is known already: nothing is known from there on until something else is \
                     told. Of `state` alone, and later than `at`.",
                ),
            ),
            (
                "contacts",
                described(list(&reference("PushAgentContact")), "Every contact that the agent has."),
            ),
        ],
    );
    state["if"] = json!({"properties": {"change": {"const": "sign_out"}}, "required": ["change"]});
    let with_contacts = json!({"required": ["contacts"], "properties": {"contacts": {"minItems": 1}}});
    state["else"] = json!({"anyOf": [{"required": ["status"]}, with_contacts]});
    state
}

fn agent_contact() -> Value {
    let phases = [
        "offered",
        "alerting",
        "connected",
        "held",
        "paused",
        "wrapping",
        "missed",
        "rejected",
        "failed",
        "unrecognised",
    ];
    of(
        &["id", "channel", "phase"],
        vec![
            ("id", id()),
            ("channel", described(id(), "`VOICE`, `CHAT`, `TASK`, `EMAIL`, or another.")),
            ("direction", direction()),
            (
                "initiation",
                described(id(), "How it began, in the ACD's words; the direction where nothing is said."),
            ),
            ("phase", json!({"type": "string", "enum": phases})),
            (
                "phase_name",
                described(id(), "The phase in the ACD's words; ours in capitals where nothing is said."),
            ),
            ("since", time()),
            ("queue", queue()),
            ("monitored", described(yes_or_no(), "Whether the agent only listens.")),
        ],
    )
}

fn contact() -> Value {
    let stay = vec![
        ("id", id()),
        ("name", id()),
        ("entered", time()),
        ("waited_s", seconds()),
        ("rang_s", seconds()),
    ];
    let leg = vec![
        ("id", id()),
        ("login", id()),
        ("connected", described(time(), "Nothing where the agent was offered it and never had it.")),
        ("talk_s", described(seconds(), "Without hold.")),
        ("hold_s", seconds()),
        ("acw_s", seconds()),
        ("acw_end", time()),
        ("passed_on", yes_or_no()),
    ];
    of(
        &["kind", "id", "updated", "channel"],
        vec![
            ("kind", kind("contact")),
            ("id", id()),
            (
                "updated",
                described(time(), "Of two tellings of a contact the one that was updated later holds."),
            ),
            ("channel", id()),
            ("direction", direction()),
            ("initiation", id()),
            ("queue", of(&["id"], stay)),
            ("agent", of(&["id"], leg)),
            ("disconnected", described(time(), "When the customer's end of it was over.")),
            ("monitored", yes_or_no()),
            ("handed_on", described(yes_or_no(), "Whether another leg carries on where this one ended.")),
            ("transferred_in", yes_or_no()),
        ],
    )
}

fn row_of((name, report): (&'static str, AcdReport)) -> (&'static str, Value) {
    (name, report_row(report))
}

fn report_row(report: AcdReport) -> Value {
    let by_name = |name: &'static str| {
        let mut known = of(&[], vec![("id", id()), (name, id())]);
        known["minProperties"] = 1.into();
        known
    };
    let columns: Map<String, Value> = Column::ALL
        .iter()
        .filter(|column| report.has(**column))
        .map(|column| (column.as_str().to_owned(), number(column.unit())))
        .collect();
    let length = json!({"type": "number", "minimum": 0.001, "maximum": 31_622_400});
    let mut required = vec!["kind", "report", "name", "interval_start", "interval_s", "made"];
    required.extend((report != AcdReport::AgentInterval).then_some("queue"));
    required.extend((report != AcdReport::QueueInterval).then_some("agent"));
    of(
        &required,
        vec![
            ("kind", kind("report_row")),
            ("report", kind(report.as_str())),
            ("name", described(id(), "What the ACD calls its report.")),
            ("interval_start", time()),
            ("interval_s", length),
            (
                "made",
                described(time(), "When the ACD made it: of two tellings of a row the later one holds."),
            ),
            ("queue", by_name("name")),
            ("agent", by_name("login")),
            ("channel", id()),
            ("direction", direction()),
            ("values", json!({"type": "object", "properties": columns, "additionalProperties": false})),
        ],
    )
}

fn number(unit: Unit) -> Value {
    match unit {
        // What every reader of JSON has exactly.
        Unit::Count => json!({"type": "integer", "minimum": 0, "maximum": (1_u64 << 53) - 1}),
        Unit::Duration => seconds(),
        Unit::Percent => json!({"type": "number", "minimum": 0, "maximum": 100}),
    }
}
