//! The body of a request.

use super::asked::ask;
use crate::hub::Ask;

/// Where it is sent, by its length.
const PATHS: [&str; 2] = ["/api/v1/session", "/api/v1/tokens"];

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    [
        r#"{"token": "pgb_0123456789012345678901234567890123456789012"}"#,
        r#"{"name": "wall", "role": "viewer", "sources": ["acme"], "expires": "2127-01-01T00:00:00Z"}"#,
    ]
    .map(Vec::from)
    .into()
}

pub(crate) fn take(bytes: &[u8]) {
    let question = Ask::new("POST", PATHS[bytes.len() % PATHS.len()]);
    ask(question.header("content-type", "application/json").body(bytes.to_vec()));
}
