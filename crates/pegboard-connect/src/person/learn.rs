//! What else names a person: what stands beside his id.

use super::literals::{decoded, literals};
use super::{Named, Person, Terms, looks_like_json, own};

/// What logins and addresses are called, in small letters and digits alone.
const IDENTIFIERS: [&str; 8] =
    ["login", "agentlogin", "username", "agentusername", "email", "emailaddress", "mail", "workername"];

/// The same of names.
const NAMES: [&str; 9] = [
    "name",
    "agentname",
    "fullname",
    "displayname",
    "firstname",
    "lastname",
    "givenname",
    "familyname",
    "friendlyname",
];

/// The longest name that is taken for one, in bytes.
const LONGEST: usize = 256;

/// The most terms that name one person.
pub(super) const MOST_TERMS: usize = 200;

impl Person {
    /// Notes what names him in the objects of a JSON text that hold something that is known to. `named`: what the text stands
    /// in does.
    pub fn learn(&self, text: &str, named: Named, more: &mut Terms) {
        if !looks_like_json(text) || !(named == Named::Beside || self.may_be_in(text)) {
            return;
        }
        let literals = literals(text);
        let names = self.names_within(text, &literals);
        let own = own(&literals, &names);
        for literal in literals.all.iter().filter(|literal| !literal.is_key) {
            let said = decoded(&text[literal.range.clone()]);
            if looks_like_json(&said) {
                self.learn(&said, Named::No, more);
                continue;
            }
            if !own.contains(&literal.within) {
                continue;
            }
            let Some(key) = literal.key.clone().map(|key| plain(&decoded(&text[key]))) else { continue };
            self.note(&key, said.trim(), more);
        }
    }

    fn note(&self, key: &str, said: &str, more: &mut Terms) {
        let is_full = more.identifiers.len() + more.names.len() >= MOST_TERMS;
        if said.is_empty() || said.len() > LONGEST || said == self.pseudonym() || is_full {
            return;
        }
        if IDENTIFIERS.contains(&key) {
            more.identifiers.insert(said.to_owned());
        } else if NAMES.contains(&key) {
            more.names.insert(said.to_owned());
        }
    }
}

/// A name of a member in small letters and digits.
fn plain(key: &str) -> String {
    key.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
