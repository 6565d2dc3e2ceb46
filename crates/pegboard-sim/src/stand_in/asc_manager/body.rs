//! Bodies, read key by key: what is missing, what is of another kind, what nobody knows.

use pegboard_model::Timestamp;
use serde_json::{Map, Value};

/// Something that is wrong with a body, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) code: &'static str,
    pub(super) path: String,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, path: path.into(), message: message.into() }
    }
}

/// An object of a body. A key that nobody has asked for when it [ends](Self::end) is unknown.
#[derive(Debug)]
pub(super) struct Members<'a> {
    object: &'a Map<String, Value>,
    path: String,
    asked: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl<'a> Members<'a> {
    /// The object at `path`, which is empty for the body itself.
    pub(super) fn of(value: &'a Value, path: &str) -> Result<Self, Problem> {
        let object = value.as_object();
        let object = object.ok_or_else(|| Problem::new("TYPE", path, "this is no object"))?;
        Ok(Self { object, path: path.to_owned(), asked: Vec::new(), problems: Vec::new() })
    }

    pub(super) fn problem(&mut self, code: &'static str, key: &str, message: impl Into<String>) {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.problems.push(Problem::new(code, format!("{}{dot}{key}", self.path), message));
    }

    /// What is wrong with it, unknown keys too.
    pub(super) fn end(mut self) -> Vec<Problem> {
        let unknown = self.object.keys().filter(|key| !self.asked.contains(&key.as_str()));
        for key in unknown.cloned().collect::<Vec<_>>() {
            self.problem("UNKNOWN_KEY", &key, "nobody knows this key");
        }
        self.problems
    }

    fn required(&mut self, key: &'static str) -> Option<&'a Value> {
        self.asked.push(key);
        let value = self.object.get(key);
        if value.is_none() {
            self.problem("REQUIRED", key, "this key is left out");
        }
        value
    }

    fn typed<T>(
        &mut self,
        key: &'static str,
        kind: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let read = read(self.required(key)?);
        if read.is_none() {
            self.problem("TYPE", key, format!("this is not {kind}"));
        }
        read
    }

    /// Text, which may be empty, without blanks around it.
    pub(super) fn text_or_empty(&mut self, key: &'static str) -> Option<&'a str> {
        let text = self.typed(key, "text", Value::as_str)?;
        if text.trim() != text {
            self.problem("NOT_TRIMMED", key, "there are blanks around this text");
            return None;
        }
        Some(text)
    }

    /// Text.
    pub(super) fn text(&mut self, key: &'static str) -> Option<&'a str> {
        let text = self.text_or_empty(key)?;
        if text.is_empty() {
            self.problem("BLANK", key, "this text is empty");
            return None;
        }
        Some(text)
    }

    /// A count, or a duration in seconds.
    pub(super) fn whole(&mut self, key: &'static str) -> Option<u64> {
        self.typed(key, "a whole number from 0 on", Value::as_u64)
    }

    /// Whole numbers under many keys; nothing unless all of them are.
    pub(super) fn wholes<const N: usize>(&mut self, keys: [&'static str; N]) -> Option<[u64; N]> {
        let numbers = keys.map(|key| self.whole(key));
        numbers.iter().all(Option::is_some).then(|| numbers.map(Option::unwrap_or_default))
    }

    /// A percentage of two decimals at most, or `null` where there is none.
    pub(super) fn percent(&mut self, key: &'static str) {
        let Some(value) = self.required(key).filter(|value| !value.is_null()) else { return };
        let decimals = |text: &str| text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let is_percent = value.as_f64().is_some_and(|number| (0.0..=100.0).contains(&number));
        if !is_percent || decimals(&value.to_string()) > 2 {
            self.problem("PERCENT", key, "this is neither null nor 0 to 100 with two decimals at most");
        }
    }

    /// An instant in UTC.
    pub(super) fn time(&mut self, key: &'static str) -> Option<Timestamp> {
        let read = |value: &Value| {
            let text = value.as_str().filter(|text| text.ends_with('Z') && text.contains('T'))?;
            Timestamp::parse(text).ok()
        };
        self.typed(key, "a time in UTC such as 2025-08-01T12:00:00Z", read)
    }

    /// Yes or no.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.typed(key, "true or false", Value::as_bool)
    }

    /// A list, which may be empty.
    pub(super) fn list(&mut self, key: &'static str) -> Option<&'a [Value]> {
        self.typed(key, "a list", |value| value.as_array().map(Vec::as_slice))
    }

    /// A word of a fixed form, such as a version.
    pub(super) fn word(&mut self, key: &'static str, expected: &str) {
        if let Some(word) = self.text(key)
            && word != expected
        {
            self.problem("UNKNOWN_VALUE", key, format!("only {expected} is known here"));
        }
    }
}
