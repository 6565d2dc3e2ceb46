//! The audit log, page by page.

use axum::Json;
use axum::extract::State;
use pegboard_store::AuditEntry;
use serde::Serialize;

use crate::api::error::ApiError;
use crate::api::paging;
use crate::api::query::Params;
use crate::api::state::ApiState;

/// The most entries of one answer.
pub(crate) const PAGE: u32 = 100;

#[derive(Serialize)]
pub(crate) struct Page {
    entries: Vec<AuditEntry>,
    next: Option<u64>,
}

/// `GET /audit`.
pub(crate) async fn page(State(state): State<ApiState>, params: Params) -> Result<Json<Page>, ApiError> {
    let limit = params.parsed::<u32>("limit")?.unwrap_or(PAGE) as usize;
    let before = params.parsed("before")?;
    let found = state.store.audit(before, paging::asked(limit)).await?;
    let (entries, next) = paging::cut(found, limit, |entry| entry.number);
    Ok(Json(Page { entries, next }))
}
