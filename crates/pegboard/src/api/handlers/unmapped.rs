//! What no row of a sink's mapping names.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use pegboard_model::{SourceName, Text, Timestamp};
use pegboard_store::UnmappedSeen;
use serde::Serialize;

use super::ledger::sink;
use crate::api::audit::{self, Deed, Origin};
use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::query::{InPath, Params};
use crate::api::state::ApiState;
use crate::runtime::mapping::Suggested;

/// The most names of one answer.
pub(crate) const UNMAPPED_PAGE: u32 = 1000;

#[derive(Serialize)]
pub(crate) struct Page {
    unmapped: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    what: Text,
    source: SourceName,
    id: Text,
    detail: Text,
    count: u64,
    first_seen: Timestamp,
    last_seen: Timestamp,
    agents: Vec<Text>,
    suggestion: Text,
    row: Option<Row>,
}

/// The row that a name could have.
#[derive(Serialize)]
struct Row {
    table: &'static str,
    cells: BTreeMap<&'static str, String>,
    complete: bool,
}

impl From<Suggested> for Row {
    fn from(Suggested { table, cells, is_complete }: Suggested) -> Self {
        Self { table: table.as_str(), cells, complete: is_complete }
    }
}

/// `GET /sinks/{name}/unmapped`.
pub(crate) async fn page(
    State(state): State<ApiState>,
    InPath(name): InPath,
    params: Params,
) -> Result<Json<Page>, ApiError> {
    let limit = params.parsed::<u32>("limit")?.unwrap_or(UNMAPPED_PAGE) as usize;
    let found = state.store.unmapped(&sink(&state, &name)?, limit).await?;
    Ok(Json(Page { unmapped: found.into_iter().map(Shown::from).collect() }))
}

/// How much was forgotten.
#[derive(Serialize)]
pub(crate) struct Forgotten {
    names: u64,
}

/// `POST /sinks/{name}/unmapped/forget`.
pub(crate) async fn forget(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(name): InPath,
) -> Result<Json<Forgotten>, ApiError> {
    let sink = sink(&state, &name)?;
    let deed = Deed { action: "unmapped.forgotten", subject: sink.to_string(), before: None, after: None };
    audit::note(&state, &caller, origin, deed).await?;
    Ok(Json(Forgotten { names: state.store.forget_unmapped(&sink).await? }))
}

impl From<UnmappedSeen> for Shown {
    fn from(seen: UnmappedSeen) -> Self {
        let row = Suggested::of(&seen).map(Row::from);
        let UnmappedSeen { kind, source, id, detail, count, first, last, suggestion, agents } = seen;
        Self {
            what: kind,
            source,
            id,
            detail,
            count,
            first_seen: first,
            last_seen: last,
            agents,
            suggestion,
            row,
        }
    }
}
