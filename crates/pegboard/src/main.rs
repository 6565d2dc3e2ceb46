//! `pegboard`: see `pegboard --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pegboard::cli::run()
}
