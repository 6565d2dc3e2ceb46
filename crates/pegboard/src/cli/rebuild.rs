//! `pegboard rebuild`: the whole store again, from the archive.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use pegboard_connect::archive::ArchiveSource;
use pegboard_connect::spec::Source;
use pegboard_store::Store;

use super::{ConfigPath, Failure, block_on};
use crate::clock;
use crate::config::{Config, SourceConfig, StoreUrl};
use crate::runtime::hub::Hub;
use crate::runtime::intake::Gates;
use crate::runtime::view::View as _;
use crate::runtime::{build, reconcile};

/// How often there is a look whether something fails.
const LOOK: Duration = Duration::from_millis(500);

/// Make the whole store again from the archive: a new SQLite file, with which the hub then goes on where the archive ends.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The new store, which must not be there yet.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The archive, where it is not the one of the configuration.
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    #[command(flatten)]
    path: ConfigPath,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    let configured = config.archive.as_ref().map(|archive| archive.folder.clone());
    let Some(from) = arguments.from.clone().or(configured) else {
        let message =
            "there is no archive: name its folder with --from, or in [archive] of the configuration";
        return Err(Failure::Usage(message.to_owned()));
    };
    if arguments.to.exists() {
        let message = format!("{} is there already: name a new file", arguments.to.display());
        return Err(Failure::Usage(message));
    }
    block_on(rebuild(config, from, arguments.to.clone()))
}

#[expect(clippy::print_stdout, reason = "the answer of this command")]
async fn rebuild(config: Config, from: PathBuf, to: PathBuf) -> Result<(), Failure> {
    let (mut sources, mut read): (Vec<(SourceConfig, Box<dyn Source>)>, _) = (Vec::new(), Vec::new());
    for source in config.sources {
        let reader = build::source(&source, &Gates::default(), clock::system)
            .with_context(|| format!("cannot build source {}", source.name))?;
        let archived = ArchiveSource::new(&from, &source.name, reader, reconcile::lane());
        let partitions = archived.count().await.map_err(|error| anyhow!("{}: {error}", source.name))?;
        read.push((partitions, archived.exhausted()));
        sources.push((SourceConfig { archive: None, passes_events: false, ..source }, Box::new(archived)));
    }
    let url = StoreUrl::Sqlite(to.clone());
    let store = build::store_that_keeps(&url, &config.retention, clock::system);
    let store: Arc<dyn Store> = store.await.with_context(|| format!("cannot make {}", to.display()))?;
    let (hub, running) = Hub::start(sources, store, clock::system).await.context("cannot start")?;
    let whole = async {
        for (partitions, exhausted) in &mut read {
            exhausted.wait(*partitions).await;
        }
        hub.settled().await;
    };
    let ended = tokio::select! {
        () = whole => Ok(()),
        fault = first_fault(&hub) => Err(fault),
    };
    let shown = hub.sources().await;
    running.stop().await.context("cannot close the new store")?;
    ended.with_context(|| format!("{} is not whole: remove it", to.display()))?;
    for source in shown.context("cannot read the new store")? {
        let counts = source.counts;
        println!("{:<20} {:>12} records, {:>10} agents", source.name, counts.records, source.agents);
    }
    println!(
        "{} is made. Name it in [store] of the configuration; the hub goes on where the archive ends.",
        to.display()
    );
    Ok(())
}

/// Waits for something that nobody but a person can mend.
async fn first_fault(hub: &Hub) -> anyhow::Error {
    loop {
        tokio::time::sleep(LOOK).await;
        let sources = match hub.sources().await {
            Ok(sources) => sources,
            Err(error) => return error.into(),
        };
        if let Some((name, fault)) = sources.into_iter().find_map(|source| Some((source.name, source.error?)))
        {
            return anyhow!("{name}: {}", fault.message);
        }
    }
}
