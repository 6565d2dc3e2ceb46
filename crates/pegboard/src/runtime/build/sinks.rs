//! From the table of a sink to its target.

use std::time::Duration;

use pegboard_aws as aws;
use pegboard_client::Connection;
use pegboard_net::{Client, ClientOptions, Egress, tls_client};
use pegboard_sinks::aspect::{self, AspectSink, ProductivityConfig, RtaConfig, SwitchConfig};
use pegboard_sinks::cxone::CxoneSink;
use pegboard_sinks::files::FilesSink;
use pegboard_sinks::iex::IexSink;
use pegboard_sinks::nats::{NatsAddress, NatsLogin, NatsOptions, NatsSink};
use pegboard_sinks::place::{BucketPlace, Folder, Place, SftpPlace};
use pegboard_sinks::sqs::SqsSink;
use pegboard_sinks::webhook::{WebhookOptions, WebhookSink};
use pegboard_sinks::{Pace, Sink};

use super::{beside, bucket, credentials, environment, signing_keys};
use crate::clock::Clock;
use crate::config::{
    AspectRta, AspectSettings, AspectSwitch, CxoneSettings, NatsAccess, NatsPlace, NatsSettings,
    PlaceSettings, SecretError, SinkConfig, SinkPlace, SinkTarget, SnapshotSettings, SqsSettings, StaleEvent,
    WebhookSettings,
};
use crate::runtime::deliver::SinkSetup;
use crate::runtime::deliver::hold::HoldPolicy;
use crate::runtime::deliver::stale::{StalePolicy, StaleState};

/// The sink that a table describes. Asks nobody yet. Fails with what cannot be used, by the name of its key.
pub fn sink(config: &SinkConfig, clock: Clock) -> anyhow::Result<SinkSetup> {
    let mut mapping = config.mapping.clone();
    let sink: Box<dyn Sink> = match &config.target {
        SinkTarget::Cxone(settings) => Box::new(cxone(settings, clock)?),
        SinkTarget::Iex(iex) => {
            Box::new(IexSink::new(place(&iex.place, clock)?, iex.reports(), iex.corrections.into()))
        }
        SinkTarget::Files(files) => {
            mapping.settings.file_names = files.names.clone();
            Box::new(FilesSink::new(place(&files.place, clock)?, files.reports()))
        }
        SinkTarget::Webhook(settings) => Box::new(webhook(settings, clock)?),
        SinkTarget::Sqs(settings) => Box::new(sqs(settings, clock)?),
        SinkTarget::Nats(settings) => Box::new(nats(settings)?),
        SinkTarget::Aspect(settings) => Box::new(aspect(settings, &mapping.settings.aspect, clock)?),
    };
    let (name, sources) = (config.name.clone(), config.sources.clone());
    let pace = config.requests_per_second.map(|per_second| Pace { per_second, at_once: per_second });
    let (filter, tables, start) = (config.filter.clone(), config.tables.clone(), config.start);
    let (hold, stale) = (hold(config.snapshot), stale(&config.target));
    let setup = SinkSetup::new(name, sink);
    Ok(SinkSetup { sources, filter, mapping, tables, start, pace, hold, stale, ..setup })
}

fn stale(target: &SinkTarget) -> StalePolicy {
    let SinkTarget::Cxone(settings) = target else { return StalePolicy::Keep };
    let state = |stale: &StaleEvent| StaleState {
        event_id: stale.event_id.as_str().into(),
        reason: stale.reason.as_deref().unwrap_or_default().into(),
    };
    settings.stale.as_ref().map_or(StalePolicy::Keep, |stale| StalePolicy::Send(state(stale)))
}

fn hold(settings: SnapshotSettings) -> HoldPolicy {
    let SnapshotSettings { hold_while_stale, collapse_percent } = settings;
    let collapse = u8::try_from(collapse_percent).ok().filter(|percent| *percent > 0);
    HoldPolicy { while_stale: hold_while_stale, collapse }
}

fn place(settings: &SinkPlace, clock: Clock) -> Result<Place, SecretError> {
    Ok(match settings {
        SinkPlace::Sftp(server) => Place::Sftp(SftpPlace::new(server.clone())),
        SinkPlace::Own(PlaceSettings::Folder(path)) => Place::Folder(Folder::new(path.clone())),
        SinkPlace::Own(PlaceSettings::Bucket(settings)) => {
            let bucket = bucket(settings)?;
            let (clock, seed) = beside(clock);
            Place::Bucket(Box::new(BucketPlace::new(bucket, &settings.prefix, clock, seed)))
        }
    })
}

fn sqs(settings: &SqsSettings, clock: Clock) -> Result<SqsSink, SecretError> {
    let mut queue = aws::QueueConfig::new(settings.queue.clone());
    queue.region.clone_from(&settings.region);
    queue.credentials = credentials(&settings.credentials)?;
    let (clock, seed) = beside(clock);
    Ok(SqsSink::new(queue, clock, seed))
}

fn nats(settings: &NatsSettings) -> anyhow::Result<NatsSink> {
    Ok(NatsSink::new(NatsOptions { at: nats_address(&settings.at)?, subject: settings.subject.clone() }))
}

/// How servers of NATS are reached.
pub(super) fn nats_address(place: &NatsPlace) -> anyhow::Result<NatsAddress> {
    let login = match &place.login {
        NatsAccess::Nobody => NatsLogin::Nobody,
        NatsAccess::Token(token) => NatsLogin::Token(token.resolve()?),
        NatsAccess::User(user, password) => NatsLogin::User(user.clone(), password.resolve()?),
    };
    let tls = tls_client(place.trusted_certificates.clone())?;
    Ok(NatsAddress { servers: place.servers.clone(), login, tls })
}

fn webhook(settings: &WebhookSettings, clock: Clock) -> anyhow::Result<WebhookSink> {
    let client = Client::new(ClientOptions {
        egress: Egress::new(settings.allow.clone()),
        roots: settings.trusted_certificates.clone(),
        ..ClientOptions::default()
    })?;
    let options = WebhookOptions {
        target: settings.url.clone(),
        keys: signing_keys(&settings.signing_keys)?,
        gzip: settings.gzip,
        states: settings.states,
        reports: settings.reports(),
    };
    Ok(WebhookSink::new(client, options, clock))
}

fn cxone(settings: &CxoneSettings, clock: Clock) -> anyhow::Result<CxoneSink> {
    let (id, secret) = (settings.access_key_id.resolve()?, settings.secret_access_key.resolve()?);
    let mut builder = Connection::builder()
        .service_url(settings.url.as_str())
        .access_key(id.expose())
        .secret_key(secret.expose())
        .token_style(settings.token_style.into());
    if let Some(tenant) = &settings.tenant {
        builder = builder.tenant(tenant);
    }
    if let Some(file) = &settings.trusted_certificates {
        builder = builder.trusted_certificates(file);
    }
    builder = settings.allow.iter().fold(builder, |builder, opening| builder.allow(opening.to_string()));
    let heartbeat = Duration::from_millis(settings.heartbeat.get().unsigned_abs());
    Ok(CxoneSink::new(builder.build()?, settings.states, settings.reports(), clock).beating(heartbeat))
}

/// Where things are is the configuration's, what they are called and whose they are the mapping's.
fn aspect(settings: &AspectSettings, meaning: &aspect::Settings, clock: Clock) -> anyhow::Result<AspectSink> {
    let AspectSettings { region, endpoint, bucket, rta, .. } = settings;
    let credentials = credentials(&settings.credentials)?;
    let endpoint = endpoint.as_ref().map(|url| url.as_str().to_owned());
    let table = |name: &str| aws::TableConfig {
        region: region.clone(),
        endpoint: endpoint.clone(),
        credentials: credentials.clone(),
        ..aws::TableConfig::new(name)
    };
    let productivity = bucket.as_ref().map(|bucket| ProductivityConfig {
        bucket: aws::BucketConfig {
            region: region.clone(),
            endpoint: endpoint.clone(),
            credentials: credentials.clone(),
            ..aws::BucketConfig::new(bucket)
        },
        stream: meaning.stream.clone(),
        columns: meaning.columns,
        signed_out: meaning.signed_out.clone(),
    });
    let queue = |queue: &aws::FifoQueueRef| aws::QueueConfig {
        region: queue.region().map(str::to_owned).or_else(|| region.clone()),
        credentials: credentials.clone(),
        ..aws::QueueConfig::new(queue.clone())
    };
    let switch = |switch: &AspectSwitch| match switch {
        AspectSwitch::Table(name) => SwitchConfig::Table(table(name)),
        AspectSwitch::Function(name) => SwitchConfig::Function(aws::FunctionConfig {
            region: region.clone(),
            endpoint: endpoint.clone(),
            credentials: credentials.clone(),
            ..aws::FunctionConfig::new(name.clone())
        }),
    };
    let rta = rta.as_ref().map(|rta: &AspectRta| RtaConfig {
        table: table(rta.table.as_deref().unwrap_or(&meaning.table)),
        queues: rta.queues.iter().map(queue).collect(),
        group: meaning.rta.group,
        filter: meaning.rta.filter.clone(),
        switch: switch(&rta.switch),
    });
    let aws::Environment { clock, seed, .. } = environment(clock);
    Ok(AspectSink::new(productivity, rta, &clock, seed)?)
}
