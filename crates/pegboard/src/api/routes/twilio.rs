//! The route to which Twilio posts.

use axum::routing::post;

use super::{Answer, Needs, Route, RouteId, Verb};
use crate::api::handlers::twilio;
use crate::api::query::{Param, ParamKind};

pub(super) const TWILIO: Route = Route {
    id: RouteId::Twilio,
    verb: Verb::Post,
    path: "/api/v1/twilio/{source}",
    needs: Needs::Signature,
    about: "Takes what Twilio posts to a source of kind `twilio`: callbacks of TaskRouter, each a form, or Event Streams, arrays of \
            CloudEvents. What is answered with 204 is on disk. The signature is that of Twilio's own libraries, over the URL that \
            is configured.",
    query: &[Param {
        name: "bodySHA256",
        repeated: false,
        kind: ParamKind::Text,
        about: "The hash of a body that is no form; Twilio adds it.",
    }],
    body: Some("TwilioPost"),
    answer: Answer::Empty,
    errors: &[],
    handler: || post(twilio::take),
};
