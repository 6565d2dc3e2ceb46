//! JSON whose keys keep their order and can be renamed, and whose numbers are exact.

use std::borrow::Cow;
use std::collections::HashMap;

use pegboard_model::{Fixed, Text, Timestamp};

/// Names of keys, by the names that they have without it.
pub(crate) type Keys = HashMap<String, String>;

/// A value. Objects are written key by key, in the order in which they were made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Text(Cow<'static, str>),
    Whole(i64),
    Decimal(Fixed),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// The value as compact text, its keys under the names that the site gives them.
    pub(crate) fn to_text(&self, keys: &Keys) -> String {
        let mut out = String::new();
        self.write("", keys, &mut out);
        out
    }

    /// `list` is the key of the list or object that the value stands in.
    fn write(&self, list: &str, keys: &Keys, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Text(text) => write_text(text, out),
            Self::Whole(number) => out.push_str(&number.to_string()),
            Self::Decimal(number) => out.push_str(&number.to_string()),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    item.write(list, keys, out);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    write_text(renamed(list, key, keys), out);
                    out.push(':');
                    value.write(key, keys, out);
                }
                out.push('}');
            }
        }
    }
}

/// The name that the site gives to a key: that for this place, else that for the key wherever it stands.
pub(crate) fn renamed<'a>(list: &str, key: &'a str, keys: &'a Keys) -> &'a str {
    if keys.is_empty() {
        return key;
    }
    let here = keys.get(&format!("{list}.{key}"));
    here.or_else(|| keys.get(key)).map_or(key, String::as_str)
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

impl From<&'static str> for Json {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<&Text> for Json {
    fn from(text: &Text) -> Self {
        Self::Text(text.to_string().into())
    }
}

impl From<Timestamp> for Json {
    fn from(at: Timestamp) -> Self {
        Self::Text(at.to_string().into())
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Option<Fixed>> for Json {
    fn from(number: Option<Fixed>) -> Self {
        number.map_or(Self::Null, Self::Decimal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_numbers_their_digits() {
        let json = Json::Object(vec![
            ("b", Json::from(Fixed::percent(17, 20))),
            ("a", Json::List(vec![Json::from(1_i64), Json::Null, Json::from("A \"b\"\n")])),
            ("none", Json::from(None)),
        ]);
        assert_eq!(json.to_text(&Keys::new()), r#"{"b":85,"a":[1,null,"A \"b\"\n"],"none":null}"#);
    }

    #[test]
    fn a_key_is_renamed_in_its_place_or_wherever_it_stands() {
        let item = || Json::List(vec![Json::Object(vec![("id", Json::Null)])]);
        let json = Json::Object(vec![("one", item()), ("two", item())]);
        let keys = [("id", "ID"), ("two.id", "second"), ("two", "TWO")];
        let keys = keys.map(|(key, name)| (key.to_owned(), name.to_owned())).into();
        assert_eq!(json.to_text(&keys), r#"{"one":[{"ID":null}],"TWO":[{"second":null}]}"#);
    }
}
