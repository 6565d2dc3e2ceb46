//! What Twilio TaskRouter shows of a workspace and lists of what happened, over a simulated centre.
//!
//! From Twilio's OpenAPI document `twilio_taskrouter_v1`: paths, members, limits of pages, the classic body of errors; from its documents: that events
//! are kept for 30 days, and tasks for five minutes after they are over. Where these leave something open this is a reading of them: events are
//! listed newest first, and appear up to [`Settings::late_by`] after they happened.
//!
//! [`happenings`] is what happened, all of it: what callbacks tell ([`Happening::form`], [`sign_form`]) and Event Streams
//! ([`Happening::cloud_event`]), disturbed or not, is compared with that.

mod happening;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pegboard_model::{Millis, StatusKind, Timestamp};
use serde_json::{Value, json};

pub use self::happening::{Happening, happenings, sid_of};
pub use self::told::sign_form;
use super::http::{Ending, Request, Response, Server};
use crate::organisation::Organisation;

/// The workspace.
pub const WORKSPACE: &str = "WS00000000000000000000000000000001";

/// The API key.
pub const KEY: &str = "SK00000000000000000000000000000001";

/// Its secret.
pub const SECRET: &str = "a-secret-of-the-stand-in";

/// `KEY:SECRET`, as Basic authentication writes it.
const BASIC: &str = "Basic U0swMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTphLXNlY3JldC1vZi10aGUtc3RhbmQtaW4=";

/// For how long events are kept.
const KEPT: Millis = Millis::from_hours(30 * 24);

/// For how long a task is listed once it is over.
const LISTED_AFTER_END: Millis = Millis::from_minutes(5);

/// A stand-in until it is dropped.
#[derive(Debug)]
pub struct TaskRouterStandIn {
    server: Server,
    floor: Arc<Mutex<Floor>>,
}

/// How it is.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How late an event may be listed; how late each is follows from its number.
    pub late_by: Millis,
}

/// Something that goes wrong with the next requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// Too many requests; with `Retry-After`, in seconds, or without.
    Throttled(Option<u32>),
    /// An error of the server.
    ServerError,
    /// The connection ends in the middle of the answer.
    BreaksOff,
    /// The next page is said to be there.
    NextPageAt(String),
}

/// What happened to a stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests, failed ones included.
    pub requests: u32,
    /// How often something went wrong on demand.
    pub faults: u32,
    /// How many requests had no key, or a wrong one.
    pub unauthorised: u32,
}

#[derive(Debug)]
struct Floor {
    organisation: Arc<Organisation>,
    happened: Arc<Vec<Happening>>,
    settings: Settings,
    now: Timestamp,
    wrong: Vec<Wrong>,
    counts: Counts,
    address: String,
}

/// An error: its status, Twilio's code, and what it says.
type Refusal = (u16, u32, &'static str);

impl TaskRouterStandIn {
    /// Serves a workspace in which this happens, in order of time, as the clock [passes](Self::pass_to).
    pub fn serve(
        organisation: Arc<Organisation>,
        happened: Arc<Vec<Happening>>,
        settings: Settings,
    ) -> io::Result<Self> {
        let now = happened.first().map_or(Timestamp::from_millis(0), |first| first.at);
        let (wrong, counts, address) = (Vec::new(), Counts::default(), String::new());
        let floor = Floor { organisation, happened, settings, now, wrong, counts, address };
        let floor = Arc::new(Mutex::new(floor));
        let shown = floor.clone();
        let server = Server::start(move |request| lock(&shown).answer(request))?;
        lock(&floor).address = format!("http://{}", server.address());
        Ok(Self { server, floor })
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// It is `now`.
    pub fn pass_to(&self, now: Timestamp) {
        lock(&self.floor).now = now;
    }

    /// Lets something go wrong with the next request, or the one after those that were told of before.
    pub fn fail(&self, wrong: Wrong) {
        lock(&self.floor).wrong.push(wrong);
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        lock(&self.floor).counts
    }
}

fn lock(floor: &Mutex<Floor>) -> MutexGuard<'_, Floor> {
    floor.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Floor {
    fn answer(&mut self, request: &Request) -> Response {
        self.counts.requests += 1;
        let wrong = if self.wrong.is_empty() { None } else { Some(self.wrong.remove(0)) };
        self.counts.faults += u32::from(wrong.is_some());
        let mut headers = Vec::new();
        let outcome = match &wrong {
            Some(Wrong::Throttled(after)) => {
                headers.extend(after.map(|seconds| ("retry-after", seconds.to_string())));
                Err((429, 20429, "Too Many Requests"))
            }
            Some(Wrong::ServerError) => Err((500, 20500, "An internal server error has occurred")),
            _ => self.outcome(request),
        };
        let outcome = outcome.map(|mut page| {
            if let Some(Wrong::NextPageAt(elsewhere)) = &wrong {
                page["meta"]["next_page_url"] = json!(elsewhere);
            }
            page
        });
        let (status, body) = match outcome {
            Ok(body) => (200, body),
            Err((status, code, message)) => {
                let more_info = format!("https://www.twilio.com/docs/errors/{code}");
                (
                    status,
                    json!({ "code": code, "message": message, "more_info": more_info, "status": status }),
                )
            }
        };
        headers.push(("content-type", "application/json".to_owned()));
        headers.push(("date", told::http_date(self.now)));
        headers.push(("x-rate-limit-limit", "50".to_owned()));
        headers.push(("x-rate-limit-remaining", "49".to_owned()));
        let ending = if wrong == Some(Wrong::BreaksOff) { Ending::WithinBody } else { Ending::Whole };
        Response { status, headers, body: body.to_string().into_bytes(), ending }
    }

    fn outcome(&mut self, request: &Request) -> Result<Value, Refusal> {
        if request.headers.get("authorization").is_none_or(|given| given != BASIC) {
            self.counts.unauthorised += 1;
            return Err((401, 20003, "Authenticate"));
        }
        let missing = (404, 20404, "The requested resource was not found");
        let path = request.path.strip_prefix("/v1/Workspaces/").ok_or(missing)?;
        let (workspace, path) = path.split_once('/').ok_or(missing)?;
        if workspace != WORKSPACE || request.method != "GET" {
            return Err(missing);
        }
        let (key, entries) = match path.split('/').collect::<Vec<_>>()[..] {
            ["Events"] => ("events", self.events(request)?),
            ["Workers"] => ("workers", self.workers()),
            ["Activities"] => ("activities", self.activities()),
            ["TaskQueues"] => ("task_queues", self.task_queues()),
            ["Tasks"] => ("tasks", self.tasks()),
            ["Workers", worker, "Reservations"] => {
                ("reservations", self.reservations(|happening| happening.field("worker_sid") == Some(worker)))
            }
            ["Tasks", task, "Reservations"] => {
                if !self.listed_tasks().contains_key(task) {
                    return Err(missing);
                }
                ("reservations", self.reservations(|happening| happening.field("task_sid") == Some(task)))
            }
            _ => return Err(missing),
        };
        self.page(request, key, entries)
    }

    /// A page of a list.
    fn page(&self, request: &Request, key: &str, entries: Vec<Value>) -> Result<Value, Refusal> {
        let number = |name: &str, usual: usize| {
            let given = request.query.get(name).map_or(Ok(usual), |text| text.parse());
            given.map_err(|_| (400, 20001, "Invalid parameter"))
        };
        let (size, page) = (number("PageSize", 50)?, number("Page", 0)?);
        if !(1..=1000).contains(&size) {
            return Err((400, 20001, "PageSize must be between 1 and 1000"));
        }
        let is_last = entries.len() <= (page + 1) * size;
        let shown: Vec<Value> = entries.into_iter().skip(page * size).take(size).collect();
        let url = |page: usize| {
            let mut query = request.query.clone();
            query.insert("PageSize".to_owned(), size.to_string());
            query.insert("Page".to_owned(), page.to_string());
            query.insert("PageToken".to_owned(), format!("PT{page}"));
            let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{}{}?{}", self.address, request.path, query.join("&"))
        };
        let next = (!is_last).then(|| url(page + 1));
        let meta = json!({
            "key": key, "page": page, "page_size": size, "first_page_url": url(0), "url": url(page),
            "previous_page_url": page.checked_sub(1).map(url), "next_page_url": next,
        });
        let mut answer = json!({ "meta": meta });
        answer[key] = shown.into();
        Ok(answer)
    }

    /// What has happened up to now.
    fn happened(&self) -> &[Happening] {
        let end = self.happened.partition_point(|happening| happening.at <= self.now);
        &self.happened[..end]
    }

    fn events(&self, request: &Request) -> Result<Vec<Value>, Refusal> {
        let time = |name: &str, usual: Timestamp| {
            let given = request.query.get(name).map_or(Ok(usual), |text| text.parse());
            given.map_err(|_| (400, 20001, "Invalid date"))
        };
        let from = time("StartDate", self.now - Millis::from_minutes(15))?.max(self.now - KEPT);
        let to = time("EndDate", self.now)?;
        let listed = self.happened().iter().rev().filter(|happening| {
            let appears = happening.at + happening.lateness(self.settings.late_by);
            happening.at >= from && happening.at <= to && appears <= self.now
        });
        Ok(listed.map(Happening::record).collect())
    }

    fn activities(&self) -> Vec<Value> {
        let activities = self.organisation.statuses.iter();
        let listed = activities.map(|card| {
            let available = card.kind == StatusKind::Routable;
            json!({ "sid": sid_of("WA", card.id), "friendly_name": &*card.name, "available": available })
        });
        listed.collect()
    }

    fn task_queues(&self) -> Vec<Value> {
        let queues = self.organisation.queues.iter();
        queues.map(|card| json!({ "sid": sid_of("WQ", card.id), "friendly_name": &*card.name })).collect()
    }

    /// Everybody of whom was told, as the last event of each told.
    fn workers(&self) -> Vec<Value> {
        let mut workers: BTreeMap<&str, (&Happening, Timestamp)> = BTreeMap::new();
        for happening in self.happened().iter().filter(|happening| happening.kind == "worker.activity.update")
        {
            if let Some(worker) = happening.field("worker_sid") {
                workers.insert(worker, (happening, happening.at));
            }
        }
        let routable: BTreeSet<String> = self
            .organisation
            .statuses
            .iter()
            .filter(|card| card.kind == StatusKind::Routable)
            .map(|card| sid_of("WA", card.id))
            .collect();
        let listed = workers.into_iter().map(|(worker, (last, since))| {
            let activity = last.field("worker_activity_sid").unwrap_or_default();
            json!({
                "sid": worker, "friendly_name": last.field("worker_name"), "attributes": last.field("worker_attributes"),
                "activity_sid": activity, "activity_name": last.field("worker_activity_name"),
                "available": routable.contains(activity), "date_status_changed": told::in_seconds(since),
            })
        });
        listed.collect()
    }

    /// The tasks that are not over, or not for long: the first of their reservations' events, and when they were over.
    fn listed_tasks(&self) -> BTreeMap<&str, (&Happening, Option<Timestamp>)> {
        let mut tasks: BTreeMap<&str, (&Happening, Option<Timestamp>)> = BTreeMap::new();
        for happening in self.happened() {
            let Some(task) = happening.field("task_sid") else { continue };
            let known = tasks.entry(task).or_insert((happening, None));
            if matches!(happening.kind, "task.canceled" | "task.completed") {
                known.1 = Some(happening.at);
            }
        }
        let now = self.now;
        tasks.retain(|_, (_, over)| over.is_none_or(|over| now.since(over) <= LISTED_AFTER_END));
        tasks
    }

    fn tasks(&self) -> Vec<Value> {
        // What happened last to each reservation of a task.
        let mut held: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
        for happening in self.happened() {
            let (task, reservation) = (happening.field("task_sid"), happening.field("reservation_sid"));
            if let (Some(task), Some(reservation)) = (task, reservation) {
                held.entry(task).or_default().insert(reservation, happening.kind);
            }
        }
        let tasks = self.listed_tasks();
        let open = tasks.into_iter().filter(|(_, (_, over))| over.is_none());
        let listed = open.filter_map(|(task, (first, _))| {
            let of = |kind: &str| held.get(task).is_some_and(|held| held.values().any(|last| *last == kind));
            let status = if of("reservation.accepted") {
                "assigned"
            } else if of("reservation.wrapup") {
                "wrapping"
            } else if of("reservation.created") {
                "reserved"
            } else {
                return None;
            };
            Some(json!({
                "sid": task, "assignment_status": status, "attributes": first.field("task_attributes"),
                "task_channel_unique_name": first.field("task_channel_unique_name"),
                "task_queue_sid": first.field("task_queue_sid"), "task_queue_friendly_name": first.field("task_queue_name"),
            }))
        });
        listed.collect()
    }

    /// Reservations as the last event of each left them.
    fn reservations(&self, is_wanted: impl Fn(&Happening) -> bool) -> Vec<Value> {
        let mut last: BTreeMap<&str, &Happening> = BTreeMap::new();
        for happening in self.happened().iter().filter(|happening| is_wanted(happening)) {
            if let Some(reservation) = happening.field("reservation_sid") {
                last.insert(reservation, happening);
            }
        }
        let listed = last.into_iter().map(|(reservation, last)| {
            let status = match last.kind.strip_prefix("reservation.").unwrap_or_default() {
                "created" => "pending",
                "wrapup" => "wrapping",
                status => status,
            };
            json!({
                "sid": reservation, "reservation_status": status, "worker_sid": last.field("worker_sid"),
                "worker_name": last.field("worker_name"), "task_sid": last.field("task_sid"),
                "date_updated": told::in_seconds(last.at),
            })
        });
        listed.collect()
    }
}
