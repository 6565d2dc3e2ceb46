//! How the program ends: one code for each kind of end, and one way to say why.

use std::process::ExitCode;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line asks for something that cannot be: exit code 64.
    #[error("{0}")]
    Usage(String),
    /// Input was refused, under `--strict`: exit code 2.
    #[error("{0}")]
    Input(String),
    /// Something went wrong on the way: exit code 1.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::Input(_) => 2,
            Self::Other(_) => 1,
        }
    }
}

/// Shows what clap has to say: help and version on stdout with code 0, faults on stderr with code 64.
pub(super) fn show_usage(error: &clap::Error) -> ExitCode {
    let code = if error.use_stderr() { 64 } else { 0 };
    match error.print() {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Shows the failure, if there is one, and gives the exit code.
#[expect(clippy::print_stderr, reason = "the end of the program is where failures are shown")]
pub(super) fn show(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("pegboard: {failure}");
            ExitCode::from(failure.code())
        }
    }
}
