//! Questions to a TaskRouter that is played, and its canned answers.

#![expect(clippy::result_large_err, reason = "what plays the exchange fails as the client does")]

mod asking;
mod canned;
mod looking;
mod polling;
mod reading;

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use pegboard_model::Timestamp;
use pegboard_net::{Answer, CallError, Target};
use serde_json::json;

use super::{DEFAULT_ADDRESS, Exchange, Pace, TaskRouter};

type Reply = dyn Fn(&str) -> Result<Answer, CallError> + Send + Sync;

/// Answers by a function of what is asked, and remembers that.
pub(super) struct Played {
    reply: Box<Reply>,
    asked: Mutex<Vec<String>>,
}

impl fmt::Debug for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Played")
    }
}

impl Played {
    fn new(reply: impl Fn(&str) -> Result<Answer, CallError> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { reply: Box::new(reply), asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Exchange for Played {
    async fn get(&self, target: &Target) -> Result<Answer, CallError> {
        self.asked.lock().unwrap().push(target.to_string());
        (self.reply)(target.as_str())
    }
}

/// 2026-01-01T12:00:00Z.
fn noon() -> Timestamp {
    Timestamp::parse("2026-01-01T12:00:00Z").unwrap()
}

fn workspace(exchange: &Arc<impl Exchange + 'static>) -> TaskRouter {
    let (base, clock) = (DEFAULT_ADDRESS.parse().unwrap(), Arc::new(noon));
    TaskRouter::new(exchange.clone(), base, "WS1".parse().unwrap(), Pace::UNHURRIED, clock)
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.to_owned().into() }
}

/// A page of agents with these SIDs.
fn workers(sids: &[&str], next: Option<&str>) -> Answer {
    let workers: Vec<_> = sids.iter().map(|sid| json!({ "sid": sid, "friendly_name": "ann" })).collect();
    let page = json!({ "workers": workers, "meta": { "key": "workers", "next_page_url": next } });
    answer(200, &[], &page.to_string())
}
