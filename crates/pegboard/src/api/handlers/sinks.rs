//! Sinks, how they are delivered to, and what they have.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::api::error::ApiError;
use crate::api::state::ApiState;
use crate::runtime::view::SinkStatus;

#[derive(Serialize)]
pub(crate) struct Sinks {
    sinks: Vec<SinkStatus>,
}

/// `GET /sinks`.
pub(crate) async fn list(State(state): State<ApiState>) -> Result<Json<Sinks>, ApiError> {
    Ok(Json(Sinks { sinks: state.view.sinks().await? }))
}
