//! Time is conserved: in every row, however it is cut.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use pegboard_engine::agents::{AgentReport, AgentRows};
use pegboard_engine::segments::{activity_rows, segment_rows};
use pegboard_engine::sessions::SessionReport;
use pegboard_engine::{Grid, Interval, IntervalLength, StatusTable, StatusType, Timeline, Window};
use pegboard_model::policy::{GroupBy, SessionPolicy};
use pegboard_model::report::AgentInterval;
use pegboard_model::{Class, Fixed, Millis, Segment, State, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

use crate::daily::{STRANGE_DAYS, local_day, zone};
use crate::generate::{Evidence, cases, derive, evidence, floor, policy, reach, status_table};

const LENGTHS: [IntervalLength; 6] = [
    IntervalLength::Minutes(5),
    IntervalLength::Minutes(10),
    IntervalLength::Minutes(15),
    IntervalLength::Minutes(30),
    IntervalLength::Minutes(60),
    IntervalLength::Day,
];

fn report(grid: Grid, statuses: &StatusTable) -> AgentReport {
    let known_until = grid.window().to;
    AgentReport {
        source: "acd".into(),
        grid,
        known_until,
        statuses: statuses.clone(),
        group_by: GroupBy::Team,
    }
}

fn utc(length: IntervalLength, window: Window) -> Grid {
    Grid::new(length, &TimeZone::UTC, window)
}

/// A window somewhere around `[first, last]`.
fn around((first, last): (Timestamp, Timestamp), (lead, length): (i64, i64)) -> Window {
    let reach = last.since(first).get() + 7_200_000;
    let from = first - Millis::from_hours(1) + Millis::new(lead % reach);
    Window { from, to: from + Millis::new(1 + length % (reach * 2)) }
}

fn anywhere() -> impl Strategy<Value = (i64, i64)> {
    (0..i64::MAX / 4, 0..i64::MAX / 4)
}

/// The time that a timeline spends within a window in states that are `counted`, by plain arithmetic. The second
/// argument of `counted` tells whether it is before the first evidence.
fn time_in(timeline: &Timeline, window: Window, counted: impl Fn(&State, bool) -> bool) -> Millis {
    let part = |start: Timestamp, end: Timestamp| {
        Millis::new((end.min(window.to).since(start.max(window.from))).get().max(0))
    };
    let leading = timeline.leading_state();
    let lead = if counted(&leading, true) { part(Timestamp::MIN, timeline.begins) } else { Millis::ZERO };
    let own = timeline.segments.iter().filter(|segment| counted(&segment.state, false));
    own.map(|segment| part(segment.start, segment.end.unwrap_or(Timestamp::MAX)))
        .fold(lead, |sum, time| sum + time)
}

fn window_of(interval: Interval) -> Window {
    Window { from: interval.start, to: interval.end }
}

fn row_window(row: &AgentInterval) -> Window {
    Window { from: row.interval_start, to: row.interval_start + row.interval_s }
}

/// Every column of time in the order of the classes, then the three of staffing.
fn times(row: &AgentInterval) -> [Millis; 11] {
    [
        row.talk_s,
        row.hold_s,
        row.acw_s,
        row.ringing_s,
        row.error_s,
        row.aux_s,
        row.available_s,
        row.login_s,
        row.staffed_s,
        row.status_available_s,
        row.status_unavailable_s,
    ]
}

fn total(rows: &[AgentInterval]) -> [Millis; 11] {
    rows.iter()
        .map(times)
        .fold([Millis::ZERO; 11], |sums, row| std::array::from_fn(|column| sums[column] + row[column]))
}

/// Unknown time after the first evidence: before it, whether there is a row depends on the interval's length.
fn unknown_after_first(timeline: &Timeline, rows: &[AgentInterval]) -> Millis {
    let lead = |row: &AgentInterval| {
        time_in(timeline, row_window(row), |state, leading| leading && state.class == Class::Unknown)
    };
    rows.iter().map(|row| row.unknown_s - lead(row)).sum()
}

/// Of a whole table that calls `Offline` staffed, agents' rows show only what lies in their intervals.
fn without_staffed_offline(table: &StatusTable) -> StatusTable {
    let mut table = table.clone();
    table.set("Offline", StatusType::SignedOut);
    table
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn r11_time_is_conserved_in_every_row(
        floor in floor(),
        policy in policy(),
        statuses in status_table(),
        place in anywhere(),
        length in select(&LENGTHS[..]),
    ) {
        let window = around(reach(&floor), place);
        let report = report(utc(length, window), &statuses);
        for timeline in derive(&floor, &policy) {
            let rows = report.rows(&timeline).intervals;
            let mut rows = rows.iter().peekable();
            for interval in report.grid.intervals() {
                let within = window_of(interval);
                let time = |counted: &dyn Fn(&State, bool) -> bool| time_in(&timeline, within, counted);
                let class = |class: Class| time(&|state, _| state.class == class);
                let signed_in = time(&|state, _| state.class.is_signed_in());
                let unknown_after = time(&|state, leading| state.class == Class::Unknown && !leading);
                let row = rows.next_if(|row| row.interval_start == interval.start);
                prop_assert_eq!(row.is_some(), !(signed_in + unknown_after).is_zero(), "a row for {:?}", interval);
                let Some(row) = row else { continue };
                prop_assert_eq!(row.interval_s, interval.length());
                let parts =
                    row.available_s + row.ringing_s + row.talk_s + row.hold_s + row.acw_s + row.error_s + row.aux_s;
                prop_assert_eq!(row.login_s, parts);
                prop_assert_eq!(row.login_s + row.unknown_s + class(Class::SignedOut), row.interval_s);
                let expected = [
                    class(Class::Talk),
                    class(Class::Hold),
                    class(Class::Acw),
                    class(Class::Ringing),
                    class(Class::Error),
                    class(Class::Aux),
                    class(Class::Available),
                    signed_in,
                    time(&|state, _| statuses.type_at(state).is_staffed()),
                    time(&|state, _| statuses.type_at(state) == StatusType::Available),
                    time(&|state, _| {
                        matches!(statuses.type_at(state), StatusType::Productive | StatusType::SignedIn)
                    }),
                ];
                prop_assert_eq!(times(row), expected);
                prop_assert_eq!(row.unknown_s, class(Class::Unknown));
            }
            prop_assert_eq!(rows.next(), None, "a row of no interval");
        }
    }

    #[test]
    fn spans_cover_the_window_without_gaps_or_overlaps(
        evidence in evidence(),
        policy in policy(),
        place in anywhere(),
    ) {
        let floor = [evidence];
        let window = around(reach(&floor), place);
        let timeline = &derive(&floor, &policy)[0];
        let leading = timeline.leading_state();
        let spans: Vec<_> = timeline.spans(window, window.to, &leading).collect();
        let mut reached = window.from;
        for span in &spans {
            prop_assert_eq!(span.start, reached);
            let takes_time = span.end > span.start;
            prop_assert_eq!(takes_time, span.mark.is_none());
            reached = span.end;
        }
        let expected = if timeline.begins < window.to { window.to } else { window.from };
        prop_assert_eq!(reached, expected);
        let rows = segment_rows(&"acd".into(), timeline, window, window.to);
        let total: Millis = rows.iter().map(|row| row.duration_s).sum();
        prop_assert_eq!(total, reached.since(window.from));
        let joined = activity_rows(&"acd".into(), timeline, window, window.to);
        let total: Millis = joined.iter().map(|row| row.duration_s).sum();
        prop_assert_eq!(total, reached.since(window.from));
        for pair in joined.windows(2) {
            prop_assert!((&pair[0].event_id, &pair[0].reason) != (&pair[1].event_id, &pair[1].reason));
            prop_assert_eq!(pair[0].end, Some(pair[1].start));
        }
    }

    #[test]
    fn segments_are_maximal_and_a_mark_is_of_the_state_that_follows(evidence in evidence(), policy in policy()) {
        let timeline = &derive(&[evidence], &policy)[0];
        for pair in timeline.segments.windows(2) {
            prop_assert_eq!(pair[0].end, Some(pair[1].start));
            if pair[0].mark.is_some() {
                let silent = policy.silence.is_some() && pair[1].state.class == Class::Unknown;
                prop_assert!(silent || pair[0].state.same(&pair[1].state), "{:?}", pair);
            } else if pair[1].mark.is_none() {
                prop_assert!(pair[0].end > Some(pair[0].start), "no time is spent in {:?}", pair[0]);
                prop_assert!(!pair[0].state.same(&pair[1].state), "one segment in two: {:?}", pair);
            }
        }
        let last = timeline.segments.last().expect("segments");
        prop_assert_eq!((last.end, last.mark), (None, None));
    }

    #[test]
    fn r11_any_other_length_of_interval_and_any_split_of_the_window_give_the_same_totals(
        floor in floor(),
        policy in policy(),
        statuses in status_table().prop_map(|table| without_staffed_offline(&table)),
        place in anywhere(),
        (one, other) in (select(&LENGTHS[..]), select(&LENGTHS[..])),
        split in 0..i64::MAX / 4,
    ) {
        let window = around(reach(&floor), place);
        let middle = window.from + Millis::new(split % window.to.since(window.from).get());
        let halves = [Window { to: middle, ..window }, Window { from: middle, ..window }];
        for timeline in derive(&floor, &policy) {
            let rows = report(utc(one, window), &statuses).rows(&timeline).intervals;
            let others = report(utc(other, window), &statuses).rows(&timeline).intervals;
            let mut parts = Vec::new();
            for half in halves {
                let half = AgentReport { known_until: window.to, ..report(utc(one, half), &statuses) };
                parts.extend(half.rows(&timeline).intervals);
            }
            prop_assert_eq!(total(&rows), total(&others));
            prop_assert_eq!(total(&rows), total(&parts));
            let unknown = unknown_after_first(&timeline, &rows);
            prop_assert_eq!(unknown, unknown_after_first(&timeline, &others));
            prop_assert_eq!(unknown, unknown_after_first(&timeline, &parts));
            for policy in [SessionPolicy::Login, SessionPolicy::Staffed] {
                let length = |window: Window, known_until: Timestamp| -> Millis {
                    let report =
                        SessionReport { source: "acd".into(), window, known_until, policy, statuses: statuses.clone() };
                    report.rows(&timeline).iter().map(|session| session.duration_s).sum()
                };
                let parts = halves.map(|half| length(half, window.to));
                prop_assert_eq!(length(window, window.to), parts[0] + parts[1], "sessions by {}", policy);
            }
        }
    }

    #[test]
    fn sessions_are_apart_and_hold_all_time_signed_in(
        evidence in evidence(),
        policy in policy(),
        statuses in status_table(),
        place in anywhere(),
    ) {
        let floor = [evidence];
        let window = around(reach(&floor), place);
        let timeline = &derive(&floor, &policy)[0];
        for policy in [SessionPolicy::Login, SessionPolicy::Staffed] {
            let report = SessionReport {
                source: "acd".into(),
                window,
                known_until: window.to,
                policy,
                statuses: statuses.clone(),
            };
            let sessions = report.rows(timeline);
            let mut signed_in = Millis::ZERO;
            for session in &sessions {
                let end = session.sign_in + session.duration_s;
                prop_assert!(session.sign_in < end && window.from <= session.sign_in && end <= window.to);
                prop_assert!(session.sign_out.is_none_or(|sign_out| sign_out == end));
                let within = Window { from: session.sign_in, to: end };
                let outside = time_in(timeline, within, |state, _| match policy {
                    SessionPolicy::Login => state.class == Class::SignedOut,
                    SessionPolicy::Staffed => !statuses.type_at(state).is_staffed(),
                });
                prop_assert_eq!(outside, Millis::ZERO);
                signed_in += time_in(timeline, within, |state, _| state.class.is_signed_in());
            }
            for pair in sessions.windows(2) {
                let end = pair[0].sign_in + pair[0].duration_s;
                prop_assert!(pair[0].sign_out.is_some() && end < pair[1].sign_in, "{:?}", pair);
            }
            if policy == SessionPolicy::Login {
                prop_assert_eq!(signed_in, time_in(timeline, window, |state, _| state.class.is_signed_in()));
            }
        }
    }

    #[test]
    fn r09_what_a_watermark_tells_of_silence_the_next_evidence_confirms(
        evidence in evidence(),
        policy in policy(),
        ahead in 0..100_000_000_i64,
        probe in 0..100_000_000_i64,
    ) {
        let whole = &derive(std::slice::from_ref(&evidence), &policy)[0];
        for (seen, next) in at_every_pause(evidence) {
            let (live, track) = Timeline::derive("a0".into(), seen, &policy).expect("evidence");
            let last = track.last_at().expect("evidence");
            let watermark = last + Millis::new(ahead % (next.since(last).get() + 1));
            let told = track.silence_until(watermark, &policy);
            let Some(first) = told.first() else { continue };
            let (from, silence) = track.silence(&policy).expect("a rule of silence");
            prop_assert!(watermark > from && watermark.since(from) >= silence.stale_after);
            let lasting = track.current().map(|(start, _)| start);
            prop_assert!(Some(first.start) == lasting, "nothing before the lasting segment is touched");
            // Up to the watermark, or to the start of the state that the next evidence tells of.
            let told_of = |state: &State| state.status.is_some() || state.contact.is_some() || state.signed_out;
            let mut after = whole.segments.iter().filter(|segment| segment.start > from);
            let next_state = after.find(|segment| told_of(&segment.state));
            let until = next_state.map_or(watermark, |state| state.start.min(watermark));
            let stands = live.segments.iter().filter(|segment| segment.start < first.start).chain(&told);
            let stands: Vec<_> = stands.cloned().collect();
            for time in [from, from + Millis::new(probe % (until.since(from).get().max(0) + 1))] {
                if time < until {
                    let (before, after) = (state_at(&stands, time), state_at(&whole.segments, time));
                    prop_assert!(before.same(after), "at {time}: {before:?}, then {after:?}");
                    prop_assert!(!before.class.is_signed_in());
                }
            }
        }
    }
}

/// The evidence up to each pause, and when the next event comes.
fn at_every_pause(mut evidence: Evidence) -> Vec<(Evidence, Timestamp)> {
    pegboard_engine::evidence::arrange(&mut evidence);
    let pauses = (1..evidence.len()).filter(|index| evidence[index - 1].at < evidence[*index].at);
    pauses.map(|index| (evidence[..index].to_vec(), evidence[index].at)).collect()
}

fn state_at(segments: &[Segment], time: Timestamp) -> &State {
    let lasts = |segment: &&Segment| segment.start <= time && segment.end.is_none_or(|end| time < end);
    &segments.iter().find(lasts).unwrap_or_else(|| panic!("nothing at {time}")).state
}

/// Timelines moved to around a strange day, and that day.
fn strange_day(index: usize, timelines: &mut [Timeline], first: Timestamp) -> (TimeZone, Window) {
    let (name, inside, _) = STRANGE_DAYS[index];
    let inside: Timestamp = inside.parse().expect(inside);
    let zone = zone(name);
    let window = local_day(&zone, inside);
    let shift = window.from.since(first) - Millis::from_hours(1);
    for timeline in timelines {
        timeline.begins = timeline.begins + shift;
        for segment in &mut timeline.segments {
            segment.start = segment.start + shift;
            segment.end = segment.end.map(|end| end + shift);
        }
    }
    (zone, window)
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn r11_a_local_day_is_the_sum_of_its_quarters(
        floor in floor(),
        policy in policy(),
        statuses in status_table().prop_map(|table| without_staffed_offline(&table)),
        day in 0..STRANGE_DAYS.len(),
    ) {
        let mut timelines = derive(&floor, &policy);
        let (zone, window) = strange_day(day, &mut timelines, reach(&floor).0);
        let quarters = report(Grid::new(IntervalLength::Minutes(15), &zone, window), &statuses);
        let days = report(Grid::new(IntervalLength::Day, &zone, window), &statuses);
        let of = |report: &AgentReport| -> Vec<AgentRows> {
            timelines.iter().map(|timeline| report.rows(timeline)).collect()
        };
        let (of_quarters, of_days) = (of(&quarters), of(&days));
        for (timeline, (quarters, day)) in timelines.iter().zip(of_quarters.iter().zip(&of_days)) {
            prop_assert!(day.intervals.len() <= 1);
            prop_assert!(day.intervals.iter().all(|row| row_window(row) == window));
            prop_assert_eq!(total(&quarters.intervals), total(&day.intervals));
            prop_assert_eq!(
                unknown_after_first(timeline, &quarters.intervals),
                unknown_after_first(timeline, &day.intervals)
            );
            if let (Some(last), Some(day)) = (quarters.intervals.last(), day.intervals.last())
                && row_window(last).to == window.to
            {
                prop_assert_eq!(&last.team, &day.team, "the last team of the day");
            }
        }
        let mut sums: BTreeMap<&str, (Millis, Millis, BTreeSet<usize>)> = BTreeMap::new();
        for (agent, rows) in of_quarters.iter().enumerate() {
            for part in &rows.groups {
                let (staffed, available, agents) = sums.entry(&part.group).or_default();
                *staffed += part.staffed;
                *available += part.available;
                if !part.staffed.is_zero() {
                    agents.insert(agent);
                }
            }
        }
        let groups = days.group_rows(of_days.iter().flat_map(|rows| &rows.groups));
        let shown: Vec<_> = groups
            .iter()
            .map(|row| (&*row.group, row.staffed_s, row.status_available_s, row.agents, row.aps))
            .collect();
        let length = window.to.since(window.from);
        let expected: Vec<_> = sums
            .iter()
            .map(|(group, (staffed, available, agents))| {
                let aps = Fixed::ratio(staffed.get(), length.get(), 4).expect("a day takes time");
                (*group, *staffed, *available, agents.len() as u64, aps)
            })
            .collect();
        prop_assert_eq!(shown, expected);
        for row in &groups {
            prop_assert_eq!(row.interval_s, length);
            prop_assert_eq!(row.staffed_s, row.status_available_s + row.status_unavailable_s);
        }
    }

    #[test]
    fn groups_have_the_staffed_time_of_their_agents(
        floor in floor(),
        policy in policy(),
        statuses in status_table(),
        place in anywhere(),
        length in select(&LENGTHS[..]),
    ) {
        let window = around(reach(&floor), place);
        let report = report(utc(length, window), &statuses);
        let timelines = derive(&floor, &policy);
        let parts: Vec<_> = timelines.iter().flat_map(|timeline| report.rows(timeline).groups).collect();
        for row in report.group_rows(&parts) {
            let within = Window { from: row.interval_start, to: row.interval_start + row.interval_s };
            let staffed = |timeline: &Timeline| {
                time_in(timeline, within, |state, _| {
                    state.profile.team == row.group && statuses.type_at(state).is_staffed()
                })
            };
            prop_assert_eq!(row.staffed_s, timelines.iter().map(staffed).sum());
            let agents = timelines.iter().filter(|timeline| !staffed(timeline).is_zero()).count();
            prop_assert_eq!(row.agents, agents as u64);
            let available = |timeline: &Timeline| {
                time_in(timeline, within, |state, _| {
                    state.profile.team == row.group && statuses.type_at(state) == StatusType::Available
                })
            };
            prop_assert_eq!(row.status_available_s, timelines.iter().map(available).sum());
        }
        let all: Millis = parts.iter().map(|part| part.staffed).sum();
        let everywhere = |timeline: &Timeline| time_in(timeline, window, |state, _| statuses.type_at(state).is_staffed());
        prop_assert_eq!(all, timelines.iter().map(everywhere).sum());
    }
}
