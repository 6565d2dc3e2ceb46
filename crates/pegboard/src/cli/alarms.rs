//! `pegboard alarms`: what needs somebody, and who has taken notice.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::{Args, Subcommand};
use pegboard_model::Millis;
use serde_json::{Value, json};

use super::hub_client::{HubClient, TokenPlace};
use super::{ConfigPath, Failure, block_on};
use crate::clock;

const PATH: &str = "/api/v1/alarms";

/// How many alarms are fetched at once.
const PAGE: usize = 100;

/// Show what needs somebody, take notice of it, or have it told to nobody for a while.
///
/// Without a command it lists what is open. To acknowledge or to silence takes the token of an operator.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    #[command(flatten)]
    token: TokenPlace,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List alarms, newest first: number, severity, since when, what, and what to do.
    List {
        /// Also those that are over.
        #[arg(long)]
        all: bool,
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Take notice of an alarm.
    Acknowledge {
        /// The number that `list` shows.
        id: u64,
        /// For those who see it after you.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Have outlets not told of what an alarm is about, also if it ends and comes back.
    Silence {
        /// The number that `list` shows.
        id: u64,
        /// For how many hours; 0 ends a silence.
        #[arg(long, value_parser = clap::value_parser!(i64).range(0..=720))]
        hours: i64,
        /// Why.
        #[arg(long, default_value = "silenced on the command line")]
        comment: String,
    },
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    let token = arguments.token.require(&arguments.path.config)?;
    let hub = HubClient::new(&config.server, &token)?;
    block_on(async {
        match &arguments.command {
            None => list(&hub, false, PAGE).await,
            Some(Command::List { all, limit }) => list(&hub, *all, *limit).await,
            Some(Command::Acknowledge { id, comment }) => {
                hub.post(&format!("{PATH}/{id}/acknowledge"), &json!({ "comment": comment })).await?;
                Ok(())
            }
            Some(Command::Silence { id, hours: 0, .. }) => {
                hub.delete(&format!("{PATH}/{id}/silence")).await?;
                Ok(())
            }
            Some(Command::Silence { id, hours, comment }) => {
                let until = clock::system() + Millis::from_hours(*hours);
                let body = json!({ "until": until, "comment": comment });
                hub.post(&format!("{PATH}/{id}/silence"), &body).await?;
                Ok(())
            }
        }
    })
}

async fn list(hub: &HubClient, all: bool, limit: usize) -> Result<(), Failure> {
    let (mut left, mut before): (usize, Option<u64>) = (limit, None);
    let mut out = std::io::stdout().lock();
    while left > 0 {
        let page = hub.get(&page_path(all, left.min(PAGE), before)).await?;
        let alarms = page["alarms"].as_array().map(Vec::as_slice).unwrap_or_default();
        for alarm in alarms {
            // Whoever reads may close early.
            if writeln!(out, "{}", line(alarm)).is_err() {
                return Ok(());
            }
        }
        left -= alarms.len().min(left);
        before = page["next"].as_u64();
        if before.is_none() {
            break;
        }
    }
    Ok(())
}

fn page_path(all: bool, limit: usize, before: Option<u64>) -> String {
    let before = before.map_or_else(String::new, |before| format!("&before={before}"));
    format!("{PATH}?open={}&limit={limit}{before}", !all)
}

/// An alarm in one line.
pub(super) fn line(alarm: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut line = format!(
        "{:>6}  {:<8}  {}  {} ({}): {}",
        alarm["id"].to_string(),
        text(&alarm["severity"]),
        text(&alarm["since"]),
        text(&alarm["title"]),
        text(&alarm["subject"]),
        text(&alarm["text"]),
    );
    if let Some(ended) = alarm["ended"].as_str() {
        let _infallible = write!(line, " [over since {ended}]");
    }
    if let Some(by) = alarm["acknowledged"]["by"].as_str() {
        let _infallible = write!(line, " [acknowledged by {by}]");
    }
    if let Some(until) = alarm["silence"]["until"].as_str() {
        let _infallible = write!(line, " [silent until {until}]");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_a_line_and_a_page_is_asked_for_by_its_bounds() {
        let mut alarm = json!({
            "id": 7, "severity": "critical", "since": "T", "title": "A sink takes nothing", "subject": "wfm / states",
            "text": "status 503", "ended": null, "acknowledged": null, "silence": null
        });
        let short = "     7  critical  T  A sink takes nothing (wfm / states): status 503";
        assert_eq!(line(&alarm), short);
        alarm["ended"] = "E".into();
        alarm["acknowledged"] = json!({"by": "ops"});
        alarm["silence"] = json!({"until": "U"});
        assert_eq!(line(&alarm), format!("{short} [over since E] [acknowledged by ops] [silent until U]"));
        assert_eq!(page_path(false, 9, None), "/api/v1/alarms?open=true&limit=9");
        assert_eq!(page_path(true, 9, Some(8)), "/api/v1/alarms?open=false&limit=9&before=8");
    }
}
