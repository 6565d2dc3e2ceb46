//! `pegboard token`: who gets in.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pegboard_model::{SourceName, Timestamp};
use pegboard_store::{Role, Store, StoreError};

use super::{ConfigPath, Failure, block_on};
use crate::api::tokens;
use crate::clock;
use crate::runtime::build;

/// Make, list and revoke tokens. The hub must not be running: it holds the store.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token. It is shown once.
    Create {
        /// What people call it.
        #[arg(long)]
        name: String,
        /// What it allows.
        #[arg(long, value_enum, default_value = "viewer")]
        role: RoleName,
        /// A source that it is limited to. May be repeated; without it, it sees all.
        #[arg(long, value_name = "NAME")]
        source: Vec<String>,
        /// From when on it is refused.
        #[arg(long, value_name = "TIME")]
        expires: Option<Timestamp>,
    },
    /// List all tokens, never the tokens themselves.
    List,
    /// Revoke a token by its id.
    Revoke {
        /// The id that `list` shows.
        id: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleName {
    Viewer,
    Operator,
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Operator => Self::Operator,
            RoleName::Admin => Self::Admin,
        }
    }
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    let store = build::store(&config.store, clock::system).map_err(|error| match error {
        StoreError::InUse { path } => {
            let advice = "the running hub holds the store; stop it, make the token, and start it again";
            Failure::Usage(format!("{}: {advice}", PathBuf::from(path).display()))
        }
        other => Failure::Other(other.into()),
    })?;
    block_on(async {
        match &arguments.command {
            Command::Create { name, role, source, expires } => {
                let sources: Vec<SourceName> = source.iter().map(|name| name.as_str().into()).collect();
                if let Some(unknown) =
                    sources.iter().find(|name| config.sources.iter().all(|known| known.name != **name))
                {
                    return Err(Failure::Usage(format!(
                        "there is no source '{unknown}' in the configuration"
                    )));
                }
                create(&*store, name, (*role).into(), sources, *expires).await?;
            }
            Command::List => list(&*store).await?,
            Command::Revoke { id } => revoke(&*store, id).await?,
        }
        store.shut_down().await.map_err(|error| Failure::Other(error.into()))
    })
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the answer of this command")]
async fn create(
    store: &dyn Store,
    name: &str,
    role: Role,
    sources: Vec<SourceName>,
    expires: Option<Timestamp>,
) -> Result<(), Failure> {
    let (secret, write) = tokens::create(name, role, sources, expires, clock::system());
    store.add_token(write).await.map_err(|error| Failure::Other(error.into()))?;
    eprintln!("This is the only time that the token is shown:");
    println!("{}", secret.expose());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer of this command")]
async fn list(store: &dyn Store) -> Result<(), Failure> {
    let tokens = store.tokens().await.map_err(|error| Failure::Other(error.into()))?;
    println!("{:<18} {:<9} {:<21} {:<21} {:<10} NAME", "ID", "ROLE", "CREATED", "EXPIRES", "STATE");
    for token in tokens {
        let role = match token.role {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        };
        let expires = token.expires.map_or_else(|| "never".into(), |at| at.to_string());
        let state = if token.revoked.is_some() { "revoked" } else { "valid" };
        println!(
            "{:<18} {role:<9} {:<21} {expires:<21} {state:<10} {}",
            token.id,
            token.created.to_string(),
            token.name
        );
    }
    Ok(())
}

async fn revoke(store: &dyn Store, id: &str) -> Result<(), Failure> {
    let revoked =
        store.revoke_token(id, clock::system()).await.map_err(|error| Failure::Other(error.into()))?;
    if revoked {
        Ok(())
    } else {
        Err(Failure::Usage(format!("there is no token '{id}': see pegboard token list")))
    }
}
