//! `pegboard serve`: the hub.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use pegboard_connect::spec::Source;
use pegboard_store::Store;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

use super::{ConfigPath, Failure, block_on};
use crate::api::{self, Access, ApiOptions, ApiState, Transport};
use crate::clock;
use crate::config::{Config, LogFormat, LogSettings, SourceConfig};
use crate::console;
use crate::runtime::build;
use crate::runtime::hub::{Hub, Running};

/// Run the hub.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    start_log(config.log);
    block_on(serve(config))
}

async fn serve(config: Config) -> Result<(), Failure> {
    let store = build::store(&config.store, clock::system).context("cannot open the store")?;
    let mut sources: Vec<(SourceConfig, Box<dyn Source>)> = Vec::new();
    for source in config.sources {
        let reader = build::source(&source.input, clock::system)
            .with_context(|| format!("cannot build source {}", source.name))?;
        sources.push((source, reader));
    }
    let server = &config.server;
    let listener = TcpListener::bind(server.listen)
        .await
        .with_context(|| format!("cannot listen on {}: is something else there?", server.listen))?;
    let transport = match (&server.tls, server.behind_proxy) {
        (Some(_), _) => Transport::Tls,
        (None, true) => Transport::BehindProxy,
        (None, false) => Transport::Plain,
    };
    let tls = server
        .tls
        .as_ref()
        .map(|files| api::TlsFiles { certificate: files.certificate.clone(), key: files.key.clone() });
    let address = listener.local_addr().context("cannot tell the address")?;
    tracing::info!(%address, store = %config.store, sources = sources.len(), "pegboard serves");
    let front = Front { listener, tls, access: Access::Tokens, transport };
    run_hub(sources, store, front, interrupted()).await
}

/// How the hub is reached.
pub(super) struct Front {
    /// The socket.
    pub listener: TcpListener,
    /// The certificate, where the hub itself has TLS.
    pub tls: Option<api::TlsFiles>,
    /// Who gets in.
    pub access: Access,
    /// How requests arrive.
    pub transport: Transport,
}

/// Runs sources, API and page until `shutdown` is done, then stops in order: no new requests, no more reading, what is
/// on its way committed, the store closed.
pub(super) async fn run_hub(
    sources: Vec<(SourceConfig, Box<dyn Source>)>,
    store: Arc<dyn Store>,
    front: Front,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let stale_after: BTreeMap<_, _> =
        sources.iter().map(|(source, _)| (source.name.clone(), source.stale_after)).collect();
    let (hub, running): (Arc<Hub>, Running) =
        Hub::start(sources, store.clone(), clock::system).await.context("cannot start")?;
    let options = ApiOptions { stale_after, ..ApiOptions::new(front.access, front.transport) };
    let state = ApiState::new(store, hub, options);
    let router = api::router(state).merge(console::router());
    let served = api::serve(front.listener, front.tls, router, shutdown).await;
    tracing::info!("stopping");
    running.stop().await.context("cannot close the store")?;
    tracing::info!("stopped");
    served.context("cannot serve").map_err(Failure::Other)
}

/// Done at the first SIGTERM or SIGINT; the second one ends the process at once.
pub(super) async fn interrupted() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("cannot listen for signals: the process must be killed");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        end_at_once();
    });
}

#[expect(clippy::exit, reason = "the second signal asks for it: everything acknowledged is on disk already")]
fn end_at_once() {
    std::process::exit(130);
}

/// Starts the log.
pub(super) fn start_log(settings: LogSettings) {
    let level = LevelFilter::from_level(settings.level.into());
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Human => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}
