//! Which folder of which server, and by which keys it is reached.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use http::Uri;

/// The port of SSH where a URL names none.
const SSH_PORT: u16 = 22;

/// `sftp://USER@HOST[:PORT]/FOLDER`. A folder that begins with `~/` is that of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SftpUrl {
    pub(super) user: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) folder: String,
}

/// Why a text names no folder of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSftpUrl {
    /// It is no URL of that form.
    #[error("it is no URL of the form sftp://USER@HOST[:PORT]/FOLDER")]
    Form,
    /// It has a password.
    #[error("a password does not belong there, and is not asked for: the server lets the hub in by its key")]
    Password,
    /// A part of it could be read as something else by `ssh`.
    #[error("its {0} has characters that it cannot have")]
    Part(&'static str),
}

impl FromStr for SftpUrl {
    type Err = InvalidSftpUrl;

    fn from_str(text: &str) -> Result<Self, InvalidSftpUrl> {
        let url: Uri = text.parse().map_err(|_| InvalidSftpUrl::Form)?;
        let authority = url.authority().ok_or(InvalidSftpUrl::Form)?;
        let (user, _) = authority.as_str().rsplit_once('@').ok_or(InvalidSftpUrl::Form)?;
        if url.scheme_str() != Some("sftp") || url.query().is_some() {
            return Err(InvalidSftpUrl::Form);
        }
        if user.contains(':') {
            return Err(InvalidSftpUrl::Password);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        for (part, text, marks) in [("user", user, "._-"), ("host", host, ".:-")] {
            if text.is_empty() || text.starts_with('-') || !is_plain(text, marks) {
                return Err(InvalidSftpUrl::Part(part));
            }
        }
        let path = url.path().trim_end_matches('/');
        let folder = path.strip_prefix("/~/").unwrap_or(path);
        let is_step = |part: &str| matches!(part, "." | "..");
        if folder.is_empty() || !is_plain(folder, "/._-+=,@") || folder.split('/').any(is_step) {
            return Err(InvalidSftpUrl::Part("folder"));
        }
        Ok(Self {
            user: user.to_owned(),
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(SSH_PORT),
            folder: folder.to_owned(),
        })
    }
}

impl fmt::Display for SftpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.user, self.host, self.folder)
    }
}

fn is_plain(text: &str, marks: &str) -> bool {
    text.chars().all(|char| char.is_ascii_alphanumeric() || marks.contains(char))
}

/// A file that `ssh` is told of. It takes blanks, `%`, `$`, `"` and `~` in names for something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshFile(PathBuf);

impl SshFile {
    /// A file by its path; nothing where `ssh` would read another one.
    pub fn new(path: PathBuf) -> Option<Self> {
        is_plain(path.to_str()?, "/._-+=,@").then_some(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// What the hub knows of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SftpServer {
    /// The folder that is written.
    pub url: SftpUrl,
    /// The private key by which the hub is let in; without a passphrase, and readable by the hub's user alone.
    pub identity: SshFile,
    /// Whom the hub believes to be the server, as `ssh-keyscan` writes it.
    pub known_hosts: SshFile,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_a_server() {
        let url: SftpUrl = "sftp://hub@files.example.com/srv/iex/1/".parse().unwrap();
        assert_eq!((url.user.as_str(), url.host.as_str(), url.port), ("hub", "files.example.com", 22));
        assert_eq!(url.to_string(), "hub@files.example.com:/srv/iex/1");
        let url: SftpUrl = "sftp://hub@[2001:db8::1]:2222/~/in".parse().unwrap();
        assert_eq!((url.host.as_str(), url.port, url.folder.as_str()), ("2001:db8::1", 2222, "in"));
    }

    #[test]
    fn nothing_that_ssh_would_take_for_an_option_or_a_command() {
        for (text, error) in [
            ("https://hub@example.com/in", InvalidSftpUrl::Form),
            ("sftp://example.com/in", InvalidSftpUrl::Form),
            ("sftp://hub@example.com/in?x=1", InvalidSftpUrl::Form),
            ("sftp://hub:secret@example.com/in", InvalidSftpUrl::Password),
            ("sftp://-oProxyCommand=x@example.com/in", InvalidSftpUrl::Part("user")),
            ("sftp://hub@-oProxyCommand/in", InvalidSftpUrl::Part("host")),
            ("sftp://hub@example.com/", InvalidSftpUrl::Part("folder")),
            ("sftp://hub@example.com/in/../out", InvalidSftpUrl::Part("folder")),
            ("sftp://hub@example.com/a%20b", InvalidSftpUrl::Part("folder")),
        ] {
            assert_eq!(text.parse::<SftpUrl>(), Err(error), "{text}");
        }
        for path in ["/etc/a key", "/etc/%h", "~/key", "$HOME/key", "/etc/\"key\""] {
            assert_eq!(SshFile::new(path.into()), None, "{path}");
        }
    }
}
