//! A lane at work: what was handed over is acknowledged, then the next piece is found, fetched and handed over.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use pegboard_aws as aws;
use pegboard_model::{Millis, Position, Timestamp};
use tokio::time::Instant;

use super::content::{Pieces, Records, Unfetched, Wanted};
use super::file::{self, Outcome, ReadFile};
use super::finding::{Choice, Found, MOST_CHOSEN, Recent};
use super::input::{Lane, source_error};
use super::messages::Messages;
use super::notification::{self, Notice, Told};
use super::position::{LanePosition, Within};
use super::{Content, place};
use crate::sources::look::Look;
use crate::spec::{Broken, Chunk, Lost, SourceError};

/// The most pages of one listing: ten million objects.
const MOST_PAGES: u32 = 10_000;

/// How long before its position a listing looks again: an object is dated when its writing begins and seen when it has ended.
const OVERLAP: Millis = Millis::from_hours(1);

/// How often the queue is asked while there is a backlog of listed objects, so that what is new does not wait for it.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How long the queue is waited for where there is nothing else to do.
const POLL: Duration = Duration::from_secs(5);

/// Reads a lane, step by step.
#[derive(Debug)]
pub(super) struct Reading {
    lane: Arc<Lane>,
    position: LanePosition,
    messages: Messages,
    recent: Recent,
    /// What messages told of, and what the listing chose, both still to be read.
    told: VecDeque<Found>,
    listed: VecDeque<Found>,
    listing: Option<Listing>,
    /// When the bucket is listed again, and when the queue is asked again.
    list_at: Instant,
    ask_at: Instant,
    /// Up to when everything is read once what the last listing chose is; nothing before the first one has ended, and after
    /// it was taken over.
    round: Option<Round>,
    /// Whether the last listing had more than was chosen.
    is_catching_up: bool,
    /// What could not be fetched since the last listing began.
    refused: Option<SourceError>,
    /// The object at hand.
    open: Option<(Found, Records)>,
    /// The last instant at which nothing was left to be read.
    complete_ms: Option<i64>,
    /// Messages about something else, not told of yet.
    foreign: u64,
}

/// A listing on its way.
#[derive(Debug)]
struct Listing {
    token: Option<String>,
    began_ms: Option<i64>,
    pages: u32,
    choice: Choice,
    /// From when on objects are chosen although they were read before.
    again_ms: Option<i64>,
}

impl Listing {
    /// Whether what was written then is read although it was read before.
    fn is_again(&self, modified_ms: i64) -> bool {
        self.again_ms.is_some_and(|from| from <= modified_ms)
    }
}

/// What the end of a round means.
#[derive(Debug, Clone, Copy)]
struct Round {
    up_to_ms: i64,
    /// Whether nothing was left out.
    is_whole: bool,
}

impl Reading {
    pub(super) fn new(lane: Arc<Lane>, from: LanePosition) -> Self {
        let now = Instant::now();
        lane.begins();
        let half = from.within.as_ref().map(|within| Found {
            key: within.key.clone(),
            otherwise: None,
            etag: Some(within.etag.clone()),
            modified_ms: None,
            offset: within.offset,
            message: None,
            again: false,
        });
        Self {
            lane,
            position: from,
            messages: Messages::default(),
            recent: Recent::default(),
            told: half.into_iter().collect(),
            listed: VecDeque::new(),
            listing: None,
            list_at: now,
            ask_at: now,
            round: None,
            is_catching_up: false,
            refused: None,
            open: None,
            complete_ms: None,
            foreign: 0,
        }
    }

    /// Whatever was handed over before is committed; hands over the next.
    pub(super) async fn step(&mut self) -> Result<Chunk, SourceError> {
        loop {
            self.acknowledge().await?;
            self.stay_hidden().await?;
            if self.open.is_some() {
                if let Some(chunk) = self.read_on().await? {
                    return Ok(chunk);
                }
                continue;
            }
            if let Some(found) = self.next_found().await? {
                if let Some(chunk) = self.begin(found).await? {
                    return Ok(chunk);
                }
                continue;
            }
            self.end_round();
            let is_due = self.list_at <= Instant::now() || self.lane.again().is_some();
            if self.listing.is_some() || is_due {
                self.list().await?;
            } else if !self.ask(self.patience()).await? {
                return self.quiet();
            }
        }
    }

    /// Deletes the messages of what is committed. A step ends with what it hands over, so that before its end everything that is
    /// done with was handed over by an earlier one, or had nothing in it.
    async fn acknowledge(&mut self) -> Result<(), SourceError> {
        let Some(queue) = self.lane.queue().await? else { return Ok(()) };
        while let Some(receipt) = self.messages.to_delete() {
            queue.delete(receipt).await.map_err(|error| source_error(&error))?;
            self.messages.deleted();
        }
        Ok(())
    }

    /// Keeps messages hidden whose objects are still to be read.
    async fn stay_hidden(&mut self) -> Result<(), SourceError> {
        let Some(queue) = self.lane.queue().await? else { return Ok(()) };
        let hidden_for = self.lane.config.hidden_for;
        while let Some((number, receipt)) = self.messages.running_out(Instant::now(), hidden_for / 2) {
            let until = Instant::now() + hidden_for;
            queue.hide(receipt, hidden_for).await.map_err(|error| source_error(&error))?;
            self.messages.hidden(number, until);
        }
        Ok(())
    }

    /// What messages told of comes before what was listed: it is newer, and somebody waits for it.
    async fn next_found(&mut self) -> Result<Option<Found>, SourceError> {
        if self.told.is_empty() && !self.listed.is_empty() && self.ask_at <= Instant::now() {
            self.ask(Duration::ZERO).await?;
        }
        Ok(self.told.pop_front().or_else(|| self.listed.pop_front()))
    }

    /// How long there is nothing to do but to wait.
    fn patience(&self) -> Duration {
        self.list_at.saturating_duration_since(Instant::now()).min(POLL)
    }

    /// Asks the queue, and waits for so long. False if there was nothing new.
    async fn ask(&mut self, wait: Duration) -> Result<bool, SourceError> {
        let Some(queue) = self.lane.queue().await? else {
            tokio::time::sleep(wait).await;
            return Ok(false);
        };
        let hidden_for = self.lane.config.hidden_for;
        let hidden_until = Instant::now() + hidden_for;
        let received = queue.receive(wait, hidden_for).await;
        let (messages, asked_ms) = received.map_err(|error| source_error(&error))?;
        self.ask_at = Instant::now() + ASK_AGAIN;
        let is_new = !messages.is_empty();
        if !is_new && self.complete_ms.is_some() && self.is_drained() {
            self.complete_ms = self.complete_ms.max(Some(asked_ms));
        }
        for message in messages {
            self.take(message, hidden_until);
        }
        Ok(is_new)
    }

    fn is_drained(&self) -> bool {
        self.told.is_empty() && self.listed.is_empty() && self.round.is_none() && self.refused.is_none()
    }

    /// Takes a message. One that is about something else is left to others, and to the queue's own dead letters.
    fn take(&mut self, message: aws::Message, hidden_until: Instant) {
        let Notice::Written(told) = notification::read(&message.body) else {
            self.foreign += u64::from(message.received <= 1);
            return;
        };
        let told: Vec<Told> = told.into_iter().filter(|told| self.is_ours(told)).collect();
        let prefix = self.lane.config.prefix.clone();
        let number = self.messages.take(message.receipt, told.len(), hidden_until);
        self.told.extend(told.into_iter().map(|told| Found {
            key: told.key,
            otherwise: told.as_written.filter(|key| key.starts_with(&prefix)),
            etag: told.etag,
            modified_ms: None,
            offset: 0,
            message: Some(number),
            again: false,
        }));
    }

    fn is_ours(&self, told: &Told) -> bool {
        let config = &self.lane.config;
        let spellings = [Some(&told.key), told.as_written.as_ref()];
        told.bucket == config.bucket.bucket
            && spellings
                .into_iter()
                .flatten()
                .any(|key| key.starts_with(&config.prefix) && config.content.is_wanted(key))
    }

    /// Reads one page of the listing, and begins one if none is on its way.
    async fn list(&mut self) -> Result<(), SourceError> {
        let bucket = self.lane.bucket().await?;
        let mut listing = self.listing.take().unwrap_or_else(|| {
            self.refused = None;
            let again_ms = self.lane.again();
            Listing { token: None, began_ms: None, pages: 0, choice: Choice::of(MOST_CHOSEN), again_ms }
        });
        // A failure forgets the listing, and the next try begins anew: its page token may have expired.
        let page = bucket.list(&self.lane.config.prefix, listing.token.as_deref()).await;
        let page = page.map_err(|error| source_error(&error))?;
        listing.pages += 1;
        if is_too_long(listing.pages, page.next.is_some()) {
            self.list_at = Instant::now() + self.lane.config.list_every;
            let config = &self.lane.config;
            return Err(SourceError::permanent(format!(
                "bucket `{}`: more than {MOST_PAGES} pages of objects below `{}`; give a longer prefix, or move old objects away",
                config.bucket.bucket, config.prefix
            )));
        }
        let began_ms = *listing.began_ms.get_or_insert(page.asked_ms);
        let overlap = if self.is_catching_up { Millis::ZERO } else { OVERLAP };
        let floor = self.position.up_to_ms.saturating_sub(overlap.get()).max(self.position.since_ms);
        let content = &self.lane.config.content;
        for object in page.objects.into_iter().filter(|object| content.is_wanted(&object.key)) {
            if let Content::Reports(files) = content {
                files.there_is(&object.key, Timestamp::from_millis(object.modified_ms));
            }
            let is_new = object.modified_ms >= floor && !self.recent.has(&object.key, Some(&object.etag));
            let is_old = object.modified_ms < self.position.since_ms;
            if is_new || listing.is_again(object.modified_ms) && !is_old {
                listing.choice.offer(object);
            }
        }
        listing.token = page.next;
        if listing.token.is_some() {
            self.listing = Some(listing);
            return Ok(());
        }
        if let Content::Reports(files) = &self.lane.config.content {
            files.is_listed(true);
        }
        let again_ms = listing.again_ms;
        let (mut found, cut_at) = listing.choice.finish();
        for object in &mut found {
            // What was not read until now may be told of by a message, too, and is read once.
            object.again = self.recent.has(&object.key, object.etag.as_deref());
        }
        self.listed = found;
        // Those of the last second come once more; a second that has more objects than are chosen is left behind.
        let left = again_ms.zip(cut_at).map(|(again, cut)| (cut + 1).max(again + 1000));
        self.lane.chosen_again(again_ms, left);
        self.is_catching_up = cut_at.is_some();
        self.round = Some(Round { up_to_ms: cut_at.unwrap_or(began_ms), is_whole: cut_at.is_none() });
        let pause = if self.is_catching_up { Duration::ZERO } else { self.lane.config.list_every };
        self.list_at = Instant::now() + pause;
        Ok(())
    }

    /// Everything that the last listing chose is done with.
    fn end_round(&mut self) {
        let Some(round) = self.round.take() else { return };
        if self.refused.is_some() {
            return;
        }
        self.lane.read_again();
        self.position.up_to_ms = self.position.up_to_ms.max(round.up_to_ms);
        if round.is_whole {
            self.complete_ms = self.complete_ms.max(Some(round.up_to_ms));
        }
    }

    /// Begins an object, unless it was read before.
    async fn begin(&mut self, found: Found) -> Result<Option<Chunk>, SourceError> {
        if found.offset == 0 && !found.again && self.recent.has(&found.key, found.etag.as_deref()) {
            self.done(&found);
            return Ok(None);
        }
        let bucket = self.lane.bucket().await?.clone();
        // A part that was read belongs to one content; otherwise the newest is as good as the one that was told of.
        let etag = found.etag.clone().filter(|_| found.offset > 0);
        let wanted = Wanted { bucket, key: found.key.clone(), etag };
        let (pieces, offset) = (Pieces::fetch(wanted), found.offset);
        if let Content::Reports(files) = &self.lane.config.content {
            return self.read_file(found, pieces, Arc::clone(files)).await;
        }
        let opened = tokio::task::spawn_blocking(move || Records::open(pieces, offset)).await;
        match opened.map_err(io::Error::other).and_then(|opened| opened) {
            Ok(records) => {
                self.open = Some((found, records));
                Ok(None)
            }
            Err(error) => self.failed(found, &error),
        }
    }

    /// Reads a file as a whole.
    async fn read_file(
        &mut self,
        mut found: Found,
        pieces: Pieces,
        files: Arc<dyn ReadFile>,
    ) -> Result<Option<Chunk>, SourceError> {
        let (key, now) = (found.key.clone(), self.lane.now());
        let modified = found.modified_ms.map(Timestamp::from_millis);
        let read = tokio::task::spawn_blocking(move || file::read(&*files, &key, (modified, now), pieces));
        match read.await.map_err(io::Error::other).flatten() {
            Ok(Outcome { rows, broken, etag }) => {
                found.etag = etag.or(found.etag);
                self.done(&found);
                let broken = broken.into_iter().collect();
                Ok(Some(Chunk { broken, rows, ..self.chunk() }))
            }
            Err(error) => self.failed(found, &error),
        }
    }

    /// Hands over the next stretch of the object at hand; nothing if there was none.
    async fn read_on(&mut self) -> Result<Option<Chunk>, SourceError> {
        let Some((mut found, mut records)) = self.open.take() else { return Ok(None) };
        let now = self.lane.now();
        let looked = tokio::task::spawn_blocking(move || {
            let look = records.look(now);
            (records, look)
        });
        let (records, look) = match looked.await {
            Ok(looked) => looked,
            Err(error) => return self.failed(found, &io::Error::other(error)),
        };
        match look {
            Ok(look) if look.ended => {
                self.done(&found);
                Ok(None)
            }
            Ok(look) => {
                found.offset = look.position;
                found.etag = records.etag().map(str::to_owned).or(found.etag);
                let chunk = self.stretch(&found, look);
                self.open = Some((found, records));
                Ok(Some(chunk))
            }
            Err(error) => {
                found.etag = records.etag().map(str::to_owned).or(found.etag);
                self.failed(found, &error)
            }
        }
    }

    fn stretch(&mut self, found: &Found, look: Look) -> Chunk {
        let within = |position: &Position| place(&found.key, position);
        let records = look.records.into_iter().map(|mut record| {
            record.position = within(&record.position);
            record
        });
        let broken = look.broken.into_iter().map(|mut broken| {
            broken.position = within(&broken.position);
            broken
        });
        let (records, broken) = (records.collect(), broken.collect());
        let etag = found.etag.clone().unwrap_or_default();
        self.position.within = Some(Within { key: found.key.clone(), etag, offset: found.offset });
        Chunk { records, broken, ..self.chunk() }
    }

    /// An object could not be fetched, or what was fetched makes no sense.
    fn failed(&mut self, mut found: Found, error: &io::Error) -> Result<Option<Chunk>, SourceError> {
        match Unfetched::of(error) {
            None => {
                let position = place(&found.key, &Position::Number(found.offset));
                let reason = format!("object `{}` cannot be read: {error}", found.key);
                self.done(&found);
                let broken = vec![Broken { position, data: Vec::new(), reason }];
                Ok(Some(Chunk { broken, ..self.chunk() }))
            }
            Some(Unfetched::Changed) => {
                (found.offset, found.etag) = (0, None);
                self.told.push_front(found);
                Ok(None)
            }
            Some(Unfetched::Gone) => {
                if let Some(other) = found.otherwise.take() {
                    found.key = other;
                    self.told.push_front(found);
                    return Ok(None);
                }
                self.done(&found);
                let written = found.modified_ms.map(Timestamp::from_millis);
                let reason = format!("object `{}` was deleted before it was read", found.key);
                let gap = Some(Lost { from: written, to: written, reason });
                Ok(Some(Chunk { gap, ..self.chunk() }))
            }
            Some(Unfetched::Failed(error)) if error.is_transient() => {
                self.told.push_front(found);
                Err(source_error(&error))
            }
            Some(Unfetched::Failed(error)) => {
                if let Some(message) = found.message {
                    self.messages.leave(message);
                }
                self.position.within = None;
                let error = source_error(&error);
                self.refused = Some(error.clone());
                Err(error)
            }
        }
    }

    /// An object is done with.
    fn done(&mut self, found: &Found) {
        if let Some(etag) = &found.etag {
            self.recent.note(&found.key, etag);
        }
        if let Some(message) = found.message {
            self.messages.object_done(message);
        }
        self.position.within = None;
    }

    /// A chunk that holds nothing yet, and has a position of its own.
    fn chunk(&mut self) -> Chunk {
        self.position.chunks += 1;
        self.tell(None)
    }

    /// Nothing is left to be read, but for what could not be fetched.
    fn quiet(&mut self) -> Result<Chunk, SourceError> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        let complete = self.complete_ms.map(Timestamp::from_millis);
        Ok(self.tell(complete.map(|complete| complete - self.lane.config.held_back)))
    }

    fn tell(&mut self, watermark: Option<Timestamp>) -> Chunk {
        Chunk {
            watermark,
            behind: watermark.map(|_| Millis::ZERO),
            foreign: std::mem::take(&mut self.foreign),
            ..Chunk::at((&self.position).into())
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.lane.ends();
        if let Content::Reports(files) = &self.lane.config.content {
            files.is_listed(false);
        }
    }
}

/// Whether a listing of so many pages, with or without more, is given up.
const fn is_too_long(pages: u32, has_more: bool) -> bool {
    has_more && pages >= MOST_PAGES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_a_listing_of_objects_has_10_000_pages_at_most() {
        assert!(!is_too_long(MOST_PAGES, false) && !is_too_long(MOST_PAGES - 1, true));
        assert!(is_too_long(MOST_PAGES, true));
    }
}
