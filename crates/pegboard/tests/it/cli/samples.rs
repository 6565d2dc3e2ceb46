//! Records that Amazon Connect has written, where they are at hand.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::binary::replay;

/// A sample; says so on stderr if it is not there.
fn sample(name: &str) -> Option<PathBuf> {
    let path =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/amazon-connect")).join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {name} is not there");
    None
}

/// The given columns of every row.
fn columns(text: &str, names: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let places: Vec<_> =
        names.split(' ').map(|name| header.iter().position(|column| column == name).expect(name)).collect();
    let row = |row: csv::StringRecord| places.iter().map(|place| row[*place].to_owned()).collect::<Vec<_>>();
    reader.records().map(|found| row(found.unwrap()).join(" ").trim_end().to_owned()).collect()
}

#[test]
fn a_session_of_2018() {
    let Some(session) = sample("agent-events/aspect-2018-session.ndjson") else { return };
    let folder = tempfile::tempdir().unwrap();
    let report = |arguments: &str| {
        let arguments = format!("--agent-events {} {arguments}", session.display());
        let ended = replay(folder.path(), &arguments).well();
        assert_eq!(ended.stderr, "");
        ended.text()
    };
    let segments = report("--report segments");
    assert_eq!(
        columns(&segments, "start duration_s class event_id reason"),
        [
            "2018-05-16T16:00:00Z 779.059 signed_out",
            "2018-05-16T16:12:59.059Z 0 signed_out LOGIN Offline",
            "2018-05-16T16:12:59.059Z 619.96 signed_out Offline",
            "2018-05-16T16:23:19.019Z 580.04 available Available",
            "2018-05-16T16:32:59.059Z 588.989 aux Break",
            "2018-05-16T16:42:48.048Z 449.97 aux Lunch",
            "2018-05-16T16:50:18.018Z 334.034 signed_out Offline",
            "2018-05-16T16:55:52.052Z 247.948 signed_out LOGOUT Offline",
        ]
    );
    assert_eq!(
        columns(&segments, "end").last().map(String::as_str),
        Some(""),
        "nothing has ended the sign-out"
    );
    let sessions = report("--report sessions");
    let expected = "2018-05-16T16:23:19.019Z 2018-05-16T16:50:18.018Z 1618.999 login";
    assert_eq!(columns(&sessions, "sign_in sign_out duration_s policy"), [expected]);

    fs::write(folder.path().join("statuses.csv"), "StateName,StateType\nBreak,0\nlunch,0\n").unwrap();
    let staffed = report("--report sessions --session-policy staffed --statuses statuses.csv");
    let expected = "2018-05-16T16:23:19.019Z 2018-05-16T16:32:59.059Z 580.04 staffed";
    assert_eq!(columns(&staffed, "sign_in sign_out duration_s policy"), [expected]);
    let intervals = report("--report agent_interval");
    assert_eq!(
        columns(
            &intervals,
            "interval_start login_s available_s aux_s status_available_s status_unavailable_s"
        ),
        [
            "2018-05-16T16:15:00Z 400.981 400.981 0 400.981 0",
            "2018-05-16T16:30:00Z 900 179.059 720.941 179.059 720.941",
            "2018-05-16T16:45:00Z 318.018 0 318.018 0 318.018",
        ]
    );
}

#[test]
fn a_contact_told_three_times_counts_once_and_where_it_ended() {
    let Some(records) = sample("contact-records/redelivery-2022-01-05-three-copies.ndjson") else { return };
    let folder = tempfile::tempdir().unwrap();
    let report = |arguments: &str| {
        replay(folder.path(), &format!("--contact-records {} {arguments}", records.display())).well().text()
    };
    // The agent was free at 17:28:17, the customer left at 17:47:28.
    let figures =
        "interval_start offered answered answered_in_sl queue_answered_s talk_s hold_s handle_s acw_s";
    let rows = columns(&report("--report queue_interval"), figures);
    assert_eq!(rows, ["2022-01-05T17:45:00Z 1 1 0 346 239 221 460 5"]);
    let rows = columns(&report("--report queue_interval --pegging acw_end"), figures);
    assert_eq!(rows, ["2022-01-05T17:15:00Z 1 1 0 346 239 221 460 5"]);
    let rows = columns(&report("--report queue_interval --pegging enqueue"), "interval_start pegging");
    assert_eq!(rows, ["2022-01-05T17:00:00Z enqueue"]);
    let rows =
        columns(&report("--report agent_queue_interval"), "interval_start answered transferred_by_agent");
    assert_eq!(rows, ["2022-01-05T17:45:00Z 1 1"]);
}

#[test]
fn an_abandoned_contact() {
    let Some(record) = sample("contact-records/abandoned-2018-11-02.json") else { return };
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        format!("--contact-records {} --report queue_interval --service-level 39", record.display());
    let rows = replay(folder.path(), &arguments).well().text();
    let figures =
        "offered answered abandoned abandoned_in_sl abandoned_short queue_abandoned_s service_level_pct";
    assert_eq!(columns(&rows, figures), ["1 0 1 0 0 39 0"], "39 seconds are not less than 39");
}

#[test]
fn r07_a_sample_that_is_no_json_is_a_bad_record() {
    let Some(broken) = sample("agent-events/aws-docs-heartbeat-next-status.as-published.txt") else { return };
    let folder = tempfile::tempdir().unwrap();
    let ended =
        replay(folder.path(), &format!("--agent-events {} --report segments", broken.display())).well();
    assert_eq!(ended.text().lines().count(), 1, "a header alone");
    assert!(ended.stderr.contains("1 record could not be used"), "{}", ended.stderr);
}

#[test]
fn the_session_of_2018_as_a_wfm_would_be_sent_it() {
    let Some(session) = sample("agent-events/aspect-2018-session.ndjson") else { return };
    let folder = tempfile::tempdir().unwrap();
    let encodings = "cxone-agent-states,cxone-agent-activity,cxone-queue-report,iex";
    let arguments = format!("--agent-events {} --encode {encodings} --out out", session.display());
    replay(folder.path(), &arguments).well();
    let read = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    let states: serde_json::Value = serde_json::from_str(&read("cxone-agent-states/000001.json")).unwrap();
    let seen: Vec<_> = states["agentStates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|state| {
            ["eventTime", "eventId", "eventReason"].map(|key| state[key].as_str().unwrap()).join(" ")
        })
        .collect();
    assert_eq!(
        seen,
        [
            "2018-05-16T16:12:59.059Z LOGIN Offline",
            "2018-05-16T16:12:59.059Z Offline ",
            "2018-05-16T16:23:19.019Z Available ",
            "2018-05-16T16:32:59.059Z Break ",
            "2018-05-16T16:42:48.048Z Lunch ",
            "2018-05-16T16:50:18.018Z Offline ",
            "2018-05-16T16:55:52.052Z LOGOUT Offline",
        ]
    );
    let report: serde_json::Value =
        serde_json::from_str(&read("cxone-queue-report/20180516T163000Z.json")).unwrap();
    let agent = &report["agentSystemPerformanceReport"][0];
    let times = ["readyTime", "notReady", "loginTime"].map(|key| agent[key].as_i64().unwrap());
    assert_eq!(times, [179, 721, 900]);
    assert_eq!(report["queueReport"], serde_json::json!([]));
    let activity = read("cxone-agent-activity/20180516T164500Z.json");
    assert!(activity.contains(r#""eventId":"Lunch","eventReason":"","startTime":"2018-05-16T16:42:48.048Z","endTime":"2018-05-16T16:50:18.018Z","duration":450"#), "{activity}");
    assert!(
        read("iex/051618.1630").contains("\t0\t0\t179\t721\t0\t0\t900\t\r\n"),
        "{}",
        read("iex/051618.1630")
    );
}
