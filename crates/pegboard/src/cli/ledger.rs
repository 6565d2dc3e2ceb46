//! `pegboard ledger`: what was delivered to whom, and what becomes of what was not.

mod shown;

use std::ops::ControlFlow;

use clap::{Args, Subcommand};
use pegboard_model::Timestamp;
use pegboard_store::Unit;
use serde_json::{Value, json};

use self::shown::Format;
use super::hub_client::{HubClient, TokenPlace};
use super::pages::{self, Page};
use super::sinks::{Sinks, encoded, path_of, write_lines};
use super::{ConfigPath, Failure, block_on};
use crate::clock;

/// How many intervals are fetched at once.
const PAGE: usize = 500;

/// Show what sinks have and have not, and send it again or give it up.
///
/// Without anything: a line for each report of each sink. With a filter: every interval it lets through, newest first. A sink need not be
/// named where there is only one. The hub is asked with a token; sending again and giving up take an operator's.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    #[command(flatten)]
    token: TokenPlace,
    #[command(flatten)]
    list: List,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct List {
    /// Only this sink.
    #[arg(long)]
    sink: Option<String>,
    /// Only this report, such as `cxone-queue-report`.
    #[arg(long)]
    report: Option<String>,
    /// Only intervals that stand so.
    #[arg(long, value_parser = ["waiting", "acknowledged", "parked", "dropped"])]
    state: Option<String>,
    #[command(flatten)]
    stretch: Stretch,
    /// How many intervals of each sink at most.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Write JSON, an object in a line.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Write CSV that is safe to open in a spreadsheet.
    #[arg(long)]
    csv: bool,
}

/// A stretch of time.
#[derive(Debug, Args)]
struct Stretch {
    /// Only intervals that begin then or later, such as 2026-03-01T09:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Only intervals that begin before.
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what is refused, by report and reason.
    Parked {
        /// Only this sink.
        #[arg(long)]
        sink: Option<String>,
    },
    /// Show one interval with its body, which is made anew of what is known now, as JSON.
    Show {
        /// The report and the interval: `report@start`.
        unit: Unit,
        /// The sink.
        #[arg(long)]
        sink: Option<String>,
    },
    /// Send parked intervals again, as they are now.
    Retry(Chosen),
    /// Send intervals again whether or not the target has them, as new revisions.
    Resend(Chosen),
    /// Give parked intervals up.
    Drop {
        #[command(flatten)]
        chosen: Chosen,
        /// Why, for the ledger and the audit log.
        #[arg(long)]
        comment: String,
    },
    /// Show agents whose state is refused.
    Refused {
        /// Only this sink.
        #[arg(long)]
        sink: Option<String>,
    },
    /// Show of which sinks agents' states are held back, since when and why.
    Held,
    /// Send agents' states that are held back all the same, as they are known now.
    Release {
        /// The sink.
        #[arg(long)]
        sink: Option<String>,
        /// Why, for the audit log.
        #[arg(long)]
        comment: String,
    },
    /// Give the refused state of an agent up; the next one is sent.
    DropRefused {
        /// The sink.
        #[arg(long)]
        sink: Option<String>,
        /// The source of the agent.
        #[arg(long)]
        source: String,
        /// The agent, by the platform's id.
        #[arg(long)]
        agent: String,
        /// Why, for the audit log.
        #[arg(long)]
        comment: String,
    },
}

/// Which intervals something is decided about.
#[derive(Debug, Args)]
struct Chosen {
    /// The sink.
    #[arg(long)]
    sink: Option<String>,
    /// One of them each: `report@start`.
    #[arg(conflicts_with_all = ["all", "report", "reason", "from", "to"])]
    units: Vec<Unit>,
    /// All of them.
    #[arg(long, conflicts_with_all = ["report", "reason", "from", "to"])]
    all: bool,
    /// Only this report.
    #[arg(long)]
    report: Option<String>,
    /// Only with exactly this reason, as `parked` shows it.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    stretch: Stretch,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    let token = arguments.token.require(&arguments.path.config)?;
    let hub = HubClient::new(&config.server, &token)?;
    let sinks = Sinks(config.sinks.iter().map(|sink| sink.name.clone()).collect());
    block_on(obey(&hub, &sinks, arguments))
}

async fn obey(hub: &HubClient, sinks: &Sinks, arguments: &Arguments) -> Result<(), Failure> {
    let Some(command) = &arguments.command else { return list(hub, sinks, &arguments.list).await };
    match command {
        Command::Parked { sink } => {
            tell(hub, sinks, sink.as_deref(), "parked", "parked", shown::parked).await
        }
        Command::Refused { sink } => {
            tell(hub, sinks, sink.as_deref(), "refused-states", "refused_states", shown::refused).await
        }
        Command::Show { unit, sink } => {
            let unit = encoded(&unit.to_string());
            let path = format!("{}/ledger/{unit}", sinks.path(sink.as_deref())?);
            write_lines([format!("{:#}", hub.get(&path).await?)]);
            Ok(())
        }
        Command::Retry(chosen) => settle(hub, sinks, chosen, "retry", None).await,
        Command::Resend(chosen) => settle(hub, sinks, chosen, "resend", None).await,
        Command::Drop { chosen, comment } => settle(hub, sinks, chosen, "drop", Some(comment)).await,
        Command::Held => {
            let answer = hub.get("/api/v1/sinks").await?;
            let all = answer["sinks"].as_array().map(Vec::as_slice).unwrap_or_default();
            write_lines(all.iter().filter_map(shown::held));
            Ok(())
        }
        Command::Release { sink, comment } => {
            let path = format!("{}/release", sinks.path(sink.as_deref())?);
            hub.post(&path, &json!({"comment": comment})).await?;
            Ok(())
        }
        Command::DropRefused { sink, source, agent, comment } => {
            let path = format!("{}/refused-states/drop", sinks.path(sink.as_deref())?);
            hub.post(&path, &json!({"source": source, "agent_id": agent, "comment": comment})).await?;
            Ok(())
        }
    }
}

async fn list(hub: &HubClient, sinks: &Sinks, list: &List) -> Result<(), Failure> {
    let format = Format::chosen(list.json, list.csv);
    let asks_for_intervals = list.report.is_some() || list.state.is_some() || list.stretch.is_some();
    if !asks_for_intervals && list.sink.is_none() {
        let answer = hub.get("/api/v1/sinks").await?;
        let all = answer["sinks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rows: Vec<_> = all.iter().flat_map(|sink| shown::summary(sink, clock::system())).collect();
        write_lines(format.summary(&rows));
        return Ok(());
    }
    write_lines(format.header());
    for sink in sinks.chosen(list.sink.as_deref()) {
        let fetch = async |size: usize, before: Option<String>| {
            let answer = hub.get(&list.page_path(sink, size, before.as_deref())).await?;
            Ok(Page::of(answer, "deliveries"))
        };
        let take = |delivery: Value| {
            let goes_on = write_lines([format.interval(sink, delivery)]);
            Ok(if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        };
        pages::each(list.limit, PAGE, None, fetch, take).await?;
    }
    Ok(())
}

impl List {
    fn page_path(&self, sink: &str, limit: usize, before: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &limit.to_string());
        query.extend_pairs(self.report.iter().map(|report| ("report", report)));
        query.extend_pairs(self.state.iter().map(|state| ("state", state)));
        query.extend_pairs(self.stretch.from.iter().map(|from| ("from", from.to_string())));
        query.extend_pairs(self.stretch.to.iter().map(|to| ("to", to.to_string())));
        query.extend_pairs(before.iter().map(|before| ("before", before)));
        format!("{}/ledger?{}", path_of(sink), query.finish())
    }
}

impl Stretch {
    fn is_some(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }
}

/// Shows a short list of each sink.
async fn tell(
    hub: &HubClient,
    sinks: &Sinks,
    sink: Option<&str>,
    path: &str,
    items: &str,
    line: fn(&str, &Value) -> String,
) -> Result<(), Failure> {
    for sink in sinks.chosen(sink) {
        let answer = hub.get(&format!("{}/{path}", path_of(sink))).await?;
        let items = answer[items].as_array().map(Vec::as_slice).unwrap_or_default();
        write_lines(items.iter().map(|item| line(sink, item)));
    }
    Ok(())
}

/// Has the hub decide about intervals, and tells about how many.
async fn settle(
    hub: &HubClient,
    sinks: &Sinks,
    chosen: &Chosen,
    what: &str,
    comment: Option<&str>,
) -> Result<(), Failure> {
    let path = format!("{}/{what}", sinks.path(chosen.sink.as_deref())?);
    let mut intervals = 0;
    for mut body in chosen.bodies() {
        if let Some(comment) = comment {
            body["comment"] = comment.into();
        }
        intervals += hub.post(&path, &body).await?["intervals"].as_u64().unwrap_or_default();
    }
    write_lines([format!("{what}: {intervals} intervals")]);
    Ok(())
}

impl Chosen {
    /// What the hub is asked: once, or once for each unit.
    fn bodies(&self) -> Vec<Value> {
        if !self.units.is_empty() {
            return self.units.iter().map(|unit| json!({"unit": unit.to_string()})).collect();
        }
        if self.all {
            return vec![json!({"all": true})];
        }
        let Stretch { from, to } = &self.stretch;
        vec![json!({"report": self.report, "reason": self.reason, "from": from, "to": to})]
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parsed(arguments: &str) -> Result<Arguments, String> {
        let given = ["ledger"].into_iter().chain(arguments.split_whitespace());
        Only::try_parse_from(given).map(|only| only.arguments).map_err(|error| error.to_string())
    }

    fn bodies(arguments: &str) -> Vec<Value> {
        match parsed(arguments).unwrap().command {
            Some(Command::Retry(chosen) | Command::Resend(chosen) | Command::Drop { chosen, .. }) => {
                chosen.bodies()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_page_is_asked_for_by_its_bounds() {
        let list = parsed("--report r --state parked --from 2026-03-01T09:00:00Z").unwrap().list;
        let path = list.page_path("wfm", 9, Some("r@2026-03-01T10:00:00Z"));
        assert_eq!(
            path,
            "/api/v1/sinks/wfm/ledger?limit=9&report=r&state=parked&from=2026-03-01T09%3A00%3A00Z&before=r%402026-03-01T10%3A00%3A00Z"
        );
        assert!(parsed("--state lost").unwrap_err().contains("parked"));
    }

    #[test]
    fn units_are_chosen_one_by_one_all_or_by_a_stretch() {
        let unit = "r@2026-03-01T09:00:00Z";
        assert_eq!(bodies(&format!("retry {unit} {unit}")), vec![json!({ "unit": unit }); 2]);
        assert_eq!(bodies("resend --all"), [json!({"all": true})]);
        let from = json!({"report": null, "reason": null, "from": "2026-03-01T09:00:00Z", "to": null});
        assert_eq!(bodies("drop --from 2026-03-01T09:00:00Z --comment x"), [from]);
        assert!(parsed(&format!("retry {unit} --all")).unwrap_err().contains("cannot be used with"));
        assert!(parsed("retry yesterday").unwrap_err().contains("queue-report@2026"));
    }
}
