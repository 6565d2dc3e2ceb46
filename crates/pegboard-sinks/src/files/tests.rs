//! Names and contents of files.

use jiff::tz::TimeZone;
use pegboard_model::Millis;
use pegboard_model::policy::SessionPolicy;
use pegboard_model::report::Session;

use super::*;
use crate::test_data::{START, agent, at, known, queue, seconds};

fn encode(report: FileReport, format: FileFormat, known: &Known) -> Vec<Document> {
    let encoded = (report.report(format).encoder.encode)(known);
    assert_eq!(encoded.refused, []);
    encoded.documents
}

fn text(document: &Document) -> &str {
    std::str::from_utf8(&document.body).unwrap()
}

#[test]
fn a_file_is_of_one_report_source_and_interval_and_silence_has_one_too() {
    let mut known = Known { queues: vec![queue("q-1"), queue("q-2")], ..known() };
    known.sources = vec!["amazon-connect".into(), "quiet".into()];
    known.zone = TimeZone::get("Pacific/Auckland").unwrap();
    let files = encode(FileReport::Queues, FileFormat::Csv, &known);
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    let expected = [
        "queue_interval/source=amazon-connect/day=2025-08-02/20250801T120000Z.csv",
        "queue_interval/source=quiet/day=2025-08-02/20250801T120000Z.csv",
    ];
    assert_eq!(names, expected);
    assert_eq!(files.iter().map(|file| text(file).lines().count()).collect::<Vec<_>>(), [3, 1]);
    assert!(text(&files[1]).starts_with("interval_start,interval_s,source,queue_id,"));
}

#[test]
fn the_formats_are_those_of_the_reports() {
    let mut row = agent("1001");
    row.agent_name = "=1+1".into();
    let known = Known { agents: vec![row], ..known() };
    let of = |format| encode(FileReport::Agents, format, &known).remove(0);
    assert!(text(&of(FileFormat::Csv)).contains(",=1+1,"));
    assert!(text(&of(FileFormat::SpreadsheetCsv)).contains(",'=1+1,"), "s36: nothing is run as a formula");
    let line: serde_json::Value = serde_json::from_str(text(&of(FileFormat::Ndjson))).unwrap();
    assert_eq!(line["agent_name"], "=1+1");
    let parquet = of(FileFormat::Parquet);
    assert!(parquet.name.ends_with(".parquet") && parquet.body.starts_with(b"PAR1"));
}

#[test]
fn a_session_stands_in_the_interval_in_which_it_ended_and_in_no_other() {
    let session = |out: Option<i64>| Session {
        source: "amazon-connect".into(),
        agent_id: "1001".into(),
        agent_login: "jdoe".into(),
        agent_name: "J. Doe".into(),
        team: "".into(),
        sign_in: at(START) - Millis::from_hours(8),
        sign_out: out.map(|out| at(START) + seconds(out)),
        duration_s: seconds(1),
        policy: SessionPolicy::Login,
    };
    let count = |out| {
        let known = Known { sessions: vec![session(out)], ..known() };
        text(&encode(FileReport::Sessions, FileFormat::Ndjson, &known)[0]).lines().count()
    };
    assert_eq!([None, Some(-1), Some(0), Some(899), Some(900)].map(count), [0, 0, 1, 1, 0]);
}

#[test]
fn s36_a_template_never_leads_out_of_its_place() {
    for template in [
        "../{report}{source}{start}",
        "/{report}{source}{start}",
        "{report}/../{source}/{start}",
        "a//{report}{source}{start}",
        "{report}{source}{start}/",
        "a\\{report}{source}{start}",
    ] {
        let parsed = FileNames::parse(template);
        assert!(matches!(parsed, Err(InvalidFileNames::Path(_))), "{template}: {parsed:?}");
    }
    let names = FileNames::parse("{year}/{month}/{report}-{source}-{start}.{format}").unwrap();
    let mut known = Known { sources: vec!["../../etc".into()], ..known() };
    known.mapping.settings.file_names = names;
    let file = encode(FileReport::Agents, FileFormat::Csv, &known).remove(0);
    assert_eq!(file.name, "2025/08/agent_interval-../../etc-20250801T120000Z.csv");
    assert!(crate::place::PlacePath::parse(&file.name).is_err(), "no source of such a name is written");
}

#[test]
fn a_template_keeps_files_apart() {
    let told = |template: &str| FileNames::parse(template).unwrap_err();
    assert_eq!(told("{report}/{start}"), InvalidFileNames::Missing("source"));
    assert_eq!(told("{source}/{start}"), InvalidFileNames::Missing("report"));
    assert_eq!(told("{report}/{source}/{day}"), InvalidFileNames::Missing("start"));
    assert_eq!(told("{report}/{source}/{start}{agent}"), InvalidFileNames::Field("agent".to_owned()));
    assert_eq!(told("{report}/{source}/{start"), InvalidFileNames::Brace);
    assert_eq!(told("{report}/{source}/{start}}"), InvalidFileNames::Brace);
    let usual = "{report}/source={source}/day={day}/{start}.{format}";
    assert_eq!(FileNames::default().to_string(), usual);
    assert_eq!(FileNames::parse(usual), Ok(FileNames::default()));
}

#[test]
fn r28_a_template_has_300_bytes_at_most() {
    let template = |length: usize| format!("{{report}}/{{source}}/{{start}}/{}", "a/".repeat(length));
    let long = format!("{}x", template(134));
    assert_eq!(long.len(), MOST_TEMPLATE_BYTES - 5);
    assert!(FileNames::parse(&long).is_ok());
    assert_eq!(FileNames::parse(&format!("{}x", template(137))), Err(InvalidFileNames::Long));
}

#[test]
fn every_report_has_a_name_of_its_own() {
    for name in FileReport::NAMES {
        let report = name.parse::<FileReport>().unwrap().report(FileFormat::Csv);
        assert_eq!(report.encoder.name, format!("{name}.csv"));
    }
    assert_eq!("nothing".parse::<FileReport>(), Err(NoSuchReport));
}
