//! `pegboard restore`: a store from a copy.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use pegboard_store::SqliteStore;

use super::backup::NO_FILE;
use super::{ConfigPath, Failure};
use crate::config::StoreUrl;

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
    println!("Restored {} from {}", config.store, arguments.from.display());
    Ok(())
}
