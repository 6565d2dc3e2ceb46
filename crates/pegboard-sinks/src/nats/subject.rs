//! Under which subject a change is published.

use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// The longest template, in bytes.
pub(super) const MOST_TEMPLATE_BYTES: usize = 200;

/// The longest name that stands in a subject as it is, in bytes.
pub(super) const MOST_NAME_BYTES: usize = 128;

/// Words with dots between, such as `pegboard.states.{source}`: the words `{source}` and `{agent}` stand for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectTemplate(Vec<Word>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Same(String),
    Source,
    Agent,
}

/// A text that is no template of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a subject is words of visible ASCII with dots between, without \"*\" and \">\", at most {MOST_TEMPLATE_BYTES} \
     bytes; the words {{source}} and {{agent}} stand for names, and the first does not begin with \"$\""
)]
pub struct InvalidSubject;

impl SubjectTemplate {
    /// The subject of an agent's changes.
    pub(super) fn of(&self, source: &str, agent: &str) -> String {
        let word = |word: &Word| match word {
            Word::Same(text) => text.clone(),
            Word::Source => name(source),
            Word::Agent => name(agent),
        };
        self.0.iter().map(word).collect::<Vec<_>>().join(".")
    }

    /// The same with a wildcard for each name: whatever is published has a subject that it fits.
    pub(super) fn all(&self) -> String {
        let word = |word: &Word| match word {
            Word::Same(text) => text.clone(),
            Word::Source | Word::Agent => "*".to_owned(),
        };
        self.0.iter().map(word).collect::<Vec<_>>().join(".")
    }
}

impl Default for SubjectTemplate {
    /// `pegboard.states.{source}`.
    fn default() -> Self {
        Self(vec![Word::Same("pegboard".to_owned()), Word::Same("states".to_owned()), Word::Source])
    }
}

impl FromStr for SubjectTemplate {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        if text.len() > MOST_TEMPLATE_BYTES || text.starts_with('$') {
            return Err(InvalidSubject);
        }
        let is_plain = |text: &str| {
            let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"*>{}".contains(&byte);
            !text.is_empty() && text.bytes().all(is_allowed)
        };
        let word = |text: &str| match text {
            "{source}" => Ok(Word::Source),
            "{agent}" => Ok(Word::Agent),
            text if is_plain(text) => Ok(Word::Same(text.to_owned())),
            _ => Err(InvalidSubject),
        };
        text.split('.').map(word).collect::<Result<_, _>>().map(Self)
    }
}

/// A name as one word: letters, digits, `-` and `_` as they are, every other byte as `%` and two digits; one that is too long or
/// empty as a hash.
fn name(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let one = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let word: String = name.bytes().map(one).collect();
    if (1..=MOST_NAME_BYTES).contains(&word.len()) {
        return word;
    }
    Sha256::digest(name).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
