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
