//! Showing how far the hub is with something that takes long.

use std::time::Duration;

use serde_json::Value;

use super::Failure;
use super::hub_client::HubClient;

/// How often the hub is asked how far it is.
const LOOK: Duration = Duration::from_secs(1);

/// A kind of work that the hub lists, newest first, each with an `id` and a `state`.
pub(super) struct Work {
    /// The list, as the API names it.
    pub(super) list: &'static str,
    /// The states in which it goes on.
    pub(super) open: &'static [&'static str],
    /// One of it in a line.
    pub(super) line: fn(&Value) -> String,
}

impl Work {
    /// Shows the newest.
    #[expect(clippy::print_stdout, reason = "the answer of these commands")]
    pub(super) async fn show(&self, hub: &HubClient) -> Result<(), Failure> {
        let page = hub.get(&format!("/api/v1/{}?limit=20", self.list)).await?;
        for one in page[self.list].as_array().into_iter().flatten() {
            println!("{}", (self.line)(one));
        }
        Ok(())
    }

    /// Shows how far one of it is until it is over; answers it as it is then.
    #[expect(clippy::print_stderr, reason = "what these commands tell of their progress")]
    pub(super) async fn follow(&self, hub: &HubClient, id: u64) -> Result<Value, Failure> {
        let mut shown = String::new();
        loop {
            let page = hub.get(&format!("/api/v1/{}?limit=1&before={}", self.list, id + 1)).await?;
            let one = page[self.list][0].clone();
            let line = (self.line)(&one);
            if line != shown {
                eprintln!("{line}");
                shown = line;
            }
            if !self.open.contains(&one["state"].as_str().unwrap_or_default()) {
                return Ok(one);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What has to be said of it besides.
#[expect(clippy::print_stderr, reason = "what these commands tell besides their progress")]
pub(super) fn tell_notes(of: &Value) {
    for note in of["notes"].as_array().into_iter().flatten() {
        eprintln!("{}", note.as_str().unwrap_or_default());
    }
    match of["more_notes"].as_u64() {
        Some(more) if more > 0 => eprintln!("and so of {more} more days"),
        _ => {}
    }
}

/// Why it failed, in the hub's words.
pub(super) fn why(of: &Value) -> &str {
    of["error"].as_str().unwrap_or("the hub does not say why")
}
