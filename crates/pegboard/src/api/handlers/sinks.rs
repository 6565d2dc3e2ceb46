//! Sinks, how they are delivered to, what they have, and what people import there by hand.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::civil::Date;
use serde::Serialize;

use super::ledger::sink;
use crate::api::error::{ApiError, Code};
use crate::api::query::{InPath, Params};
use crate::api::state::ApiState;
use crate::runtime::deliver::history::NoHistory;
use crate::runtime::view::SinkStatus;

#[derive(Serialize)]
pub(crate) struct Sinks {
    sinks: Vec<SinkStatus>,
}

/// `GET /sinks`.
pub(crate) async fn list(State(state): State<ApiState>) -> Result<Json<Sinks>, ApiError> {
    Ok(Json(Sinks { sinks: state.view.sinks().await? }))
}

/// `GET /sinks/{name}/history`.
pub(crate) async fn history(
    State(state): State<ApiState>,
    InPath(name): InPath,
    params: Params,
) -> Result<Response, ApiError> {
    let sink = sink(&state, &name)?;
    let day: Option<Date> = params.parsed("day")?;
    let document = state.view.sink_history(&sink, day).await?.map_err(|why| {
        let code = if matches!(why, NoHistory::Refused(_)) { Code::Conflict } else { Code::NotFound };
        ApiError::new(code, why.to_string())
    })?;
    let name = document.name.rsplit('/').next().unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, document.body).into_response())
}
