//! `pegboard simulate`: the files of a contact centre that does not exist, and the truth about it.

use std::io;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use pegboard_model::Timestamp;
use pegboard_sim::objects::DeliveryStream;
use pegboard_sim::reports::Plan;
use pegboard_sim::truth::ReportSettings;
use pegboard_sim::{Centre, Config, Simulation, output};

use super::Failure;

/// Write the files of a simulated contact centre, with the truth about it.
///
/// Agent events and contact records stand there as Amazon Connect writes them; truth/actual is what happened, and
/// truth/knowable what can be known from the files, both as reports. The same seed gives the same files.
///
/// With --report-files and --record-objects a folder `bucket` is there too, in which each object stands at its key. What the
/// report files state is in truth/acd.
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
    /// Also write the report files that Amazon Connect makes on a schedule: by queue, by agent and queue, by agent, and
    /// sessions. `usual` runs them every 15 or 30 minutes for the last two hours, with all that is known to be unusual or
    /// to go wrong; `daily` runs them once a day, and nothing goes wrong.
    #[arg(long, value_name = "PLAN", value_parser = ["usual", "daily"])]
    report_files: Option<String>,
    /// Also write the contact records as Firehose does: one after the other without anything between them, in objects
    /// that are compressed or not.
    #[arg(long, value_name = "HOW", value_parser = ["plain", "gzip"])]
    record_objects: Option<String>,
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
    write_bucket(arguments, &simulation)
        .with_context(|| format!("cannot write into {}", arguments.out.join("bucket").display()))?;
    Ok(())
}

/// Writes what was asked for into the bucket.
#[expect(clippy::print_stdout, reason = "says what was written")]
fn write_bucket(arguments: &Arguments, simulation: &Simulation) -> io::Result<()> {
    if let Some(plan) = &arguments.report_files {
        let plan = if plan == "daily" { Plan::daily(arguments.seed) } else { Plan::usual(arguments.seed) };
        let files = output::write_report_files(&arguments.out, simulation, &plan)?;
        println!("Wrote {files} report files");
    }
    if let Some(how) = &arguments.record_objects {
        let stream = DeliveryStream { gzip: how == "gzip", ..DeliveryStream::new("contact-records", "ctr/") };
        let objects = output::write_record_objects(&arguments.out, simulation, stream)?;
        println!("Wrote {objects} objects of contact records");
    }
    Ok(())
}
