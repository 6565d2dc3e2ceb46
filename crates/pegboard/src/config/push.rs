//! What `[source.push]` says: the key with which an ACD hands in records, and the folder or the stream in which it leaves them.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::secret::SecretRef;
use super::sinks::NatsPlace;
use super::table::Table;
use super::value::{self, Read, Wrong};

/// The longest name of a stream or a consumer, and the longest subject, in bytes.
pub const MAX_NAME_BYTES: usize = 200;

/// How records come to a source, and what whoever hands them in promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushSettings {
    /// With which key they come over HTTP; nothing where they do not.
    pub key: Option<PushKey>,
    /// Where files of them are dropped.
    pub folder: Option<PathBuf>,
    /// Where messages of them are published.
    pub subject: Option<SubjectSettings>,
    /// How what the calls of NICE's SDK say is read.
    pub sdk: SdkSettings,
    /// Whether the ACD confirms the state of everybody who is signed in now and then, so that silence means something.
    pub heartbeat: bool,
}

/// The most statuses that are named.
pub(super) const MOST_STATUSES: usize = 50;

/// How what the calls of NICE's SDK say is read: they tell names of states, and not what those mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdkSettings {
    /// The one ACD whose bodies are taken; of any where nothing is said.
    pub acd_type: Option<String>,
    /// In which statuses contacts are offered, whatever the case.
    pub routable: Vec<String>,
    /// In which nobody is there.
    pub offline: Vec<String>,
}

impl Default for SdkSettings {
    fn default() -> Self {
        Self { acd_type: None, routable: vec!["Available".to_owned()], offline: vec!["Offline".to_owned()] }
    }
}

/// An access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushKey {
    /// Its id.
    pub id: SecretRef,
    /// Its secret.
    pub secret: SecretRef,
}

/// A stream of NATS on which records are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectSettings {
    /// The servers.
    pub at: NatsPlace,
    /// The stream of JetStream.
    pub stream: String,
    /// The durable consumer.
    pub consumer: String,
    /// Only messages of such a subject.
    pub filter: Option<String>,
}

/// The folders in which files are dropped, each of which is for one source.
#[derive(Debug, Default)]
pub(super) struct Drops(Vec<DropFolder>);

#[derive(Debug)]
struct DropFolder {
    path: PathBuf,
    /// Where it is named.
    key: String,
    span: Range<usize>,
    is_shared: bool,
}

impl Drops {
    /// Takes in the folder that a table names. If another source has it already both are told: each file would be read by whichever of
    /// the two comes first.
    fn take(&mut self, path: &Path, table: &mut Table<'_, '_>) {
        let Some(span) = table.value_span("folder") else { return };
        let (path, key): (PathBuf, _) = (path.components().collect(), table.shown("folder"));
        let message = |other: &str| format!("{other} names the same folder");
        let help = || vec!["a folder is for one source: name another one for each".to_owned()];
        let Some(known) = self.0.iter_mut().find(|known| known.path == path) else {
            self.0.push(DropFolder { path, key, span, is_shared: false });
            return;
        };
        table.note(span, Some("folder"), message(&known.key), help());
        if !known.is_shared {
            table.note_of(&known.key, known.span.clone(), message(&key), help());
            known.is_shared = true;
        }
    }
}

/// Reads the table.
pub(super) fn push(mut table: Table<'_, '_>, folder: &Path, drops: &mut Drops) -> PushSettings {
    let id = table.optional("access_key_id", value::secret(folder));
    let secret = table.optional("secret_access_key", value::secret(folder));
    table.need_each_other("access_key_id", "secret_access_key");
    let dropped = table.optional("folder", value::path(folder));
    if let Some(dropped) = &dropped {
        drops.take(dropped, &mut table);
    }
    let mut heartbeat = false;
    table.set("heartbeat", &mut heartbeat, value::boolean);
    let has_subject = table.has("nats");
    if !table.has("access_key_id") && !table.has("folder") && !has_subject {
        let help =
            "records come over HTTP with a key, in files (say `folder` then), or from [source.push.nats]";
        table.lack("access_key_id", help);
    }
    if table.has("sdk") && !table.has("access_key_id") {
        table.lack("access_key_id", "whoever calls as NICE's SDK does signs in with a key");
    }
    let sdk = sdk(table.table("sdk"));
    let subject = subject(table.table("nats"), folder);
    table.finish();
    let key = id.zip(secret).map(|(id, secret)| PushKey { id, secret });
    PushSettings { key, folder: dropped, subject: subject.filter(|_| has_subject), sdk, heartbeat }
}

fn sdk(mut table: Table<'_, '_>) -> SdkSettings {
    let acd_type = table.optional("acd_type", acd_type);
    let mut settings = SdkSettings { acd_type, ..SdkSettings::default() };
    table.set("routable", &mut settings.routable, value::names(MOST_STATUSES));
    table.set("offline", &mut settings.offline, value::names(MOST_STATUSES));
    table.finish();
    settings
}

/// The name of an ACD: without blanks, as NICE has it.
fn acd_type(value: &DeValue<'_>) -> Read<String> {
    let is_name = |text: &&str| {
        (1..=MAX_NAME_BYTES).contains(&text.len()) && !text.contains(|letter: char| letter.is_whitespace())
    };
    let expected = "the name of an ACD: 1 to 200 bytes without blanks";
    value.as_str().filter(is_name).map(str::to_owned).ok_or_else(|| Wrong::expected(expected))
}

fn subject(mut table: Table<'_, '_>, folder: &Path) -> Option<SubjectSettings> {
    let at = NatsPlace::read(&mut table, folder);
    let stream = table.required("stream", name);
    let mut consumer = "pegboard".to_owned();
    table.set("consumer", &mut consumer, name);
    let filter = table.optional("filter", filter);
    table.finish();
    Some(SubjectSettings { at: at?, stream: stream?, consumer, filter })
}

/// The name of a stream, or of a consumer.
fn name(value: &DeValue<'_>) -> Read<String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_name = |text: &&str| (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(is_allowed);
    let expected = "a name of NATS: 1 to 200 letters, digits, \"-\" and \"_\"";
    value.as_str().filter(is_name).map(str::to_owned).ok_or_else(|| Wrong::expected(expected))
}

/// A subject, with wildcards or without.
fn filter(value: &DeValue<'_>) -> Read<String> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    let is_subject = |text: &&str| text.len() <= MAX_NAME_BYTES && text.split('.').all(is_word);
    let expected = "a subject of NATS, such as \"pbx.>\"";
    value.as_str().filter(is_subject).map(str::to_owned).ok_or_else(|| Wrong::expected(expected))
}
