//! Typed JSON that is borrowed from the input, and errors that do not repeat what the input says.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::Utf8Error;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{DecodeError, Found, Problem};

/// A text, borrowed unless it holds an escape.
///
/// (A plain `Option<Cow<str>>` would always be owned.)
#[derive(Debug)]
pub(crate) struct Str<'a>(Cow<'a, str>);

impl<'a> Str<'a> {
    /// A text as it stands in the input.
    pub(crate) fn borrowed(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// A text whose escapes are resolved.
    pub(crate) fn owned(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl std::ops::Deref for Str<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrVisitor;

        impl<'de> Visitor<'de> for StrVisitor {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(StrVisitor)
    }
}

/// An object. (A struct alone would also be read from a list, field by field.)
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// Whether a field is there, whatever its value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Present(pub(crate) bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|IgnoredAny| Self(true))
    }
}

/// The text that JSON is.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, DecodeError> {
    let not_utf8 = |error: Utf8Error| DecodeError::NotUtf8 { at: error.valid_up_to() };
    simdutf8::basic::from_utf8(bytes).or_else(|_| std::str::from_utf8(bytes)).map_err(not_utf8)
}

/// Reads `text` as one JSON object.
pub(crate) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, DecodeError> {
    match serde_json::from_str::<Object<T>>(text) {
        Ok(Object(value)) => Ok(value),
        Err(error) => Err(explain::<Object<T>>(text, &error)),
    }
}

/// The error of reading `text`, with the path of the field. Reads it a second time: to keep the path on the
/// way costs time, and errors are rare.
#[cold]
fn explain<'a, T: Deserialize<'a>>(text: &'a str, error: &serde_json::Error) -> DecodeError {
    if !error.is_data() {
        return not_json(error);
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => not_json(error),
        Err(error) => wrong_field(&error.path().to_string(), &error.inner().to_string()),
    }
}

/// The parser's own words on syntax hold no contents. They end with the place, which is told apart.
fn not_json(error: &serde_json::Error) -> DecodeError {
    let (line, column) = (error.line(), error.column());
    let words = error.to_string();
    let problem = words.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&words);
    DecodeError::NotJson { problem: problem.to_owned(), line, column }
}

/// An error of type says what it found, contents included; only the type is kept. Its path consists of
/// fields that are read, since what is skipped is never of a wrong type.
fn wrong_field(path: &str, words: &str) -> DecodeError {
    for (prefix, problem) in [("duplicate field `", Problem::Twice), ("missing field `", Problem::Missing)] {
        if let Some((name, _)) = words.strip_prefix(prefix).and_then(|rest| rest.split_once('`')) {
            let path = if path == "." { name.to_owned() } else { format!("{path}.{name}") };
            return DecodeError::Field { path, problem };
        }
    }
    if words.starts_with("unknown field") || words.starts_with("unknown variant") {
        return DecodeError::field(path, Problem::Unknown);
    }
    if words.starts_with("invalid value") {
        return DecodeError::field(path, Problem::TooLarge);
    }
    let path = if path == "." { "record" } else { path };
    DecodeError::field(path, Problem::WrongType(found(words)))
}

fn found(words: &str) -> Found {
    let kinds = [
        ("null", Found::Null),
        ("boolean", Found::Boolean),
        ("integer", Found::Integer),
        ("floating point", Found::Decimal),
        ("string", Found::Text),
        ("sequence", Found::List),
        ("map", Found::Object),
    ];
    let value = words.strip_prefix("invalid type: ").unwrap_or_default();
    let kind = kinds.iter().find(|(word, _)| value.starts_with(word));
    kind.map_or(Found::SomethingElse, |(_, found)| *found)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer<'a> {
        #[serde(borrow)]
        name: Option<Str<'a>>,
        list: Option<Vec<Object<Inner>>>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        number: Option<i64>,
    }

    fn error(text: &str) -> String {
        parse::<Outer<'_>>(text).unwrap_err().to_string()
    }

    #[test]
    fn texts_are_borrowed_unless_they_hold_an_escape() {
        let plain: Outer<'_> = parse(r#"{"name":"Ada","list":[{"number":1},{"number":null}]}"#).unwrap();
        assert!(matches!(plain.name, Some(Str(Cow::Borrowed("Ada")))));
        let numbers: Vec<_> = plain.list.iter().flatten().map(|Object(inner)| inner.number).collect();
        assert_eq!(numbers, [Some(1), None]);
        let escaped: Outer<'_> = parse(r#"{"name":"A\u0064a"}"#).unwrap();
        assert!(matches!(escaped.name, Some(Str(Cow::Owned(name))) if name == "Ada"));
    }

    #[test]
    fn a_wrong_type_names_the_field_and_not_what_it_says() {
        assert_eq!(error(r#"{"name":5}"#), "name: wrong type: found an integer");
        assert_eq!(
            error(r#"{"list":[{"number":1},{"number":"secret, expected"}]}"#),
            "list[1].number: wrong type: found a text"
        );
        assert_eq!(
            error(r#"{"list":[{"number":1.5}]}"#),
            "list[0].number: wrong type: found a number with decimals"
        );
        assert_eq!(error(r#"{"list":[[1]]}"#), "list[0]: wrong type: found a list");
        assert_eq!(error(r#"{"list":{}}"#), "list: wrong type: found an object");
        assert_eq!(error(r#"{"name":true}"#), "name: wrong type: found a boolean");
        assert_eq!(error("[]"), "record: wrong type: found a list");
        assert_eq!(error("null"), "record: wrong type: found null");
        assert_eq!(error(r#"{"list":[{"number":9223372036854775808}]}"#), "list[0].number: too large");
    }

    #[test]
    fn a_field_given_twice_is_ambiguous() {
        assert_eq!(error(r#"{"name":"a","name":"b"}"#), "name: given twice");
        assert_eq!(error(r#"{"list":[{"number":1,"number":2}]}"#), "list[0].number: given twice");
    }

    #[test]
    fn bad_syntax_has_a_place() {
        assert_eq!(error(r#"{"name":"a",}"#), "not JSON: trailing comma at line 1 column 13");
        assert_eq!(error("{\"name\":\n\"a\"} x"), "not JSON: trailing characters at line 2 column 6");
        assert_eq!(error("{"), "not JSON: EOF while parsing an object at line 1 column 1");
        assert_eq!(error(""), "not JSON: EOF while parsing a value at line 1 column 0");
        assert_eq!(text(b"{\"name\":\"\xff\"}").unwrap_err().to_string(), "not UTF-8 from byte 9 on");
    }

    #[test]
    fn deep_nesting_in_what_is_skipped_is_no_danger() {
        let deep = format!("{{\"skipped\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert!(parse::<Outer<'_>>(&deep).is_ok());
    }
}
