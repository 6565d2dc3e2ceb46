//! Persons who are to be forgotten.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pegboard_model::{AgentId, SourceName};
use serde::Serialize;
use serde_json::json;

use crate::api::audit::{self, Deed, Origin};
use crate::api::caller::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::json_body::{Fields, JsonBody};
use crate::api::paging;
use crate::api::query::Params;
use crate::api::state::ApiState;
use crate::api::tokens::random_bytes;
use crate::runtime::erasure::{ErasureRequest, ErasureStatus, MOST_OTHERS};

/// The most erasures of one answer.
pub(crate) const PAGE: u32 = 100;

#[derive(Serialize)]
pub(crate) struct Page {
    erasures: Vec<ErasureStatus>,
    next: Option<u64>,
}

/// `GET /erasures`.
pub(crate) async fn page(
    State(state): State<ApiState>,
    caller: Caller,
    params: Params,
) -> Result<Json<Page>, ApiError> {
    let scope = caller.scope(&state, params.all("source")).await?;
    let limit = params.parsed::<u32>("limit")?.unwrap_or(PAGE) as usize;
    let found = state.view.erasures(&scope, params.parsed("before")?, paging::asked(limit)).await?;
    let (erasures, next) = paging::cut(found, limit, |erasure| erasure.id);
    Ok(Json(Page { erasures, next }))
}

/// `POST /erasures`. Neither the audit log nor the log learn whom it is about.
pub(crate) async fn start(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<ErasureStatus>), ApiError> {
    let request = wanted(&state, &caller, &body).await?;
    let pseudonym = pseudonym();
    let after = Some(json!({"pseudonym": pseudonym, "dry_run": request.dry_run}));
    let subject = request.source.to_string();
    let deed = Deed { action: "erasure.started", subject, before: None, after };
    audit::note(&state, &caller, origin, deed).await?;
    let erasure = state.view.erase(request, pseudonym, caller.name()).await?;
    tracing::info!(erasure = erasure.id, source.name = %erasure.source, by = &**caller.id(), "an erasure is asked for");
    Ok((StatusCode::CREATED, Json(erasure)))
}

/// What somebody is called from now on. Nothing leads back from it.
fn pseudonym() -> String {
    let mut number = [0; 8];
    number[2..].copy_from_slice(&random_bytes::<6>());
    format!("erased-{:012x}", u64::from_be_bytes(number))
}

/// What a body asks for, of a source that the caller may see.
async fn wanted(state: &ApiState, caller: &Caller, body: &[u8]) -> Result<ErasureRequest, ApiError> {
    let mut fields = Fields::read(body)?;
    let source: SourceName = fields.required("source", "the name of a source")?;
    let agent: AgentId = fields.required("agent", "the platform's id of an agent")?;
    let also: Vec<String> = fields.optional("also", "a list of texts")?.unwrap_or_default();
    let dry_run = fields.optional("dry_run", "true or false")?.unwrap_or(false);
    fields.end("an erasure has source, agent, also and dry_run")?;
    if agent.as_str().trim().is_empty() {
        return Err(ApiError::bad_request("body.agent", "agent must not be empty"));
    }
    // What is shorter is part of too many other words.
    if also.len() > MOST_OTHERS || also.iter().any(|text| text.trim().len() < 3 || text.len() > 256) {
        let message = format!("also: at most {MOST_OTHERS} texts of 3 to 256 bytes");
        return Err(ApiError::bad_request("body.also", message));
    }
    let unknown =
        || ApiError::new(Code::NotFound, format!("there is no source '{source}'")).at("body.source");
    let configured = state.view.sources().await?;
    if !caller.sees(&source) || configured.iter().all(|known| known.name != source) {
        return Err(unknown());
    }
    Ok(ErasureRequest { source, agent, also, dry_run })
}
