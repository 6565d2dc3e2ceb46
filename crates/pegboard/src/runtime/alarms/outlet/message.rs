//! Alarms in words: as a `CloudEvent`, and as a mail. Pure.

use std::fmt::Write as _;

use pegboard_model::Timestamp;
use serde_json::{Value, json};

use super::telling::Telling;
use crate::runtime::alarms::condition::Condition;

/// What the events say that they are.
pub(super) const EVENT_TYPE: &str = "pegboard.alarms";

/// The body of a webhook: one [CloudEvent] in structured mode, whatever the number of alarms.
///
/// [CloudEvent]: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
pub(super) fn cloud_event(id: &str, hub: &str, now: Timestamp, telling: &[Telling<'_>]) -> Value {
    json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("pegboard/{hub}"),
        "type": EVENT_TYPE,
        "time": now,
        "datacontenttype": "application/json",
        "data": { "alarms": telling.iter().map(as_json).collect::<Vec<_>>() },
    })
}

fn as_json(telling: &Telling<'_>) -> Value {
    let alarm = telling.alarm;
    let known = Condition::from_name(&alarm.condition);
    json!({
        "event": telling.event(),
        "id": alarm.id,
        "condition": alarm.condition,
        "severity": alarm.severity,
        "title": known.map(Condition::title),
        "subject": alarm.subject,
        "source": alarm.source,
        "text": alarm.text,
        "advice": known.map(Condition::advice),
        "since": alarm.since,
        "ended": alarm.ended,
    })
}

/// The subject of a mail: what is worst of what is new, and how much more there is.
pub(super) fn mail_subject(telling: &[Telling<'_>]) -> String {
    let raised = telling.iter().filter(|one| !one.is_over);
    // Of those that are alike the first.
    let worst = raised.min_by_key(|one| (&*one.alarm.severity != "critical", one.alarm.id));
    let Some(first) = worst.or_else(|| telling.first()) else { return "Pegboard".to_owned() };
    let what = if first.is_over { "over" } else { &first.alarm.severity };
    let more = match telling.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    format!("[Pegboard] {what}: {}, {}{more}", title(first), first.alarm.subject)
}

/// What a mail says.
pub(super) fn mail_text(telling: &[Telling<'_>], page: Option<&str>) -> String {
    let mut text = String::new();
    for (heading, is_over) in [("What needs somebody", false), ("What is over", true)] {
        let part: Vec<_> = telling.iter().filter(|one| one.is_over == is_over).collect();
        if part.is_empty() {
            continue;
        }
        // Writing to a text does not fail, here and below.
        let _infallible = writeln!(text, "{heading}\n{}\n", "=".repeat(heading.len()));
        for one in part {
            write_one(&mut text, one);
        }
    }
    let page = page.map_or_else(String::new, |page| format!(", or at {page}/alarms"));
    let _infallible = writeln!(text, "Acknowledge or silence them with `pegboard alarms`{page}.");
    text
}

fn write_one(text: &mut String, telling: &Telling<'_>) {
    let alarm = telling.alarm;
    let _infallible =
        writeln!(text, "{}: {} ({}), number {}", title(telling), alarm.subject, alarm.severity, alarm.id);
    let _infallible = match alarm.ended {
        Some(ended) => writeln!(text, "From {} to {ended}", alarm.since),
        None => writeln!(text, "Since {}", alarm.since),
    };
    let _infallible = writeln!(text, "{}", alarm.text);
    if let (false, Some(condition)) = (telling.is_over, Condition::from_name(&alarm.condition)) {
        let _infallible = writeln!(text, "What to do: {}", condition.advice());
    }
    text.push('\n');
}

fn title<'a>(telling: &Telling<'a>) -> &'a str {
    match Condition::from_name(&telling.alarm.condition) {
        Some(condition) => condition.title(),
        None => &telling.alarm.condition,
    }
}

#[cfg(test)]
mod tests {
    use pegboard_store::Alarm;

    use super::*;

    fn alarm(id: u64, severity: &str, ended: Option<i64>) -> Alarm {
        Alarm {
            id,
            condition: "sink-failing".into(),
            severity: severity.into(),
            subject: format!("wfm / {id}").into(),
            source: None,
            text: "status 503".into(),
            since: Timestamp::from_seconds(0),
            seen: Timestamp::from_seconds(0),
            ended: ended.map(Timestamp::from_seconds),
            acknowledged: None,
            silence: None,
        }
    }

    fn telling(alarms: &[Alarm]) -> Vec<Telling<'_>> {
        alarms.iter().map(|alarm| Telling { alarm, is_over: alarm.ended.is_some() }).collect()
    }

    #[test]
    fn a_storm_is_one_mail_that_names_the_worst() {
        let alarms = [alarm(1, "critical", Some(60)), alarm(2, "warning", None), alarm(3, "critical", None)];
        assert_eq!(
            mail_subject(&telling(&alarms)),
            "[Pegboard] critical: A sink takes nothing, wfm / 3 (and 2 more)"
        );
        assert_eq!(mail_subject(&telling(&alarms[..1])), "[Pegboard] over: A sink takes nothing, wfm / 1");
        let text = mail_text(&telling(&alarms), Some("https://hub.example"));
        let expected = "What needs somebody
===================

A sink takes nothing: wfm / 2 (warning), number 2
Since 1970-01-01T00:00:00Z
status 503
What to do: ";
        assert!(text.starts_with(expected), "{text}");
        let end = "What is over
============

A sink takes nothing: wfm / 1 (critical), number 1
From 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z
status 503

Acknowledge or silence them with `pegboard alarms`, or at https://hub.example/alarms.
";
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn a_webhook_is_told_by_one_event() {
        let alarms = [alarm(1, "critical", Some(60)), alarm(2, "warning", None)];
        let event = cloud_event("m1", "a", Timestamp::from_seconds(9), &telling(&alarms));
        assert_eq!((&event["specversion"], &event["type"]), (&json!("1.0"), &json!(EVENT_TYPE)));
        assert_eq!((&event["id"], &event["source"]), (&json!("m1"), &json!("pegboard/a")));
        let told = &event["data"]["alarms"];
        assert_eq!((&told[0]["event"], &told[1]["event"]), (&json!("ended"), &json!("raised")));
        assert_eq!(told[1]["title"], "A sink takes nothing");
    }
}
