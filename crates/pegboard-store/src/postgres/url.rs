//! Where a PostgreSQL store is, as text.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tokio_postgres::config::Host;

/// `postgres://user@host:5432/database?sslmode=verify-full&schema=pegboard`: a database and the schema in it.
///
/// Several hosts, parted by commas, are tried in turn until one is found that can be written. Parameters:
///
/// | name | meaning |
/// |---|---|
/// | `sslmode` | see [`SslMode`]; `verify-full` unless all hosts are this machine |
/// | `sslrootcert` | a PEM file with the certificates that are trusted instead of the system's |
/// | `schema` | the schema that the tables are in, made where there is none; `public` |
/// | `host` | the folder of a Unix socket, where the URL itself names no host |
///
/// It holds no password and is safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    text: String,
    config: tokio_postgres::Config,
    ssl_mode: SslMode,
    root_certificates: Option<PathBuf>,
    schema: String,
}

/// How the way to the database is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Not at all.
    Disable,
    /// Encrypted if the server can; nobody sees to it that it is the right server.
    Prefer,
    /// Encrypted; nobody sees to it that it is the right server.
    Require,
    /// Encrypted, and the server shows a certificate for the host of the URL, signed by somebody who is trusted.
    VerifyFull,
}

/// Why a text is not the URL of a PostgreSQL store. It never holds the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPostgresUrl {
    /// The scheme is another one, or the rest of it cannot be read.
    #[error("it is not of the form postgres://user@host:5432/database?sslmode=verify-full")]
    Form,
    /// A password stands in it.
    #[error(
        "a password does not belong into the URL: URLs end up in logs and lists of processes; name the place where the \
         password is kept instead, and replace this one"
    )]
    Password,
    /// The database is not named.
    #[error("it names no {0}")]
    Missing(&'static str),
    /// The parameter is not known.
    #[error("the parameter {0} is not known; known are sslmode, sslrootcert, schema and host")]
    UnknownParameter(String),
    /// The mode is not known.
    #[error("sslmode is one of disable, prefer, require and verify-full")]
    SslMode,
    /// The schema's name would need quotes.
    #[error(
        "schema is a name of 1 to 63 small letters, digits and underscores that does not start with a digit"
    )]
    Schema,
}

impl PostgresUrl {
    pub(super) fn config(&self) -> &tokio_postgres::Config {
        &self.config
    }

    pub(super) fn ssl_mode(&self) -> SslMode {
        self.ssl_mode
    }

    pub(super) fn root_certificates(&self) -> Option<&PathBuf> {
        self.root_certificates.as_ref()
    }

    /// The same with the path of `sslrootcert` relative to a folder.
    #[must_use]
    pub fn beside(self, folder: &Path) -> Self {
        let root_certificates = self.root_certificates.map(|path| folder.join(path));
        Self { root_certificates, ..self }
    }

    /// The schema that the tables are in.
    pub fn schema(&self) -> &str {
        &self.schema
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for PostgresUrl {
    type Err = InvalidPostgresUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !(text.starts_with("postgres://") || text.starts_with("postgresql://"))
            || text.contains(['\0', '\n'])
        {
            return Err(InvalidPostgresUrl::Form);
        }
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        if has_password(base) {
            return Err(InvalidPostgresUrl::Password);
        }
        let mut config: tokio_postgres::Config = base.parse().map_err(|_| InvalidPostgresUrl::Form)?;
        let mut url_mode = None;
        let mut root_certificates = None;
        let mut schema = "public".to_owned();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "sslmode" => url_mode = Some(ssl_mode(&value)?),
                "sslrootcert" => root_certificates = Some(PathBuf::from(&*value)),
                "schema" => {
                    schema = Some(value.into_owned())
                        .filter(|name| is_schema(name))
                        .ok_or(InvalidPostgresUrl::Schema)?;
                }
                "host" if value.starts_with('/') => drop(config.host(value)),
                "password" => return Err(InvalidPostgresUrl::Password),
                other => return Err(InvalidPostgresUrl::UnknownParameter(known_shape(other))),
            }
        }
        let named = [
            ("user", config.get_user().is_some()),
            ("host", !config.get_hosts().is_empty()),
            ("database", config.get_dbname().is_some()),
        ];
        if let Some((what, _)) = named.into_iter().find(|(_, named)| !named) {
            return Err(InvalidPostgresUrl::Missing(what));
        }
        let ssl_mode = url_mode.unwrap_or_else(|| default_mode(config.get_hosts()));
        Ok(Self { text: text.to_owned(), config, ssl_mode, root_certificates, schema })
    }
}

fn has_password(base: &str) -> bool {
    let authority = base.split_once("//").map_or("", |(_, rest)| rest);
    // A password may hold a slash that somebody forgot to escape: the last @ ends it.
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

fn ssl_mode(value: &str) -> Result<SslMode, InvalidPostgresUrl> {
    Ok(match value {
        "disable" => SslMode::Disable,
        "prefer" => SslMode::Prefer,
        "require" => SslMode::Require,
        "verify-full" => SslMode::VerifyFull,
        _ => return Err(InvalidPostgresUrl::SslMode),
    })
}

fn is_schema(name: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (1..=63).contains(&name.len())
        && name.bytes().next().is_some_and(is_first)
        && name.bytes().all(|byte| is_first(byte) || byte.is_ascii_digit())
        && !name.starts_with("pg_")
}

/// The name of a parameter, unless it may be something else.
fn known_shape(name: &str) -> String {
    let is_name = name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_name { name.to_owned() } else { "that stands there".to_owned() }
}

fn default_mode(hosts: &[Host]) -> SslMode {
    let here = |host: &Host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    if hosts.iter().all(here) { SslMode::Prefer } else { SslMode::VerifyFull }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> PostgresUrl {
        text.parse().unwrap()
    }

    fn refusal(text: &str) -> InvalidPostgresUrl {
        text.parse::<PostgresUrl>().unwrap_err()
    }

    #[test]
    fn a_url_says_where_and_how() {
        let given = "postgres://hub@db.example:5433/pegboard?sslmode=require&schema=hub_1&sslrootcert=/etc/ca%20s.pem";
        let read = url(given);
        assert_eq!(read.to_string(), given);
        assert_eq!((read.ssl_mode(), read.schema()), (SslMode::Require, "hub_1"));
        assert_eq!(read.root_certificates(), Some(&PathBuf::from("/etc/ca s.pem")));
        assert_eq!((read.config().get_user(), read.config().get_dbname()), (Some("hub"), Some("pegboard")));
        assert_eq!(read.config().get_ports(), [5433]);
        assert_eq!(url("postgresql://hub@a,b/pegboard").config().get_hosts().len(), 2);
        assert_eq!(url("postgres://hub@/pegboard?host=/run/postgresql").schema(), "public");
    }

    #[test]
    fn only_on_this_machine_nobody_has_to_prove_who_he_is() {
        for here in ["localhost", "127.0.0.1", "[::1]", "localhost,127.0.0.2"] {
            assert_eq!(url(&format!("postgres://hub@{here}/pegboard")).ssl_mode(), SslMode::Prefer, "{here}");
        }
        for away in ["db.example", "10.0.0.1", "localhost,db.example"] {
            assert_eq!(
                url(&format!("postgres://hub@{away}/pegboard")).ssl_mode(),
                SslMode::VerifyFull,
                "{away}"
            );
        }
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for given in [
            "postgres://hub:hunter2@db/pegboard",
            "postgres://hub:hun/ter2@db/pegboard",
            "postgres://hub:@db/pegboard",
            "postgres://hub@db/pegboard?password=hunter2",
        ] {
            assert_eq!(refusal(given), InvalidPostgresUrl::Password, "{given}");
        }
        assert!(!refusal("postgres://hub@db/pegboard?Hunter2=1").to_string().contains("unter2"));
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        assert_eq!(refusal("mysql://hub@db/pegboard"), InvalidPostgresUrl::Form);
        assert_eq!(refusal("postgres://hub@db:port/pegboard"), InvalidPostgresUrl::Form);
        assert_eq!(refusal("postgres://db/pegboard"), InvalidPostgresUrl::Missing("user"));
        assert_eq!(refusal("postgres://hub@db"), InvalidPostgresUrl::Missing("database"));
        assert_eq!(refusal("postgres://hub@db/p?sslmode=verify-ca"), InvalidPostgresUrl::SslMode);
        assert_eq!(
            refusal("postgres://hub@db/p?options=x"),
            InvalidPostgresUrl::UnknownParameter("options".into())
        );
        for schema in ["", "1st", "Hub", "a-b", "pg_hub", "a\"b"] {
            assert_eq!(refusal(&format!("postgres://hub@db/p?schema={schema}")), InvalidPostgresUrl::Schema);
        }
    }
}
