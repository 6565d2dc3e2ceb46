//! Report files say what happened, in every form that is known of them.

use std::collections::{BTreeMap, BTreeSet};

use pegboard_model::{Millis, Timestamp};

use super::*;
use crate::events::{Initiation, Via};
use crate::{Centre, Config, Simulation};

fn day_of(agents: usize, seed: u64) -> Simulation {
    let start = "2026-03-02T00:00:00Z".parse().unwrap();
    Centre::new(Config::new(agents, start, 24, seed)).run()
}

fn day(seed: u64) -> Simulation {
    day_of(60, seed)
}

/// Every seventh file, and the sessions.
fn some(files: Vec<ReportFile>) -> impl Iterator<Item = ReportFile> {
    let wanted = |index, file: &ReportFile| index % 7 == 0 || matches!(file.stated, Stated::Sessions(_));
    files.into_iter().enumerate().filter(move |(index, file)| wanted(*index, file)).map(|(_, file)| file)
}

/// Everything that is written up to four hours after the day.
fn files(day: &Simulation, plan: &Plan) -> Vec<ReportFile> {
    let mut reporter = Reporter::new(day.organisation.clone(), day.config.start, plan);
    reporter.advance(&day.changes, &day.contact_records, day.config.end() + Millis::from_hours(4))
}

fn truth(files: &[ReportFile]) -> AcdTruth {
    let mut truth = AcdTruth::default();
    for file in files {
        truth.learn(file);
    }
    truth
}

fn value(row: &StatedRow, measure: Measure) -> f64 {
    let stated = row.values.iter().find(|value| value.measure == Some(measure)).expect("the report has it");
    stated.value.as_ref().map_or(0.0, |value| value.parse().unwrap())
}

/// The sum of a measure over all rows of a report.
fn sum(truth: &AcdTruth, report: Report, measure: Measure) -> f64 {
    truth.rows().filter(|row| row.key.report == report).map(|row| value(row, measure)).sum()
}

/// Header and rows of a file as any reader of CSV sees them.
fn table(file: &ReportFile) -> (Vec<String>, Vec<Vec<String>>) {
    let body = file.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&file.body);
    let mut reader = csv::Reader::from_reader(body);
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let texts = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    (header, reader.records().map(|record| texts(record.unwrap())).collect())
}

#[test]
fn a_day_of_plain_files_counts_every_contact_once() {
    let day = day(1);
    let truth = truth(&files(&day, &Plan::daily(1)));
    let ended_in_the_day = |leg: &&std::sync::Arc<crate::events::Leg>| {
        leg.initiation != Initiation::Monitor
            && leg.disconnected.is_some_and(|at| at < day.config.end())
            && matches!(leg.via, Some(Via::Queue(_)))
    };
    let legs: Vec<_> = day.legs.iter().filter(ended_in_the_day).collect();
    let count = |fits: &dyn Fn(&crate::events::Leg) -> bool| legs.iter().filter(|leg| fits(leg)).count();
    let close = |counted: f64, expected: usize| {
        #[expect(clippy::cast_precision_loss, reason = "counts of a day")]
        let expected = expected as f64;
        assert!((counted - expected).abs() < 0.5, "{counted} for {expected}");
    };
    close(sum(&truth, Report::Queue, Measure::Queued), count(&|leg| leg.enqueued.is_some()));
    let connected =
        |leg: &crate::events::Leg| leg.handling.as_ref().is_some_and(|handling| handling.connected.is_some());
    close(sum(&truth, Report::Queue, Measure::Handled(Begun::Anyhow)), count(&connected));
    close(sum(&truth, Report::AgentQueue, Measure::Handled(Begun::Anyhow)), count(&connected));
    let talk = legs.iter().filter(|leg| connected(leg)).filter_map(|leg| leg.handling.as_ref());
    let talk: i64 = talk.map(|handling| handling.talk.get() / 1000).sum();
    close(sum(&truth, Report::Queue, Measure::Sum(Part::Interaction)), usize::try_from(talk).unwrap());
    assert!(talk > 100_000);
}

#[test]
fn an_agents_time_online_is_on_contacts_idle_or_not_productive() {
    let day = day(2);
    let truth = truth(&files(&day, &Plan::daily(2)));
    let mut online_ever = 0.0;
    for row in truth.rows().filter(|row| row.key.report == Report::Agent) {
        let of = |time| value(row, Measure::Agents(time));
        let parts = of(AgentTime::OnContact) + of(AgentTime::Idle) + of(AgentTime::NonProductive);
        assert!((of(AgentTime::Online) - parts).abs() < 0.05, "{row:?}");
        assert!(of(AgentTime::Online) <= 900.0 && of(AgentTime::Error) <= of(AgentTime::Online), "{row:?}");
        online_ever += of(AgentTime::Online);
    }
    assert!(online_ever > 20.0 * 6.0 * 3600.0, "{online_ever}");
}

#[test]
fn a_file_has_what_it_is_said_to_state() {
    let day = day_of(20, 3);
    for seed in 0..10 {
        for file in some(files(&day, &Plan::usual(seed))) {
            let (header, lines) = table(&file);
            let distinct: BTreeSet<_> = header.iter().collect();
            assert_eq!(distinct.len(), header.len(), "{header:?}");
            match &file.stated {
                Stated::Sessions(sessions) => assert_eq!(sessions.len(), lines.len()),
                Stated::Rows(rows) => {
                    assert_eq!(rows.len(), lines.len(), "{}", file.key);
                    for (row, line) in rows.iter().zip(&lines) {
                        let cell = |label: &str| {
                            header.iter().position(|name| name == label).map(|column| line[column].as_str())
                        };
                        assert_eq!(cell("Queue"), row.key.queue.as_deref());
                        assert_eq!(cell("Agent"), row.key.agent.as_deref());
                        assert_eq!(cell("Channel"), row.key.channel);
                        for value in &row.values {
                            let cell = cell(&value.label).expect("the column is there");
                            assert_eq!(matches!(cell, "" | "-"), value.value.is_none(), "{value:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn every_habit_that_is_known_turns_up() {
    let day = day_of(20, 4);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..30 {
        for file in some(files(&day, &Plan::usual(seed))) {
            let (header, lines) = table(&file);
            let text = String::from_utf8_lossy(&file.body).into_owned();
            let cells = || lines.iter().flatten();
            let is_clock = |cell: &&String, colons| {
                cell.bytes().filter(|byte| *byte == b':').count() == colons
                    && cell.bytes().all(|byte| byte == b':' || byte.is_ascii_digit())
            };
            let has = |label: &str| header.iter().any(|name| name == label);
            let custom = |name: &String| name.starts_with("Contacts answered ") && !name.contains(" in ");
            let habits = [
                ("byte order mark", text.starts_with('\u{feff}')),
                ("no byte order mark", !text.starts_with('\u{feff}')),
                ("CRLF", text.contains("\r\n")),
                ("LF", !text.contains('\r')),
                ("dash", cells().any(|cell| cell == "-")),
                ("empty", cells().any(String::is_empty)),
                ("percent", cells().any(|cell| cell.ends_with('%'))),
                ("h:mm:ss", cells().any(|cell| is_clock(&cell, 2))),
                ("m:ss", cells().any(|cell| is_clock(&cell, 1))),
                ("decimals", cells().any(|cell| cell.contains('.') && cell.parse::<f64>().is_ok())),
                ("Z", cells().any(|cell| cell.ends_with("00Z"))),
                ("milliseconds", cells().any(|cell| cell.contains(".000Z"))),
                ("east", cells().any(|cell| cell.ends_with("+01:00"))),
                ("west", cells().any(|cell| cell.ends_with("-03:30"))),
                ("no zone", cells().any(|cell| cell.ends_with(":15:00") && cell.contains('T'))),
                ("comma in a name", text.contains("\"Billing, invoices\"")),
                ("everything quoted", text.contains("\"StartInterval\"")),
                ("custom threshold", header.iter().any(custom)),
                ("renamed", has("Offered calls") || has("Zeit angemeldet")),
                ("unknown", has("Average mood, by voice")),
                ("agents' time by queue", has("Queue") && has("Agent idle time")),
                (
                    "interval not first",
                    header.first().is_some_and(|first| first != "Queue" && first != "Agent"),
                ),
                ("sessions", has("Login time")),
                ("colon in the key", file.key.contains(':')),
            ];
            for (habit, is_there) in habits {
                *seen.entry(habit).or_default() += usize::from(is_there);
            }
        }
    }
    let never: Vec<_> = seen.iter().filter(|(_, times)| **times == 0).collect();
    assert!(never.is_empty(), "{never:?}");
}

#[test]
fn what_is_known_late_is_told_only_where_a_later_run_covers_it() {
    let day = day(5);
    let queued = |plan: &Plan| sum(&truth(&files(&day, plan)), Report::Queue, Measure::Queued);
    let plain = Plan { unusual: false, missing: 0.0, late: 0.0, rearranged: 0.0, ..Plan::usual(5) };
    let everything = queued(&plain);
    let late = queued(&Plan { late: 0.3, ..plain.clone() });
    let schedules =
        plain.schedules.iter().map(|schedule| Schedule { covers: schedule.every, ..schedule.clone() });
    let never_again = queued(&Plan { late: 0.3, schedules: schedules.collect(), ..plain.clone() });
    assert!(never_again < late && late < everything, "{never_again} {late} {everything}");
}

#[test]
fn missing_files_are_missed_only_where_no_other_run_covers_them() {
    let day = day(6);
    let plain = Plan { unusual: false, missing: 0.0, late: 0.0, rearranged: 0.0, ..Plan::usual(6) };
    let (whole, holes) = (files(&day, &plain), files(&day, &Plan { missing: 0.1, ..plain.clone() }));
    assert!(holes.len() < whole.len() && holes.len() > whole.len() / 2);
    // Eight runs cover an interval: that all of them are missing is as good as impossible.
    let queued = |files: &[ReportFile]| sum(&truth(files), Report::Queue, Measure::Queued);
    assert!((queued(&holes) - queued(&whole)).abs() < 0.5);
    let only_once = |files: &[ReportFile]| -> BTreeSet<Timestamp> {
        let stated = files.iter().filter(|file| file.schedule == 0).filter_map(|file| match &file.stated {
            Stated::Rows(rows) => rows.last().map(|row| row.key.start),
            Stated::Sessions(_) => None,
        });
        stated.collect()
    };
    assert!(only_once(&holes).len() < only_once(&whole).len());
}

#[test]
fn what_is_inactive_has_no_row() {
    let day = day(7);
    let truth = truth(&files(&day, &Plan::daily(7)));
    let rows_at = |hour: i64| {
        let from = day.config.start + Millis::from_hours(hour);
        let inside = from..from + Millis::from_hours(1);
        truth.rows().filter(|row| row.key.report == Report::Queue && inside.contains(&row.key.start)).count()
    };
    assert!(rows_at(3) < rows_at(11), "{} at night, {} at noon", rows_at(3), rows_at(11));
    let idle = truth.rows().filter(|row| row.key.report == Report::Queue);
    assert!(idle.filter(|row| value(row, Measure::Created(Begun::Callback)) == 0.0).count() > 10);
}

#[test]
fn the_steps_in_which_a_centre_lives_do_not_matter() {
    let start = "2026-03-02T00:00:00Z".parse().unwrap();
    let config = Config::new(30, start, 24, 8);
    let written = |steps: i64| {
        let mut centre = Centre::new(config.clone());
        let mut reporter = Reporter::new(centre.organisation().clone(), start, &Plan::usual(8));
        let mut files = Vec::new();
        for step in 1..=steps {
            let until = start + Millis::new(Millis::from_hours(24).get() / steps * step);
            let passed = centre.pass_until(until);
            files.extend(reporter.advance(&passed.changes, &passed.contact_records, until));
        }
        files
    };
    let (once, often) = (written(1), written(48));
    assert_eq!(once.len(), often.len());
    for (once, often) in once.iter().zip(&often) {
        assert_eq!(once, often);
    }
}

#[test]
fn sessions_that_end_without_a_word_have_no_logout() {
    let day = day(9);
    let files = files(&day, &Plan { missing: 0.0, ..Plan::usual(9) });
    let sessions = files.iter().find_map(|file| match &file.stated {
        Stated::Sessions(sessions) => Some(sessions),
        Stated::Rows(_) => None,
    });
    let sessions = sessions.expect("it is written every midnight");
    assert!(sessions.iter().any(|session| session.logout.is_none()));
    assert!(sessions.iter().any(|session| session.logout.is_some_and(|logout| logout > session.login)));
}
