//! A copy of the store.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use crate::api::audit::{self, Deed, Origin};
use crate::api::caller::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::state::ApiState;

/// When to ask again while a copy is being made.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// A copy that was made.
#[derive(Serialize)]
pub(crate) struct Made {
    /// The name of the file, in the folder of the store.
    file: String,
    bytes: u64,
}

/// `POST /backup`. Where the file lies is never for the caller to say.
pub(crate) async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let one_at_a_time = state.backup.try_lock();
    let Ok(_held) = one_at_a_time else {
        let error = ApiError::new(Code::TooManyRequests, "a copy of the store is being made already");
        return Err(error.retry_after(RETRY_AFTER));
    };
    let deed = Deed { action: "store.copied", subject: "store".to_owned(), before: None, after: None };
    audit::note(&state, &caller, origin, deed).await?;
    let made = state.store.backup().await?;
    let file = made.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    tracing::info!(file, bytes = made.bytes, by = &**caller.id(), "the store was copied");
    Ok((StatusCode::CREATED, Json(Made { file, bytes: made.bytes })))
}
