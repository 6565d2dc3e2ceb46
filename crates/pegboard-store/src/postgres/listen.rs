//! Waking readers, of this node and of the others.
//!
//! Whoever waits is woken by what its own node commits at once, by what others commit through a notification. A
//! notification may be lost with its connection, so that the ends of the feeds are looked at besides: they are the truth.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::codec::get;
use super::connect::Connector;
use super::fault::Tried;
use super::session::{Call, Session};
use crate::StoreId;

/// How often the ends of the feeds are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long to wait before the next try to connect.
const AGAIN: Duration = Duration::from_millis(500);

/// Wakes readers for as long as it lives.
#[derive(Debug)]
pub(super) struct Waker {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    woken: watch::Sender<u64>,
    /// Something was committed here that the others are to be told of.
    fed: AtomicBool,
    heard: Notify,
}

impl Shared {
    fn wake(&self) {
        self.woken.send_modify(|commits| *commits = commits.wrapping_add(1));
    }
}

impl Waker {
    /// Starts to listen. Stores with one identity wake each other.
    pub(super) fn start(connector: Arc<Connector>, id: &StoreId) -> Self {
        let shared = Arc::new(Shared {
            woken: watch::channel(0).0,
            fed: AtomicBool::new(false),
            heard: Notify::new(),
        });
        let channel = format!("pegboard_{}", id.as_str());
        let task = tokio::spawn(listen_for_ever(connector, shared.clone(), channel));
        Self { shared, task }
    }

    pub(super) fn woken(&self) -> watch::Receiver<u64> {
        self.shared.woken.subscribe()
    }

    /// Something was added to a feed and is committed: wakes the readers here, and soon those of other nodes.
    ///
    /// Not by NOTIFY within the transaction: the database lets only one such transaction commit at a time, and that would
    /// be the limit of all sources together.
    pub(super) fn fed(&self) {
        self.shared.wake();
        self.shared.fed.store(true, Ordering::Release);
        self.shared.heard.notify_one();
    }

    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn listen_for_ever(connector: Arc<Connector>, shared: Arc<Shared>, channel: String) {
    loop {
        // Why it ended is told to whoever uses the store: the same happens to them.
        drop(listen(&connector, &shared, &channel).await);
        shared.wake();
        tokio::time::sleep(AGAIN).await;
    }
}

/// Listens until the connection is lost.
async fn listen(connector: &Connector, shared: &Arc<Shared>, channel: &str) -> Tried<()> {
    let own = Arc::new(AtomicI32::new(0));
    let (heard, me) = (shared.clone(), own.clone());
    let session = connector
        .listen(move |process| {
            if me.load(Ordering::Relaxed) != process {
                heard.wake();
            }
        })
        .await?;
    session.execute(&format!("LISTEN {channel}")).await?;
    if let Some(row) = session.call(Call::new("SELECT pg_backend_pid()")).await?.first() {
        own.store(get(row, 0)?, Ordering::Relaxed);
    }
    // What came while nobody listened.
    shared.wake();
    let mut ends = ends(&session).await?;
    loop {
        if shared.fed.swap(false, Ordering::AcqRel) {
            session.execute(&format!("NOTIFY {channel}")).await?;
        }
        if tokio::time::timeout(LOOK, shared.heard.notified()).await.is_err() {
            let found = self::ends(&session).await?;
            if found != ends {
                ends = found;
                shared.wake();
            }
        }
    }
}

/// A number that grows with every entry of a feed.
async fn ends(session: &Session) -> Tried<i64> {
    let rows = session.call(Call::new("SELECT coalesce(sum(head), 0)::bigint FROM feeds")).await?;
    rows.first().map_or(Ok(0), |row| get(row, 0))
}
