//! The stand-in for ASC Manager is strict, remembers what it took, and fails when it is told to.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use pegboard_model::{Millis, Timestamp};
use pegboard_sim::stand_in::asc_manager::{
    AscManager, Fault, Key, MOST_STATES, Options, Route, Style, Wrong,
};
use serde_json::{Value, json};

const QUEUE_REPORT: &str = "/asc/v1/reports/queue";
const AGENT_ACTIVITY: &str = "/asc/v1/reports/agent-activity";
const AGENT_STATES: &str = "/asc/v1/agent-states";

fn options() -> Options {
    Options::at(Timestamp::parse("2025-08-01T12:20:00Z").expect("the stand-in answers"))
}

struct Asked {
    service: AscManager,
    token: String,
    keys: u32,
}

impl Asked {
    fn of(options: Options) -> Self {
        let mut asked = Self {
            service: AscManager::serve(options).expect("the stand-in answers"),
            token: String::new(),
            keys: 0,
        };
        asked.login();
        asked
    }

    fn login(&mut self) {
        let (status, token) = self.exchange("POST", "/asc/v1/token", "", &flat().to_string());
        assert_eq!(status, 200, "{token}");
        token["access_token"].as_str().expect("the stand-in answers").clone_into(&mut self.token);
    }

    /// Status and body of an answer; 0 where there is none.
    fn exchange(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
        let mut connection = TcpStream::connect(self.service.url().trim_start_matches("http://"))
            .expect("the stand-in answers");
        let token = &self.token;
        write!(
            connection,
            "{method} {path} HTTP/1.1\r\nauthorization: Bearer {token}\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("the stand-in answers");
        connection.shutdown(Shutdown::Write).expect("the stand-in answers");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("the stand-in answers");
        let Some((head, body)) = answer.split_once("\r\n\r\n") else { return (0, Value::Null) };
        (
            head[9..12].parse().expect("the stand-in answers"),
            serde_json::from_str(body).unwrap_or(Value::Null),
        )
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.exchange("POST", path, "", &body.to_string())
    }

    fn send_as(&self, key: &str, path: &str, body: &Value) -> (u16, Value) {
        self.exchange("POST", path, &format!("idempotency-key: {key}\r\n"), &body.to_string())
    }

    /// Sends under a key of its own.
    fn send(&mut self, path: &str, body: &Value) -> (u16, Value) {
        self.keys += 1;
        self.send_as(&format!("own-{}", self.keys), path, body)
    }

    fn kept(&self, path: &str) -> Value {
        let (status, kept) = self.exchange("GET", path, "", "");
        assert_eq!(status, 200);
        kept
    }
}

fn flat() -> Value {
    json!({ "accessKeyId": "KEYID====", "accessKeySecret": "KEYSECRET====" })
}

fn nested() -> Value {
    json!({ "accessKeyTokenRequest": flat() })
}

fn queue_report() -> Value {
    json!({
        "acdType": "AMAZON_CONNECT", "reportVersion": "1.0",
        "startDate": "2025-08-01T12:00:00Z", "endDate": "2025-08-01T12:15:00Z",
        "queueReport": [{
            "queueValue": "Billing", "queueId": "q-1", "contactsReceived": 22, "handledShort": 17, "handledLong": 1,
            "abandonedShort": 2, "abandonedLong": 2, "handleTime": 1509, "holdTime": 434, "workTime": 83,
            "queueDelayTime": 60, "serviceLevelPercent": 85.0, "backlog": 0, "backlogExpired": 0,
            "backlogNotExpired": 0, "rightPartyContacts": 0, "rightPartyTalkTime": 0, "rightPartyWorkTime": 0,
            "wrongPartyContacts": 0, "wrongPartyTalkTime": 0, "wrongPartyWorkTime": 0, "active": 0,
        }],
        "agentQueueReport": [{
            "agentValue": "jdoe", "agentId": "1001", "queueId": "q-1", "contactsHandled": 4, "handleTime": 312,
            "holdTime": 40, "workTime": 55, "rightPartyContacts": 0, "rightPartyTalkTime": 0, "rightPartyWorkTime": 0,
            "wrongPartyContacts": 0, "wrongPartyTalkTime": 0, "wrongPartyWorkTime": 0, "active": 0,
        }],
        "agentSystemPerformanceReport": [{
            "agentValue": "jdoe", "agentId": "1001", "readyTime": 500, "notReady": 100, "loginTime": 900,
        }],
    })
}

fn activity_report() -> Value {
    json!({
        "acdType": "AMAZON_CONNECT", "reportVersion": "1.0",
        "startDate": "2025-08-01T12:00:00Z", "endDate": "2025-08-01T12:15:00Z",
        "reportData": [{ "agentValue": "jdoe", "agentId": "1001", "activities": [{
            "eventId": "Unavailable", "eventReason": "Lunch", "startTime": "2025-08-01T11:58:00Z",
            "endTime": "2025-08-01T12:14:30Z", "duration": 990,
        }] }],
    })
}

fn state(agent: &str, event: &str, sequence: u64) -> Value {
    json!({
        "agentValue": "jdoe", "agentId": agent, "eventId": event, "eventReason": "",
        "eventTime": "2025-08-01T12:03:07.120Z", "sequence": sequence,
    })
}

fn states(states: &[Value]) -> Value {
    json!({ "acdType": "AMAZON_CONNECT", "agentStates": states })
}

/// The codes and paths of an answer.
fn errors(answer: &Value) -> Vec<(&str, &str)> {
    let errors = answer["errors"].as_array().expect("the stand-in answers").iter();
    errors
        .map(|error| {
            (
                error["code"].as_str().expect("the stand-in answers"),
                error["path"].as_str().expect("the stand-in answers"),
            )
        })
        .collect()
}

#[test]
fn the_bodies_of_the_proposal_are_accepted_and_kept() {
    let mut asked = Asked::of(options());
    for (path, body, items) in [
        (QUEUE_REPORT, queue_report(), 3),
        (AGENT_ACTIVITY, activity_report(), 1),
        (AGENT_STATES, states(&[state("1001", "VOICE-INBOUND-CONNECTED", 4711)]), 1),
    ] {
        let (status, answer) = asked.send(path, &body);
        assert_eq!(
            (status, &answer["status"], &answer["accepted"]),
            (202, &json!("ACCEPTED"), &json!(items))
        );
    }
    assert_eq!(asked.kept("/kept/queue-reports")[0]["latest"], queue_report());
    assert_eq!(asked.kept("/kept/activity-reports")[0]["latest"], activity_report());
    assert_eq!(asked.kept("/kept/agent-states")[0]["now"]["eventId"], "VOICE-INBOUND-CONNECTED");
    assert_eq!(asked.kept("/kept/agent-states?agentId=1001")[0]["eventTime"], "2025-08-01T12:03:07.120Z");
    let (status, acd) = asked.exchange("GET", "/asc/v1/acd-type", "", "");
    assert_eq!((status, acd), (200, json!({ "acdType": "AMAZON_CONNECT" })));
    assert_eq!(asked.post("/asc/v1/heartbeat", &json!({})).0, 204);
    assert_eq!(asked.kept("/kept/health")["heartbeats"], 1);
}

#[test]
fn n127_a_queue_report_without_one_of_its_three_lists_is_refused_and_with_an_empty_one_it_is_not() {
    let mut asked = Asked::of(options());
    for list in ["queueReport", "agentQueueReport", "agentSystemPerformanceReport"] {
        let mut body = queue_report();
        body.as_object_mut().unwrap().remove(list);
        let (status, answer) = asked.send(QUEUE_REPORT, &body);
        assert_eq!((status, errors(&answer)), (422, vec![("REQUIRED", list)]));
        body[list] = json!([]);
        assert_eq!(asked.send(QUEUE_REPORT, &body).0, 202, "{list}");
    }
}

/// What the place `pointer` is set to, and the status, code and path that come of it.
type Wronged = (&'static str, Value, u16, &'static str, &'static str);

fn check(path: &str, good: &Value, wronged: &[Wronged]) {
    let mut asked = Asked::of(options());
    for (pointer, value, status, code, place) in wronged {
        let mut body = good.clone();
        let (parent, key) = pointer.rsplit_once('/').expect("is there");
        match body.pointer_mut(parent).expect("is there") {
            Value::Array(items) => items.push(value.clone()),
            object => object[key] = value.clone(),
        }
        let (answered, answer) = asked.send(path, &body);
        assert_eq!((answered, errors(&answer)), (*status, vec![(*code, *place)]), "{pointer} = {value}");
    }
}

#[test]
fn a_queue_report_is_taken_only_as_it_should_be() {
    let duplicate = |list: &str| queue_report()[list][0].clone();
    check(
        QUEUE_REPORT,
        &queue_report(),
        &[
            ("/acdType", json!("AMAZON CONNECT"), 422, "ACD_NAME", "acdType"),
            ("/acdType", json!(" "), 422, "NOT_TRIMMED", "acdType"),
            ("/acdType", json!(""), 422, "BLANK", "acdType"),
            ("/acdType", json!("TWILIO"), 422, "ACD_NAME", "acdType"),
            ("/reportVersion", json!("2.0"), 422, "UNKNOWN_VALUE", "reportVersion"),
            ("/surprise", json!(1), 422, "UNKNOWN_KEY", "surprise"),
            ("/startDate", json!("2025-08-01"), 422, "TYPE", "startDate"),
            ("/startDate", json!("2025-08-01T14:00:00+02:00"), 422, "TYPE", "startDate"),
            ("/endDate", json!("2025-08-01T12:10:00Z"), 422, "NOT_ALIGNED", "endDate"),
            ("/queueReport", json!({}), 422, "TYPE", "queueReport"),
            ("/queueReport/0/holdTime", json!(1510), 202, "IDENTITY", "queueReport[0].handleTime"),
            (
                "/queueReport/0/contactsReceived",
                json!(21),
                202,
                "IDENTITY",
                "queueReport[0].contactsReceived",
            ),
            ("/queueReport/0/backlog", json!(1), 202, "IDENTITY", "queueReport[0].backlog"),
            ("/queueReport/0/handledShort", json!(-1), 202, "TYPE", "queueReport[0].handledShort"),
            ("/queueReport/0/handledShort", json!(1.5), 202, "TYPE", "queueReport[0].handledShort"),
            (
                "/queueReport/0/serviceLevelPercent",
                json!(85.001),
                202,
                "PERCENT",
                "queueReport[0].serviceLevelPercent",
            ),
            (
                "/queueReport/0/serviceLevelPercent",
                json!(101),
                202,
                "PERCENT",
                "queueReport[0].serviceLevelPercent",
            ),
            ("/queueReport/0/queueId", json!("q-1 "), 202, "NOT_TRIMMED", "queueReport[0].queueId"),
            ("/queueReport/0/extra", json!(0), 202, "UNKNOWN_KEY", "queueReport[0].extra"),
            ("/queueReport/+", duplicate("queueReport"), 202, "DUPLICATE", "queueReport[1].queueId"),
            (
                "/agentQueueReport/+",
                duplicate("agentQueueReport"),
                202,
                "DUPLICATE",
                "agentQueueReport[1].agentId",
            ),
            (
                "/agentQueueReport/0/contactsHandled",
                json!(0),
                202,
                "IDENTITY",
                "agentQueueReport[0].handleTime",
            ),
            ("/agentQueueReport/0/agentValue", json!(""), 202, "BLANK", "agentQueueReport[0].agentValue"),
            (
                "/agentSystemPerformanceReport/0/loginTime",
                json!(901),
                202,
                "IDENTITY",
                "agentSystemPerformanceReport[0].loginTime",
            ),
            (
                "/agentSystemPerformanceReport/0/notReady",
                json!(402),
                202,
                "IDENTITY",
                "agentSystemPerformanceReport[0].loginTime",
            ),
        ],
    );
}

#[test]
fn activities_and_states_are_taken_only_as_they_should_be() {
    check(
        AGENT_ACTIVITY,
        &activity_report(),
        &[
            (
                "/reportData/0/activities/0/duration",
                json!(991),
                422,
                "IDENTITY",
                "reportData[0].activities[0].duration",
            ),
            (
                "/reportData/0/activities/0/eventId",
                json!(""),
                422,
                "BLANK",
                "reportData[0].activities[0].eventId",
            ),
            (
                "/reportData/+",
                activity_report()["reportData"][0].clone(),
                202,
                "DUPLICATE",
                "reportData[1].agentId",
            ),
        ],
    );
    let mut late = activity_report();
    late["reportData"][0]["activities"][0]["endTime"] = "2025-08-01T12:15:00Z".into();
    late["reportData"][0]["activities"][0]["duration"] = 1020.into();
    let (_, answer) = Asked::of(options()).send(AGENT_ACTIVITY, &late);
    assert_eq!(errors(&answer), [("OTHER_WINDOW", "reportData[0].activities[0].endTime")]);
    check(
        AGENT_STATES,
        &states(&[state("1", "Available", 1)]),
        &[
            ("/agentStates/0/sequence", Value::Null, 422, "TYPE", "agentStates[0].sequence"),
            ("/agentStates/0/eventTime", json!("noon"), 422, "TYPE", "agentStates[0].eventTime"),
            ("/agentStates/+", json!(1), 202, "TYPE", "agentStates[1]"),
        ],
    );
}

#[test]
fn windows_are_whole_over_and_not_long_ago() {
    let mut asked = Asked::of(options());
    let mut at = |start: &str, end: &str| {
        let mut body = queue_report();
        (body["startDate"], body["endDate"]) = (start.into(), end.into());
        let (status, answer) = asked.send(QUEUE_REPORT, &body);
        (status, answer["errors"][0]["code"].as_str().unwrap_or_default().to_owned())
    };
    let code = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(at("2025-08-01T12:05:00Z", "2025-08-01T12:20:00Z"), code(422, "NOT_ALIGNED"));
    assert_eq!(at("2025-08-01T12:15:00Z", "2025-08-01T12:30:00Z"), code(422, "FUTURE_WINDOW"));
    assert_eq!(at("2025-07-02T12:15:00Z", "2025-07-02T12:30:00Z"), code(202, ""));
    assert_eq!(at("2025-07-02T12:00:00Z", "2025-07-02T12:15:00Z"), code(409, "WINDOW_CLOSED"));
}

#[test]
fn the_good_items_of_a_body_are_taken_without_the_bad_ones_unless_it_is_all_or_nothing() {
    let body = states(&[state("1", "Available", 1), state("2", "", 2), state("3", "Break", 3)]);
    let mut asked = Asked::of(options());
    let (status, answer) = asked.send_as("k", AGENT_STATES, &body);
    assert_eq!(status, 202);
    assert_eq!(
        (&answer["status"], &answer["accepted"], &answer["rejected"]),
        (&json!("PARTIAL"), &json!(2), &json!(1))
    );
    assert_eq!(asked.service.look(|kept| kept.states.keys().cloned().collect::<Vec<_>>()), ["1", "3"]);
    let (status, answer) = asked.send_as("k", AGENT_STATES, &body);
    assert_eq!((status, &answer["status"]), (409, &json!("PARTIAL")), "who lost the answer is told again");
    assert_eq!(errors(&answer), [("ALREADY_ACCEPTED", ""), ("BLANK", "agentStates[1].eventId")]);
    let mut strict = Asked::of(Options { whole_only: true, ..options() });
    assert_eq!(strict.send(AGENT_STATES, &body).0, 422);
    assert_eq!(strict.service.look(|kept| kept.states.len()), 0);
    asked.service.know_agents(Some(["1".to_owned()].into()));
    let (_, answer) = asked.send(AGENT_STATES, &states(&[state("1", "Break", 4), state("2", "Break", 5)]));
    assert_eq!(errors(&answer), [("UNKNOWN_AGENT", "agentStates[1].agentId")]);
}

#[test]
fn the_same_again_is_a_success_that_changes_nothing_and_another_content_is_refused() {
    let asked = Asked::of(options());
    let mut corrected = queue_report();
    corrected["queueReport"][0]["queueDelayTime"] = 61.into();
    assert_eq!(asked.send_as("a", QUEUE_REPORT, &queue_report()).0, 202);
    for key in ["a", "b"] {
        let (status, answer) = asked.send_as(key, QUEUE_REPORT, &queue_report());
        assert_eq!((status, errors(&answer)), (409, vec![("ALREADY_ACCEPTED", "")]), "{key}");
    }
    let (status, answer) = asked.send_as("a", QUEUE_REPORT, &corrected);
    assert_eq!((status, errors(&answer)), (409, vec![("KEY_REUSED", "")]));
    let (status, answer) = asked.send_as("a", AGENT_ACTIVITY, &activity_report());
    assert_eq!((status, errors(&answer)), (409, vec![("KEY_REUSED", "")]));
    assert_eq!(asked.send_as("c", QUEUE_REPORT, &corrected).0, 202);
    assert_eq!(
        asked.send_as("d", QUEUE_REPORT, &queue_report()).0,
        202,
        "what it said before is a correction too"
    );
    let kept = asked.kept("/kept/queue-reports");
    let keys: Vec<_> =
        kept[0]["revisions"].as_array().unwrap().iter().map(|revision| &revision["key"]).collect();
    assert_eq!(keys, ["a", "c", "d"]);
    assert_eq!(kept[0]["latest"], queue_report());
    let counts = asked.service.counts();
    assert_eq!((counts.repeated, counts.repeated_anew), (1, 1), "under its key, and under another one");
    for key in [String::new(), "a b".to_owned(), "k".repeat(256)] {
        assert_eq!(asked.send_as(&key, QUEUE_REPORT, &queue_report()).0, 400, "{key}");
    }
    assert_eq!(asked.post(QUEUE_REPORT, &queue_report()).0, 400);
    assert_eq!(asked.send_as(&"k".repeat(255), QUEUE_REPORT, &corrected).0, 202);
}

#[test]
fn r21_an_older_state_after_a_newer_one_of_the_same_agent_is_seen() {
    let mut asked = Asked::of(options());
    asked.send(AGENT_STATES, &states(&[state("1", "Available", 5), state("2", "Available", 4)]));
    assert_eq!(asked.service.look(|kept| kept.older_after_newer), 0);
    asked.send(AGENT_STATES, &states(&[state("1", "Break", 3)]));
    assert_eq!(asked.service.look(|kept| kept.disorder.clone()), ["jdoe: Break (3) after Available (5)"]);
    assert_eq!(asked.kept("/kept/health")["olderAfterNewer"], 1);
}

#[test]
fn tokens_are_had_in_both_ways_renewed_once_and_end() {
    let mut asked = Asked::of(options());
    let (status, token) = asked.post("/asc/v1/token", &nested());
    assert_eq!((status, &token["expires_in"], &token["token_type"]), (200, &json!(3600), &json!("Bearer")));
    let refresh = json!({ "token": token["refresh_token"], "updateCookie": true, "toggleEnabled": false });
    let (status, renewed) = asked.post("/asc/v1/token/refresh", &refresh);
    assert_eq!((status, &renewed["refreshTokenExpirationTimeSec"]), (200, &json!(7200)));
    assert_eq!(asked.post("/asc/v1/token/refresh", &refresh).0, 401, "it is used up");
    let plain = json!({ "token": renewed["refreshToken"] });
    assert_eq!(asked.post("/asc/v1/token/refresh", &plain).0, 200);
    let half = json!({ "token": renewed["refreshToken"], "updateCookie": true });
    assert_eq!(asked.post("/asc/v1/token/refresh", &half).0, 400);
    asked.service.pass(Millis::from_seconds(3590));
    assert_eq!(asked.exchange("GET", "/asc/v1/acd-type", "", "").0, 200);
    asked.service.pass(Millis::from_seconds(10));
    assert_eq!(asked.exchange("GET", "/asc/v1/acd-type", "", "").0, 401);
    asked.login();
    assert_eq!(asked.exchange("GET", "/asc/v1/acd-type", "", "").0, 200);
    asked.service.revoke_tokens(true);
    assert_eq!(asked.exchange("GET", "/asc/v1/acd-type", "", "").0, 401);
}

#[test]
fn only_good_keys_of_a_tenant_may_ask() {
    let mut asked = Asked::of(Options { style: Style::Flat, ..options() });
    assert_eq!(asked.post("/asc/v1/token", &nested()).0, 400, "this one is flat");
    let mut wrong = flat();
    wrong["accessKeySecret"] = "guess".into();
    assert_eq!(asked.post("/asc/v1/token", &wrong).0, 401);
    let mut elsewhere = flat();
    elsewhere["tenantName"] = "other".into();
    assert_eq!(asked.post("/asc/v1/token", &elsewhere).0, 403);
    elsewhere["tenantName"] = "demo".into();
    assert_eq!(asked.post("/asc/v1/token", &elsewhere).0, 200);
    let nobodys = Key { id: "KEYID====".into(), secret: "KEYSECRET====".into(), tenant: None };
    asked.service.replace_keys(vec![nobodys]);
    asked.login();
    let (status, answer) = asked.exchange("GET", "/asc/v1/acd-type", "", "");
    assert_eq!((status, errors(&answer)), (403, vec![("NO_TENANT", "")]));
}

#[test]
fn r29_what_goes_wrong_on_demand_does_so_as_often_as_it_should_and_is_counted() {
    let mut asked = Asked::of(options());
    let fail = |asked: &Asked, what: Wrong| {
        asked.service.fail(Fault { route: Some(Route::AgentStates), times: 1, what });
    };
    let body = |sequence: u64| states(&[state("1", "Available", sequence)]);
    let throttled = Wrong::Throttled { retry_after: Some("7".into()) };
    for (sequence, (what, status, is_kept)) in (0..).zip([
        (Wrong::Unauthorised, 401, false),
        (Wrong::Forbidden, 403, false),
        (Wrong::TooLarge, 413, false),
        (throttled, 429, false),
        (Wrong::ServerError(503), 503, false),
        (Wrong::Redirected, 302, false),
        (Wrong::Cut, 0, false),
        (Wrong::CutAnswer, 202, true),
        (Wrong::FailsAfterwards(500), 500, true),
        (Wrong::Slow(Duration::from_millis(1)), 202, true),
        (Wrong::Garbled, 202, true),
        (Wrong::Padded(5000), 202, true),
    ]) {
        let name = what.name();
        fail(&asked, what);
        let before = asked.service.look(|kept| kept.states.get("1").map_or(0, VecDeque::len));
        assert_eq!(asked.send(AGENT_STATES, &body(sequence)).0, status, "{name}");
        let after = asked.service.look(|kept| kept.states.get("1").map_or(0, VecDeque::len));
        assert_eq!(after > before, is_kept, "{name}");
        assert_eq!(asked.service.counts().faults[name], 1);
    }
    assert_eq!(asked.send(AGENT_STATES, &body(99)).0, 202, "each happened once");
}

#[test]
fn r29_what_goes_wrong_at_random_does_so_by_its_seed() {
    let outcomes = |seed: u64| {
        let mut asked = Asked::of(options());
        asked.service.fail_at_random(seed, vec![(0.1, Wrong::ServerError(500)), (0.1, Wrong::Cut)]);
        let statuses: Vec<_> =
            (0..200).map(|n| asked.send(AGENT_STATES, &states(&[state("1", "Available", n)])).0).collect();
        let faults = asked.service.counts().faults;
        assert!(
            (10..35).contains(&faults["server_error"]) && (10..35).contains(&faults["cut"]),
            "{faults:?}"
        );
        asked.service.mend();
        assert_eq!(asked.send(AGENT_STATES, &states(&[state("1", "Available", 999)])).0, 202);
        statuses
    };
    assert_eq!(outcomes(7), outcomes(7));
    assert_ne!(outcomes(7), outcomes(8));
}

#[test]
fn r28_a_body_for_the_stand_in_has_a_limit() {
    let body = queue_report().to_string();
    let longest = Asked::of(Options { most_body_bytes: body.len(), ..options() });
    assert_eq!(longest.send_as("k", QUEUE_REPORT, &queue_report()).0, 202);
    let shorter = Asked::of(Options { most_body_bytes: body.len() - 1, ..options() });
    assert_eq!(shorter.send_as("k", QUEUE_REPORT, &queue_report()).0, 413);
}

#[test]
fn r28_the_stand_in_keeps_the_last_10_000_states_of_an_agent() {
    let mut asked = Asked::of(options());
    let count = u64::try_from(MOST_STATES).unwrap();
    let all: Vec<_> = (0..=count).map(|sequence| state("1", "Available", sequence)).collect();
    assert_eq!(asked.send(AGENT_STATES, &states(&all)).0, 202);
    let kept =
        asked.service.look(|kept| kept.states["1"].iter().map(|state| state.sequence).collect::<Vec<_>>());
    assert_eq!((kept.len(), kept[0], kept[MOST_STATES - 1]), (MOST_STATES, 1, count));
}
