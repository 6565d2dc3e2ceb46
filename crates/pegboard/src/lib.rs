//! The program: configuration, runtime, API, console and command line around the library crates.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod replay;
pub mod runtime;

use pegboard_sinks::report_parquet;
pub use pegboard_sinks::report_text;
