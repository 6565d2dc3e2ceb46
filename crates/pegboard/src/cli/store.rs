//! `pegboard store`: the database itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use pegboard_store::{InvalidPostgresUrl, PostgresStore, SqliteOptions, SqliteStore, Store as _};
use serde_json::json;

use super::{ConfigPath, Failure, block_on};
use crate::api::audit::{self, Actor, Deed};
use crate::clock;
use crate::config::{Config, PostgresSettings, SecretRef, StoreUrl};
use crate::runtime::build;

const NO_PAGES: &str = "the store is in a PostgreSQL database, whose server keeps its own checksums";

/// Move the store to another database, or take it as another program has left it.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copy a SQLite store into an empty schema of a PostgreSQL database. The hub is stopped meanwhile, and started on the
    /// copy afterwards: it goes on where it was, and readers keep their cursors.
    Copy {
        /// The store as it is: `sqlite:` and a path.
        #[arg(long, value_name = "URL", value_parser = sqlite_path)]
        from: PathBuf,
        /// Where it goes: `postgres://user@host/database`, without a password.
        #[arg(long, value_name = "URL")]
        to: String,
        /// Where the password is kept: `env:NAME` or `file:PATH`.
        #[arg(long, value_name = "REFERENCE")]
        password: Option<String>,
    },
    /// Take a SQLite store as it is that another program has written, such as `sqlite3`: its pages then carry no checksums
    /// that fit, and read as damaged. The hub must not run. Nothing can tell this from damage by the disk: where no other
    /// program has written the file, restore a backup instead. What was there is kept beside it, with `.unsealed` at the end
    /// of its name.
    Reseal {
        #[command(flatten)]
        path: ConfigPath,
    },
}

fn sqlite_path(url: &str) -> Result<PathBuf, String> {
    let path = url.strip_prefix("sqlite:").filter(|path| !path.is_empty());
    path.map(PathBuf::from).ok_or_else(|| "expected \"sqlite:\" and a path".to_owned())
}

/// Read here and not by clap, which repeats what it refuses: that may be a secret.
fn target(to: &str, password: Option<&str>) -> Result<PostgresSettings, Failure> {
    let url = to.parse().map_err(|error: InvalidPostgresUrl| Failure::Usage(format!("--to: {error}")))?;
    let password = password.map(|reference| SecretRef::parse(reference, Path::new(""))).transpose();
    let password = password.map_err(|error| Failure::Usage(format!("--password: {error}")))?;
    Ok(PostgresSettings { url, password })
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Copy { from, to, password } => block_on(copy(from, &target(to, password.as_deref())?)),
        Command::Reseal { path } => reseal(&path.load()?),
    }
}

#[expect(clippy::print_stdout, reason = "the answer of this command")]
fn reseal(config: &Config) -> Result<(), Failure> {
    let StoreUrl::Sqlite(path) = &config.store else { return Err(Failure::Usage(NO_PAGES.to_owned())) };
    if !path.exists() {
        return Err(Failure::Usage(format!("{}: there is no such file", path.display())));
    }
    let pages = SqliteStore::reseal(path).context("cannot seal the store again")?;
    block_on(note(config, pages))?;
    println!(
        "{pages} pages of {} were not as pegboard had written them; they are taken as they are.",
        config.store
    );
    Ok(())
}

/// Notes in the audit log that the store is what somebody says it is.
async fn note(config: &Config, pages: u64) -> Result<(), Failure> {
    let store = build::store(&config.store, clock::system).await.context("cannot open the store")?;
    let after = json!({"pages": pages});
    let deed =
        Deed { action: "store.resealed", subject: "store".to_owned(), before: None, after: Some(after) };
    let noted = audit::write(&*store, clock::system(), Actor::machine(), deed).await;
    store.shut_down().await.context("cannot close the store")?;
    noted.context("cannot write to the audit log").map(drop).map_err(Failure::Other)
}

#[expect(clippy::print_stdout, reason = "the answer of this command")]
async fn copy(from: &Path, to: &PostgresSettings) -> Result<(), Failure> {
    if !from.exists() {
        return Err(Failure::Usage(format!("{}: there is no such file", from.display())));
    }
    let store = SqliteStore::open(from, SqliteOptions::new(clock::system))
        .with_context(|| format!("cannot open {}", from.display()))?;
    let options = build::postgres(to, clock::system).map_err(|error| anyhow!(error))?;
    let copied = PostgresStore::copy_from(&store, &to.url, &options).await.map_err(|error| anyhow!(error))?;
    store.shut_down().await.context("cannot close the SQLite store")?;
    for table in &copied {
        println!("{:<14} {:>12} rows  {}", table.name, table.rows, table.checksum);
    }
    println!(
        "All rows were read back and are the same. Name the new store in pegboard.toml; do not start a hub on {} again.",
        from.display()
    );
    Ok(())
}
