//! `pegboard store`: the database itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use pegboard_store::{InvalidPostgresUrl, PostgresStore, SqliteOptions, SqliteStore, Store as _};

use super::{Failure, block_on};
use crate::clock;
use crate::config::{PostgresSettings, SecretRef};
use crate::runtime::build;

/// Move the store to another database.
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
    let Command::Copy { from, to, password } = &arguments.command;
    let to = target(to, password.as_deref())?;
    block_on(copy(from, &to))
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
