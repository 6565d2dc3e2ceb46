//! `pegboard reload`: the rows of whole days anew, by the running hub.

use std::io::Write as _;

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::follow::{Work, tell_notes, why};
use super::hub_client::{HubClient, TokenPlace};
use super::{ConfigPath, Failure, block_on};

const RELOADS: Work = Work { list: "reloads", open: &["waiting", "running", "cancelling"], line };

/// Make the rows of whole days anew, beside live work.
///
/// `pegboard reload --source acme --from 2026-03-01 --to 2026-03-31` has the running hub derive every row of March again, from
/// what is kept and by what settings say now. Each day is swapped as a whole. The command shows how far it is, and may be ended:
/// the hub goes on.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    #[command(flatten)]
    token: TokenPlace,
    /// The source.
    #[arg(long, required_unless_present_any = ["list", "cancel"])]
    source: Option<String>,
    /// The first day, by the source's local clock.
    #[arg(long, value_name = "DAY", required_unless_present_any = ["list", "cancel"])]
    from: Option<String>,
    /// The last day; the first where there is none.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// Only rows about this queue, by its id or its name; repeat it for several.
    #[arg(long)]
    queue: Vec<String>,
    /// Only rows about this agent, by the platform's id; repeat it for several.
    #[arg(long)]
    agent: Vec<String>,
    #[command(flatten)]
    told: Told,
    /// Show what would change, by row and column; nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// How the rows of a dry run are written.
    #[arg(long, value_enum, default_value_t = Format::Csv, requires = "dry_run")]
    format: Format,
    /// Show the latest reloads.
    #[arg(long, conflicts_with_all = ["source", "from", "to", "queue", "agent", "from_archive", "from_source", "dry_run", "cancel"])]
    list: bool,
    /// End the reload with this number. Days that were swapped until then stay so.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["source", "from", "to", "queue", "agent", "from_archive", "from_source", "dry_run"])]
    cancel: Option<u64>,
}

/// Who tells of the days besides the store.
#[derive(Debug, Args)]
struct Told {
    /// First bring back what the archive tells of the days, and the store does not know or keep any more.
    #[arg(long)]
    from_archive: bool,
    /// First ask the source itself for whatever it still has of the days, and the store does not know.
    #[arg(long, conflicts_with = "from_archive")]
    from_source: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
    Ndjson,
}

impl Format {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    let token = arguments.token.require(&arguments.path.config)?;
    block_on(async {
        let hub = HubClient::new(&config.server, &token)?;
        if arguments.list {
            return RELOADS.show(&hub).await;
        }
        if let Some(id) = arguments.cancel {
            return Ok(hub.delete(&format!("/api/v1/reloads/{id}")).await?);
        }
        if arguments.dry_run {
            return dry_run(&hub, arguments).await;
        }
        let begun = hub.post("/api/v1/reloads", &arguments.body()).await?;
        judge(&RELOADS.follow(&hub, begun["id"].as_u64().unwrap_or_default()).await?)
    })
}

impl Arguments {
    /// What the hub is asked for.
    fn body(&self) -> Value {
        json!({
            "source": self.source, "from": self.from, "to": self.to, "queues": self.queue, "agents": self.agent,
            "from_archive": self.told.from_archive, "from_source": self.told.from_source,
        })
    }
}

async fn dry_run(hub: &HubClient, arguments: &Arguments) -> Result<(), Failure> {
    let path = format!("/api/v1/reloads/preview?format={}", arguments.format.as_str());
    let text = hub.post_for_text(&path, &arguments.body()).await?;
    let mut out = std::io::stdout().lock();
    out.write_all(&text).and_then(|()| out.flush()).context("cannot write what would change")?;
    Ok(())
}

/// What came of a reload that is over. Fails unless that is what was asked for.
fn judge(reload: &Value) -> Result<(), Failure> {
    let id = &reload["id"];
    match reload["state"].as_str().unwrap_or_default() {
        "done" => {
            tell_notes(reload);
            Ok(())
        }
        "cancelled" => Err(anyhow!("reload {id} was cancelled: days that were swapped stay so").into()),
        _ => Err(anyhow!("reload {id} failed: {}", why(reload)).into()),
    }
}

/// A reload in one line.
fn line(reload: &Value) -> String {
    let text = |name: &str| reload[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| reload[name].as_u64().unwrap_or_default();
    let is_read = !reload["read"].is_null();
    let files = match number("files") {
        0 if reload["from_source"] == true && !is_read => {
            format!("{} observations and {} contacts read, ", number("observations"), number("contacts"))
        }
        0 => String::new(),
        files => format!("{} of {files} files, ", number("files_read")),
    };
    let left = reload["left_s"].as_u64().map_or_else(String::new, |left| format!(", about {left} s left"));
    format!(
        "reload {} of {}, {} to {}: {}, {files}{} of {} days, {} facts, {} rows, {} differ{left}",
        number("id"),
        text("source"),
        text("from"),
        text("to"),
        text("state"),
        number("days_done"),
        number("days"),
        number("facts"),
        number("rows"),
        number("differ"),
    )
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

    fn parsed(arguments: &str) -> Result<Only, String> {
        let given = ["reload"].into_iter().chain(arguments.split_whitespace());
        Only::try_parse_from(given).map_err(|error| error.to_string())
    }

    #[test]
    fn the_hub_is_asked_for_what_was_said() {
        let said = parsed("--source s --from 2026-03-01 --queue a --queue b --agent 7").unwrap();
        let expected = json!({
            "source": "s", "from": "2026-03-01", "to": null, "queues": ["a", "b"], "agents": ["7"],
            "from_archive": false, "from_source": false,
        });
        assert_eq!(said.arguments.body(), expected);
    }

    #[test]
    fn a_source_and_a_day_are_needed_to_begin_one() {
        assert!(parsed("--source s").unwrap_err().contains("--from"));
        assert!(parsed("--source s --from 2026-03-01 --from-archive --from-source").is_err());
        assert!(parsed("--list --source s").unwrap_err().contains("cannot be used with"));
        assert_eq!(parsed("--cancel 7").unwrap().arguments.cancel, Some(7));
    }

    #[test]
    fn a_reload_is_one_line() {
        let reload = json!({
            "id": 7, "source": "s", "from": "2026-03-01", "to": "2026-03-02", "state": "running", "days": 2,
            "days_done": 1, "facts": 9, "rows": 8, "differ": 3, "left_s": 5,
        });
        let expected = "reload 7 of s, 2026-03-01 to 2026-03-02: running, 1 of 2 days, 9 facts, 8 rows, 3 differ, \
                        about 5 s left";
        assert_eq!(line(&reload), expected);
        let mut archived = reload;
        (archived["files"], archived["files_read"]) = (json!(40), json!(13));
        assert!(line(&archived).contains("running, 13 of 40 files, 1 of 2 days"), "{}", line(&archived));
        let mut asked = json!({"state": "running", "from_source": true, "observations": 7, "contacts": 5});
        assert!(line(&asked).contains("7 observations and 5 contacts read, 0 of 0 days"), "{}", line(&asked));
        asked["read"] = json!("2026-03-03T00:00:00Z");
        assert!(!line(&asked).contains("observations"), "{}", line(&asked));
    }
}
