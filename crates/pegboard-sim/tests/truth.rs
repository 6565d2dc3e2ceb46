//! What must hold of both truths, and between them.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{config, day, settings};
use pegboard_model::policy::{Pegging, Precedence, ServiceLevelFormula, SessionPolicy};
use pegboard_model::report::{AgentInterval, QueueInterval, SegmentRow};
use pegboard_model::{AgentId, Class, Millis, Timestamp};
use pegboard_sim::disturb::Disturbance;
use pegboard_sim::organisation::StatusNo;
use pegboard_sim::truth::{ReportSettings, Silence, StatusTable, StatusType};
use pegboard_sim::world::Presence;
use pegboard_sim::{Centre, Config, Simulation, Truth};

fn knowable(day: &Simulation, settings: &ReportSettings) -> Truth {
    Truth::knowable(&day.organisation, &day.agent_events, &day.contact_records, settings)
}

/// Everything that must hold of a truth whatever happened.
fn assert_consistent(truth: &Truth, settings: &ReportSettings) {
    assert_segments_without_gaps(&truth.segments, settings);
    assert_rows_sum_up(truth);
    assert_agents_sum_to_queues(truth);
    for row in &truth.queue_intervals {
        assert_eq!(row.offered, row.answered + row.abandoned + row.transferred_out, "{row:?}");
        assert!(row.answered_in_sl <= row.answered && row.abandoned_in_sl <= row.abandoned);
        assert!(row.transferred_in <= row.offered && row.handle_s == row.talk_s + row.hold_s);
    }
    for row in &truth.group_intervals {
        assert_eq!(row.staffed_s, row.status_available_s + row.status_unavailable_s);
    }
    assert!(truth.sessions.is_sorted_by_key(|row| (&row.agent_id, row.sign_in)));
    assert!(truth.agent_intervals.is_sorted_by_key(|row| (row.interval_start, &row.agent_id)));
    assert!(truth.queue_intervals.is_sorted_by_key(|row| (
        row.interval_start,
        &row.queue_id,
        &row.channel,
        row.direction
    )));
}

fn assert_segments_without_gaps(segments: &[SegmentRow], settings: &ReportSettings) {
    for of_agent in segments.chunk_by(|a, b| a.agent_id == b.agent_id) {
        let mut now = settings.from;
        for (number, segment) in of_agent.iter().enumerate() {
            assert_eq!(segment.start, now, "{segment:?}");
            let last = number + 1 == of_agent.len();
            assert!(segment.end.is_some() || last, "only the last may be open: {segment:?}");
            now = segment.end.unwrap_or(settings.to);
            assert_eq!(segment.duration_s, now.since(segment.start));
            let mark = &*segment.event_id == "LOGIN";
            assert_eq!(segment.duration_s.is_zero(), mark, "{segment:?}");
        }
        assert_eq!(now, settings.to);
    }
}

/// Time in each class by agent and quarter of an hour, from the segments.
fn time_of_segments(segments: &[SegmentRow]) -> BTreeMap<(i64, AgentId), BTreeMap<Class, i64>> {
    const QUARTER: i64 = 900_000;
    let mut time: BTreeMap<_, BTreeMap<_, i64>> = BTreeMap::new();
    for segment in segments {
        let mut start = segment.start.as_millis();
        let end = start + segment.duration_s.get();
        while start < end {
            let quarter = start.div_euclid(QUARTER);
            let until = end.min((quarter + 1) * QUARTER);
            *time
                .entry((quarter, segment.agent_id.clone()))
                .or_default()
                .entry(segment.class)
                .or_default() += until - start;
            start = until;
        }
    }
    time
}

fn assert_rows_sum_up(truth: &Truth) {
    let time = time_of_segments(&truth.segments);
    for row in &truth.agent_intervals {
        let classes = &time[&(row.interval_start.as_millis() / 900_000, row.agent_id.clone())];
        let of = |class| Millis::new(classes.get(&class).copied().unwrap_or(0));
        assert_eq!(row.talk_s, of(Class::Talk));
        assert_eq!(row.error_s, of(Class::Error));
        let parts =
            row.available_s + row.ringing_s + row.talk_s + row.hold_s + row.acw_s + row.error_s + row.aux_s;
        assert_eq!(row.login_s, parts);
        assert_eq!(row.login_s + row.unknown_s + of(Class::SignedOut), row.interval_s, "{row:?}");
        assert_eq!(row.staffed_s, row.status_available_s + row.status_unavailable_s);
    }
}

fn assert_agents_sum_to_queues(truth: &Truth) {
    let mut sums = BTreeMap::new();
    for row in truth.agent_queue_intervals.iter().filter(|row| !row.queue_id.as_str().is_empty()) {
        let key = (row.interval_start, row.queue_id.clone(), row.channel.clone(), row.direction);
        let sum = sums.entry(key).or_insert((0, Millis::ZERO, Millis::ZERO, Millis::ZERO));
        *sum = (sum.0 + row.answered, sum.1 + row.talk_s, sum.2 + row.hold_s, sum.3 + row.acw_s);
    }
    let queues = truth.queue_intervals.iter().filter(|row| row.answered > 0).map(|row| {
        let key = (row.interval_start, row.queue_id.clone(), row.channel.clone(), row.direction);
        (key, (row.answered, row.talk_s, row.hold_s, row.acw_s))
    });
    assert_eq!(sums, queues.collect::<BTreeMap<_, _>>());
}

#[test]
fn both_truths_are_consistent() {
    for seed in 1..=3 {
        let day = day(seed);
        let settings = settings(&day);
        assert_consistent(&Truth::actual(&day, &settings), &settings);
        assert_consistent(&knowable(&day, &settings), &settings);
    }
}

#[test]
fn centres_of_any_size_live_for_days_from_any_hour_on() {
    for (agents, hours) in [(1, 30), (2, 30), (7, 80), (40, 80)] {
        let config = config(agents, hours, 3);
        let from_afternoon = Config {
            start: config.start + Millis::from_minutes(15 * 60 + 7),
            utc_offset_minutes: 330,
            ..config
        };
        let centre = Centre::new(from_afternoon).run();
        let settings = settings(&centre);
        assert_consistent(&Truth::actual(&centre, &settings), &settings);
        let knowable = knowable(&centre, &settings);
        assert_consistent(&knowable, &settings);
        assert!(
            !knowable.agent_intervals.is_empty() && !knowable.queue_intervals.is_empty(),
            "{agents} agents"
        );
    }
}

#[test]
fn they_are_consistent_under_every_policy() {
    let day = day(5);
    for precedence in [Precedence::ContactFirst, Precedence::Aws] {
        for session_policy in [SessionPolicy::Login, SessionPolicy::Staffed] {
            for pegging in [Pegging::Disconnect, Pegging::AcwEnd, Pegging::Enqueue, Pegging::Connect] {
                let settings = ReportSettings { precedence, session_policy, pegging, ..settings(&day) };
                assert_consistent(&knowable(&day, &settings), &settings);
            }
        }
    }
}

#[test]
fn records_count_once_whatever_they_are_pegged_to() {
    let day = day(5);
    let offered = |pegging| {
        let wide = ReportSettings {
            pegging,
            from: day.config.start - Millis::from_hours(24),
            to: day.config.end() + Millis::from_hours(24),
            ..settings(&day)
        };
        knowable(&day, &wide).queue_intervals.iter().map(|row| row.offered).sum::<u64>()
    };
    let by_disconnect = offered(Pegging::Disconnect);
    assert!(by_disconnect > 1000);
    for pegging in [Pegging::AcwEnd, Pegging::Enqueue, Pegging::Connect] {
        assert_eq!(offered(pegging), by_disconnect, "{pegging}");
    }
}

#[test]
fn twice_late_and_shuffled_records_tell_the_same() {
    let day = day(4);
    let settings = settings(&day);
    let clean = knowable(&day, &settings);
    let disturbance = Disturbance { twice: 0.1, late: 0.2, shuffled: true, ..Disturbance::none(9) };
    let events = disturbance.disturb(&day.agent_events);
    let records = disturbance.disturb(&day.contact_records);
    assert!(events.len() > day.agent_events.len() && !events.is_sorted_by_key(|event| event.at));
    assert_eq!(Truth::knowable(&day.organisation, &events, &records, &settings), clean);
}

#[test]
fn with_lost_events_less_is_known_but_time_is_conserved() {
    let day = day(4);
    let settings = settings(&day);
    let lossy = Disturbance { lost: 0.1, ..Disturbance::none(9) };
    let (events, records) = (lossy.disturb(&day.agent_events), lossy.disturb(&day.contact_records));
    let truth = Truth::knowable(&day.organisation, &events, &records, &settings);
    assert_consistent(&truth, &settings);
    assert_ne!(truth.agent_intervals, knowable(&day, &settings).agent_intervals);
    let watermark = day.config.end();
    let silence = Some(Silence { stale_after: Millis::from_minutes(5), watermark });
    let live = ReportSettings { silence, ..settings };
    let truth = Truth::knowable(&day.organisation, &events, &records, &live);
    assert_consistent(&truth, &live);
    let unknown: Millis = truth.agent_intervals.iter().map(|row| row.unknown_s).sum();
    assert!(unknown > Millis::from_hours(1), "logouts that never come are silence: {unknown}");
}

/// Agents who closed the browser without a word: nobody can know.
fn vanished(day: &Simulation) -> BTreeSet<AgentId> {
    let available_before = |agent, at| {
        let events = day.agent_events.iter().rfind(|event| event.agent == agent && event.at <= at);
        events.is_some_and(|event| event.current.status != StatusNo::OFFLINE)
    };
    let gone = day.changes.iter().filter(|change| {
        change.presence == Presence::Away
            && change.at >= day.config.start
            && available_before(change.agent, change.at)
    });
    gone.map(|change| day.organisation.agent(change.agent).agent_id.clone()).collect()
}

#[test]
fn of_an_undisturbed_day_everything_is_known_but_silent_leaving() {
    let day = day(6);
    // What went on at the very start is known only from the first event of each agent on.
    let settings = ReportSettings { from: day.config.start + Millis::from_minutes(15), ..settings(&day) };
    let (actual, knowable) = (Truth::actual(&day, &settings), knowable(&day, &settings));
    let vanished = vanished(&day);
    assert!((1..10).contains(&vanished.len()), "{vanished:?}");
    let visible = |rows: &[AgentInterval]| -> Vec<AgentInterval> {
        rows.iter().filter(|row| !vanished.contains(&row.agent_id)).cloned().collect()
    };
    assert_eq!(visible(&actual.agent_intervals), visible(&knowable.agent_intervals));
    let signed_in = |rows: &[SegmentRow]| -> Vec<SegmentRow> {
        let told = |row: &&SegmentRow| row.class.is_signed_in() && !vanished.contains(&row.agent_id);
        rows.iter().filter(told).cloned().collect()
    };
    assert_eq!(signed_in(&actual.segments), signed_in(&knowable.segments));
    assert_ne!(actual.agent_intervals, knowable.agent_intervals);
}

#[test]
fn records_tell_contacts_to_the_second() {
    let day = day(6);
    let settings = settings(&day);
    let (actual, knowable) = (Truth::actual(&day, &settings), knowable(&day, &settings));
    assert_eq!(actual.queue_intervals.len(), knowable.queue_intervals.len());
    for (actual, known) in actual.queue_intervals.iter().zip(&knowable.queue_intervals) {
        let counts = |row: &QueueInterval| {
            (
                row.interval_start,
                row.queue_id.clone(),
                row.offered,
                row.answered,
                row.answered_in_sl,
                row.abandoned,
                row.transferred_in,
            )
        };
        assert_eq!(counts(actual), counts(known));
        assert_eq!(actual.service_level_pct, known.service_level_pct);
        let contacts = i64::try_from(actual.offered).unwrap();
        for (exact, told, parts) in [
            (actual.talk_s, known.talk_s, 1),
            (actual.hold_s, known.hold_s, 2),
            (actual.acw_s, known.acw_s, 1),
            (actual.queue_answered_s, known.queue_answered_s, 1),
        ] {
            let cut_off = exact - told;
            assert!((0..1000 * parts * contacts).contains(&cut_off.get()), "{exact} told as {told}");
        }
    }
}

#[test]
fn a_hold_that_keeps_the_start_of_the_conversation_misleads_nobody() {
    let honest = config(60, 24, 11);
    let sly = Config { hold_keeps_start: true, ..honest.clone() };
    let (honest, sly) = (Centre::new(honest).run(), Centre::new(sly).run());
    let kept = sly
        .agent_events
        .iter()
        .flat_map(|event| &event.current.contacts)
        .filter(|contact| contact.told_since != contact.since);
    assert!(kept.count() > 50);
    assert_eq!(knowable(&honest, &settings(&honest)), knowable(&sly, &settings(&sly)));
}

#[test]
fn service_levels_follow_the_formula() {
    let day = day(5);
    let of = |formula| knowable(&day, &ReportSettings { formula, ..settings(&day) }).queue_intervals;
    let percent = |part: u64, whole: u64| (whole > 0).then(|| (2 * part * 10_000 + whole) / (2 * whole));
    for row in of(ServiceLevelFormula::Answered) {
        let pct = row.service_level_pct.map(|pct| u64::try_from(pct.units()).unwrap());
        assert_eq!(pct, percent(row.answered_in_sl, row.answered));
    }
    for row in of(ServiceLevelFormula::AnsweredAbandonedLate) {
        let pct = row.service_level_pct.map(|pct| u64::try_from(pct.units()).unwrap());
        assert_eq!(pct, percent(row.answered_in_sl, row.answered + row.abandoned - row.abandoned_in_sl));
    }
    for row in of(ServiceLevelFormula::Offered) {
        let pct = row.service_level_pct.map(|pct| u64::try_from(pct.units()).unwrap());
        assert_eq!(pct, percent(row.answered_in_sl + row.abandoned_in_sl, row.offered));
    }
}

#[test]
fn the_status_table_decides_who_is_staffed() {
    let day = day(5);
    let staffed = |rows: &[(&str, StatusType)]| -> Millis {
        let statuses =
            StatusTable { rows: rows.iter().map(|(key, kind)| ((*key).to_owned(), *kind)).collect() };
        let truth = knowable(&day, &ReportSettings { statuses, ..settings(&day) });
        truth.agent_intervals.iter().map(|row| row.staffed_s).sum()
    };
    let by_default = staffed(&[]);
    let without_breaks = staffed(&[(" break ", StatusType::SignedOut)]);
    let without_breaks_and_lunch =
        staffed(&[("Break", StatusType::SignedOut), ("LUNCH", StatusType::SignedOut)]);
    assert!(without_breaks_and_lunch < without_breaks && without_breaks < by_default);
}

#[test]
fn a_report_of_a_part_is_a_part_of_the_report() {
    let day = day(5);
    let whole = knowable(&day, &settings(&day));
    let hours = |hours| day.config.start + Millis::from_hours(hours);
    let part = knowable(&day, &ReportSettings { from: hours(9), to: hours(11), ..settings(&day) });
    let inside = |at: &Timestamp| (hours(9)..hours(11)).contains(at);
    assert!(
        part.agent_intervals
            .iter()
            .eq(whole.agent_intervals.iter().filter(|row| inside(&row.interval_start)))
    );
    assert!(
        part.group_intervals
            .iter()
            .eq(whole.group_intervals.iter().filter(|row| inside(&row.interval_start)))
    );
    assert!(
        part.queue_intervals
            .iter()
            .eq(whole.queue_intervals.iter().filter(|row| inside(&row.interval_start)))
    );
    assert!(
        part.sessions
            .iter()
            .all(|row| inside(&row.sign_in) && row.sign_out.is_none_or(|end| end <= hours(11)))
    );
}
