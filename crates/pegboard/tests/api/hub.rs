//! A hub to ask: the API over a store and a view in memory, and one token of each kind.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use pegboard::api::{Access, ApiOptions, ApiState, Peer, Transport, tokens};
use pegboard_store::Role;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::fake::{FakeStore, FakeView, NOW};

/// The sources of every hub here: two tenants.
pub(crate) const SOURCES: [&str; 2] = ["acme", "globex"];

/// The id of a token that nobody uses.
pub(crate) const SPARE_ID: &str = "tspare";

pub(crate) struct Hub {
    pub(crate) store: Arc<FakeStore>,
    pub(crate) view: Arc<FakeView>,
    pub(crate) router: Router,
    pub(crate) viewer: String,
    pub(crate) operator: String,
    pub(crate) admin: String,
    /// A viewer limited to `acme`.
    pub(crate) acme: String,
    /// An admin limited to `acme`.
    pub(crate) acme_admin: String,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self::with(ApiOptions::new(Access::Tokens, Transport::Plain))
    }

    pub(crate) fn with(options: ApiOptions) -> Self {
        let store = FakeStore::new();
        let view = FakeView::new(&SOURCES);
        let token = |role, sources: &[&str]| {
            let sources = sources.iter().map(|name| (*name).into()).collect();
            let (text, write) = tokens::create("test", role, sources, None, NOW);
            store.keep_token(write);
            text.expose().to_string()
        };
        let (_, mut spare) = tokens::create("spare", Role::Viewer, Vec::new(), None, NOW);
        spare.token.id = SPARE_ID.to_string();
        store.keep_token(spare);
        let state = ApiState::new(store.clone(), view.clone(), options);
        Self {
            viewer: token(Role::Viewer, &[]),
            operator: token(Role::Operator, &[]),
            admin: token(Role::Admin, &[]),
            acme: token(Role::Viewer, &["acme"]),
            acme_admin: token(Role::Admin, &["acme"]),
            router: pegboard::api::router(state, pegboard::console::router()),
            store,
            view,
        }
    }

    /// A GET with the token of a viewer.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        Ask::get(path).token(&self.viewer).send(&self.router).await
    }
}

/// A request.
#[derive(Debug)]
pub(crate) struct Ask {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    peer: SocketAddr,
    body: Body,
}

impl Ask {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_string(),
            path: path.to_string(),
            headers: vec![("host".to_string(), "hub.example".to_string())],
            peer: SocketAddr::from(([192, 0, 2, 1], 4711)),
            body: Body::empty(),
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(given, _)| given != name);
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn from(mut self, peer: &str) -> Self {
        self.peer = peer.parse().unwrap();
        self
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = Body::from(body.to_string());
        self.header("content-type", "application/json")
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) async fn send(self, router: &Router) -> Answer {
        let response = self.begin(router).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 64 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Sends the request and leaves the body to be read.
    pub(crate) async fn begin(self, router: &Router) -> axum::response::Response {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.extension(Peer(self.peer)).body(self.body).unwrap();
        router.clone().oneshot(request).await.unwrap()
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The code of the error, or nothing where all is well.
    pub(crate) fn code(&self) -> String {
        if self.status.is_success() {
            return String::new();
        }
        self.json()["error"]["code"].as_str().unwrap().to_string()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}
