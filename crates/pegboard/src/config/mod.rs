//! The configuration file, `pegboard.toml`: strict, and every fault told at once.
//!
//! A [`Config`] that exists is valid. [`SecretRef`]s in it are references still; they are resolved when the hub is
//! built, and nowhere else in the program is the environment read.

pub(crate) mod choice;
mod secret;
mod settings;

pub use secret::{InvalidSecretRef, MAX_SECRET_BYTES, Secret, SecretError, SecretRef};
pub use settings::{
    Config, FileFormat, FileSettings, KinesisCredentials, KinesisSettings, LogFormat, LogLevel, LogSettings,
    ServerSettings, SourceConfig, SourceInput, SourceKind, Start, StoreUrl, TlsFiles, WebUrl,
};
