//! Rows of the API as Parquet.

use std::io;

use pegboard_model::Timestamp;
use pegboard_model::report::kind_of;
use serde_json::Value as Json;

use crate::report_parquet::{Type, Value, Writer};
use crate::runtime::report_row::ReportRow;

/// The whole file.
pub(crate) fn file(columns: &[&str], rows: &[ReportRow]) -> io::Result<Vec<u8>> {
    let types: Vec<_> = columns.iter().map(|column| (*column, type_of(column))).collect();
    let mut writer = Writer::new(Vec::new(), types.iter().copied())?;
    for row in rows.iter().map(ReportRow::value) {
        let made: Vec<_> = types.iter().map(|(column, _)| row.get(column).and_then(structure)).collect();
        writer.row(types.iter().zip(&made).map(|((column, kind), made)| match made {
            Some(text) => Some(Value::Text(text)),
            None => value(*kind, row.get(column)?),
        }))?;
    }
    writer.finish()
}

/// What has no type of its own in a flat table is told as JSON.
fn structure(json: &Json) -> Option<String> {
    (json.is_object() || json.is_array()).then(|| json.to_string())
}

/// The columns of the reports contract have their types; of the others four are no texts.
fn type_of(column: &str) -> Type {
    match (kind_of(column), column) {
        (Some(kind), _) => Type::of(kind),
        (None, "at") => Type::Time,
        (None, "revision") => Type::Whole,
        (None, "provisional" | "agrees") => Type::Flag,
        (None, _) => Type::Text,
    }
}

fn value(kind: Type, json: &Json) -> Option<Value<'_>> {
    match kind {
        Type::Text => json.as_str().map(Value::Text),
        Type::Whole => json.as_i64().map(Value::Whole),
        Type::Double => json.as_f64().map(Value::Double),
        Type::Time => Timestamp::parse(json.as_str()?).ok().map(|time| Value::Whole(time.as_millis())),
        Type::Flag => json.as_bool().map(Value::Flag),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_single_value_is_told_as_json() {
        assert_eq!(structure(&json!({"a": [1, null]})).as_deref(), Some(r#"{"a":[1,null]}"#));
        assert_eq!((structure(&json!("a")), structure(&json!(null))), (None, None));
        let rows = [json!({"groups": {"team": "North"}, "origin": "acd"}), json!({})];
        let file = file(&["groups", "origin"], &rows.map(ReportRow::from)).unwrap();
        assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"));
    }

    #[test]
    fn columns_have_the_types_of_the_contract() {
        let types = [
            "interval_start",
            "queue_name",
            "offered",
            "service_level_pct",
            "revision",
            "provisional",
            "origin",
        ];
        assert_eq!(
            types.map(type_of),
            [Type::Time, Type::Text, Type::Whole, Type::Double, Type::Whole, Type::Flag, Type::Text]
        );
        let cell = |column: &str, json: Json| value(type_of(column), &json).map(|value| format!("{value:?}"));
        assert_eq!(cell("interval_start", json!("1970-01-01T00:00:01.5Z")).as_deref(), Some("Whole(1500)"));
        assert_eq!(cell("talk_s", json!(12)).as_deref(), Some("Double(12.0)"));
        assert_eq!(cell("offered", json!(3)).as_deref(), Some("Whole(3)"));
        assert_eq!(cell("service_level_pct", json!(null)), None);
        assert_eq!(cell("provisional", json!(true)).as_deref(), Some("Flag(true)"));
    }
}
