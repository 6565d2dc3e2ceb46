//! The schemas of sinks and of what they have.

use pegboard_store::DeliveryState;
use serde_json::{Value, json};

use super::{boolean, count, described, list, object, or_null, reference, text, time};
use crate::config::mapping::TableName;

/// Each by its name.
pub(super) fn all() -> [(&'static str, Value); 16] {
    [
        ("Sinks", object(vec![("sinks", list(&reference("Sink")))])),
        ("Sink", sink()),
        ("Lane", object(lane())),
        ("EventLane", event_lane()),
        (
            "LedgerCount",
            object(vec![
                ("report", text()),
                ("state", state()),
                ("intervals", count()),
                ("oldest", described(time(), "The start of the oldest interval.")),
                ("newest", described(time(), "The start of the newest interval.")),
            ]),
        ),
        (
            "Ledger",
            object(vec![
                ("deliveries", list(&reference("Delivery"))),
                ("next", described(or_null(text()), "`before` of the next page, if there is one.")),
            ]),
        ),
        ("Delivery", delivery()),
        ("Parked", object(vec![("parked", list(&parked()))])),
        ("ChosenDeliveries", chosen()),
        ("DroppedDeliveries", dropped()),
        ("SettledDeliveries", object(vec![("intervals", described(count(), "How many it was about."))])),
        ("RefusedStates", object(vec![("refused_states", list(&refused_state()))])),
        ("UnmappedNames", object(vec![("unmapped", list(&unmapped()))])),
        ("ForgottenNames", object(vec![("names", described(count(), "How many there were."))])),
        ("ReleasedSnapshot", object(vec![("comment", described(text(), "Why: 1 to 500 characters."))])),
        (
            "DroppedState",
            object(vec![
                ("source", text()),
                ("agent_id", text()),
                ("comment", described(text(), "Why: 1 to 500 characters.")),
            ]),
        ),
    ]
}

fn state() -> Value {
    json!({"type": "string", "enum": DeliveryState::ALL.map(DeliveryState::as_str)})
}

fn sink() -> Value {
    object(vec![
        ("name", text()),
        ("kind", text()),
        ("ours", described(boolean(), "Whether the node that answers delivers to it.")),
        (
            "left_alone",
            described(
                boolean(),
                "Whether the target does not answer, so that it is only tried now and then.",
            ),
        ),
        (
            "shut",
            described(
                or_null(text()),
                "What has to be done before the target takes anything, if it has said so.",
            ),
        ),
        (
            "heartbeat_at",
            described(
                or_null(time()),
                "When the target was last told that the hub lives, if it wants to be told.",
            ),
        ),
        ("states", described(reference("Lane"), "How present states are delivered.")),
        ("rows", described(reference("Lane"), "How reports are delivered.")),
        (
            "events",
            described(
                list(&reference("EventLane")),
                "How events are passed on as they came, by lane and source.",
            ),
        ),
        ("store_error", described(or_null(text()), "Why the store failed, if it did last.")),
        ("hold", or_null(hold())),
        (
            "ledger",
            described(list(&reference("LedgerCount")), "How many reports stand how, as all nodes know."),
        ),
    ])
}

/// A whole picture that is held back.
fn hold() -> Value {
    let schema = object(vec![
        ("since", time()),
        ("reason", text()),
        ("released", described(or_null(time()), "When somebody had it sent all the same.")),
    ]);
    described(schema, "Everybody's present state, which the target is not told because it may be wrong.")
}

fn lane() -> Vec<(&'static str, Value)> {
    vec![
        ("accepted_at", described(or_null(time()), "When something was accepted last.")),
        ("accepted", described(count(), "Documents that were accepted since the start.")),
        ("failures", described(count(), "How many tries failed in a row.")),
        ("failing_since", or_null(time())),
        ("error", described(or_null(text()), "Why the last try failed.")),
        (
            "waiting",
            described(count(), "Agents with a state to send; reports that are due; events to be taken."),
        ),
    ]
}

fn event_lane() -> Value {
    let mut fields = vec![("lane", text()), ("source", text())];
    fields.extend(lane());
    fields.extend([
        ("left_out", described(count(), "Events that the target can do nothing with, since the start.")),
        (
            "lost",
            described(
                count(),
                "Events that were no longer kept when the sink would have taken them, since the start.",
            ),
        ),
        ("remark", described(or_null(text()), "What else there is to know.")),
    ]);
    object(fields)
}

/// The body is there for operators and admins only, and of a single delivery.
fn delivery() -> Value {
    let mut schema = object(vec![
        ("unit", described(text(), "`report@interval_start`: by this it is chosen.")),
        ("report", text()),
        ("interval_start", time()),
        ("state", state()),
        ("changes", described(count(), "How often something that it is made of has changed.")),
        (
            "revision",
            described(count(), "The number of the newest body that was made of it; 0 while there is none."),
        ),
        (
            "acknowledged",
            described(count(), "The number of the newest body that the target has; 0 if it has none."),
        ),
        ("tries", described(count(), "How often the newest state of it was tried.")),
        ("first_try", or_null(time())),
        ("last_try", or_null(time())),
        ("due", described(or_null(time()), "When it is tried next, while it waits.")),
        ("reason", described(or_null(text()), "Why it was not acknowledged.")),
        ("comment", described(or_null(text()), "What was said when it was dropped.")),
    ]);
    schema["properties"]["payload"] = described(
        or_null(text()),
        "The body, made anew of what is known now. For operators and admins only.",
    );
    schema["properties"]["encoding"] = described(
        json!({"type": "string", "enum": ["text", "base64"]}),
        "How `payload` writes the body; base64 where it is not UTF-8.",
    );
    schema["properties"]["payload_note"] =
        described(text(), "Whether just this was sent, or why there is no body.");
    schema
}

fn parked() -> Value {
    object(vec![
        ("report", text()),
        ("reason", text()),
        ("intervals", count()),
        ("oldest", described(time(), "The start of the oldest interval.")),
        ("newest", described(time(), "The start of the newest interval.")),
    ])
}

/// One, all, or those that everything holds for that is named.
fn chosen() -> Value {
    let mut schema = object(Vec::new());
    schema["properties"] = json!({
        "unit": described(or_null(text()), "Only this one."),
        "all": described(json!({"type": ["boolean", "null"]}), "All of them."),
        "report": described(or_null(text()), "Only this report."),
        "reason": described(or_null(text()), "Only with exactly this reason."),
        "from": described(or_null(time()), "Only intervals that begin then or later."),
        "to": described(or_null(time()), "Only intervals that begin before."),
    });
    schema
}

fn dropped() -> Value {
    let mut schema = chosen();
    schema["properties"]["comment"] = described(text(), "Why: 1 to 500 characters.");
    schema["required"] = json!(["comment"]);
    schema
}

/// What was sent is there for operators and admins only.
fn refused_state() -> Value {
    let mut schema = object(vec![
        ("source", text()),
        ("agent_id", text()),
        ("reason", text()),
        ("first_at", described(time(), "When a state of the agent was refused first.")),
        ("last_at", described(time(), "When last.")),
        ("count", described(count(), "How often.")),
    ]);
    schema["properties"]["payload"] =
        described(text(), "What was refused last, as the target names it. For operators and admins only.");
    schema
}

/// Something that no row names.
fn unmapped() -> Value {
    object(vec![
        ("what", json!({"type": "string", "enum": ["state", "queue", "agent", "note"]})),
        ("source", text()),
        ("id", described(text(), "What the ACD calls it.")),
        (
            "detail",
            described(
                text(),
                "The reason of a state, channel and direction of a queue, the login of an agent.",
            ),
        ),
        ("count", described(count(), "How often it was delivered: states, or rows of reports.")),
        ("first_seen", described(time(), "The first interval or state it was in.")),
        ("last_seen", described(time(), "The last.")),
        (
            "agents",
            described(
                list(&text()),
                "Some of the agents it is about, by the id that the target knows; 20 at most.",
            ),
        ),
        ("suggestion", described(text(), "What a row could say; of a note, its latest text.")),
        ("row", described(or_null(suggested_row()), "The row that it could have; nothing of a note.")),
    ])
}

fn suggested_row() -> Value {
    let cells = json!({"type": "object", "additionalProperties": text()});
    object(vec![
        ("table", json!({"type": "string", "enum": TableName::ALL.map(TableName::as_str)})),
        (
            "cells",
            described(cells, "Texts by the names of columns, as a row is set; what is not said is empty."),
        ),
        ("complete", described(boolean(), "Whether it says all that it must: it can be set as it is.")),
    ])
}
