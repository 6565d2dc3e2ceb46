//! The routes that NICE's SDK calls, for a source of kind `push`: its service URL ends before `/asc`.

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::{Answer, Needs, Route, RouteId, Verb};
use crate::api::error::Code;
use crate::api::handlers::asc::{self, REPORT_LIMIT};

/// Whose bodies are long.
pub(crate) const REPORTS: [&str; 3] = [STATES.path, ACTIVITIES.path, QUEUE_REPORT.path];

pub(super) const LOGIN: Route = Route {
    id: RouteId::AscToken,
    verb: Verb::Post,
    path: "/api/v1/push/{source}/asc/v1/token",
    needs: Needs::Nothing,
    about: "Gives a token for the access key of a source of kind `push`, as ASC Manager does for NICE's SDK: good for 15 minutes.",
    query: &[],
    body: Some("AscLogin"),
    answer: Answer::Json("AscToken"),
    errors: &[Code::Unauthenticated, Code::Forbidden, Code::TooManyRequests, Code::Unavailable],
    handler: || post(asc::login),
};

pub(super) const REFRESH: Route = Route {
    id: RouteId::AscRefresh,
    path: "/api/v1/push/{source}/asc/v1/token/refresh",
    about: "Gives another token for a refresh token, which is good for two hours.",
    body: Some("AscRefresh"),
    answer: Answer::Json("AscRefreshed"),
    handler: || post(asc::refresh),
    ..LOGIN
};

pub(super) const ACD_TYPE: Route = Route {
    id: RouteId::AscType,
    verb: Verb::Get,
    path: "/api/v1/push/{source}/asc/v1/acd-type",
    needs: Needs::SourceToken,
    about: "The ACD of the source, which its bodies name.",
    query: &[],
    body: None,
    answer: Answer::Json("AscType"),
    errors: &[],
    handler: || get(asc::acd_type),
};

pub(super) const HEARTBEAT: Route = Route {
    id: RouteId::AscHeartbeat,
    verb: Verb::Post,
    path: "/api/v1/push/{source}/asc/v1/heartbeat",
    about: "Says that whoever calls lives. It means nothing here.",
    answer: Answer::Empty,
    handler: || post(asc::heartbeat),
    ..ACD_TYPE
};

pub(super) const STATES: Route = Route {
    id: RouteId::AscStates,
    verb: Verb::Post,
    path: "/api/v1/push/{source}/asc/v1/agent-states",
    about: "Takes states of agents, at most 20,000 in 8 MiB: each lasts until something else is told. What is answered with 202 is on \
            disk; good items are kept whatever is wrong with others, which are named by their path.",
    body: Some("AscAgentStates"),
    answer: Answer::Judged("AscResponse"),
    handler: || post(asc::states).layer(DefaultBodyLimit::max(REPORT_LIMIT)),
    ..ACD_TYPE
};

pub(super) const ACTIVITIES: Route = Route {
    id: RouteId::AscActivities,
    path: "/api/v1/push/{source}/asc/v1/reports/agent-activity",
    about: "Takes activities of agents with their ends, as agent-states takes states.",
    body: Some("AscAgentActivities"),
    handler: || post(asc::activities).layer(DefaultBodyLimit::max(REPORT_LIMIT)),
    ..STATES
};

pub(super) const QUEUE_REPORT: Route = Route {
    id: RouteId::AscQueueReport,
    path: "/api/v1/push/{source}/asc/v1/reports/queue",
    about: "Takes the rows of an interval that an ACD computed, of queues, agents by queue, and agents; what is told later of a row \
            takes its place.",
    body: Some("AscQueueReport"),
    handler: || post(asc::queue_report).layer(DefaultBodyLimit::max(REPORT_LIMIT)),
    ..STATES
};
