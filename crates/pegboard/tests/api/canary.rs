//! The program itself, told everything at the loudest level: no secret that it was given comes out anywhere, and at the
//! usual level no agent is named.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);

/// No word of any library, and no part of another.
const KEY: &str = "Canary+secret/access+key/3Fq8Zt1Wv6Rb";
const SESSION: &str = "Canary+session/token+9Lx2Hd7Qm4Ns";

const NAME: &str = "Wilhelmina";
const LOGIN: &str = "w.quarrington@canary.example";

/// A hub of its own folder, with a platform that does not like its key, and a file with one agent.
struct Place {
    folder: tempfile::TempDir,
    address: SocketAddr,
}

fn keep(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn event() -> String {
    format!(
        r#"{{"AgentARN":"arn:aws:connect:eu-central-1:111122223333:instance/i-1/agent/a-1","CurrentAgentSnapshot":{{"AgentStatus":{{"ARN":"arn:aws:connect:eu-central-1:111122223333:instance/i-1/agent-state/s","Name":"Available","StartTimestamp":"2026-03-02T09:00:00Z"}},"Configuration":{{"FirstName":"{NAME}","LastName":"Example","Username":"{LOGIN}"}},"Contacts":[]}},"EventId":"e-1","EventTimestamp":"2026-03-02T09:00:00Z","EventType":"STATE_CHANGE"}}"#
    )
}

/// Answers whoever asks that his key is wrong, for as long as the test runs; the address.
fn platform() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 16 * 1024];
            let _whatever_was_asked = stream.read(&mut request);
            let body =
                r#"{"__type":"UnrecognizedClientException","message":"The security token is invalid."}"#;
            let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close\r\n";
            let _gone = write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len());
        }
    });
    address
}

impl Place {
    fn new(level: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.77.0.2:0").unwrap().local_addr().unwrap();
        keep(&folder.path().join("key"), KEY);
        keep(&folder.path().join("session"), SESSION);
        std::fs::create_dir(folder.path().join("events")).unwrap();
        let broken = format!("{{\"AgentARN\":\"x/{LOGIN}\",\"EventType\":\"LOGIN\"}}");
        std::fs::write(folder.path().join("events/a.ndjson"), format!("{}\n{broken}\n", event())).unwrap();
        let config = format!(
            "[store]\nurl = \"sqlite:store.db\"\n[server]\nlisten = \"{address}\"\n[log]\nlevel = \"{level}\"\n\
             [[source]]\nname = \"acme\"\nkind = \"amazon-connect\"\n[source.kinesis]\nstream = \"events\"\n\
             region = \"eu-central-1\"\nendpoint = \"http://{}\"\naccess_key_id = \"env:CANARY_ID\"\n\
             secret_access_key = \"file:key\"\nsession_token = \"file:session\"\n\
             [[source]]\nname = \"files\"\nkind = \"file\"\nfile.path = \"events\"\n",
            platform()
        );
        std::fs::write(folder.path().join("pegboard.toml"), config).unwrap();
        Self { folder, address }
    }

    fn command(&self, arguments: &[&str], token: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pegboard"));
        command.args(arguments).current_dir(self.folder.path()).env("PEGBOARD_TOKEN", token);
        command
            .env("CANARY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full");
        command
    }

    /// All that a command says.
    fn said(&self, arguments: &[&str], token: &str) -> String {
        let output = self.command(arguments, token).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    fn serve(&self) -> Running {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let mut command = self.command(&["serve"], "");
        let running = Running(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        until("the hub listens", || TcpStream::connect(self.address).is_ok());
        running
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Asks the hub; head and body of its answer.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n{headers}\r\n{body}",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

fn until(what: &str, done: impl Fn() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < SOON, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

struct Running(Child);

impl Running {
    /// Ends it in order.
    fn stop(mut self) {
        let ended = Command::new("kill").arg(self.0.id().to_string()).status().unwrap();
        assert!(ended.success());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Everything that is found where it should not be.
fn found(what: &str, shown: &[u8], secrets: &[String]) -> Vec<String> {
    let holds = |secret: &str| shown.windows(secret.len()).any(|window| window == secret.as_bytes());
    secrets.iter().filter(|secret| holds(secret)).map(|secret| format!("{secret} is in {what}")).collect()
}

/// The part of a token that is secret in itself.
fn secret_part(token: &str) -> String {
    token.trim().strip_prefix("pgb_").unwrap().to_owned()
}

#[test]
fn s20_no_secret_leaves_the_program_at_its_loudest() {
    let place = Place::new("trace");
    let created =
        place.command(&["token", "create", "--name", "boss", "--role", "admin"], "").output().unwrap();
    let admin = String::from_utf8(created.stdout).unwrap().trim().to_owned();
    let running = place.serve();
    let bearer = format!("authorization: Bearer {admin}\r\n");
    until("the agent is there", || place.ask("GET", "/api/v1/agents", &bearer, "").contains(NAME));
    until("the key is refused", || {
        place.ask("GET", "/api/v1/sources", &bearer, "").contains("security token")
    });

    let mut secrets = vec![KEY.to_owned(), SESSION.to_owned(), secret_part(&admin)];
    let signed_in = place.ask("POST", "/api/v1/session", "", &format!("{{\"token\":\"{admin}\"}}"));
    let (head, body) = signed_in.split_once("\r\n\r\n").unwrap();
    let cookie = head.split("pegboard_session=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let csrf = serde_json::from_str::<Value>(body).unwrap()["csrf"].as_str().unwrap().to_owned();
    let session = format!("cookie: pegboard_session={cookie}\r\nx-csrf-token: {csrf}\r\n");
    let made = place.ask("POST", "/api/v1/tokens", &session, r#"{"name": "wall", "role": "viewer"}"#);
    let made: Value = serde_json::from_str(made.split_once("\r\n\r\n").unwrap().1).unwrap();
    secrets.extend([cookie.clone(), csrf, secret_part(made["secret"].as_str().unwrap())]);

    let mut shown = String::new();
    for path in [
        "/api/v1/agents",
        "/api/v1/sources",
        "/api/v1/dead-letters",
        "/api/v1/reports/segments",
        "/api/v1/tokens",
        "/api/v1/audit",
        "/api/v1/openapi.json",
        "/metrics",
        "/healthz",
        "/readyz",
        "/",
        "/nowhere",
        "/api/v1/agents?x=1",
    ] {
        shown += &place.ask("GET", path, &bearer, "");
        shown += &place.ask("GET", path, &format!("authorization: Bearer {admin}x\r\n"), "");
    }
    let id = made["id"].as_str().unwrap();
    shown += &place.ask("DELETE", &format!("/api/v1/tokens/{id}"), &session, "");
    shown += &place.ask("POST", "/api/v1/session", "", &format!("{{\"token\":\"{admin}\",\"x\":1}}"));
    shown += &place.ask("DELETE", "/api/v1/session", &session, "");
    for arguments in
        [&["token", "list"][..], &["audit", "list"], &["audit", "verify"], &["doctor"], &["check"]]
    {
        shown += &place.said(arguments, &admin);
        shown += &place.said(arguments, &format!("{admin}x"));
    }
    running.stop();
    shown += &place.said(&["audit", "verify"], "");
    shown += &place.said(&["check"], "");

    for proof in ["hub.started", "session.opened", "hold together", "pegboard_http_requests_total", "wall"] {
        assert!(shown.contains(proof), "the flows were not gone through: {proof}");
    }
    let log = place.log();
    for proof in ["TRACE", "hyper", "aws", "stopped", "answered"] {
        assert!(log.contains(proof), "the log is not at its loudest: {proof}");
    }
    let mut leaks = found("the answers", shown.as_bytes(), &secrets);
    leaks.extend(found("the log", log.as_bytes(), &secrets));
    let mut files = 0;
    for entry in std::fs::read_dir(place.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains("store.db") {
            files += 1;
            leaks.extend(found(&path.display().to_string(), &std::fs::read(&path).unwrap(), &secrets));
        }
    }
    assert!(files > 0);
    assert_eq!(leaks, [""; 0]);
}

#[test]
fn s20_no_agent_is_named_in_the_log_at_its_usual_level() {
    let place = Place::new("info");
    let created =
        place.command(&["token", "create", "--name", "boss", "--role", "admin"], "").output().unwrap();
    let admin = String::from_utf8(created.stdout).unwrap().trim().to_owned();
    let running = place.serve();
    let bearer = format!("authorization: Bearer {admin}\r\n");
    until("the agent is there", || place.ask("GET", "/api/v1/agents", &bearer, "").contains(LOGIN));
    until("the bad record is there", || {
        place.ask("GET", "/api/v1/dead-letters", &bearer, "").contains("missing")
    });
    for path in
        [format!("/api/v1/agents?q={LOGIN}"), format!("/api/v1/agents/{LOGIN}/timeline"), format!("/{NAME}")]
    {
        place.ask("GET", &path, &bearer, "");
    }
    running.stop();
    let log = place.log();
    assert!(log.contains("answered") && log.contains("stopped"), "{log}");
    for personal in [NAME, LOGIN, "quarrington", "boss"] {
        assert!(!log.contains(personal), "{personal}: {log}");
    }
}
