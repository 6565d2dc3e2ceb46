//! Other names for the keys of the bodies, for sites whose service knows them under others.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The most keys that are renamed.
pub(crate) const MAX_RENAMES: usize = 200;

/// How deep a key stands at most that is named by its path.
const MOST_DEEP: usize = 16;

/// The longest name of a key, in bytes.
const MAX_NAME_BYTES: usize = 200;

/// Names of keys, and what they are written as.
///
/// A key is named by its path without indices (`queueReport.workTime`), or by its name alone, wherever it stands (`workTime`). A path goes
/// before a name. What is renamed keeps its place, and paths are made of the names before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldMap(BTreeMap<String, String>);

/// Why names of keys cannot be changed so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFieldMap {
    /// Nothing, too long, or not to be written plainly.
    #[error(
        "`{0}` cannot be the name of a key: 1 to 200 visible characters, without quotation marks and backslashes"
    )]
    Name(String),
    /// One key twice.
    #[error("the key `{0}` is renamed twice")]
    Twice(String),
    /// More than anybody needs.
    #[error("more than 200 keys are renamed")]
    TooMany,
}

impl FieldMap {
    /// Pairs of a key and its other name.
    pub fn new(renames: impl IntoIterator<Item = (String, String)>) -> Result<Self, InvalidFieldMap> {
        let mut map = BTreeMap::new();
        for (key, name) in renames {
            let can_be = |text: &str| {
                let plain = |letter: char| !letter.is_control() && letter != '"' && letter != '\\';
                (1..=MAX_NAME_BYTES).contains(&text.len()) && text.chars().all(plain)
            };
            if let Some(text) = [&key, &name].into_iter().find(|text| !can_be(text)) {
                return Err(InvalidFieldMap::Name(text.clone()));
            }
            if map.len() == MAX_RENAMES {
                return Err(InvalidFieldMap::TooMany);
            }
            if map.insert(key.clone(), name).is_some() {
                return Err(InvalidFieldMap::Twice(key));
            }
        }
        Ok(Self(map))
    }

    /// The body with its keys under their other names. Values, their order and their digits stay as they are; what is no JSON
    /// comes out in some way.
    pub fn rename<'a>(&self, body: &'a str) -> Cow<'a, str> {
        if self.0.is_empty() {
            return Cow::Borrowed(body);
        }
        let mut renamed = String::with_capacity(body.len());
        // The keys on the way to where the scan is; an empty one for each list, and for an object before its first key.
        let mut way: Vec<&str> = Vec::new();
        let mut rest = body;
        while let Some(first) = rest.bytes().next() {
            let length = if first == b'"' { string_length(rest) } else { 1 };
            let (token, after) = rest.split_at(rest.ceil_char_boundary(length));
            rest = after;
            let is_key = first == b'"' && rest.trim_start().starts_with(':');
            match first {
                b'{' | b'[' => way.push(""),
                b'}' | b']' => drop(way.pop()),
                _ => {}
            }
            if !is_key {
                renamed.push_str(token);
                continue;
            }
            let key = token.trim_matches('"');
            if let Some(last) = way.last_mut() {
                *last = key;
            }
            renamed.push('"');
            renamed.push_str(self.name_of(&way, key));
            renamed.push('"');
        }
        Cow::Owned(renamed)
    }

    fn name_of<'a>(&'a self, way: &[&str], key: &'a str) -> &'a str {
        let by_path = || {
            if way.len() > MOST_DEEP {
                return None;
            }
            let path = way.iter().filter(|key| !key.is_empty()).copied().collect::<Vec<_>>().join(".");
            self.0.get(&path)
        };
        by_path().or_else(|| self.0.get(key)).map_or(key, String::as_str)
    }
}

/// How long the string is that a text begins with, quotation marks included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn map(renames: &[(&str, &str)]) -> Result<FieldMap, InvalidFieldMap> {
        FieldMap::new(renames.iter().map(|(key, name)| ((*key).to_owned(), (*name).to_owned())))
    }

    #[test]
    fn keys_are_renamed_by_path_or_by_name_and_nothing_else_changes() {
        let body =
            r#"{"acdType":"agentId","queueReport":[{"queueId":"a\"b:","workTime":1.50},{"workTime":2}],"#
                .to_owned()
                + r#""agentQueueReport":[{"agentId":"\\","workTime":3,"x":{"workTime":[4,"workTime"]}}], "agentId" : "ü:"}"#;
        let renamed = map(&[
            ("workTime", "acw"),
            ("queueReport.workTime", "WorkTime"),
            ("queueReport", "qr"),
            ("agentId", "login"),
        ]);
        let expected = r#"{"acdType":"agentId","qr":[{"queueId":"a\"b:","WorkTime":1.50},{"WorkTime":2}],"#
            .to_owned()
            + r#""agentQueueReport":[{"login":"\\","acw":3,"x":{"acw":[4,"workTime"]}}], "login" : "ü:"}"#;
        assert_eq!(renamed.unwrap().rename(&body), expected);
        assert_eq!(map(&[]).unwrap().rename(&body), body);
    }

    #[test]
    fn what_is_no_json_comes_out_in_some_way() {
        let map = map(&[("a", "b")]).unwrap();
        for text in ["", "\"", "\"\\", "}}]", "ü", "{\"a\"", "{\"a\":"] {
            assert!(map.rename(text).len() <= text.len());
        }
    }

    #[test]
    fn r28_a_key_that_is_named_by_its_path_stands_16_deep_at_most() {
        let map = map(&[("a.a.a.a.a.a.a.b", "c")]).unwrap();
        let deep = |lists: usize| format!("{}{}{{\"b\":0}}", "{\"a\":".repeat(7), "[".repeat(lists));
        assert!(map.rename(&deep(MOST_DEEP - 8)).contains("\"c\""));
        assert!(map.rename(&deep(MOST_DEEP - 7)).contains("\"b\""));
    }

    /// JSON of names `a` and `b`, and of texts that look like more.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "[ab\"\\\\:{}\\[\\],ü]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab]{1,2}", inner, 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    fn renamed(value: Value) -> Value {
        match value {
            Value::Object(entries) => {
                let name = |key: String| if key == "a" { "x".to_owned() } else { key };
                entries.into_iter().map(|(key, value)| (name(key), renamed(value))).collect()
            }
            Value::Array(items) => items.into_iter().map(renamed).collect(),
            other => other,
        }
    }

    proptest! {
        #[test]
        fn only_names_of_keys_change(value in json()) {
            let map = map(&[("a", "x")]).unwrap();
            let text = value.to_string();
            prop_assert_eq!(serde_json::from_str::<Value>(&map.rename(&text)).unwrap(), renamed(value));
        }
    }

    #[test]
    fn names_that_cannot_be_written_plainly_are_refused() {
        assert_eq!(map(&[("a", "")]), Err(InvalidFieldMap::Name(String::new())));
        assert_eq!(map(&[("a", "b\"")]), Err(InvalidFieldMap::Name("b\"".into())));
        assert_eq!(map(&[("a", "b"), ("a", "c")]), Err(InvalidFieldMap::Twice("a".into())));
    }

    #[test]
    fn r28_200_keys_are_renamed_at_most_to_200_characters_each() {
        let many = |count: usize| FieldMap::new((0..count).map(|n| (format!("k{n}"), "x".to_owned())));
        assert!(many(MAX_RENAMES).is_ok());
        assert_eq!(many(MAX_RENAMES + 1), Err(InvalidFieldMap::TooMany));
        let long = |length: usize| FieldMap::new([("a".to_owned(), "x".repeat(length))]);
        assert!(long(MAX_NAME_BYTES).is_ok());
        assert!(matches!(long(MAX_NAME_BYTES + 1), Err(InvalidFieldMap::Name(_))));
    }
}
