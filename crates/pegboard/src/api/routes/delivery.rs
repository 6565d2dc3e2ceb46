//! The routes of sinks and of what they have.

use axum::routing::{get, post};
use pegboard_store::Role;

use super::{Answer, Needs, Route, RouteId, Verb};
use crate::api::error::Code;
use crate::api::handlers::{holds, ledger, refused_states, sinks, unmapped};
use crate::api::query::{Param, ParamKind};

/// A sink delivers what all sources know.
const VIEWER: Needs = Needs::RoleOverAll(Role::Viewer);
const OPERATOR: Needs = Needs::RoleOverAll(Role::Operator);

pub(super) const SINKS: Route = Route {
    id: RouteId::Sinks,
    verb: Verb::Get,
    path: "/api/v1/sinks",
    needs: VIEWER,
    about: "Every sink, how it is delivered to, and how many reports it has. How it goes is known to the node that delivers.",
    query: &[],
    body: None,
    answer: Answer::Json("Sinks"),
    errors: &[],
    handler: || get(sinks::list),
};

pub(super) const LEDGER: Route = Route {
    id: RouteId::Ledger,
    verb: Verb::Get,
    path: "/api/v1/sinks/{name}/ledger",
    needs: VIEWER,
    about: "What was delivered to a sink, by interval and report, the newest interval first: how often it was made, what was sent \
            and what was acknowledged, and why not.",
    query: &[
        Param { name: "report", repeated: false, kind: ParamKind::Text, about: "Only this report." },
        Param {
            name: "state",
            repeated: false,
            kind: ParamKind::Word(&["waiting", "acknowledged", "parked", "dropped"]),
            about: "Only intervals that stand so.",
        },
        Param {
            name: "reason",
            repeated: false,
            kind: ParamKind::Text,
            about: "Only with exactly this reason.",
        },
        Param {
            name: "from",
            repeated: false,
            kind: ParamKind::Time,
            about: "Only intervals that begin then or later.",
        },
        Param {
            name: "to",
            repeated: false,
            kind: ParamKind::Time,
            about: "Only intervals that begin before.",
        },
        Param {
            name: "before",
            repeated: false,
            kind: ParamKind::Text,
            about: "Only what comes after this unit: `next` of the page before.",
        },
        Param {
            name: "limit",
            repeated: false,
            kind: ParamKind::Number(1, ledger::LEDGER_PAGE as i64),
            about: "How many at most; 1000 where there is none.",
        },
    ],
    body: None,
    answer: Answer::Json("Ledger"),
    errors: &[Code::NotFound],
    handler: || get(ledger::page),
};

pub(super) const SINK_HISTORY: Route = Route {
    id: RouteId::SinkHistory,
    verb: Verb::Get,
    path: "/api/v1/sinks/{name}/history",
    needs: VIEWER,
    about: "What happened in queues on a local day, as the WFM's import by hand takes it: of the intervals that are closed and still kept.",
    query: &[Param {
        name: "day",
        repeated: false,
        kind: ParamKind::Day,
        about: "The day by the clock of the sink's first source; yesterday where there is none.",
    }],
    body: None,
    answer: Answer::Csv,
    errors: &[Code::NotFound, Code::Conflict],
    handler: || get(sinks::history),
};

pub(super) const DELIVERY: Route = Route {
    id: RouteId::Delivery,
    verb: Verb::Get,
    path: "/api/v1/sinks/{name}/ledger/{unit}",
    needs: VIEWER,
    about: "One interval of a report, such as `cxone-queue-report@2026-03-01T09:00:00Z`. Operators and admins see its body too, made \
            anew of what is known now.",
    query: &[],
    body: None,
    answer: Answer::Json("Delivery"),
    errors: &[Code::NotFound],
    handler: || get(ledger::one),
};

pub(super) const PARKED: Route = Route {
    id: RouteId::Parked,
    verb: Verb::Get,
    path: "/api/v1/sinks/{name}/parked",
    needs: VIEWER,
    about: "What a sink refuses, or may not be sent, by report and reason, the most intervals first.",
    query: &[],
    body: None,
    answer: Answer::Json("Parked"),
    errors: &[Code::NotFound],
    handler: || get(ledger::parked),
};

pub(super) const RETRY: Route = Route {
    id: RouteId::RetryDeliveries,
    verb: Verb::Post,
    path: "/api/v1/sinks/{name}/retry",
    needs: OPERATOR,
    about: "Sends parked intervals again, as they are now: one, all, or those of a report, a reason or a stretch.",
    query: &[],
    body: Some("ChosenDeliveries"),
    answer: Answer::Json("SettledDeliveries"),
    errors: &[Code::NotFound],
    handler: || post(ledger::retry),
};

pub(super) const RESEND: Route = Route {
    id: RouteId::ResendDeliveries,
    verb: Verb::Post,
    path: "/api/v1/sinks/{name}/resend",
    needs: OPERATOR,
    about: "Sends intervals again whether or not the target has them, as they are now and as new revisions; what waits goes out \
            anyhow.",
    query: &[],
    body: Some("ChosenDeliveries"),
    answer: Answer::Json("SettledDeliveries"),
    errors: &[Code::NotFound],
    handler: || post(ledger::resend),
};

pub(super) const DROP: Route = Route {
    id: RouteId::DropDeliveries,
    verb: Verb::Post,
    path: "/api/v1/sinks/{name}/drop",
    needs: OPERATOR,
    about: "Gives parked intervals up, with a comment that the ledger and the audit log keep. A correction sends them again.",
    query: &[],
    body: Some("DroppedDeliveries"),
    answer: Answer::Json("SettledDeliveries"),
    errors: &[Code::NotFound],
    handler: || post(ledger::give_up),
};

pub(super) const REFUSED_STATES: Route = Route {
    id: RouteId::RefusedStates,
    verb: Verb::Get,
    path: "/api/v1/sinks/{name}/refused-states",
    needs: VIEWER,
    about: "Agents whose state the target refuses, the latest first. One is gone as soon as the target takes a state of the agent.",
    query: &[Param {
        name: "limit",
        repeated: false,
        kind: ParamKind::Number(1, refused_states::REFUSED_PAGE as i64),
        about: "How many at most; 1000 where there is none.",
    }],
    body: None,
    answer: Answer::Json("RefusedStates"),
    errors: &[Code::NotFound],
    handler: || get(refused_states::page),
};

pub(super) const DROP_REFUSED_STATE: Route = Route {
    id: RouteId::DropRefusedState,
    verb: Verb::Post,
    path: "/api/v1/sinks/{name}/refused-states/drop",
    needs: OPERATOR,
    about: "Gives the refused state of an agent up, with a comment that the audit log keeps. The next change of state is sent.",
    query: &[],
    body: Some("DroppedState"),
    answer: Answer::Empty,
    errors: &[Code::NotFound],
    handler: || post(refused_states::give_up),
};

pub(super) const RELEASE: Route = Route {
    id: RouteId::ReleaseSnapshot,
    verb: Verb::Post,
    path: "/api/v1/sinks/{name}/release",
    needs: OPERATOR,
    about: "Has a sink told everybody's present state that is held back, as it is known now, with a comment that the audit log keeps.",
    query: &[],
    body: Some("ReleasedSnapshot"),
    answer: Answer::Empty,
    errors: &[Code::NotFound],
    handler: || post(holds::release),
};

pub(super) const UNMAPPED: Route = Route {
    id: RouteId::Unmapped,
    verb: Verb::Get,
    path: "/api/v1/sinks/{name}/unmapped",
    needs: VIEWER,
    about: "What was delivered to a sink under its own name, or left out, because no row of the mapping names it; what was seen last \
            first.",
    query: &[Param {
        name: "limit",
        repeated: false,
        kind: ParamKind::Number(1, unmapped::UNMAPPED_PAGE as i64),
        about: "How many at most; 1000 where there is none.",
    }],
    body: None,
    answer: Answer::Json("UnmappedNames"),
    errors: &[Code::NotFound],
    handler: || get(unmapped::page),
};

pub(super) const FORGET_UNMAPPED: Route = Route {
    id: RouteId::ForgetUnmapped,
    verb: Verb::Post,
    path: "/api/v1/sinks/{name}/unmapped/forget",
    needs: OPERATOR,
    about: "Empties that list, after the mapping was mended: it fills anew with what is still not named.",
    query: &[],
    body: None,
    answer: Answer::Json("ForgottenNames"),
    errors: &[Code::NotFound],
    handler: || post(unmapped::forget),
};
