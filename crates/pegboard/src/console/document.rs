//! The documents: one for each view, put together once.

use std::sync::LazyLock;

use axum::body::Bytes;

use super::assets;
use super::headers::Content;

const SHELL: &str = include_str!("assets/shell.html");

/// A document without the bar and without anything live.
const PLAIN: &str = include_str!("assets/plain.html");

/// One document and where it is.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) path: &'static str,
    pub(super) content: Content,
}

/// What the shell is put around. `name` is that of its module, `js/NAME/main.js`, and of its style sheet.
struct View {
    path: &'static str,
    name: &'static str,
    title: &'static str,
    html: &'static str,
}

const VIEWS: [View; 10] = [
    View { path: "/", name: "board", title: "Board", html: include_str!("assets/views/board.html") },
    View { path: "/queues", name: "queues", title: "Queues", html: include_str!("assets/views/queues.html") },
    View {
        path: "/staffing",
        name: "staffing",
        title: "Staffing",
        html: include_str!("assets/views/staffing.html"),
    },
    View {
        path: "/sources",
        name: "sources",
        title: "Sources",
        html: include_str!("assets/views/sources.html"),
    },
    View { path: "/checks", name: "checks", title: "Checks", html: include_str!("assets/views/checks.html") },
    View {
        path: "/delivery",
        name: "delivery",
        title: "Delivery",
        html: include_str!("assets/views/delivery.html"),
    },
    View {
        path: "/mapping",
        name: "mapping",
        title: "Mapping",
        html: include_str!("assets/views/mapping.html"),
    },
    View { path: "/repair", name: "repair", title: "Repair", html: include_str!("assets/views/repair.html") },
    View { path: "/alarms", name: "alarms", title: "Alarms", html: include_str!("assets/views/alarms.html") },
    View {
        path: "/sign-in",
        name: "sign-in",
        title: "Sign in",
        html: include_str!("assets/views/sign-in.html"),
    },
];

static DOCUMENTS: LazyLock<Vec<Document>> = LazyLock::new(|| VIEWS.iter().map(View::document).collect());

/// Every document.
pub(super) fn all() -> impl Iterator<Item = &'static Document> {
    DOCUMENTS.iter()
}

impl View {
    fn document(&self) -> Document {
        let html = SHELL
            .replace("{view}", self.html)
            .replace("{name}", self.name)
            .replace("{title}", self.title)
            .replace("{assets}", &format!("/assets/{}", assets::version()));
        Document { path: self.path, content: Content::new(Bytes::from(html), "text/html; charset=utf-8") }
    }
}

/// A document of no view, in the same style.
pub(super) fn plain(title: &str, view: &str) -> Content {
    let html = PLAIN
        .replace("{assets}", &format!("/assets/{}", assets::version()))
        .replace("{title}", title)
        .replace("{view}", view);
    Content::new(Bytes::from(html), "text/html; charset=utf-8")
}
