//! What names a person.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What names a person.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Ids, logins and addresses.
    pub identifiers: BTreeSet<String>,
    /// Names for people.
    pub names: BTreeSet<String>,
}

/// A person is not shown.
impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { identifiers, names } = self;
        write!(f, "Terms({} identifiers, {} names)", identifiers.len(), names.len())
    }
}

/// How much it says that a term stands somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It names one person wherever it stands.
    Identifier,
    /// It does where somebody is named: a login may be a word that means something else elsewhere, a short id a number.
    Word,
    /// It is a name of his, and may be another's, too.
    Name,
    /// It is part of such a name.
    Part,
    /// It is the rest of such a name, which a part of it stands before.
    Rest,
}

impl Weight {
    /// Whether it names him and nobody else.
    pub(super) const fn names_one(self) -> bool {
        matches!(self, Self::Identifier | Self::Word)
    }
}

/// The shortest id that is none of a row, a queue or a count by accident.
const UNMISTAKABLE: usize = 8;

impl Terms {
    /// Takes over what others hold; answers whether anything was new.
    pub fn add(&mut self, other: Self) -> bool {
        let count = self.identifiers.len() + self.names.len();
        self.identifiers.extend(other.identifiers);
        self.names.extend(other.names);
        self.identifiers.len() + self.names.len() > count
    }

    /// Each term once, with what it says at most.
    pub(super) fn weighted(&self) -> Vec<(String, Weight)> {
        let mut all: Vec<(String, Weight)> = Vec::new();
        let mut add = |term: &str, weight| {
            let term = term.trim();
            if !term.is_empty() && all.iter().all(|(known, _)| *known != term) {
                all.push((term.to_owned(), weight));
            }
        };
        for identifier in &self.identifiers {
            add(identifier, weight_of(identifier));
        }
        for name in &self.names {
            let is_single = !name.trim().contains(char::is_whitespace);
            let weight = if is_single { Weight::Part } else { Weight::Name };
            add(name, if self.is_rest(name) { Weight::Rest } else { weight });
        }
        for name in &self.names {
            for part in parts(name) {
                add(&part, if self.is_rest(&part) { Weight::Rest } else { Weight::Part });
            }
        }
        all
    }

    /// Whether a part always follows another one.
    fn is_rest(&self, part: &str) -> bool {
        let after = |name: &String| name.strip_prefix(part.trim()).is_some_and(|rest| rest.starts_with(' '));
        let before = |name: &String| name.strip_suffix(part.trim()).is_some_and(|rest| rest.ends_with(' '));
        self.names.iter().any(before) && !self.names.iter().any(after)
    }
}

fn weight_of(identifier: &str) -> Weight {
    let has = |is: fn(char) -> bool| identifier.contains(is);
    let is_long = identifier.chars().count() >= UNMISTAKABLE;
    let is_mixed = has(|letter| letter.is_ascii_digit()) && has(char::is_alphabetic);
    let is_address = has(|letter| letter == '@');
    let is_composed =
        has(|letter| matches!(letter, '.' | '_' | '-' | '\\' | ' ')) && has(char::is_alphabetic);
    if is_address || (is_long && (is_mixed || is_composed)) { Weight::Identifier } else { Weight::Word }
}

/// Neighbouring words of a name, of two letters or more.
fn parts(name: &str) -> Vec<String> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let mut parts = Vec::new();
    for from in 0..words.len() {
        for to in from + 1..=words.len() {
            let part = words[from..to].join(" ");
            if to - from < words.len() && part.chars().count() > 1 {
                parts.push(part);
            }
        }
    }
    parts
}

/// Whether what is called so is somebody.
pub(super) fn is_of_person(key: &str) -> bool {
    const SOMEBODY: [&str; 8] = ["agent", "user", "login", "worker", "mail", "assignee", "member", "owner"];
    const SOMETHING: [&str; 8] =
        ["queue", "team", "status", "state", "profile", "group", "channel", "hierarchy"];
    let key = key.to_ascii_lowercase();
    SOMEBODY.iter().any(|word| key.contains(word)) && !SOMETHING.iter().any(|word| key.contains(word))
}
