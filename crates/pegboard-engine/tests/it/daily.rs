//! `daily`: every interval report by local day.

use jiff::tz::TimeZone;
use pegboard_engine::agents::AgentReport;
use pegboard_engine::{Grid, IntervalLength, StatusTable, Window};
use pegboard_model::policy::GroupBy;
use pegboard_model::{Millis, Timestamp};

use crate::support::legs::{book, leg, queue_report_on};
use crate::support::{at, columns, day, window};

/// Local days on which something happens to the clock: zone, an instant of the day, quarters.
pub(crate) const STRANGE_DAYS: [(&str, &str, usize); 10] = [
    ("America/New_York", "2026-03-08T16:00:00Z", 92),
    ("America/New_York", "2026-11-01T16:00:00Z", 100),
    ("America/New_York", "2026-06-01T16:00:00Z", 96),
    ("Europe/London", "2026-03-29T12:00:00Z", 92),
    ("Europe/London", "2026-10-25T12:00:00Z", 100),
    ("Australia/Lord_Howe", "2026-04-05T02:00:00Z", 98),
    ("Australia/Lord_Howe", "2026-10-04T02:00:00Z", 94),
    ("Africa/Cairo", "2026-04-24T12:00:00Z", 92),
    ("Africa/Cairo", "2026-10-29T12:00:00Z", 100),
    ("America/Santiago", "2026-09-06T16:00:00Z", 92),
];

pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect(name)
}

/// The local day that holds an instant.
pub(crate) fn local_day(zone: &TimeZone, inside: Timestamp) -> Window {
    let wide = Window { from: inside - Millis::from_hours(48), to: inside + Millis::from_hours(48) };
    let day = Grid::new(IntervalLength::Day, zone, wide).interval_at(inside);
    Window { from: day.start, to: day.end }
}

fn utc_day() -> Grid {
    Grid::new(IntervalLength::Day, &TimeZone::UTC, window("00:00", "24:00"))
}

#[test]
fn strange_days_are_as_long_as_their_quarters() {
    for (name, inside, quarters) in STRANGE_DAYS {
        let window = local_day(&zone(name), inside.parse().expect(inside));
        let grid = Grid::new(IntervalLength::Minutes(15), &zone(name), window);
        assert_eq!(grid.intervals().count(), quarters, "{name} {inside}");
        let length = window.to.since(window.from);
        assert_eq!(length, Millis::from_minutes(15 * i64::try_from(quarters).expect("a few")), "{name}");
    }
}

#[test]
fn a_day_in_santiago_ends_where_its_last_hour_was_lived_twice() {
    // On 4 April 2026 at midnight the clock goes back to 23:00: the day before has 25 hours.
    let window = local_day(&zone("America/Santiago"), "2026-04-04T16:00:00Z".parse().expect("a time"));
    assert_eq!(
        (window.from.to_string(), window.to.to_string()),
        ("2026-04-04T03:00:00Z".into(), "2026-04-05T04:00:00Z".into())
    );
}

#[test]
fn positions_of_a_day_are_computed_again_and_agents_are_distinct() {
    let report = AgentReport {
        source: "acd".into(),
        grid: utc_day(),
        known_until: at("24:00"),
        statuses: StatusTable::default(),
        group_by: GroupBy::Team,
    };
    let scripts = [
        "08:00 Available team:Blue; 12:00 LOGOUT; 13:00 Available; 17:00 LOGOUT",
        "08:00 Break team:Blue; 09:00 LOGOUT; 10:00 Break; 11:00 LOGOUT",
    ];
    let parts: Vec<_> = scripts.iter().flat_map(|script| report.rows(&day(script).timeline).groups).collect();
    let rows = report.group_rows(&parts);
    assert_eq!(
        columns(
            &rows[0],
            "interval_start interval_s aps staffed_s status_available_s status_unavailable_s agents"
        ),
        "interval_start=2026-03-02T00:00:00Z interval_s=86400 aps=0.4167 staffed_s=36000 status_available_s=28800 \
         status_unavailable_s=7200 agents=2"
    );
}

#[test]
fn sums_add_up_maxima_are_maxima_and_percentages_are_computed_again() {
    let legs = [
        leg("c1").queued("sales", "09:00", 10).answered("ann", "09:00", [60, 1, 2]).disconnected("09:01"),
        leg("c2").queued("sales", "10:00", 50).answered("ann", "10:00", [60, 1, 2]).disconnected("10:01"),
        leg("c3").queued("sales", "11:00", 60).answered("bob", "11:00", [60, 1, 2]).disconnected("11:01"),
        leg("c4").queued("sales", "11:00", 70).disconnected("11:01"),
        leg("c5").queued("sales", "12:00", 30).disconnected("12:01"),
    ];
    let rows = queue_report_on(utc_day()).queue_rows(book(&legs).legs());
    assert_eq!(rows.len(), 1);
    assert_eq!(
        columns(
            &rows[0],
            "interval_s offered answered answered_in_sl abandoned queue_answered_s queue_answered_max_s queue_abandoned_s \
             queue_abandoned_max_s talk_s hold_s acw_s service_level_pct"
        ),
        "interval_s=86400 offered=5 answered=3 answered_in_sl=1 abandoned=2 queue_answered_s=120 queue_answered_max_s=60 \
         queue_abandoned_s=100 queue_abandoned_max_s=70 talk_s=180 hold_s=3 acw_s=6 service_level_pct=20",
        "not the mean of 100, 0, 0 and 0"
    );
}
