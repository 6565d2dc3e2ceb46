//! A connection: the host's own `ssh`, with SFTP on its standard input and output.

use std::process::Stdio;

use openssh_sftp_client::{Error, Sftp, SftpOptions};
use tokio::io::{AsyncRead, AsyncReadExt as _, copy, sink};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::SftpServer;
use crate::place::PlaceError;

/// How many seconds `ssh` takes to connect and to notice that nobody is there, at most.
const PATIENCE: u8 = 15;

/// How much of what `ssh` says is kept, in bytes.
const MOST_SAID: u64 = 4 << 10;

/// A program that is `ssh`.
const SSH: &str = "ssh";

/// An open connection. Dropped, it ends the program.
pub(super) struct Session {
    program: Child,
    said: JoinHandle<String>,
    pub(super) sftp: Sftp,
}

impl Session {
    pub(super) async fn open(server: &SftpServer) -> Result<Self, PlaceError> {
        let mut program = ssh(server).spawn().map_err(|error| {
            PlaceError::Lasting(format!("cannot run `{SSH}`: {error}; install the client of OpenSSH"))
        })?;
        let (Some(input), Some(output), Some(errors)) =
            (program.stdin.take(), program.stdout.take(), program.stderr.take())
        else {
            return Err(PlaceError::Passing(format!("`{SSH}` was started without a way to talk to it")));
        };
        let said = tokio::spawn(what_is_said(errors));
        match Sftp::new(input, output, SftpOptions::new()).await {
            Ok(sftp) => Ok(Self { program, said, sftp }),
            Err(error) => {
                drop(program);
                Err(why(server, &error, &said.await.unwrap_or_default()))
            }
        }
    }

    /// Ends the connection. What was written is there already, so nothing hangs on how that goes.
    pub(super) async fn close(self) {
        let Self { mut program, said, sftp } = self;
        sftp.close().await.ok();
        program.kill().await.ok();
        said.abort();
    }

    /// What to tell of an error of this connection.
    pub(super) async fn failed(self, server: &SftpServer, error: &Error) -> PlaceError {
        drop(self.program);
        why(server, error, &self.said.await.unwrap_or_default())
    }
}

/// `ssh` without anything of the host's configuration, which asks nobody, trusts no unknown server, and hands on nothing.
fn ssh(server: &SftpServer) -> Command {
    let mut command = Command::new(SSH);
    let url = &server.url;
    command.args(["-F", "none", "-T", "-s", "-x", "-a"]);
    for option in [
        "BatchMode=yes".to_owned(),
        "StrictHostKeyChecking=yes".to_owned(),
        "GlobalKnownHostsFile=none".to_owned(),
        format!("UserKnownHostsFile={}", server.known_hosts.path().display()),
        format!("IdentityFile={}", server.identity.path().display()),
        "IdentitiesOnly=yes".to_owned(),
        "IdentityAgent=none".to_owned(),
        "PreferredAuthentications=publickey".to_owned(),
        "ClearAllForwardings=yes".to_owned(),
        "LogLevel=ERROR".to_owned(),
        format!("ConnectTimeout={PATIENCE}"),
        format!("ServerAliveInterval={PATIENCE}"),
        "ServerAliveCountMax=1".to_owned(),
    ] {
        command.arg("-o").arg(option);
    }
    command.arg("-l").arg(&url.user).arg("-p").arg(url.port.to_string());
    command.arg("--").arg(&url.host).arg("sftp");
    // The hub's secrets may stand in its environment.
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("LC_ALL", "C");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// The last line of what `ssh` says, once it has ended.
async fn what_is_said(mut errors: impl AsyncRead + Unpin) -> String {
    let mut said = Vec::new();
    (&mut errors).take(MOST_SAID).read_to_end(&mut said).await.ok();
    copy(&mut errors, &mut sink()).await.ok();
    let said = String::from_utf8_lossy(&said);
    let clean = |line: &str| line.chars().filter(|char| !char.is_control()).collect::<String>();
    said.lines().map(clean).rfind(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// What failed, and who must act.
fn why(server: &SftpServer, error: &Error, said: &str) -> PlaceError {
    use openssh_sftp_client::error::SftpErrorKind;
    let url = &server.url;
    if let Error::SftpError(kind, message) = error {
        let told = format!("cannot write to {url} by SFTP: {}", message.get().0);
        return match kind {
            SftpErrorKind::NoSuchFile => PlaceError::Lasting(format!("{told}; make the folder there")),
            SftpErrorKind::PermDenied => {
                PlaceError::Lasting(format!("{told}; let the user {} write there", url.user))
            }
            _ => PlaceError::Passing(told),
        };
    }
    if said.is_empty() {
        return PlaceError::Passing(format!("cannot write to {url} by SFTP: {error}"));
    }
    let told = format!("cannot write to {url} by SFTP: {said}");
    if said.contains("ost key verification failed") {
        let known = server.known_hosts.path().display();
        return PlaceError::Lasting(format!(
            "{told}; the server is not the one in {known}: find out why, or write its key there (`ssh-keyscan`, and compare)"
        ));
    }
    if said.contains("Permission denied") || said.contains("subsystem request failed") {
        return PlaceError::Lasting(format!(
            "{told}; the server must take the key in {} for the user {} and let that one use SFTP",
            server.identity.path().display(),
            url.user
        ));
    }
    PlaceError::Passing(told)
}
