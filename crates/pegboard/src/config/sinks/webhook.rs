//! What `[sink.webhook]` says: which receiver of events is sent what.

use std::path::{Path, PathBuf};

use pegboard_net::{Opening, Target};
use pegboard_sinks::SinkReport;
use pegboard_sinks::cloudevents::RowReport;

use super::{MAX_OPENINGS, table_of};
use crate::config::MAX_SIGNING_KEYS;
use crate::config::secret::SecretRef;
use crate::config::table::Table;
use crate::config::value;

/// How a receiver of events is reached, and what it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookSettings {
    /// Where it is.
    pub url: Target,
    /// What messages are signed with; two while one replaces the other.
    pub signing_keys: Vec<SecretRef>,
    /// Whether bodies are compressed.
    pub gzip: bool,
    /// What it may reach beyond public addresses.
    pub allow: Vec<Opening>,
    /// Certificates that are trusted besides those of the operating system.
    pub trusted_certificates: Option<PathBuf>,
    /// Whether it is sent every change of an agent's state.
    pub states: bool,
    /// The reports whose rows it is sent.
    pub reports: Vec<RowReport>,
}

impl WebhookSettings {
    /// The reports that it is sent.
    pub fn reports(&self) -> Vec<SinkReport> {
        self.reports.iter().map(|report| report.report()).collect()
    }

    pub(super) fn read(sink: &mut Table<'_, '_>, is_it: bool, folder: &Path) -> Option<Self> {
        let mut table = table_of(sink, is_it, "webhook");
        let url = table.required("url", value::target);
        let signing_keys = table.required("signing_keys", value::secrets(folder, MAX_SIGNING_KEYS));
        let mut gzip = false;
        table.set("gzip", &mut gzip, value::boolean);
        let allow = table.optional("allow", value::openings(MAX_OPENINGS)).unwrap_or_default();
        let trusted_certificates = table.optional("trusted_certificates", value::path(folder));
        let mut states = true;
        table.set("states", &mut states, value::boolean);
        let reports = table.optional("reports", value::words_of(RowReport::NAMES)).unwrap_or_default();
        table.finish();
        Some(Self {
            url: url?,
            signing_keys: signing_keys?,
            gzip,
            allow,
            trusted_certificates,
            states,
            reports,
        })
    }
}
