//! From the table of a sink to its target.

use std::time::Duration;

use pegboard_client::Connection;
use pegboard_sinks::cxone::CxoneSink;
use pegboard_sinks::{Pace, Sink};

use crate::clock::Clock;
use crate::config::{CxoneSettings, SinkConfig, SinkTarget};
use crate::runtime::deliver::SinkSetup;

/// The sink that a table describes. Asks nobody yet. Fails with what cannot be used, by the name of its key.
pub fn sink(config: &SinkConfig, clock: Clock) -> anyhow::Result<SinkSetup> {
    let sink: Box<dyn Sink> = match &config.target {
        SinkTarget::Cxone(settings) => Box::new(cxone(settings, clock)?),
    };
    let (name, sources, mapping) = (config.name.clone(), config.sources.clone(), config.mapping.clone());
    let pace = config.requests_per_second.map(|per_second| Pace { per_second, at_once: per_second });
    let (filter, start) = (config.filter.clone(), config.start);
    Ok(SinkSetup { sources, filter, mapping, start, pace, ..SinkSetup::new(name, sink) })
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
