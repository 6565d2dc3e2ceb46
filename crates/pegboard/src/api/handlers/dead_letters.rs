//! Records that could not be used.

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pegboard_model::{PartitionId, Position, SourceName, Text, Timestamp};
use pegboard_store::{DeadLetter, Role};
use serde::Serialize;

use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::query::Params;
use crate::api::state::ApiState;

/// The most dead letters of one answer.
pub(crate) const PAGE: u32 = 100;

#[derive(Serialize)]
pub(crate) struct Page {
    dead_letters: Vec<Letter>,
    next: Option<i64>,
}

#[derive(Serialize)]
struct Letter {
    id: i64,
    source: SourceName,
    partition: PartitionId,
    position: Position,
    reason: Text,
    at: Timestamp,
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
    // One more than shown tells whether there is a next page.
    let mut letters = state.store.dead_letters(&scope, before, limit + 1).await?;
    let more = letters.len() > limit;
    letters.truncate(limit);
    let next = letters.last().filter(|_| more).map(|letter| letter.id);
    let sees_records = caller.role() >= Role::Operator;
    let dead_letters = letters.into_iter().map(|letter| shown(letter, sees_records)).collect();
    Ok(Json(Page { dead_letters, next }))
}

/// The record may hold personal data: who may not repair anything does not see it.
fn shown(letter: DeadLetter, with_record: bool) -> Letter {
    let DeadLetter { id, source, partition, position, reason, payload, at } = letter;
    let record = with_record.then(|| record(payload));
    Letter { id, source, partition, position, reason, at, record }
}

fn record(payload: Vec<u8>) -> Record {
    match String::from_utf8(payload) {
        Ok(payload) => Record { payload, encoding: "text" },
        Err(bytes) => Record { payload: STANDARD.encode(bytes.as_bytes()), encoding: "base64" },
    }
}
