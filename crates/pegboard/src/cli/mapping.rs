//! `pegboard mapping`: the tables of a sink's mapping, and what no row of them names.

mod accept;
mod tables;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::hub_client::{HubClient, TokenPlace};
use super::sinks::{Sinks, path_of, write_lines};
use super::{ConfigPath, Failure, block_on};
use crate::api::csv::{self, Texts};

/// What is told of a name.
const COLUMNS: [&str; 10] =
    ["sink", "what", "source", "id", "detail", "count", "first_seen", "last_seen", "agents", "suggestion"];

/// Edit what a sink calls states, queues and agents, and show what no row names.
///
/// The tables begin as CSV in the folder that `mapping` of the sink names. One that is edited here is kept in the store, and holds from
/// then on whatever the folder says, on all nodes, until it is given back. The hub is asked with a token; changing takes an operator's.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    #[command(flatten)]
    token: TokenPlace,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the inbox: what the WFM got under its own name, or not at all; what was seen last first.
    Unmapped {
        /// Only this sink.
        #[arg(long)]
        sink: Option<String>,
        /// Write JSON, an object in a line.
        #[arg(long, conflicts_with = "csv")]
        json: bool,
        /// Write CSV that is safe to open in a spreadsheet.
        #[arg(long)]
        csv: bool,
    },
    /// Take the suggested rows of listed names: show what they would change, and let them hold where --apply says so.
    Accept(accept::Accept),
    /// Show the tables: what holds, since when, and who has edited it.
    Tables {
        /// Only this sink.
        #[arg(long)]
        sink: Option<String>,
    },
    /// Write a table as CSV to the standard output; `import` takes it back as it is.
    Export(tables::Export),
    /// Show what a table would change, row by row, and let it hold where --apply says so.
    Import(tables::Import),
    /// Set a row, in place of the one for the same: `pegboard mapping set states event_id=Lunch activity_code=Lunch status=closed`.
    Set(tables::RowEdit),
    /// Remove a row: say the columns that it is for.
    Remove(tables::RowEdit),
    /// Give a table back to the folder of the configuration, which holds again.
    GiveBack(tables::Which),
    /// Empty the inbox, after the tables were mended: it fills anew with what is still not named.
    Forget {
        /// The sink.
        #[arg(long)]
        sink: Option<String>,
    },
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    let token = arguments.token.require(&arguments.path.config)?;
    let hub = HubClient::new(&config.server, &token)?;
    let sinks = Sinks(config.sinks.iter().map(|sink| sink.name.clone()).collect());
    block_on(async {
        match &arguments.command {
            Command::Unmapped { sink, json, csv } => {
                let write = match (json, csv) {
                    (true, _) => Value::to_string,
                    (_, true) => csv_line,
                    _ => line,
                };
                show(&hub, &sinks.chosen(sink.as_deref()), write, *csv).await
            }
            Command::Tables { sink } => tables::list(&hub, &sinks.chosen(sink.as_deref())).await,
            Command::Accept(asked) => accept::accept(&hub, &sinks, asked).await,
            Command::Export(asked) => tables::export(&hub, &sinks, asked).await,
            Command::Import(asked) => tables::import(&hub, &sinks, asked).await,
            Command::Set(asked) => tables::set(&hub, &sinks, asked).await,
            Command::Remove(asked) => tables::remove(&hub, &sinks, asked).await,
            Command::GiveBack(which) => tables::give_back(&hub, &sinks, which).await,
            Command::Forget { sink } => {
                let path = format!("{}/unmapped/forget", sinks.path(sink.as_deref())?);
                let answer = hub.post_empty(&path).await?;
                write_lines([format!("forgotten: {} names", answer["names"])]);
                Ok(())
            }
        }
    })
}

async fn show(
    hub: &HubClient,
    sinks: &[&str],
    write: fn(&Value) -> String,
    head: bool,
) -> Result<(), Failure> {
    if head {
        write_lines([text_of(&csv::header(&COLUMNS))]);
    }
    for sink in sinks {
        let mut answer = hub.get(&format!("{}/unmapped", path_of(sink))).await?;
        for seen in answer["unmapped"].as_array_mut().into_iter().flatten() {
            seen["sink"] = (*sink).into();
            if !write_lines([write(seen)]) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn csv_line(seen: &Value) -> String {
    let agents: Vec<_> = seen["agents"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut seen = seen.clone();
    seen["agents"] = agents.join(" ").into();
    let mut written = Vec::new();
    csv::row(&mut written, &COLUMNS, &seen, Texts::Harmless);
    text_of(&written)
}

fn text_of(written: &[u8]) -> String {
    String::from_utf8_lossy(written).trim_end_matches('\n').to_owned()
}

/// A name in one line.
fn line(seen: &Value) -> String {
    let text = |name: &str| seen[name].as_str().unwrap_or_default();
    if text("what") == "note" {
        return format!(
            "{}  note  {} times, last {}: {}",
            text("sink"),
            seen["count"],
            text("last_seen"),
            text("suggestion")
        );
    }
    let agents = seen["agents"].as_array().map_or(0, Vec::len);
    let detail = if text("detail").is_empty() { String::new() } else { format!(" ({})", text("detail")) };
    let of = if agents == 0 { String::new() } else { format!(", {agents} agents or more") };
    format!(
        "{}  {}  {}  {:?}{detail}  {} times, last {}{of}; a row could say: {}",
        text("sink"),
        text("what"),
        text("source"),
        text("id"),
        seen["count"],
        text("last_seen"),
        text("suggestion"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_is_a_line() {
        let seen = json!({
            "sink": "wfm", "what": "state", "source": "main", "id": "Lunch", "detail": "late", "count": 7, "first_seen": "A",
            "last_seen": "B", "agents": ["ann", "bob"], "suggestion": "Lunch,closed",
        });
        let expected = "wfm  state  main  \"Lunch\" (late)  7 times, last B, 2 agents or more; a row could say: Lunch,closed";
        assert_eq!(line(&seen), expected);
        assert_eq!(csv_line(&seen), "wfm,state,main,Lunch,late,7,A,B,ann bob,\"Lunch,closed\"");
        let note = json!({"sink": "wfm", "what": "note", "count": 2, "last_seen": "B", "suggestion": "left out: 3 contacts"});
        assert_eq!(line(&note), "wfm  note  2 times, last B: left out: 3 contacts");
    }
}
