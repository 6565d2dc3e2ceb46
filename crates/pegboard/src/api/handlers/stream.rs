//! Changes of agents' states as they happen: server-sent events.
//!
//! The feed of the store is the truth, and the cursor of a reader is all that is kept of him: the stream reads on
//! from there, page by page, whenever the store wakes it, and every second in case it was not woken.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use pegboard_model::SourceName;
use pegboard_store::{Cursor, FeedKind, FeedPage, ParseCursorError, StoreError};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::api::body;
use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::query::Params;
use crate::api::serve::Draining;
use crate::api::state::ApiState;
use crate::api::throttle::Slot;

/// Entries that are read from the feed at once.
const PAGE: usize = 256;
/// Pages that wait for a reader. With the page that is being sent this bounds what a slow reader costs.
const WAITING: usize = 2;
/// The least time between two reads of a feed that has nothing more to give, for each reader that there is: what all
/// of them cost a busy hub is bounded, by five hundred reads a second, and few of them hardly wait.
const PACE_EACH: Duration = Duration::from_millis(2);
/// The longest such time, however many readers there are: nobody sees a tenth of a second.
const PACE_MOST: Duration = Duration::from_millis(100);

/// `GET /agents/stream`.
pub(crate) async fn stream(
    State(state): State<ApiState>,
    caller: Caller,
    params: Params,
    draining: Option<Extension<Draining>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let busy = || ApiError::too_many(Duration::from_secs(15), "too many streams with this token at once");
    let slot = state.streams.take(caller.id()).ok_or_else(busy)?;
    let sources = caller.scope(&state, params.all("source")).await?;
    let woken = state.store.woken();
    let (first, cursor) = match start(&params, &headers)? {
        Some(cursor) => {
            let page = state.store.feed(FeedKind::States, &cursor, &sources, PAGE).await?;
            (Some(page), cursor)
        }
        None => (None, state.store.feed_end(FeedKind::States).await?),
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    // The feed adds sources of the scope only, so that what is narrow once stays narrow.
    let cursor = caller.narrow(cursor);
    let writer = Writer { state, caller, sources, woken, read_at: Instant::now(), cursor, sender, slot };
    let draining = draining.map(|Extension(draining)| draining).unwrap_or_default();
    tokio::spawn(async move {
        tokio::select! {
            () = draining.begun() => {}
            () = writer.run(first) => {}
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        // Proxies that buffer would hold events back.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, body::sent(receiver)).into_response())
}

/// The cursor to start after. The header outranks the query: a browser that reconnects repeats the address it was
/// given at first, and adds how far it came in the header.
fn start(params: &Params, headers: &HeaderMap) -> Result<Option<Cursor>, ApiError> {
    let last = headers.get("last-event-id").map(|id| id.to_str().unwrap_or("?")).filter(|id| !id.is_empty());
    let given =
        last.map(|id| ("header.last-event-id", id)).or(params.one("after").map(|id| ("query.after", id)));
    given.map(|(path, text)| cursor(path, text)).transpose()
}

/// A cursor is written into the stream as it is read: what would end its line is none.
fn cursor(path: &'static str, text: &str) -> Result<Cursor, ApiError> {
    let parsed =
        if text.bytes().all(|byte| byte.is_ascii_graphic()) { text.parse() } else { Err(ParseCursorError) };
    parsed.map_err(|error| ApiError::bad_request(path, error.to_string()))
}

/// Why a stream ends.
enum End {
    /// The reader left, was too slow, or may no longer read.
    Reader,
    /// The cursor is no longer valid.
    Gone,
    /// The store failed. The reader comes back with his cursor.
    Store(StoreError),
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::CursorGone => Self::Gone,
            error => Self::Store(error),
        }
    }
}

/// What writes one stream.
struct Writer {
    state: ApiState,
    caller: Caller,
    sources: Vec<SourceName>,
    woken: watch::Receiver<u64>,
    read_at: Instant,
    cursor: Cursor,
    sender: mpsc::Sender<Bytes>,
    /// Held while the stream lasts.
    #[expect(dead_code, reason = "it counts by being there")]
    slot: Slot,
}

impl Writer {
    async fn run(mut self, first: Option<FeedPage>) {
        match self.write(first).await {
            Ok(never) => match never {},
            Err(End::Reader | End::Store(StoreError::Closed)) => {}
            Err(End::Gone) => {
                let _ended = self.send(self.moment("gone")).await;
            }
            Err(End::Store(error)) => {
                tracing::error!(error = %error, "a stream ends because the store failed");
            }
        }
    }

    async fn write(&mut self, mut first: Option<FeedPage>) -> Result<Infallible, End> {
        // The first event says at once that the stream lives, and from where.
        self.send(self.moment("heartbeat")).await?;
        let mut heartbeat = Instant::now() + self.state.limits.heartbeat;
        loop {
            let page = match first.take() {
                Some(page) => page,
                None => self.read().await?,
            };
            let more = page.more;
            let events = self.events(page);
            self.send(events).await?;
            if Instant::now() >= heartbeat {
                self.beat().await?;
                heartbeat = Instant::now() + self.state.limits.heartbeat;
            }
            if !more {
                self.wait(heartbeat).await?;
            }
        }
    }

    /// The next page. What is committed from here on wakes the next wait.
    async fn read(&mut self) -> Result<FeedPage, StoreError> {
        self.woken.mark_unchanged();
        self.read_at = Instant::now();
        self.state.store.feed(FeedKind::States, &self.cursor, &self.sources, PAGE).await
    }

    /// The entries of a page as events, each with the cursor after it.
    fn events(&mut self, page: FeedPage) -> String {
        let mut text = String::new();
        for entry in page.entries {
            self.cursor.seen.insert(entry.source, entry.number);
            self.write_event(&mut text, "state", &entry.body);
        }
        text
    }

    fn write_event(&self, text: &mut String, event: &str, data: &str) {
        // Writing to a text does not fail. JSON on one line is one line of data.
        let _infallible = write!(text, "event: {event}\nid: {}\ndata: {data}\n\n", self.cursor);
    }

    fn moment(&self, event: &str) -> String {
        let mut text = String::new();
        self.write_event(&mut text, event, &format!("{{\"at\":\"{}\"}}", self.state.view.now()));
        text
    }

    async fn beat(&self) -> Result<(), End> {
        if !self.caller.is_still_valid(&self.state).await {
            return Err(End::Reader);
        }
        self.send(self.moment("heartbeat")).await
    }

    /// Hands text to the connection; a reader that leaves it waiting for too long is cut off.
    async fn send(&self, text: String) -> Result<(), End> {
        if text.is_empty() {
            return Ok(());
        }
        let sent = timeout(self.state.limits.patience, self.sender.send(text.into())).await;
        if sent.is_err() {
            self.state.metrics.stream_cut_off();
        }
        sent.is_ok_and(|sent| sent.is_ok()).then_some(()).ok_or(End::Reader)
    }

    /// Waits until there may be something to send. Commits that follow each other closely are read together.
    async fn wait(&mut self, heartbeat: Instant) -> Result<(), End> {
        let poll = Instant::now() + self.state.limits.poll;
        let woken = async {
            // A store that is gone wakes nobody; reading it says so.
            let _gone = self.woken.changed().await;
            sleep_until(self.read_at + pace(self.state.streams.in_use())).await;
        };
        tokio::select! {
            () = self.sender.closed() => Err(End::Reader),
            () = woken => Ok(()),
            () = sleep_until(poll.min(heartbeat)) => Ok(()),
        }
    }
}

/// How long a reader waits between two reads, where there are so many readers.
fn pace(readers: usize) -> Duration {
    let readers = u32::try_from(readers).unwrap_or(u32::MAX);
    PACE_EACH.saturating_mul(readers).min(PACE_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_readers_together_read_so_often_and_one_never_waits_long() {
        assert_eq!(pace(1), Duration::from_millis(2));
        assert_eq!(pace(50), Duration::from_millis(100));
        assert_eq!(pace(51), Duration::from_millis(100));
        assert_eq!(pace(usize::MAX), Duration::from_millis(100));
    }
}
