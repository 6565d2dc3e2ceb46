//! Around every answer: the headers that all have, one line in the log, a number in the metrics, and an end to
//! panics.

use std::panic::AssertUnwindSafe;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::api::BODY_LIMIT;
use crate::api::error::{ApiError, Code};
use crate::api::guard::TokenId;
use crate::api::handlers::asc::REPORT_LIMIT;
use crate::api::handlers::mapping::IMPORT_LIMIT;
use crate::api::routes::{IMPORT_MAPPING, REPORTS};
use crate::api::state::ApiState;

/// What every answer carries that does not say otherwise of itself. Only pages do, and only of what they load and how long
/// they are kept: everything else may load and run nothing. None is framed.
const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// Where TLS is, it stays: a year, as browsers ask.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Passes a request on, and sees to everything that is the same for all answers.
pub(crate) async fn observe(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let limit = body_limit(path.as_ref());
    let mut response = match refuse_large(request.headers(), limit) {
        Ok(()) => without_panic(next.run(request)).await,
        Err(error) => error.into_response(),
    };
    add_headers(&state, response.headers_mut());
    let route = path.as_ref().map_or("other", MatchedPath::as_str);
    record(&state, &method, route, &response, started.elapsed());
    response
}

/// Refuses a body that says it is too large, before anything of it is read. One that does not say it is cut off
/// while it is read, by the routes that read any.
fn refuse_large(headers: &HeaderMap, limit: usize) -> Result<(), ApiError> {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > limit as u64 => Err(too_large(limit)),
        _ => Ok(()),
    }
}

/// The most bytes that a body may have: more where it is a table, or a report.
pub(crate) fn body_limit(path: Option<&MatchedPath>) -> usize {
    match path.map_or("", MatchedPath::as_str) {
        path if path == IMPORT_MAPPING.path => IMPORT_LIMIT,
        path if REPORTS.contains(&path) => REPORT_LIMIT,
        _ => BODY_LIMIT,
    }
}

pub(crate) fn too_large(limit: usize) -> ApiError {
    ApiError::new(Code::TooLarge, format!("a body has {limit} bytes at most")).at("body")
}

/// A panic is a fault of this program: it is logged by the panic hook and answered like any other fault.
async fn without_panic(answer: impl Future<Output = Response>) -> Response {
    let mut answer = Box::pin(answer);
    let outcome = std::future::poll_fn(|context| {
        let poll = std::panic::catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context)));
        match poll {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        }
    });
    outcome.await.unwrap_or_else(|| ApiError::internal().into_response())
}

fn add_headers(state: &ApiState, headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    if state.transport.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
}

/// Counts the answer and logs it, without anything that says whom it was about: the template of the route, not the
/// path; the id of the token, not its name.
fn record(state: &ApiState, method: &Method, route: &str, response: &Response, took: Duration) {
    let status = response.status().as_u16();
    state.metrics.answered(method, route, status, took);
    let token = response.extensions().get::<TokenId>().map_or("-", |id| &*id.0);
    let ms = took.as_millis();
    if is_routine(route, response.status()) {
        tracing::debug!(%method, route, status, ms, token, "answered");
    } else {
        tracing::info!(%method, route, status, ms, token, "answered");
    }
}

/// What machines ask every few seconds, and the files that come with a page, would drown the rest of the log.
fn is_routine(route: &str, status: StatusCode) -> bool {
    let asked_often = matches!(route, "/healthz" | "/readyz" | "/metrics" | "/favicon.ico");
    (asked_often || route.starts_with("/assets/")) && !status.is_server_error()
}
