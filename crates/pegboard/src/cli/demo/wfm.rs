//! The WFM of the demo, for people: broken for a minute by one button, and what it has.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use pegboard_sim::stand_in::asc_manager::{AscManager, Fault, Route, Wrong};

use crate::api::Peer;
use crate::console;

/// For how long it is broken.
const BROKEN: Duration = Duration::from_mins(1);

/// How many reports it refuses at the start, so that there is something to mend.
const REFUSED: u32 = 3;

/// The stand-in, and how often it was broken.
#[derive(Debug)]
pub(super) struct Wfm {
    pub(super) stand_in: AscManager,
    broken: AtomicU64,
}

impl Wfm {
    /// A WFM that refuses its first reports.
    pub(super) fn new(stand_in: AscManager) -> Arc<Self> {
        stand_in.fail(Fault { route: Some(Route::QueueReport), times: REFUSED, what: Wrong::TooLarge });
        Arc::new(Self { stand_in, broken: AtomicU64::new(0) })
    }

    /// From now on it answers everything with an error, for a minute.
    fn break_down(self: Arc<Self>) {
        let times = self.broken.fetch_add(1, Ordering::SeqCst) + 1;
        self.stand_in.fail_at_random(times, vec![(1.0, Wrong::ServerError(503))]);
        tokio::spawn(async move {
            tokio::time::sleep(BROKEN).await;
            // Who broke it again meanwhile has a whole minute, too.
            if self.broken.load(Ordering::SeqCst) == times {
                self.stand_in.mend();
            }
        });
    }
}

/// What only the demo serves, to this machine alone.
pub(super) fn router(wfm: Arc<Wfm>) -> Router {
    Router::new()
        .route("/demo", get(page))
        .route("/demo/break", post(break_down))
        .with_state(wfm)
        .route_layer(from_fn(only_here))
}

async fn page(State(wfm): State<Arc<Wfm>>, request: HeaderMap) -> Response {
    let view = include_str!("wfm.html").replace("{wfm}", &wfm.stand_in.url());
    console::plain("Demo", &view, &request)
}

async fn break_down(State(wfm): State<Arc<Wfm>>) -> Redirect {
    wfm.break_down();
    Redirect::to("/delivery")
}

/// Nobody else's page may do this, nor another machine.
async fn only_here(request: Request, next: Next) -> Response {
    if is_from_here(&request) { next.run(request).await } else { StatusCode::FORBIDDEN.into_response() }
}

fn is_from_here(request: &Request) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_own = header("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let peer = request.extensions().get::<Peer>().map(|Peer(address)| address.ip().to_canonical());
    let host = header("host").unwrap_or_default().split(':').next().unwrap_or_default();
    let is_local = peer.is_some_and(|ip| ip.is_loopback()) && ["localhost", "127.0.0.1"].contains(&host);
    is_local && (is_own || request.method() == Method::GET)
}
