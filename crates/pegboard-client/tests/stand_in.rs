//! The client against the stand-in for ASC Manager: what it reports of everything that can go wrong.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pegboard_client::{
    Activity, AgentActivities, AgentActivityReport, AgentPerformanceRow, AgentQueueRow, AgentState,
    AgentStates, Builder, CallError, Connection, Error, IdempotencyKey, Kind, LoginError, Percent,
    QueueReport, QueueRow, Receipt, ReportVersion, Retry, RetryAfter, Timestamp, TokenStyle,
};
use pegboard_sim::stand_in::asc_manager::{AscManager, Fault, Key, Options, Route, Style, Wrong};

const ID: &str = "CANARY-ID====";
const SECRET: &str = "CANARY-SECRET====";

fn at(text: &str) -> Timestamp {
    text.parse().expect("is a time")
}

fn options() -> Options {
    let key = Key { id: ID.into(), secret: SECRET.into(), tenant: Some("acme".into()) };
    Options { keys: vec![key], ..Options::at(at("2025-08-01T12:20:00Z")) }
}

fn serve(options: Options) -> AscManager {
    AscManager::serve(options).expect("there is a free port")
}

fn builder(service: &AscManager) -> Builder {
    Connection::builder().service_url(service.url()).access_key(ID).secret_key(SECRET).allow("127.0.0.1")
}

fn connection(service: &AscManager) -> Connection {
    builder(service).build().expect("all is set")
}

fn key(text: &str) -> IdempotencyKey {
    text.parse().expect("is a key")
}

fn state(agent: &str, event: &str, sequence: u64) -> AgentState {
    AgentState {
        agent_value: agent.into(),
        agent_id: agent.into(),
        event_id: event.into(),
        event_reason: String::new(),
        event_time: at("2025-08-01T12:03:07.120Z"),
        sequence,
    }
}

fn states(agent_states: Vec<AgentState>) -> AgentStates {
    AgentStates { acd_type: "AMAZON_CONNECT".into(), agent_states }
}

/// The report of the proposal.
fn queue_report() -> QueueReport {
    QueueReport {
        acd_type: "AMAZON_CONNECT".into(),
        report_version: ReportVersion::V1,
        start_date: at("2025-08-01T12:00:00Z"),
        end_date: at("2025-08-01T12:15:00Z"),
        queue_report: vec![QueueRow {
            queue_value: "Billing".into(),
            queue_id: "q-1".into(),
            contacts_received: 22,
            handled_short: 17,
            handled_long: 1,
            abandoned_short: 2,
            abandoned_long: 2,
            handle_time: 1509,
            hold_time: 434,
            work_time: 83,
            queue_delay_time: 60,
            service_level_percent: Percent::of(17, 20),
            ..QueueRow::default()
        }],
        agent_queue_report: vec![AgentQueueRow {
            agent_value: "jdoe".into(),
            agent_id: "1001".into(),
            queue_id: "q-1".into(),
            contacts_handled: 4,
            handle_time: 312,
            hold_time: 40,
            work_time: 55,
            ..AgentQueueRow::default()
        }],
        agent_system_performance_report: vec![AgentPerformanceRow {
            agent_value: "jdoe".into(),
            agent_id: "1001".into(),
            ready_time: 500,
            not_ready: 100,
            login_time: 900,
        }],
    }
}

fn activity_report() -> AgentActivityReport {
    let activity = Activity {
        event_id: "Unavailable".into(),
        event_reason: "Lunch".into(),
        start_time: at("2025-08-01T11:58:00Z"),
        end_time: at("2025-08-01T12:14:30Z"),
        duration: 990,
    };
    AgentActivityReport {
        acd_type: "AMAZON_CONNECT".into(),
        report_version: ReportVersion::V1,
        start_date: at("2025-08-01T12:00:00Z"),
        end_date: at("2025-08-01T12:15:00Z"),
        report_data: vec![AgentActivities {
            agent_value: "jdoe".into(),
            agent_id: "1001".into(),
            activities: vec![activity],
        }],
    }
}

/// Whether an error is what it should be.
type Is = fn(&Error) -> bool;

async fn send(connection: &Connection, name: &str) -> Result<Receipt, Error> {
    connection.process_agent_states(&key(name), &states(vec![state("1", "Available", 1)])).await
}

fn fail(service: &AscManager, route: Route, times: u32, what: Wrong) {
    service.fail(Fault { route: Some(route), times, what });
}

#[tokio::test]
async fn n121_the_three_calls_of_the_sdk_are_accepted_whole() {
    for (style, asked) in [(Style::Nested, TokenStyle::Nested), (Style::Flat, TokenStyle::Flat)] {
        let service = serve(Options { style, ..options() });
        let connection = builder(&service).token_style(asked).tenant("acme").build().unwrap();
        assert_eq!(connection.connect().await.unwrap(), "AMAZON_CONNECT");
        connection.heartbeat().await.unwrap();
        let receipts = [
            connection.process_queue_report(&key("q"), &queue_report()).await.unwrap(),
            connection.process_agent_activity_report(&key("a"), &activity_report()).await.unwrap(),
            send(&connection, "s").await.unwrap(),
        ];
        assert!(receipts.iter().all(|receipt| receipt.is_whole() && !receipt.repeated), "{receipts:?}");
        let accepted = receipts.map(|receipt| receipt.response.unwrap().accepted);
        assert_eq!(accepted, [3, 1, 1]);
        service.look(|kept| {
            let report = &kept.queue_reports[&at("2025-08-01T12:00:00Z")];
            assert_eq!(serde_json::from_slice::<QueueReport>(&report.sent).unwrap(), queue_report());
            assert_eq!((report.revisions[0].key.as_str(), kept.states.len(), kept.heartbeats), ("q", 1, 1));
        });
        assert_eq!(service.counts().refused, [""; 0]);
    }
}

#[tokio::test]
async fn r19_what_is_refused_of_a_body_is_told_with_its_place_and_the_rest_is_accepted() {
    let service = serve(options());
    let connection = connection(&service);
    let all = (0..100).map(|n| state(&format!("a{n}"), if n % 40 == 7 { "" } else { "Available" }, n));
    let all = states(all.collect());
    for repeated in [false, true] {
        let receipt = connection.process_agent_states(&key("k"), &all).await.unwrap();
        assert!(!receipt.is_whole());
        assert_eq!(receipt.repeated, repeated);
        let items: Vec<_> = receipt.refused().map(|error| error.item()).collect();
        let expected = [7, 47, 87].map(|index| Some(("agentStates", index)));
        assert_eq!(items, expected, "also to whom lost the first answer");
    }
    assert_eq!(service.look(|kept| kept.states.len()), 97);
}

#[tokio::test]
async fn content_that_is_refused_is_said_to_be_with_the_places() {
    let service = serve(options());
    let connection = connection(&service);
    let mut report = queue_report();
    report.end_date = at("2025-08-01T12:10:00Z");
    let refused = connection.process_queue_report(&key("k"), &report).await.unwrap_err();
    assert!(matches!(refused, Error::Rejected(_)), "{refused:?}");
    assert_eq!(refused.retry(), Retry::Never);
    assert_eq!(refused.response().unwrap().rejected, 3);
    let message = "the service refuses it: status 422, NOT_ALIGNED endDate: an interval is 15 minutes long";
    assert_eq!(refused.to_string(), message);
    let without = r#"{"acdType":"AMAZON_CONNECT","queueReport":[]}"#;
    let refused = connection.send(Kind::QueueReport, &key("k"), without).await.unwrap_err();
    let paths: BTreeSet<_> =
        refused.response().unwrap().errors.iter().map(|error| error.path.as_str()).collect();
    assert!(
        paths.is_superset(&["agentQueueReport", "agentSystemPerformanceReport"].into()),
        "N-127: {paths:?}"
    );
    let malformed = connection.send(Kind::AgentStates, &key("k"), "{").await.unwrap_err();
    assert!(matches!(&malformed, Error::Rejected(refusal) if refusal.status == 400), "{malformed:?}");
    service.know_agents(Some(BTreeSet::new()));
    let unknown = send(&connection, "k").await.unwrap_err();
    assert_eq!(unknown.response().unwrap().errors[0].code, "UNKNOWN_AGENT");
    service.know_agents(None);
    send(&connection, "k").await.expect("a key that nothing was accepted under is free");
}

#[tokio::test]
async fn the_same_again_is_a_success_and_a_key_for_another_content_is_not() {
    let service = serve(options());
    let connection = connection(&service);
    assert!(!send(&connection, "k").await.unwrap().repeated);
    assert!(send(&connection, "k").await.unwrap().repeated);
    let other =
        connection.process_agent_states(&key("k"), &states(vec![state("1", "Break", 2)])).await.unwrap_err();
    assert_eq!(other.response().unwrap().errors[0].code, "KEY_REUSED");
    assert_eq!(other.retry(), Retry::Never);
    service.pass(pegboard_model::Millis::from_hours(31 * 24));
    let closed = connection.process_queue_report(&key("q"), &queue_report()).await.unwrap_err();
    assert!(matches!(&closed, Error::Rejected(refusal) if refusal.status == 409), "{closed:?}");
    assert_eq!(closed.response().unwrap().errors[0].code, "WINDOW_CLOSED");
}

#[tokio::test]
async fn r18_r29_every_fault_is_reported_as_what_it_is() {
    let late = Duration::from_millis(500);
    let service = serve(options());
    let connection = builder(&service).timeout(Duration::from_millis(200)).build().unwrap();
    connection.connect().await.unwrap();
    let throttled = |after: &str| Wrong::Throttled { retry_after: Some(after.to_owned()) };
    let seven = RetryAfter::Pause(Duration::from_secs(7));
    let then = RetryAfter::At(at("2025-08-01T12:30:00Z"));
    let faults: [(Wrong, Is, Retry, bool); 14] = [
        (Wrong::Forbidden, |error| matches!(error, Error::Denied(_)), Retry::Never, false),
        (Wrong::TooLarge, |error| matches!(error, Error::TooLarge(_)), Retry::Never, false),
        (throttled("7"), |error| matches!(error, Error::Later { .. }), Retry::Later(Some(seven)), false),
        (
            throttled("Fri, 01 Aug 2025 12:30:00 GMT"),
            |error| matches!(error, Error::Later { .. }),
            Retry::Later(Some(then)),
            false,
        ),
        (throttled("soon"), |error| matches!(error, Error::Later { .. }), Retry::Later(None), false),
        (Wrong::ServerError(500), |error| matches!(error, Error::Later { .. }), Retry::Later(None), false),
        (Wrong::ServerError(503), |error| matches!(error, Error::Later { .. }), Retry::Later(None), false),
        (Wrong::Redirected, |error| matches!(error, Error::NotThere(_)), Retry::Never, false),
        (
            Wrong::Cut,
            |error| matches!(error, Error::NoAnswer(error) if matches!(**error, CallError::Broken { .. })),
            Retry::Later(None),
            false,
        ),
        (
            Wrong::CutAnswer,
            |error| matches!(error, Error::NoAnswer(error) if matches!(**error, CallError::Broken { .. })),
            Retry::Later(None),
            true,
        ),
        (Wrong::FailsAfterwards(500), |error| matches!(error, Error::Later { .. }), Retry::Later(None), true),
        (
            Wrong::Slow(late),
            |error| matches!(error, Error::NoAnswer(error) if matches!(**error, CallError::Late { .. })),
            Retry::Later(None),
            true,
        ),
        (Wrong::Garbled, |error| matches!(error, Error::Unreadable(_)), Retry::Later(None), true),
        (
            Wrong::Padded(1 << 21),
            |error| matches!(error, Error::NoAnswer(error) if matches!(**error, CallError::TooLong { .. })),
            Retry::Never,
            true,
        ),
    ];
    for (number, (wrong, is, retry, was_done)) in faults.into_iter().enumerate() {
        let name = format!("{number}-{}", wrong.name());
        let fired = |service: &AscManager| service.counts().faults.values().sum::<u64>();
        let before = fired(&service);
        fail(&service, Route::AgentStates, 1, wrong);
        let error = send(&connection, &name).await.unwrap_err();
        assert!(is(&error), "{name}: {error:?}");
        assert_eq!(error.retry(), retry, "{name}");
        assert_eq!(fired(&service), before + 1, "{name}");
        let again = send(&connection, &name).await.unwrap();
        assert_eq!(again.repeated, was_done, "{name}: a second time it counts once");
    }
    service.look(|kept| assert_eq!(kept.older_after_newer, 0));
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_from_what_may_not_be_reached() {
    let service = serve(options());
    let closed =
        Connection::builder().service_url(service.url()).access_key(ID).secret_key(SECRET).build().unwrap();
    let refused = closed.connect().await.unwrap_err();
    assert!(matches!(refused, Error::Login(LoginError::Refused(_))), "{refused:?}");
    assert_eq!((refused.retry(), service.counts().requests.len()), (Retry::Never, 0));
    let open = connection(&service);
    drop(service);
    let gone = open.connect().await.unwrap_err();
    assert!(matches!(gone, Error::Login(LoginError::Later { .. })), "{gone:?}");
    assert_eq!(gone.retry(), Retry::Later(None));
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_followed_by_one_login_and_no_more() {
    let service = serve(options());
    let connection = connection(&service);
    connection.connect().await.unwrap();
    service.revoke_tokens(true);
    send(&connection, "a").await.expect("after a login it goes on");
    assert_eq!(service.counts().requests[&Route::Token], 2);
    fail(&service, Route::AgentStates, 2, Wrong::Unauthorised);
    let denied = send(&connection, "b").await.unwrap_err();
    assert!(matches!(&denied, Error::Denied(refusal) if refusal.status == 401), "{denied:?}");
    assert_eq!(service.counts().requests[&Route::Token], 3);
    assert_eq!(service.counts().faults["unauthorised"], 2);
    send(&connection, "b").await.expect("the next call is a new one");
}

#[tokio::test]
async fn access_keys_that_are_not_good_are_told_apart() {
    let service = serve(options());
    let connection = connection(&service);
    service.replace_keys(vec![Key { id: ID.into(), secret: SECRET.into(), tenant: None }]);
    let nobodys = connection.connect().await.unwrap_err();
    assert!(matches!(nobodys, Error::Denied(_)), "{nobodys:?}");
    assert_eq!(nobodys.response().unwrap().errors[0].code, "NO_TENANT");
    service.replace_keys(Vec::new());
    let gone = connection.connect().await.unwrap_err();
    let message = format!(
        "there is no token: the target refuses the access key: {}/asc/v1/token answers with status 401",
        service.url()
    );
    assert_eq!((gone.to_string(), gone.retry()), (message, Retry::Never));
    fail(&service, Route::Token, 1, Wrong::Throttled { retry_after: Some("9".into()) });
    let later = RetryAfter::Pause(Duration::from_secs(9));
    assert_eq!(connection.connect().await.unwrap_err().retry(), Retry::Later(Some(later)));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_calls_at_once_have_one_login_between_them() {
    let service = Arc::new(serve(options()));
    let connection = connection(&service);
    for round in 0..2_u64 {
        fail(&service, Route::Token, 1, Wrong::Slow(Duration::from_millis(50)));
        let calls: Vec<_> = (0..50_u64)
            .map(|n| {
                let connection = connection.clone();
                tokio::spawn(async move {
                    let body = states(vec![state(&format!("{round}-{n}"), "Available", n)]);
                    connection.process_agent_states(&key(&format!("{round}-{n}")), &body).await
                })
            })
            .collect();
        for call in calls {
            assert!(call.await.unwrap().unwrap().is_whole());
        }
        let counts = service.counts();
        assert_eq!((counts.requests[&Route::Token], counts.most_logins_at_once), (round + 1, 1));
        assert_eq!(counts.faults["slow"], round + 1);
        service.revoke_tokens(true);
    }
    assert_eq!(service.look(|kept| kept.states.len()), 100);
}

#[tokio::test]
async fn r29_with_faults_at_random_everything_is_accepted_once() {
    let service = serve(options());
    let connection = connection(&service);
    service.fail_at_random(
        11,
        vec![
            (0.10, Wrong::ServerError(503)),
            (0.05, Wrong::Throttled { retry_after: Some("0".into()) }),
            (0.05, Wrong::Cut),
            (0.05, Wrong::CutAnswer),
            (0.05, Wrong::FailsAfterwards(500)),
            (0.05, Wrong::Unauthorised),
        ],
    );
    for number in 0..200 {
        let body = states(vec![state("1", "Available", number)]);
        let name = key(&format!("k{number}"));
        while let Err(error) = connection.process_agent_states(&name, &body).await {
            // A token of its own that is not taken twice in a row looks like a denial.
            let is_denied = matches!(error, Error::Denied(_));
            assert!(is_denied || matches!(error.retry(), Retry::Later(_)), "{error:?}");
        }
    }
    service.look(|kept| {
        let sequences: Vec<_> = kept.states["1"].iter().map(|state| state.sequence).collect();
        assert_eq!(sequences, (0..200).collect::<Vec<_>>());
    });
    let counts = service.counts();
    assert_eq!(counts.faults.len(), 6, "each of them fired: {:?}", counts.faults);
    assert!(counts.repeated > 0);
}

#[tokio::test]
async fn keys_and_paths_are_what_a_site_says() {
    let service = serve(options());
    let base = builder(&service);
    let mut paths = pegboard_client::Paths { agent_states: "/elsewhere".into(), ..Default::default() };
    let elsewhere = base.clone().paths(paths.clone()).build().unwrap();
    assert!(matches!(send(&elsewhere, "k").await, Err(Error::NotThere(_))));
    paths.agent_states = "asc/v1/agent-states".into();
    let renamed = base.paths(paths).rename("agentStates.eventReason", "reason").build().unwrap();
    let refused = send(&renamed, "k").await.unwrap_err();
    let places: Vec<_> = refused.response().unwrap().errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(places, ["agentStates[0].eventReason", "agentStates[0].reason"]);
    let as_if = builder(&service)
        .rename_answer("requestId", "accepted")
        .rename_answer("accepted", "rejected")
        .build();
    let unreadable = send(&as_if.unwrap(), "k").await.unwrap_err();
    assert!(matches!(unreadable, Error::Unreadable(_)), "a number is no id: {unreadable:?}");
    let swapped =
        builder(&service).rename_answer("accepted", "rejected").rename_answer("rejected", "accepted").build();
    let response = send(&swapped.unwrap(), "l").await.unwrap().response.unwrap();
    assert_eq!((response.accepted, response.rejected), (0, 1));
}

#[test]
fn what_is_missing_or_wrong_in_the_settings_is_named() {
    let error = |builder: Builder| builder.build().unwrap_err().to_string();
    let url = || Connection::builder().service_url("https://x.example");
    assert_eq!(error(Connection::builder()), "the service URL is missing");
    assert_eq!(error(url()), "the access key is missing");
    assert_eq!(error(url().access_key("a").secret_key("")), "the secret key is missing");
    assert!(error(Connection::builder().service_url("x.example")).starts_with("the service URL is none: "));
    let good = || url().access_key(ID).secret_key(SECRET);
    assert!(error(good().allow("10.0.0.0/33")).contains("10.0.0.0/33"));
    assert_eq!(error(good().rename("a", "b").rename("a", "c")), "the key `a` is renamed twice");
    assert!(!format!("{:?} {:?}", good(), good().build().unwrap()).contains("CANARY"));
}

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn s20_no_secret_is_in_a_log_or_an_error() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    let subscriber = subscriber.with_writer(move || writer.clone()).with_ansi(false).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let service = serve(options());
    let connection = connection(&service);
    let mut told = Vec::new();
    connection.connect().await.unwrap();
    for wrong in [
        Wrong::Echo,
        Wrong::Unauthorised,
        Wrong::Forbidden,
        Wrong::ServerError(500),
        Wrong::Cut,
        Wrong::Garbled,
        Wrong::Throttled { retry_after: None },
    ] {
        let name = wrong.name();
        for route in [Route::AgentStates, Route::Token, Route::Refresh] {
            service.revoke_tokens(false);
            fail(&service, route, 2, wrong.clone());
            let sent = send(&connection, name).await;
            told.push(format!("{sent:?}"));
            if let Err(error) = sent {
                told.push(error.to_string());
            }
            service.mend();
        }
    }
    // What is repeated by the service is at most what it was sent: the token; a token of this stand-in begins with `access-`.
    drop(guard);
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("asked for a token") && logged.contains("/asc/v1/agent-states"), "{logged}");
    assert!(service.counts().faults["echo"] > 1);
    assert!(told.iter().any(|told| told.contains("***")), "what was repeated is hidden");
    for text in told.iter().chain([&logged]) {
        for secret in ["CANARY", "access-", "refresh-"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
