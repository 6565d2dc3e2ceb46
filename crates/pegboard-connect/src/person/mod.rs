//! A person who is to be forgotten: what names him, and what stands in its place.
//!
//! Ids, logins and addresses name one person wherever they stand. A name may be another's, too: it is replaced where the
//! object, the record or the row that it stands in names the person otherwise, and parts of a name only beside such. All of
//! it becomes the same pseudonym, so that what was one person's stays one person's, and every number stays what it was.
//! Everything but the strings that name him stays byte for byte.

mod learn;
mod literals;
mod terms;

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use self::literals::{Literal, Literals, decoded, literals};
pub use self::terms::Terms;
use self::terms::{Weight, is_of_person};

/// Whom nothing is to name any more.
pub struct Person {
    terms: Terms,
    pseudonym: String,
    finder: AhoCorasick,
    /// How much each pattern of the finder says.
    weights: Vec<Weight>,
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'a> {
    /// What it is called there: the name of its member, or of its column.
    pub key: &'a str,
    /// Whether what it stands in names the person otherwise.
    pub named: Named,
    /// Whether it is for people, and no number is made of it.
    pub is_prose: bool,
}

/// Whether something names the person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// Not that anybody knows.
    #[default]
    No,
    /// What it stands in does.
    Around,
    /// What stands beside it does.
    Beside,
}

/// A person is not shown.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("pseudonym", &self.pseudonym).finish_non_exhaustive()
    }
}

impl Person {
    /// The person that `terms` name, and what he is called from now on. Nothing if nothing names him, or too much does.
    pub fn new(terms: Terms, pseudonym: &str) -> Option<Self> {
        let mut patterns = Vec::new();
        let mut weights = Vec::new();
        for (term, weight) in terms.weighted() {
            let mut spellings = vec![term.to_lowercase(), term.to_uppercase(), term];
            spellings.dedup();
            weights.resize(weights.len() + spellings.len(), weight);
            patterns.append(&mut spellings);
        }
        if patterns.is_empty() {
            return None;
        }
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&patterns)
            .ok()?;
        Some(Self { terms, pseudonym: pseudonym.to_owned(), finder, weights })
    }

    /// What names him.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What he is called from now on.
    pub fn pseudonym(&self) -> &str {
        &self.pseudonym
    }

    /// Whether a text names him by an id, a login or an address.
    pub fn is_named_by(&self, text: &str, place: Place<'_>) -> bool {
        if looks_like_json(text) {
            return self.may_be_in(text)
                && self.names_within(text, &literals(text)).iter().any(|names| *names);
        }
        self.found(text, place).iter().any(|found| found.weight.names_one())
    }

    /// A text without what names him; nothing if nothing does.
    pub fn rewritten(&self, text: &str, place: Place<'_>) -> Option<String> {
        if !self.may_be_in(text) {
            return None;
        }
        if looks_like_json(text) { self.json(text, place) } else { self.plain(text, place) }
    }

    /// The same of bytes. What is no text is nothing afterwards: nobody can tell whom it names.
    pub fn rewritten_bytes(&self, bytes: &[u8], place: Place<'_>) -> Option<Vec<u8>> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.rewritten(text, place).map(String::into_bytes),
            Err(_) => Some(Vec::new()),
        }
    }

    /// Whether there is anything to look for: a backslash may hide it.
    fn may_be_in(&self, text: &str) -> bool {
        self.finder.is_match(text) || memchr::memchr(b'\\', text.as_bytes()).is_some()
    }

    fn plain(&self, text: &str, place: Place<'_>) -> Option<String> {
        let found = self.found(text, place);
        if found.is_empty() {
            return None;
        }
        // A first name and the rest make one name: put together they are what the whole name has become.
        let instead = |weight| match weight {
            Weight::Rest if !place.is_prose => String::new(),
            _ => self.pseudonym.clone(),
        };
        Some(edited(text, found.into_iter().map(|found| (found.range, instead(found.weight))).collect()))
    }

    fn json(&self, text: &str, place: Place<'_>) -> Option<String> {
        let literals = literals(text);
        let names = self.names_within(text, &literals);
        let mut edits = Vec::new();
        for literal in &literals.all {
            let given = &text[literal.range.clone()];
            let said = decoded(given);
            let key = literal.key.clone().map(|key| decoded(&text[key]));
            let here = Place {
                key: key.as_deref().unwrap_or(place.key),
                named: named_at(literal, &literals, &names, place.named),
                is_prose: place.is_prose,
            };
            if let Some(rewritten) = self.rewritten(&said, here) {
                edits.push((literal.range.clone(), serde_json::Value::from(rewritten).to_string()));
            }
        }
        if let Some(cut) = literals.cut {
            let is_prose = Place { is_prose: true, ..place };
            edits.extend(self.plain(&text[cut..], is_prose).map(|rest| (cut..text.len(), rest)));
        }
        (!edits.is_empty()).then(|| edited(text, edits))
    }

    /// Which objects of a text name him by a string of their own.
    fn names_within(&self, text: &str, literals: &Literals) -> Vec<bool> {
        let mut names = vec![false; literals.parents.len()];
        for literal in literals.all.iter().filter(|literal| !literal.is_key) {
            let said = decoded(&text[literal.range.clone()]);
            let key = literal.key.clone().map(|key| decoded(&text[key]));
            let place = Place { key: key.as_deref().unwrap_or_default(), ..Place::default() };
            if let Some(names) = names.get_mut(literal.within).filter(|names| !**names) {
                *names = self.is_named_by(&said, place);
            }
        }
        names
    }

    /// What of a text names him, in order.
    fn found(&self, text: &str, place: Place<'_>) -> Vec<Found> {
        let mut found: Vec<(Found, bool)> = Vec::new();
        for hit in self.finder.find_iter(text) {
            let (range, weight) = (hit.range(), self.weights[hit.pattern().as_usize()]);
            let around = Surroundings::of(text, &range);
            if !around.is_apart {
                continue;
            }
            let counts = match weight {
                Weight::Identifier => true,
                Weight::Word => {
                    (around.is_delimited && is_of_person(place.key))
                        || (around.is_whole && place.named == Named::Beside)
                        || (place.is_prose && range.len() > 2)
                }
                Weight::Name => place.named != Named::No || place.is_prose,
                Weight::Part | Weight::Rest => around.is_whole && place.named == Named::Beside,
            };
            found.push((Found { range, weight }, counts));
        }
        let any = found.iter().any(|(_, counts)| *counts);
        let also = |found: &Found| place.is_prose && any && found.range.len() > 2;
        found.into_iter().filter(|(found, counts)| *counts || also(found)).map(|(found, _)| found).collect()
    }
}

/// Something that names the person.
#[derive(Debug)]
struct Found {
    range: Range<usize>,
    weight: Weight,
}

/// What stands around something in a text.
struct Surroundings {
    /// No letter and no digit.
    is_apart: bool,
    /// Nothing, or what parts of a path or of a key are divided by.
    is_delimited: bool,
    /// Nothing.
    is_whole: bool,
}

impl Surroundings {
    fn of(text: &str, range: &Range<usize>) -> Self {
        let before = text.get(..range.start).and_then(|before| before.chars().next_back());
        let after = text.get(range.end..).and_then(|after| after.chars().next());
        let both = |is: fn(char) -> bool| [before, after].into_iter().flatten().all(is);
        Self {
            is_apart: both(|near| !near.is_alphanumeric()),
            is_delimited: both(|near| "/\u{1f}|\\:@=&,;\"\t\r\n".contains(near)),
            is_whole: before.is_none() && after.is_none(),
        }
    }
}

fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// How the person is named where a string stands: in its object, or in one around it.
fn named_at(literal: &Literal, literals: &Literals, names: &[bool], outside: Named) -> Named {
    let is_named = |number: usize| names.get(number).copied().unwrap_or_default();
    if is_named(literal.within) {
        return Named::Beside;
    }
    let mut number = literal.within;
    while number != 0 {
        number = literals.parents.get(number).copied().unwrap_or_default();
        if is_named(number) {
            return Named::Around;
        }
    }
    outside.min(Named::Around)
}

/// A text with edits, which are in order.
fn edited(text: &str, edits: Vec<(Range<usize>, String)>) -> String {
    let mut new = String::with_capacity(text.len());
    let mut done = 0;
    for (range, instead) in edits {
        new.push_str(&text[done..range.start]);
        new.push_str(&instead);
        done = range.end;
    }
    new.push_str(&text[done..]);
    new
}

/// Which strings of several objects are the same person's: for those who look for more of his names.
fn own(literals: &Literals, names: &[bool]) -> HashSet<usize> {
    (0..literals.parents.len()).filter(|number| names.get(*number).copied().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests;
