//! The page: documents and assets, all embedded in the program, nothing computed for a request.
//!
//! A document is the shell of `assets/shell.html` around one view of `assets/views/`. Everything that changes comes from
//! the API of the same origin, fetched by the modules in `assets/js/`; so the page sees exactly what its reader's token
//! may see, and these routes need no state and no token.

mod assets;
mod document;
mod headers;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use self::headers::Freshness;

/// The routes of the page: `/`, `/queues`, `/staffing`, `/sources`, `/checks`, `/delivery`, `/mapping`, `/repair`, `/alarms`, `/sign-in`, and the assets below `/assets/`.
pub fn router() -> Router {
    let mut router =
        Router::new().route("/assets/{version}/{*path}", get(asset)).route("/favicon.ico", get(icon));
    for document in document::all() {
        let answer =
            move |request: HeaderMap| async move { document.content.answer(&request, Freshness::Checked) };
        router = router.route(document.path, get(answer));
    }
    router
}

/// The path of everything that [`router`] serves: documents and files.
pub fn paths() -> impl Iterator<Item = String> {
    let documents = document::all().map(|document| document.path.to_owned());
    let files = assets::paths().map(|path| format!("/assets/{}/{path}", assets::version()));
    documents.chain(files).chain(["/favicon.ico".to_owned()])
}

/// A page of somebody else's, around `view`, which is markup.
pub(crate) fn plain(title: &str, view: &str, request: &HeaderMap) -> Response {
    document::plain(title, view).answer(request, Freshness::Checked)
}

async fn asset(Path((version, path)): Path<(String, String)>, request: HeaderMap) -> Response {
    let Some(content) = assets::find(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // A page that was open while the program was replaced asks for the version before: it gets what there is now.
    let freshness = if version == assets::version() { Freshness::Forever } else { Freshness::Checked };
    content.answer(&request, freshness)
}

/// Asked for by name by tools that do not read the document.
async fn icon(request: HeaderMap) -> Response {
    assets::find("icons/favicon.svg").map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |icon| icon.answer(&request, Freshness::Checked),
    )
}

#[cfg(test)]
mod tests;
