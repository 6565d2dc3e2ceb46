//! What was delivered to whom, interval by interval, and what people decide about it.

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pegboard_model::{SinkName, Text, Timestamp};
use pegboard_store::{Delivery, DeliveryState, LedgerFilter, ParkedLine, Role, Settle, Unit};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::audit::{self, Deed, Origin};
use crate::api::caller::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::handlers::dead_letters::checked_comment;
use crate::api::json_body::{Fields, JsonBody};
use crate::api::paging;
use crate::api::query::{BothInPath, InPath, Params};
use crate::api::state::ApiState;
use crate::runtime::view::Rebuilt;

/// The most intervals of one answer.
pub(crate) const LEDGER_PAGE: u32 = 1000;

/// The most reasons of one answer: where there are more, the rarest are left out.
pub(crate) const MOST_REASONS: usize = 100;

/// What a body says of the intervals that something is decided about.
const WHAT: &str = "retry, resend and drop take unit, or all, or some of report, reason, from and to";

#[derive(Serialize)]
pub(crate) struct Page {
    deliveries: Vec<Shown>,
    next: Option<String>,
}

/// An interval of a report.
#[derive(Serialize)]
pub(crate) struct Shown {
    unit: String,
    report: Text,
    interval_start: Timestamp,
    state: &'static str,
    changes: u64,
    revision: u64,
    acknowledged: u64,
    tries: u64,
    first_try: Option<Timestamp>,
    last_try: Option<Timestamp>,
    due: Option<Timestamp>,
    reason: Option<Text>,
    comment: Option<Text>,
    #[serde(flatten)]
    body: Option<Body>,
}

/// The body, made anew.
#[derive(Serialize)]
struct Body {
    payload: Option<String>,
    encoding: &'static str,
    payload_note: String,
}

/// `GET /sinks/{name}/ledger`.
pub(crate) async fn page(
    State(state): State<ApiState>,
    InPath(name): InPath,
    params: Params,
) -> Result<Json<Page>, ApiError> {
    let sink = sink(&state, &name)?;
    let filter = LedgerFilter {
        report: params.one("report").map(Text::from),
        state: params.one("state").and_then(DeliveryState::from_name),
        reason: params.one("reason").map(Text::from),
        from: params.parsed("from")?.unwrap_or(Timestamp::MIN),
        to: params.parsed("to")?.unwrap_or(Timestamp::MAX),
    };
    let limit = params.parsed::<u32>("limit")?.unwrap_or(LEDGER_PAGE) as usize;
    let before: Option<Unit> = params.parsed("before")?;
    let found = state.store.deliveries(&sink, &filter, before.as_ref(), paging::asked(limit)).await?;
    let (found, next) = paging::cut(found, limit, |delivery| delivery.unit.to_string());
    Ok(Json(Page { deliveries: found.into_iter().map(Shown::from).collect(), next }))
}

/// `GET /sinks/{name}/ledger/{unit}`.
pub(crate) async fn one(
    State(state): State<ApiState>,
    caller: Caller,
    BothInPath(name, unit): BothInPath,
) -> Result<Json<Shown>, ApiError> {
    let sink = sink(&state, &name)?;
    let unknown = || ApiError::new(Code::NotFound, "there is no such interval in the ledger").at("path.unit");
    let unit: Unit = unit.parse().map_err(|_| unknown())?;
    let found = state.store.deliveries(&sink, &LedgerFilter::from(&unit), None, 1).await?;
    let delivery = found.into_iter().next().ok_or_else(unknown)?;
    // The body names people: who may not repair anything does not see it.
    let body = if caller.role() >= Role::Operator {
        Some(Body::new(state.view.rebuild(&sink, &unit).await?, delivery.digest.as_deref()))
    } else {
        None
    };
    Ok(Json(Shown { body, ..Shown::from(delivery) }))
}

#[derive(Serialize)]
pub(crate) struct Parked {
    parked: Vec<Line>,
}

/// What is parked for one reason.
#[derive(Serialize)]
struct Line {
    report: Text,
    reason: Text,
    intervals: u64,
    oldest: Timestamp,
    newest: Timestamp,
}

/// `GET /sinks/{name}/parked`.
pub(crate) async fn parked(
    State(state): State<ApiState>,
    InPath(name): InPath,
) -> Result<Json<Parked>, ApiError> {
    let lines = state.store.parked(&sink(&state, &name)?, MOST_REASONS).await?;
    let line = |ParkedLine { report, reason, units, oldest, newest }| Line {
        report,
        reason,
        intervals: units,
        oldest,
        newest,
    };
    Ok(Json(Parked { parked: lines.into_iter().map(line).collect() }))
}

/// How many intervals something was decided about.
#[derive(Serialize)]
pub(crate) struct Settled {
    intervals: u64,
}

/// `POST /sinks/{name}/retry`.
pub(crate) async fn retry(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(name): InPath,
    JsonBody(body): JsonBody,
) -> Result<Json<Settled>, ApiError> {
    settle(&state, &caller, origin, &name, &body, |_| Ok(Settle::Retry)).await
}

/// `POST /sinks/{name}/resend`.
pub(crate) async fn resend(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(name): InPath,
    JsonBody(body): JsonBody,
) -> Result<Json<Settled>, ApiError> {
    settle(&state, &caller, origin, &name, &body, |_| Ok(Settle::Resend)).await
}

/// `POST /sinks/{name}/drop`.
pub(crate) async fn give_up(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    InPath(name): InPath,
    JsonBody(body): JsonBody,
) -> Result<Json<Settled>, ApiError> {
    let with_comment = |fields: &mut Fields| {
        let comment: String = fields.optional("comment", "a text")?.unwrap_or_default();
        Ok(Settle::Drop { comment: checked_comment(&comment)?.into() })
    };
    settle(&state, &caller, origin, &name, &body, with_comment).await
}

/// Has done what is decided about the intervals that a body chooses, once it is in the audit log. `read` takes from the body
/// what else there is to say.
async fn settle(
    state: &ApiState,
    caller: &Caller,
    origin: Origin,
    name: &str,
    body: &[u8],
    read: impl FnOnce(&mut Fields) -> Result<Settle, ApiError>,
) -> Result<Json<Settled>, ApiError> {
    let sink = sink(state, name)?;
    let mut fields = Fields::read(body)?;
    let chosen = Chosen::read(&mut fields)?;
    let how = read(&mut fields)?;
    fields.end(WHAT)?;
    audit::note(state, caller, origin, chosen.deed(&how, &sink)).await?;
    let intervals = state.store.settle_deliveries(&sink, &chosen.0, how, state.view.now()).await?;
    Ok(Json(Settled { intervals }))
}

/// Which intervals a body is about: one, all, or those that everything holds for that it names.
struct Chosen(LedgerFilter);

impl Chosen {
    fn read(fields: &mut Fields) -> Result<Self, ApiError> {
        let unit: Option<String> = fields.optional("unit", "a unit, as the ledger shows it")?;
        let all: bool = fields.optional("all", "true or false")?.unwrap_or_default();
        let (report, reason) =
            (fields.optional("report", "the name of a report")?, fields.optional("reason", "a reason")?);
        let from: Option<Timestamp> = fields.optional("from", "a time in RFC 3339")?;
        let to: Option<Timestamp> = fields.optional("to", "a time in RFC 3339")?;
        let some = report.is_some() || reason.is_some() || from.is_some() || to.is_some();
        if u8::from(unit.is_some()) + u8::from(all) + u8::from(some) != 1 {
            return Err(ApiError::bad_request("body", format!("say which intervals: {WHAT}")));
        }
        if let Some(unit) = unit {
            let unit: Unit =
                unit.parse().map_err(|error| ApiError::bad_request("body.unit", format!("unit: {error}")))?;
            return Ok(Self(LedgerFilter::from(&unit)));
        }
        let (from, to) = (from.unwrap_or(Timestamp::MIN), to.unwrap_or(Timestamp::MAX));
        Ok(Self(LedgerFilter { report, reason, from, to, state: None }))
    }

    fn deed(&self, how: &Settle, sink: &SinkName) -> Deed {
        let LedgerFilter { report, reason, from, to, .. } = &self.0;
        let (from, to) =
            (Some(from).filter(|from| **from > Timestamp::MIN), Some(to).filter(|to| **to < Timestamp::MAX));
        let mut after = json!({"report": report, "reason": reason, "from": from, "to": to});
        let action = match how {
            Settle::Retry => "delivery.retried",
            Settle::Resend => "delivery.resent",
            Settle::Drop { comment } => {
                after["comment"] = Value::from(&**comment);
                "delivery.dropped"
            }
        };
        Deed { action, subject: sink.to_string(), before: None, after: Some(after) }
    }
}

impl From<Delivery> for Shown {
    fn from(delivery: Delivery) -> Self {
        let Delivery { unit, state, changes, revision, acknowledged, tries, first_try, last_try, .. } =
            delivery;
        Self {
            unit: unit.to_string(),
            report: unit.report,
            interval_start: unit.interval_start,
            state: state.as_str(),
            changes,
            revision,
            acknowledged,
            tries,
            first_try,
            last_try,
            due: (state == DeliveryState::Waiting).then_some(delivery.due),
            reason: delivery.reason,
            comment: delivery.comment,
            body: None,
        }
    }
}

impl Body {
    fn new(rebuilt: Rebuilt, sent: Option<&str>) -> Self {
        match rebuilt {
            Rebuilt::Body { bytes, digest } => {
                let note = match sent {
                    Some(sent) if *sent == *digest => "just this was sent last",
                    _ => {
                        "made anew of what is known now: what was sent is not kept, and may have been another"
                    }
                };
                let (payload, encoding) = match String::from_utf8(bytes) {
                    Ok(text) => (text, "text"),
                    Err(bytes) => (STANDARD.encode(bytes.as_bytes()), "base64"),
                };
                Self { payload: Some(payload), encoding, payload_note: note.to_owned() }
            }
            Rebuilt::Not(why) => Self { payload: None, encoding: "text", payload_note: why },
        }
    }
}

/// A sink that is configured.
pub(super) fn sink(state: &ApiState, name: &str) -> Result<SinkName, ApiError> {
    let known = state.view.sink_names().into_iter().find(|known| known.as_str() == name);
    known.ok_or_else(|| ApiError::new(Code::NotFound, format!("there is no sink '{name}'")).at("path.name"))
}
