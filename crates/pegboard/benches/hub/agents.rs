//! What agents cost: memory of the process, and the time from its start to its first new event.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::centre::Centre;
use super::{Outcome, start, until_read};

/// Each number of agents in processes of their own, so that each has its own memory.
pub(crate) fn run(counts: &[&str]) -> Outcome {
    for count in counts {
        let folder = tempfile::tempdir()?;
        for step in ["fill", "restart"] {
            let status = Command::new(std::env::current_exe()?)
                .args(["agents", step, count])
                .arg(folder.path())
                .status()?;
            if !status.success() {
                return Err(format!("{step} with {count} agents failed: {status}").into());
            }
        }
    }
    Ok(())
}

/// A new store, and two events of each agent.
pub(crate) async fn fill(agents: u64, folder: &Path) -> Outcome {
    let events = 2 * agents;
    let began = Instant::now();
    let (_hub, running, store) = start(&Centre::new(agents, events, None), &folder.join("bench.db")).await?;
    until_read(&*store, events).await?;
    #[expect(clippy::cast_precision_loss, reason = "a few million at most")]
    let rate = events as f64 / began.elapsed().as_secs_f64();
    println!(
        "| {agents} agents, live | {} MB RSS | {rate:.0} events/s while they come | two events each |",
        resident_mb()?
    );
    running.stop().await?;
    Ok(())
}

/// The same store again, and new events.
pub(crate) async fn restart(agents: u64, folder: &Path) -> Outcome {
    let began = Instant::now();
    let (_hub, running, store) =
        start(&Centre::new(agents, 2 * agents + 1, None), &folder.join("bench.db")).await?;
    until_read(&*store, 2 * agents + 1).await?;
    let took = began.elapsed().as_secs_f64();
    println!(
        "| {agents} agents, restarted | {} MB RSS | {took:.2} s to the first new event | |",
        resident_mb()?
    );
    running.stop().await?;
    Ok(())
}

/// What the process holds in memory.
fn resident_mb() -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? / 1024)
}
