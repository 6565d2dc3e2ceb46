//! `pegboard report`: the rows of a report, from the running hub.

use std::io::Write as _;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::hub_client::{HubClient, TokenPlace};
use super::{ConfigPath, Failure, block_on};

/// Show the rows of a report, as the running hub has them.
///
/// `pegboard report queue_interval --from 2026-03-01T00:00:00Z` shows a day up to now as CSV. The hub is asked with a token.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    #[command(flatten)]
    token: TokenPlace,
    /// The name of the report, such as `queue_interval`, `agent_daily` or `reconciliation`.
    name: String,
    /// Only this source; repeat it for several.
    #[arg(long)]
    source: Vec<String>,
    /// The first instant, such as 2026-03-01T00:00:00Z; 24 hours before `--to` where there is none.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// The first instant after the window; now where there is none.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Only this agent, by the platform's id.
    #[arg(long)]
    agent: Option<String>,
    /// Only rows about this queue, by its id or its name; with `--history`.
    #[arg(long, requires = "history")]
    queue: Option<String>,
    /// Who computed the rows.
    #[arg(long, value_enum, default_value_t = Origin::Computed)]
    origin: Origin,
    /// Tell a queue apart by channel and direction: `queue / channel / direction`.
    #[arg(long, conflicts_with = "history")]
    virtual_queues: bool,
    /// Show every revision of the rows: when, why, and what changed.
    #[arg(long)]
    history: bool,
    /// Compare local days rather than intervals; in a reconciliation.
    #[arg(long, conflicts_with = "history")]
    by_day: bool,
    /// How many seconds durations may differ in a reconciliation, for each contact; 1 where nothing is said.
    #[arg(long, value_name = "SECONDS", conflicts_with = "history")]
    tolerance: Option<u32>,
    /// Also show the numbers that agree; in a reconciliation.
    #[arg(long, conflicts_with = "history")]
    agreeing: bool,
    /// How the rows are written.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// The CSV is for people who open it in a spreadsheet: no text in it is run as a formula.
    #[arg(long)]
    spreadsheet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Origin {
    /// The hub, from what it read.
    Computed,
    /// The ACD itself.
    Acd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
    Ndjson,
    Parquet,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    let token = arguments.token.require(&arguments.path.config)?;
    let text = block_on(async {
        let hub = HubClient::new(&config.server, &token)?;
        Ok(hub.get_text(&arguments.path_and_query()).await?)
    })?;
    let mut out = std::io::stdout().lock();
    out.write_all(&text).and_then(|()| out.flush()).context("cannot write the rows")?;
    Ok(())
}

impl Arguments {
    /// What the hub is asked for.
    fn path_and_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for source in &self.source {
            query.append_pair("source", source);
        }
        let texts = [("from", &self.from), ("to", &self.to), ("agent", &self.agent), ("queue", &self.queue)];
        for (name, value) in texts {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        if self.origin == Origin::Acd {
            query.append_pair("origin", "acd");
        }
        if self.virtual_queues {
            query.append_pair("virtual_queues", "true");
        }
        if self.by_day {
            query.append_pair("by", "day");
        }
        if let Some(seconds) = self.tolerance {
            query.append_pair("tolerance", &seconds.to_string());
        }
        if self.agreeing {
            query.append_pair("agreeing", "true");
        }
        query.append_pair(
            "format",
            match self.format {
                Format::Csv => "csv",
                Format::Json => "json",
                Format::Ndjson => "ndjson",
                Format::Parquet => "parquet",
            },
        );
        if self.spreadsheet {
            query.append_pair("spreadsheet", "true");
        }
        let name: String = form_urlencoded::byte_serialize(self.name.as_bytes()).collect();
        let history = if self.history { "/history" } else { "" };
        format!("/api/v1/reports/{name}{history}?{}", query.finish())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn asked(arguments: &[&str]) -> String {
        let given = ["report"].iter().chain(arguments);
        Only::try_parse_from(given)
            .map_or_else(|error| error.to_string(), |only| only.arguments.path_and_query())
    }

    #[test]
    fn the_hub_is_asked_for_what_was_said() {
        assert_eq!(asked(&["queue_interval"]), "/api/v1/reports/queue_interval?format=csv");
        let said = ["queue_interval", "--history", "--queue", "R&D", "--origin", "acd", "--format", "json"];
        let expected = "/api/v1/reports/queue_interval/history?queue=R%26D&origin=acd&format=json";
        assert_eq!(asked(&said), expected);
        let said = ["agent_daily", "--source", "a", "--source", "b", "--agent", "7", "--virtual-queues"];
        let expected = "/api/v1/reports/agent_daily?source=a&source=b&agent=7&virtual_queues=true&format=csv";
        assert_eq!(asked(&said), expected);
        let expected = "/api/v1/reports/sessions?format=csv&spreadsheet=true";
        assert_eq!(asked(&["sessions", "--spreadsheet"]), expected);
        assert!(asked(&["agent_daily", "--queue", "x"]).contains("--history"));
    }
}
