//! The operations of Amazon Connect that show who is signed in and what has happened, over a simulated centre.
//!
//! From the service model of the API, version `2017-08-08`: paths, members, limits, the form of times and of errors. Where
//! the model leaves something open this is a reading of it: an instance has no other users than agents, pages are in
//! order of ids, and who is signed in is shown, whatever his status.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pegboard_model::{StatusKind, Timestamp};
use serde_json::{Map, Value, json};

use super::http::{Ending, Request, Response, Server};
use super::metric_data::{self, History, Place};
use super::metric_request::Query;
use crate::events::{AgentView, ContactRecordOut, ContactState, ContactView, Via};
use crate::organisation::{AgentNo, Organisation};
use crate::world::{Change, Presence};

const ACCOUNT: &str = "123456789012";
const REGION: &str = "eu-central-1";

/// What may be filtered by: exactly one of these.
const FILTERS: [(&str, usize); 4] =
    [("Queues", 100), ("RoutingProfiles", 100), ("Agents", 100), ("UserHierarchyGroups", 1)];

/// A stand-in until it is dropped.
#[derive(Debug)]
pub struct StandIn {
    server: Server,
    floor: Arc<Mutex<Floor>>,
}

/// What it shows, and what happened to it.
#[derive(Debug)]
struct Floor {
    organisation: Arc<Organisation>,
    now: Timestamp,
    signed_in: BTreeMap<AgentNo, Arc<AgentView>>,
    history: History,
    faults: Vec<Fault>,
    counts: Counts,
}

/// Something that goes wrong.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// With which operation.
    pub operation: &'static str,
    /// Only with pages after the first.
    pub later_pages_only: bool,
    /// How often; each time counts in [`Counts::faults`].
    pub times: u32,
    /// What.
    pub what: Wrong,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Too many requests.
    Throttled,
    /// An error of the server.
    ServerError,
    /// The caller may not.
    Denied,
    /// The connection ends in the middle of the answer.
    BreaksOff,
    /// A success that shows nobody.
    ShowsNobody,
    /// A success that is no JSON.
    Garbled,
    /// A success filled up with blanks to so many bytes.
    Padded(usize),
    /// A success after which there is always another page.
    Endless,
}

/// What happened to a stand-in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests by operation, failed ones included.
    pub requests: BTreeMap<String, u32>,
    /// How often something went wrong on demand.
    pub faults: u32,
    /// What was wrong with requests that the model does not allow.
    pub refused: Vec<String>,
}

impl StandIn {
    /// Serves a centre in which nobody is signed in yet.
    pub fn serve(organisation: Arc<Organisation>) -> io::Result<Self> {
        let now = Timestamp::from_millis(0);
        let (signed_in, faults, counts) = (BTreeMap::new(), Vec::new(), Counts::default());
        let history = History::new();
        let floor = Arc::new(Mutex::new(Floor { organisation, now, signed_in, history, faults, counts }));
        let shown = floor.clone();
        let server = Server::start(move |request| lock(&shown).answer(request))?;
        Ok(Self { server, floor })
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The id of its instance.
    pub fn instance(&self) -> String {
        lock(&self.floor).organisation.instance.to_string()
    }

    /// From now on it is `now`, and everybody is as he was after the last of the changes up to then.
    pub fn show(&self, changes: &[Change], now: Timestamp) {
        let mut floor = lock(&self.floor);
        floor.now = now;
        floor.signed_in.clear();
        for change in changes.iter().filter(|change| change.at <= now) {
            match change.presence {
                Presence::SignedIn => drop(floor.signed_in.insert(change.agent, change.view.clone())),
                Presence::Away | Presence::SignedOut => drop(floor.signed_in.remove(&change.agent)),
            }
        }
    }

    /// The statistics know what has happened up to `now`: everything since they were told the last time.
    pub fn remember(&self, changes: &[Change], records: &[ContactRecordOut], now: Timestamp) {
        let mut floor = lock(&self.floor);
        let Floor { history, organisation, .. } = &mut *floor;
        history.learn(changes, records, now, organisation);
        floor.now = now;
    }

    /// It is `now`, and nothing else has changed.
    pub fn pass_to(&self, now: Timestamp) {
        lock(&self.floor).now = now;
    }

    /// Lets something go wrong with the next requests that it fits.
    pub fn fail(&self, fault: Fault) {
        lock(&self.floor).faults.push(fault);
    }

    /// Nothing goes wrong any more.
    pub fn mend(&self) {
        lock(&self.floor).faults.clear();
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        lock(&self.floor).counts.clone()
    }
}

fn lock(floor: &Mutex<Floor>) -> MutexGuard<'_, Floor> {
    floor.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request that the model does not allow, or that fails on demand: status, code and message.
pub(super) type Refusal = (u16, &'static str, String);

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    (400, "InvalidParameterException", message.into())
}

/// A listing: its operation, the member of the answer that holds the entries, and the entries.
type Listed = (&'static str, &'static str, Vec<Value>);

impl Floor {
    fn answer(&mut self, request: &Request) -> Response {
        let operation = operation_of(request);
        *self.counts.requests.entry(operation.unwrap_or("unknown").to_owned()).or_default() += 1;
        let wrong = operation.and_then(|operation| self.fault(operation, request));
        let outcome = match wrong {
            Some(Wrong::Throttled) => Err((429, "ThrottlingException", "Rate exceeded".to_owned())),
            Some(Wrong::ServerError) => Err((500, "InternalServiceException", "Try again".to_owned())),
            Some(Wrong::Denied) => {
                let action = operation.unwrap_or_default();
                Err((403, "AccessDeniedException", format!("not authorized to perform: connect:{action}")))
            }
            Some(Wrong::ShowsNobody) => Ok(json!({ "UserDataList": [], "ApproximateTotalCount": 0 })),
            Some(Wrong::Endless) => {
                Ok(json!({ "UserDataList": [], "NextToken": format!("page {}", self.counts.faults) }))
            }
            Some(Wrong::BreaksOff | Wrong::Garbled | Wrong::Padded(_)) | None => {
                self.outcome(operation, request)
            }
        };
        let mut response = self.respond(outcome, wrong.is_some());
        match wrong {
            Some(Wrong::BreaksOff) => response.ending = Ending::WithinBody,
            Some(Wrong::Garbled) => response.body = b"<html>".to_vec(),
            Some(Wrong::Padded(length)) => response.body.resize(length, b' '),
            _ => {}
        }
        response
    }

    /// What goes wrong with this request, if it is the turn of something.
    fn fault(&mut self, operation: &str, request: &Request) -> Option<Wrong> {
        let is_later = token(request).is_some();
        let fits = |fault: &&mut Fault| {
            fault.times > 0 && fault.operation == operation && (is_later || !fault.later_pages_only)
        };
        let fault = self.faults.iter_mut().find(fits)?;
        fault.times -= 1;
        self.counts.faults += 1;
        Some(fault.what)
    }

    fn respond(&mut self, outcome: Result<Value, Refusal>, on_demand: bool) -> Response {
        let mut headers =
            vec![("date", http_date(self.now)), ("content-type", "application/json".to_owned())];
        let (status, body) = match outcome {
            Ok(body) => (200, body),
            Err((status, code, message)) => {
                if !on_demand {
                    self.counts.refused.push(format!("{code}: {message}"));
                }
                headers.push(("x-amzn-errortype", format!("{code}:http://internal.amazon.com/")));
                (status, json!({ "Message": message }))
            }
        };
        Response { status, headers, body: body.to_string().into_bytes(), ending: Ending::Whole }
    }

    fn outcome(&self, operation: Option<&'static str>, request: &Request) -> Result<Value, Refusal> {
        check_signature(request)?;
        match operation {
            Some("GetCurrentUserData") => self.current_users(request),
            Some("GetMetricDataV2") => self.metric_data(request),
            Some("SearchUsers") => {
                let body = members(request, &["InstanceId", "MaxResults", "NextToken"])?;
                if body.get("InstanceId").and_then(Value::as_str)
                    != Some(&self.organisation.instance.to_string())
                {
                    return Err((404, "ResourceNotFoundException", "Instance not found".to_owned()));
                }
                page(
                    ("SearchUsers", "Users", self.users()),
                    token(request),
                    size(body.get("MaxResults"), 500)?,
                )
            }
            Some(listing) => self.listing(listing, request),
            None => Err((404, "ResourceNotFoundException", format!("no operation at {}", request.path))),
        }
    }

    fn listing(&self, operation: &'static str, request: &Request) -> Result<Value, Refusal> {
        self.check_instance(request)?;
        let allowed = ["maxResults", "nextToken", "queueTypes", "AgentStatusTypes"];
        if let Some(other) = request.query.keys().find(|name| !allowed.contains(&name.as_str())) {
            return Err(invalid(format!("there is no parameter {other}")));
        }
        let size = request.query.get("maxResults").map_or(Ok(100), |size| size.parse());
        let size = size.ok().filter(|size| (1..=1000).contains(size)).ok_or_else(|| invalid("maxResults"))?;
        page(self.listed(operation), token(request), size)
    }

    fn listed(&self, operation: &'static str) -> Listed {
        let organisation = &*self.organisation;
        let named = |kind: &str, id: String, name: &str| -> Value {
            json!({ "Id": id, "Arn": self.arn(kind, &id), "Name": name })
        };
        match operation {
            "ListRoutingProfiles" => {
                let profiles = organisation.profiles.iter();
                let listed = profiles.map(|card| named("routing-profile", card.id.to_string(), &card.name));
                (operation, "RoutingProfileSummaryList", listed.collect())
            }
            "ListAgentStatuses" => {
                let listed = organisation.statuses.iter().map(|card| {
                    let mut status = named("agent-state", card.id.to_string(), &card.name);
                    status["Type"] = type_of(card.kind).into();
                    status
                });
                (operation, "AgentStatusSummaryList", listed.collect())
            }
            "ListQueues" => {
                let listed = organisation.queues.iter().map(|card| {
                    let mut queue = named("queue", card.id.to_string(), &card.name);
                    queue["QueueType"] = "STANDARD".into();
                    queue
                });
                (operation, "QueueSummaryList", listed.collect())
            }
            _ => {
                let groups = organisation.teams.iter().flat_map(|team| &team.levels);
                let groups: BTreeMap<_, _> = groups.map(|group| (group.id, group)).collect();
                let listed =
                    groups.values().map(|group| named("agent-group", group.id.to_string(), &group.name));
                (operation, "UserHierarchyGroupSummaryList", listed.collect())
            }
        }
    }

    fn users(&self) -> Vec<Value> {
        let users = self.organisation.agents.iter().map(|card| {
            let id = card.id.to_string();
            json!({
                "Id": id, "Arn": self.arn("agent", &id), "Username": &*card.login,
                "IdentityInfo": { "FirstName": card.first_name, "LastName": card.last_name },
            })
        });
        users.collect()
    }

    fn metric_data(&self, request: &Request) -> Result<Value, Refusal> {
        let known = [
            "ResourceArn",
            "StartTime",
            "EndTime",
            "Interval",
            "Filters",
            "Groupings",
            "Metrics",
            "NextToken",
            "MaxResults",
        ];
        let body = members(request, &known)?;
        let query = Query::read(&body)?;
        let instance_arn =
            format!("arn:aws:connect:{REGION}:{ACCOUNT}:instance/{}", self.organisation.instance);
        if query.resource != instance_arn {
            return Err((404, "ResourceNotFoundException", "Instance not found".to_owned()));
        }
        metric_data::check_times(&query, self.now)?;
        let place = Place { organisation: &self.organisation, instance_arn };
        let results = self.history.results(&query, &place, self.now);
        page(
            ("GetMetricDataV2", "MetricResults", results),
            token(request),
            size(body.get("MaxResults"), 100)?,
        )
    }

    fn current_users(&self, request: &Request) -> Result<Value, Refusal> {
        self.check_instance(request)?;
        let body = members(request, &["Filters", "MaxResults", "NextToken"])?;
        let filters = body.get("Filters").and_then(Value::as_object);
        let filters =
            filters.ok_or_else(|| (400, "InvalidRequestException", "Filters is required".to_owned()))?;
        let ids = |name: &str| filters.get(name).and_then(Value::as_array);
        let given: Vec<_> =
            FILTERS.iter().filter_map(|(name, most)| Some((*name, *most, ids(name)?))).collect();
        let [(filter, most, ids)] = given[..] else {
            return Err(invalid(
                "exactly one filter of queues, routing profiles, agents and hierarchy groups",
            ));
        };
        if ids.is_empty() || ids.len() > most {
            return Err(invalid(format!("{filter}: 1 to {most}")));
        }
        let ids: BTreeSet<&str> = ids.iter().filter_map(Value::as_str).map(last_part).collect();
        let fits = |(agent, view): &(&AgentNo, &Arc<AgentView>)| match filter {
            "Agents" => ids.contains(&*self.organisation.agent(**agent).id.to_string()),
            "RoutingProfiles" => ids.contains(&*self.organisation.profile(view.profile).id.to_string()),
            _ => false,
        };
        let mut shown: Vec<_> = self.signed_in.iter().filter(fits).collect();
        shown.sort_by_key(|(agent, _)| self.organisation.agent(**agent).id);
        let shown = shown.into_iter().map(|(agent, view)| self.user_data(*agent, view)).collect();
        page(
            ("GetCurrentUserData", "UserDataList", shown),
            token(request),
            size(body.get("MaxResults"), 100)?,
        )
    }

    fn user_data(&self, agent: AgentNo, view: &AgentView) -> Value {
        let organisation = &*self.organisation;
        let reference = |kind: &str, id: String| json!({ "Id": id, "Arn": self.arn(kind, &id) });
        let [one, two, three] = &organisation.team(view.team).levels;
        let status = organisation.status(view.status);
        let mut user = json!({
            "User": reference("agent", organisation.agent(agent).id.to_string()),
            "RoutingProfile": reference("routing-profile", organisation.profile(view.profile).id.to_string()),
            "HierarchyPath": {
                "LevelOne": reference("agent-group", one.id.to_string()),
                "LevelTwo": reference("agent-group", two.id.to_string()),
                "LevelThree": reference("agent-group", three.id.to_string()),
            },
            "Status": {
                "StatusStartTimestamp": seconds(view.status_since),
                "StatusArn": self.arn("agent-state", &status.id.to_string()),
                "StatusName": &*status.name,
            },
            "Contacts": view.contacts.iter().map(|contact| self.contact(contact)).collect::<Vec<_>>(),
        });
        if let Some(next) = view.next {
            user["NextStatus"] = (&*organisation.status(next.status).name).into();
        }
        user
    }

    /// A contact on hold shows when it was connected; a pause is not told from a conversation.
    fn contact(&self, contact: &ContactView) -> Value {
        let since = match contact.state {
            ContactState::OnHold => contact.connected.unwrap_or(contact.told_since),
            _ => contact.told_since,
        };
        let state =
            if contact.state == ContactState::Paused { ContactState::Connected } else { contact.state };
        let mut shown = json!({
            "ContactId": contact.id.to_string(),
            "Channel": contact.channel.as_str(),
            "InitiationMethod": contact.initiation.as_str(),
            "AgentContactState": state.as_str(),
            "StateStartTimestamp": seconds(since),
        });
        if let Some(connected) = contact.connected {
            shown["ConnectedToAgentTimestamp"] = seconds(connected);
        }
        match contact.via {
            Some(Via::Queue(queue)) => {
                let id = self.organisation.queue(queue).id.to_string();
                shown["Queue"] = json!({ "Id": id, "Arn": self.arn("queue", &id) });
            }
            Some(Via::Personal(agent)) => {
                let id = self.organisation.agent(agent).id.to_string();
                shown["Queue"] = json!({ "Id": id, "Arn": self.arn("queue/agent", &id) });
            }
            None => {}
        }
        shown
    }

    fn arn(&self, kind: &str, id: &str) -> String {
        format!("arn:aws:connect:{REGION}:{ACCOUNT}:instance/{}/{kind}/{id}", self.organisation.instance)
    }

    fn check_instance(&self, request: &Request) -> Result<(), Refusal> {
        if last_part(&request.path) == self.organisation.instance.to_string() {
            return Ok(());
        }
        Err((404, "ResourceNotFoundException", "Instance not found".to_owned()))
    }
}

fn operation_of(request: &Request) -> Option<&'static str> {
    let first = request.path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match (request.method.as_str(), first) {
        ("POST", "metrics") if request.path.starts_with("/metrics/userdata/") => Some("GetCurrentUserData"),
        ("POST", "metrics") if request.path == "/metrics/data" => Some("GetMetricDataV2"),
        ("POST", "search-users") => Some("SearchUsers"),
        ("GET", "routing-profiles-summary") => Some("ListRoutingProfiles"),
        ("GET", "agent-status") => Some("ListAgentStatuses"),
        ("GET", "queues-summary") => Some("ListQueues"),
        ("GET", "user-hierarchy-groups-summary") => Some("ListUserHierarchyGroups"),
        _ => None,
    }
}

/// A signature of version 4 for this service must be there. Whether it is right, only AWS can tell.
fn check_signature(request: &Request) -> Result<(), Refusal> {
    let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
    let authorization = header("authorization");
    let is_signed = authorization.starts_with("AWS4-HMAC-SHA256 Credential=")
        && authorization.contains("/connect/aws4_request")
        && authorization.contains("SignedHeaders=")
        && authorization.contains("Signature=")
        && header("x-amz-date").len() == "20260302T090000Z".len();
    if is_signed {
        return Ok(());
    }
    Err((403, "MissingAuthenticationTokenException", "Missing Authentication Token".to_owned()))
}

/// The members of a body, all of which must be known.
fn members(request: &Request, known: &[&str]) -> Result<Map<String, Value>, Refusal> {
    let body: Value = serde_json::from_slice(&request.body).map_err(|_| invalid("the body is no JSON"))?;
    let Value::Object(body) = body else { return Err(invalid("the body is no object")) };
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        Some(other) => Err(invalid(format!("there is no member {other}"))),
        None => Ok(body),
    }
}

fn size(asked: Option<&Value>, most: u64) -> Result<usize, Refusal> {
    let size = asked.map_or(Some(most), Value::as_u64).filter(|size| (1..=most).contains(size));
    size.and_then(|size| usize::try_from(size).ok())
        .ok_or_else(|| invalid(format!("MaxResults: 1 to {most}")))
}

/// The token of a request, from its query or its body.
fn token(request: &Request) -> Option<String> {
    let in_query = || request.query.get("nextToken").cloned();
    let body = serde_json::from_slice::<Value>(&request.body).ok();
    body.and_then(|body| body.get("NextToken")?.as_str().map(str::to_owned)).or_else(in_query)
}

/// One page of entries. A token holds what clients must not take apart, and must encode in a query.
fn page((operation, member, entries): Listed, token: Option<String>, size: usize) -> Result<Value, Refusal> {
    let prefix = format!("{operation}+/=");
    let first = token.map_or(Some(0), |token| token.strip_prefix(&prefix)?.parse().ok());
    let first: usize = first.ok_or_else(|| invalid("NextToken"))?;
    let shown: Vec<_> = entries.iter().skip(first).take(size).cloned().collect();
    let mut page = json!({ member: shown });
    if first + size < entries.len() {
        page["NextToken"] = format!("{prefix}{}", first + size).into();
    }
    if member == "UserDataList" {
        page["ApproximateTotalCount"] = entries.len().into();
    }
    Ok(page)
}

/// Times are seconds with a fraction.
fn seconds(at: Timestamp) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "that is what the wire format does")]
    let seconds = at.as_millis() as f64 / 1000.0;
    seconds.into()
}

const fn type_of(kind: StatusKind) -> &'static str {
    match kind {
        StatusKind::Routable => "ROUTABLE",
        StatusKind::Aux => "CUSTOM",
        StatusKind::Offline => "OFFLINE",
    }
}

fn last_part(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, id)| id)
}

/// `Mon, 02 Mar 2026 09:00:00 GMT`, from `2026-03-02T09:00:00Z`.
fn http_date(at: Timestamp) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let seconds = at.as_millis().div_euclid(1000);
    let text = Timestamp::from_seconds(seconds).to_string();
    let number = |from: usize| text.get(from..from + 2).and_then(|digits| digits.parse().ok()).unwrap_or(1);
    let day = DAYS[usize::try_from(seconds.div_euclid(86_400).rem_euclid(7)).unwrap_or(0)];
    let month: usize = number(5);
    format!("{day}, {:02} {} {} {} GMT", number(8), MONTHS[month - 1], &text[..4], &text[11..19])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_is_that_of_the_simulation() {
        let date = |at: &str| http_date(at.parse().unwrap());
        assert_eq!(date("2026-03-02T09:00:00.999Z"), "Mon, 02 Mar 2026 09:00:00 GMT");
        assert_eq!(date("1994-11-06T08:49:37Z"), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn pages_follow_each_other_to_the_last() {
        let listed = || ("List", "Entries", (0..5).map(Value::from).collect::<Vec<_>>());
        let first = page(listed(), None, 2).unwrap();
        assert_eq!(first["Entries"], json!([0, 1]));
        let last = page(listed(), Some("List+/=4".to_owned()), 2).unwrap();
        assert_eq!((&last["Entries"], last.get("NextToken")), (&json!([4]), None));
        assert!(page(listed(), Some("made up".to_owned()), 2).is_err());
    }
}
