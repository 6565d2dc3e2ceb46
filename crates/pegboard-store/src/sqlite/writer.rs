//! The one thread that writes.
//!
//! Jobs that wait are committed together: one transaction, a savepoint each, one wait for the disk. A job that
//! fails takes back its own savepoint and nobody else's. Nobody is answered before the commit.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use pegboard_model::Timestamp;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::check::Soundness;
use super::fault::{Failure, Fault, Tried};
use super::lock::StoreLock;
use crate::{Result, StoreError, failpoint};

/// How many jobs may wait; whoever brings one more waits until there is room.
const QUEUED_JOBS: usize = 128;

/// How many jobs are committed together at most, which bounds how long the first of them waits for the others.
const GROUPED_JOBS: usize = 64;

/// What a job works with.
#[derive(Debug)]
pub(super) struct Step<'a> {
    /// The connection, within the job's savepoint.
    pub(super) connection: &'a Connection,
    /// The instant of the commit, by the store's clock.
    pub(super) now: Timestamp,
    /// Whether the job added to a feed, so that readers are to be woken.
    pub(super) fed: bool,
}

/// The way to the thread.
pub(super) struct Writer {
    soundness: Soundness,
    jobs: Mutex<Option<mpsc::Sender<Work>>>,
    /// Ends when the thread has let go of the file.
    ended: watch::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread. It keeps `lock` until the connection is closed, and counts commits that fed a feed in
    /// `woken`.
    pub(super) fn start(
        connection: Connection,
        lock: StoreLock,
        clock: fn() -> Timestamp,
        woken: watch::Sender<u64>,
        soundness: Soundness,
    ) -> Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUED_JOBS);
        let (end, ended) = watch::channel(());
        let thread = std::thread::Builder::new().name("store-writer".to_string()).spawn(move || {
            WriterThread { connection, clock, woken }.serve(queue);
            drop(lock);
            drop(end);
        });
        let thread = thread
            .map_err(|error| StoreError::Database { operation: "start the writer", cause: error.into() })?;
        Ok(Self { soundness, jobs: Mutex::new(Some(jobs)), ended, thread: Some(thread) })
    }

    /// Has `work` done and committed. If the caller stops waiting, it may be committed all the same.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Step<'_>) -> Tried<T> + Send + 'static,
    ) -> Result<T> {
        self.soundness.check()?;
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (asker, answer) = oneshot::channel();
        let job = Work::Together(Box::new(Asked { operation, work: Some(work), outcome: None, asker }));
        jobs.ok_or(StoreError::Closed)?.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Has `work` done outside of any transaction; everybody else waits meanwhile.
    pub(super) async fn run_alone<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Tried<T> + Send + 'static,
    ) -> Result<T> {
        self.soundness.check()?;
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (asker, answer) = oneshot::channel();
        let alone = move |connection: &Connection| {
            // An asker who no longer waits needs no answer.
            drop(asker.send(work(connection).map_err(|fault| fault.during(operation))));
        };
        let alone = Work::Alone(Box::new(alone));
        jobs.ok_or(StoreError::Closed)?.send(alone).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Takes no more jobs, and waits until those that were taken are committed and the file is closed.
    pub(super) async fn shut_down(&self) {
        self.take_no_more();
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    /// How many more jobs fit into the queue; nothing once it is closed.
    #[cfg(test)]
    pub(super) fn room(&self) -> Option<usize> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().map(mpsc::Sender::capacity)
    }

    fn take_no_more(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Drop for Writer {
    /// Waits for the jobs in the queue, so that whoever opens the file next finds it free and complete.
    fn drop(&mut self) {
        self.take_no_more();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported by its own hook.
            drop(thread.join());
        }
    }
}

/// What waits in the queue.
enum Work {
    /// Committed with others.
    Together(Box<dyn Job>),
    /// Done outside of any transaction.
    Alone(Box<dyn FnOnce(&Connection) + Send>),
}

/// A piece of work with somebody who waits for it.
trait Job: Send {
    /// Does the work, within its savepoint. Answers whether it succeeded.
    fn run(&mut self, step: &mut Step<'_>) -> bool;

    /// The savepoint could not be set or let go: the work counts as failed.
    fn fail(&mut self, fault: Fault);

    /// Why it failed, if it did.
    fn error(&self) -> Option<&StoreError>;

    /// Tells the asker, now that it is known what came of the transaction.
    fn answer(self: Box<Self>, transaction: std::result::Result<(), &Failure>);
}

struct Asked<T, F> {
    operation: &'static str,
    work: Option<F>,
    outcome: Option<Result<T>>,
    asker: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Asked<T, F>
where
    T: Send,
    F: FnOnce(&mut Step<'_>) -> Tried<T> + Send,
{
    fn run(&mut self, step: &mut Step<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        let outcome = work(step).map_err(|fault| fault.during(self.operation));
        self.outcome.insert(outcome).is_ok()
    }

    fn fail(&mut self, fault: Fault) {
        self.outcome = Some(Err(fault.during(self.operation)));
    }

    fn error(&self) -> Option<&StoreError> {
        self.outcome.as_ref()?.as_ref().err()
    }

    fn answer(self: Box<Self>, transaction: std::result::Result<(), &Failure>) {
        let answer = match (self.outcome, transaction) {
            (Some(Err(own)), _) => Err(own),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(failure)) => Err(failure.during(self.operation)),
            (None, Ok(())) => Err(StoreError::Closed),
        };
        // An asker who no longer waits needs no answer.
        drop(self.asker.send(answer));
    }
}

struct WriterThread {
    connection: Connection,
    clock: fn() -> Timestamp,
    woken: watch::Sender<u64>,
}

impl WriterThread {
    fn serve(self, mut queue: mpsc::Receiver<Work>) {
        while let Some(first) = queue.blocking_recv() {
            let mut group = VecDeque::new();
            let mut next = Some(first);
            let mut alone = None;
            while let Some(work) = next.take() {
                match work {
                    Work::Together(job) => group.push_back(job),
                    Work::Alone(work) => alone = Some(work),
                }
                if alone.is_none() && group.len() < GROUPED_JOBS {
                    next = queue.try_recv().ok();
                }
            }
            while !group.is_empty() {
                self.commit_together(&mut group);
            }
            if let Some(work) = alone {
                work(&self.connection);
            }
        }
    }

    /// Runs jobs from the front of `group` in one transaction and answers them. Those that are left when SQLite
    /// gave up the transaction are for the next.
    fn commit_together(&self, group: &mut VecDeque<Box<dyn Job>>) {
        if let Err(error) = self.connection.execute_batch("BEGIN IMMEDIATE") {
            let failure = Failure::from(&error);
            group.drain(..).for_each(|job| job.answer(Err(&failure)));
            return;
        }
        failpoint!("group.begun");
        let mut ran = Vec::with_capacity(group.len());
        let mut fed = false;
        let mut abandoned = None;
        let now = (self.clock)();
        while let Some(mut job) = group.pop_front() {
            let mut step = Step { connection: &self.connection, now, fed: false };
            fed |= run_alone(&mut step, &mut *job) && step.fed;
            if self.connection.is_autocommit() {
                abandoned = Some(Failure::abandoned(job.error()));
            }
            ran.push(job);
            if abandoned.is_some() {
                break;
            }
            if !group.is_empty() {
                failpoint!("group.between_jobs");
            }
        }
        let committed = abandoned.map_or_else(|| self.commit(), Err);
        for job in ran {
            job.answer(committed.as_ref().copied());
        }
        failpoint!("group.answered");
        if committed.is_ok() && fed {
            self.woken.send_modify(|commits| *commits += 1);
        }
    }

    /// Commits, or leaves no transaction behind.
    fn commit(&self) -> std::result::Result<(), Failure> {
        failpoint!("group.before_commit");
        let committed = self.connection.execute_batch("COMMIT");
        failpoint!("group.after_commit");
        committed.map_err(|error| {
            if !self.connection.is_autocommit() {
                // If this fails too, the next BEGIN fails and says so.
                drop(self.connection.execute_batch("ROLLBACK"));
            }
            Failure::from(&error)
        })
    }
}

/// Runs one job within a savepoint of its own. Answers whether what it did stands.
fn run_alone(step: &mut Step<'_>, job: &mut dyn Job) -> bool {
    let connection = step.connection;
    if let Err(error) = execute(connection, "SAVEPOINT job") {
        job.fail(error.into());
        return false;
    }
    let succeeded = job.run(step);
    if connection.is_autocommit() {
        return false;
    }
    let left = if succeeded {
        execute(connection, "RELEASE job")
    } else {
        execute(connection, "ROLLBACK TO job").and_then(|()| execute(connection, "RELEASE job"))
    };
    match left {
        Ok(()) => succeeded,
        Err(error) => {
            job.fail(error.into());
            // What the job wrote cannot be told from the rest: give up the transaction.
            drop(connection.execute_batch("ROLLBACK"));
            false
        }
    }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}
