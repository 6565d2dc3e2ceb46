//! The routes about alarms.

use axum::routing::{delete, get, post};

use super::{Answer, BEFORE, OPERATOR, Route, RouteId, SOURCE, VIEWER, Verb, limit};
use crate::api::error::Code;
use crate::api::handlers::alarms;
use crate::api::query::{Param, ParamKind};

/// What needs somebody.
pub(super) const ALARMS: Route = Route {
    id: RouteId::Alarms,
    verb: Verb::Get,
    path: "/api/v1/alarms",
    needs: VIEWER,
    about: "What needs somebody, newest first. Who is limited to sources sees what is about these alone.",
    query: &[
        SOURCE,
        Param {
            name: "open",
            repeated: false,
            kind: ParamKind::Word(&["true", "false"]),
            about: "Whether only those that are not over.",
        },
        BEFORE,
        limit(alarms::PAGE),
    ],
    body: None,
    answer: Answer::Json("Alarms"),
    errors: &[],
    handler: || get(alarms::page),
};

/// Somebody takes notice.
pub(super) const ACKNOWLEDGE: Route = Route {
    id: RouteId::AcknowledgeAlarm,
    verb: Verb::Post,
    path: "/api/v1/alarms/{id}/acknowledge",
    needs: OPERATOR,
    about: "Takes notice of an alarm that is not over: outlets that were not told of it yet are not.",
    query: &[],
    body: Some("Acknowledgement"),
    answer: Answer::Empty,
    errors: &[Code::NotFound],
    handler: || post(alarms::acknowledge),
};

/// Nobody is told for a while.
pub(super) const SILENCE: Route = Route {
    id: RouteId::SilenceAlarm,
    verb: Verb::Post,
    path: "/api/v1/alarms/{id}/silence",
    needs: OPERATOR,
    about: "Has outlets not told of what an alarm is about for a while, also if it ends and comes back. In place of an                 earlier silence.",
    query: &[],
    body: Some("NewSilence"),
    answer: Answer::Empty,
    errors: &[Code::NotFound],
    handler: || post(alarms::silence),
};

/// They are told again.
pub(super) const SPEAK: Route = Route {
    id: RouteId::EndSilence,
    verb: Verb::Delete,
    path: "/api/v1/alarms/{id}/silence",
    needs: OPERATOR,
    about: "Ends a silence.",
    query: &[],
    body: None,
    answer: Answer::Empty,
    errors: &[Code::NotFound],
    handler: || delete(alarms::speak),
};
