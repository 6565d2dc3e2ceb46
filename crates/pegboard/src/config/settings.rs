//! What a valid configuration says: every value already of its own type, every path already absolute or relative
//! to the working directory, every default filled in.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use pegboard_aws::{MAX_RECORDS, QueueRef, StreamRef};
use pegboard_connect::sources::amazon_connect::reports::{Labels, ReportPattern, Schedule};
use pegboard_engine::queues::QueueGoals;
use pegboard_engine::{IntervalLength, StatusTable};
use pegboard_model::policy::{GroupBy, Pegging, Precedence, RingIn, ServiceLevelFormula, SessionPolicy};
use pegboard_model::{Millis, SourceName, Timestamp};
use pegboard_store::{PostgresUrl, Retention, RowsOf};

use super::alarms::OutletConfig;
use super::archive::ArchiveSettings;
use super::choice::choice;
use super::push::PushSettings;
use super::queue_settings::OpenQueue;
use super::secret::SecretRef;
use super::sinks::SinkConfig;
use super::twilio::TwilioSettings;

/// A valid `pegboard.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where everything durable is kept.
    pub store: StoreUrl,
    /// What it keeps for how long.
    pub retention: Retention,
    /// How the hub is reached.
    pub server: ServerSettings,
    /// What it says about itself.
    pub log: LogSettings,
    /// Where everything that is read is archived, if it is.
    pub archive: Option<Arc<ArchiveSettings>>,
    /// What people call it, where several hubs share the store.
    pub node_name: Option<String>,
    /// What it reads, in the order of the file; at least one, with distinct names.
    pub sources: Vec<SourceConfig>,
    /// To whom it delivers, in the order of the file, with distinct names.
    pub sinks: Vec<SinkConfig>,
    /// Whom it tells of alarms, in the order of the file, with distinct names.
    pub outlets: Vec<OutletConfig>,
}

/// Where the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A SQLite file, created where there is none.
    Sqlite(PathBuf),
    /// A schema of a PostgreSQL database.
    Postgres(Box<PostgresSettings>),
}

/// How a PostgreSQL database is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresSettings {
    /// Where it is; no password stands in it.
    pub url: PostgresUrl,
    /// The password of the URL's user, where the server asks for one.
    pub password: Option<SecretRef>,
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(settings) => settings.url.fmt(f),
        }
    }
}

/// How the hub is reached. Without TLS and without a proxy that has it, `listen` is a loopback address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// The address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How people reach the hub, where that is another address: scheme, host and port, without a slash at the end.
    pub public_url: Option<WebUrl>,
    /// The certificate that the hub itself serves.
    pub tls: Option<TlsFiles>,
    /// Whether a proxy in front terminates TLS.
    pub behind_proxy: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            tls: None,
            behind_proxy: false,
        }
    }
}

/// A certificate and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, with the chain up to the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// `http://` or `https://`, a host and perhaps a port; no user, no path, no slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUrl(pub(super) String);

impl WebUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is reached by TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the hub says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogSettings {
    /// The form of a line.
    pub format: LogFormat,
    /// The least level that is written.
    pub level: LogLevel,
}

choice! {
    /// The form of a line of the log.
    #[derive(Default)]
    LogFormat {
        /// For people at a terminal.
        #[default]
        Human = "human",
        /// One JSON object a line, for machines.
        Json = "json",
    }
}

choice! {
    /// The least level that is written to the log.
    #[derive(Default)]
    LogLevel {
        /// Only what failed.
        Error = "error",
        /// And what may become a failure.
        Warn = "warn",
        /// And what an operator wants to know; no personal data.
        #[default]
        Info = "info",
        /// And how it came about.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

impl From<LogLevel> for tracing::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// One source: what is read, and what its numbers mean.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceConfig {
    /// Its name, `[a-z0-9-]{1,64}`.
    pub name: SourceName,
    /// Where its records come from.
    pub input: SourceInput,
    /// The zone of the interval grid and of local days.
    pub time_zone: TimeZone,
    /// The length of the intervals that are closed; always in minutes.
    pub interval: IntervalLength,
    /// The thresholds of queues that have no row in `queue_settings`.
    pub default_goals: QueueGoals,
    /// The thresholds of queues that have their own, by id or by name.
    pub queue_settings: HashMap<String, QueueGoals>,
    /// When queues are open, by id or by name, of those for which that is said.
    pub open_queues: BTreeMap<String, OpenQueue>,
    /// What each status means for staffing.
    pub statuses: StatusTable,
    /// How the service level is computed.
    pub service_level_formula: ServiceLevelFormula,
    /// Which interval a contact belongs to.
    pub pegging: Pegging,
    /// Which of several contacts decides an agent's class.
    pub precedence: Precedence,
    /// Where ring time counts.
    pub ring_in: RingIn,
    /// What bounds a session.
    pub session_policy: SessionPolicy,
    /// By what agents are grouped.
    pub group_by: GroupBy,
    /// A signed-in agent that is silent for so long is `unknown`.
    pub stale_after: Millis,
    /// How often the platform's own snapshot is looked at, where it can be.
    pub reconcile_every: Millis,
    /// How long after its end, by the watermark, an interval is closed for reports of agents.
    pub close_delay: Millis,
    /// The same for reports of contacts, whose records trail their end.
    pub close_delay_contacts: Millis,
    /// When the local day before is captured again, after midnight of the local clock; never where there is none.
    pub recapture_at: Option<Millis>,
    /// How far behind the newest event of its partition a late one is still applied.
    pub lateness: Millis,
    /// Whether agents' personal queues are reported as queues.
    pub personal_queues: bool,
    /// Where what is read is archived, if it is.
    pub archive: Option<Arc<ArchiveSettings>>,
    /// Whether its events are kept as they came, because a sink passes them on.
    pub passes_events: bool,
}

impl SourceConfig {
    /// A source with every setting at its default.
    pub fn new(name: impl Into<SourceName>, input: SourceInput) -> Self {
        Self {
            name: name.into(),
            input,
            time_zone: TimeZone::UTC,
            interval: IntervalLength::Minutes(15),
            default_goals: QueueGoals::default(),
            queue_settings: HashMap::new(),
            open_queues: BTreeMap::new(),
            statuses: StatusTable::default(),
            service_level_formula: ServiceLevelFormula::default(),
            pegging: Pegging::default(),
            precedence: Precedence::default(),
            ring_in: RingIn::default(),
            session_policy: SessionPolicy::default(),
            group_by: GroupBy::default(),
            stale_after: Millis::from_minutes(5),
            reconcile_every: Millis::from_seconds(30),
            close_delay: Millis::from_minutes(1),
            close_delay_contacts: Millis::from_minutes(5),
            recapture_at: None,
            lateness: Millis::from_hours(24),
            personal_queues: false,
            archive: None,
            passes_events: false,
        }
    }
}

impl SourceConfig {
    /// How long after its end, by the watermark, an interval is closed.
    pub const fn delay_of(&self, rows: RowsOf) -> Millis {
        match rows {
            RowsOf::Agents => self.close_delay,
            RowsOf::Contacts => self.close_delay_contacts,
        }
    }
}

/// Where the records of a source come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceInput {
    /// Amazon Connect, through streams and objects.
    AmazonConnect(Box<ConnectSettings>),
    /// A file, or the files of a folder.
    File(FileSettings),
    /// Whatever an ACD hands in over HTTP.
    Push(PushSettings),
    /// A workspace of Twilio TaskRouter, which posts or streams what happens.
    Twilio(TwilioSettings),
}

impl SourceInput {
    /// The kind, as the configuration names it.
    pub const fn kind(&self) -> SourceKind {
        match self {
            Self::AmazonConnect(_) => SourceKind::AmazonConnect,
            Self::File(_) => SourceKind::File,
            Self::Push(_) => SourceKind::Push,
            Self::Twilio(_) => SourceKind::Twilio,
        }
    }
}

choice! {
    /// What a source is.
    SourceKind {
        /// Amazon Connect: agent events and contact records from Kinesis data streams and objects in S3.
        AmazonConnect = "amazon-connect",
        /// Records in a file or in the files of a folder.
        File = "file",
        /// Any other ACD: records that it hands in itself.
        Push = "push",
        /// Twilio TaskRouter or Flex: events that it posts, writes to a stream or is asked for.
        Twilio = "twilio",
    }
}

/// The inputs of an instance of Amazon Connect; at least one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectSettings {
    /// The stream of agent events, on which contact records may be, too.
    pub kinesis: Option<KinesisSettings>,
    /// A stream of contact records alone. Its credentials are those of the first.
    pub contact_stream: Option<KinesisSettings>,
    /// Objects of contact records.
    pub contact_records: Option<ObjectSettings>,
    /// Objects that are scheduled reports.
    pub reports: Option<ReportSettings>,
    /// Statistics that the instance of the first stream is asked for.
    pub metrics: Option<MetricSettings>,
}

/// Statistics as an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricSettings {
    /// How often they are asked for.
    pub every: Millis,
    /// How much of the past each time.
    pub covers: Millis,
}

impl Default for MetricSettings {
    fn default() -> Self {
        Self { every: Millis::from_minutes(15), covers: Millis::from_hours(2) }
    }
}

/// Scheduled reports as an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSettings {
    /// Where they are.
    pub objects: ObjectSettings,
    /// Which files are which reports, the usual ones too.
    pub patterns: Vec<ReportPattern>,
    /// Those that are run on a schedule, by the [name of their pattern](ReportPattern::own_name).
    pub schedules: BTreeMap<String, Schedule>,
    /// What labels mean at this site.
    pub labels: Labels,
}

impl ReportSettings {
    /// A bucket with every setting at its default.
    pub fn new(objects: ObjectSettings) -> Self {
        let patterns = ReportPattern::usual();
        Self { objects, patterns, schedules: BTreeMap::new(), labels: Labels::default() }
    }

    /// Adds what files are whose names begin so, instead of what such files are as a rule.
    pub(super) fn add(&mut self, pattern: ReportPattern, schedule: Option<Schedule>) {
        self.schedules.extend(schedule.map(|schedule| (pattern.own_name(), schedule)));
        self.patterns.retain(|usual| !usual.name.eq_ignore_ascii_case(&pattern.name));
        self.patterns.push(pattern);
    }
}

/// Objects of a bucket as an input. Credentials are those of the source's stream, or of the usual AWS chain where it has
/// none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSettings {
    /// The bucket.
    pub bucket: String,
    /// What their keys begin with.
    pub prefix: String,
    /// The queue that tells of new ones.
    pub queue: Option<QueueRef>,
    /// The region of the bucket; without it that of the source's stream, then that of the usual AWS chain.
    pub region: Option<String>,
    /// Another address to reach S3 at.
    pub endpoint: Option<WebUrl>,
    /// From when on objects are read the first time.
    pub start: Start,
    /// How often the bucket is listed.
    pub list_every: Millis,
    /// How long whoever writes them may hold records back.
    pub held_back: Millis,
}

impl ObjectSettings {
    /// A bucket with every setting at its default.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: String::new(),
            queue: None,
            region: None,
            endpoint: None,
            start: Start::TrimHorizon,
            list_every: Millis::from_minutes(5),
            held_back: Millis::from_minutes(5),
        }
    }
}

/// How a Kinesis data stream is reached and read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KinesisSettings {
    /// Which stream.
    pub stream: StreamRef,
    /// Its region; without one that of the ARN, then that of the usual AWS chain.
    pub region: Option<String>,
    /// Another address to reach Kinesis at.
    pub endpoint: Option<WebUrl>,
    /// Where the credentials come from.
    pub credentials: KinesisCredentials,
    /// Where reading starts the first time.
    pub start: Start,
    /// How records are fetched.
    pub read: ReadMode,
    /// The name of the consumer for enhanced fan-out.
    pub consumer: String,
    /// Whether the consumer is registered where there is none.
    pub register_consumer: bool,
    /// The pause between two reads of a shard at its tip.
    pub poll_interval: Millis,
    /// The most records of one read.
    pub max_records: u32,
    /// The instance itself, where it may be asked.
    pub instance: Option<InstanceSettings>,
}

/// How an instance of Amazon Connect is asked who is signed in, with the region and the credentials of its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSettings {
    /// Its id.
    pub id: String,
    /// Another address to reach Amazon Connect at.
    pub endpoint: Option<WebUrl>,
}

impl KinesisSettings {
    /// A stream with every setting at its default.
    pub fn new(stream: StreamRef) -> Self {
        Self {
            stream,
            region: None,
            endpoint: None,
            credentials: KinesisCredentials::Chain,
            start: Start::TrimHorizon,
            read: ReadMode::default(),
            consumer: "pegboard".to_owned(),
            register_consumer: false,
            poll_interval: Millis::from_seconds(1),
            max_records: MAX_RECORDS,
            instance: None,
        }
    }
}

choice! {
    /// How records are fetched from a stream.
    #[derive(Default)]
    ReadMode {
        /// By asking again and again; the reads of a shard are shared with all who poll it.
        #[default]
        Polling = "polling",
        /// By enhanced fan-out, as they come; by polling where that cannot be had.
        FanOut = "fan-out",
    }
}

/// Where the credentials for Kinesis come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KinesisCredentials {
    /// The usual AWS chain.
    Chain,
    /// A profile of the shared AWS files.
    Profile(String),
    /// A key, by reference.
    Key {
        /// The access key id.
        id: SecretRef,
        /// The secret access key.
        secret: SecretRef,
        /// The session token of a temporary key.
        session_token: Option<SecretRef>,
    },
}

/// Where reading starts where nothing is stored yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record that is still kept.
    TrimHorizon,
    /// With what comes from now on.
    Latest,
    /// With the first record that arrived at or after this instant.
    At(Timestamp),
}

/// Which files are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSettings {
    /// A file, or a folder whose files are read by name.
    pub path: PathBuf,
    /// What the records are.
    pub format: FileFormat,
    /// Whether reading goes on when the end is reached, waiting for more.
    pub follow: bool,
}

impl FileSettings {
    /// A path with every setting at its default.
    pub fn new(path: PathBuf) -> Self {
        Self { path, format: FileFormat::default(), follow: true }
    }
}

choice! {
    /// What the records of a file are.
    #[derive(Default)]
    FileFormat {
        /// Agent events and contact records of Amazon Connect.
        #[default]
        AmazonConnect = "amazon-connect",
    }
}
