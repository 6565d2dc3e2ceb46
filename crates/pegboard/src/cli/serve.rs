//! `pegboard serve`: the hub.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::IsTerminal as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use clap::Args;
use pegboard_connect::spec::Source;
use pegboard_model::{SourceName, Text};
use pegboard_store::Store;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tracing_subscriber::filter::LevelFilter;

use super::{ConfigPath, Failure, block_on, started};
use crate::api::{self, Access, ApiOptions, ApiState, Transport};
use crate::clock;
use crate::config::{Config, LogFormat, LogSettings, OutletConfig, SourceConfig};
use crate::console;
use crate::runtime::alarms::AlarmOptions;
use crate::runtime::build;
use crate::runtime::deliver::SinkSetup;
use crate::runtime::hub::{Hub, NodeOptions, Running};
use crate::runtime::intake::Gates;
use crate::runtime::subject::{self, Subject};

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
    let store = build::store_that_keeps(&config.store, &config.retention, clock::system)
        .await
        .context("cannot open the store")?;
    let fingerprint = started::fingerprint(&config);
    let gates = Gates::open(&config.sources, &store, clock::system).map_err(|(source, error)| {
        anyhow::Error::new(error).context(format!("cannot build source {source}"))
    })?;
    let mut sources: Vec<(SourceConfig, Box<dyn Source>)> = Vec::new();
    let mut subjects = Vec::new();
    for source in config.sources {
        let subject = build::subject(&source);
        let subject = subject.with_context(|| format!("cannot build source {}", source.name))?;
        subjects.extend(subject.map(|subject| (source.name.clone(), subject)));
        let reader = build::source(&source, &gates, clock::system)
            .with_context(|| format!("cannot build source {}", source.name))?;
        sources.push((source, reader));
    }
    let sink =
        |sink| build::sink(sink, clock::system).with_context(|| format!("cannot build sink {}", sink.name));
    let sinks = config.sinks.iter().map(sink).collect::<Result<Vec<_>, _>>()?;
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
    tracing::info!(%address, store = %config.store, sources = sources.len(), sinks = sinks.len(), "pegboard serves");
    started::note(&*store, fingerprint, address).await.context("cannot write to the audit log")?;
    let pages = console::router();
    let front = Front { listener, tls, access: Access::Tokens, transport, gates, subjects, pages };
    let hub = config.node_name.as_deref().unwrap_or("hub");
    let page = server.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/'));
    let outlet = |outlet: &OutletConfig| {
        build::outlet(outlet, hub, page).with_context(|| format!("cannot build outlet {}", &*outlet.name))
    };
    let outlets = config.outlets.iter().map(outlet).collect::<Result<Vec<_>, _>>()?;
    let alarms = AlarmOptions { outlets, ..AlarmOptions::default() };
    let node = NodeOptions { name: config.node_name.map(Text::from), alarms, ..NodeOptions::default() };
    run_hub(sources, sinks, store, node, front, interrupted()).await
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
    /// Where records are handed in.
    pub gates: Gates,
    /// What is read into the gates besides.
    pub subjects: Vec<(SourceName, Subject)>,
    /// What is served beside the API.
    pub pages: Router,
}

/// How long requests that are under way have the store before reading stops too.
const HEAD_START: Duration = Duration::from_secs(1);

/// How long an orderly stop may take as a whole: a second less than the ten that are promised.
const STOP_WITHIN: Duration = Duration::from_secs(9);

/// Runs sources, API and page until `shutdown` is done, then stops them side by side: no new requests, no more reading,
/// what is on its way committed, the store closed.
pub(super) async fn run_hub(
    sources: Vec<(SourceConfig, Box<dyn Source>)>,
    sinks: Vec<SinkSetup>,
    store: Arc<dyn Store>,
    node: NodeOptions,
    front: Front,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let stale_after: BTreeMap<_, _> =
        sources.iter().map(|(source, _)| (source.name.clone(), source.stale_after)).collect();
    let (hub, running): (Arc<Hub>, Running) =
        Hub::join_and_deliver(sources, sinks, store.clone(), clock::system, node)
            .await
            .context("cannot start")?;
    // They end with this: what was not acknowledged is delivered again.
    let mut reading = JoinSet::new();
    for (source, subject) in front.subjects {
        if let Some(gate) = front.gates.of(&source).cloned() {
            reading.spawn(subject::run(subject, gate, hub.clone(), source));
        }
    }
    let options =
        ApiOptions { stale_after, gates: front.gates, ..ApiOptions::new(front.access, front.transport) };
    let state = ApiState::new(store, hub, options);
    let router = api::router(state, front.pages);
    let (begin, begun) = watch::channel(false);
    let shutdown = async {
        shutdown.await;
        tracing::info!("stopping");
        begin.send_replace(true);
        reading.abort_all();
    };
    let serving = api::serve(front.listener, front.tls, router, shutdown);
    let ended = end_in_time(serving, begun, running.stop()).await;
    let (Some(served), Some(closed)) = ended else { end_at_once(1) };
    closed.context("cannot close the store")?;
    tracing::info!("stopped");
    served.context("cannot serve").map_err(Failure::Other)
}

/// Serves until the end begins, then lets `serving` and `closing` end side by side, both within [`STOP_WITHIN`]. Nothing
/// for one that did not; the log says so.
async fn end_in_time<S, C>(
    serving: impl Future<Output = S>,
    mut begun: watch::Receiver<bool>,
    closing: impl Future<Output = C>,
) -> (Option<S>, Option<C>) {
    let mut serving = pin!(serving);
    let mut served = tokio::select! {
        served = &mut serving => Some(served),
        _ = begun.wait_for(|begun| *begun) => None,
    };
    let deadline = Instant::now() + STOP_WITHIN;
    if served.is_none() {
        served = timeout(HEAD_START, &mut serving).await.ok();
    }
    let serving = async {
        match served {
            Some(served) => Some(served),
            None => timeout_at(deadline, serving).await.ok(),
        }
    };
    let closing = timeout_at(deadline, closing);
    let (served, closed) = tokio::join!(serving, closing);
    if served.is_none() {
        tracing::error!("requests did not end in time and are cut off");
    }
    if closed.is_err() {
        tracing::error!(
            "sources or store did not end in time: what was acknowledged is on disk, the rest is read again"
        );
    }
    (served, closed.ok())
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
        end_at_once(130);
    });
}

#[expect(
    clippy::exit,
    reason = "a second signal or the deadline asks for it: everything acknowledged is on disk already"
)]
fn end_at_once(code: i32) -> ! {
    std::process::exit(code)
}

/// Starts the log.
pub(super) fn start_log(settings: LogSettings) {
    let level = LevelFilter::from_level(settings.level.into());
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Human => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn begun() -> watch::Receiver<bool> {
        watch::channel(true).1
    }

    #[tokio::test]
    async fn r25_a_request_that_never_ends_does_not_keep_the_store_open() {
        let started = Instant::now();
        let closing = async { started.elapsed() };
        let (served, closed) = end_in_time(pending::<()>(), begun(), closing).await;
        assert_eq!(served, None);
        assert!(closed.is_some_and(|after| after < HEAD_START * 2), "{closed:?}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn r25_a_store_that_never_closes_does_not_keep_the_process() {
        let started = Instant::now();
        let ended = end_in_time(async { "served" }, begun(), pending::<()>()).await;
        assert_eq!(ended, (Some("served"), None));
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_server_that_cannot_begin_ends_the_rest() {
        let (_never, begun) = watch::channel(false);
        assert_eq!(end_in_time(async { 1 }, begun, async { 2 }).await, (Some(1), Some(2)));
    }
}
