//! `pegboard dead-letters`: what could not be used, and what becomes of it.

use std::io::Write as _;
use std::ops::ControlFlow;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::hub_client::{HubClient, HubError, TokenPlace};
use super::pages::{self, Page};
use super::{ConfigPath, Failure, block_on};

const PATH: &str = "/api/v1/dead-letters";

/// How many letters are fetched at once.
const PAGE: usize = 100;

/// Show what could not be used, try it again, or give it up.
///
/// Mend the file in its bucket, or the table of labels (and restart the hub, which reads it then), and retry the letter: the file is
/// fetched again. The hub is asked with the token of an operator.
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
    /// List letters, newest first: number, source, time, tries, place and reason.
    List {
        /// Only this source; repeat it for several.
        #[arg(long)]
        source: Vec<String>,
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Show a letter with what was kept of the record, as JSON.
    Show {
        /// The number that `list` shows.
        id: i64,
    },
    /// Try letters again. One that is mended is gone; one that is not stays, with the reason. Exit code 0 if all are mended.
    Retry {
        /// The numbers that `list` shows.
        #[arg(required = true)]
        ids: Vec<i64>,
    },
    /// Give a letter up.
    Drop {
        /// The number that `list` shows.
        id: i64,
        /// Why, for the audit log.
        #[arg(long)]
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
            Command::List { source, limit } => list(&hub, source, *limit).await,
            Command::Show { id } => show(&hub, *id).await,
            Command::Retry { ids } => retry(&hub, ids).await,
            Command::Drop { id, comment } => {
                hub.post(&format!("{PATH}/{id}/drop"), &json!({ "comment": comment })).await?;
                Ok(())
            }
        }
    })
}

async fn list(hub: &HubClient, sources: &[String], limit: usize) -> Result<(), Failure> {
    let fetch = async |size: usize, before: Option<String>| {
        let answer = hub.get(&page_path(sources, size, before.as_deref())).await?;
        Ok(Page::of(answer, "dead_letters"))
    };
    let mut out = std::io::stdout().lock();
    // Whoever reads may close early.
    let take = |letter: Value| match writeln!(out, "{}", line(&letter)) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(_) => Ok(ControlFlow::Break(())),
    };
    pages::each(limit, PAGE, None, fetch, take).await
}

fn page_path(sources: &[String], limit: usize, before: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &limit.to_string());
    query.extend_pairs(before.iter().map(|before| ("before", before)));
    query.extend_pairs(sources.iter().map(|source| ("source", source)));
    format!("{PATH}?{}", query.finish())
}

/// A letter in one line.
fn line(letter: &Value) -> String {
    let text = |name: &str| letter[name].as_str().unwrap_or("-").to_owned();
    let position = letter["position"].as_str().map_or_else(|| letter["position"].to_string(), str::to_owned);
    format!(
        "{:>6}  {}  {}  {} {}  {position}: {}",
        letter["id"].to_string(),
        text("source"),
        text("at"),
        letter["tries"],
        if letter["tries"] == 1 { "try" } else { "tries" },
        text("reason")
    )
}

#[expect(clippy::print_stdout, reason = "the answer of this command")]
async fn show(hub: &HubClient, id: i64) -> Result<(), Failure> {
    let letter = hub.get(&format!("{PATH}/{id}")).await?;
    println!("{letter:#}");
    Ok(())
}

/// Every letter is tried, whatever becomes of the others.
#[expect(clippy::print_stdout, reason = "the answer of this command")]
async fn retry(hub: &HubClient, ids: &[i64]) -> Result<(), Failure> {
    let mut left = 0;
    for id in ids {
        let answer = match hub.post_empty(&format!("{PATH}/{id}/retry")).await {
            Ok(answer) => answer,
            Err(HubError::Refused { message, .. }) => json!({"mended": false, "reason": message}),
            Err(error) => return Err(error.into()),
        };
        if answer["mended"] == true {
            println!("{id}: mended");
        } else {
            left += 1;
            println!("{id}: {}", answer["reason"].as_str().unwrap_or("not mended"));
        }
    }
    match left {
        0 => Ok(()),
        left => Err(Failure::Other(anyhow::anyhow!("{left} of {} letters are not mended", ids.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_a_line_and_a_page_is_asked_for_by_its_bounds() {
        let letter = json!({
            "id": 7, "source": "main", "at": "T", "tries": 2, "position": "r/QR.csv#3", "reason": "line 3"
        });
        assert_eq!(line(&letter), "     7  main  T  2 tries  r/QR.csv#3: line 3");
        let path = page_path(&["a b".to_owned()], 9, Some("8"));
        assert_eq!(path, "/api/v1/dead-letters?limit=9&before=8&source=a+b");
    }
}
