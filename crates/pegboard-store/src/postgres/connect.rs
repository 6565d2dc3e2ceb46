//! How connections are made and set up.

use std::time::Duration;

use tokio_postgres::config::{self, TargetSessionAttrs};
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};

use super::PostgresOptions;
use super::codec::get;
use super::fault::Tried;
use super::session::{Call, Session};
use super::tls::{Encrypted, Tls};
use super::url::{PostgresUrl, SslMode};
use crate::{Result, StoreError};

/// The oldest version that is known to work.
const OLDEST: i32 = 14;

/// How much longer than the database's own limit an exchange may take here: the way there and back.
const WAY: Duration = Duration::from_secs(5);

/// What every connection is set to. Times are in milliseconds.
///
/// A node that was stopped in the middle of a transaction must not hold up the others: the database ends it. Plans go by
/// keys whatever the statistics say, because a table that grows fast has old ones; and no plan is worth compiling.
const SETTINGS: &str = "-c idle_in_transaction_session_timeout=5000 -c tcp_keepalives_idle=5 \
     -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c jit=off";

/// A commit is on the disk before it is told, even where the database is set to answer before. A setting that asks for
/// more, such as a standby's disk, stays.
pub(super) const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off'";

/// For connections that write: every statement finds its rows by key. That takes its share of the statements, too: a plan
/// is made once, often while the tables are empty, and then kept, and to an empty table every way is the same. A join would
/// leave it open to go over all rows of a source for each batch. So rows that are given by their keys are sought one by one,
/// in a `LATERAL` subquery that stays one (`OFFSET 0`, `LIMIT` or `FOR UPDATE`), and changed where they were found (`ctid`).
const BY_KEY: &str = " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

/// What connections of one kind have in common.
#[derive(Debug)]
pub(super) struct Connector {
    config: tokio_postgres::Config,
    tls: Tls,
    patience: Duration,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Write,
    Read,
}

impl Connector {
    pub(super) fn new(url: &PostgresUrl, options: &PostgresOptions, purpose: Use) -> Result<Self> {
        let mut config = url.config().clone();
        if let Some(password) = &options.password {
            config.password(password);
        }
        let limits = format!(
            " -c search_path={} -c statement_timeout={} -c lock_timeout={}",
            url.schema(),
            options.statement_timeout.as_millis(),
            options.lock_timeout.as_millis(),
        );
        let by_key = if purpose == Use::Write { BY_KEY } else { "" };
        config
            .application_name("pegboard")
            .options(format!("{SETTINGS}{limits}{by_key}"))
            .ssl_mode(match url.ssl_mode() {
                SslMode::Disable => config::SslMode::Disable,
                SslMode::Prefer => config::SslMode::Prefer,
                SslMode::Require | SslMode::VerifyFull => config::SslMode::Require,
            })
            // After a failover the host that was the primary comes back as a standby.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(options.connect_timeout)
            .tcp_user_timeout(Duration::from_secs(10))
            .keepalives_idle(Duration::from_secs(5))
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(3);
        Ok(Self { config, tls: Tls::new(url)?, patience: options.statement_timeout + WAY })
    }

    /// A new connection. What the server says besides answers is not heard.
    pub(super) async fn connect(&self) -> Tried<Session> {
        let (client, connection) = self.open().await?;
        // It ends with the client, or with an error that the client's next statement tells.
        tokio::spawn(async move { drop(connection.await) });
        let session = Session::new(client, self.patience);
        session.execute(DURABLE).await?;
        Ok(session)
    }

    /// A new connection that calls `heard` with the process that sent a notification, and ends when it is lost.
    pub(super) async fn listen(&self, heard: impl Fn(i32) + Send + 'static) -> Tried<Session> {
        let (client, mut connection) = self.open().await?;
        tokio::spawn(async move {
            while let Some(Ok(message)) =
                std::future::poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notification(notification) = message {
                    heard(notification.process_id());
                }
            }
        });
        Ok(Session::new(client, self.patience))
    }

    /// A new connection for statements that are made as they are needed.
    pub(super) async fn client(&self) -> Tried<Client> {
        let (client, connection) = self.open().await?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(client)
    }

    async fn open(&self) -> Tried<(Client, Connection<Socket, Encrypted<Socket>>)> {
        Ok(self.config.connect(self.tls.clone()).await?)
    }
}

/// What a server is, as far as it matters.
#[derive(Debug)]
pub(super) struct Server {
    /// Its version, for people.
    pub(super) version: String,
    /// Whether what it has committed survives a power cut.
    pub(super) keeps: bool,
    /// Whether it notices that a page of its files is not as it was written.
    pub(super) notices: bool,
}

/// Looks at a server; refuses one that does not know what this crate asks.
pub(super) async fn check_server(session: &Session) -> Tried<Server> {
    let settings = Call::new(
        "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding'),
                current_setting('server_version'), current_setting('fsync')::boolean,
                current_setting('data_checksums') = 'on'",
    );
    let refused = |cause: String| StoreError::Database { operation: "open the store", cause: cause.into() };
    let answers = session.call(settings).await?;
    let row = answers.first().ok_or_else(|| refused("the server does not say what it is".to_owned()))?;
    let (version, encoding): (i32, String) = (get(row, 0)?, get(row, 1)?);
    if version < OLDEST {
        return Err(refused(format!("it is PostgreSQL {version}: use {OLDEST} or newer")).into());
    }
    if encoding != "UTF8" {
        return Err(
            refused(format!("the database is encoded in {encoding}: make one with ENCODING 'UTF8'")).into()
        );
    }
    Ok(Server { version: get(row, 2)?, keeps: get(row, 3)?, notices: get(row, 4)? })
}
