//! `pegboard serve` as a process of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;

use super::binary::program;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running hub; it is killed if a test fails.
pub(crate) struct Serving {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Serving {
    /// Starts a hub with a source `pbx` that is handed its records by the key `pbx-1`, and a source `flex` that Twilio posts to at `url`.
    pub(crate) fn receiving(folder: &Path, secret: &str, url: &str, token: &str) -> Self {
        for (name, text) in [("id", "pbx-1"), ("secret", secret), ("token", token)] {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let configuration = format!(
            "[[source]]\nname = \"pbx\"\nkind = \"push\"\n[source.push]\naccess_key_id = \"file:id\"\n\
             secret_access_key = \"file:secret\"\n[[source]]\nname = \"flex\"\nkind = \"twilio\"\n[source.twilio]\n\
             url = \"{url}\"\nauth_tokens = [\"file:token\"]\n"
        );
        Self::start(folder, &configuration)
    }

    /// Starts the program in a folder, on a free port, with this configuration besides.
    pub(crate) fn start(folder: &Path, configuration: &str) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let server = format!("[server]\nlisten = \"127.0.0.1:{port}\"\n");
        fs::write(folder.join("pegboard.toml"), format!("{server}{configuration}")).unwrap();
        let said = fs::File::create(folder.join("stderr.log")).unwrap();
        let child = program(folder).arg("serve").stdout(Stdio::null()).stderr(said).spawn().unwrap();
        let mut serving = Self { child, port, folder: folder.to_owned() };
        serving.until("it answers", |serving| serving.metrics().is_some());
        serving
    }

    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            let status = self.child.try_wait().unwrap();
            assert_eq!(status, None, "it ended while: {what}; {}", self.said());
            assert!(Instant::now() < deadline, "waited a minute, and not: {what}; {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to end, and answers how long that took.
    #[track_caller]
    pub(crate) fn terminate(mut self) -> Duration {
        let asked = Instant::now();
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}: {}", self.said());
                return asked.elapsed();
            }
            assert!(asked.elapsed() < PATIENCE, "it does not end: {}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it as nothing can be caught.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Kills it while others are still asking it.
    pub(crate) fn kill_over_it(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    }

    /// Whether it was killed: waits for its end.
    pub(crate) fn is_killed(&mut self) -> bool {
        self.child.wait().unwrap().signal() == Some(9)
    }

    /// What it said.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.folder.join("stderr.log")).unwrap_or_default()
    }

    /// Hands in a body as a source with this access key; answers the status and the body of the answer. Nothing while it
    /// does not answer.
    pub(crate) fn push(&self, source: &str, key: &str, headers: &str, body: &str) -> Option<(u16, String)> {
        let key = base64::engine::general_purpose::STANDARD.encode(key);
        let headers = format!("Content-Type: application/json\r\nAuthorization: Basic {key}\r\n{headers}");
        self.post(&format!("/api/v1/push/{source}"), &headers, body)
    }

    /// Posts a body; answers the status and the body of the answer. Nothing while it does not answer.
    pub(crate) fn post(&self, path: &str, headers: &str, body: &str) -> Option<(u16, String)> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
            self.port,
            body.len()
        );
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all((head + body).as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    /// What it answers to a question of whoever has this token, and the status; by HTTP 1.0, whose bodies are in one piece. Nothing while it
    /// does not answer.
    pub(crate) fn ask(&self, path: &str, token: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let host = format!("127.0.0.1:{}", self.port);
        let headers = format!("Host: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n");
        write!(stream, "GET {path} HTTP/1.0\r\n{headers}\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A number that it shows; nothing while it does not answer, or does not show it.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        self.metrics()?.get(name).copied()
    }

    /// Its numbers, by name with labels.
    fn metrics(&self) -> Option<BTreeMap<String, f64>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let host = format!("127.0.0.1:{}", self.port);
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let read = |line: &str| {
            let (name, number) = line.rsplit_once(' ')?;
            Some((name.to_owned(), number.parse().ok()?))
        };
        Some(answer.lines().filter(|line| !line.starts_with('#')).filter_map(read).collect())
    }
}
