//! What `[alarm]` says: whom alarms are told.

use std::path::{Path, PathBuf};

use pegboard_model::{Millis, Text};
use pegboard_net::mail::MOST_RECIPIENTS;
use pegboard_net::{MailAddress, Opening, Security, Target};

use super::choice::choice;
use super::secret::SecretRef;
use super::sinks::MAX_OPENINGS;
use super::table::Table;
use super::value;
use crate::runtime::alarms::condition::Severity;

/// The most outlets of one hub.
pub const MAX_OUTLETS: usize = 20;

/// The most keys that messages of one outlet are signed with: two, while one replaces the other.
pub const MAX_SIGNING_KEYS: usize = 2;

/// How long messages of one outlet may be collected.
const LONGEST_PAUSE: Millis = Millis::from_hours(24);

/// One outlet.
#[derive(Debug, Clone, PartialEq)]
pub struct OutletConfig {
    /// Its name, `[a-z0-9-]{1,64}`: what it was told is kept under it.
    pub name: Text,
    /// What is less bad is not told.
    pub severity: LeastSeverity,
    /// How long after one message the next may follow.
    pub pause: Millis,
    /// Who it is.
    pub target: OutletTarget,
}

/// Who is told.
#[derive(Debug, Clone, PartialEq)]
pub enum OutletTarget {
    /// An address to which events are posted.
    Webhook(OutletWebhookSettings),
    /// People, by mail.
    Email(Box<EmailSettings>),
}

/// How a webhook is reached.
#[derive(Debug, Clone, PartialEq)]
pub struct OutletWebhookSettings {
    /// Where.
    pub url: Target,
    /// What messages are signed with.
    pub signing_keys: Vec<SecretRef>,
    /// What it may reach beyond public addresses.
    pub allow: Vec<Opening>,
    /// Certificates that are trusted besides those of the operating system.
    pub trusted_certificates: Option<PathBuf>,
}

/// How mails are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct EmailSettings {
    /// The server.
    pub host: String,
    /// Its port; that of the kind of connection where nothing is said.
    pub port: u16,
    /// How it is spoken to.
    pub security: MailSecurity,
    /// Who signs in there.
    pub login: Option<(SecretRef, SecretRef)>,
    /// From whom.
    pub from: MailAddress,
    /// To whom.
    pub to: Vec<MailAddress>,
    /// What it may reach beyond public addresses.
    pub allow: Vec<Opening>,
    /// Certificates that are trusted besides those of the operating system.
    pub trusted_certificates: Option<PathBuf>,
}

choice! {
    /// The kind of an outlet.
    OutletKind {
        /// An address to which events are posted.
        Webhook = "webhook",
        /// People, by mail.
        Email = "email",
    }
}

choice! {
    /// What is less bad is not told.
    #[derive(Default)]
    LeastSeverity {
        /// Everything is told.
        #[default]
        Warning = "warning",
        /// Only what somebody has to act on now.
        Critical = "critical",
    }
}

choice! {
    /// How a server of mails is spoken to.
    #[derive(Default)]
    MailSecurity {
        /// TLS before anything is said.
        #[default]
        StartTls = "starttls",
        /// TLS from the first byte on.
        Tls = "tls",
        /// No TLS.
        DangerousPlain = "dangerous-plain",
    }
}

impl From<LeastSeverity> for Severity {
    fn from(least: LeastSeverity) -> Self {
        match least {
            LeastSeverity::Warning => Self::Warning,
            LeastSeverity::Critical => Self::Critical,
        }
    }
}

impl From<MailSecurity> for Security {
    fn from(security: MailSecurity) -> Self {
        match security {
            MailSecurity::StartTls => Self::StartTls,
            MailSecurity::Tls => Self::Implicit,
            MailSecurity::DangerousPlain => Self::DangerousPlain,
        }
    }
}

impl MailSecurity {
    const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::DangerousPlain => 25,
        }
    }
}

/// Reads all outlets.
pub(super) fn outlets(root: &mut Table<'_, '_>, folder: &Path) -> Vec<OutletConfig> {
    let mut table = root.table("alarm");
    let mut names = Vec::new();
    let outlets = table.any_tables("outlet", MAX_OUTLETS, |table| outlet(table, folder, &mut names));
    table.finish();
    outlets
}

fn outlet(mut table: Table<'_, '_>, folder: &Path, names: &mut Vec<Text>) -> Option<OutletConfig> {
    let name = outlet_name(&mut table, names);
    let kind = table.required("kind", value::word::<OutletKind>(OutletKind::CHOICES));
    let mut severity = LeastSeverity::default();
    table.set("severity", &mut severity, value::word(LeastSeverity::CHOICES));
    let mut pause = match kind {
        Some(OutletKind::Email) => Millis::from_minutes(1),
        _ => Millis::from_seconds(5),
    };
    table.set("pause", &mut pause, value::duration(Millis::from_seconds(1)..=LONGEST_PAUSE));
    let target = match kind {
        Some(OutletKind::Webhook) => {
            webhook(table.required_table("webhook"), folder).map(OutletTarget::Webhook)
        }
        Some(OutletKind::Email) => {
            email(table.required_table("email"), folder).map(Box::new).map(OutletTarget::Email)
        }
        None => {
            webhook(table.table("webhook"), folder);
            email(table.table("email"), folder);
            None
        }
    };
    table.finish();
    Some(OutletConfig { name: name?, severity, pause, target: target? })
}

fn outlet_name(table: &mut Table<'_, '_>, names: &mut Vec<Text>) -> Option<Text> {
    let name: Text = table.required("name", value::source_name)?.as_str().into();
    if names.contains(&name) {
        let message = format!("another outlet before this one is named {:?}", &*name);
        let help = "names are unique: what an outlet was told is kept under it".to_owned();
        table.note(table.value_span("name")?, Some("name"), message, vec![help]);
    }
    table.name(&name);
    names.push(name.clone());
    Some(name)
}

fn webhook(mut table: Table<'_, '_>, folder: &Path) -> Option<OutletWebhookSettings> {
    let url = table.required("url", value::target);
    let signing_keys = table.required("signing_keys", value::secrets(folder, MAX_SIGNING_KEYS));
    let allow = table.optional("allow", value::openings(MAX_OPENINGS)).unwrap_or_default();
    let trusted_certificates = table.optional("trusted_certificates", value::path(folder));
    table.finish();
    Some(OutletWebhookSettings { url: url?, signing_keys: signing_keys?, allow, trusted_certificates })
}

fn email(mut table: Table<'_, '_>, folder: &Path) -> Option<EmailSettings> {
    let host = table.required("host", value::words("the name of a server of mails"));
    let mut security = MailSecurity::default();
    table.set("security", &mut security, value::word(MailSecurity::CHOICES));
    let port = table.optional("port", value::count(1..=65_535));
    let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(security.port());
    table.need_each_other("user", "password");
    let user = table.optional("user", value::secret(folder));
    let password = table.optional("password", value::secret(folder));
    let from = table.required("from", value::mail_address);
    let to = table.required("to", value::mail_addresses(MOST_RECIPIENTS));
    let allow = table.optional("allow", value::openings(MAX_OPENINGS)).unwrap_or_default();
    let trusted_certificates = table.optional("trusted_certificates", value::path(folder));
    table.finish();
    Some(EmailSettings {
        host: host?,
        port,
        security,
        login: user.zip(password),
        from: from?,
        to: to?,
        allow,
        trusted_certificates,
    })
}
