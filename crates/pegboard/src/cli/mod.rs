//! The command line.

mod alarms;
mod audit;
mod backup;
mod check;
mod dead_letters;
mod demo;
mod doctor;
mod encode;
mod erase;
mod exit;
mod follow;
mod history;
mod hub_client;
mod init;
mod ledger;
mod mapping;
mod pages;
mod rebuild;
mod reload;
mod replay;
mod report;
mod restore;
mod serve;
mod simulate;
mod sinks;
mod started;
mod store;
mod token;
mod token_keeper;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

pub use self::exit::Failure;
use crate::config::Config;

/// The hub between contact-centre platforms and workforce management.
#[derive(Debug, Parser)]
#[command(name = "pegboard", version, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a simulated contact centre live: nothing to configure, nothing to install.
    Demo(demo::Arguments),
    /// Run the hub.
    Serve(serve::Arguments),
    /// Write a commented pegboard.toml to start from.
    Init(init::Arguments),
    /// Validate pegboard.toml and try every connection.
    Check(check::Arguments),
    /// Say what is wrong with a running hub.
    Doctor(doctor::Arguments),
    /// Show what could not be used, try it again, or give it up.
    DeadLetters(dead_letters::Arguments),
    /// Show what sinks have and have not, and send it again or give it up.
    History(history::Arguments),
    Ledger(ledger::Arguments),
    /// Show what needs somebody, take notice of it, or have it told to nobody for a while.
    Alarms(alarms::Arguments),
    /// Show what was delivered that no row of the mapping names.
    Mapping(mapping::Arguments),
    /// Make, list and revoke the tokens by which people and programs get in.
    Token(token::Arguments),
    /// Show and check who did what.
    Audit(audit::Arguments),
    /// Show the rows of a report, as the running hub has them.
    Report(report::Arguments),
    /// Make the rows of whole days anew, beside live work.
    Reload(reload::Arguments),
    /// Have the hub forget a person.
    Erase(erase::Arguments),
    /// Copy the store to one file, whether the hub runs or not.
    Backup(backup::Arguments),
    /// Make the store from a copy.
    Restore(restore::Arguments),
    /// Make the whole store again from the archive.
    Rebuild(rebuild::Arguments),
    /// Move the store to another database.
    Store(store::Arguments),
    /// Make reports from files, offline.
    Replay(Box<replay::Arguments>),
    /// Write the files of a simulated contact centre, with the truth about it.
    Simulate(simulate::Arguments),
}

/// Where the configuration is.
#[derive(Debug, Args)]
struct ConfigPath {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = "pegboard.toml")]
    config: PathBuf,
}

impl ConfigPath {
    fn load(&self) -> Result<Config, Failure> {
        Config::load(&self.config).map_err(|errors| Failure::Usage(errors.to_string()))
    }
}

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::show_usage(&error),
    };
    let outcome = match arguments.command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::DeadLetters(arguments) => dead_letters::run(&arguments),
        Command::History(arguments) => history::run(&arguments),
        Command::Ledger(arguments) => ledger::run(&arguments),
        Command::Alarms(arguments) => alarms::run(&arguments),
        Command::Mapping(arguments) => mapping::run(&arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Reload(arguments) => reload::run(&arguments),
        Command::Erase(arguments) => erase::run(&arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Rebuild(arguments) => rebuild::run(&arguments),
        Command::Store(arguments) => store::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
    };
    exit::show(outcome)
}

/// Runs `work` on the runtime of the program.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(work)
}
