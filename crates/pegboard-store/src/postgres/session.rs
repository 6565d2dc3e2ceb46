//! A connection, and how several statements share one way to the database and back.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use super::fault::{Fault, Tried};

/// Begins a transaction that writes. Each statement sees what was committed before it; rows are locked as they are
/// written.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Begins a transaction all of whose statements see one moment.
pub(super) const BEGIN_MOMENT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Ends a transaction.
pub(super) const COMMIT: &str = "COMMIT";

/// A statement with its parameters.
pub(super) struct Call<'a> {
    sql: &'static str,
    parameters: Vec<Box<dyn ToSql + Sync + Send + 'a>>,
}

impl<'a> Call<'a> {
    pub(super) fn new(sql: &'static str) -> Self {
        Self { sql, parameters: Vec::new() }
    }

    /// Adds the next parameter.
    pub(super) fn with(mut self, parameter: impl ToSql + Sync + Send + 'a) -> Self {
        self.parameters.push(Box::new(parameter));
        self
    }
}

/// Statements that are sent together, without waiting for one answer before the next.
#[derive(Default)]
pub(super) struct Pipeline<'a> {
    calls: Vec<Call<'a>>,
}

impl<'a> Pipeline<'a> {
    pub(super) fn new(first: &'static str) -> Self {
        Self { calls: vec![Call::new(first)] }
    }

    /// Adds a statement; answers its place among the answers.
    pub(super) fn add(&mut self, call: Call<'a>) -> usize {
        self.calls.push(call);
        self.calls.len() - 1
    }

    /// Adds statements that answer nothing.
    pub(super) fn extend(&mut self, calls: impl IntoIterator<Item = Call<'a>>) {
        self.calls.extend(calls);
    }
}

/// A connection with its prepared statements.
pub(super) struct Session {
    client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
    patience: Duration,
    /// Whether a transaction may be open, or an answer on its way.
    busy: AtomicBool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("busy", &self.busy).finish_non_exhaustive()
    }
}

impl Session {
    /// `patience` is how long one exchange may take.
    pub(super) fn new(client: Client, patience: Duration) -> Self {
        Self { client, statements: Mutex::default(), patience, busy: AtomicBool::new(false) }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether the next user has to be kept from what the last one left: an open transaction, or an answer.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    /// Ends whatever was left open.
    pub(super) async fn clear(&self) -> Tried<()> {
        self.execute("ROLLBACK").await?;
        self.busy.store(false, Ordering::Release);
        Ok(())
    }

    /// Runs statements without parameters, and answers nothing. Leaves no transaction open.
    pub(super) async fn execute(&self, sql: &str) -> Tried<()> {
        self.in_time(async { Ok(self.client.batch_execute(sql).await?) }).await
    }

    /// Runs one statement, in the open transaction or as one of its own.
    pub(super) async fn call(&self, call: Call<'_>) -> Tried<Vec<Row>> {
        let mut answers = self.run(Pipeline { calls: vec![call] }).await?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// Runs statements in one exchange; answers the rows of each. Fails with the first that fails: those after it did
    /// nothing.
    ///
    /// A transaction that is left open is rolled back when the session goes back to its pool.
    pub(super) async fn run(&self, pipeline: Pipeline<'_>) -> Tried<Vec<Vec<Row>>> {
        let open = self.busy.swap(true, Ordering::AcqRel);
        let opens = pipeline.calls.first().is_some_and(|call| call.sql.starts_with("BEGIN"));
        let ends = pipeline.calls.last().is_some_and(|call| call.sql == COMMIT);
        let answers = self
            .in_time(async {
                self.prepare(&pipeline.calls).await?;
                let exchanges =
                    pipeline.calls.iter().map(|call| Box::pin(self.exchange(call)) as Exchange<'_>);
                in_order(exchanges.collect()).await.into_iter().collect::<Tried<Vec<_>>>()
            })
            .await?;
        self.busy.store((open || opens) && !ends, Ordering::Release);
        Ok(answers)
    }

    async fn in_time<T>(&self, work: impl Future<Output = Tried<T>>) -> Tried<T> {
        tokio::time::timeout(self.patience, work).await.unwrap_or(Err(Fault::Silent(self.patience)))
    }

    /// Has the statements prepared that are not yet: one more exchange, once in the life of a connection. It comes
    /// before, because a statement that waits for its preparation would be overtaken by the next.
    async fn prepare(&self, calls: &[Call<'_>]) -> Tried<()> {
        let known = |sql| self.statements().contains_key(sql);
        let mut missing: Vec<&'static str> =
            calls.iter().map(|call| call.sql).filter(|sql| !known(*sql)).collect();
        missing.sort_unstable();
        missing.dedup();
        let preparing = missing.iter().map(|sql| {
            Box::pin(async { Ok(self.client.prepare(sql).await?) })
                as Pin<Box<dyn Future<Output = Tried<Statement>> + Send>>
        });
        for (sql, statement) in missing.iter().zip(in_order(preparing.collect()).await) {
            self.statements().insert(sql, statement?);
        }
        Ok(())
    }

    fn statements(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Statement>> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn exchange(&self, call: &Call<'_>) -> Tried<Vec<Row>> {
        let statement = self.statements().get(call.sql).cloned();
        let parameters: Vec<&(dyn ToSql + Sync)> =
            call.parameters.iter().map(|parameter| &**parameter as &(dyn ToSql + Sync)).collect();
        match statement {
            Some(statement) => Ok(self.client.query(&statement, &parameters).await?),
            None => Ok(self.client.query(call.sql, &parameters).await?),
        }
    }
}

type Exchange<'a> = Pin<Box<dyn Future<Output = Tried<Vec<Row>>> + Send + 'a>>;

/// Waits for all. Each is started before the next, and the driver sends when it is started: that is the order in which
/// the database sees them.
async fn in_order<T>(mut futures: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Vec<T> {
    let mut outputs: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, output) in futures.iter_mut().zip(&mut outputs).filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(ready) => *output = Some(ready),
                Poll::Pending => waiting = true,
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    outputs.into_iter().flatten().collect()
}
