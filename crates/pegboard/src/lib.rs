//! The program: configuration, runtime, API, console and command line around the library crates.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod replay;
mod report_parquet;
pub mod report_text;
pub mod runtime;
