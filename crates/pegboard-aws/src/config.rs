//! The settings of a Kinesis source, and what is wrong with them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::backoff::Backoff;

/// The most records that one `GetRecords` may ask for (API reference).
pub const MAX_RECORDS: u32 = 10_000;

/// The least pause between two reads of a shard: its five reads a second, taken all by us.
pub const LEAST_POLL_INTERVAL: Duration = Duration::from_millis(200);

/// A stream as it is configured: by name, in the account of the credentials, or by ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRef {
    text: String,
    name_at: usize,
}

impl StreamRef {
    /// The stream's name.
    pub fn name(&self) -> &str {
        &self.text[self.name_at..]
    }

    /// The ARN, if the stream was given by one.
    pub fn arn(&self) -> Option<&str> {
        (self.name_at > 0).then_some(&self.text)
    }

    /// The region of the ARN, if the stream was given by one.
    pub fn region(&self) -> Option<&str> {
        self.arn()?.split(':').nth(3)
    }
}

impl fmt::Display for StreamRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text names no stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no Kinesis data stream: a name of up to 128 letters, digits, `_`, `.` and `-`, or \
     arn:aws:kinesis:<region>:<account>:stream/<name> is expected"
)]
pub struct InvalidStreamRef(String);

impl FromStr for StreamRef {
    type Err = InvalidStreamRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || InvalidStreamRef(text.to_owned());
        let name_at =
            if text.starts_with("arn:") { stream_name_in_arn(text).ok_or_else(refuse)? } else { 0 };
        if !is_stream_name(&text[name_at..]) {
            return Err(refuse());
        }
        Ok(Self { text: text.to_owned(), name_at })
    }
}

/// Where the name starts in `arn:<partition>:kinesis:<region>:<account>:stream/<name>`.
fn stream_name_in_arn(arn: &str) -> Option<usize> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "kinesis", region, account, resource] = parts[..] else { return None };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let name = resource.strip_prefix("stream/")?;
    (partition.starts_with("aws") && !region.is_empty() && is_account).then(|| arn.len() - name.len())
}

fn is_stream_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=128).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// Text that must not be seen: its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Takes a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(***)")
    }
}

/// Where the credentials come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Credentials {
    /// The usual AWS chain: environment, shared files (also with a role to assume), web identity,
    /// container, instance. IAM Identity Center (SSO) and `credential_process` profiles are not built in.
    #[default]
    Chain,
    /// A profile of the shared AWS files, whatever the environment says.
    Profile(String),
    /// A key. A role is safer: a key does not expire by itself.
    Static {
        /// The access key id.
        key_id: String,
        /// The secret access key.
        secret: SecretText,
        /// The session token of a temporary key.
        session_token: Option<SecretText>,
    },
}

/// A subscription of enhanced fan-out ends after five minutes (`SubscribeToShard` in the API reference).
const SUBSCRIPTION_LIFE: Duration = Duration::from_mins(5);

/// The least time between two subscriptions of a consumer to a shard (`SubscribeToShard` in the API reference).
pub(crate) const SUBSCRIPTION_SPACING: Duration = Duration::from_secs(5);

/// How records are fetched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ReadMode {
    /// By asking again and again; the five reads and 2 MB a second of a shard are shared with all who poll it.
    #[default]
    Polling,
    /// By enhanced fan-out: 2 MB a second of each shard for this consumer alone, sent as they come. Where it cannot be
    /// had, the stream is polled, and the observer is told.
    FanOut(FanOut),
}

/// Enhanced fan-out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FanOut {
    /// The name of the registered consumer, 1 to 128 letters, digits, `_`, `.` and `-`. Every program that reads needs
    /// its own.
    pub consumer: String,
    /// Whether the consumer is registered where there is none. AWS bills it by the hour and shard.
    pub register: bool,
    /// After which time a subscription is renewed: 5 seconds to 5 minutes, when AWS ends it.
    pub renew_after: Duration,
}

impl FanOut {
    /// A consumer that is there already, its subscriptions renewed 20 seconds before their end.
    pub fn new(consumer: impl Into<String>) -> Self {
        Self { consumer: consumer.into(), register: false, renew_after: Duration::from_secs(280) }
    }
}

/// How one stream is reached and read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KinesisConfig {
    /// Which stream.
    pub stream: StreamRef,
    /// Its region; without one that of the ARN, then that of the usual AWS chain.
    pub region: Option<String>,
    /// Another address to reach Kinesis at, `http://` or `https://`: a VPC endpoint, an emulator.
    pub endpoint: Option<String>,
    /// Where the credentials come from.
    pub credentials: Credentials,
    /// How records are fetched.
    pub read: ReadMode,
    /// The most records of one read, 1 to [`MAX_RECORDS`].
    pub max_records: u32,
    /// The pause between two reads of a shard at its tip, at least [`LEAST_POLL_INTERVAL`]. A shard's five
    /// reads a second are shared with all its other consumers.
    pub poll_interval: Duration,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a request may take, with its answer.
    pub request_timeout: Duration,
    /// What happens after a failure that passes.
    pub backoff: Backoff,
}

impl KinesisConfig {
    /// A stream with the default settings: the usual AWS chain, 10,000 records a read, one read a second.
    pub fn new(stream: StreamRef) -> Self {
        Self {
            stream,
            region: None,
            endpoint: None,
            credentials: Credentials::Chain,
            read: ReadMode::Polling,
            max_records: MAX_RECORDS,
            poll_interval: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            backoff: Backoff::default(),
        }
    }

    /// Everything that is wrong with the settings; empty if they can work. Asks nobody.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        if let (Some(region), Some(of_arn)) = (self.region.as_deref(), self.stream.region())
            && region != of_arn
        {
            faults.push(ConfigFault::Region { region: region.to_owned(), of_arn: of_arn.to_owned() });
        }
        if let Some(endpoint) = &self.endpoint
            && !is_http_url(endpoint)
        {
            faults.push(ConfigFault::Endpoint(endpoint.clone()));
        }
        if !(1..=MAX_RECORDS).contains(&self.max_records) {
            faults.push(ConfigFault::MaxRecords(self.max_records));
        }
        if self.poll_interval < LEAST_POLL_INTERVAL {
            faults.push(ConfigFault::PollInterval(self.poll_interval));
        }
        if self.connect_timeout.is_zero() || self.request_timeout.is_zero() {
            faults.push(ConfigFault::Timeout);
        }
        if let ReadMode::FanOut(fan_out) = &self.read {
            if !is_stream_name(&fan_out.consumer) {
                faults.push(ConfigFault::Consumer(fan_out.consumer.clone()));
            }
            if !(SUBSCRIPTION_SPACING..=SUBSCRIPTION_LIFE).contains(&fan_out.renew_after) {
                faults.push(ConfigFault::Renewal(fan_out.renew_after));
            }
        }
        let Backoff { base, cap, attempts } = self.backoff;
        if base.is_zero() || cap < base || attempts == 0 {
            faults.push(ConfigFault::Backoff);
        }
        faults
    }
}

fn is_http_url(text: &str) -> bool {
    let authority = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    authority.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// A setting that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    /// Two regions.
    #[error("the region `{region}` contradicts `{of_arn}` of the stream's ARN; leave the region out")]
    Region {
        /// As configured.
        region: String,
        /// As in the ARN.
        of_arn: String,
    },
    /// No URL.
    #[error("the endpoint `{0}` is no URL; http://host:port or https://host is expected")]
    Endpoint(String),
    /// Out of range.
    #[error("{0} records a read is not possible; 1 to {MAX_RECORDS} is")]
    MaxRecords(u32),
    /// Out of range.
    #[error("a poll interval of {0:?} is too short; {LEAST_POLL_INTERVAL:?} is the least, 1s is usual")]
    PollInterval(Duration),
    /// No name.
    #[error("the consumer name `{0}` is not possible: 1 to 128 letters, digits, `_`, `.` and `-` are")]
    Consumer(String),
    /// Out of range.
    #[error(
        "renewing subscriptions after {0:?} is not possible; {SUBSCRIPTION_SPACING:?} to {SUBSCRIPTION_LIFE:?} is"
    )]
    Renewal(Duration),
    /// Zero.
    #[error("time-outs must be longer than nothing")]
    Timeout,
    /// Out of order.
    #[error("the back-off needs a base above 0, a cap not below it, and at least 1 attempt")]
    Backoff,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(stream: &str) -> KinesisConfig {
        KinesisConfig::new(stream.parse().unwrap())
    }

    const ARN: &str = "arn:aws:kinesis:eu-central-1:123456789012:stream/agents";

    #[test]
    fn a_stream_is_known_by_name_or_arn() {
        let by_name: StreamRef = "connect-agents_1.eu".parse().unwrap();
        assert_eq!((by_name.name(), by_name.arn(), by_name.region()), ("connect-agents_1.eu", None, None));
        let by_arn: StreamRef = ARN.parse().unwrap();
        assert_eq!(
            (by_arn.name(), by_arn.arn(), by_arn.region()),
            ("agents", Some(ARN), Some("eu-central-1"))
        );
        assert!("arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/a".parse::<StreamRef>().is_ok());
    }

    #[test]
    fn what_names_no_stream_is_refused() {
        let too_long = "a".repeat(129);
        for text in [
            "",
            "with space",
            "agents/1",
            too_long.as_str(),
            "arn:aws:firehose:eu-central-1:123456789012:deliverystream/agents",
            "arn:aws:kinesis:eu-central-1:1234:stream/agents",
            "arn:aws:kinesis:eu-central-1:123456789012:stream/",
            "arn:aws:kinesis:eu-central-1:123456789012:stream/agents/consumer/c:1",
            "arn:aws:kinesis::123456789012:stream/agents",
        ] {
            assert!(text.parse::<StreamRef>().is_err(), "{text:?} was taken for a stream");
        }
        assert!("a".repeat(128).parse::<StreamRef>().is_ok());
    }

    #[test]
    fn the_defaults_can_work() {
        assert_eq!(config("agents").faults(), []);
        assert_eq!(config(ARN).faults(), []);
    }

    #[test]
    fn r28_every_fault_is_told_at_once() {
        let mut config = config(ARN);
        config.region = Some("us-east-1".to_owned());
        config.endpoint = Some("localhost:4567".to_owned());
        config.max_records = MAX_RECORDS + 1;
        config.poll_interval = Duration::from_millis(199);
        config.request_timeout = Duration::ZERO;
        config.read = ReadMode::FanOut(FanOut {
            renew_after: Duration::from_mins(5) + Duration::from_millis(1),
            ..FanOut::new("a consumer")
        });
        config.backoff.cap = config.backoff.base / 2;
        assert_eq!(
            config.faults(),
            [
                ConfigFault::Region { region: "us-east-1".into(), of_arn: "eu-central-1".into() },
                ConfigFault::Endpoint("localhost:4567".into()),
                ConfigFault::MaxRecords(MAX_RECORDS + 1),
                ConfigFault::PollInterval(Duration::from_millis(199)),
                ConfigFault::Timeout,
                ConfigFault::Consumer("a consumer".into()),
                ConfigFault::Renewal(Duration::from_millis(300_001)),
                ConfigFault::Backoff,
            ]
        );
    }

    #[test]
    fn r28_the_limits_themselves_can_work() {
        let mut config = config("agents");
        config.poll_interval = LEAST_POLL_INTERVAL;
        config.max_records = 1;
        for renew_after in [Duration::from_secs(5), Duration::from_mins(5)] {
            config.read = ReadMode::FanOut(FanOut { renew_after, ..FanOut::new("a".repeat(128)) });
            assert_eq!(config.faults(), []);
        }
    }

    #[test]
    fn s20_a_secret_is_not_in_the_debug_output() {
        let mut config = config("agents");
        config.credentials = Credentials::Static {
            key_id: "AKIAEXAMPLE".to_owned(),
            secret: SecretText::new("canary-secret"),
            session_token: Some(SecretText::new("canary-token")),
        };
        let shown = format!("{config:?}");
        assert!(shown.contains("AKIAEXAMPLE") && !shown.contains("canary"), "{shown}");
    }
}
