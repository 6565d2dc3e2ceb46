//! A table of the file, read key by key.
//!
//! What is asked for is what is known: the keys that were asked for are the schema. What is left over at the end is
//! unknown, and only values that were asked for are ever shown.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::nearest;
use super::value::{Read, Wrong};

/// The most characters of a value that a message repeats.
const MAX_FOUND: usize = 60;

/// A fault, before it is known what may be shown around it.
#[derive(Debug)]
pub(super) struct Note {
    /// The bytes that it is about; nothing for the file as a whole.
    pub(super) span: Option<Range<usize>>,
    pub(super) key: Option<String>,
    pub(super) message: String,
    pub(super) help: Vec<String>,
}

/// What reading the tables brings to light.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) faults: Vec<Note>,
    /// Where the values start that may be shown.
    pub(super) public: HashSet<usize>,
    /// Every key that was asked for, such as `source.kinesis.stream`.
    pub(super) known: BTreeSet<String>,
}

/// The way to a table: as it is shown, and as the schema knows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Path {
    shown: String,
    schema: String,
}

impl Path {
    fn child(&self, key: &str) -> Self {
        Self { shown: joined(&self.shown, key), schema: joined(&self.schema, key) }
    }

    /// This element of an array of tables, by its name.
    fn element(&self, name: impl fmt::Display) -> Self {
        Self { shown: format!("{}[{name}]", self.shown), schema: self.schema.clone() }
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A table that is being read; one that is not in the file reads as empty.
#[derive(Debug)]
pub(super) struct Table<'n, 't> {
    notes: &'n mut Notes,
    content: Option<&'t DeTable<'t>>,
    /// Its header, or where it would belong; nothing for the whole file.
    header: Option<Range<usize>>,
    path: Path,
    known: Vec<&'static str>,
    /// Keys that are known, but not here.
    refused: Vec<&'static str>,
    /// Keys that must be there and are not, with what helps.
    missing: Vec<(&'static str, Option<String>)>,
}

impl<'n, 't> Table<'n, 't> {
    /// The whole file.
    pub(super) fn root(content: &'t DeTable<'t>, notes: &'n mut Notes) -> Self {
        Self::new(notes, Some(content), None, Path::default())
    }

    fn new(
        notes: &'n mut Notes,
        content: Option<&'t DeTable<'t>>,
        header: Option<Range<usize>>,
        path: Path,
    ) -> Self {
        Self { notes, content, header, path, known: Vec::new(), refused: Vec::new(), missing: Vec::new() }
    }

    /// The value of a key; nothing where there is none, or where it is wrong and was noted.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'t>) -> Read<T>,
    ) -> Option<T> {
        let value = self.ask(key)?;
        let result = read(value.get_ref());
        let is_secret = result.as_ref().is_err_and(|wrong| wrong.secret);
        if !is_secret && !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_)) {
            self.notes.public.insert(value.span().start);
        }
        result.map_err(|wrong| self.note_wrong(key, value, wrong)).ok()
    }

    /// The value of a key that must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'t>) -> Read<T>,
    ) -> Option<T> {
        self.require(key, None);
        self.optional(key, read)
    }

    /// Sets what a key sets; without the key, `slot` stays at its default.
    pub(super) fn set<T>(
        &mut self,
        key: &'static str,
        slot: &mut T,
        read: impl FnOnce(&DeValue<'t>) -> Read<T>,
    ) {
        if let Some(value) = self.optional(key, read) {
            *slot = value;
        }
    }

    /// A table within this one.
    pub(super) fn table(&mut self, key: &'static str) -> Table<'_, 't> {
        let path = self.path.child(key);
        let (content, header) = match self.ask(key) {
            None => (None, self.header.clone()),
            Some(value) => {
                let content = value.get_ref().as_table();
                if content.is_none() {
                    self.note_type(key, value, &format!("a table: [{}]", path.schema), Vec::new());
                }
                (content, Some(value.span()))
            }
        };
        Table::new(self.notes, content, header, path)
    }

    /// A table within this one that must be there.
    pub(super) fn required_table(&mut self, key: &'static str) -> Table<'_, 't> {
        self.require(key, Some(format!("add the table [{}]", self.path.child(key).schema)));
        self.table(key)
    }

    /// Reads each table of an array of tables, at most `most`, of which there must be one.
    pub(super) fn each_table<T>(
        &mut self,
        key: &'static str,
        most: usize,
        mut read: impl FnMut(Table<'_, 't>) -> Option<T>,
    ) -> Vec<T> {
        let path = self.path.child(key);
        self.require(key, Some(format!("add a table [[{}]], in double brackets", path.schema)));
        self.tables(key, most, &mut read)
    }

    /// The same where there need not be one.
    pub(super) fn any_tables<T>(
        &mut self,
        key: &'static str,
        most: usize,
        mut read: impl FnMut(Table<'_, 't>) -> Option<T>,
    ) -> Vec<T> {
        if !self.has(key) {
            // What is asked for is what is known.
            self.ask(key);
            let path = self.path.child(key);
            read(Table::new(self.notes, None, self.header.clone(), path));
            return Vec::new();
        }
        self.tables(key, most, &mut read)
    }

    fn tables<T>(
        &mut self,
        key: &'static str,
        most: usize,
        read: &mut impl FnMut(Table<'_, 't>) -> Option<T>,
    ) -> Vec<T> {
        let path = self.path.child(key);
        let Some(value) = self.ask(key) else { return Vec::new() };
        let help = || vec![format!("each begins with [[{}]], in double brackets", path.schema)];
        let Some(elements) = value.get_ref().as_array() else {
            self.note_type(key, value, "an array of tables", help());
            return Vec::new();
        };
        if elements.is_empty() {
            self.note(value.span(), Some(key), "there is no table in this array".to_owned(), help());
        }
        if let Some(first_too_many) = elements.get(most) {
            let message =
                format!("there are {} tables [[{}]]; {most} are possible", elements.len(), path.schema);
            self.note(first_too_many.span(), Some(key), message, Vec::new());
        }
        let mut all = Vec::new();
        for (index, element) in elements.iter().take(most).enumerate() {
            let path = path.element(format_args!("#{}", index + 1));
            match element.get_ref().as_table() {
                Some(content) => {
                    all.extend(read(Table::new(self.notes, Some(content), Some(element.span()), path)));
                }
                None => self.note_type(key, element, "a table", help()),
            }
        }
        all
    }

    /// Calls this element of an array by a name instead of its number.
    pub(super) fn name(&mut self, name: impl fmt::Display) {
        let array = self.path.shown.rfind('[').unwrap_or(self.path.shown.len());
        self.path.shown.truncate(array);
        self.path = self.path.element(name);
    }

    /// Notes that a key is there which does not belong here.
    pub(super) fn refuse(&mut self, key: &'static str, why: impl FnOnce() -> String) {
        if let Some(span) = self.key_span(key) {
            self.note(span, Some(key), why(), Vec::new());
        }
        self.refused.push(key);
    }

    /// Notes that one of two keys is there without the other.
    pub(super) fn need_each_other(&mut self, one: &'static str, other: &'static str) {
        self.needs(one, other);
        self.needs(other, one);
    }

    /// Notes that `key` is there without `needed`.
    pub(super) fn needs(&mut self, key: &'static str, needed: &'static str) {
        if let Some(span) = self.key_span(key).filter(|_| !self.has(needed)) {
            self.note(span, Some(key), format!("`{key}` needs `{needed}`, which is missing"), Vec::new());
        }
    }

    /// Notes that both of two keys are there.
    pub(super) fn excludes(&mut self, key: &'static str, other: &'static str) {
        if let Some(span) = self.key_span(key).filter(|_| self.has(other)) {
            self.note(span, Some(key), format!("`{key}` and `{other}` exclude each other"), Vec::new());
        }
    }

    /// Notes that a key is missing, and what to do about it.
    pub(super) fn lack(&mut self, key: &'static str, help: &str) {
        self.require(key, Some(help.to_owned()));
    }

    /// Whether a key is there, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.content.is_some_and(|content| content.contains_key(key))
    }

    /// Where the value of a key is.
    pub(super) fn value_span(&self, key: &str) -> Option<Range<usize>> {
        Some(self.content?.get(key)?.span())
    }

    fn key_span(&self, key: &str) -> Option<Range<usize>> {
        Some(self.content?.get_key_value(key)?.0.span())
    }

    /// Notes a fault of this table.
    pub(super) fn note(&mut self, span: Range<usize>, key: Option<&str>, message: String, help: Vec<String>) {
        self.note_at(Some(span), key, message, help);
    }

    /// Notes a fault of another table, by where a key of it is shown to be.
    pub(super) fn note_of(&mut self, key: &str, span: Range<usize>, message: String, help: Vec<String>) {
        self.notes.faults.push(Note { span: Some(span), key: Some(key.to_owned()), message, help });
    }

    /// Where a key of this table is shown to be.
    pub(super) fn shown(&self, key: &str) -> String {
        joined(&self.path.shown, key)
    }

    fn note_at(&mut self, span: Option<Range<usize>>, key: Option<&str>, message: String, help: Vec<String>) {
        let key = key.map_or_else(|| self.path.shown.clone(), |key| joined(&self.path.shown, key));
        self.notes.faults.push(Note { span, key: Some(key), message, help });
    }

    /// Notes what is unknown and what is missing. A key that is missing because it is misspelt is told once.
    pub(super) fn finish(mut self) {
        let Some(content) = self.content else { return };
        let mut meant = Vec::new();
        let is_known = |key: &str| self.known.iter().chain(&self.refused).any(|known| *known == key);
        let unknown: Vec<_> = content.keys().filter(|key| !is_known(key.get_ref())).collect();
        for key in unknown {
            let near = nearest(key.get_ref(), self.known.iter().copied());
            meant.extend(near);
            let mut help: Vec<String> =
                near.map(|name| format!("did you mean `{name}`?")).into_iter().collect();
            help.push(format!("known here: {}", self.known.join(", ")));
            let name = if is_name(key.get_ref()) { key.get_ref() } else { "?" };
            self.note(key.span(), Some(name), format!("`{name}` is not a known key"), help);
        }
        for (key, help) in std::mem::take(&mut self.missing) {
            if !meant.contains(&key) {
                let message = format!("the key `{key}` is missing");
                self.note_at(self.header.clone(), Some(key), message, help.into_iter().collect());
            }
        }
    }

    fn ask(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        if !self.known.contains(&key) {
            self.known.push(key);
            self.notes.known.insert(joined(&self.path.schema, key));
        }
        self.content?.get(key)
    }

    fn require(&mut self, key: &'static str, help: Option<String>) {
        if self.content.is_some_and(|content| !content.contains_key(key)) {
            self.missing.push((key, help));
        }
    }

    fn note_wrong(&mut self, key: &'static str, value: &Spanned<DeValue<'t>>, wrong: Wrong) {
        let Wrong { expected, help, secret } = wrong;
        let found = if secret { hidden(value.get_ref()) } else { found(value.get_ref()) };
        let message = format!("expected {expected}, found {found}");
        self.note(value.span(), Some(key), message, help.into_iter().collect());
    }

    /// Notes that a value is not even of the type that is needed; then nobody knows what it holds.
    fn note_type(&mut self, key: &str, value: &Spanned<DeValue<'t>>, expected: &str, help: Vec<String>) {
        let message = format!("expected {expected}, found {}", type_of(value.get_ref()));
        self.note(value.span(), Some(key), message, help);
    }
}

/// Whether a key looks like a name. Anything else may be a text that lost its place, and is not shown.
pub(super) fn is_name(key: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_FOUND).contains(&key.len()) && key.bytes().all(is_allowed)
}

/// What a value is, without the value.
fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// A value that may be a secret, in a message.
fn hidden(value: &DeValue<'_>) -> String {
    if value.is_str() { "a text that is not shown".to_owned() } else { type_of(value).to_owned() }
}

/// A value in a message.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() > MAX_FOUND => "a long text".to_owned(),
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(value) => value.to_string(),
        other => type_of(other).to_owned(),
    }
}
