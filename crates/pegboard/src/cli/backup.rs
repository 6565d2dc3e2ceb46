//! `pegboard backup`: the store as one file.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use pegboard_store::StoreError;

use super::hub_client::{HubClient, TokenPlace};
use super::{ConfigPath, Failure, block_on};
use crate::api::audit::{self, Actor, Deed};
use crate::clock;
use crate::config::{Config, StoreUrl};
use crate::runtime::build;

/// Copy the store to one file, whether the hub runs or not.
///
/// The copy is of one moment, and checked. The running hub, which goes on meanwhile, is asked with an admin's token; it
/// writes the copy beside the store, from where it is moved. `pegboard restore` makes a store from it.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    #[command(flatten)]
    token: TokenPlace,
    /// The file to write; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// What is said of a store that is no file.
pub(super) const NO_FILE: &str =
    "the store is a PostgreSQL database: use the tools of its server, such as pg_dump and pg_restore";

/// Runs the command.
#[expect(clippy::print_stdout, reason = "says what was written")]
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    let to = &arguments.to;
    if to.exists() {
        return Err(Failure::Usage(format!("--to: {} is there already: name a new file", to.display())));
    }
    let StoreUrl::Sqlite(store) = &config.store else { return Err(Failure::Usage(NO_FILE.to_owned())) };
    let made = block_on(make(&config, store, arguments))?;
    relocate(&made, to).with_context(|| {
        format!("the copy is at {} and cannot be moved to {}", made.display(), to.display())
    })?;
    println!("Copied {} to {}", config.store, to.display());
    Ok(())
}

/// Makes the copy, or has the hub that holds the store make it: where it lies.
async fn make(config: &Config, path: &Path, arguments: &Arguments) -> Result<PathBuf, Failure> {
    match build::store(&config.store, clock::system).await {
        Ok(store) => {
            let deed =
                Deed { action: "store.copied", subject: "store".to_owned(), before: None, after: None };
            audit::write(&*store, clock::system(), Actor::machine(), deed)
                .await
                .context("cannot write to the audit log")?;
            let made = store.backup().await;
            store.shut_down().await.context("cannot close the store")?;
            Ok(made.context("cannot copy the store")?.path)
        }
        Err(StoreError::InUse { .. }) => ask_hub(config, path, arguments).await,
        Err(error) => Err(Failure::Other(error.into())),
    }
}

async fn ask_hub(config: &Config, path: &Path, arguments: &Arguments) -> Result<PathBuf, Failure> {
    let Some(token) = arguments.token.fetch(&arguments.path.config)? else {
        let reference = arguments.token.reference();
        return Err(Failure::Usage(format!(
            "{} is held by the running hub, and {reference} is not set: set it to the token of an admin, with which \
             the hub can be asked, or stop the hub",
            path.display()
        )));
    };
    let hub = HubClient::new(&config.server, &token)?;
    let answer = hub.post_and_wait("/api/v1/backup").await?;
    let strange = || anyhow!("the answer is none that this version knows: is the hub of the same version?");
    let file = answer["file"].as_str().filter(|name| is_plain(name)).ok_or_else(strange)?;
    Ok(path.with_file_name(file))
}

/// Whether it is the name of a file and no way to another folder.
fn is_plain(name: &str) -> bool {
    Path::new(name).file_name().is_some_and(|own| own == name)
}

/// Moves a file, to another disk by copying. All of it is on the disk before its first place is given up.
fn relocate(from: &Path, to: &Path) -> io::Result<()> {
    if fs::rename(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to)?;
    File::open(to)?.sync_all()?;
    fs::remove_file(from)
}
