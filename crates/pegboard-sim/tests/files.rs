//! A simulation as a folder of files.

mod common;

use std::fs;

use common::{config, settings};
use pegboard_model::report::{QueueInterval, Row};
use pegboard_sim::objects::DeliveryStream;
use pegboard_sim::reports::Plan;
use pegboard_sim::{Centre, Config, output};

#[test]
fn a_folder_has_both_streams_and_both_truths() {
    let simulation = Centre::new(config(60, 12, 4)).run();
    let folder = tempfile::tempdir().unwrap();
    output::write_folder(folder.path(), &simulation, &settings(&simulation)).unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("agent-events.ndjson").lines().count(), simulation.agent_events.len());
    assert_eq!(read("contact-records.ndjson").lines().count(), simulation.contact_records.len());
    let readme = read("README.txt");
    assert!(
        readme.contains("does not exist") && readme.contains("seed: 4") && readme.contains("agents: 60"),
        "{readme}"
    );
    for truth in ["actual", "knowable"] {
        for report in [
            "segments",
            "sessions",
            "agent_interval",
            "group_interval",
            "queue_interval",
            "agent_queue_interval",
        ] {
            let text = read(&format!("truth/{truth}/{report}.csv"));
            assert!(text.lines().count() > 10 && !text.contains('\r'), "{truth} {report}");
        }
    }
    let text = read("truth/knowable/queue_interval.csv");
    assert_eq!(text.lines().next(), Some(&*QueueInterval::COLUMNS.join(",")));
    assert!(text.contains(r#","Billing, invoices",VOICE,inbound,"#), "a comma is quoted");
}

#[test]
fn a_bucket_has_report_files_and_records_at_their_keys() {
    let simulation = Centre::new(config(30, 30, 4)).run();
    let folder = tempfile::tempdir().unwrap();
    let files = output::write_report_files(folder.path(), &simulation, &Plan::usual(4)).unwrap();
    let stream = DeliveryStream { gzip: true, ..DeliveryStream::new("records", "ctr/") };
    let objects = output::write_record_objects(folder.path(), &simulation, stream).unwrap();
    let count = |below: &str| -> usize {
        let mut folders = vec![folder.path().join("bucket").join(below)];
        let mut count = 0;
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    count += 1;
                }
            }
        }
        count
    };
    assert_eq!(count("connect/example-centre/Reports"), files);
    assert_eq!(count("ctr/2026/03"), objects);
    assert!(files > 150 && objects > 100, "{files} {objects}");
    let rows = fs::read_to_string(folder.path().join("truth/acd/rows.ndjson")).unwrap();
    let row: serde_json::Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    assert!(row["values"].as_array().is_some_and(|values| values.len() > 20), "{row}");
    let sessions = fs::read_to_string(folder.path().join("truth/acd/sessions.ndjson")).unwrap();
    assert!(sessions.lines().count() > 10);
}

#[test]
fn a_quotation_mark_survives() {
    let simulation = Centre::new(Config { queues: 8, ..config(60, 10, 4) }).run();
    let mut text = Vec::new();
    let truth = pegboard_sim::Truth::actual(&simulation, &settings(&simulation));
    output::write_csv(&mut text, &truth.queue_intervals).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains(r#","Repairs ""Express""","#), "{}", text.lines().nth(1).unwrap());
}
