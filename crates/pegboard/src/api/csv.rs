//! Rows as CSV: exact, or safe to open in a spreadsheet.

use std::borrow::Cow;

use serde_json::Value;

use crate::report_text::harmless;

/// What becomes of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texts {
    /// They stay as they are.
    Exact,
    /// No spreadsheet runs them as formulas.
    Harmless,
}

/// The line with the names of the columns.
pub(crate) fn header(columns: &[&str]) -> Vec<u8> {
    let mut text = Vec::new();
    line(&mut text, columns.iter().map(|column| Cow::Borrowed(*column)));
    text
}

/// One row, added to `text`: RFC 4180, in UTF-8, with `\n`.
pub(crate) fn row(text: &mut Vec<u8>, columns: &[&str], row: &Value, texts: Texts) {
    line(text, columns.iter().map(|column| cell(row.get(column).unwrap_or(&Value::Null), texts)));
}

fn line<'a>(text: &mut Vec<u8>, cells: impl Iterator<Item = Cow<'a, str>>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        if cell.contains(['"', ',', '\n', '\r']) {
            text.push(b'"');
            text.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            text.push(b'"');
        } else {
            text.extend_from_slice(cell.as_bytes());
        }
    }
    text.push(b'\n');
}

/// A number is written as it is, also a negative one: only texts come from outside.
fn cell(value: &Value, texts: Texts) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) if texts == Texts::Harmless => harmless(text),
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Array(_) | Value::Object(_) => Cow::Owned(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written_as(value: &Value, texts: Texts) -> String {
        let mut text = Vec::new();
        row(&mut text, &["x"], &json!({"x": value}), texts);
        String::from_utf8(text).unwrap()
    }

    fn written(value: &Value) -> String {
        written_as(value, Texts::Harmless)
    }

    #[test]
    fn exact_texts_stay_as_they_are() {
        for text in ["=1+1", "-1", "@SUM(A1)"] {
            assert_eq!(written_as(&json!(text), Texts::Exact), format!("{text}\n"));
        }
    }

    #[test]
    fn s36_a_text_that_begins_like_a_formula_is_neutralised() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert_eq!(written(&json!(text)), format!("'{text}\n"));
        }
        assert_eq!(written(&json!("\r=1")), "\"'\r=1\"\n");
        assert_eq!(written(&json!("=HYPERLINK(\"x\",\"y\")")), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"\n");
    }

    #[test]
    fn s36_numbers_and_harmless_texts_stay_as_they_are() {
        assert_eq!(written(&json!(-1.5)), "-1.5\n");
        assert_eq!(written(&json!("a=b")), "a=b\n");
        assert_eq!(written(&json!("2026-03-01T00:00:00Z")), "2026-03-01T00:00:00Z\n");
    }

    #[test]
    fn quotes_as_rfc_4180_says() {
        assert_eq!(written(&json!("a,b")), "\"a,b\"\n");
        assert_eq!(written(&json!("a\nb")), "\"a\nb\"\n");
        assert_eq!(written(&json!("say \"x\"")), "\"say \"\"x\"\"\"\n");
        assert_eq!(written(&Value::Null), "\n");
        assert_eq!(header(&["a", "b"]), b"a,b\n");
    }

    #[test]
    fn a_column_that_a_row_does_not_have_is_empty() {
        let mut text = Vec::new();
        row(&mut text, &["a", "b", "c"], &json!({"c": true, "a": 1}), Texts::Exact);
        assert_eq!(text, b"1,,true\n");
    }
}
