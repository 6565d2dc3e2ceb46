//! `pegboard check`: is the configuration right, and does everything it names answer?

use std::path::Path;

use anyhow::anyhow;
use clap::Args;
use pegboard_connect::archive::ArchivePlace;
use pegboard_connect::spec::Source;
use pegboard_sinks::place::{Folder, Place};
use pegboard_store::PostgresStore;

use super::{ConfigPath, Failure, block_on};
use crate::clock;
use crate::config::{Config, PlaceSettings, SinkConfig, SourceConfig, StoreUrl};
use crate::runtime::build;
use crate::runtime::intake::{Gates, has_keys};

/// Validate pegboard.toml and try every connection.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    /// Only validate; ask nobody.
    #[arg(long)]
    offline: bool,
}

/// Runs the command.
#[expect(clippy::print_stdout, reason = "the answer of this command")]
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    let (sources, sinks) = (config.sources.len(), config.sinks.len());
    let and_sinks = if sinks == 0 { String::new() } else { format!(", {sinks} sinks") };
    println!("{}: valid, {sources} sources{and_sinks}", arguments.path.config.display());
    if arguments.offline {
        return Ok(());
    }
    let mut failed = 0;
    for (what, outcome) in block_on(try_all(&config))? {
        match outcome {
            Ok(found) => println!("  ok      {what}: {found}"),
            Err(error) => {
                failed += 1;
                println!("  failed  {what}: {error:#}");
            }
        }
    }
    if failed > 0 {
        return Err(Failure::Other(anyhow!("{failed} of the connections do not work")));
    }
    Ok(())
}

type Outcome = (String, Result<String, anyhow::Error>);

async fn try_all(config: &Config) -> Result<Vec<Outcome>, Failure> {
    let mut outcomes = vec![("store".into(), try_store(&config.store).await)];
    if let Some(archive) = &config.archive {
        outcomes.push(("archive".into(), try_archive(&archive.place).await));
    }
    for source in &config.sources {
        outcomes.push((format!("source {}", source.name), try_source(source).await));
    }
    for outlet in &config.outlets {
        let built = build::outlet(outlet, "hub", None).map(|_| "can be told (nobody was told)".to_owned());
        outcomes.push((format!("outlet {}", &*outlet.name), built));
    }
    for sink in &config.sinks {
        outcomes.push((format!("sink {}", sink.name), try_sink(sink).await));
    }
    Ok(outcomes)
}

/// Does not make a store where there is none: that the folder can be written is found out when the hub starts.
async fn try_store(url: &StoreUrl) -> Result<String, anyhow::Error> {
    match url {
        StoreUrl::Sqlite(path) => try_sqlite(url, path).await,
        StoreUrl::Postgres(settings) => {
            let found =
                PostgresStore::probe(&settings.url, build::postgres(settings, clock::system)?).await?;
            Ok(found.to_string())
        }
    }
}

async fn try_sqlite(url: &StoreUrl, path: &Path) -> Result<String, anyhow::Error> {
    if !path.exists() {
        return Ok(format!("{} will be made", path.display()));
    }
    match build::store(url, clock::system).await {
        Ok(_) => Ok(format!("{} can be opened", path.display())),
        Err(pegboard_store::StoreError::InUse { .. }) => {
            Ok(format!("{} is in use by the hub", path.display()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Leaves nothing there. A folder that is not there yet is made by the hub.
async fn try_archive(place: &PlaceSettings) -> Result<String, anyhow::Error> {
    match build::archive(place, clock::system)? {
        ArchivePlace::Folder(folder) if !folder.exists() => Ok(format!("{} will be made", folder.display())),
        ArchivePlace::Folder(folder) => {
            Place::Folder(Folder::new(folder)).probe().await.map_err(|error| anyhow!(error))
        }
        ArchivePlace::Bucket(bucket) => Ok(bucket.probe().await?),
    }
}

async fn try_sink(config: &SinkConfig) -> Result<String, anyhow::Error> {
    build::sink(config, clock::system)?.sink.probe().await.map_err(|error| anyhow!(error))
}

async fn try_source(config: &SourceConfig) -> Result<String, anyhow::Error> {
    has_keys(&config.input)?;
    let source: Box<dyn Source> = build::source(config, &Gates::default(), clock::system)?;
    let found = source.probe().await?;
    Ok(match build::subject(config)? {
        Some(subject) => format!("{found}; {}", subject.probe().await.map_err(|error| anyhow!(error))?),
        None => found,
    })
}
