//! Unique secrets, planted wherever the program takes one: none comes out again, whatever is asked, logged or shown.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pegboard::api::{Access, ApiOptions, ApiState, Transport, tokens};
use pegboard::config::Config;
use pegboard::runtime::intake::Gates;
use pegboard::{clock, runtime};
use pegboard_store::Role;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tracing_subscriber::filter::LevelFilter;

use crate::fake::{FakeStore, FakeView, NOW, agent};
use crate::hub::{Ask, Hub, SOURCES};

/// No word of any library, and no part of another.
const KEY: &str = "Canary-key/8Jq2+Vt6Lw0Zr4Xn";
const SESSION_TOKEN: &str = "Canary-session-token/5Hm9+Kd3Pb7Ys1Qc";

/// Everything that was logged on this thread, and all that may not be in it.
struct Log {
    file: tempfile::NamedTempFile,
    _capture: tracing::subscriber::DefaultGuard,
}

impl Log {
    /// Captures everything that any library says, at every level.
    fn start() -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        let writer = Arc::new(file.reopen().unwrap());
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(writer)
            .finish();
        let capture = tracing::subscriber::set_default(subscriber);
        Self { file, _capture: capture }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.file.path()).unwrap()
    }
}

/// The places in `shown` where a secret is, with what stands around them.
fn leaks(shown: &str, secrets: &[String]) -> Vec<String> {
    secrets
        .iter()
        .flat_map(|secret| shown.lines().filter(move |line| line.contains(secret.as_str())))
        .map(str::to_owned)
        .collect()
}

fn keep(folder: &Path, name: &str, secret: &str) {
    let path = folder.join(name);
    std::fs::write(&path, secret).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A configuration whose source has a key by reference, at an endpoint of this test.
fn config(folder: &Path, endpoint: &str) -> Config {
    keep(folder, "id", "AKIAIOSFODNN7EXAMPLE");
    keep(folder, "key", KEY);
    keep(folder, "session-token", SESSION_TOKEN);
    let text = format!(
        "[[source]]\nname = \"acme\"\nkind = \"amazon-connect\"\n[source.kinesis]\nstream = \"events\"\n\
         region = \"eu-central-1\"\nendpoint = \"{endpoint}\"\naccess_key_id = \"file:id\"\n\
         secret_access_key = \"file:key\"\nsession_token = \"file:session-token\"\n"
    );
    let path = folder.join("pegboard.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(&path).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Answers every request as a platform does that does not like the key; gives back what it was sent.
async fn refuse_the_key(listener: TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = vec![0; 64 * 1024];
    let mut length = 0;
    while !bytes[..length].windows(4).any(|window| window == b"\r\n\r\n") {
        length += stream.read(&mut bytes[length..]).await.unwrap();
    }
    let body = r#"{"__type":"UnrecognizedClientException","message":"The security token is invalid."}"#;
    let head =
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close\r\n";
    let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[tokio::test]
async fn s20_the_key_of_a_source_is_in_no_log_no_error_and_no_debug_output() {
    let log = Log::start();
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let config = config(folder.path(), &endpoint);
    let source = runtime::build::source(&config.sources[0], &Gates::default(), clock::system).unwrap();
    let probe = tokio::time::timeout(Duration::from_secs(20), source.probe());
    let (refused, sent) = tokio::join!(probe, refuse_the_key(listener));
    let refused = refused.unwrap().unwrap_err();
    assert!(sent.contains(SESSION_TOKEN), "the key was used, so it could have been shown: {sent}");

    let mut shown = log.text();
    assert!(shown.contains("TRACE") && shown.contains("aws_sigv4"), "what signs with the key speaks too");
    write!(shown, "\n{config:?}\n{config:#?}\n{source:?}\n{source:#?}\n{refused}\n{refused:?}\n").unwrap();
    assert_eq!(leaks(&shown, &[KEY.to_owned(), SESSION_TOKEN.to_owned()]), [""; 0]);
}

#[tokio::test]
async fn s20_tokens_and_sessions_are_in_no_log_no_answer_and_no_debug_output() {
    let log = Log::start();
    let (store, view) = (FakeStore::new(), FakeView::new(&SOURCES));
    store.change(agent("acme", "ana"));
    let (admin, write) = tokens::create("canary", Role::Admin, vec![], None, NOW);
    let mut shown = format!("{admin:?} {:?}\n", write.token);
    store.keep_token(write);
    let options = ApiOptions::new(Access::Tokens, Transport::Plain);
    let state = ApiState::new(store.clone(), view, options);
    let router = pegboard::api::router(state.clone(), pegboard::console::router());
    let admin = admin.expose().to_owned();

    let sign_in = Ask::new("POST", "/api/v1/session").json(&json!({"token": admin})).send(&router).await;
    let cookie = sign_in.header("set-cookie").split(['=', ';']).nth(1).unwrap().to_owned();
    let csrf = sign_in.json()["csrf"].as_str().unwrap().to_owned();
    let new = json!({"name": "new", "role": "viewer"});
    let made = Ask::new("POST", "/api/v1/tokens").token(&admin).json(&new).send(&router).await;
    let made = made.json()["secret"].as_str().unwrap().to_owned();
    let (unknown, _) = tokens::create("never kept", Role::Admin, vec![], None, NOW);
    let secrets = [&admin, &made, &unknown.expose().to_owned()].map(|token| token[4..].to_owned());

    let session = format!("pegboard_session={cookie}");
    let asks = || {
        let both =
            ["/metrics", "/api/v1/tokens", "/api/v1/agents", "/api/v1/sources", "/api/v1/agents?class=x"];
        let reads = both
            .into_iter()
            .flat_map(|path| [&admin, &made, unknown.expose()].map(|token| Ask::get(path).token(token)));
        let writes = [
            Ask::new("POST", "/api/v1/session").json(&json!({"token": unknown.expose()})),
            Ask::new("POST", "/api/v1/session").json(&json!({"token": [admin]})),
            Ask::new("POST", "/api/v1/tokens").token(&admin).json(&json!({"name": 1, "secret": made})),
            Ask::new("DELETE", "/api/v1/tokens/none").header("cookie", &session),
            Ask::get("/api/v1/tokens").header("cookie", &session),
            Ask::get("/api/v1/agents").header("cookie", &format!("{session}x")),
            Ask::get("/nowhere").token(&admin).header("cookie", &session),
        ];
        reads.chain(writes).collect::<Vec<_>>()
    };
    for broken in [false, true] {
        if broken {
            store.break_down();
        }
        for ask in asks() {
            let answer = ask.send(&router).await;
            writeln!(shown, "{} {:?} {}", answer.status, answer.headers, answer.text).unwrap();
        }
    }
    write!(shown, "{state:?}\n{state:#?}\n{}", log.text()).unwrap();
    assert!(shown.contains("200 OK") && shown.contains("401 ") && shown.contains("503 "), "{shown}");
    assert!(shown.contains("a token was made") && shown.contains("the store failed"), "{shown}");
    let secrets: Vec<_> = secrets.into_iter().chain([cookie, csrf]).collect();
    assert_eq!(leaks(&shown, &secrets), [""; 0]);
}

#[test]
fn s20_the_search_for_secrets_finds_them() {
    let hub = Hub::new();
    let shown = format!("fine\nauthorization: Bearer {}\n", hub.admin);
    assert_eq!(leaks(&shown, &[hub.admin[4..].to_owned()]).len(), 1);
}
