//! From what the file says of a Kinesis data stream to what its reader takes.

use std::time::Duration;

use pegboard_aws::{Credentials, KinesisConfig, Position, SecretText};

use super::secret::{SecretError, SecretRef};
use super::settings::{KinesisCredentials, KinesisSettings, Start};

impl KinesisSettings {
    /// The settings with their secrets, for the reader of the stream. Fails if a secret cannot be fetched.
    pub fn resolve(&self) -> Result<KinesisConfig, SecretError> {
        Ok(KinesisConfig {
            region: self.region.clone(),
            endpoint: self.endpoint.as_ref().map(|url| url.as_str().to_owned()),
            credentials: self.credentials.resolve()?,
            max_records: self.max_records,
            poll_interval: Duration::from_millis(self.poll_interval.get().unsigned_abs()),
            ..KinesisConfig::new(self.stream.clone())
        })
    }
}

impl KinesisCredentials {
    fn resolve(&self) -> Result<Credentials, SecretError> {
        let text = |secret: &SecretRef| secret.resolve().map(|secret| SecretText::new(secret.expose()));
        Ok(match self {
            Self::Chain => Credentials::Chain,
            Self::Profile(name) => Credentials::Profile(name.clone()),
            Self::Key { id, secret, session_token } => Credentials::Static {
                key_id: id.resolve()?.expose().to_owned(),
                secret: text(secret)?,
                session_token: session_token.as_ref().map(text).transpose()?,
            },
        })
    }
}

impl From<Start> for Position {
    fn from(start: Start) -> Self {
        match start {
            Start::TrimHorizon => Self::TrimHorizon,
            Start::Latest => Self::Latest,
            Start::At(time) => Self::AtTimestamp(time.as_millis()),
        }
    }
}
