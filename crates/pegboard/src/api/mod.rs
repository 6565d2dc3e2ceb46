//! The HTTP API, as `docs/api.md` says.
//!
//! Every route stands in one table ([`routes`]) with the role it needs, what it takes and what it answers. The router,
//! the guard before each route and the description of the API ([`openapi`]) are made from that table, so that there
//! is no route without them.

pub mod audit;
mod body;
pub mod caller;
pub(crate) mod csv;
mod error;
mod guard;
mod handlers;
mod json_body;
pub mod metrics;
mod observe;
pub mod openapi;
mod paging;
mod parquet;
mod patient;
mod query;
pub mod routes;
mod schemas;
pub mod serve;
mod sessions;
mod state;
mod throttle;
mod tls;
pub mod token_request;
pub mod tokens;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;

pub use crate::config::TlsFiles;
pub use caller::{Caller, Peer};
pub use error::{ApiError, Code};
pub use serve::serve;
pub use state::{Access, ApiOptions, ApiState, Limits, Shared, Transport};
pub use throttle::Rate;

/// The most bytes that a body of a request may have.
pub const BODY_LIMIT: usize = 64 * 1024;

/// The routes of the API, and beside them `pages`, which know nothing of its state. What matches neither is answered in
/// the envelope of errors. Headers, log, metrics and the end of panics are the same for all of it.
pub fn router(state: ApiState, pages: Router) -> Router {
    let mut router = Router::new();
    for route in &routes::ROUTES {
        let guard = from_fn_with_state((state.clone(), route), guard::guard);
        router = router.route(route.path, (route.handler)().route_layer(guard));
    }
    router
        .with_state(state.clone())
        .merge(pages)
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(state, observe::observe))
}

async fn no_route() -> ApiError {
    ApiError::new(Code::NotFound, "there is no such route: /api/v1/openapi.json lists what there is")
}

async fn no_method() -> ApiError {
    ApiError::new(
        Code::MethodNotAllowed,
        "this route does not know this method: the header Allow lists those it knows",
    )
}
