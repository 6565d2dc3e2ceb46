//! ASC Manager, to which CXone WFM's SDK for foreign ACDs speaks: strict, with a memory, with faults on demand and at random.
//!
//! Public are the names of the calls and of the metrics, the bodies of the requests for tokens, and that a queue report
//! comes with its two others (NICE, "Third-Party ACD SDK Developer Guide"). Paths, bodies and answers are
//! Pegboard's own proposal, and this is one reading of it; the encoders and the client are another.
//!
//! `GET /kept/...` shows what it accepted: `queue-reports`, `activity-reports`, `agent-states` (with `?agentId=` those of
//! one agent in order), `health`.

mod access;
mod agents;
mod body;
mod faults;
mod kept;
mod known;
mod queue_report;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pegboard_model::{Millis, Timestamp};
use serde_json::{Value, json};

use super::http::{Ending, Request, Response, Server};
use access::Access;
use body::Problem;
use faults::Faults;
use kept::Accepted;
use known::{Known, Verdict};
use read::Rules;

pub use access::{Key, Style};
pub use faults::{Fault, Wrong};
pub use kept::{AgentState, Kept, MOST_INTERVALS, MOST_STATES, Report, Revision};
pub use known::MOST_KEYS;

/// The code of a request that was accepted before: it counts as a success.
const ALREADY_ACCEPTED: &str = "ALREADY_ACCEPTED";

/// The code of an interval for which nothing is taken any more.
const WINDOW_CLOSED: &str = "WINDOW_CLOSED";

/// The longest idempotency key.
const MOST_KEY_BYTES: usize = 255;

/// How many refusals are written out in the counts.
const MOST_REFUSALS: usize = 1_000;

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// `POST /asc/v1/token`.
    Token,
    /// `POST /asc/v1/token/refresh`.
    Refresh,
    /// `GET /asc/v1/acd-type`.
    AcdType,
    /// `POST /asc/v1/heartbeat`.
    Heartbeat,
    /// `POST /asc/v1/agent-states`.
    AgentStates,
    /// `POST /asc/v1/reports/agent-activity`.
    AgentActivity,
    /// `POST /asc/v1/reports/queue`.
    QueueReport,
}

impl Route {
    fn of(request: &Request) -> Option<Self> {
        Some(match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/asc/v1/token") => Self::Token,
            ("POST", "/asc/v1/token/refresh") => Self::Refresh,
            ("GET", "/asc/v1/acd-type") => Self::AcdType,
            ("POST", "/asc/v1/heartbeat") => Self::Heartbeat,
            ("POST", "/asc/v1/agent-states") => Self::AgentStates,
            ("POST", "/asc/v1/reports/agent-activity") => Self::AgentActivity,
            ("POST", "/asc/v1/reports/queue") => Self::QueueReport,
            _ => return None,
        })
    }

    /// Whether it is asked for a token.
    const fn is_login(self) -> bool {
        matches!(self, Self::Token | Self::Refresh)
    }
}

/// What a stand-in is.
#[derive(Debug, Clone)]
pub struct Options {
    /// The time that it is when it starts. From then on time passes as it does.
    pub now: Timestamp,
    /// Its one ACD.
    pub acd_type: String,
    /// Who may ask.
    pub keys: Vec<Key>,
    /// How a token is asked for.
    pub style: Style,
    /// How long a token lasts.
    pub token_life: Millis,
    /// How long a refresh token lasts.
    pub refresh_life: Millis,
    /// How long an interval is.
    pub interval: Millis,
    /// For how long after its end an interval is taken; nothing means always.
    pub reach: Option<Millis>,
    /// The longest body that is taken.
    pub most_body_bytes: usize,
    /// Whether one bad item of a body has all of it refused.
    pub whole_only: bool,
    /// The ids of the queues that there are; nothing means any.
    pub queues: Option<BTreeSet<String>>,
    /// The ids of the agents that there are; nothing means any.
    pub agents: Option<BTreeSet<String>>,
}

impl Options {
    /// The usual: Amazon Connect as its ACD, one key, tokens of one hour, refresh tokens of two, intervals of 15 minutes, taken for
    /// 30 days, bodies of 16 MiB.
    pub fn at(now: Timestamp) -> Self {
        let key = Key { id: "KEYID====".into(), secret: "KEYSECRET====".into(), tenant: Some("demo".into()) };
        Self {
            now,
            acd_type: "AMAZON_CONNECT".into(),
            keys: vec![key],
            style: Style::Either,
            token_life: Millis::from_hours(1),
            refresh_life: Millis::from_hours(2),
            interval: Millis::from_minutes(15),
            reach: Some(Millis::from_hours(30 * 24)),
            most_body_bytes: 16 * 1024 * 1024,
            whole_only: false,
            queues: None,
            agents: None,
        }
    }
}

/// What happened to a stand-in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests by what was asked; those to other addresses are not among them.
    pub requests: BTreeMap<Route, u64>,
    /// Answers by their status, lost ones included.
    pub answers: BTreeMap<u16, u64>,
    /// What went wrong on demand or at random, by [its name](Wrong::name).
    pub faults: BTreeMap<&'static str, u64>,
    /// The most requests for tokens at the same time.
    pub most_logins_at_once: u64,
    /// Requests under a key that was known, which changed nothing.
    pub repeated: u64,
    /// Reports that say what the last one of their interval says, under another key, which changed nothing either.
    pub repeated_anew: u64,
    /// Why requests or items of them were refused, without what went wrong on purpose: the first of them.
    pub refused: Vec<String>,
}

/// A stand-in until it is dropped.
#[derive(Debug)]
pub struct AscManager {
    server: Server,
    service: Arc<Mutex<Service>>,
}

impl AscManager {
    /// Serves on a free port of this machine.
    pub fn serve(options: Options) -> io::Result<Self> {
        let service = Arc::new(Mutex::new(Service::new(options)));
        let serving = service.clone();
        let server = Server::start(move |request| serve(&serving, request))?;
        Ok(Self { server, service })
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Lets something go wrong with the next requests that it fits.
    pub fn fail(&self, fault: Fault) {
        self.service().faults.demand(fault);
    }

    /// From now on each request goes wrong with these probabilities, which are 1 at most together; the same ones for the
    /// same seed and order of requests.
    pub fn fail_at_random(&self, seed: u64, chances: Vec<(f64, Wrong)>) {
        self.service().faults.at_random(seed, chances);
    }

    /// Nothing goes wrong any more.
    pub fn mend(&self) {
        self.service().faults.clear();
    }

    /// Time passes at once.
    pub fn pass(&self, time: Millis) {
        let mut service = self.service();
        service.start = service.start + time;
    }

    /// No token is good any more. Refresh tokens are, unless they go with them.
    pub fn revoke_tokens(&self, with_refresh_tokens: bool) {
        self.service().access.revoke(with_refresh_tokens);
    }

    /// From now on other keys are good, and no token of before.
    pub fn replace_keys(&self, keys: Vec<Key>) {
        self.service().access.replace_keys(keys);
    }

    /// From now on there are these queues, by their ids; nothing means any.
    pub fn know_queues(&self, queues: Option<BTreeSet<String>>) {
        self.service().rules.queues = queues;
    }

    /// From now on there are these agents, by their ids; nothing means any.
    pub fn know_agents(&self, agents: Option<BTreeSet<String>>) {
        self.service().rules.agents = agents;
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.service().counts.clone()
    }

    /// Looks at what was accepted.
    pub fn look<T>(&self, look: impl FnOnce(&Kept) -> T) -> T {
        look(&self.service().kept)
    }

    fn service(&self) -> MutexGuard<'_, Service> {
        lock(&self.service)
    }
}

fn lock(service: &Mutex<Service>) -> MutexGuard<'_, Service> {
    service.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who asks for a token is counted until the answer is ready; nobody else waits for one that is slow.
fn serve(service: &Mutex<Service>, request: &Request) -> Response {
    let is_login = Route::of(request).is_some_and(Route::is_login);
    let (response, pause) = {
        let mut service = lock(service);
        if is_login {
            service.logins_at_once += 1;
            service.counts.most_logins_at_once =
                service.counts.most_logins_at_once.max(service.logins_at_once);
        }
        service.answer(request)
    };
    thread::sleep(pause);
    if is_login {
        lock(service).logins_at_once -= 1;
    }
    response
}

#[derive(Debug)]
struct Service {
    start: Timestamp,
    since: Instant,
    rules: Rules,
    most_body_bytes: usize,
    whole_only: bool,
    access: Access,
    faults: Faults,
    known: Known,
    kept: Kept,
    counts: Counts,
    answered: u64,
    logins_at_once: u64,
}

impl Service {
    fn new(options: Options) -> Self {
        let Options { acd_type, interval, reach, queues, agents, .. } = options;
        Self {
            start: options.now,
            since: Instant::now(),
            rules: Rules { acd_type, interval, reach, queues, agents },
            most_body_bytes: options.most_body_bytes,
            whole_only: options.whole_only,
            access: Access::new(options.keys, options.style, options.token_life, options.refresh_life),
            faults: Faults::default(),
            known: Known::default(),
            kept: Kept::default(),
            counts: Counts::default(),
            answered: 0,
            logins_at_once: 0,
        }
    }

    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.start + Millis::new(passed)
    }

    /// The answer, and how long it takes.
    fn answer(&mut self, request: &Request) -> (Response, Duration) {
        let Some(route) = Route::of(request) else { return (self.elsewhere(request), Duration::ZERO) };
        *self.counts.requests.entry(route).or_default() += 1;
        let wrong = self.faults.next(route);
        if let Some(wrong) = &wrong {
            *self.counts.faults.entry(wrong.name()).or_default() += 1;
        }
        let mut response = match wrong.as_ref().and_then(|wrong| instead(wrong, request)) {
            Some(response) => response,
            None => self.outcome(route, request),
        };
        let mut pause = Duration::ZERO;
        match wrong {
            Some(Wrong::CutAnswer) => response.ending = Ending::WithinBody,
            Some(Wrong::FailsAfterwards(status)) => response = failed(status, "it was done all the same"),
            Some(Wrong::Slow(time)) => pause = time,
            Some(Wrong::Garbled) => response.body = b"<html>It works!</html>".to_vec(),
            Some(Wrong::Padded(length)) => response.body.resize(length.max(response.body.len()), b' '),
            _ => {}
        }
        *self.counts.answers.entry(response.status).or_default() += 1;
        (response, pause)
    }

    fn elsewhere(&self, request: &Request) -> Response {
        let kept = request.path.strip_prefix("/kept/").filter(|_| request.method == "GET");
        let shown = kept.and_then(|kind| match request.query.get("agentId") {
            Some(agent) if kind == "agent-states" => Some(self.kept.states_of(agent)),
            _ => self.kept.shown(kind),
        });
        match shown {
            Some(shown) => json_response(200, &shown),
            None => failed(404, "there is nothing here"),
        }
    }

    fn outcome(&mut self, route: Route, request: &Request) -> Response {
        let now = self.now();
        if route.is_login() {
            return self.token(route, request, now);
        }
        if let Err((status, problem)) = self.access.check(request.headers.get("authorization"), now) {
            return self.verdict(&Verdict::refused(status, vec![problem]));
        }
        match route {
            Route::AcdType => json_response(200, &json!({ "acdType": self.rules.acd_type })),
            Route::Heartbeat => {
                self.kept.heartbeat(now);
                Response { status: 204, headers: Vec::new(), body: Vec::new(), ending: Ending::Whole }
            }
            _ => {
                let verdict = self.take(route, request, now);
                self.verdict(&verdict)
            }
        }
    }

    fn token(&mut self, route: Route, request: &Request, now: Timestamp) -> Response {
        let body = json_of(&request.body).map_err(|problem| (400, problem));
        let token = body.and_then(|body| match route {
            Route::Refresh => self.access.refresh(&body, now),
            _ => self.access.login(&body, now),
        });
        match token {
            Ok(token) => json_response(200, &token),
            Err((status, problem)) => self.verdict(&Verdict::refused(status, vec![problem])),
        }
    }

    fn verdict(&mut self, verdict: &Verdict) -> Response {
        let room = MOST_REFUSALS.saturating_sub(self.counts.refused.len());
        let refusals = verdict.errors.iter().filter(|problem| problem.code != ALREADY_ACCEPTED).take(room);
        let refusals =
            refusals.map(|problem| format!("{} {}: {}", problem.code, problem.path, problem.message));
        self.counts.refused.extend(refusals);
        self.answered += 1;
        json_response(verdict.status, &verdict.body(&format!("request-{}", self.answered)))
    }

    /// Takes what was sent, once.
    fn take(&mut self, route: Route, request: &Request, now: Timestamp) -> Verdict {
        let refused = |status, problem| Verdict::refused(status, vec![problem]);
        if request.body.len() > self.most_body_bytes {
            let most = format!("more than {} bytes", self.most_body_bytes);
            return refused(413, Problem::new("TOO_LARGE", "", most));
        }
        let key = match idempotency_key(request) {
            Ok(key) => key,
            Err(problem) => return refused(400, problem),
        };
        if let Some(verdict) = self.known.answer(key, route, &request.body) {
            self.counts.repeated += u64::from(verdict.word != "REJECTED");
            return verdict;
        }
        let body = match json_of(&request.body) {
            Ok(body) => body,
            Err(problem) => return refused(400, problem),
        };
        let read = match route {
            Route::AgentStates => agents::states(&body, &self.rules),
            Route::AgentActivity => agents::activities(&body, &self.rules, now),
            _ => queue_report::read(&body, &self.rules, now),
        };
        let read = match read {
            Ok(read) => read,
            Err(problem) => return refused(400, problem),
        };
        let verdict = Verdict::of(&read, self.whole_only);
        if verdict.status != 202 {
            return verdict;
        }
        if let Some(start) = read.window.map(|window| window.start)
            && self.kept.latest(route, start).is_some_and(|latest| *latest.sent == *request.body)
        {
            self.counts.repeated_anew += 1;
            return verdict.again();
        }
        let accepted = Accepted { key, at: now, sent: &request.body, body: &body, read: &read };
        match (route, read.window) {
            (Route::QueueReport, Some(window)) => self.kept.queue_report(window, &accepted),
            (Route::AgentActivity, Some(window)) => self.kept.activity_report(window, &accepted),
            _ => self.kept.states(&accepted),
        }
        self.known.remember(key, route, &request.body, verdict.clone());
        verdict
    }
}

/// What is answered instead of doing anything.
fn instead(wrong: &Wrong, request: &Request) -> Option<Response> {
    Some(match wrong {
        Wrong::Unauthorised => failed(401, "the token is not good"),
        Wrong::Forbidden => failed(403, "this may not be done"),
        Wrong::TooLarge => failed(413, "this is too large"),
        Wrong::Throttled { retry_after } => {
            let mut response = failed(429, "too many requests");
            response.headers.extend(retry_after.clone().map(|after| ("retry-after", after)));
            response
        }
        Wrong::ServerError(status) => failed(*status, "the server failed"),
        Wrong::Redirected => {
            let mut response = failed(302, "elsewhere");
            response.headers.push(("location", "http://169.254.169.254/".to_owned()));
            response
        }
        Wrong::Echo => {
            let authorization = request.headers.get("authorization").map_or("", String::as_str);
            failed(500, &format!("{authorization} {}", String::from_utf8_lossy(&request.body)))
        }
        Wrong::Cut => Response { ending: Ending::Before, ..failed(500, "nobody reads this") },
        Wrong::CutAnswer | Wrong::FailsAfterwards(_) | Wrong::Slow(_) | Wrong::Garbled | Wrong::Padded(_) => {
            return None;
        }
    })
}

fn failed(status: u16, message: &str) -> Response {
    let verdict = Verdict::refused(status, vec![Problem::new("FAILED", "", message)]);
    json_response(status, &verdict.body("none"))
}

fn json_response(status: u16, body: &Value) -> Response {
    let headers = vec![("content-type", "application/json".to_owned())];
    Response { status, headers, body: body.to_string().into_bytes(), ending: Ending::Whole }
}

fn json_of(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::new("NO_JSON", "", error.to_string()))
}

fn idempotency_key(request: &Request) -> Result<&str, Problem> {
    let key = request.headers.get("idempotency-key").map_or("", String::as_str);
    let is_one = (1..=MOST_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_one {
        return Ok(key);
    }
    Err(Problem::new("REQUIRED", "Idempotency-Key", "1 to 255 visible characters of ASCII"))
}
