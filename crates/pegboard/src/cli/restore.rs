//! `pegboard restore`: a store from a copy.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use pegboard_store::SqliteStore;
use serde_json::json;

use super::backup::NO_FILE;
use super::{ConfigPath, Failure, block_on};
use crate::api::audit::{self, Actor, Deed};
use crate::clock;
use crate::config::{Config, StoreUrl};
use crate::runtime::build;

/// Make the store from a copy that `pegboard backup` made.
///
/// The hub must not run. The store that is made has an identity of its own: readers of the stream take a new snapshot.
/// Sources are read on from where the copy was made, as far back as they still have their records.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    /// The copy.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Replace the store that is there; it is kept beside the new one, with `.replaced` at the end of its name.
    #[arg(long)]
    replace: bool,
}

/// Runs the command.
#[expect(clippy::print_stdout, reason = "says what was written")]
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    let StoreUrl::Sqlite(path) = &config.store else { return Err(Failure::Usage(NO_FILE.to_owned())) };
    if path.exists() && !arguments.replace {
        return Err(Failure::Usage(format!(
            "{} is there already: move it away, or say --replace to have it kept beside the new one",
            path.display()
        )));
    }
    SqliteStore::restore(&arguments.from, path, arguments.replace).context("cannot restore the store")?;
    block_on(note(&config, &arguments.from))?;
    println!("Restored {} from {}", config.store, arguments.from.display());
    Ok(())
}

/// Notes in the audit log of the new store where it comes from.
async fn note(config: &Config, from: &Path) -> Result<(), Failure> {
    let store = build::store(&config.store, clock::system).await.context("cannot open the restored store")?;
    let after = json!({"from": from.display().to_string()});
    let deed =
        Deed { action: "store.restored", subject: "store".to_owned(), before: None, after: Some(after) };
    let noted = audit::write(&*store, clock::system(), Actor::machine(), deed).await;
    store.shut_down().await.context("cannot close the restored store")?;
    noted.context("cannot write to the audit log").map(drop).map_err(Failure::Other)
}
