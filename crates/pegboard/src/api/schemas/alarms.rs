//! The schemas of alarms.

use serde_json::{Value, json};

use super::{count, described, list, object, or_null, reference, text, time};
use crate::runtime::alarms::condition::{Condition, Severity};

/// Each of them, by name.
pub(super) fn all() -> [(&'static str, Value); 6] {
    let page = object(vec![
        ("alarms", list(&reference("Alarm"))),
        ("next", described(or_null(count()), "`before` of the next page, if there is one.")),
    ]);
    let silence = object(vec![
        ("until", described(time(), "Within the next 30 days.")),
        ("comment", described(text(), "Why: 1 to 500 characters.")),
    ]);
    [
        ("Alarms", page),
        ("Alarm", alarm()),
        ("AlarmMark", object(mark())),
        ("Silence", self::silence()),
        ("Acknowledgement", acknowledgement()),
        ("NewSilence", silence),
    ]
}

fn alarm() -> Value {
    let conditions: Vec<_> = Condition::ALL.iter().map(|condition| condition.as_str()).collect();
    object(vec![
        ("id", count()),
        (
            "condition",
            described(
                text(),
                &format!("One of {}; docs/alarms.md says what they mean.", conditions.join(", ")),
            ),
        ),
        ("severity", json!({"type": "string", "enum": Severity::ALL.map(Severity::as_str)})),
        ("title", described(text(), "The condition in some words.")),
        ("subject", described(text(), "What it holds of.")),
        ("source", described(or_null(text()), "The source that it is about, if it is about one.")),
        ("text", described(text(), "What, and where.")),
        ("advice", described(text(), "What to do.")),
        ("since", time()),
        ("seen", described(time(), "When it was last seen to be so.")),
        ("ended", described(or_null(time()), "When it was over; null while it is not.")),
        ("acknowledged", described(maybe("AlarmMark"), "Who has taken notice of it.")),
        ("silence", described(maybe("Silence"), "Until when outlets are not told.")),
    ])
}

fn mark() -> Vec<(&'static str, Value)> {
    vec![("by", described(text(), "The name of the token.")), ("at", time()), ("comment", or_null(text()))]
}

fn silence() -> Value {
    let mut fields = mark();
    fields.push(("until", time()));
    object(fields)
}

fn acknowledgement() -> Value {
    let mut schema = object(Vec::new());
    schema["properties"]["comment"] = described(or_null(text()), "1 to 500 characters.");
    schema
}

fn maybe(name: &str) -> Value {
    json!({"anyOf": [reference(name), {"type": "null"}]})
}
