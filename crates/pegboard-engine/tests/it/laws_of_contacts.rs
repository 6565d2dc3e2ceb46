//! Contacts are counted once, whole, and every sum agrees with every other.

use std::collections::BTreeMap;

use pegboard_engine::queues::{QueueReport, pegged_at};
use pegboard_engine::{Grid, IntervalLength, Window};
use pegboard_model::policy::{Pegging, RingIn, ServiceLevelFormula};
use pegboard_model::report::QueueInterval;
use pegboard_model::{ContactVersion, Fixed, Millis, QueueStay, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

use crate::daily::{STRANGE_DAYS, local_day, zone};
use crate::generate::cases;
use crate::support::legs::{Leg, book, leg, queue_report_on};
use crate::support::queue;

/// The shape of one record; times in seconds.
#[derive(Debug, Clone)]
struct Shape {
    contact: u8,
    updated: i64,
    queue: Option<(usize, bool)>,
    entered: bool,
    waited: Option<i64>,
    rang: Option<i64>,
    agent: Option<(usize, [i64; 3], bool)>,
    ends: Option<i64>,
    flags: [bool; 4],
    channel: &'static str,
}

fn shape() -> impl Strategy<Value = Shape> {
    let queue = prop::option::weighted(0.9, (0..3_usize, prop::bool::weighted(0.1)));
    let waits = prop::option::weighted(0.9, select(vec![0, 4999, 5000, 19_999, 20_000, 61_234]));
    let rang = prop::option::weighted(0.3, 0..5000_i64);
    let agent = prop::option::weighted(
        0.6,
        (0..3_usize, prop::array::uniform3(0..500_000_i64), prop::bool::weighted(0.9)),
    );
    let ends = prop::option::weighted(0.9, -3_600_000..93_600_000_i64);
    let flags = [0.2, 0.2, 0.05, 0.3].map(prop::bool::weighted);
    (
        0..40_u8,
        0..4_i64,
        queue,
        prop::bool::weighted(0.9),
        waits,
        rang,
        agent,
        ends,
        flags,
        select(vec!["VOICE", "CHAT"]),
    )
        .prop_map(|(contact, updated, queue, entered, waited, rang, agent, ends, flags, channel)| {
            Shape { contact, updated, queue, entered, waited, rang, agent, ends, flags, channel }
        })
}

/// The record of a shape on a day that starts at `from`; `index` makes its content one of a kind.
fn record(index: usize, shape: &Shape, from: Timestamp) -> Leg {
    let mut made = leg(&format!("c{}", shape.contact)).channel(shape.channel);
    let [handed_on, transferred_in, monitored, outbound] = shape.flags;
    let ends = shape.ends.map(|ends| from + Millis::new(ends));
    let near = ends.unwrap_or(from);
    if let Some((number, personal)) = shape.queue {
        made.0.queue = Some(QueueStay {
            queue: queue(&format!("q{number}")),
            entered: shape.entered.then(|| near - Millis::from_minutes(20)),
            waited: shape.waited.map(Millis::new),
            rang: shape.rang.map(Millis::new),
        });
        if personal {
            made = made.personal();
        }
    }
    if let Some((agent, [talk, hold, acw], reached)) = shape.agent {
        made = made.answered(&format!("a{agent}"), "00:00", [0, 0, 0]);
        let agent = made.0.agent.as_mut().expect("an agent");
        agent.connected = reached.then(|| near - Millis::from_minutes(10));
        (agent.talk, agent.hold, agent.acw) = (Millis::new(talk), Millis::new(hold), Millis::new(acw));
        agent.acw_end = (acw > 0).then(|| near + Millis::new(acw));
        agent.passed_on = handed_on;
    }
    made.0.disconnected = ends;
    (made.0.handed_on, made.0.transferred_in, made.0.monitored) = (handed_on, transferred_in, monitored);
    if outbound {
        made = made.outbound();
    }
    made.0.version = ContactVersion { updated: from + Millis::new(shape.updated), content: index as u64 };
    made
}

/// Records of a strange day, and reports of its quarters and of the day.
fn strange_day() -> impl Strategy<Value = (Vec<Leg>, QueueReport, QueueReport)> {
    let policies = (
        select(vec![Pegging::Disconnect, Pegging::AcwEnd, Pegging::Enqueue, Pegging::Connect]),
        select(vec![RingIn::Queue, RingIn::Handle, RingIn::None]),
        select(vec![
            ServiceLevelFormula::Answered,
            ServiceLevelFormula::AnsweredAbandonedLate,
            ServiceLevelFormula::Offered,
            ServiceLevelFormula::Aws,
        ]),
        any::<bool>(),
    );
    (prop::collection::vec(shape(), 1..60), 0..STRANGE_DAYS.len(), policies).prop_map(
        |(shapes, day, (pegging, ring_in, formula, personal_queues))| {
            let (name, inside, _) = STRANGE_DAYS[day];
            let zone = zone(name);
            let window = local_day(&zone, inside.parse().expect(inside));
            let records = shapes.iter().enumerate().map(|(index, shape)| record(index, shape, window.from));
            let report = |length| {
                let report = queue_report_on(Grid::new(length, &zone, window));
                QueueReport { pegging, ring_in, formula, personal_queues, ..report }
            };
            (records.collect(), report(IntervalLength::Minutes(15)), report(IntervalLength::Day))
        },
    )
}

fn counts(row: &QueueInterval) -> [u64; 8] {
    [
        row.offered,
        row.answered,
        row.answered_in_sl,
        row.abandoned,
        row.abandoned_in_sl,
        row.abandoned_short,
        row.transferred_out,
        row.transferred_in,
    ]
}

fn times(row: &QueueInterval) -> [Millis; 6] {
    [row.queue_answered_s, row.queue_abandoned_s, row.talk_s, row.hold_s, row.acw_s, row.handle_s]
}

fn add<const N: usize, T: Copy + std::ops::Add<Output = T>>(sums: &mut [T; N], more: [T; N]) {
    for (sum, part) in sums.iter_mut().zip(more) {
        *sum = *sum + part;
    }
}

/// Whether the percentage of a row follows from its counts; by the formula `aws` it counts what no column shows.
fn service_level_follows(row: &QueueInterval) -> bool {
    let (reached, of) = match row.service_level_formula {
        ServiceLevelFormula::Answered => (row.answered_in_sl, row.answered),
        ServiceLevelFormula::AnsweredAbandonedLate => {
            (row.answered_in_sl, row.answered + row.abandoned - row.abandoned_in_sl)
        }
        ServiceLevelFormula::Offered => (row.answered_in_sl + row.abandoned_in_sl, row.offered),
        ServiceLevelFormula::Aws => return true,
    };
    let expected = Fixed::percent(reached.try_into().expect("few"), of.try_into().expect("few"));
    row.service_level_pct == expected
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn offered_is_answered_abandoned_and_transferred_out((legs, quarters, _) in strange_day()) {
        for row in quarters.queue_rows(book(&legs).legs()) {
            prop_assert_eq!(row.offered, row.answered + row.abandoned + row.transferred_out);
            prop_assert!(row.answered_in_sl <= row.answered && row.abandoned_in_sl <= row.abandoned);
            prop_assert!(row.abandoned_short <= row.abandoned_in_sl, "five seconds are less than twenty");
            prop_assert!(row.transferred_in <= row.offered);
            prop_assert!(row.queue_answered_max_s <= row.queue_answered_s && row.queue_abandoned_max_s <= row.queue_abandoned_s);
            prop_assert!(times(&row).iter().all(|time| *time >= Millis::ZERO));
            prop_assert!(service_level_follows(&row), "{:?}", row);
            prop_assert!(row.service_level_pct.is_none_or(|percent| percent.units() <= 10_000));
        }
    }

    #[test]
    fn every_contact_is_in_one_interval((legs, quarters, _) in strange_day()) {
        let book = book(&legs);
        let counted = |leg: &&pegboard_model::ContactLeg| {
            !leg.monitored
                && leg.disconnected.is_some()
                && pegged_at(leg, quarters.pegging).is_some_and(|time| quarters.grid.window().contains(time))
        };
        let entered = book.legs().filter(counted).filter(|leg| {
            leg.queue.as_ref().is_some_and(|stay| stay.entered.is_some() && (quarters.personal_queues || !stay.queue.personal))
        });
        let offered: u64 = quarters.queue_rows(book.legs()).iter().map(|row| row.offered).sum();
        prop_assert_eq!(offered, entered.count() as u64);
        let reached = book.legs().filter(counted);
        let reached = reached.filter(|leg| leg.agent.as_ref().is_some_and(|agent| agent.connected.is_some()));
        let answered: u64 = quarters.agent_queue_rows(book.legs()).iter().map(|row| row.answered).sum();
        prop_assert_eq!(answered, reached.count() as u64);
    }

    #[test]
    fn sums_over_agents_equal_those_of_their_queues((legs, quarters, _) in strange_day()) {
        let book = book(&legs);
        let mut by_agents = BTreeMap::new();
        for row in quarters.agent_queue_rows(book.legs()) {
            prop_assert!(row.answered > 0 && row.transferred_by_agent <= row.answered);
            if !row.queue_id.as_str().is_empty() {
                let key = (row.interval_start, row.queue_id, row.channel, row.direction);
                let (answered, times) = by_agents.entry(key).or_insert((0, [Millis::ZERO; 4]));
                *answered += row.answered;
                add(times, [row.talk_s, row.hold_s, row.acw_s, row.handle_s]);
            }
        }
        let by_queues: BTreeMap<_, _> = quarters
            .queue_rows(book.legs())
            .into_iter()
            .filter(|row| row.answered > 0)
            .map(|row| {
                let sums = (row.answered, [row.talk_s, row.hold_s, row.acw_s, row.handle_s]);
                ((row.interval_start, row.queue_id, row.channel, row.direction), sums)
            })
            .collect();
        prop_assert_eq!(by_agents, by_queues);
    }

    #[test]
    fn r11_a_local_day_is_the_sum_of_its_quarters((legs, quarters, days) in strange_day()) {
        let book = book(&legs);
        let mut sums = BTreeMap::new();
        for row in quarters.queue_rows(book.legs()) {
            let key = (row.queue_id.clone(), row.channel.clone(), row.direction);
            let (all_counts, all_times, maxima) = sums.entry(key).or_insert(([0; 8], [Millis::ZERO; 6], [Millis::ZERO; 2]));
            add(all_counts, counts(&row));
            add(all_times, times(&row));
            *maxima = [maxima[0].max(row.queue_answered_max_s), maxima[1].max(row.queue_abandoned_max_s)];
        }
        let mut by_day = BTreeMap::new();
        let window = days.grid.window();
        for row in days.queue_rows(book.legs()) {
            prop_assert_eq!(Window { from: row.interval_start, to: row.interval_start + row.interval_s }, window);
            prop_assert!(service_level_follows(&row), "{:?}", row);
            let maxima = [row.queue_answered_max_s, row.queue_abandoned_max_s];
            let (counts, times) = (counts(&row), times(&row));
            by_day.insert((row.queue_id, row.channel, row.direction), (counts, times, maxima));
        }
        prop_assert_eq!(sums, by_day);
    }

    #[test]
    fn r02_any_order_and_any_redelivery_of_records_gives_the_same_rows(
        (legs, quarters, other) in strange_day().prop_flat_map(|(legs, quarters, _)| {
            let twice: Vec<_> = legs.iter().chain(&legs).cloned().collect();
            (Just(legs), Just(quarters), Just(twice).prop_shuffle())
        })
    ) {
        let (one, other) = (book(&legs), book(&other));
        prop_assert_eq!(quarters.queue_rows(one.legs()), quarters.queue_rows(other.legs()));
        prop_assert_eq!(quarters.agent_queue_rows(one.legs()), quarters.agent_queue_rows(other.legs()));
    }
}
