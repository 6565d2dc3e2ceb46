//! Files over a real server of OpenSSH.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::support::binary::run;
use pegboard_sinks::Outcome;
use pegboard_sinks::place::{Place, SftpPlace, SftpServer, SshFile};

/// The folder of the test server, with its keys and its files.
struct Server {
    address: String,
    data: PathBuf,
    files: tempfile::TempDir,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "where the test server is")]
    fn new() -> Option<Self> {
        let (Ok(address), Ok(data)) = (env::var("PEGBOARD_TEST_SFTP"), env::var("PEGBOARD_TEST_SFTP_DATA"))
        else {
            eprintln!("skipped: PEGBOARD_TEST_SFTP and PEGBOARD_TEST_SFTP_DATA name no server");
            return None;
        };
        let data = PathBuf::from(data);
        let files = tempfile::Builder::new().prefix("place-").tempdir_in(data.join("files")).unwrap();
        Some(Self { address, data, files })
    }

    fn place(&self, folder: &Path) -> Place {
        self.place_by(folder, "client", "known_hosts")
    }

    fn place_by(&self, folder: &Path, identity: &str, known_hosts: &str) -> Place {
        let file = |name: &str| SshFile::new(self.data.join(name)).unwrap();
        Place::Sftp(SftpPlace::new(SftpServer {
            url: format!("sftp://{}{}", self.address, folder.display()).parse().unwrap(),
            identity: file(identity),
            known_hosts: file(known_hosts),
        }))
    }
}

#[tokio::test]
async fn a_file_is_written_and_replaced_and_nothing_else_is_left() {
    let Some(server) = Server::new() else { return };
    let folder = server.files.path();
    let place = server.place(folder);
    assert!(place.probe().await.unwrap().ends_with("can be written by SFTP"));
    let large = vec![b'x'; 3 << 20];
    for body in [&b"one"[..], b"two, and longer", b"", &large] {
        assert_eq!(place.deliver("a/b/080125.0800", body).await, Outcome::Accepted);
        assert!(fs::read(folder.join("a/b/080125.0800")).unwrap() == body);
    }
    assert_eq!(fs::read_dir(folder.join("a/b")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
}

#[tokio::test]
async fn a_folder_that_is_missing_is_not_made() {
    let Some(server) = Server::new() else { return };
    let missing = server.files.path().join("mount");
    let outcome = server.place(&missing).deliver("a.csv", b"x").await;
    assert!(
        matches!(&outcome, Outcome::Shut { reason } if reason.contains("make the folder there")),
        "{outcome:?}"
    );
    assert!(server.place(&missing).probe().await.is_err() && !missing.exists());
}

#[tokio::test]
async fn a_file_where_a_folder_should_be_is_no_place() {
    let Some(server) = Server::new() else { return };
    fs::write(server.files.path().join("a"), "in the way").unwrap();
    let outcome = server.place(server.files.path()).deliver("a/b.csv", b"x").await;
    assert!(matches!(&outcome, Outcome::Again { .. } | Outcome::Shut { .. }), "{outcome:?}");
    assert_eq!(fs::read(server.files.path().join("a")).unwrap(), b"in the way");
}

#[tokio::test]
async fn another_server_is_not_trusted() {
    let Some(server) = Server::new() else { return };
    let folder = server.files.path();
    for known_hosts in ["other_hosts", "none"] {
        let outcome = server.place_by(folder, "client", known_hosts).deliver("a.csv", b"x").await;
        assert!(
            matches!(&outcome, Outcome::Shut { reason } if reason.contains("the server is not the one in")),
            "{outcome:?}"
        );
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[tokio::test]
async fn a_key_that_the_server_does_not_take_is_told() {
    let Some(server) = Server::new() else { return };
    let place = server.place_by(server.files.path(), "stranger", "known_hosts");
    let outcome = place.deliver("a.csv", b"x").await;
    assert!(
        matches!(&outcome, Outcome::Shut { reason } if reason.contains("the server must take the key in")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let file = SshFile::new("/nowhere/key".into()).unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("sftp://hub@127.0.0.1:{}/in", nobody.local_addr().unwrap().port());
    drop(nobody);
    let server = SftpServer { url: url.parse().unwrap(), identity: file.clone(), known_hosts: file };
    let outcome = Place::Sftp(SftpPlace::new(server)).deliver("a.csv", b"x").await;
    // A machine without `ssh` says so.
    assert!(
        matches!(&outcome, Outcome::Again { reason, .. } if reason.contains("refused"))
            || matches!(&outcome, Outcome::Shut { reason } if reason.contains("install the client of OpenSSH")),
        "{outcome:?}"
    );
}

#[test]
fn check_tries_a_place_that_is_reached_by_sftp() {
    let Some(server) = Server::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("events"), "").unwrap();
    let check = |place: &str| {
        let (data, address) = (server.data.display(), &server.address);
        let configuration = format!(
            "[[source]]\nname = \"acd\"\nkind = \"file\"\n[source.file]\npath = \"events\"\n[[sink]]\nname = \"iex\"\nkind = \"iex\"\n[sink.place]\nsftp = \"sftp://{address}{place}\"\n\
             identity_file = \"{data}/client\"\nknown_hosts = \"{data}/known_hosts\"\n"
        );
        fs::write(folder.path().join("pegboard.toml"), configuration).unwrap();
        run(folder.path(), &["check"])
    };
    let files = server.files.path().display();
    let checked = check(&files.to_string());
    assert!(
        checked.code == 0 && checked.text().contains("can be written by SFTP"),
        "{} {}",
        checked.text(),
        checked.stderr
    );
    let checked = check(&format!("{files}/none"));
    assert!(
        checked.code == 1 && checked.text().contains("make the folder there"),
        "{} {}",
        checked.text(),
        checked.stderr
    );
}
