//! Asks Amazon Connect what it shows of its agents right now, and what things are called there.
//!
//! Seven of its more than four hundred operations are needed, so the SDK's crate for all of them stays outside: requests
//! are written here, signed with the SDK's signer, and sent through the SDK's connection, with its credentials, region,
//! proxy and TLS. As documented in the API reference (version `2017-08-08`):
//! <https://docs.aws.amazon.com/connect/latest/APIReference/API_GetCurrentUserData.html>

mod budget;
mod client;
mod error;
mod metric_data;
mod pace;
mod request;

use std::time::Duration;

use crate::backoff::Backoff;
use crate::config::Credentials;

pub use self::client::{ConnectClient, ConnectPage};
pub use self::error::ConnectError;
pub use self::metric_data::{AskedMetric, MOST_SERVICE_LEVELS, MetricDataQuery, MetricPeriod, MetricScope};
pub use self::pace::Pace;
pub use self::request::{ConnectRequest, MOST_FILTERED};

/// How an instance of Amazon Connect is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectConfig {
    /// The id of the instance: the last part of its ARN.
    pub instance: String,
    /// Its region; without one that of the usual AWS chain.
    pub region: Option<String>,
    /// Another address to reach Amazon Connect at.
    pub endpoint: Option<String>,
    /// Where the credentials come from.
    pub credentials: Credentials,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub request_timeout: Duration,
    /// What happens after failures that pass.
    pub backoff: Backoff,
    /// How fast requests may follow each other, together with those of whoever else asks with these credentials in this region.
    pub pace: Pace,
}

impl ConnectConfig {
    /// An instance with every setting at its default.
    pub fn new(instance: impl Into<String>) -> Self {
        Self {
            instance: instance.into(),
            region: None,
            endpoint: None,
            credentials: Credentials::Chain,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            backoff: Backoff { attempts: 4, ..Backoff::default() },
            pace: Pace::default(),
        }
    }
}
