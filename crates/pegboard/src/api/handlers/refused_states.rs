//! States that a target refuses: the latest of each agent.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pegboard_model::{AgentId, SourceName, Text, Timestamp};
use pegboard_store::{RefusedState, Role};
use serde::Serialize;
use serde_json::json;

use super::ledger::sink;
use crate::api::audit::{self, Deed, Origin};
use crate::api::caller::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::handlers::dead_letters::checked_comment;
use crate::api::json_body::{Fields, JsonBody};
use crate::api::query::{InPath, Params};
use crate::api::state::ApiState;

/// The most refused states of one answer.
pub(crate) const REFUSED_PAGE: u32 = 1000;

#[derive(Serialize)]
pub(crate) struct Page {
    refused_states: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    source: SourceName,
    agent_id: AgentId,
    reason: Text,
    first_at: Timestamp,
    last_at: Timestamp,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

/// `GET /sinks/{name}/refused-states`.
pub(crate) async fn page(
    State(state): State<ApiState>,
    caller: Caller,
    InPath(name): InPath,
    params: Params,
) -> Result<Json<Page>, ApiError> {
    let limit = params.parsed::<u32>("limit")?.unwrap_or(REFUSED_PAGE) as usize;
    let found = state.store.refused_states(&sink(&state, &name)?, limit).await?;
    let sees_payload = caller.role() >= Role::Operator;
    let shown = |state: RefusedState| {
        let RefusedState { source, agent, reason, payload, first_at, last_at, count } = state;
        let payload = sees_payload.then_some(payload);
        Shown { source, agent_id: agent, reason, first_at, last_at, count, payload }
    };
    Ok(Json(Page { refused_states: found.into_iter().map(shown).collect() }))
}

/// `POST /sinks/{name}/refused-states/drop`.
pub(crate) async fn give_up(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(name): InPath,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, ApiError> {
    let sink = sink(&state, &name)?;
    let mut fields = Fields::read(&body)?;
    let source: SourceName = fields.required("source", "the name of a source")?;
    let agent: AgentId = fields.required("agent_id", "the id of an agent")?;
    let comment: String = fields.optional("comment", "a text")?.unwrap_or_default();
    let comment = checked_comment(&comment)?;
    fields.end("a refused state is dropped by source, agent_id and comment")?;
    let after = json!({"source": source, "agent_id": agent, "comment": comment});
    let deed =
        Deed { action: "refused_state.dropped", subject: sink.to_string(), before: None, after: Some(after) };
    audit::note(&state, &caller, origin, deed).await?;
    let unknown = || ApiError::new(Code::NotFound, "no state of this agent is refused").at("body.agent_id");
    let dropped = state.store.drop_refused_state(&sink, &source, &agent).await?;
    if dropped { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}
