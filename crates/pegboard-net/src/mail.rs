//! Mails, by SMTP: to a server that may be reached, with TLS unless somebody insists, within time-outs.
//!
//! A mail counts as sent when the server has taken it ([RFC 5321], 4.2.5); whoever is told that it was not cannot know whether
//! it was, and sends it again under the same id.
//!
//! [RFC 5321]: https://www.rfc-editor.org/rfc/rfc5321

mod capped;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use lettre::Message;
use lettre::address::{AddressError, Envelope};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::extension::ClientId;
use pegboard_model::Timestamp;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;

use self::capped::Capped;
use crate::client::{self, ClientError};
use crate::connect::{ConnectError, Connector, System};
use crate::egress::Egress;
use crate::{Secret, egress};

/// The most recipients of a mail.
pub const MOST_RECIPIENTS: usize = 100;

/// The most that a server answers during one mail, in bytes.
pub const MOST_ANSWERED: usize = 64 << 10;

/// How the connection to the server is made safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte on, usually at port 465.
    Implicit,
    /// TLS before anything is said, usually at port 587. A server that does not offer it is told nothing.
    StartTls,
    /// None: mails and passwords can be read by whoever is between.
    DangerousPlain,
}

/// Where mails are handed in.
#[derive(Debug, Clone)]
pub struct MailOptions {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub security: Security,
    /// Who signs in there, and the password; nobody where the server asks for nobody.
    pub login: Option<(String, Secret)>,
    /// What may be reached.
    pub egress: Egress,
    /// Certificates that are trusted besides those of the operating system.
    pub roots: Option<PathBuf>,
    /// How long making a connection may take.
    pub connect: Duration,
    /// How long all of it may take.
    pub total: Duration,
}

/// An address of a mailbox, with or without a name: `Ops <ops@example.com>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAddress(Mailbox);

impl std::str::FromStr for MailAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        text.parse().map(Self)
    }
}

impl MailAddress {
    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.email.domain()
    }
}

impl std::fmt::Display for MailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// From whom.
    pub from: MailAddress,
    /// To whom, [`MOST_RECIPIENTS`] at most.
    pub to: Vec<MailAddress>,
    /// When.
    pub at: Timestamp,
    /// By what receivers know it again, without brackets: `17-raised@host`.
    pub id: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// Why a mail is not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The server may not be reached.
    #[error("{server} is not asked: {refused}")]
    Refused {
        /// Which.
        server: String,
        /// Why.
        refused: egress::Refused,
    },
    /// No connection. Nothing was sent.
    #[error("{server} cannot be reached: {reason}")]
    Unreachable {
        /// Which.
        server: String,
        /// Why.
        reason: String,
    },
    /// It does not offer TLS.
    #[error("{server} offers no STARTTLS, so nothing is said to it: see whether it is the right port")]
    NoTls {
        /// Which.
        server: String,
    },
    /// Not in time. Whether it was taken nobody knows.
    #[error("{server} does not take the mail within {limit:?}")]
    Late {
        /// Which.
        server: String,
        /// The time it had.
        limit: Duration,
    },
    /// The server said something else than yes, or nothing that can be understood.
    #[error("{server} does not take the mail: {reason}")]
    NotTaken {
        /// Which.
        server: String,
        /// What it said.
        reason: String,
    },
    /// It is no mail.
    #[error("the mail cannot be written: {0}")]
    Unfit(String),
}

/// Sends mails.
#[derive(Clone)]
pub struct Mailer {
    options: Arc<MailOptions>,
    connector: Connector,
    tls: TlsParameters,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Mailer {
    /// Makes a mailer; connects to nobody yet. Fails if its certificates cannot be used.
    pub fn new(options: MailOptions) -> Result<Self, ClientError> {
        let roots = client::certificates(options.roots.clone())?;
        let tls = upgrade(&options.host, &roots).map_err(|error| ClientError::Mail(error.to_string()))?;
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
        let connector = Connector {
            egress: Arc::new(options.egress.clone()),
            resolver: Arc::new(System),
            tls: TlsConnector::from(Arc::new(client::tls(store)?)),
            limit: options.connect,
        };
        Ok(Self { options: Arc::new(options), connector, tls })
    }

    /// Hands a mail to the server; for all recipients or for none.
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = message(mail)?;
        let limit = self.options.total;
        let late = |_| MailError::Late { server: self.server(), limit };
        timeout(limit, self.hand_in(&message)).await.map_err(late)?
    }

    async fn hand_in(&self, message: &Message) -> Result<(), MailError> {
        let not_taken = |error: lettre::transport::smtp::Error| MailError::NotTaken {
            server: self.server(),
            reason: said(&error),
        };
        let hello = ClientId::Domain("pegboard".to_owned());
        let stream = self.connect().await.map_err(|error| self.unreachable(error))?;
        let mut connection =
            AsyncSmtpConnection::connect_with_transport(stream, &hello).await.map_err(not_taken)?;
        if self.options.security == Security::StartTls {
            if !connection.can_starttls() {
                return Err(MailError::NoTls { server: self.server() });
            }
            connection.starttls(self.tls.clone(), &hello).await.map_err(not_taken)?;
        }
        if let Some((user, password)) = &self.options.login {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, &credentials).await.map_err(not_taken)?;
        }
        connection.send(message.envelope(), &message.formatted()).await.map_err(not_taken)?;
        // It is taken: how the server says good-bye changes nothing.
        let _farewell = connection.quit().await;
        Ok(())
    }

    async fn connect(&self) -> Result<Box<dyn AsyncTokioStream>, ConnectError> {
        let MailOptions { host, port, security, .. } = &*self.options;
        let connected = timeout(self.options.connect, async {
            let is_safe = *security != Security::DangerousPlain;
            let stream = self.connector.tcp(&self.connector.addresses(host, *port, is_safe).await?).await?;
            let peer = stream.peer_addr().ok();
            Ok(if *security == Security::Implicit {
                let stream = self.connector.secured(host, stream).await?;
                Box::new(Capped::new(stream, peer)) as Box<dyn AsyncTokioStream>
            } else {
                Box::new(Capped::new(stream, peer))
            })
        });
        let late = |_| ConnectError::Late { host: host.clone(), limit: self.options.connect };
        connected.await.map_err(late)?
    }

    fn unreachable(&self, error: ConnectError) -> MailError {
        match error {
            ConnectError::Refused(refused) => MailError::Refused { server: self.server(), refused },
            other => MailError::Unreachable { server: self.server(), reason: other.to_string() },
        }
    }

    fn server(&self) -> String {
        format!("{}:{}", self.options.host, self.options.port)
    }
}

/// The TLS of a connection that begins without, with the same certificates and provider as everything else.
fn upgrade(
    host: &str,
    roots: &[CertificateDer<'static>],
) -> Result<TlsParameters, lettre::transport::smtp::Error> {
    let usable = roots.iter().filter(|root| RootCertStore::empty().add((*root).clone()).is_ok());
    let trusted = usable.filter_map(|root| Certificate::from_der(root.to_vec()).ok());
    let nobody = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::None);
    trusted.fold(nobody, TlsParametersBuilder::add_root_certificate).build_rustls()
}

/// What went wrong, as the server said it, in one line.
fn said(error: &lettre::transport::smtp::Error) -> String {
    let text = error.to_string();
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(client::SHOWN).collect()
}

/// The longest list of recipients that is shown to each of them, in characters.
const LONGEST_LIST: usize = 900;

fn message(mail: &Mail) -> Result<Message, MailError> {
    let unfit = |error: lettre::error::Error| MailError::Unfit(error.to_string());
    let Mail { from, to, at, id, subject, text } = mail;
    if to.is_empty() || to.len() > MOST_RECIPIENTS {
        return Err(MailError::Unfit(format!("it has {} recipients, not 1 to {MOST_RECIPIENTS}", to.len())));
    }
    let seconds = at.as_millis().max(0).unsigned_abs() / 1000;
    let head = Message::builder()
        .from(from.0.clone())
        .date(UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(format!("<{id}>")))
        .subject(subject.replace(['\r', '\n'], " "))
        .header(ContentType::TEXT_PLAIN);
    // A line of a mail has 998 characters at most (RFC 5322, 2.1.1): a longer list is told to the server alone.
    let shown: usize = to.iter().map(|to| to.0.to_string().len() + 2).sum();
    let head = if shown < LONGEST_LIST {
        to.iter().fold(head, |head: MessageBuilder, to| head.to(to.0.clone()))
    } else {
        let envelope =
            Envelope::new(Some(from.0.email.clone()), to.iter().map(|to| to.0.email.clone()).collect());
        head.to(from.0.clone()).envelope(envelope.map_err(unfit)?)
    };
    head.body(text.clone()).map_err(unfit)
}

#[cfg(test)]
mod tests;
