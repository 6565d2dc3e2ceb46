//! `pegboard simulate`: the files of a contact centre that does not exist, and the truth about it.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use pegboard_model::Timestamp;
use pegboard_sim::truth::ReportSettings;
use pegboard_sim::{Centre, Config, output};

use super::Failure;

/// Write the files of a simulated contact centre, with the truth about it.
///
/// Agent events and contact records stand there as Amazon Connect writes them; truth/actual is what happened, and
/// truth/knowable what can be known from the files, both as reports. The same seed gives the same files.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many agents.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    agents: u32,
    /// How many hours.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=1000))]
    hours: u32,
    /// What everything random follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// When it begins.
    #[arg(long, value_name = "TIME", default_value = "2026-03-02T00:00:00Z")]
    start: Timestamp,
    /// The folder to write into.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
#[expect(clippy::print_stdout, reason = "says what was written")]
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = Config::new(arguments.agents as usize, arguments.start, arguments.hours, arguments.seed);
    let settings = ReportSettings::new(config.start, config.end());
    let simulation = Centre::new(config).run();
    output::write_folder(&arguments.out, &simulation, &settings)
        .with_context(|| format!("cannot write into {}", arguments.out.display()))?;
    println!(
        "Simulated {} agent events and {} contact records into {}",
        simulation.agent_events.len(),
        simulation.contact_records.len(),
        arguments.out.display()
    );
    Ok(())
}
