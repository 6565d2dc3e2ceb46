//! A few connections for many callers.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connect::Connector;
use super::fault::Tried;
use super::session::Session;
use crate::StoreError;

/// Connections of one kind, opened when they are first needed.
#[derive(Debug)]
pub(super) struct Pool {
    connector: Arc<Connector>,
    size: u32,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Arc<Session>>>>,
}

impl Pool {
    /// At most `size` connections; further callers wait, in order.
    pub(super) fn new(connector: Arc<Connector>, size: u32) -> Self {
        Self { connector, size, permits: Arc::new(Semaphore::new(size as usize)), idle: Arc::default() }
    }

    /// A session of the caller's own until it is dropped.
    pub(super) async fn lend(&self) -> Tried<Lent> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let session = loop {
            let kept = lock(&self.idle).pop();
            match kept {
                Some(session) if session.is_closed() => {}
                Some(session) => break session,
                None => break Arc::new(self.connector.connect().await?),
            }
        };
        Ok(Lent { session, permit: Some(permit), idle: self.idle.clone() })
    }

    /// Closes the connections that nobody uses: one was lost, and the others are most likely, too.
    pub(super) fn forget(&self) {
        lock(&self.idle).clear();
    }

    /// Waits for those who asked before, and closes all connections. Whoever asks later is refused.
    pub(super) async fn shut_down(&self) {
        if let Ok(all) = self.permits.acquire_many(self.size).await {
            self.permits.close();
            all.forget();
        }
        self.forget();
    }
}

fn lock(idle: &Mutex<Vec<Arc<Session>>>) -> MutexGuard<'_, Vec<Arc<Session>>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A session that goes back to its pool when it is dropped, without an open transaction. Its caller may give up at any
/// moment.
#[derive(Debug)]
pub(super) struct Lent {
    session: Arc<Session>,
    /// There until it is dropped.
    permit: Option<OwnedSemaphorePermit>,
    idle: Arc<Mutex<Vec<Arc<Session>>>>,
}

impl Deref for Lent {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let (session, permit) = (self.session.clone(), self.permit.take());
        if session.is_closed() {
            return;
        }
        if !session.is_busy() {
            lock(&self.idle).push(session);
            return;
        }
        let idle = self.idle.clone();
        // Without a runtime the connection is closed, and with it the transaction.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if session.clear().await.is_ok() {
                lock(&idle).push(session);
            }
            drop(permit);
        });
    }
}
