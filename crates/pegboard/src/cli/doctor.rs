//! `pegboard doctor`: what is wrong with a running hub?

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::Body;
use clap::Args;
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::{ConfigPath, Failure, block_on};
use crate::config::SecretRef;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer that is read.
const ANSWER_LIMIT: usize = 16 << 20;

/// Say what is wrong with a running hub.
///
/// Asks the hub on this machine that the configuration describes, and names every source that needs somebody, with the
/// reason. Exit code 0 if nothing is wrong.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    /// Where the hub's token is: `env:NAME` or `file:PATH`.
    #[arg(long, value_name = "REFERENCE", default_value = "env:PEGBOARD_TOKEN")]
    token: String,
}

/// Runs the command.
#[expect(clippy::print_stdout, reason = "the answer of this command")]
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.path.load()?;
    if config.server.tls.is_some() {
        let advice = "this hub speaks TLS: look at its page, or ask /api/v1/sources with the token";
        return Err(Failure::Usage(advice.into()));
    }
    let folder = arguments.path.config.parent().unwrap_or_else(|| std::path::Path::new("."));
    let reference = SecretRef::parse(&arguments.token, folder)
        .map_err(|error| Failure::Usage(format!("--token: {error}; write env:NAME or file:PATH")))?;
    let token = reference.resolve().map_err(|error| Failure::Usage(format!("--token: {error}")))?;
    let complaints = block_on(async { Ok(examine(config.server.listen, token.expose()).await?) })?;
    if complaints.is_empty() {
        println!("Nothing is wrong.");
        return Ok(());
    }
    for complaint in &complaints {
        println!("- {complaint}");
    }
    Err(Failure::Other(anyhow::anyhow!("{} things need somebody", complaints.len())))
}

async fn examine(address: SocketAddr, token: &str) -> Result<Vec<String>, anyhow::Error> {
    let sources = get(address, "/api/v1/sources", token).await?;
    let letters = get(address, "/api/v1/dead-letters?limit=1", token).await?;
    let mut complaints = Vec::new();
    for source in sources["sources"].as_array().into_iter().flatten() {
        complaints.extend(complain_of_source(source));
    }
    if let Some(letter) = letters["dead_letters"].get(0) {
        complaints.push(format!(
            "there are dead letters, the newest of source {} at {}: {}. See /api/v1/dead-letters",
            text(&letter["source"]),
            text(&letter["at"]),
            text(&letter["reason"])
        ));
    }
    Ok(complaints)
}

fn complain_of_source(source: &Value) -> Option<String> {
    let name = text(&source["name"]);
    let error = source["error"]["message"].as_str();
    let since = text(&source["error"]["at"]);
    match (text(&source["health"]), error) {
        ("ok", None) => None,
        ("starting", None) => Some(format!("source {name} has not read anything yet")),
        ("lagging", None) => {
            Some(format!("source {name} is behind: everything is known up to {}", text(&source["watermark"])))
        }
        (health, Some(error)) => Some(format!("source {name} is {health} since {since}: {error}")),
        (health, None) => Some(format!("source {name} is {health}")),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("(unknown)")
}

/// One GET, as JSON.
async fn get(address: SocketAddr, path: &str, token: &str) -> Result<Value, anyhow::Error> {
    let answer = tokio::time::timeout(PATIENCE, request(address, path, token)).await;
    answer.with_context(|| format!("the hub at {address} does not answer within {PATIENCE:?}"))?
}

async fn request(address: SocketAddr, path: &str, token: &str) -> Result<Value, anyhow::Error> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("there is no hub at {address}: is `pegboard serve` running?"))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = Request::get(path)
        .header("host", address.to_string())
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let bytes = axum::body::to_bytes(Body::new(response.into_body()), ANSWER_LIMIT).await?;
    driver.abort();
    let answer: Value = serde_json::from_slice(&bytes).context("the answer is no JSON: is this a hub?")?;
    if !status.is_success() {
        bail!("the hub refuses: {} ({status})", text(&answer["error"]["message"]));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_needs_somebody_is_named() {
        let source = |health: &str, error: Value| json!({"name": "a", "health": health, "watermark": "W", "error": error});
        assert_eq!(complain_of_source(&source("ok", Value::Null)), None);
        let lagging = complain_of_source(&source("lagging", Value::Null)).expect("a complaint");
        assert!(lagging.contains("source a is behind") && lagging.contains('W'), "{lagging}");
        let error = json!({"at": "T", "message": "no such stream"});
        let failing = complain_of_source(&source("failing", error)).expect("a complaint");
        assert_eq!(failing, "source a is failing since T: no such stream");
    }
}
