//! The configuration file, `pegboard.toml`: strict, and every fault told at once.
//!
//! A [`Config`] that exists is valid. [`SecretRef`]s in it are references still; they are resolved when the hub is
//! built, and nowhere else in the program is the environment read.
//!
//! The way through: `document` parses the bytes, `schema` asks each `table` for its keys, `value` reads one value,
//! `settings` is what comes out, and a [`Fault`] says what does not.

mod alarms;
mod archive;
pub(crate) mod choice;
mod document;
mod fault;
mod labels;
pub mod mapping;
mod nearest;
mod push;
pub mod queue_settings;
mod schema;
mod secret;
mod settings;
mod sheet;
mod side_files;
mod sinks;
pub mod statuses;
mod table;
mod template;
mod text;
mod twilio;
mod value;

pub use alarms::{
    EmailSettings, LeastSeverity, MAX_OUTLETS, MAX_SIGNING_KEYS, MailSecurity, OutletConfig, OutletKind,
    OutletTarget, OutletWebhookSettings,
};
pub use archive::{ArchiveSettings, MAX_ARCHIVE_PREFIX};
pub use document::MAX_FILE_BYTES;
pub use fault::{ConfigErrors, Fault};
pub use push::{MAX_NAME_BYTES, PushKey, PushSettings, SdkSettings, SubjectSettings};
pub use schema::{MAX_REPORT_NAMES, MAX_SOURCES};
pub use secret::{InvalidSecretRef, MAX_SECRET_BYTES, Secret, SecretError, SecretRef};
pub use settings::{
    Config, ConnectSettings, FileFormat, FileSettings, InstanceSettings, KinesisCredentials, KinesisSettings,
    LogFormat, LogLevel, LogSettings, MetricSettings, ObjectSettings, PostgresSettings, ReadMode,
    ReportSettings, ServerSettings, SourceConfig, SourceInput, SourceKind, Start, StoreUrl, TlsFiles, WebUrl,
};
pub use sinks::{
    AspectRta, AspectSettings, AspectSwitch, BucketSettings, CorrectionWay, CxoneReport, CxoneSettings,
    FilesSettings, IexFiles, IexSettings, MAX_FILTER_NAMES, MAX_OPENINGS, MAX_QUEUES,
    MAX_REQUESTS_PER_SECOND, MAX_SERVERS, MAX_SINKS, NatsAccess, NatsPlace, NatsSettings, PlaceSettings,
    SinkConfig, SinkKind, SinkPlace, SinkTarget, SnapshotSettings, SqsSettings, StaleEvent, StaleStates,
    TokenForm, ToldChanges, WebhookSettings, WrittenAs,
};
pub use template::template;
pub use text::Place;
pub use twilio::{TwilioPostSettings, TwilioRestSettings, TwilioSettings};

/// Everything that is wrong with a table beside the configuration file.
pub type CsvErrors = ConfigErrors;

#[cfg(test)]
mod tests;
