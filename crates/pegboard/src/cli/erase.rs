//! `pegboard erase`: the running hub forgets a person.

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::follow::{Work, tell_notes, why};
use super::hub_client::{HubClient, TokenPlace};
use super::{ConfigPath, Failure, block_on};

const ERASURES: Work = Work { list: "erasures", open: &["waiting", "running", "wiping"], line };

/// Have the hub forget a person.
///
/// `pegboard erase --source acme --agent ID` replaces everything that names this agent, in every row of the store and every file of
/// the archive, by a pseudonym. Numbers stay what they are. It cannot be undone. The command shows how far it is, and may be ended:
/// the hub goes on.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    #[command(flatten)]
    token: TokenPlace,
    /// The source.
    #[arg(long, required_unless_present = "list")]
    source: Option<String>,
    /// The agent, by the platform's id.
    #[arg(long, value_name = "ID", required_unless_present = "list")]
    agent: Option<String>,
    /// What else names this person and nobody else, such as an e-mail address or an earlier login; repeat it for several. Logins and
    /// names that stand beside the id are found without it.
    #[arg(long, value_name = "TEXT")]
    also: Vec<String>,
    /// Count what names the person; nothing is changed.
    #[arg(long)]
    dry_run: bool,
    /// Really do it.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Show the latest erasures.
    #[arg(long, conflicts_with_all = ["source", "agent", "also", "dry_run", "yes"])]
    list: bool,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !arguments.list && !arguments.dry_run && !arguments.yes {
        let message = "this cannot be undone: see with --dry-run what it is about, then add --yes";
        return Err(Failure::Usage(message.to_owned()));
    }
    let config = arguments.path.load()?;
    let token = arguments.token.require(&arguments.path.config)?;
    block_on(async {
        let hub = HubClient::new(&config.server, &token)?;
        if arguments.list {
            return ERASURES.show(&hub).await;
        }
        let begun = hub.post("/api/v1/erasures", &arguments.body()).await?;
        let erasure = ERASURES.follow(&hub, begun["id"].as_u64().unwrap_or_default()).await?;
        if erasure["state"] != "done" {
            return Err(anyhow!("erasure {} failed: {}", erasure["id"], why(&erasure)).into());
        }
        tell_notes(&erasure);
        Ok(())
    })
}

impl Arguments {
    /// What the hub is asked for.
    fn body(&self) -> Value {
        json!({"source": self.source, "agent": self.agent, "also": self.also, "dry_run": self.dry_run})
    }
}

/// An erasure in one line.
fn line(erasure: &Value) -> String {
    let text = |name: &str| erasure[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| erasure[name].as_u64().unwrap_or_default();
    let files = match number("files") {
        0 => String::new(),
        files => format!(", {} of {files} files looked at", number("files_read")),
    };
    let dry = if erasure["dry_run"] == true { ", nothing is changed" } else { "" };
    format!(
        "erasure {} of {}, {}: {}, {} rows, {} archived records{files}{dry}",
        number("id"),
        text("source"),
        text("pseudonym"),
        text("state"),
        number("rows"),
        number("records"),
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
        let given = ["erase"].into_iter().chain(arguments.split_whitespace());
        Only::try_parse_from(given).map_err(|error| error.to_string())
    }

    #[test]
    fn the_hub_is_asked_for_what_was_said() {
        let said = parsed("--source s --agent 7 --also a@example.org --also old --dry-run").unwrap();
        let expected =
            json!({"source": "s", "agent": "7", "also": ["a@example.org", "old"], "dry_run": true});
        assert_eq!(said.arguments.body(), expected);
    }

    #[test]
    fn nothing_is_done_unless_it_is_said_twice() {
        let refused = run(&parsed("--source s --agent 7").unwrap().arguments).unwrap_err();
        assert!(matches!(refused, Failure::Usage(message) if message.contains("--yes")));
        assert!(parsed("--source s").unwrap_err().contains("--agent"));
        assert!(parsed("--list --agent 7").unwrap_err().contains("cannot be used with"));
    }

    #[test]
    fn an_erasure_is_one_line() {
        let mut erasure = json!({
            "id": 3, "source": "s", "state": "running", "pseudonym": "erased-00", "rows": 9, "records": 8, "files": 40,
            "files_read": 20, "dry_run": false,
        });
        let expected =
            "erasure 3 of s, erased-00: running, 9 rows, 8 archived records, 20 of 40 files looked at";
        assert_eq!(line(&erasure), expected);
        erasure["dry_run"] = json!(true);
        assert!(line(&erasure).ends_with(", nothing is changed"));
    }
}
