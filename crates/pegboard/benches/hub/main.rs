//! The running hub, measured: durable ingest beside the bare driver, the way from an event to a client of the stream,
//! what agents cost, the way to a WFM, and a month that is made anew. Every line that is printed is a row of the table that `scripts/bench` puts together.
//!
//! `cargo bench -p pegboard --bench hub -- ingest|ingest-postgres URL|latency|deliver NUMBER|agents [NUMBER...]|reload DAYS AGENTS FOLDER`
#![expect(clippy::print_stdout, reason = "a measuring program prints what it measured")]

mod agents;
mod centre;
mod deliver;
mod ingest;
mod latency;
mod month;
mod postgres;
mod reload;

use std::sync::Arc;
use std::time::Duration;

use pegboard::clock;
use pegboard::config::{FileSettings, SourceConfig, SourceInput};
use pegboard::runtime::hub::{Hub, Running};
use pegboard_store::{SqliteOptions, SqliteStore, Store};

use self::centre::Centre;

/// What can go wrong ends the measurement.
type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    runtime.block_on(async {
        match words[..] {
            ["ingest"] => ingest::run().await,
            ["ingest-postgres", url] => postgres::run(url).await,
            ["latency"] => latency::run().await,
            ["deliver", backlog] => deliver::run(backlog.parse()?).await,
            ["agents", "fill", count, folder] => agents::fill(count.parse()?, folder.as_ref()).await,
            ["agents", "restart", count, folder] => agents::restart(count.parse()?, folder.as_ref()).await,
            ["agents", ref counts @ ..] => agents::run(counts),
            ["reload", "fill", days, agents, folder] => {
                reload::fill(days.parse()?, agents.parse()?, folder.as_ref()).await
            }
            ["reload", "measure", goals, agents, folder] => {
                reload::measure(goals.parse()?, agents.parse()?, folder.as_ref()).await
            }
            ["reload", days, agents, folder] => reload::run(days, agents, folder.as_ref()),
            _ => Err("say what to measure: ingest, ingest-postgres URL, latency, deliver NUMBER, agents NUMBER..., or \
                      reload DAYS AGENTS FOLDER"
                .into()),
        }
    })
}

/// A store as `pegboard serve` opens it, and a hub over it that reads from the centre.
async fn start(
    centre: &Centre,
    path: &std::path::Path,
) -> Result<(Arc<Hub>, Running, Arc<dyn Store>), Box<dyn std::error::Error>> {
    let store = Arc::new(SqliteStore::open(path, SqliteOptions::new(clock::system))?);
    start_over(centre, store).await
}

/// The same over a store.
async fn start_over(
    centre: &Centre,
    store: Arc<dyn Store>,
) -> Result<(Arc<Hub>, Running, Arc<dyn Store>), Box<dyn std::error::Error>> {
    let config = SourceConfig::new("bench", SourceInput::File(FileSettings::new("bench".into())));
    let (hub, running) =
        Hub::start(vec![(config, Box::new(centre.clone()))], store.clone(), clock::system).await?;
    Ok((hub, running, store))
}

/// Waits until so many events are committed.
async fn until_read(store: &dyn Store, events: u64) -> Outcome {
    loop {
        let partitions = store.partitions(&"bench".into()).await?;
        if partitions.iter().map(|partition| partition.counts.records).sum::<u64>() >= events {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The value at such a part of the sorted `values`.
fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let index = ((values.len() as f64 - 1.0) * part).round() as usize;
    values.get(index).copied().unwrap_or(f64::NAN)
}
