//! A simulation as a folder of files.

mod common;

use std::fs;

use common::{config, settings};
use pegboard_model::report::{QueueInterval, Row};
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
fn a_quotation_mark_survives() {
    let simulation = Centre::new(Config { queues: 8, ..config(60, 10, 4) }).run();
    let mut text = Vec::new();
    let truth = pegboard_sim::Truth::actual(&simulation, &settings(&simulation));
    output::write_csv(&mut text, &truth.queue_intervals).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains(r#","Repairs ""Express""","#), "{}", text.lines().nth(1).unwrap());
}
