//! What `[[sink]]` says: to whom what is known is delivered.

use std::path::{Path, PathBuf};

use pegboard_client::TokenStyle;
use pegboard_engine::IntervalLength;
use pegboard_model::policy::Pegging;
use pegboard_model::{SinkName, SourceName, Timestamp};
use pegboard_net::{Opening, Target};
use pegboard_sinks::SinkReport;
use pegboard_sinks::cxone::sink;
use pegboard_sinks::mapping::Mapping;

use super::choice::choice;
use super::secret::SecretRef;
use super::settings::SourceConfig;
use super::side_files::SideFiles;
use super::table::Table;
use super::value;

/// The most sinks of one hub.
pub const MAX_SINKS: usize = 50;

/// The most networks that are opened for a sink.
pub const MAX_OPENINGS: usize = 100;

/// One sink: who is delivered to, and what.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkConfig {
    /// Its name, `[a-z0-9-]{1,64}`: the ledger is kept under it.
    pub name: SinkName,
    /// The sources whose knowledge it is handed; all where none is named.
    pub sources: Vec<SourceName>,
    /// What planners say about names.
    pub mapping: Mapping,
    /// From when on intervals are delivered the first time; from the last closed one on where nothing is said.
    pub start: Option<Timestamp>,
    /// Who it is.
    pub target: SinkTarget,
}

/// Who is delivered to.
#[derive(Debug, Clone, PartialEq)]
pub enum SinkTarget {
    /// NICE CXone WFM.
    Cxone(Box<CxoneSettings>),
}

/// How CXone WFM is reached, and what it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct CxoneSettings {
    /// Where the service is.
    pub url: Target,
    /// The id of the access key.
    pub access_key_id: SecretRef,
    /// Its secret.
    pub secret_access_key: SecretRef,
    /// The name of the tenant, which goes with requests for tokens.
    pub tenant: Option<String>,
    /// How a token is asked for.
    pub token_style: TokenForm,
    /// What it may reach beyond public addresses.
    pub allow: Vec<Opening>,
    /// Certificates that are trusted besides those of the operating system.
    pub trusted_certificates: Option<PathBuf>,
    /// Whether it is sent agents' states.
    pub states: bool,
    /// The reports that it is sent.
    pub reports: Vec<CxoneReport>,
}

choice! {
    /// The kind of a sink.
    SinkKind {
        /// NICE CXone WFM.
        Cxone = "cxone",
    }
}

choice! {
    /// How a token is asked for.
    #[derive(Default)]
    TokenForm {
        /// As NICE's SDK does, with the name of the tenant.
        #[default]
        Nested = "nested",
        /// As NICE's public platform takes it.
        Flat = "flat",
    }
}

choice! {
    /// A report of CXone WFM.
    CxoneReport {
        /// The queue report, with those of agents in queues and of agents.
        Queue = "queue-report",
        /// What agents did.
        Activity = "agent-activity",
    }
}

impl From<TokenForm> for TokenStyle {
    fn from(form: TokenForm) -> Self {
        match form {
            TokenForm::Nested => Self::Nested,
            TokenForm::Flat => Self::Flat,
        }
    }
}

impl CxoneReport {
    /// The report as the delivery loop knows it.
    pub const fn report(self) -> SinkReport {
        match self {
            Self::Queue => sink::QUEUE,
            Self::Activity => sink::ACTIVITY,
        }
    }
}

/// Reads all sinks.
pub(super) fn sinks(
    root: &mut Table<'_, '_>,
    folder: &Path,
    side_files: &mut SideFiles<'_>,
    sources: &[SourceConfig],
) -> Vec<SinkConfig> {
    let mut names = Vec::new();
    root.any_tables("sink", MAX_SINKS, |table| sink(table, folder, side_files, sources, &mut names))
}

fn sink(
    mut table: Table<'_, '_>,
    folder: &Path,
    side_files: &mut SideFiles<'_>,
    sources: &[SourceConfig],
    names: &mut Vec<SinkName>,
) -> Option<SinkConfig> {
    let name = sink_name(&mut table, names);
    let kind = table.required("kind", value::word::<SinkKind>(SinkKind::CHOICES));
    let chosen = chosen(&mut table, sources);
    let mapping = match table.optional("mapping", value::path(folder)) {
        Some(path) => side_files.mapping(&path),
        None => Some(Mapping::default()),
    };
    let start = table.optional("start", value::since).flatten();
    let target = match kind {
        Some(SinkKind::Cxone) => {
            let settings = cxone(table.required_table("cxone"), folder);
            check_numbers(&mut table, sources, &chosen);
            settings.map(|settings| SinkTarget::Cxone(Box::new(settings)))
        }
        None => {
            cxone(table.table("cxone"), folder);
            None
        }
    };
    table.finish();
    Some(SinkConfig { name: name?, sources: chosen, mapping: mapping?, start, target: target? })
}

fn sink_name(table: &mut Table<'_, '_>, names: &mut Vec<SinkName>) -> Option<SinkName> {
    let name: SinkName = table.required("name", value::source_name)?.as_str().into();
    if names.contains(&name) {
        let message = format!("another sink before this one is named {:?}", name.as_str());
        let help = "names are unique: the ledger is kept under them".to_owned();
        table.note(table.value_span("name")?, Some("name"), message, vec![help]);
    }
    table.name(&name);
    names.push(name.clone());
    Some(name)
}

/// The sources that are named; each must be there.
fn chosen(table: &mut Table<'_, '_>, sources: &[SourceConfig]) -> Vec<SourceName> {
    let names = table.optional("sources", value::names(super::MAX_SOURCES)).unwrap_or_default();
    let names: Vec<SourceName> = names.into_iter().map(SourceName::from).collect();
    let is_there = |name: &&SourceName| sources.iter().any(|source| source.name == **name);
    if let (Some(missing), Some(span)) =
        (names.iter().find(|name| !is_there(name)), table.value_span("sources"))
    {
        let message = format!("there is no source named {:?}", missing.as_str());
        table.note(span, Some("sources"), message, Vec::new());
    }
    names
}

/// CXone WFM counts a contact in the interval in which it ends, and takes intervals of 15 minutes.
fn check_numbers(table: &mut Table<'_, '_>, sources: &[SourceConfig], chosen: &[SourceName]) {
    let handed = |source: &&SourceConfig| chosen.is_empty() || chosen.contains(&source.name);
    for source in sources.iter().filter(handed) {
        let message = if source.pegging != Pegging::Disconnect {
            format!(
                "CXone WFM counts contacts by `disconnect`, and source {} by `{}`",
                source.name, source.pegging
            )
        } else if source.interval != IntervalLength::Minutes(15) {
            format!("CXone WFM takes intervals of 15m, and source {} has others", source.name)
        } else {
            continue;
        };
        let Some(span) = table.value_span("kind") else { return };
        let help = "set it so at the source, or name other `sources` for this sink".to_owned();
        table.note(span, Some("kind"), message, vec![help]);
    }
}

fn cxone(mut table: Table<'_, '_>, folder: &Path) -> Option<CxoneSettings> {
    let url = table.required("url", value::target);
    let access_key_id = table.required("access_key_id", value::secret(folder));
    let secret_access_key = table.required("secret_access_key", value::secret(folder));
    let tenant = table.optional("tenant", value::words("the name of the tenant"));
    let mut token_style = TokenForm::default();
    table.set("token_style", &mut token_style, value::word(TokenForm::CHOICES));
    let allow = table.optional("allow", value::openings(MAX_OPENINGS)).unwrap_or_default();
    let trusted_certificates = table.optional("trusted_certificates", value::path(folder));
    let mut states = true;
    table.set("states", &mut states, value::boolean);
    let mut reports = vec![CxoneReport::Queue];
    table.set("reports", &mut reports, value::words_of(CxoneReport::CHOICES));
    table.finish();
    Some(CxoneSettings {
        url: url?,
        access_key_id: access_key_id?,
        secret_access_key: secret_access_key?,
        tenant,
        token_style,
        allow,
        trusted_certificates,
        states,
        reports,
    })
}
