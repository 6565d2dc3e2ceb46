//! Attributes that are not kept.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The names of attributes that are left out of every record: what no number is made of and may be personal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(Vec<Box<str>>);

impl<S: Into<Box<str>>> FromIterator<S> for Attributes {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl Attributes {
    /// A record without them: what is left stands as it came, in its order. Only attributes of the record itself are
    /// left out, not those of objects within it; what is no JSON object has none.
    pub fn left_out_of<'a>(&self, record: &'a RawValue) -> Cow<'a, str> {
        let text = record.get();
        if self.0.is_empty() {
            return Cow::Borrowed(text);
        }
        let Some(entries) = entries(text) else { return Cow::Borrowed(text) };
        if !entries.iter().any(|(name, _)| self.contains(name)) {
            return Cow::Borrowed(text);
        }
        let mut left = String::with_capacity(text.len());
        for (name, value) in entries.iter().filter(|(name, _)| !self.contains(name)) {
            left.push(if left.is_empty() { '{' } else { ',' });
            left.push_str(&serde_json::Value::from(name.as_ref()).to_string());
            left.push(':');
            left.push_str(value.get());
        }
        left.push_str(if left.is_empty() { "{}" } else { "}" });
        Cow::Owned(left)
    }

    fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|own| **own == *name)
    }
}

/// The names and values of a JSON object, in order; nothing if it is none.
fn entries(object: &str) -> Option<Entries<'_>> {
    if !object.starts_with('{') {
        return None;
    }
    serde_json::Deserializer::from_str(object).deserialize_map(InOrder).ok()
}

type Entries<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((Name(name), value)) = map.next_entry()? {
            entries.push((name, value));
        }
        Ok(entries)
    }
}

#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn without(names: &[&str], record: &str) -> String {
        let record: &RawValue = serde_json::from_str(record).unwrap();
        names.iter().copied().collect::<Attributes>().left_out_of(record).into_owned()
    }

    #[test]
    fn what_is_left_stands_as_it_came() {
        let record = r#"{"b": 1.50,"Attributes":{"pin":"1234"},"a":[ {"Attributes":2} ],"\u0063":"ü"}"#;
        assert_eq!(without(&["Attributes", "x"], record), r#"{"b":1.50,"a":[ {"Attributes":2} ],"c":"ü"}"#);
    }

    #[test]
    fn a_record_without_any_of_them_is_untouched() {
        for record in [r#"{ "a" : 1 }"#, "[1,2]", r#""Attributes""#, "{}"] {
            assert_eq!(without(&["Attributes"], record), record);
        }
        assert_eq!(without(&[], r#"{"Attributes":1}"#), r#"{"Attributes":1}"#);
    }

    #[test]
    fn an_escaped_name_is_the_same_name_and_a_repeated_one_goes_each_time() {
        assert_eq!(without(&["Attributes"], r#"{"\u0041ttributes":1,"Attributes":2}"#), "{}");
    }
}
