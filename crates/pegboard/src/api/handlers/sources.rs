//! Sources and how they are doing.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::state::ApiState;
use crate::runtime::view::SourceStatus;

#[derive(Serialize)]
pub(crate) struct Sources {
    sources: Vec<SourceStatus>,
}

/// `GET /sources`.
pub(crate) async fn list(State(state): State<ApiState>, caller: Caller) -> Result<Json<Sources>, ApiError> {
    let mut sources = state.view.sources().await?;
    sources.retain(|source| caller.sees(&source.name));
    Ok(Json(Sources { sources }))
}
