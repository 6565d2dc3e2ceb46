//! What `[sink.cxone]` says: how CXone WFM is reached, and what it is sent.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use pegboard_client::TokenStyle;
use pegboard_model::Millis;
use pegboard_net::{Opening, Target};
use pegboard_sinks::cxone::sink;
use pegboard_sinks::{Changes, SinkReport};

use super::{MAX_OPENINGS, ToldChanges, table_of};
use crate::config::choice::choice;
use crate::config::secret::SecretRef;
use crate::config::table::Table;
use crate::config::value;

/// How often CXone WFM can be told that the hub lives.
const HEARTBEATS: RangeInclusive<Millis> = Millis::from_seconds(5)..=Millis::from_hours(1);

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
    /// Which changes of agents' states it is sent.
    pub states: Option<Changes>,
    /// The reports that it is sent.
    pub reports: Vec<CxoneReport>,
    /// How often it is told that the hub lives.
    pub heartbeat: Millis,
    /// The state that it is sent of a stale source's agents; they keep the last where there is none.
    pub stale: Option<StaleEvent>,
}

/// The state that is sent of a stale source's agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleEvent {
    /// As the WFM knows it.
    pub event_id: String,
    /// The reason beside it.
    pub reason: Option<String>,
}

choice! {
    /// What becomes of states while their source is stale.
    #[derive(Default)]
    StaleStates {
        /// The WFM keeps the last.
        #[default]
        Keep = "keep",
        /// It is sent another.
        Send = "send",
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

impl CxoneSettings {
    /// The reports that it is sent.
    pub fn reports(&self) -> Vec<SinkReport> {
        self.reports.iter().map(|report| report.report()).collect()
    }

    pub(super) fn read(sink: &mut Table<'_, '_>, is_it: bool, folder: &Path) -> Option<Self> {
        let mut table = table_of(sink, is_it, "cxone");
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
        let mut told = ToldChanges::default();
        table.set("changes", &mut told, value::word(ToldChanges::CHOICES));
        let mut reports = vec![CxoneReport::Queue];
        table.set("reports", &mut reports, value::words_of(CxoneReport::CHOICES));
        let mut heartbeat = Millis::from_minutes(1);
        table.set("heartbeat", &mut heartbeat, value::duration(HEARTBEATS));
        let stale = stale(&mut table);
        table.finish();
        Some(Self {
            url: url?,
            access_key_id: access_key_id?,
            secret_access_key: secret_access_key?,
            tenant,
            token_style,
            allow,
            trusted_certificates,
            states: states.then_some(told.into()),
            reports,
            heartbeat,
            stale,
        })
    }
}

/// The state that is sent of a stale source's agents. Notes where it is not said which.
fn stale(table: &mut Table<'_, '_>) -> Option<StaleEvent> {
    let mut states = StaleStates::default();
    table.set("stale_states", &mut states, value::word(StaleStates::CHOICES));
    let event_id = table.optional("stale_event_id", value::words("the id of a state"));
    let reason = table.optional("stale_reason", value::words("a reason"));
    if states == StaleStates::Keep {
        return None;
    }
    if event_id.is_none()
        && let Some(span) = table.value_span("stale_states")
    {
        let help = "say which state by `stale_event_id`".to_owned();
        let message = "no state is named that is sent while a source is stale".to_owned();
        table.note(span, Some("stale_states"), message, vec![help]);
    }
    Some(StaleEvent { event_id: event_id?, reason })
}
