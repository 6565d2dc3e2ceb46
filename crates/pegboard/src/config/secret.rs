//! Secrets, and the references by which the configuration names them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use pegboard_net::Secret;
use zeroize::Zeroizing;

/// The longest secret that is read from a file, in bytes.
pub const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Where a secret is to be found. It is safe to show: it names the secret and does not hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `file:PATH`: the whole of a file, without one line end at its end.
    File(PathBuf),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// Why a text is not a reference to a secret. It never holds the text, which may be the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecretRef {
    /// The secret itself, most likely.
    #[error("a secret does not belong into this file: name the place where it is kept")]
    Literal,
    /// Not a name.
    #[error("what follows `env:` is no name of an environment variable")]
    EnvName,
    /// Not a path.
    #[error("`file:` names no file")]
    NoPath,
    /// Not there yet.
    #[error("secrets from AWS Secrets Manager are not supported yet")]
    AwsSecret,
}

impl SecretRef {
    /// Reads a reference; a path is relative to `folder`.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, InvalidSecretRef> {
        if let Some(name) = text.strip_prefix("env:") {
            return is_env_name(name).then(|| Self::Env(name.to_owned())).ok_or(InvalidSecretRef::EnvName);
        }
        if let Some(path) = text.strip_prefix("file:") {
            let is_path = !path.is_empty() && !path.contains(['\0', '\n']);
            return is_path.then(|| Self::File(folder.join(path))).ok_or(InvalidSecretRef::NoPath);
        }
        if text.starts_with("aws-secret:") {
            return Err(InvalidSecretRef::AwsSecret);
        }
        Err(InvalidSecretRef::Literal)
    }

    /// Fetches the secret from where it is kept.
    pub fn resolve(&self) -> Result<Secret, SecretError> {
        self.resolve_with(environment)
    }

    fn resolve_with(
        &self,
        environment: impl FnOnce(&str) -> Result<String, std::env::VarError>,
    ) -> Result<Secret, SecretError> {
        let secret = match self {
            Self::Env(name) => from_environment(name, environment)?,
            Self::File(path) => from_file(path)?,
        };
        if secret.expose().is_empty() { Err(SecretError::Empty(self.clone())) } else { Ok(secret) }
    }
}

/// Why a secret could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No such variable.
    #[error("the environment variable {0} is not set; set it where the hub is started")]
    Unset(String),
    /// The variable holds no text.
    #[error("the environment variable {0} is not valid UTF-8")]
    NotUnicode(String),
    /// The file cannot be read.
    #[error("the secret file {} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Others may read the file.
    #[error(
        "the secret file {path} has mode {mode:04o}, which lets others at it; run: chmod 600 {path}",
        path = path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is too large to be a secret.
    #[error("the secret file {} is longer than {MAX_SECRET_BYTES} bytes", .0.display())]
    TooLong(PathBuf),
    /// Nothing in it.
    #[error("the secret {0} is empty")]
    Empty(SecretRef),
}

fn is_env_name(name: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(is_first)
        && name.bytes().all(|byte| is_first(byte) || byte.is_ascii_digit())
}

#[expect(clippy::disallowed_methods, reason = "this is the one place where secrets are resolved")]
fn environment(name: &str) -> Result<String, std::env::VarError> {
    std::env::var(name)
}

fn from_environment(
    name: &str,
    environment: impl FnOnce(&str) -> Result<String, std::env::VarError>,
) -> Result<Secret, SecretError> {
    environment(name).map(Secret::new).map_err(|error| match error {
        std::env::VarError::NotPresent => SecretError::Unset(name.to_owned()),
        std::env::VarError::NotUnicode(_) => SecretError::NotUnicode(name.to_owned()),
    })
}

fn from_file(path: &Path) -> Result<Secret, SecretError> {
    let unreadable = |error| SecretError::Unreadable { path: path.to_owned(), error };
    let file = File::open(path).map_err(unreadable)?;
    check_mode(&file, path)?;
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(MAX_SECRET_BYTES + 1).unwrap_or(0)));
    file.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        return Err(SecretError::TooLong(path.to_owned()));
    }
    let length = text.strip_suffix('\n').map_or(text.len(), |line| line.trim_end_matches('\r').len());
    text.truncate(length);
    Ok(text.into())
}

#[cfg(unix)]
fn check_mode(file: &File, path: &Path) -> Result<(), SecretError> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let metadata =
        file.metadata().map_err(|error| SecretError::Unreadable { path: path.to_owned(), error })?;
    let mode = metadata.permissions().mode() & 0o7777;
    // Where the process cannot be asked for its user, it counts as root, for whom nothing is excepted.
    let reader = std::fs::metadata("/proc/self").map_or(0, |own| own.uid());
    if is_private(mode, (metadata.uid(), metadata.gid()), reader) {
        return Ok(());
    }
    Err(SecretError::TooOpen { path: path.to_owned(), mode })
}

/// Whether nobody but the reader, and root, can read a file.
///
/// systemd hands a credential to a service by an access list: the file stays root's, and its mode shows what the list allows
/// as the right of its group, which is root's too.
#[cfg(unix)]
const fn is_private(mode: u32, (owner, group): (u32, u32), reader: u32) -> bool {
    let is_handed_over = owner == 0 && group == 0 && reader != 0;
    let allowed = if is_handed_over { 0o640 } else { 0o600 };
    mode & !allowed == 0
}

#[cfg(not(unix))]
fn check_mode(_file: &File, _path: &Path) -> Result<(), SecretError> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn s21_a_credential_of_systemd_is_private_and_a_file_of_a_group_is_not() {
        let (root, service) = ((0, 0), 61_234);
        assert!(is_private(0o400, root, 0) && is_private(0o600, (1000, 1000), 1000));
        assert!(is_private(0o440, root, service), "the mask of an access list");
        for (mode, owner, reader) in [
            (0o444, root, service),
            (0o460, root, service),
            (0o440, root, 0),
            (0o440, (0, 1000), service),
            (0o440, (1000, 0), service),
            (0o640, (1000, 1000), 1000),
        ] {
            assert!(!is_private(mode, owner, reader), "{mode:o} of {owner:?} for {reader}");
        }
    }
}
