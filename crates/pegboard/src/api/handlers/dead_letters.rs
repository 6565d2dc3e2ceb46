//! Records and files that could not be used, and what becomes of them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pegboard_model::{PartitionId, Position, SourceName, Text, Timestamp};
use pegboard_store::{DeadLetter, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::audit::{self, Deed, Origin};
use crate::api::caller::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::json_body::JsonBody;
use crate::api::paging;
use crate::api::query::{InPath, Params};
use crate::api::state::ApiState;
use crate::runtime::mending::NotMended;

/// The most dead letters of one answer.
pub(crate) const PAGE: u32 = 100;

/// The longest comment on why a letter is dropped, in characters.
const COMMENT_LIMIT: usize = 500;

#[derive(Serialize)]
pub(crate) struct Page {
    dead_letters: Vec<Letter>,
    next: Option<i64>,
}

#[derive(Serialize)]
pub(crate) struct Letter {
    id: i64,
    source: SourceName,
    partition: PartitionId,
    position: Position,
    reason: Text,
    at: Timestamp,
    tries: u64,
    tried: Option<Timestamp>,
    #[serde(flatten)]
    record: Option<Record>,
}

/// The record itself.
#[derive(Serialize)]
struct Record {
    payload: String,
    encoding: &'static str,
}

/// `GET /dead-letters`.
pub(crate) async fn page(
    State(state): State<ApiState>,
    caller: Caller,
    params: Params,
) -> Result<Json<Page>, ApiError> {
    let scope = caller.scope(&state, params.all("source")).await?;
    let limit = params.parsed::<u32>("limit")?.unwrap_or(PAGE) as usize;
    let before = params.parsed("before")?;
    let found = state.store.dead_letters(&scope, before, paging::asked(limit)).await?;
    let (letters, next) = paging::cut(found, limit, |letter| letter.id);
    let sees_records = caller.role() >= Role::Operator;
    let dead_letters = letters.into_iter().map(|letter| shown(letter, sees_records)).collect();
    Ok(Json(Page { dead_letters, next }))
}

/// `GET /dead-letters/{id}`.
pub(crate) async fn one(
    State(state): State<ApiState>,
    caller: Caller,
    InPath(id): InPath,
) -> Result<Json<Letter>, ApiError> {
    let letter = find(&state, &caller, &id).await?;
    Ok(Json(shown(letter, caller.role() >= Role::Operator)))
}

/// What came of a retry.
#[derive(Serialize)]
pub(crate) struct Retried {
    mended: bool,
    reason: Option<String>,
}

/// `POST /dead-letters/{id}/retry`.
pub(crate) async fn retry(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(id): InPath,
) -> Result<Json<Retried>, ApiError> {
    let letter = find(&state, &caller, &id).await?;
    audit::note(&state, &caller, origin, deed("dead_letter.retried", &letter, None)).await?;
    match state.view.mend(&letter).await {
        Ok(()) => Ok(Json(Retried { mended: true, reason: None })),
        Err(NotMended::Source(error)) if !error.needs_action => {
            Err(ApiError::new(Code::Unavailable, error.message))
        }
        Err(NotMended::Ingest(error)) => {
            tracing::error!(letter = letter.id, "a dead letter cannot be tried again: {error}");
            Err(ApiError::new(Code::Unavailable, "what the letter says could not be written: try again"))
        }
        Err(error) => Ok(Json(Retried { mended: false, reason: Some(error.to_string()) })),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drop {
    comment: String,
}

/// `POST /dead-letters/{id}/drop`.
pub(crate) async fn give_up(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(id): InPath,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, ApiError> {
    let Drop { comment } = serde_json::from_slice(&body).map_err(|_| no_comment())?;
    let comment = checked_comment(&comment)?;
    let letter = find(&state, &caller, &id).await?;
    let after = Some(json!({ "comment": comment }));
    audit::note(&state, &caller, origin, deed("dead_letter.dropped", &letter, after)).await?;
    if state.store.remove_dead_letter(letter.id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}

/// Why something is given up, if that is said.
pub(super) fn checked_comment(comment: &str) -> Result<&str, ApiError> {
    let comment = comment.trim();
    let fits = !comment.is_empty() && comment.chars().count() <= COMMENT_LIMIT;
    if fits { Ok(comment) } else { Err(no_comment()) }
}

fn no_comment() -> ApiError {
    let message = format!("a comment of 1 to {COMMENT_LIMIT} characters says why: {{\"comment\": \"...\"}}");
    ApiError::bad_request("body.comment", message)
}

/// A letter of a source that the caller may see.
async fn find(state: &ApiState, caller: &Caller, id: &str) -> Result<DeadLetter, ApiError> {
    let id = id.parse().map_err(|_| unknown())?;
    let letter = state.store.dead_letter(id).await?;
    letter.filter(|letter| caller.sees(&letter.source)).ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::new(Code::NotFound, "there is no dead letter with this id").at("path.id")
}

fn deed(action: &'static str, letter: &DeadLetter, after: Option<Value>) -> Deed {
    let DeadLetter { id, source, partition, position, tries, .. } = letter;
    let before = json!({"source": source, "partition": partition, "position": position, "tries": tries});
    Deed { action, subject: id.to_string(), before: Some(before), after }
}

/// The record may hold personal data: who may not repair anything does not see it.
fn shown(letter: DeadLetter, with_record: bool) -> Letter {
    let DeadLetter { id, source, partition, position, reason, payload, at, tries, tried } = letter;
    let record = with_record.then(|| record(payload));
    Letter { id, source, partition, position, reason, at, tries, tried, record }
}

fn record(payload: Vec<u8>) -> Record {
    match String::from_utf8(payload) {
        Ok(payload) => Record { payload, encoding: "text" },
        Err(bytes) => Record { payload: STANDARD.encode(bytes.as_bytes()), encoding: "base64" },
    }
}
