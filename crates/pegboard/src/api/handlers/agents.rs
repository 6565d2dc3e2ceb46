//! Every agent's present state.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use pegboard_model::{AgentNow, Class, Millis, SourceName, Timestamp};
use pegboard_store::AgentEntry;
use serde::Serialize;

use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::query::Params;
use crate::api::state::ApiState;
use crate::runtime::view::{Health, SourceStatus};

#[derive(Serialize)]
struct Snapshot<'a> {
    cursor: String,
    at: Timestamp,
    agents: Vec<Agent<'a>>,
}

#[derive(Serialize)]
struct Agent<'a> {
    #[serde(flatten)]
    now: &'a AgentNow,
    age_s: f64,
    heard: Timestamp,
    stale: bool,
}

/// `GET /agents`.
pub(crate) async fn snapshot(
    State(state): State<ApiState>,
    caller: Caller,
    params: Params,
) -> Result<Response, ApiError> {
    let scope = caller.scope(&state, params.all("source")).await?;
    let sources = state.view.sources().await?;
    let sources: HashMap<_, _> = sources.iter().map(|source| (&source.name, source)).collect();
    let snapshot = state.store.agents(&scope).await?;
    let at = state.view.now();
    let filter = Filter::new(&params);
    let agents = snapshot.agents.iter().filter(|entry| filter.admits(&entry.now)).map(|entry| Agent {
        now: &entry.now,
        age_s: age_in_seconds(at.since(entry.now.since)),
        heard: entry.heard,
        stale: is_stale(
            entry,
            sources.get(&entry.now.source).copied(),
            state.stale_limit(&entry.now.source),
            at,
        ),
    });
    let cursor = caller.narrow(snapshot.cursor.clone()).to_string();
    Ok(Json(Snapshot { cursor, at, agents: agents.collect() }).into_response())
}

impl ApiState {
    fn stale_limit(&self, source: &SourceName) -> Option<Millis> {
        self.stale_after.get(source).copied()
    }
}

/// An agent's state can start after the hub's clock, if the platform's clock is ahead; no age is negative.
#[expect(clippy::cast_precision_loss, reason = "an age is far below 2^52 milliseconds")]
fn age_in_seconds(age: Millis) -> f64 {
    age.get().max(0) as f64 / 1000.0
}

/// Whether what is shown of an agent may no longer be true. Silence is measured against what is known of the source,
/// not against the clock: an agent has not fallen silent because the source is behind.
fn is_stale(
    entry: &AgentEntry,
    source: Option<&SourceStatus>,
    limit: Option<Millis>,
    now: Timestamp,
) -> bool {
    let Some(source) = source else { return true };
    if matches!(source.health, Health::Lagging | Health::Failing | Health::Stopped) {
        return true;
    }
    let silence = source.watermark.unwrap_or(now).since(entry.heard);
    entry.now.class != Class::SignedOut && limit.is_some_and(|limit| silence > limit)
}

/// What the query asks for besides sources: one value of each parameter that it names.
struct Filter<'a> {
    teams: Vec<&'a str>,
    classes: Vec<&'a str>,
    texts: Vec<String>,
}

impl<'a> Filter<'a> {
    fn new(params: &'a Params) -> Self {
        Self {
            teams: params.all("team").collect(),
            classes: params.all("class").collect(),
            texts: params.all("q").map(str::to_lowercase).collect(),
        }
    }

    fn admits(&self, agent: &AgentNow) -> bool {
        let contains = |text: &String| {
            agent.agent_name.to_lowercase().contains(text) || agent.agent_login.to_lowercase().contains(text)
        };
        (self.teams.is_empty() || self.teams.contains(&&*agent.team))
            && (self.classes.is_empty() || self.classes.contains(&agent.class.as_str()))
            && (self.texts.is_empty() || self.texts.iter().any(contains))
    }
}
