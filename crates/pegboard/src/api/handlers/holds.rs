//! What is held back of a sink, and sent all the same because a person says so.

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::ledger::sink;
use crate::api::audit::{self, Deed, Origin};
use crate::api::caller::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::handlers::dead_letters::checked_comment;
use crate::api::json_body::{Fields, JsonBody};
use crate::api::query::InPath;
use crate::api::state::ApiState;

/// `POST /sinks/{name}/release`.
pub(crate) async fn release(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(name): InPath,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, ApiError> {
    let sink = sink(&state, &name)?;
    let mut fields = Fields::read(&body)?;
    let comment: String = fields.optional("comment", "a text")?.unwrap_or_default();
    let comment = checked_comment(&comment)?;
    fields.end("what is held back is released with a comment")?;
    let nothing = || ApiError::new(Code::NotFound, "nothing of this sink is held back").at("path.name");
    let hold = state.store.hold(&sink).await?.filter(|hold| hold.released.is_none()).ok_or_else(nothing)?;
    let before = json!({"since": hold.since, "reason": hold.reason});
    let after = json!({"comment": comment});
    let deed = Deed {
        action: "snapshot.released",
        subject: sink.to_string(),
        before: Some(before),
        after: Some(after),
    };
    audit::note(&state, &caller, origin, deed).await?;
    let released = state.store.release_hold(&sink, state.view.now()).await?;
    if released { Ok(StatusCode::NO_CONTENT) } else { Err(nothing()) }
}
