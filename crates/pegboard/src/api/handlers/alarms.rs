//! What needs somebody, and who has taken notice.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pegboard_model::{Millis, SourceName, Text, Timestamp};
use pegboard_store::{Alarm, AlarmMark, AlarmsAsked, Silence};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::audit::{self, Deed, Origin};
use crate::api::caller::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::json_body::JsonBody;
use crate::api::paging;
use crate::api::query::{InPath, Params};
use crate::api::state::ApiState;
use crate::runtime::alarms::condition::Condition;

/// The most alarms of one answer.
pub(crate) const PAGE: u32 = 100;

/// The longest comment, in characters.
const COMMENT_LIMIT: usize = 500;

/// The longest silence.
const LONGEST_SILENCE: Millis = Millis::from_hours(30 * 24);

#[derive(Serialize)]
pub(crate) struct Page {
    alarms: Vec<Shown>,
    next: Option<u64>,
}

/// An alarm, for people.
#[derive(Serialize)]
struct Shown {
    id: u64,
    condition: Text,
    severity: Text,
    title: &'static str,
    subject: Text,
    source: Option<SourceName>,
    text: Text,
    advice: &'static str,
    since: Timestamp,
    seen: Timestamp,
    ended: Option<Timestamp>,
    acknowledged: Option<Mark>,
    silence: Option<Quiet>,
}

#[derive(Serialize)]
struct Mark {
    by: Text,
    at: Timestamp,
    comment: Option<Text>,
}

#[derive(Serialize)]
struct Quiet {
    until: Timestamp,
    #[serde(flatten)]
    mark: Mark,
}

/// `GET /alarms`.
pub(crate) async fn page(
    State(state): State<ApiState>,
    caller: Caller,
    params: Params,
) -> Result<Json<Page>, ApiError> {
    let sources = caller.scope(&state, params.all("source")).await?;
    let limit = params.parsed::<u32>("limit")?.unwrap_or(PAGE) as usize;
    let only_open = params.one("open") == Some("true");
    let before = params.parsed("before")?;
    let asked = AlarmsAsked { sources: &sources, only_open, before, limit: paging::asked(limit) };
    let (alarms, next) = paging::cut(state.store.alarms(asked).await?, limit, |alarm| alarm.id);
    let now = state.view.now();
    Ok(Json(Page { alarms: alarms.into_iter().map(|alarm| shown(alarm, now)).collect(), next }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledge {
    comment: Option<String>,
}

/// `POST /alarms/{id}/acknowledge`.
pub(crate) async fn acknowledge(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(id): InPath,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, ApiError> {
    let Acknowledge { comment } = serde_json::from_slice(&body)
        .map_err(|_| ApiError::bad_request("body", "a comment may stand with it: {\"comment\": \"...\"}"))?;
    let mark = mark(&state, &caller, comment.as_deref())?;
    let alarm = find(&state, &caller, &id).await?;
    let after = json!({ "comment": mark.comment });
    audit::note(&state, &caller, origin, deed("alarm.acknowledged", &alarm, after)).await?;
    let is_open = state.store.acknowledge_alarm(alarm.id, mark).await?;
    if is_open { Ok(StatusCode::NO_CONTENT) } else { Err(over()) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hush {
    until: Timestamp,
    comment: String,
}

/// `POST /alarms/{id}/silence`.
pub(crate) async fn silence(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(id): InPath,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, ApiError> {
    let form = "until when and why: {\"until\": \"2026-03-01T18:00:00Z\", \"comment\": \"...\"}";
    let Hush { until, comment } =
        serde_json::from_slice(&body).map_err(|_| ApiError::bad_request("body", form))?;
    let now = state.view.now();
    if until <= now || until.since(now) > LONGEST_SILENCE {
        return Err(ApiError::bad_request("body.until", "a silence ends within the next 30 days"));
    }
    let mark = mark(&state, &caller, Some(&comment))?;
    hush(&state, &caller, origin, &id, "alarm.silenced", Silence { until, mark }).await
}

/// `DELETE /alarms/{id}/silence`.
pub(crate) async fn speak(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(id): InPath,
) -> Result<StatusCode, ApiError> {
    let silence = Silence { until: state.view.now(), mark: mark(&state, &caller, None)? };
    hush(&state, &caller, origin, &id, "alarm.silence_ended", silence).await
}

async fn hush(
    state: &ApiState,
    caller: &Caller,
    origin: Origin,
    id: &str,
    action: &'static str,
    silence: Silence,
) -> Result<StatusCode, ApiError> {
    let alarm = find(state, caller, id).await?;
    let after = json!({ "until": silence.until, "comment": silence.mark.comment });
    audit::note(state, caller, origin, deed(action, &alarm, after)).await?;
    let is_there = state.store.silence_alarm(alarm.id, silence).await?;
    if is_there { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}

/// Who does it, with what he says; a comment that is there is not empty.
fn mark(state: &ApiState, caller: &Caller, comment: Option<&str>) -> Result<AlarmMark, ApiError> {
    let comment = comment.map(str::trim);
    if comment.is_some_and(|comment| comment.is_empty() || comment.chars().count() > COMMENT_LIMIT) {
        let message = format!("a comment has 1 to {COMMENT_LIMIT} characters");
        return Err(ApiError::bad_request("body.comment", message));
    }
    Ok(AlarmMark { by: caller.name().into(), at: state.view.now(), comment: comment.map(Into::into) })
}

/// An alarm that the caller may see.
async fn find(state: &ApiState, caller: &Caller, id: &str) -> Result<Alarm, ApiError> {
    let id = id.parse().map_err(|_| unknown())?;
    let alarm = state.store.alarm(id).await?;
    alarm.filter(|alarm| sees(caller, alarm)).ok_or_else(unknown)
}

/// Whether the caller may see an alarm: who is limited to sources sees only theirs.
pub(crate) fn sees(caller: &Caller, alarm: &Alarm) -> bool {
    match &alarm.source {
        Some(source) => caller.sees(source),
        None => caller.sources().is_empty(),
    }
}

fn unknown() -> ApiError {
    ApiError::new(Code::NotFound, "there is no alarm with this id").at("path.id")
}

fn over() -> ApiError {
    ApiError::new(Code::NotFound, "the alarm is over: nobody needs to take notice of it").at("path.id")
}

fn deed(action: &'static str, alarm: &Alarm, after: Value) -> Deed {
    let before = json!({ "condition": alarm.condition, "subject": alarm.subject, "since": alarm.since });
    Deed { action, subject: alarm.id.to_string(), before: Some(before), after: Some(after) }
}

fn shown(alarm: Alarm, now: Timestamp) -> Shown {
    let known = Condition::from_name(&alarm.condition);
    let mark = |AlarmMark { by, at, comment }| Mark { by, at, comment };
    let silence = alarm.silence.filter(|silence| now < silence.until);
    Shown {
        id: alarm.id,
        title: known.map_or("A condition of another release", Condition::title),
        advice: known.map_or("", Condition::advice),
        condition: alarm.condition,
        severity: alarm.severity,
        subject: alarm.subject,
        source: alarm.source,
        text: alarm.text,
        since: alarm.since,
        seen: alarm.seen,
        ended: alarm.ended,
        acknowledged: alarm.acknowledged.map(mark),
        silence: silence.map(|silence| Quiet { until: silence.until, mark: mark(silence.mark) }),
    }
}
