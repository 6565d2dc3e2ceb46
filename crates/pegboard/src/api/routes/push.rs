//! The route by which an ACD hands in records.

use axum::routing::post;

use super::{Answer, Needs, Route, RouteId, Verb};
use crate::api::handlers::push;

pub(super) const PUSH: Route = Route {
    id: RouteId::Push,
    verb: Verb::Post,
    path: "/api/v1/push/{source}",
    needs: Needs::SourceKey,
    about: "Hands in one record, or at most 500 in a list of `records`: states of agents, contacts, and rows of reports that the \
            ACD computed itself. What is answered with 200 is on disk. Good records are kept whatever is wrong with others, which \
            are named by their path. A request that is sent again under the same `Idempotency-Key`, within a day, keeps nothing \
            and has the same answer.",
    query: &[],
    body: Some("Push"),
    answer: Answer::Json("Pushed"),
    errors: &[],
    handler: || post(push::take),
};
