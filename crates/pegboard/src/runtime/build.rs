//! From a valid configuration to what it describes: sources, and the store. Touches the world, starts nothing.

mod kinesis_log;
mod outlets;
mod sinks;
mod twilio;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use pegboard_aws as aws;
use pegboard_connect::archive::{ArchiveBucket, ArchivePlace};
use pegboard_connect::sources::amazon_connect::metric_data::{MetricConfig, MetricInput};
use pegboard_connect::sources::amazon_connect::reports::{self, Goals, ReportReader};
use pegboard_connect::sources::amazon_connect::{
    ConnectInputs, ConnectSnapshots, KinesisSource, ReportFiles,
};
use pegboard_connect::sources::file::FileSource;
use pegboard_connect::sources::kinesis::KinesisStream;
use pegboard_connect::sources::objects::{Content, LaneConfig, ObjectInput};
use pegboard_connect::sources::push::PushSource;
use pegboard_connect::sources::twilio::TwilioSource;
use pegboard_connect::spec::{Inlet, Source};
use pegboard_engine::IntervalLength;
use pegboard_engine::queues::QueueGoals;
use pegboard_model::Timestamp;
use pegboard_net::client::ClientError;
use pegboard_net::signature::SigningKey;
use pegboard_store::{
    PostgresOptions, PostgresStore, Retention, SqliteOptions, SqliteStore, Store, StoreError,
};

use self::kinesis_log::KinesisLog;
pub use self::outlets::outlet;
pub use self::sinks::sink;
use super::intake::{Gates, NoLane};
use super::subject::Subject;
use crate::clock::Clock;
use crate::config::{
    BucketSettings, ConnectSettings, InstanceSettings, KinesisCredentials, KinesisSettings, ObjectSettings,
    PlaceSettings, PostgresSettings, PushSettings, ReadMode, ReportSettings, Secret, SecretError, SecretRef,
    SourceConfig, SourceInput, Start, StoreUrl,
};

/// How long a request for an object of the archive may take: it has 8 MiB as a rule.
const ARCHIVE_TIMEOUT: Duration = Duration::from_mins(1);

/// Why there is no source.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It cannot be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// The source that `config` describes. Records that are handed in stand behind its gate, where there is one.
pub fn source(config: &SourceConfig, gates: &Gates, clock: Clock) -> Result<Box<dyn Source>, BuildError> {
    Ok(match &config.input {
        SourceInput::AmazonConnect(settings) => Box::new(connect_inputs(config, settings, clock)?),
        SourceInput::File(settings) => {
            Box::new(FileSource::new(settings.path.clone(), settings.follow, Arc::new(clock)))
        }
        SourceInput::Push(settings) => {
            let source = PushSource::new(inlet(config, gates), Arc::new(clock), settings.heartbeat);
            Box::new(match &settings.folder {
                Some(path) => source.with_folder(path.clone()),
                None => source,
            })
        }
        SourceInput::Twilio(settings) => {
            let mut source = TwilioSource::new(inlet(config, gates), Arc::new(clock), settings.site.clone());
            if let Some(kinesis) = &settings.kinesis {
                source = source.streamed(stream(kinesis, clock)?);
            }
            if settings.rta_feed {
                source = source.fed();
            }
            if let Some(rest) = &settings.rest {
                source = source.asking(twilio::asking(rest, clock)?);
            }
            Box::new(source)
        }
    })
}

/// Where records stand that were handed in; nowhere for whoever only looks.
fn inlet(config: &SourceConfig, gates: &Gates) -> Arc<dyn Inlet> {
    gates.of(&config.name).map_or_else(|| Arc::new(NoLane) as Arc<_>, |gate| gate.inlet())
}

/// The stream from which a source's records are read, where they are.
pub fn subject(config: &SourceConfig) -> anyhow::Result<Option<Subject>> {
    let SourceInput::Push(PushSettings { subject: Some(settings), .. }) = &config.input else {
        return Ok(None);
    };
    let (stream, consumer) = (settings.stream.clone(), settings.consumer.clone());
    let at = sinks::nats_address(&settings.at)?;
    Ok(Some(Subject { at, stream, consumer, filter: settings.filter.clone() }))
}

/// Opens the store, or makes it.
pub async fn store(url: &StoreUrl, clock: Clock) -> pegboard_store::Result<Arc<dyn Store>> {
    store_that_keeps(url, &Retention::default(), clock).await
}

/// The same for whoever also removes what is past its time.
pub async fn store_that_keeps(
    url: &StoreUrl,
    retention: &Retention,
    clock: Clock,
) -> pegboard_store::Result<Arc<dyn Store>> {
    let retention = retention.clone();
    Ok(match url {
        StoreUrl::Sqlite(path) => {
            let options = SqliteOptions { retention, ..SqliteOptions::new(clock) };
            Arc::new(SqliteStore::open(path, options)?)
        }
        StoreUrl::Postgres(settings) => {
            let options = PostgresOptions { retention, ..postgres(settings, clock)? };
            Arc::new(PostgresStore::open(&settings.url, options).await?)
        }
    })
}

/// How a PostgreSQL store is opened, with its password.
pub fn postgres(settings: &PostgresSettings, clock: Clock) -> pegboard_store::Result<PostgresOptions> {
    let password = settings.password.as_ref().map(SecretRef::resolve).transpose().map_err(|error| {
        StoreError::Database { operation: "fetch the password of the store", cause: error.into() }
    })?;
    let password = password.map(|password| password.expose().to_owned());
    Ok(PostgresOptions { password, ..PostgresOptions::new(clock) })
}

/// Where the archive is. Asks nobody yet.
pub fn archive(place: &PlaceSettings, clock: Clock) -> Result<ArchivePlace, SecretError> {
    Ok(match place {
        PlaceSettings::Folder(folder) => ArchivePlace::Folder(folder.clone()),
        PlaceSettings::Bucket(settings) => {
            let (clock, seed) = beside(clock);
            let config = aws::BucketConfig { request_timeout: ARCHIVE_TIMEOUT, ..bucket(settings)? };
            ArchivePlace::Bucket(Arc::new(ArchiveBucket::new(config, &settings.prefix, clock, seed)))
        }
    })
}

fn connect_inputs(
    config: &SourceConfig,
    settings: &ConnectSettings,
    clock: Clock,
) -> Result<ConnectInputs, SecretError> {
    let mut inputs = ConnectInputs::new();
    if let Some(stream) = &settings.kinesis {
        inputs = inputs.with_agent_events(kinesis(stream, clock)?);
    }
    if let Some(stream) = &settings.contact_stream {
        inputs = inputs.with_contact_records(kinesis(stream, clock)?);
    }
    if let Some(objects) = &settings.contact_records {
        let lane = lane(Content::ContactRecords, objects, settings.kinesis.as_ref(), clock)?;
        inputs = inputs.with_lane(ObjectInput::new(lane, environment(clock)));
    }
    if let Some(reports) = &settings.reports {
        let files = Arc::new(report_files(config, reports, clock()));
        let content = Content::Reports(files.clone());
        let lane = lane(content, &reports.objects, settings.kinesis.as_ref(), clock)?;
        inputs = inputs.with_reports(files, ObjectInput::new(lane, environment(clock)));
    }
    let asked = settings.kinesis.as_ref().and_then(|stream| Some((stream, stream.instance.as_ref()?)));
    if let (Some(metrics), Some((stream, instance))) = (&settings.metrics, asked) {
        let period = match config.interval {
            IntervalLength::Minutes(60) => aws::MetricPeriod::Hour,
            IntervalLength::Minutes(30) => aws::MetricPeriod::Half,
            _ => aws::MetricPeriod::Quarter,
        };
        let metrics = MetricConfig {
            connect: connect(stream, instance, credentials(&stream.credentials)?),
            period,
            every: metrics.every,
            covers: metrics.covers,
            default_goals: goals(&config.default_goals),
            goals: all_goals(config),
        };
        inputs = inputs.with_metrics(MetricInput::new(metrics, environment(clock)));
    }
    Ok(inputs)
}

/// The scheduled reports of a source, which are read by its zone and its goals.
fn report_files(config: &SourceConfig, reports: &ReportSettings, now: Timestamp) -> ReportFiles {
    let settings = reports::ReportSettings {
        patterns: reports.patterns.clone(),
        time_zone: config.time_zone.clone(),
        labels: reports.labels.clone(),
        default_goals: goals(&config.default_goals),
        goals: all_goals(config),
    };
    ReportFiles::new(ReportReader::new(settings), reports.schedules.clone(), now)
}

const fn goals(goals: &QueueGoals) -> Goals {
    Goals { service_level: goals.service_level, short_abandon: goals.short_abandon }
}

fn all_goals(config: &SourceConfig) -> HashMap<String, Goals> {
    config.queue_settings.iter().map(|(queue, own)| (queue.clone(), goals(own))).collect()
}

/// How an instance is asked, with the region of its stream.
fn connect(
    stream: &KinesisSettings,
    instance: &InstanceSettings,
    credentials: aws::Credentials,
) -> aws::ConnectConfig {
    let mut connect = aws::ConnectConfig::new(&instance.id);
    connect.region = stream.region.clone().or_else(|| stream.stream.region().map(str::to_owned));
    connect.endpoint = instance.endpoint.as_ref().map(|url| url.as_str().to_owned());
    connect.credentials = credentials;
    connect
}

/// A lane of objects, with the credentials of the source's stream, and its region where it has none of its own.
fn lane(
    content: Content,
    settings: &ObjectSettings,
    stream: Option<&KinesisSettings>,
    clock: Clock,
) -> Result<LaneConfig, SecretError> {
    let of_stream = |stream: &KinesisSettings| credentials(&stream.credentials);
    let credentials = stream.map(of_stream).transpose()?.unwrap_or_default();
    let region_of = |stream: &KinesisSettings| {
        stream.region.clone().or_else(|| stream.stream.region().map(str::to_owned))
    };
    let region = settings.region.clone().or_else(|| stream.and_then(region_of));
    let mut bucket = aws::BucketConfig::new(&settings.bucket);
    bucket.region.clone_from(&region);
    bucket.endpoint = settings.endpoint.as_ref().map(|url| url.as_str().to_owned());
    bucket.credentials = credentials.clone();
    let queue = settings.queue.clone().map(|queue| aws::QueueConfig {
        region: queue.region().map(str::to_owned).or(region),
        credentials,
        ..aws::QueueConfig::new(queue)
    });
    let mut lane = LaneConfig::new(content, bucket, &settings.prefix, queue);
    lane.start = match settings.start {
        Start::TrimHorizon => None,
        Start::Latest => Some(clock()),
        Start::At(at) => Some(at),
    };
    lane.list_every = Duration::from_millis(settings.list_every.get().unsigned_abs());
    lane.held_back = settings.held_back;
    Ok(lane)
}

/// The clock as the AWS clients take it, and what their jitter starts from: two hubs must not retry in step.
fn beside(clock: Clock) -> (aws::Clock, u64) {
    (Arc::new(move || clock().as_millis()), clock().as_millis().unsigned_abs())
}

/// How a bucket is reached that the hub writes.
fn bucket(settings: &BucketSettings) -> Result<aws::BucketConfig, SecretError> {
    Ok(aws::BucketConfig {
        region: settings.region.clone(),
        endpoint: settings.endpoint.as_ref().map(|url| url.as_str().to_owned()),
        credentials: credentials(&settings.credentials)?,
        ..aws::BucketConfig::new(&settings.bucket)
    })
}

fn environment(clock: Clock) -> aws::Environment {
    aws::Environment {
        clock: Arc::new(move || clock().as_millis()),
        // Two hubs must not retry in step; the start time is as good as any other seed.
        seed: clock().as_millis().unsigned_abs(),
        observer: Arc::new(KinesisLog),
    }
}

/// A stream, which is not asked for yet.
fn stream(settings: &KinesisSettings, clock: Clock) -> Result<KinesisStream, SecretError> {
    let mut config = aws::KinesisConfig::new(settings.stream.clone());
    config.region.clone_from(&settings.region);
    config.endpoint = settings.endpoint.as_ref().map(|url| url.as_str().to_owned());
    config.credentials = credentials(&settings.credentials)?;
    config.max_records = settings.max_records;
    config.read = match settings.read {
        ReadMode::Polling => aws::ReadMode::Polling,
        ReadMode::FanOut => aws::ReadMode::FanOut(aws::FanOut {
            register: settings.register_consumer,
            ..aws::FanOut::new(settings.consumer.clone())
        }),
    };
    config.poll_interval = Duration::from_millis(settings.poll_interval.get().unsigned_abs());
    let start = match settings.start {
        Start::TrimHorizon => aws::Position::TrimHorizon,
        Start::Latest => aws::Position::Latest,
        Start::At(at) => aws::Position::AtTimestamp(at.as_millis()),
    };
    Ok(KinesisStream::new(config, environment(clock), start))
}

/// A stream of Amazon Connect, with the instance that may be asked.
fn kinesis(settings: &KinesisSettings, clock: Clock) -> Result<KinesisSource, SecretError> {
    let source = KinesisSource::new(stream(settings, clock)?);
    let Some(instance) = &settings.instance else { return Ok(source) };
    let connect = connect(settings, instance, credentials(&settings.credentials)?);
    Ok(source.with_snapshots(ConnectSnapshots::new(connect, environment(clock))))
}

/// What messages are signed with.
fn signing_keys(references: &[SecretRef]) -> anyhow::Result<Vec<SigningKey>> {
    let key = |reference: &SecretRef| {
        SigningKey::parse(&reference.resolve()?).with_context(|| format!("`signing_keys`: {reference}"))
    };
    references.iter().map(key).collect()
}

fn credentials(credentials: &KinesisCredentials) -> Result<aws::Credentials, SecretError> {
    let secret = |secret: Secret| aws::SecretText::new(secret.expose());
    Ok(match credentials {
        KinesisCredentials::Chain => aws::Credentials::Chain,
        KinesisCredentials::Profile(name) => aws::Credentials::Profile(name.clone()),
        KinesisCredentials::Key { id, secret: key, session_token } => aws::Credentials::Static {
            key_id: id.resolve()?.expose().to_owned(),
            secret: secret(key.resolve()?),
            session_token: session_token.as_ref().map(|token| token.resolve().map(secret)).transpose()?,
        },
    })
}
