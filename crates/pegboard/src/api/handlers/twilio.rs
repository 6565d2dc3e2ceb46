//! What Twilio posts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::{HeaderMap, StatusCode, header};
use pegboard_connect::sources::twilio::{Content, split};
use pegboard_store::HandedIn;

use crate::api::audit::Origin;
use crate::api::error::{ApiError, Challenge, Code};
use crate::api::json_body::bytes_of;
use crate::api::query::InPath;
use crate::api::state::ApiState;
use crate::runtime::intake::Gate;

/// The header in which Twilio signs.
const SIGNATURE: &str = "x-twilio-signature";

/// When to come again where too much waits to be read.
const FULL_PAUSE: Duration = Duration::from_secs(5);

/// `POST /twilio/{source}`. What is acknowledged is on disk; what is in it is looked at afterwards, because Twilio has no use for
/// an answer.
pub(crate) async fn take(post: Post) -> Result<StatusCode, ApiError> {
    let records = split(&post.body);
    if records.is_empty() {
        return Ok(StatusCode::NO_CONTENT);
    }
    match post.gate.hand_in(None, records, String::new()).await? {
        HandedIn::Kept | HandedIn::Before { .. } => Ok(StatusCode::NO_CONTENT),
        HandedIn::Full => {
            let message = "too many records wait to be read: nothing of this was kept, send it again later";
            Err(ApiError::new(Code::Unavailable, message).retry_after(FULL_PAUSE))
        }
    }
}

/// A post that Twilio has signed, for a source that it may post to.
pub(crate) struct Post {
    gate: Arc<Gate>,
    body: Bytes,
}

impl FromRequest<ApiState> for Post {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let InPath(source) = InPath::from_request_parts(&mut parts, state).await?;
        let gate = state.gates.of(&source.as_str().into()).filter(|gate| gate.is_for_twilio()).cloned();
        let Ok(origin) = Origin::from_request_parts(&mut parts, state).await;
        let (uri, headers) = (parts.uri.clone(), parts.headers.clone());
        let body = bytes_of(Request::from_parts(parts, body), state).await?;
        if let Some(gate) = gate.filter(|gate| is_signed(gate, uri.query(), &headers, &body)) {
            return Ok(Self { gate, body });
        }
        let attempt = state.sign_ins.attempt(origin.0, Instant::now());
        attempt.map_err(|wait| ApiError::too_many(wait, "too many posts that are not signed: wait"))?;
        state.refusals.note(state, origin).await;
        let message =
            "this is not signed with an auth token of a source of this name, for the URL that is configured";
        Err(ApiError::new(Code::Unauthenticated, message).challenging(Challenge::TwilioSignature))
    }
}

fn is_signed(gate: &Gate, query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = text(header::CONTENT_TYPE.as_str()).split(';').next().unwrap_or_default().trim();
    let is_form = kind.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    let content = if is_form { Content::Form(body) } else { Content::Json(body) };
    gate.is_signed(query, text(SIGNATURE), content)
}
