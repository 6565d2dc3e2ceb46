//! What `[sink.nats]` says: which stream of NATS is sent changes of agents' states.

use std::path::{Path, PathBuf};

use pegboard_sinks::SinkReport;
use pegboard_sinks::nats::{NatsServer, SubjectTemplate};
use toml::de::DeValue;

use super::table_of;
use crate::config::secret::SecretRef;
use crate::config::table::Table;
use crate::config::value::{self, Read, Wrong};

/// The most servers of a cluster that are named.
pub const MAX_SERVERS: usize = 10;

/// Which stream of NATS is sent changes of agents' states.
#[derive(Debug, Clone, PartialEq)]
pub struct NatsSettings {
    /// The servers.
    pub at: NatsPlace,
    /// The subject of a change.
    pub subject: SubjectTemplate,
}

/// How servers of NATS are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsPlace {
    /// Servers of one cluster.
    pub servers: Vec<NatsServer>,
    /// Who comes.
    pub login: NatsAccess,
    /// Certificates that are trusted besides those of the operating system.
    pub trusted_certificates: Option<PathBuf>,
}

impl NatsPlace {
    /// Reads its keys of a table.
    pub(in crate::config) fn read(table: &mut Table<'_, '_>, folder: &Path) -> Option<Self> {
        let servers = table.required("servers", servers);
        let login = access(table, folder);
        let trusted_certificates = table.optional("trusted_certificates", value::path(folder));
        Some(Self { servers: servers?, login: login?, trusted_certificates })
    }
}

/// How the server is told who comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NatsAccess {
    /// It is not.
    Nobody,
    /// By a token.
    Token(SecretRef),
    /// By a name and a password.
    User(String, SecretRef),
}

impl NatsSettings {
    /// It is sent no reports.
    pub fn reports(&self) -> Vec<SinkReport> {
        Vec::new()
    }

    pub(super) fn read(sink: &mut Table<'_, '_>, is_it: bool, folder: &Path) -> Option<Self> {
        let mut table = table_of(sink, is_it, "nats");
        let at = NatsPlace::read(&mut table, folder);
        let subject = table.optional("subject", subject).unwrap_or_default();
        table.finish();
        Some(Self { at: at?, subject })
    }
}

/// A name and a password, a password that is a token, or nothing of it.
fn access(table: &mut Table<'_, '_>, folder: &Path) -> Option<NatsAccess> {
    let user = table.optional("user", value::words("a name"));
    let password = table.optional("password", value::secret(folder));
    match (user, password) {
        (None, None) => Some(NatsAccess::Nobody),
        (None, Some(token)) => Some(NatsAccess::Token(token)),
        (Some(user), Some(password)) => Some(NatsAccess::User(user, password)),
        (Some(_), None) => {
            let message = "who comes with a name has a `password`, too".to_owned();
            table.note(table.value_span("user")?, Some("user"), message, Vec::new());
            None
        }
    }
}

fn servers(value: &DeValue<'_>) -> Read<Vec<NatsServer>> {
    let expected = || {
        Wrong::expected(format!(
            "a list of 1 to {MAX_SERVERS} servers of NATS, each once: nats://<host>:<port>, or tls://<host>:<port>"
        ))
    };
    // An address may hold a password, where it has no business to be.
    let given = value::some_names(MAX_SERVERS)(value).map_err(|_| expected().secret())?;
    given.iter().map(|server| server.parse().map_err(|_| expected().secret())).collect()
}

fn subject(value: &DeValue<'_>) -> Read<SubjectTemplate> {
    let wrong = || Wrong::expected("a subject of NATS, such as \"pegboard.states.{source}\"");
    let text = value.as_str().ok_or_else(wrong)?;
    text.parse().map_err(|error: pegboard_sinks::nats::InvalidSubject| wrong().help(error.to_string()))
}
