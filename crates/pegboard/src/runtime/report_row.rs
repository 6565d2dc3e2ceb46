//! A row of a report on its way to a reader.

use std::borrow::Cow;
use std::fmt::Write as _;

use pegboard_model::AgentId;
use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny};
use serde_json::Value;

/// A row: a JSON object as text, its columns in order. It takes some hundred bytes, where a tree of it takes some thousand, and a
/// report may have half a million of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow(Box<str>);

impl ReportRow {
    /// An object as it stands in a store. Fails where it is none.
    pub(super) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let _: IgnoredAny = serde_json::from_str(text)?;
        let text = text.trim();
        if text.starts_with('{') {
            Ok(Self(text.into()))
        } else {
            Err(serde_json::Error::custom("it is no object"))
        }
    }

    /// What was written as an object.
    pub(super) fn written(text: String) -> Self {
        debug_assert!(text.starts_with('{') && text.ends_with('}'), "{text}");
        Self(text.into())
    }

    /// The same with more columns behind its own.
    pub(super) fn with(self, columns: &[(&str, Value)]) -> Self {
        let mut text = String::with_capacity(self.0.len() + 32 * columns.len());
        text.push_str(self.0.strip_suffix('}').unwrap_or(&self.0));
        for (column, value) in columns {
            if !text.ends_with('{') {
                text.push(',');
            }
            // Memory takes everything.
            write!(text, "{}:{value}", Value::from(*column)).ok();
        }
        text.push('}');
        Self(text.into())
    }

    /// Whether it is about an agent.
    pub(super) fn is_of(&self, agent: &AgentId) -> bool {
        #[derive(Deserialize)]
        struct Whose<'a> {
            #[serde(borrow)]
            agent_id: Option<Cow<'a, str>>,
        }

        let whose: Option<Whose<'_>> = serde_json::from_str(&self.0).ok();
        whose.and_then(|whose| whose.agent_id).is_some_and(|id| id == agent.as_str())
    }

    /// The object as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The object.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl From<Value> for ReportRow {
    fn from(object: Value) -> Self {
        Self::written(object.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_added_behind_those_that_are_there() {
        let more = [("origin", json!("acd")), ("revision", Value::Null)];
        let with = |text: &str| ReportRow::parse(text).unwrap().with(&more).as_str().to_owned();
        assert_eq!(with("{\"b\":1,\"a\":{}} "), "{\"b\":1,\"a\":{},\"origin\":\"acd\",\"revision\":null}");
        assert_eq!(with("{}"), "{\"origin\":\"acd\",\"revision\":null}");
    }

    #[test]
    fn a_row_knows_whose_it_is() {
        let row = |value: Value| ReportRow::from(value);
        assert!(row(json!({"agent_id": "a\"1", "login_s": 1.5})).is_of(&"a\"1".into()));
        assert!(!row(json!({"agent_id": "a"})).is_of(&"b".into()));
        assert!(!row(json!({"queue_id": "a", "agent_id": null})).is_of(&"a".into()));
    }

    #[test]
    fn what_is_no_object_is_no_row() {
        for text in ["", "[]", "{", "null", "{\"a\":}"] {
            assert!(ReportRow::parse(text).is_err(), "{text}");
        }
    }
}
