//! A workspace of TaskRouter, asked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::DATE;
use pegboard_model::Timestamp;
use pegboard_net::{Answer, Target};
use serde::de::DeserializeOwned;

use super::address::Sid;
use super::answer::{
    Activity, HeldReservation, OpenTask, Page, TaskChannel, TaskQueue, Worker, Workflow, of_header,
};
use super::budget::{Budget, Pace, Usage};
use super::error::{Fault, RestError};
use super::events::{EventRecord, EventsRead};
use super::exchange::Exchange;
use super::list::{Holder, List, Window};
use crate::sources::file::Clock;

/// The most pages of a list: 100,000 agents. Twilio allows 15,000 unless asked for more.
const MOST_PAGES: usize = 100;

/// The most pages of a window of events: 10,000 events. A window that has more is asked for in halves.
pub(super) const MOST_EVENT_PAGES: usize = 10;

/// How many entries a page is asked to have: the most that Twilio gives, and fewer where an answer of so many is longer than is read.
const PAGE_SIZES: [usize; 3] = [1000, 250, 50];

/// How often a question is put that is not answered, before that is an error.
const MOST_TRIES: u32 = 4;

/// The pause after the first try; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause within which a question waits. Whoever is asked to wait longer is told so.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// One workspace.
#[derive(Clone)]
pub struct TaskRouter {
    exchange: Arc<dyn Exchange>,
    base: Target,
    workspace: Sid,
    budget: Arc<Budget>,
    clock: Clock,
}

impl fmt::Debug for TaskRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TaskRouter");
        shown.field("base", &self.base).field("workspace", &self.workspace).finish_non_exhaustive()
    }
}

/// What a list gave.
struct Listed<T> {
    entries: Vec<T>,
    asked: Timestamp,
    whole: bool,
}

/// An answer that is one.
struct Answered {
    answer: Answer,
    asked: Timestamp,
}

impl TaskRouter {
    /// The workspace at an address, asked at a pace that all clones share. Makes no request yet.
    pub fn new(exchange: Arc<dyn Exchange>, base: Target, workspace: Sid, pace: Pace, clock: Clock) -> Self {
        Self { exchange, base, workspace, budget: Arc::new(Budget::new(pace)), clock }
    }

    /// Which workspace.
    pub const fn workspace(&self) -> &Sid {
        &self.workspace
    }

    /// All agents, whatever their activity.
    pub async fn workers(&self) -> Result<Vec<Worker>, RestError> {
        self.all(List::Workers).await.map(|listed| listed.entries)
    }

    /// All agents, and when they were asked for: by our clock or Twilio's, whichever is behind.
    pub async fn workers_at(&self) -> Result<(Vec<Worker>, Timestamp), RestError> {
        self.all(List::Workers).await.map(|listed| (listed.entries, listed.asked))
    }

    /// All activities.
    pub async fn activities(&self) -> Result<Vec<Activity>, RestError> {
        self.all(List::Activities).await.map(|listed| listed.entries)
    }

    /// All queues.
    pub async fn task_queues(&self) -> Result<Vec<TaskQueue>, RestError> {
        self.all(List::TaskQueues).await.map(|listed| listed.entries)
    }

    /// All task channels.
    pub async fn task_channels(&self) -> Result<Vec<TaskChannel>, RestError> {
        self.all(List::TaskChannels).await.map(|listed| listed.entries)
    }

    /// All workflows.
    pub async fn workflows(&self) -> Result<Vec<Workflow>, RestError> {
        self.all(List::Workflows).await.map(|listed| listed.entries)
    }

    /// All contacts that are reserved, assigned or wrapping.
    pub async fn open_tasks(&self) -> Result<Vec<OpenTask>, RestError> {
        self.all(List::OpenTasks).await.map(|listed| listed.entries)
    }

    /// The reservations of an agent or of a contact, those that are over included, as far as Twilio still has them.
    pub async fn reservations(&self, of: Holder<'_>) -> Result<Vec<HeldReservation>, RestError> {
        self.all(List::Reservations(of)).await.map(|listed| listed.entries)
    }

    /// The events of a window, in the order in which they are listed, unless they are more than 10,000.
    pub async fn events(&self, window: Window) -> Result<EventsRead, RestError> {
        let take = |page: &Page<'_>| Ok(page.entries.iter().map(|raw| EventRecord::of(raw)).collect());
        let listed = self.list(List::Events(window), MOST_EVENT_PAGES, take).await?;
        Ok(EventsRead { records: listed.entries, asked: listed.asked, whole: listed.whole })
    }

    /// What was asked so far, and what is left.
    pub fn usage(&self) -> Usage {
        self.budget.usage()
    }

    async fn all<T: DeserializeOwned + Send>(&self, list: List<'_>) -> Result<Listed<T>, RestError> {
        let key = list.key();
        let take = |page: &Page<'_>| page.parse(key).map_err(RestError::of(key));
        let listed = self.list(list, MOST_PAGES, take).await?;
        if listed.whole { Ok(listed) } else { Err(RestError::Endless { list: key, most: MOST_PAGES }) }
    }

    /// A list, by smaller pages where larger ones are longer than is read.
    async fn list<T: Send>(
        &self,
        list: List<'_>,
        most: usize,
        take: impl Fn(&Page<'_>) -> Result<Vec<T>, RestError> + Send + Sync,
    ) -> Result<Listed<T>, RestError> {
        let [largest, smaller @ ..] = PAGE_SIZES;
        let mut listed = self.by_pages(list, largest, most, &take).await;
        for size in smaller {
            if !listed.as_ref().is_err_and(RestError::is_too_long) {
                break;
            }
            listed = self.by_pages(list, size, most * (largest / size), &take).await;
        }
        listed
    }

    async fn by_pages<T: Send>(
        &self,
        list: List<'_>,
        size: usize,
        most: usize,
        take: &(impl Fn(&Page<'_>) -> Result<Vec<T>, RestError> + Send + Sync),
    ) -> Result<Listed<T>, RestError> {
        let key = list.key();
        let mut target = self.base.below(&list.path(&self.workspace, size));
        let (mut entries, mut asked) = (Vec::new(), None);
        for _ in 0..most {
            let Answered { answer, asked: at } = self.ask(key, &target).await?;
            let page = Page::read(&answer.body, key).map_err(RestError::of(key))?;
            entries.extend(take(&page)?);
            let asked = *asked.get_or_insert(at);
            let Some(next) = page.next else { return Ok(Listed { entries, asked, whole: true }) };
            let next = self.next_page(key, &next)?;
            if next == target {
                return Err(RestError::unreadable(key, "a page names itself as the next"));
            }
            target = next;
        }
        let asked = asked.unwrap_or_else(|| (self.clock)());
        Ok(Listed { entries, asked, whole: false })
    }

    /// Where the next page is. Whoever can put an address into an answer does not get the key with it.
    fn next_page(&self, key: &'static str, next: &str) -> Result<Target, RestError> {
        let astray = || RestError::Astray { list: key, base: self.base.to_string() };
        let next: Target = next.parse().map_err(|_| astray())?;
        if next.is_same_origin(&self.base) { Ok(next) } else { Err(astray()) }
    }

    /// Asks, and again where that may help.
    async fn ask(&self, key: &'static str, target: &Target) -> Result<Answered, RestError> {
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            let error = match self.ask_once(key, target, pause).await {
                Err(error) if error.may_pass() && tries < MOST_TRIES => error,
                outcome => return outcome,
            };
            let wait = if let RestError::Later { pause, .. } = error { pause } else { pause };
            if wait > LONGEST_PAUSE {
                return Err(error);
            }
            self.budget.hold(wait);
            pause *= 2;
            tries += 1;
        }
    }

    async fn ask_once(
        &self,
        key: &'static str,
        target: &Target,
        pause: Duration,
    ) -> Result<Answered, RestError> {
        let _turn = self.budget.turn().await;
        let now = (self.clock)();
        let answer = self.exchange.get(target).await?;
        let status = answer.status;
        self.budget.note(&answer.headers, status == StatusCode::TOO_MANY_REQUESTS);
        if status.is_success() {
            let date = answer.headers.get(DATE).and_then(|date| of_header(date.to_str().ok()?));
            return Ok(Answered { asked: date.map_or(now, |date| date.min(now)), answer });
        }
        let fault = Fault::of(&answer.body);
        let passes = status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        if !passes {
            return Err(RestError::Refused { list: key, status, fault });
        }
        let pause = answer.retry_after().map_or(pause, |after| after.pause(now));
        Err(RestError::Later { list: key, status, fault, pause })
    }
}
