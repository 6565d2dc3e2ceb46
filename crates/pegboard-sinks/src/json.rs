//! JSON whose keys keep their order and can be renamed, and whose numbers are exact.

use std::borrow::Cow;

use pegboard_model::{Fixed, Text, Timestamp};

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
    /// The value as compact text.
    pub(crate) fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Text(text) => write_text(text, out),
            Self::Whole(number) => out.push_str(&number.to_string()),
            Self::Decimal(number) => out.push_str(&number.to_string()),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
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
        assert_eq!(json.to_text(), r#"{"b":85,"a":[1,null,"A \"b\"\n"],"none":null}"#);
    }
}
