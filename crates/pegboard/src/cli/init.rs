//! `pegboard init`: a configuration to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::Failure;
use crate::config;

/// Write a commented pegboard.toml to start from.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to write it. A file that is there is left alone.
    #[arg(default_value = "pegboard.toml")]
    file: PathBuf,
}

/// Runs the command.
#[expect(clippy::print_stdout, reason = "says what to do next")]
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let path = &arguments.file;
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let advice = "is there already, and stays as it is; name another file, or move it away";
            return Err(Failure::Usage(format!("{} {advice}", path.display())));
        }
        Err(error) => {
            return Err(anyhow::Error::new(error).context(format!("cannot write {}", path.display())).into());
        }
    };
    file.write_all(config::template().as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("Wrote {0}. Fill in your source, then: pegboard check --config {0}", path.display());
    Ok(())
}
