//! Replay of a simulated day says what can be known of it, to the row: clean, with records that come twice, late
//! and in any order, and with records that never come.
//!
//! `PEGBOARD_TEST_SEEDS` names other seeds than the first 100: `17`, or `100..1000`.

use std::ops::Range;

use pegboard_model::policy::{GroupBy, Pegging, Precedence, ServiceLevelFormula, SessionPolicy};
use pegboard_model::{Millis, Timestamp};
use pegboard_sim::Config;
use pegboard_sim::disturb::Disturbance;
use pegboard_sim::truth::{ReportSettings, StatusTable, StatusType};
use rayon::prelude::*;

use crate::support::compare::differences;
use crate::support::day::{Day, morning, shuffled};
use crate::support::replayed::replay;

#[expect(clippy::disallowed_methods, reason = "which seeds to try is the test's own setting")]
fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("PEGBOARD_TEST_SEEDS") else { return 0..100 };
    let number = |text: &str| text.parse::<u64>().expect("PEGBOARD_TEST_SEEDS is a seed or FIRST..END");
    match text.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => number(&text)..number(&text) + 1,
    }
}

/// Takes one digit after another of a number, each in its own base.
struct Digits(u64);

impl Digits {
    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let base = choices.len() as u64;
        let digit = usize::try_from(self.0 % base).unwrap();
        self.0 /= base;
        choices[digit]
    }
}

fn config(seed: u64) -> Config {
    let mut digits = Digits(seed);
    let hours = digits.pick(&[6, 7, 9]);
    let agents = digits.pick(&[12, 12, 14, 17]);
    Config {
        hold_keeps_start: digits.pick(&[false, true]),
        chat_share: digits.pick(&[0.25, 0.6]),
        ..Config::new(agents, morning(), hours, seed)
    }
}

/// Three cases a seed: 320 of them have every combination of the first five policies.
fn settings(day: &Day, case: u64) -> ReportSettings {
    let mut digits = Digits(case);
    let mut settings = ReportSettings {
        precedence: digits.pick(&[Precedence::ContactFirst, Precedence::Aws]),
        session_policy: digits.pick(&[SessionPolicy::Login, SessionPolicy::Staffed]),
        pegging: digits.pick(&[Pegging::Disconnect, Pegging::AcwEnd, Pegging::Enqueue, Pegging::Connect]),
        formula: digits.pick(&[
            ServiceLevelFormula::Answered,
            ServiceLevelFormula::AnsweredAbandonedLate,
            ServiceLevelFormula::Offered,
            ServiceLevelFormula::Aws,
        ]),
        interval: Millis::from_minutes(digits.pick(&[15, 5, 10, 30, 60])),
        ..day.settings()
    };
    let mut digits = Digits(case);
    settings.group_by = digits.pick(&[
        GroupBy::Team,
        GroupBy::Level1,
        GroupBy::Level2,
        GroupBy::Level5,
        GroupBy::RoutingProfile,
    ]);
    if digits.pick(&[false, true]) {
        let rows = [("Break", StatusType::SignedOut), (" training", StatusType::Productive)];
        settings.statuses = StatusTable { rows: rows.map(|(name, kind)| (name.to_owned(), kind)).into() };
    }
    let odd = Millis::new(digits.pick(&[0, 3_333_333]));
    settings.from = settings.from + odd;
    settings.to = Timestamp::from_millis(settings.to.as_millis() - odd.get());
    settings
}

/// What is wrong with a seed.
fn judge(seed: u64) -> Vec<String> {
    let clean = Day::simulate(config(seed));
    let shuffled = shuffled(seed);
    let lossy = Disturbance { lost: 0.05, ..shuffled };
    let deliveries = [
        ("clean", clean.clone()),
        ("twice, late and shuffled", clean.disturbed(&shuffled)),
        ("and with losses", clean.disturbed(&lossy)),
    ];
    let mut faults = Vec::new();
    for (case, (how, day)) in (3 * seed..).zip(deliveries) {
        let settings = settings(&day, case);
        let truth = day.knowable(&settings);
        assert!(!truth.agent_intervals.is_empty() && !truth.queue_intervals.is_empty(), "no day");
        let found = differences(&truth, &replay(&day, &settings));
        faults.extend(found.into_iter().map(|fault| {
            format!(
                "PEGBOARD_TEST_SEEDS={seed}, {how}, {} {}: {fault}",
                settings.precedence, settings.pegging
            )
        }));
    }
    faults
}

/// The same; a panic is a fault as well.
fn judge_safely(seed: u64) -> Vec<String> {
    // What a thread of the pool says when it panics is lost with the output of whichever test started the pool.
    std::panic::catch_unwind(|| judge(seed))
        .unwrap_or_else(|_| vec![format!("PEGBOARD_TEST_SEEDS={seed}: it panics; alone it says why")])
}

/// Judges each fourth seed, so that the tests share the work.
fn judge_each_fourth(first: usize) {
    let seeds: Vec<u64> = seeds().skip(first).step_by(4).collect();
    let faults: Vec<String> = seeds.into_par_iter().flat_map_iter(judge_safely).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn r02_reports_are_the_knowable_truth_in_whatever_order_it_arrives_1_of_4() {
    judge_each_fourth(0);
}

#[test]
fn r02_reports_are_the_knowable_truth_in_whatever_order_it_arrives_2_of_4() {
    judge_each_fourth(1);
}

#[test]
fn r02_reports_are_the_knowable_truth_in_whatever_order_it_arrives_3_of_4() {
    judge_each_fourth(2);
}

#[test]
fn r02_reports_are_the_knowable_truth_in_whatever_order_it_arrives_4_of_4() {
    judge_each_fourth(3);
}
