//! `pegboard rebuild`: the whole store again, from the archive.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use pegboard_connect::archive::{Archive, ArchivePlace, ArchiveSource};
use pegboard_connect::spec::Source;
use pegboard_store::Store;

use super::{ConfigPath, Failure, block_on};
use crate::clock;
use crate::config::{Config, SourceConfig, StoreUrl};
use crate::runtime::archive::{self, ArchiveFailure};
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
    let from = match (&arguments.from, &config.archive) {
        (Some(folder), _) => ArchivePlace::Folder(folder.clone()),
        (None, Some(archive)) => {
            build::archive(&archive.place, clock::system).context("cannot reach the archive")?
        }
        (None, None) => {
            let message =
                "there is no archive: name its folder with --from, or in [archive] of the configuration";
            return Err(Failure::Usage(message.to_owned()));
        }
    };
    if arguments.to.exists() {
        let message = format!("{} is there already: name a new file", arguments.to.display());
        return Err(Failure::Usage(message));
    }
    let brings_the_last = arguments.from.is_none();
    block_on(async {
        if brings_the_last {
            bring_what_waits(&config, &from).await?;
        }
        rebuild(config, from, arguments.to.clone()).await
    })
}

/// Brings to the archive what the configured store still holds for it, as far as that can be opened: a rebuild is asked for where
/// it cannot, too.
#[expect(clippy::print_stdout, reason = "the answer of this command")]
async fn bring_what_waits(config: &Config, place: &ArchivePlace) -> Result<(), Failure> {
    if matches!(&config.store, StoreUrl::Sqlite(path) if !path.exists()) {
        return Ok(());
    }
    let store = match build::store(&config.store, clock::system).await {
        Ok(store) => store,
        Err(error) => {
            println!("what still waits for the archive is left out: {error}");
            return Ok(());
        }
    };
    // Whoever writes what waits meanwhile would bring back whom somebody else has just taken out of it.
    if !store.erasures(&[], None, true, 1).await.context("cannot read the store")?.is_empty() {
        println!("what still waits for the archive is left out: a person is being forgotten");
        return Ok(());
    }
    for source in &config.sources {
        let archive = Archive::new(place.clone(), &source.name);
        match archive::write_all(&*store, &archive).await {
            Ok(()) => {}
            Err(ArchiveFailure::Store(error)) => {
                println!("what still waits for the archive of {} is left out: {error}", source.name);
            }
            Err(error) => return Err(Failure::Other(error.into())),
        }
    }
    store.shut_down().await.context("cannot close the store")?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer of this command")]
async fn rebuild(config: Config, from: ArchivePlace, to: PathBuf) -> Result<(), Failure> {
    let (mut sources, mut read): (Vec<(SourceConfig, Box<dyn Source>)>, _) = (Vec::new(), Vec::new());
    for source in config.sources {
        let reader = build::source(&source, &Gates::default(), clock::system)
            .with_context(|| format!("cannot build source {}", source.name))?;
        let archive = Archive::new(from.clone(), &source.name);
        let archived = ArchiveSource::new(archive, reader, reconcile::lane());
        let partitions = archived.count().await.map_err(|error| anyhow!("{}: {error}", source.name))?;
        read.push((partitions, archived.exhausted()));
        sources.push((SourceConfig { archive: None, passes_events: false, ..source }, Box::new(archived)));
    }
    if read.iter().all(|(partitions, _)| *partitions == 0) {
        return Err(Failure::Other(anyhow!("the archive holds nothing of any source")));
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
