//! The page in a headless Chromium: against a mock server with faults on demand, and against `pegboard demo`.
//!
//! The tests themselves are in `tests/browser/`, written for Node's own test runner; here they are started, and a hub for
//! those that want one. They need `PEGBOARD_TEST_CHROMIUM` (the browser) and `PEGBOARD_TEST_NODE_MODULES` (a folder with
//! playwright-core), which `scripts/test` sets; where one is missing they are skipped, saying so.

#![expect(clippy::print_stderr, reason = "tests tell that they are skipped, and why the page failed")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser");
const NEEDED: [&str; 2] = ["PEGBOARD_TEST_CHROMIUM", "PEGBOARD_TEST_NODE_MODULES"];

/// Ends a process with its test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn the_parts_that_need_no_browser() {
    run("unit.test.mjs", None);
}

#[test]
fn the_page_with_faults_on_demand() {
    run("mock.test.mjs", None);
}

#[test]
fn what_is_delivered_is_seen_and_decided_about() {
    run("delivery.test.mjs", None);
}

#[test]
fn names_are_mapped_and_tables_edited() {
    run("mapping.test.mjs", None);
}

#[test]
fn s36_whatever_a_platform_calls_things_stays_text() {
    run("hostile.test.mjs", None);
}

#[test]
fn the_page_of_the_demo() {
    if !is_possible() {
        return;
    }
    let (_hub, address) = demo();
    run("page.test.mjs", Some(&address));
}

fn run(file: &str, hub: Option<&str>) {
    if !is_possible() {
        return;
    }
    let mut node = Command::new("node");
    node.arg("--test").arg("--test-reporter=spec").arg(Path::new(FOLDER).join(file)).stdin(Stdio::null());
    if let Some(address) = hub {
        node.env("PEGBOARD_TEST_URL", address);
    }
    let output = node.output().expect("node is on PATH where PEGBOARD_TEST_NODE_MODULES is set");
    let text = String::from_utf8_lossy(&output.stdout);
    eprintln!("{text}");
    assert!(output.status.success(), "{file} failed:\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn is_possible() -> bool {
    let missing: Vec<_> = NEEDED.into_iter().filter(|name| std::env::var_os(name).is_none()).collect();
    if !missing.is_empty() {
        eprintln!("skipped: not set: {}", missing.join(", "));
    }
    missing.is_empty()
}

/// Starts `pegboard demo` on a free port: the process, and the address that it prints.
fn demo() -> (Running, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pegboard"));
    command.args(["demo", "--port", "0", "--agents", "60"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut hub = Running(command.spawn().expect("the program was built with the test"));
    let stdout = hub.0.stdout.take().expect("piped");
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("http://")).expect("the demo tells its address");
    // What it prints afterwards has to go somewhere.
    std::thread::spawn(move || lines.for_each(drop));
    let address = line.split_whitespace().next().expect("an address").trim_end_matches('/');
    (hub, address.to_owned())
}
