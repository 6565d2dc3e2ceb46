//! The calls of NICE's SDK for foreign ACDs, into a source of kind `push`: what another hub's sink `cxone` sends, or any program
//! with [`pegboard_client`]. What they say becomes records like any other that is handed in.
//!
//! Paths, bodies and answers are Pegboard's proposal, for NICE's are not public (`docs/sinks/cxone.md`); the bodies' types are the client's.

mod access;
mod agents;
mod body;
mod queue_report;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pegboard_client::{ItemError, ReportStatus, WfmReportResponse};
use pegboard_model::Timestamp;
use pegboard_store::HandedIn;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) use self::access::Bearer;
use self::access::{Caller, LoginBody, RefreshBody};
use self::body::Sorted;
use super::push::key;
use crate::api::error::{ApiError, Code};
use crate::api::json_body::JsonBody;
use crate::api::state::ApiState;
use crate::config::SdkSettings;
use crate::runtime::intake::Gate;
use crate::runtime::intake::token::{LASTS, REFRESH_LASTS};

/// The most bytes of a report: some 20,000 rows.
pub(crate) const REPORT_LIMIT: usize = 8 << 20;

/// What is answered where nobody has said which ACD it is.
const ANY_ACD: &str = "PEGBOARD";

/// When to come again where too much waits to be read.
const FULL_PAUSE: Duration = Duration::from_secs(5);

/// What became of a body, and the status with which that is said.
type Answer = (StatusCode, Json<WfmReportResponse>);

/// Reads one of the bodies. Pure.
type Read = fn(&[u8], &SdkSettings, Timestamp) -> Result<Sorted, ApiError>;

/// `POST .../token`.
pub(crate) async fn login(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, ApiError> {
    let asked: LoginBody = access::read(&body)?;
    let (id, secret) = asked.key()?;
    let tokens = caller.gate.as_ref().and_then(|gate| gate.log_in(id, secret));
    let Some(tokens) = tokens else { return Err(caller.refuse(&state).await) };
    Ok(Json(json!({
        "token_type": "Bearer", "expires_in": LASTS.get() / 1000, "access_token": tokens.access.expose(),
        "refresh_token": tokens.refresh.expose(),
    })))
}

/// `POST .../token/refresh`.
pub(crate) async fn refresh(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, ApiError> {
    let asked: RefreshBody = access::read(&body)?;
    let tokens = caller.gate.as_ref().map(|gate| gate.renew(&asked.token));
    let tokens = match tokens {
        Some(Ok(tokens)) => tokens,
        Some(Err(fault)) => return Err(caller.refuse_token(&state, &asked.token, fault).await),
        None => return Err(caller.refuse(&state).await),
    };
    Ok(Json(json!({
        "token": tokens.access.expose(), "tokenExpirationTimeSec": LASTS.get() / 1000,
        "refreshToken": tokens.refresh.expose(), "refreshTokenExpirationTimeSec": REFRESH_LASTS.get() / 1000,
        "sessionId": null,
    })))
}

/// `GET .../acd-type`.
pub(crate) async fn acd_type(Bearer(gate): Bearer) -> Json<Value> {
    Json(json!({ "acdType": gate.sdk().acd_type.as_deref().unwrap_or(ANY_ACD) }))
}

/// `POST .../heartbeat`.
pub(crate) async fn heartbeat(Bearer(_): Bearer) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// `POST .../agent-states`.
pub(crate) async fn states(
    Bearer(gate): Bearer,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Answer, ApiError> {
    take(&gate, "agent-states", &headers, body, agents::states).await
}

/// `POST .../reports/agent-activity`.
pub(crate) async fn activities(
    Bearer(gate): Bearer,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Answer, ApiError> {
    take(&gate, "agent-activity", &headers, body, agents::activities).await
}

/// `POST .../reports/queue`.
pub(crate) async fn queue_report(
    Bearer(gate): Bearer,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Answer, ApiError> {
    take(&gate, "queue", &headers, body, queue_report::read).await
}

/// What is kept under an idempotency key: what was sent, by its hash, and what was answered.
#[derive(Debug, Serialize, Deserialize)]
struct Before {
    content: String,
    response: WfmReportResponse,
}

async fn take(
    gate: &Gate,
    call: &str,
    headers: &HeaderMap,
    body: Bytes,
    read: Read,
) -> Result<Answer, ApiError> {
    let Some(key) = key(headers)? else {
        return Err(ApiError::bad_request("header.idempotency-key", "a report has an Idempotency-Key"));
    };
    let content = URL_SAFE_NO_PAD.encode(Sha256::digest(&body));
    let (sdk, now) = (gate.sdk().clone(), gate.now());
    let sorted = tokio::task::spawn_blocking(move || read(&body, &sdk, now)).await;
    let sorted = sorted.map_err(|_| ApiError::internal())??;
    // What is sent again has the same.
    let (status, response) = sorted.verdict(content.chars().take(16).collect());
    let records = sorted.into_records();
    if status != StatusCode::ACCEPTED || records.is_empty() {
        return Ok((status, Json(response)));
    }
    let before = Before { content, response };
    let answer = serde_json::to_string(&before).map_err(|_| ApiError::internal())?;
    // No key that is sent has such a letter: those of records that are pushed are others.
    let key = format!("asc\u{1f}{call}\u{1f}{key}").into();
    match gate.hand_in(Some(key), records, answer).await? {
        HandedIn::Kept => Ok((status, Json(before.response))),
        HandedIn::Before { answer } => Ok(again(&before, serde_json::from_str(&answer).ok())),
        HandedIn::Full => {
            let message = "too many records wait to be read: nothing of this was kept, send it again later";
            Err(ApiError::new(Code::Unavailable, message).retry_after(FULL_PAUSE))
        }
    }
}

/// What is answered under a key that is known.
fn again(now: &Before, known: Option<Before>) -> Answer {
    let said = |code: &str, message: &str| ItemError {
        code: code.to_owned(),
        path: String::new(),
        message: message.to_owned(),
    };
    let response = match known.filter(|known| known.content == now.content) {
        Some(Before { mut response, .. }) => {
            response.errors.insert(0, said("ALREADY_ACCEPTED", "this was accepted before"));
            response
        }
        None => WfmReportResponse {
            status: ReportStatus::Rejected,
            accepted: 0,
            rejected: 0,
            errors: vec![said("KEY_REUSED", "another request was accepted under this idempotency key")],
            ..now.response.clone()
        },
    };
    (StatusCode::CONFLICT, Json(response))
}
