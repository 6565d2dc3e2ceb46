//! How the hub itself is doing, and what its API is.

use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use pegboard_store::{AlarmsAsked, FeedKind};
use serde_json::{Value, json};

use crate::api::caller::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::handlers::alarms::sees;
use crate::api::metrics::Numbers;
use crate::api::openapi;
use crate::api::serve::Draining;
use crate::api::state::ApiState;
use crate::runtime::alarms::MOST_OPEN;

/// How long the store may take to show that it is there.
const STORE_ANSWERS: Duration = Duration::from_secs(2);

/// Of how many of the latest reloads the numbers tell.
const MOST_RELOADS: usize = 100;

/// `GET /healthz`.
pub(crate) async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// `GET /readyz`.
pub(crate) async fn readyz(
    State(state): State<ApiState>,
    draining: Option<Extension<Draining>>,
) -> Result<Json<Value>, ApiError> {
    if draining.is_some_and(|Extension(draining)| draining.has_begun()) {
        return Err(ApiError::new(Code::Unavailable, "the hub is shutting down"));
    }
    let asked = tokio::time::timeout(STORE_ANSWERS, state.store.feed_end(FeedKind::States)).await;
    let late = |_| ApiError::new(Code::Unavailable, "the store does not answer: the log of the hub says why");
    asked.map_err(late)??;
    Ok(Json(json!({"status": "ready"})))
}

/// `GET /api/v1/openapi.json`.
pub(crate) async fn openapi() -> Json<Value> {
    Json(openapi::document())
}

/// `GET /metrics`. A token that is limited to sources sees the numbers of those only, and none of sinks.
pub(crate) async fn metrics(
    State(state): State<ApiState>,
    caller: Option<Extension<Caller>>,
) -> Result<Response, ApiError> {
    let mut sources = state.view.sources().await?;
    let mut sinks = state.view.sinks().await?;
    let asked = AlarmsAsked { only_open: true, limit: MOST_OPEN, ..AlarmsAsked::default() };
    let mut alarms = state.store.alarms(asked).await?;
    if let Some(Extension(caller)) = caller.filter(|Extension(caller)| !caller.sources().is_empty()) {
        sources.retain(|source| caller.sees(&source.name));
        sinks.clear();
        alarms.retain(|alarm| sees(&caller, alarm));
    }
    let (now, streams) = (state.view.now(), state.streams.in_use());
    let names: Vec<_> = sources.iter().map(|source| source.name.clone()).collect();
    // Nothing about those of sources that are not configured any more, nor, by an empty list, about all.
    let mut reloads =
        if names.is_empty() { Vec::new() } else { state.view.reloads(&names, None, MOST_RELOADS).await? };
    reloads.retain(|reload| reload.state.is_open());
    let numbers =
        Numbers { now, sources: &sources, sinks: &sinks, alarms: &alarms, reloads: &reloads, streams };
    let text = state.metrics.encode(&numbers);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
