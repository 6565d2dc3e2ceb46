//! `pegboard token`: who gets in.

use clap::{Args, Subcommand, ValueEnum};
use pegboard_model::{SourceName, Timestamp};
use pegboard_store::{Role, StoreError};

use super::hub_client::{HubClient, TokenPlace};
use super::token_keeper::{Keeper, Wanted};
use super::{ConfigPath, Failure, block_on};
use crate::api::tokens::TokenEntry;
use crate::clock;
use crate::config::Config;
use crate::runtime::build;

/// Make, list and revoke the tokens by which people and programs get in.
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
    block_on(async {
        let keeper = keeper(&config, arguments).await?;
        let done = obey(&keeper, &arguments.command).await;
        keeper.leave().await?;
        done
    })
}

/// The store, where nobody holds it; else the hub that does.
async fn keeper(config: &Config, arguments: &Arguments) -> Result<Keeper, Failure> {
    let path = match build::store(&config.store, clock::system).await {
        Ok(store) => {
            let configured = config.sources.iter().map(|source| source.name.clone()).collect();
            return Ok(Keeper::Store { store, configured, clock: clock::system });
        }
        Err(StoreError::InUse { path }) => path,
        Err(error) => return Err(Failure::Other(error.into())),
    };
    let Some(token) = arguments.token.fetch(&arguments.path.config)? else {
        let reference = arguments.token.reference();
        return Err(Failure::Usage(format!(
            "{path} is held by the running hub, and {reference} is not set: set it to the token of an admin, with which \
             the hub can be asked, or stop the hub"
        )));
    };
    Ok(Keeper::Hub(HubClient::new(&config.server, &token)?))
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the answer of this command")]
async fn obey(keeper: &Keeper, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Create { name, role, source, expires } => {
            let sources: Vec<SourceName> = source.iter().map(|name| name.as_str().into()).collect();
            let wanted = Wanted { name, role: (*role).into(), sources, expires: *expires };
            let secret = keeper.create(wanted).await?;
            eprintln!("This is the only time that the token is shown:");
            println!("{}", secret.expose());
        }
        Command::List => show(&keeper.list().await?, clock::system()),
        Command::Revoke { id } => keeper.revoke(id).await?,
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer of this command")]
fn show(tokens: &[TokenEntry], now: Timestamp) {
    println!("{:<18} {:<9} {:<21} {:<21} {:<10} NAME", "ID", "ROLE", "CREATED", "EXPIRES", "STATE");
    for token in tokens {
        let role = match token.role {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        };
        let expires = token.expires.map_or_else(|| "never".into(), |at| at.to_string());
        let state = match (token.revoked, token.expires) {
            (Some(_), _) => "revoked",
            (None, Some(expires)) if expires <= now => "expired",
            _ => "valid",
        };
        println!(
            "{:<18} {role:<9} {:<21} {expires:<21} {state:<10} {}",
            token.id,
            token.created.to_string(),
            token.name
        );
    }
}
