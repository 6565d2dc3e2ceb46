//! Bodies for a WFM say what the reports say, and keep the rules of the WFM, for every simulated centre.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use pegboard::replay::{Cut, Inputs};
use pegboard_model::{Direction, Millis};
use pegboard_sim::stand_in::asc_manager::{AscManager, Options};
use pegboard_sinks::mapping::Mapping;
use pegboard_sinks::{Encoded, encoder};
use serde_json::Value;

use crate::support::day::Day;
use crate::support::replayed::replay;

fn centre(seed: u64) -> Inputs {
    let day = Day::of(25, 4, 700 + seed);
    replay(&day, &day.settings())
}

fn encode(inputs: &Inputs, name: &str) -> Encoded {
    let encoded = (encoder(name).unwrap().encode)(&inputs.known(Vec::new(), Mapping::default()));
    assert_eq!(encoded.refused, [], "nothing that a simulated centre does is against the rules");
    encoded
}

fn bodies(encoded: &Encoded) -> Vec<Value> {
    let names: Vec<_> = encoded.documents.iter().map(|document| &document.name).collect();
    assert!(names.is_sorted(), "names sort in order of sending");
    encoded.documents.iter().map(|document| serde_json::from_slice(&document.body).unwrap()).collect()
}

/// All lines of one of the reports in the bodies.
fn lines<'b>(bodies: &'b [Value], report: &str) -> Vec<&'b Value> {
    bodies.iter().flat_map(|body| body[report].as_array().expect("it is always there")).collect()
}

fn number(line: &Value, key: &str) -> i64 {
    line[key].as_i64().unwrap_or_else(|| panic!("{key} of {line}"))
}

fn sum(lines: &[&Value], key: &str) -> i64 {
    lines.iter().map(|line| number(line, key)).sum()
}

/// Each rounded by itself, half up, as a body has it.
fn rounded(times: impl Iterator<Item = Millis>) -> i64 {
    times.map(|time| (time.get() + 500) / 1000).sum()
}

fn count(counts: impl Iterator<Item = u64>) -> i64 {
    i64::try_from(counts.sum::<u64>()).unwrap()
}

#[test]
fn sums_over_bodies_are_sums_over_rows() {
    for seed in 0..6 {
        let inputs = centre(seed);
        let bodies = bodies(&encode(&inputs, "cxone-queue-report"));
        assert_eq!(bodies.len(), 16, "one for each quarter of an hour");
        let (sent, rows) = (lines(&bodies, "queueReport"), inputs.queue_rows(Cut::Interval));
        assert_eq!(sent.len(), rows.len());
        assert_eq!(sum(&sent, "contactsReceived"), count(rows.iter().map(|row| row.offered)));
        assert_eq!(sum(&sent, "handledShort"), count(rows.iter().map(|row| row.answered_in_sl)));
        assert_eq!(
            sum(&sent, "handledLong"),
            count(rows.iter().map(|row| row.answered - row.answered_in_sl))
        );
        assert_eq!(sum(&sent, "abandonedShort"), count(rows.iter().map(|row| row.abandoned_in_sl)));
        assert_eq!(
            sum(&sent, "abandonedLong"),
            count(rows.iter().map(|row| row.abandoned - row.abandoned_in_sl))
        );
        assert_eq!(sum(&sent, "handleTime"), rounded(rows.iter().map(|row| row.talk_s + row.hold_s)));
        assert_eq!(sum(&sent, "holdTime"), rounded(rows.iter().map(|row| row.hold_s)));
        assert_eq!(sum(&sent, "workTime"), rounded(rows.iter().map(|row| row.acw_s)));
        assert_eq!(sum(&sent, "queueDelayTime"), rounded(rows.iter().map(|row| row.queue_answered_s)));

        let sent = lines(&bodies, "agentQueueReport");
        let rows = inputs.agent_queue_rows(Cut::Interval);
        let in_queues = || rows.iter().filter(|row| !row.queue_id.as_str().is_empty());
        assert_eq!(sum(&sent, "contactsHandled"), count(in_queues().map(|row| row.answered)));
        assert_eq!(sum(&sent, "handleTime"), rounded(in_queues().map(|row| row.handle_s)));
        assert_eq!(sum(&sent, "workTime"), rounded(in_queues().map(|row| row.acw_s)));
        assert!(
            in_queues().count() < rows.len() || rows.iter().all(|row| row.direction == Direction::Inbound)
        );

        let (sent, rows) = (lines(&bodies, "agentSystemPerformanceReport"), inputs.agent_rows(Cut::Interval));
        assert_eq!(sent.len(), rows.len());
        assert_eq!(sum(&sent, "loginTime"), rounded(rows.iter().map(|row| row.login_s)));
        assert_eq!(sum(&sent, "readyTime"), rounded(rows.iter().map(|row| row.available_s)));
        assert_eq!(sum(&sent, "notReady"), rounded(rows.iter().map(|row| row.aux_s + row.error_s)));
    }
}

#[test]
fn what_is_sent_agrees_with_itself() {
    for seed in 0..6 {
        for body in bodies(&encode(&centre(seed), "cxone-queue-report")) {
            let mut by_agents: BTreeMap<&str, [i64; 4]> = BTreeMap::new();
            let keys = ["contactsHandled", "handleTime", "holdTime", "workTime"];
            for line in body["agentQueueReport"].as_array().unwrap() {
                let sums = by_agents.entry(line["queueId"].as_str().unwrap()).or_default();
                sums.iter_mut().zip(keys).for_each(|(sum, key)| *sum += number(line, key));
            }
            for line in body["queueReport"].as_array().unwrap() {
                let handled = number(line, "handledShort") + number(line, "handledLong");
                let abandoned = number(line, "abandonedShort") + number(line, "abandonedLong");
                assert!(number(line, "contactsReceived") >= handled + abandoned, "{line}");
                assert!(number(line, "handleTime") >= number(line, "holdTime"), "{line}");
                let [agents, times @ ..] =
                    by_agents.remove(line["queueId"].as_str().unwrap()).unwrap_or_default();
                assert_eq!(agents, handled, "{line}");
                for (time, key) in times.into_iter().zip(&keys[1..]) {
                    // Each line is rounded by itself, by at most half a second.
                    assert!((time - number(line, key)).abs() <= agents / 2 + 1, "{key}: {time} in {line}");
                }
                if handled == 0 {
                    assert_eq!((number(line, "handleTime"), number(line, "workTime")), (0, 0), "{line}");
                }
            }
            assert!(
                by_agents.is_empty(),
                "agents handled contacts of queues that are not there: {by_agents:?}"
            );
            for line in body["agentSystemPerformanceReport"].as_array().unwrap() {
                let login = number(line, "loginTime");
                assert!(
                    login <= 900 && number(line, "readyTime") + number(line, "notReady") <= login + 1,
                    "{line}"
                );
            }
        }
    }
}

#[test]
fn states_are_the_feed_agent_by_agent() {
    let inputs = centre(0);
    let bodies = bodies(&encode(&inputs, "cxone-agent-states"));
    let mut sent: BTreeMap<String, Vec<[String; 3]>> = BTreeMap::new();
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for state in lines(&bodies, "agentStates") {
        let text = |key: &str| state[key].as_str().unwrap().to_owned();
        let states = sent.entry(text("agentId")).or_default();
        states.push([text("eventTime"), text("eventId"), text("eventReason")]);
        let before = last.insert(text("agentId"), number(state, "sequence"));
        assert!(before < Some(number(state, "sequence")), "what comes later has a higher one");
    }
    let mut feed: BTreeMap<String, Vec<[String; 3]>> = BTreeMap::new();
    for row in inputs.segments().iter().filter(|row| !row.event_id.is_empty()) {
        let state = [row.start.to_string(), row.event_id.to_string(), row.reason.to_string()];
        feed.entry(row.agent_id.to_string()).or_default().push(state);
    }
    assert!(feed.len() > 10);
    assert_eq!(sent, feed);
}

/// What a stand-in for NICE's service answers: the status.
fn post(service: &AscManager, token: &str, number: usize, path: &str, body: &[u8]) -> (u16, String) {
    let mut connection = TcpStream::connect(service.url().trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /asc/v1/{path} HTTP/1.1\r\nauthorization: Bearer {token}\r\nidempotency-key: {number}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(body).unwrap();
    connection.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

#[test]
fn another_reading_of_the_bodies_accepts_every_one() {
    let service = AscManager::serve(Options::at("2026-03-02T12:00:00Z".parse().unwrap())).unwrap();
    let keys = br#"{"accessKeyId":"KEYID====","accessKeySecret":"KEYSECRET===="}"#;
    let (_, token) = post(&service, "", 0, "token", keys);
    let token: Value = serde_json::from_str(&token).unwrap();
    let token = token["access_token"].as_str().unwrap();
    let mut sent = 0;
    for seed in 0..3 {
        let inputs = centre(seed);
        for (name, path) in [
            ("cxone-queue-report", "reports/queue"),
            ("cxone-agent-activity", "reports/agent-activity"),
            ("cxone-agent-states", "agent-states"),
        ] {
            for document in encode(&inputs, name).documents {
                sent += 1;
                let (status, answer) = post(&service, token, sent, path, &document.body);
                let verdict: Value = serde_json::from_str(&answer).unwrap();
                assert_eq!(
                    (status, &verdict["errors"]),
                    (202, &serde_json::json!([])),
                    "{name} {document:?}"
                );
            }
        }
    }
    assert!(sent > 3 * 2 * 16);
}
