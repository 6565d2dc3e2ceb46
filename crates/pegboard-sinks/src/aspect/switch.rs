//! Where the adherence product switches the queues on and off.

use pegboard_aws::{CallError, Clock, Function, FunctionConfig, Table, TableConfig};
use serde_json::json;

use super::forwarding::{Flag, FlagError, SETTING};

/// Which of the two places of the Quick Start it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchConfig {
    /// `tab`: an item of the table of settings.
    Table(TableConfig),
    /// `env`: a variable of a Lambda function.
    Function(FunctionConfig),
}

/// The same, connected.
#[derive(Debug)]
pub(super) enum Switch {
    Table(Table),
    Function(Function),
}

/// Why it is not known how it stands.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookError {
    /// It cannot be read.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It makes no sense.
    #[error(transparent)]
    Flag(#[from] FlagError),
}

impl Switch {
    pub(super) async fn connect(config: SwitchConfig, clock: Clock, seed: u64) -> Result<Self, CallError> {
        Ok(match config {
            SwitchConfig::Table(table) => Self::Table(Table::connect(table, clock, seed).await?),
            SwitchConfig::Function(function) => {
                Self::Function(Function::connect(function, clock, seed).await?)
            }
        })
    }

    /// How it stands now.
    pub(super) async fn look(&self) -> Result<Flag, LookError> {
        Ok(match self {
            Self::Table(table) => {
                let item = table.get(&json!({ "Setting": { "S": SETTING } })).await?;
                Flag::of_item(item.as_ref())?
            }
            Self::Function(function) => Flag::of_function(&function.configuration().await?)?,
        })
    }
}
