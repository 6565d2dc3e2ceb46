//! `pegboard demo`: it is there at once, and ends when it is told to.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::support::binary::program;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running demo; it is killed if a test fails.
struct Demo {
    child: Child,
    port: u16,
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl Demo {
    fn start(folder: &Path) -> Self {
        let port = free_port();
        let mut command = program(folder);
        command.args(["demo", "--agents", "30", "--folder", ".", "--port", &port.to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let demo = Self { child, port };
        demo.until("it answers", |demo| demo.get("/healthz").is_some_and(|answer| answer.contains(" 200 ")));
        demo
    }

    /// The whole answer to a request; nothing if there is none.
    fn get(&self, path: &str) -> Option<String> {
        self.ask("GET", path, "same-origin")
    }

    /// The same, of a page of this site.
    fn ask(&self, method: &str, path: &str, site: &str) -> Option<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let host = format!("127.0.0.1:{}", self.port);
        let headers =
            format!("Host: {host}\r\nSec-Fetch-Site: {site}\r\nContent-Length: 0\r\nConnection: close");
        write!(stream, "{method} {path} HTTP/1.1\r\n{headers}\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    }

    fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "waited a minute, and not: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// How it ended, and how long that took.
    fn ended(&mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, started.elapsed());
            }
            assert!(started.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn r25_it_serves_page_and_api_stops_in_order_and_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(folder.path());
    let page = demo.get("/").unwrap();
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("text/html"), "{page:.200}");
    demo.until("agents are shown", |demo| {
        demo.get("/api/v1/agents").is_some_and(|answer| answer.contains("\"class\""))
    });
    // A reader that never leaves does not hold it up.
    let mut reader = TcpStream::connect((Ipv4Addr::LOCALHOST, demo.port)).unwrap();
    write!(reader, "GET /api/v1/agents/stream HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", demo.port).unwrap();
    let mut first = [0; 15];
    reader.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    demo.signal("-TERM");
    let (status, took) = demo.ended();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(10), "it took {took:?}");

    let mut again = Demo::start(folder.path());
    let sources = again.get("/api/v1/sources").unwrap();
    assert!(sources.contains("simulated"), "{sources}");
    again.signal("-INT");
    assert!(again.ended().0.success());
}

#[test]
fn r25_a_second_signal_ends_it_at_once_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(folder.path());
    // In the midst of catching up with a day of history.
    demo.signal("-TERM");
    demo.signal("-TERM");
    let (status, took) = demo.ended();
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    assert!(status.code().is_some_and(|code| code == 130 || code == 0), "{status}");

    let mut again = Demo::start(folder.path());
    again.until("agents are shown", |demo| {
        demo.get("/api/v1/agents").is_some_and(|answer| answer.contains("\"class\""))
    });
    again.signal("-TERM");
    assert!(again.ended().0.success());
}

#[test]
fn a_port_that_is_taken_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    crate::support::binary::run(folder.path(), &["demo", "--port", &port])
        .refused(1, &[&format!("port {port} is taken")]);
}

#[test]
fn the_wfm_is_broken_by_a_button_some_reports_are_refused_and_some_names_wait() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path());
    let shown = |path: &str| demo.get(path).unwrap_or_default();
    assert!(shown("/demo").contains("What your WFM sees"), "{}", shown("/demo"));
    demo.until("some are parked", |_| shown("/api/v1/sinks").contains("\"parked\""));
    demo.until("what nobody has mapped is listed", |_| {
        shown("/api/v1/sinks/wfm/unmapped").contains("Web chat")
    });
    demo.until("some are delivered", |_| shown("/api/v1/sinks").contains("\"acknowledged\""));
    let broken = |site: &str| demo.ask("POST", "/demo/break", site).unwrap();
    assert!(broken("cross-site").starts_with("HTTP/1.1 403"), "another page may not");
    assert!(broken("same-origin").starts_with("HTTP/1.1 303"));
    demo.until("the WFM fails", |_| shown("/api/v1/sinks").contains("503"));
}
