//! `pegboard audit`: who did what.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use pegboard_store::{AuditChain, AuditEntry, AuditHash, Store, StoreError};
use serde::Deserialize;

use super::hub_client::{HubClient, TokenPlace};
use super::pages::{self, Page};
use super::{ConfigPath, Failure, block_on};
use crate::clock;
use crate::config::Config;
use crate::runtime::build;

/// How many entries are fetched at once.
const PAGE: usize = 100;

/// Show and check the audit log: who did what, when and from where.
///
/// Where no hub runs, the store is opened; the running hub, which holds it, is asked with an admin's token.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    #[command(flatten)]
    token: TokenPlace,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show entries, newest first, one JSON object in a line.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Only entries with a smaller number.
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
    },
    /// Check that nothing was changed, removed or put in. Shows the newest number and hash: note them elsewhere.
    Verify {
        /// A hash that was noted, or logged by the hub: fails unless it is in the log.
        #[arg(long, value_name = "HASH")]
        seen: Option<AuditHash>,
    },
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    block_on(async {
        let log = open(&config, arguments).await?;
        let done = obey(&log, &arguments.command).await;
        log.leave().await?;
        done
    })
}

#[expect(clippy::print_stdout, reason = "the answer of this command")]
async fn obey(log: &Log, command: &Command) -> Result<(), Failure> {
    match command {
        Command::List { limit, before } => {
            let show = |entry: AuditEntry| {
                println!("{}", serde_json::to_string(&entry).context("an entry cannot be shown")?);
                Ok(ControlFlow::Continue(()))
            };
            pages::each(*limit, PAGE, *before, async |size, before| log.page(before, size).await, show)
                .await?;
        }
        Command::Verify { seen } => {
            let Some(summary) = verify(log, *seen).await? else {
                println!("The audit log is empty.");
                return Ok(());
            };
            println!("{summary}");
        }
    }
    Ok(())
}

/// Checks all entries; what to tell of them, or nothing if there are none.
async fn verify(log: &Log, seen: Option<AuditHash>) -> Result<Option<String>, Failure> {
    let mut chain = AuditChain::default();
    let (mut newest, mut oldest): (Option<AuditEntry>, Option<AuditEntry>) = (None, None);
    let mut found = seen.is_none();
    let check = |entry: AuditEntry| {
        chain.check(&entry).context("the audit log does not hold together")?;
        found |= seen == Some(entry.hash);
        newest.get_or_insert_with(|| entry.clone());
        oldest = Some(entry);
        Ok(ControlFlow::Continue(()))
    };
    pages::each(usize::MAX, PAGE, None, async |size, before| log.page(before, size).await, check).await?;
    if !found {
        let advice =
            "entries were removed or the log was written anew, unless that hash is older than 400 days";
        return Err(Failure::Other(anyhow::anyhow!("no entry has the hash that was seen: {advice}")));
    }
    let Some((newest, oldest)) = newest.zip(oldest) else { return Ok(None) };
    let (first, last) = (oldest.number, newest.number);
    Ok(Some(format!("entries {first} to {last} hold together; the hash of {last} is {}", newest.hash)))
}

/// Where the log is read.
enum Log {
    Store(Arc<dyn Store>),
    Hub(HubClient),
}

/// The store, where nobody holds it; else the hub that does.
async fn open(config: &Config, arguments: &Arguments) -> Result<Log, Failure> {
    let path = match build::store(&config.store, clock::system).await {
        Ok(store) => return Ok(Log::Store(store)),
        Err(StoreError::InUse { path }) => path,
        Err(error) => return Err(Failure::Other(error.into())),
    };
    let Some(token) = arguments.token.fetch(&arguments.path.config)? else {
        let reference = arguments.token.reference();
        return Err(Failure::Usage(format!(
            "{path} is held by the running hub, and {reference} is not set: set it to the token of an admin"
        )));
    };
    Ok(Log::Hub(HubClient::new(&config.server, &token)?))
}

/// A page as the hub tells it.
#[derive(Deserialize)]
struct Told {
    entries: Vec<AuditEntry>,
}

impl Log {
    async fn page(&self, before: Option<u64>, limit: usize) -> Result<Page<AuditEntry, u64>, Failure> {
        let items = self.entries(before, limit).await?;
        Ok(Page { next: items.last().map(|entry| entry.number), items })
    }

    async fn entries(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditEntry>, Failure> {
        match self {
            Self::Store(store) => {
                Ok(store.audit(before, limit).await.context("cannot read the audit log")?)
            }
            Self::Hub(hub) => {
                let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
                let answer = hub.get(&format!("/api/v1/audit?limit={limit}{before}")).await?;
                let told: Told = serde_json::from_value(answer).context("the hub is of another version")?;
                Ok(told.entries)
            }
        }
    }

    async fn leave(self) -> Result<(), Failure> {
        match self {
            Self::Store(store) => Ok(store.shut_down().await.context("cannot close the store")?),
            Self::Hub(_) => Ok(()),
        }
    }
}
