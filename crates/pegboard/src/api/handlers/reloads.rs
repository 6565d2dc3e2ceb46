//! Days whose rows are made anew.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use pegboard_model::{AgentId, SourceName};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::audit::{self, Deed, Origin};
use crate::api::caller::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::handlers::reports::{slot, written};
use crate::api::json_body::{Fields, JsonBody};
use crate::api::paging;
use crate::api::query::{InPath, Params};
use crate::api::state::ApiState;
use crate::runtime::reload::{ReloadRequest, ReloadStatus};

/// The most reloads of one answer.
pub(crate) const PAGE: u32 = 100;

/// How many queues or agents one reload may name.
const MOST_NAMED: usize = 1000;

#[derive(Serialize)]
pub(crate) struct Page {
    reloads: Vec<ReloadStatus>,
    next: Option<u64>,
}

/// `GET /reloads`.
pub(crate) async fn page(
    State(state): State<ApiState>,
    caller: Caller,
    params: Params,
) -> Result<Json<Page>, ApiError> {
    let scope = caller.scope(&state, params.all("source")).await?;
    let limit = params.parsed::<u32>("limit")?.unwrap_or(PAGE) as usize;
    let found = state.view.reloads(&scope, params.parsed("before")?, paging::asked(limit)).await?;
    let (reloads, next) = paging::cut(found, limit, |reload| reload.id);
    Ok(Json(Page { reloads, next }))
}

/// `POST /reloads`.
pub(crate) async fn start(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<ReloadStatus>), ApiError> {
    let request = wanted(&state, &caller, &body).await?;
    let after = Some(serde_json::to_value(&request).unwrap_or(Value::Null));
    let subject = request.source.to_string();
    let deed = Deed { action: "reload.started", subject, before: None, after };
    audit::note(&state, &caller, origin, deed).await?;
    let reload = state.view.reload(request, caller.name()).await?;
    tracing::info!(reload = reload.id, source.name = %reload.request.source, by = &**caller.id(), "a reload is asked for");
    Ok((StatusCode::CREATED, Json(reload)))
}

/// `POST /reloads/preview`.
pub(crate) async fn preview(
    State(state): State<ApiState>,
    caller: Caller,
    params: Params,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = wanted(&state, &caller, &body).await?;
    let _slot = slot(&state, &caller)?;
    let report = state.view.preview_reload(request).await?;
    written(&state, &params, report).await
}

/// `DELETE /reloads/{id}`.
pub(crate) async fn cancel(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(id): InPath,
) -> Result<StatusCode, ApiError> {
    let unknown = || ApiError::new(Code::NotFound, "there is no reload with this number").at("path.id");
    let id: u64 = id.parse().map_err(|_| unknown())?;
    let scope = caller.scope(&state, std::iter::empty()).await?;
    let found = state.view.reloads(&scope, id.checked_add(1), 1).await?;
    let reload = found.into_iter().find(|reload| reload.id == id).ok_or_else(unknown)?;
    let (before, after) = (Some(json!({"state": reload.state})), Some(json!({"reload": id})));
    let subject = reload.request.source.to_string();
    let deed = Deed { action: "reload.cancelled", subject, before, after };
    audit::note(&state, &caller, origin, deed).await?;
    state.view.cancel_reload(id).await?;
    tracing::info!(reload = id, by = &**caller.id(), "a reload is cancelled");
    Ok(StatusCode::NO_CONTENT)
}

/// What a body asks for, of a source that the caller may see.
async fn wanted(state: &ApiState, caller: &Caller, body: &[u8]) -> Result<ReloadRequest, ApiError> {
    let mut fields = Fields::read(body)?;
    let source: SourceName = fields.required("source", "the name of a source")?;
    let from = date(&mut fields, "from")?
        .ok_or_else(|| ApiError::bad_request("body.from", "from must be a day, such as 2026-03-01"))?;
    let to = date(&mut fields, "to")?.unwrap_or(from);
    let queues: Vec<String> =
        fields.optional("queues", "a list of ids or names of queues")?.unwrap_or_default();
    let agents: Vec<AgentId> = fields.optional("agents", "a list of ids of agents")?.unwrap_or_default();
    let from_archive = fields.optional("from_archive", "true or false")?.unwrap_or(false);
    let from_source = fields.optional("from_source", "true or false")?.unwrap_or(false);
    fields.end("a reload has source, from, to, queues, agents, from_archive and from_source")?;
    for (name, count) in [("queues", queues.len()), ("agents", agents.len())] {
        if count > MOST_NAMED {
            let message = format!("{name}: more than {MOST_NAMED} are named");
            return Err(ApiError::bad_request(format!("body.{name}"), message));
        }
    }
    let unknown =
        || ApiError::new(Code::NotFound, format!("there is no source '{source}'")).at("body.source");
    let configured = state.view.sources().await?;
    if !caller.sees(&source) || configured.iter().all(|known| known.name != source) {
        return Err(unknown());
    }
    Ok(ReloadRequest { source, from, to, queues, agents, from_archive, from_source, recapture: None })
}

/// A day of the local clock.
fn date(fields: &mut Fields, name: &str) -> Result<Option<Date>, ApiError> {
    const WHAT: &str = "a day, such as 2026-03-01";
    let text: Option<String> = fields.optional(name, WHAT)?;
    let parse = |text: String| text.parse().map_err(|_| Fields::unfit(name, WHAT));
    text.map(parse).transpose()
}
