//! Rows of reports.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use pegboard_model::{AgentId, Millis, Timestamp};
use pegboard_store::Origin;
use serde_json::{Value, json};

use crate::api::body;
use crate::api::caller::Caller;
use crate::api::csv::{self, Texts};
use crate::api::error::{ApiError, Code};
use crate::api::parquet;
use crate::api::query::{InPath, Params};
use crate::api::state::ApiState;
use crate::api::throttle::Slot;
use crate::runtime::report_row::ReportRow;
use crate::runtime::view::{HistoryRequest, LONGEST_WINDOW, Report, ReportRequest, all_reports};

/// The window where none is given.
const USUAL: Millis = Millis::from_hours(24);
/// How many seconds durations may differ in a reconciliation, for each contact, where nothing is said.
const USUAL_TOLERANCE: i64 = 1;
/// Rows that are encoded at once while an answer is sent.
const PIECE: usize = 512;

/// `GET /reports`.
pub(crate) async fn names() -> Json<Value> {
    Json(json!({"reports": all_reports()}))
}

/// `GET /reports/{name}`.
pub(crate) async fn rows(
    State(state): State<ApiState>,
    caller: Caller,
    params: Params,
    InPath(name): InPath,
) -> Result<Response, ApiError> {
    let asked = ReportRequest {
        agent: params.one("agent").map(AgentId::from),
        origin: origin(&params),
        virtual_queues: params.one("virtual_queues") == Some("true"),
        by_day: params.one("by") == Some("day"),
        tolerance: Millis::from_seconds(params.parsed("tolerance")?.unwrap_or(USUAL_TOLERANCE)),
        agreeing: params.one("agreeing") == Some("true"),
        ..ReportRequest::new(name)
    };
    answer(&state, &caller, &params, asked).await
}

/// `GET /reports/{name}/history`.
pub(crate) async fn history(
    State(state): State<ApiState>,
    caller: Caller,
    params: Params,
    InPath(name): InPath,
) -> Result<Response, ApiError> {
    let (from, to) = window(&params, state.view.now())?;
    let sources = caller.scope(&state, params.all("source")).await?;
    let _slot = slot(&state, &caller)?;
    let request = HistoryRequest {
        name,
        sources,
        from,
        to,
        origin: origin(&params),
        agent: params.one("agent").map(AgentId::from),
        queue: params.one("queue").map(str::to_owned),
    };
    let history = state.view.history(request).await?;
    written(&state, &params, history).await
}

fn origin(params: &Params) -> Origin {
    if params.one("origin") == Some(Origin::Acd.as_str()) { Origin::Acd } else { Origin::Computed }
}

/// `GET /agents/{id}/timeline`.
pub(crate) async fn timeline(
    State(state): State<ApiState>,
    caller: Caller,
    params: Params,
    InPath(id): InPath,
) -> Result<Response, ApiError> {
    let asked = ReportRequest { agent: Some(id.as_str().into()), ..ReportRequest::new("segments") };
    answer(&state, &caller, &params, asked).await
}

async fn answer(
    state: &ApiState,
    caller: &Caller,
    params: &Params,
    asked: ReportRequest,
) -> Result<Response, ApiError> {
    let (from, to) = window(params, state.view.now())?;
    let sources = caller.scope(state, params.all("source")).await?;
    let _slot = slot(state, caller)?;
    let report = state.view.report(ReportRequest { sources, from, to, ..asked }).await?;
    written(state, params, report).await
}

/// The right to have one more report computed.
pub(crate) fn slot(state: &ApiState, caller: &Caller) -> Result<Slot, ApiError> {
    let busy =
        || ApiError::too_many(Duration::from_secs(1), "this token has reports under way: wait for them");
    state.reports.take(caller.id()).ok_or_else(busy)
}

/// The rows in the format that is asked for.
pub(crate) async fn written(state: &ApiState, params: &Params, report: Report) -> Result<Response, ApiError> {
    let limit = state.limits.report_rows;
    if report.rows.len() > limit {
        let message = format!("more than {limit} rows: ask for a shorter window, one source or one agent");
        return Err(ApiError::new(Code::TooLarge, message).at("query.from"));
    }
    let spreadsheet = params.one("spreadsheet") == Some("true");
    if spreadsheet && params.one("format") != Some("csv") {
        return Err(ApiError::bad_request("query.spreadsheet", "only format=csv is opened in spreadsheets"));
    }
    match params.one("format") {
        Some("csv") => Ok(as_csv(report, if spreadsheet { Texts::Harmless } else { Texts::Exact })),
        Some("ndjson") => Ok(as_ndjson(report)),
        Some("parquet") => as_parquet(report).await,
        _ => Ok(as_json(report)),
    }
}

/// The window as it was given, if it is one that can be answered.
fn window(params: &Params, now: Timestamp) -> Result<(Option<Timestamp>, Option<Timestamp>), ApiError> {
    let from = params.parsed::<Timestamp>("from")?;
    let to = params.parsed::<Timestamp>("to")?;
    let end = to.unwrap_or(now);
    let length = end.since(from.unwrap_or(end - USUAL));
    if length <= Millis::ZERO {
        return Err(ApiError::bad_request("query.from", "the window is empty: from must be before to"));
    }
    if length > LONGEST_WINDOW {
        return Err(ApiError::bad_request("query.from", "a window is 31 days long at most: ask for several"));
    }
    Ok((from, to))
}

fn as_json(report: Report) -> Response {
    let head = format!(
        "{{\"report\":{},\"from\":\"{}\",\"to\":\"{}\",\"columns\":{},\"rows\":[",
        json!(report.name),
        report.from,
        report.to,
        json!(report.columns)
    );
    let mut first = true;
    let pieces = in_pieces(report.rows, move |text, row| {
        if !std::mem::take(&mut first) {
            text.push(b',');
        }
        text.extend_from_slice(row.as_str().as_bytes());
    });
    let whole =
        std::iter::once(Bytes::from(head)).chain(pieces).chain(std::iter::once(Bytes::from_static(b"]}")));
    ([(header::CONTENT_TYPE, "application/json")], body::pieces(whole)).into_response()
}

fn as_ndjson(report: Report) -> Response {
    let pieces = in_pieces(report.rows, |text, row| {
        text.extend_from_slice(row.as_str().as_bytes());
        text.push(b'\n');
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body::pieces(pieces)).into_response()
}

fn as_csv(report: Report, texts: Texts) -> Response {
    let disposition = format!("attachment; filename=\"{}.csv\"", report.name);
    let head = std::iter::once(Bytes::from(csv::header(&report.columns)));
    let columns = report.columns;
    let pieces = in_pieces(report.rows, move |text, row| csv::row(text, &columns, &row.value(), texts));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_string()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, body::pieces(head.chain(pieces))).into_response()
}

/// The whole file at once: its end says where everything is.
async fn as_parquet(report: Report) -> Result<Response, ApiError> {
    let disposition = format!("attachment; filename=\"{}.parquet\"", report.name);
    let encoded = tokio::task::spawn_blocking(move || parquet::file(&report.columns, &report.rows)).await;
    let file = match encoded {
        Ok(Ok(file)) => file,
        Ok(Err(error)) => {
            tracing::error!(%error, "a report cannot be written as Parquet");
            return Err(ApiError::internal());
        }
        Err(_) => return Err(ApiError::internal()),
    };
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.apache.parquet".to_string()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, file).into_response())
}

/// The rows as text, some at a time, so that a long report is never there twice.
fn in_pieces(
    rows: Vec<ReportRow>,
    mut encode: impl FnMut(&mut Vec<u8>, &ReportRow) + Send + Unpin + 'static,
) -> impl Iterator<Item = Bytes> + Send + Unpin + 'static {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let mut text = Vec::new();
        for row in rows.by_ref().take(PIECE) {
            encode(&mut text, &row);
        }
        (!text.is_empty()).then(|| text.into())
    })
}
