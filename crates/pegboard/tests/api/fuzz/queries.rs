//! The query of an address.

use super::asked::ask;
use crate::hub::Ask;

/// What is asked, one after the other.
const PATHS: [&str; 5] =
    ["/api/v1/agents", "/api/v1/reports/segments", "/api/v1/dead-letters", "/api/v1/audit", "/metrics"];

/// The longest address that is tried.
const MOST: usize = 8000;

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    [
        "source=acme&team=a%20b&class=talk&q=jane",
        "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z&format=csv",
        "before=5&limit=100",
        "source=acme&source=globex&agent=a-1",
    ]
    .map(Vec::from)
    .into()
}

pub(crate) fn take(bytes: &[u8]) {
    let query = String::from_utf8_lossy(bytes);
    let path = PATHS[query.len() % PATHS.len()];
    let address: String = format!("{path}?{query}").chars().take(MOST).collect();
    // What is no address at all does not get past the HTTP layer.
    if address.parse::<axum::http::Uri>().is_ok() {
        ask(Ask::get(&address));
    }
}
