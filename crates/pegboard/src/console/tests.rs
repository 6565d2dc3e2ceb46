use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use tower::ServiceExt as _;

use super::{assets, document, router};

async fn get(path: &str, held: Option<&str>) -> Response<Body> {
    let mut request = Request::get(path);
    if let Some(etag) = held {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

fn header_of(response: &Response<Body>, name: header::HeaderName) -> &str {
    response.headers().get(name).unwrap().to_str().unwrap()
}

#[tokio::test]
async fn every_document_is_complete_and_refers_only_to_files_that_exist() {
    for document in document::all() {
        let response = get(document.path, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{}", document.path);
        assert_eq!(header_of(&response, header::CONTENT_TYPE), "text/html; charset=utf-8");
        let html = text(response).await;
        for placeholder in ["{view}", "{name}", "{title}", "{assets}"] {
            assert!(!html.contains(placeholder), "{placeholder} is left in {}", document.path);
        }
        let prefix = format!("/assets/{}/", assets::version());
        let references: Vec<_> = html.match_indices(&prefix).map(|(at, _)| &html[at..]).collect();
        assert!(!references.is_empty());
        for reference in references {
            let path = reference.split('"').next().unwrap();
            let path = path.split('#').next().unwrap();
            // The folder itself, for the scripts to find the sprite.
            if path.ends_with('/') {
                continue;
            }
            assert_eq!(get(path, None).await.status(), StatusCode::OK, "{path}");
        }
    }
}

#[tokio::test]
async fn s34_documents_and_assets_carry_their_policy_and_no_inline_code() {
    for path in document::all()
        .map(|document| document.path.to_owned())
        .chain([format!("/assets/{}/js/board/main.js", assets::version())])
    {
        let response = get(&path, None).await;
        let policy = header_of(&response, header::CONTENT_SECURITY_POLICY).to_owned();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        if response.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html") {
            let html = text(response).await;
            assert!(!html.contains("style=") && !html.contains("<style"), "{path}");
            assert_eq!(html.matches("<script").count(), html.matches("<script src=").count(), "{path}");
        }
    }
}

#[tokio::test]
async fn what_the_browser_holds_is_not_sent_again() {
    let first = get("/", None).await;
    assert_eq!(header_of(&first, header::CACHE_CONTROL), "no-cache");
    let etag = header_of(&first, header::ETAG).to_owned();
    for held in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let again = get("/", Some(&held)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{held}");
        assert!(text(again).await.is_empty());
    }
    assert_eq!(get("/", Some("\"other\"")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn assets_of_this_version_are_kept_for_ever_and_of_another_are_checked() {
    let current = get(&format!("/assets/{}/js/board/main.js", assets::version()), None).await;
    assert_eq!(header_of(&current, header::CONTENT_TYPE), "text/javascript; charset=utf-8");
    assert!(header_of(&current, header::CACHE_CONTROL).contains("immutable"));
    let old = get("/assets/before/js/board/main.js", None).await;
    assert_eq!(old.status(), StatusCode::OK);
    assert_eq!(header_of(&old, header::CACHE_CONTROL), "no-cache");
}

#[tokio::test]
async fn there_is_nothing_else() {
    for path in [
        "/assets/x/none.js",
        "/assets/x/../mod.rs",
        "/assets/x/shell.html",
        "/assets/x/%2e%2e/mod.rs",
        "/board",
    ] {
        assert_eq!(get(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
