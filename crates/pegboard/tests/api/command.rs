//! The command line and the running hub: who holds the store, and who is asked.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::server::certificate;

const SOON: Duration = Duration::from_secs(20);

/// A folder with a configuration, for a hub on a port of its own.
struct Place {
    folder: tempfile::TempDir,
    address: SocketAddr,
}

/// A hub that runs until it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which the test then says by itself.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Place {
    fn new(tls: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // No other test listens on this loopback address, so that nobody takes the port in between.
        let free = TcpListener::bind("127.77.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        let tls = if tls { certificate_lines(folder.path()) } else { String::new() };
        let events = folder.path().join("events");
        std::fs::create_dir(&events).unwrap();
        let config = format!(
            "[store]\nurl = \"sqlite:store.db\"\n[server]\nlisten = \"{address}\"\n{tls}\
             [[source]]\nname = \"acme\"\nkind = \"file\"\nfile.path = \"events\"\n"
        );
        std::fs::write(folder.path().join("pegboard.toml"), config).unwrap();
        Self { folder, address }
    }

    fn command(&self, arguments: &[&str], token: Option<&str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pegboard"));
        command.args(arguments).current_dir(self.folder.path()).env_remove("PEGBOARD_TOKEN");
        if let Some(token) = token {
            command.env("PEGBOARD_TOKEN", token);
        }
        command
    }

    fn run(&self, arguments: &[&str], token: Option<&str>) -> Output {
        self.command(arguments, token).output().unwrap()
    }

    /// What a command that must succeed writes.
    fn done(&self, arguments: &[&str], token: Option<&str>) -> String {
        let output = self.run(arguments, token);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// The exit code and the complaint of a command that must not succeed.
    fn refused(&self, arguments: &[&str], token: Option<&str>) -> (i32, String) {
        let output = self.run(arguments, token);
        (output.status.code().unwrap(), said(&output))
    }

    fn serve(&self) -> Running {
        let mut command = self.command(&["serve"], None);
        let running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let since = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(since.elapsed() < SOON, "the hub does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn certificate_lines(folder: &Path) -> String {
    let (files, _) = certificate(folder);
    let (certificate, key) = (files.certificate.display(), files.key.display());
    format!("tls_certificate = \"{certificate}\"\ntls_key = \"{key}\"\n")
}

fn id_of(list: &str, name: &str) -> String {
    let line = list.lines().find(|line| line.ends_with(name)).unwrap_or_else(|| panic!("{list}"));
    line.split(' ').next().unwrap().to_owned()
}

/// Everything that `pegboard token` can do, with the store and with the hub that holds it.
fn tokens_with_and_without_a_hub(place: &Place) {
    let admin = place.done(&["token", "create", "--name", "first", "--role", "admin"], None);
    let tenant = ["token", "create", "--name", "tenant", "--role", "admin", "--source", "acme"];
    let limited = place.done(&tenant, None);
    let hub = place.serve();

    let (code, complaint) = place.refused(&["token", "list"], None);
    assert_eq!(code, 64, "{complaint}");
    assert!(
        complaint.contains("env:PEGBOARD_TOKEN is not set") && complaint.contains("stop the hub"),
        "{complaint}"
    );

    let wall = place.done(&["token", "create", "--name", "wall"], Some(&admin));
    assert!(wall.starts_with("pgb_"), "{wall}");
    let list = place.done(&["token", "list"], Some(&admin));
    assert_eq!(list.lines().count(), 4, "{list}");
    let id = id_of(&list, "wall");
    assert_eq!(place.done(&["token", "revoke", &id], Some(&admin)), "");
    let list = place.done(&["token", "list"], Some(&admin));
    assert!(list.lines().any(|line| line.starts_with(&id) && line.contains("revoked")), "{list}");

    let (code, complaint) = place.refused(&["token", "list"], Some(&wall));
    assert!(code == 1 && complaint.contains("401"), "{code}: {complaint}");
    let (code, complaint) = place.refused(&["token", "list"], Some(&limited));
    assert!(code == 1 && complaint.contains("403"), "{code}: {complaint}");
    let wrong = ["token", "create", "--name", "x", "--source", "initech"];
    let with_hub = place.refused(&wrong, Some(&admin));
    assert!(with_hub.0 == 64 && with_hub.1.contains("'initech'"), "{with_hub:?}");
    for id in ["t0123456789abcdef", "../sources"] {
        let (code, complaint) = place.refused(&["token", "revoke", id], Some(&admin));
        assert!(code == 64 && complaint.contains("there is no token"), "{code}: {complaint}");
    }
    let (_, complaints) = place.refused(&["doctor"], None);
    assert!(complaints.contains("env:PEGBOARD_TOKEN is not set"), "{complaints}");
    let examined = place.run(&["doctor"], Some(&admin));
    assert!(!String::from_utf8_lossy(&examined.stderr).contains("refuses"), "{examined:?}");
    assert!(!examined.stdout.is_empty(), "{examined:?}");

    drop(hub);
    let alone = place.done(&["token", "list"], None);
    assert_eq!(alone, list, "the store says what the hub said");
    let without_hub = place.refused(&wrong, None);
    assert!(without_hub.0 == 64 && without_hub.1.contains("'initech'"), "{without_hub:?}");
    assert_eq!(place.done(&["token", "revoke", &id_of(&list, "first")], None), "");
}

/// The records of the source of a place, one sign-in a line.
fn write_events(place: &Place, agents: std::ops::Range<u32>) {
    use std::io::Write as _;

    let path = place.folder.path().join("events/1.ndjson");
    let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
    for agent in agents {
        let at = "2026-03-02T09:00:00Z";
        let arn = "arn:aws:connect:eu-central-1:111122223333:instance/i-1";
        writeln!(
            file,
            r#"{{"AgentARN":"{arn}/agent/a-{agent}","CurrentAgentSnapshot":{{"AgentStatus":{{"ARN":"{arn}/agent-state/s","Name":"Available","StartTimestamp":"{at}"}},"Configuration":{{"FirstName":"A","LastName":"B","Username":"a-{agent}"}},"Contacts":[]}},"EventId":"e-{agent}","EventTimestamp":"{at}","EventType":"LOGIN"}}"#
        )
        .unwrap();
    }
}

/// Waits until the hub has so many agents.
fn wait_for_agents(place: &Place, admin: &str, count: usize) {
    let since = Instant::now();
    loop {
        let ask = format!(
            "GET /api/v1/agents HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {admin}\r\nConnection: close\r\n\r\n",
            place.address
        );
        let found = exchange(place, &ask).matches("\"agent_id\"").count();
        if found == count {
            return;
        }
        assert!(since.elapsed() < SOON, "{found} agents");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn exchange(place: &Place, request: &str) -> String {
    use std::io::{Read as _, Write as _};

    let mut stream = TcpStream::connect(place.address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn cursor(place: &Place, admin: &str) -> String {
    let head =
        format!("Host: {}\r\nAuthorization: Bearer {admin}\r\nConnection: close\r\n\r\n", place.address);
    let answer = exchange(place, &format!("GET /api/v1/agents HTTP/1.1\r\n{head}"));
    answer.split("\"cursor\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn resume(place: &Place, admin: &str, cursor: &str) -> String {
    let head =
        format!("Host: {}\r\nAuthorization: Bearer {admin}\r\nConnection: close\r\n\r\n", place.address);
    let mut answer = exchange(place, &format!("GET /api/v1/agents/stream?after={cursor} HTTP/1.1\r\n{head}"));
    answer.truncate(12);
    answer
}

#[test]
fn a_backup_of_a_running_hub_is_restored_and_reads_on() {
    let place = Place::new(false);
    let admin = place.done(&["token", "create", "--name", "first", "--role", "admin"], None);
    write_events(&place, 0..40);
    let hub = place.serve();
    wait_for_agents(&place, &admin, 40);
    let old_cursor = cursor(&place, &admin);
    let (code, complaint) = place.refused(&["backup", "--to", "copy.db"], None);
    assert!(code == 64 && complaint.contains("env:PEGBOARD_TOKEN is not set"), "{code}: {complaint}");
    let done = place.done(&["backup", "--to", "copy.db"], Some(&admin));
    assert!(done.contains("copy.db"), "{done}");
    let (code, complaint) = place.refused(&["backup", "--to", "copy.db"], Some(&admin));
    assert!(code == 64 && complaint.contains("is there already"), "{code}: {complaint}");
    write_events(&place, 40..60);
    wait_for_agents(&place, &admin, 60);
    let (_, complaint) = place.refused(&["restore", "--from", "copy.db", "--replace"], None);
    assert!(complaint.contains("in use by another process"), "{complaint}");
    drop(hub);

    let (code, complaint) = place.refused(&["restore", "--from", "copy.db"], None);
    assert!(code == 64 && complaint.contains("--replace"), "{code}: {complaint}");
    place.done(&["restore", "--from", "copy.db", "--replace"], None);
    let hub = place.serve();
    wait_for_agents(&place, &admin, 60);
    assert_eq!(resume(&place, &admin, &old_cursor), "HTTP/1.1 410", "the restored store is another one");
    drop(hub);
    // Nobody holds it now: the store itself is opened.
    place.done(&["backup", "--to", "second.db"], None);
    let left: Vec<_> =
        std::fs::read_dir(place.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".backup")), "{left:?}");
}

#[test]
fn tokens_are_kept_by_the_store_or_by_the_hub_that_holds_it() {
    tokens_with_and_without_a_hub(&Place::new(false));
}

#[test]
fn a_hub_with_tls_is_known_by_its_own_certificate() {
    let place = Place::new(true);
    tokens_with_and_without_a_hub(&place);
    let admin = place.done(&["token", "create", "--name", "second", "--role", "admin"], None);
    let _hub = place.serve();
    // Its port is open before the certificate is read: an answer shows that it is.
    place.done(&["token", "list"], Some(&admin));
    // From now on the file is of somebody else; the hub reads it again a minute later at the earliest.
    certificate(place.folder.path());
    let (code, complaint) = place.refused(&["token", "list"], Some(&admin));
    assert!(code == 1 && complaint.contains("does not show that it is localhost"), "{code}: {complaint}");
}
