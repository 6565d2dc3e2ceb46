//! The strings of a JSON text, each with the object that it stands in; everything else of the text is nobody's name.

use std::borrow::Cow;
use std::ops::Range;

/// A string as it stands in the text.
#[derive(Debug)]
pub(super) struct Literal {
    /// Where it stands, with its quotation marks.
    pub(super) range: Range<usize>,
    /// The number of the object or list that it stands in; 0 outside of all.
    pub(super) within: usize,
    /// Whether it is the name of a member.
    pub(super) is_key: bool,
    /// Where the name of its member stands, if it is the value of one.
    pub(super) key: Option<Range<usize>>,
}

/// All strings of a text.
#[derive(Debug, Default)]
pub(super) struct Literals {
    /// In the order of the text.
    pub(super) all: Vec<Literal>,
    /// What each object or list stands in itself.
    pub(super) parents: Vec<usize>,
    /// Where the last string begins if the text ends before it does.
    pub(super) cut: Option<usize>,
}

#[derive(Debug, Clone)]
struct Level {
    number: usize,
    is_object: bool,
    wants_key: bool,
    key: Option<Range<usize>>,
}

/// Finds the strings of a text that is JSON, several values of it, or the beginning of one.
pub(super) fn literals(text: &str) -> Literals {
    let mut found = Literals { parents: vec![0], ..Literals::default() };
    let outside = Level { number: 0, is_object: false, wants_key: false, key: None };
    let mut levels = vec![outside.clone()];
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let depth = levels.len();
        let level = levels.last_mut().map_or_else(|| outside.clone(), |level| level.clone());
        match byte {
            b'"' => {
                let Some(end) = end_of(bytes, at) else {
                    found.cut = Some(at);
                    return found;
                };
                let is_key = level.is_object && level.wants_key;
                let key = level.key.clone().filter(|_| !is_key);
                found.all.push(Literal { range: at..end, within: level.number, is_key, key });
                if let Some(level) = levels.last_mut().filter(|_| is_key) {
                    (level.wants_key, level.key) = (false, Some(at..end));
                }
                at = end;
                continue;
            }
            b'{' | b'[' => {
                let (number, is_object) = (found.parents.len(), *byte == b'{');
                found.parents.push(level.number);
                levels.push(Level { number, is_object, wants_key: is_object, key: None });
            }
            b'}' | b']' if depth > 1 => drop(levels.pop()),
            b',' => {
                if let Some(level) = levels.last_mut() {
                    (level.wants_key, level.key) = (level.is_object, None);
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The first byte after the string that begins at `at`.
fn end_of(bytes: &[u8], at: usize) -> Option<usize> {
    let mut next = at + 1;
    loop {
        match bytes.get(next)? {
            b'"' => return Some(next + 1),
            b'\\' => next += 2,
            _ => next += 1,
        }
    }
}

/// What a string says; as it stands where it is none.
pub(super) fn decoded(literal: &str) -> Cow<'_, str> {
    let inner = literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str(literal).map_or(Cow::Borrowed(inner), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let found = literals(text);
        let show = |literal: &Literal| {
            let key = literal.key.clone().map_or("", |key| &text[key]);
            let value = decoded(&text[literal.range.clone()]);
            format!("{}{key}{}{value}", literal.within, if literal.is_key { "=" } else { ":" })
        };
        found.all.iter().map(show).collect()
    }

    #[test]
    fn each_string_stands_in_its_object() {
        let text = r#"{"a":"x","b":{"c":"y"},"d":["z",{"e":"w"}],"f":1}{"g":"v"}"#;
        let expected = [
            "1=a", "1\"a\":x", "1=b", "2=c", "2\"c\":y", "1=d", "3:z", "4=e", "4\"e\":w", "1=f", "5=g",
            "5\"g\":v",
        ];
        assert_eq!(shown(text), expected);
        assert_eq!(literals(text).parents, [0, 0, 1, 1, 3, 0]);
    }

    #[test]
    fn what_is_escaped_is_read_and_what_is_cut_is_told() {
        assert_eq!(shown(r#"{"a":"\"\u00e4\\"}"#), ["1=a", "1\"a\":\"ä\\"]);
        let cut = r#"{"a":"x","b":"y\"#;
        assert_eq!(literals(cut).cut, Some(13));
        assert_eq!(shown("}]nothing"), [] as [&str; 0]);
    }
}
