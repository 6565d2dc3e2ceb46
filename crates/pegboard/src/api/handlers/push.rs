//! Records that an ACD hands in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pegboard_connect::sources::push::{LANE, PushDecoder};
use pegboard_model::{Order, Position, Text};
use pegboard_store::HandedIn;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::audit::Origin;
use crate::api::error::{ApiError, Challenge, Code};
use crate::api::json_body::JsonBody;
use crate::api::query::InPath;
use crate::api::state::ApiState;
use crate::runtime::intake::Gate;

/// The most records of one request.
pub(crate) const RECORDS_AT_ONCE: usize = 500;

/// The header by which a request that is sent again is known.
const KEY_HEADER: &str = "idempotency-key";

/// The longest key, in bytes.
const KEY_BYTES: usize = 255;

/// When to come again where too much waits to be read.
const FULL_PAUSE: Duration = Duration::from_secs(5);

/// What came of a request: the good records are kept, durably.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Taken {
    accepted: usize,
    refused: Vec<Refused>,
}

/// A record that is not as it must be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refused {
    path: String,
    message: String,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    records: Option<Vec<&'a RawValue>>,
}

/// `POST /push/{source}`.
pub(crate) async fn take(
    Admitted(gate): Admitted,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Json<Taken>, ApiError> {
    let key = key(&headers)?;
    let (records, taken) = sort_out(&body)?;
    let answer = serde_json::to_string(&taken).map_err(|_| ApiError::internal())?;
    if records.is_empty() {
        return Ok(Json(taken));
    }
    match gate.hand_in(key, records, answer).await? {
        HandedIn::Kept => Ok(Json(taken)),
        HandedIn::Before { answer } => {
            serde_json::from_str(&answer).map(Json).map_err(|_| ApiError::internal())
        }
        HandedIn::Full => {
            let message = "too many records wait to be read: nothing of this was kept, send it again later";
            Err(ApiError::new(Code::Unavailable, message).retry_after(FULL_PAUSE))
        }
    }
}

/// The gate of the source in the path, for whoever has its key. Looked at before the body.
pub(crate) struct Admitted(Arc<Gate>);

impl FromRequestParts<ApiState> for Admitted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let InPath(source) = InPath::from_request_parts(parts, state).await?;
        let gate = state.gates.of(&source.as_str().into());
        if let Some(gate) = gate.filter(|gate| admits(gate, &parts.headers)) {
            return Ok(Self(gate.clone()));
        }
        let Ok(origin) = Origin::from_request_parts(parts, state).await;
        let attempt = state.sign_ins.attempt(origin.0, Instant::now());
        attempt.map_err(|wait| ApiError::too_many(wait, "too many wrong keys: wait, then try again"))?;
        state.refusals.note(state, origin).await;
        let message = "the access key is not that of a source of this name";
        Err(ApiError::new(Code::Unauthenticated, message).challenging(Challenge::Basic))
    }
}

/// Whether the request has the key of the gate, by HTTP's basic scheme: the id is the user, the secret the password.
fn admits(gate: &Gate, headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|given| given.to_str().ok());
    let given = given
        .and_then(|given| given.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let given = given.and_then(|(_, coded)| STANDARD.decode(coded.trim()).ok());
    let given = given.and_then(|given| String::from_utf8(given).ok());
    given
        .as_deref()
        .and_then(|given| given.split_once(':'))
        .is_some_and(|(id, secret)| gate.admits(id, secret))
}

/// The key under which a request is known, where it has one.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<Text>, ApiError> {
    let Some(key) = headers.get(KEY_HEADER) else { return Ok(None) };
    let text = key.to_str().ok().filter(|key| (1..=KEY_BYTES).contains(&key.len()));
    let unfit = || {
        let message = format!("Idempotency-Key must be 1 to {KEY_BYTES} visible characters of ASCII");
        ApiError::bad_request(format!("header.{KEY_HEADER}"), message)
    };
    text.map(|key| Some(key.into())).ok_or_else(unfit)
}

/// The records of a body that are as they must be, and what is wrong with the others.
fn sort_out(body: &[u8]) -> Result<(Vec<Vec<u8>>, Taken), ApiError> {
    let unfit =
        |_| ApiError::bad_request("body", "the body must be a record, or an object with a list of `records`");
    let batch: Batch<'_> = serde_json::from_slice(body).map_err(unfit)?;
    let Some(records) = batch.records else {
        return match judge(body) {
            Ok(()) => Ok((vec![body.to_vec()], Taken { accepted: 1, refused: Vec::new() })),
            Err(problem) => Err(ApiError::bad_request("body", problem)),
        };
    };
    if records.len() > RECORDS_AT_ONCE {
        let message =
            format!("at most {RECORDS_AT_ONCE} records at once: send the others in another request");
        return Err(ApiError::new(Code::TooLarge, message).at("body.records"));
    }
    let mut good = Vec::with_capacity(records.len());
    let mut refused = Vec::new();
    for (index, record) in records.into_iter().enumerate() {
        match judge(record.get().as_bytes()) {
            Ok(()) => good.push(record.get().as_bytes().to_vec()),
            Err(message) => refused.push(Refused { path: format!("records[{index}]"), message }),
        }
    }
    let taken = Taken { accepted: good.len(), refused };
    Ok((good, taken))
}

/// What is wrong with a record.
fn judge(record: &[u8]) -> Result<(), String> {
    let order = Order { partition: LANE.into(), position: Position::Number(0) };
    PushDecoder::read(record, order).map(drop).map_err(|error| error.to_string())
}
