//! `queue_interval` and `agent_queue_interval`.

use pegboard_engine::queues::{QueueGoals, QueueReport, pegged_at};
use pegboard_model::Millis;
use pegboard_model::policy::{Pegging, RingIn, ServiceLevelFormula};
use pegboard_model::report::{AgentQueueInterval, QueueInterval};

use crate::support::legs::{Leg, book, leg, queue_report};
use crate::support::{clock, columns, window};

fn report() -> QueueReport {
    queue_report(window("09:00", "10:00"))
}

fn rows(report: &QueueReport, legs: &[Leg]) -> Vec<QueueInterval> {
    report.queue_rows(book(legs).legs())
}

/// The named columns of the one row that there must be.
fn row(report: &QueueReport, legs: &[Leg], names: &str) -> String {
    let rows = rows(report, legs);
    assert_eq!(rows.len(), 1, "{rows:?}");
    columns(&rows[0], names)
}

fn agent_rows(report: &QueueReport, legs: &[Leg]) -> Vec<AgentQueueInterval> {
    report.agent_queue_rows(book(legs).legs())
}

const COUNTS: &str = "offered answered abandoned transferred_out transferred_in";

/// Two answered (10 s and 30 s of waiting), three abandoned (3 s, 12 s, 40 s), one handed on (8 s).
fn busy_quarter() -> [Leg; 6] {
    [
        leg("c1").queued("sales", "09:00", 10).answered("ann", "09:00:10", [60, 5, 20]),
        leg("c2").queued("sales", "09:00", 30).answered("bob", "09:00:30", [100, 0, 30]).transferred_in(),
        leg("c3").queued("sales", "09:01", 3),
        leg("c4").queued("sales", "09:01", 12).transferred_in(),
        leg("c5").queued("sales", "09:01", 40),
        leg("c6").queued("sales", "09:02", 8).handed_on(),
    ]
}

#[test]
fn every_contact_is_counted_once_whole() {
    let shown = row(
        &report(),
        &busy_quarter(),
        "interval_start interval_s source queue_id queue_name channel direction offered answered answered_in_sl abandoned \
         abandoned_in_sl abandoned_short transferred_out transferred_in queue_answered_s queue_answered_max_s queue_abandoned_s \
         queue_abandoned_max_s talk_s hold_s acw_s handle_s service_level_s service_level_formula pegging",
    );
    assert_eq!(
        shown,
        "interval_start=2026-03-02T09:00:00Z interval_s=900 source=acd queue_id=sales queue_name=SALES channel=VOICE \
         direction=inbound offered=6 answered=2 answered_in_sl=1 abandoned=3 abandoned_in_sl=2 abandoned_short=1 \
         transferred_out=1 transferred_in=2 queue_answered_s=40 queue_answered_max_s=30 queue_abandoned_s=55 \
         queue_abandoned_max_s=40 talk_s=160 hold_s=5 acw_s=50 handle_s=165 service_level_s=20 \
         service_level_formula=answered_abandoned_late pegging=disconnect"
    );
}

#[test]
fn what_the_source_cannot_say_is_empty() {
    let names = "backlog backlog_expired right_party right_party_talk_s right_party_acw_s wrong_party wrong_party_talk_s \
                 wrong_party_acw_s active";
    let shown = row(&report(), &busy_quarter(), names);
    assert_eq!(shown, names.split_whitespace().map(|name| format!("{name}=")).collect::<Vec<_>>().join(" "));
}

#[test]
fn the_service_level_by_each_formula() {
    let of = |formula, legs: &[Leg]| {
        let report = QueueReport { formula, ..report() };
        row(&report, legs, "service_level_pct service_level_formula")
    };
    let busy = busy_quarter();
    // 1 of 2 answered in time; 1 of 2 + 3 - 2; 1 + 2 of 6; c1, c3, c4 and c6 of 6.
    for (formula, shown) in [
        (ServiceLevelFormula::Answered, "service_level_pct=50 service_level_formula=answered"),
        (
            ServiceLevelFormula::AnsweredAbandonedLate,
            "service_level_pct=33.33 service_level_formula=answered_abandoned_late",
        ),
        (ServiceLevelFormula::Offered, "service_level_pct=50 service_level_formula=offered"),
        (ServiceLevelFormula::Aws, "service_level_pct=66.67 service_level_formula=aws"),
    ] {
        assert_eq!(of(formula, &busy), shown);
    }
    let given_up = [leg("c1").queued("sales", "09:00", 3)];
    for (formula, shown) in [
        (ServiceLevelFormula::Answered, "service_level_pct= service_level_formula=answered"),
        (
            ServiceLevelFormula::AnsweredAbandonedLate,
            "service_level_pct= service_level_formula=answered_abandoned_late",
        ),
        (ServiceLevelFormula::Offered, "service_level_pct=100 service_level_formula=offered"),
        (ServiceLevelFormula::Aws, "service_level_pct=100 service_level_formula=aws"),
    ] {
        assert_eq!(of(formula, &given_up), shown, "empty where the denominator is 0");
    }
}

#[test]
fn thresholds_are_strict() {
    let answered = |waited| {
        let legs =
            [leg("c1").queued("sales", "09:00", 0).waited_ms(waited).answered("ann", "09:00", [1, 0, 0])];
        row(&report(), &legs, "answered_in_sl")
    };
    assert_eq!(answered(19_999), "answered_in_sl=1");
    assert_eq!(answered(20_000), "answered_in_sl=0");
    let abandoned = |waited| {
        row(
            &report(),
            &[leg("c1").queued("sales", "09:00", 0).waited_ms(waited)],
            "abandoned abandoned_in_sl abandoned_short",
        )
    };
    assert_eq!(abandoned(4999), "abandoned=1 abandoned_in_sl=1 abandoned_short=1");
    assert_eq!(abandoned(5000), "abandoned=1 abandoned_in_sl=1 abandoned_short=0");
    assert_eq!(abandoned(19_999), "abandoned=1 abandoned_in_sl=1 abandoned_short=0");
    assert_eq!(abandoned(20_000), "abandoned=1 abandoned_in_sl=0 abandoned_short=0");
}

#[test]
fn a_short_abandon_is_in_time_only_under_the_threshold() {
    let goals = QueueGoals { service_level: Millis::from_seconds(2), short_abandon: Millis::from_seconds(5) };
    let report = QueueReport { default_goals: goals, ..report() };
    let shown = row(
        &report,
        &[leg("c1").queued("sales", "09:00", 3)],
        "abandoned_in_sl abandoned_short service_level_s",
    );
    assert_eq!(shown, "abandoned_in_sl=0 abandoned_short=1 service_level_s=2");
}

#[test]
fn a_queue_may_have_its_own_thresholds_by_id_or_by_name() {
    let goals =
        |seconds| QueueGoals { service_level: Millis::from_seconds(seconds), ..QueueGoals::default() };
    let legs = [leg("c1").queued("sales", "09:00", 25).answered("ann", "09:00", [1, 0, 0])];
    let of = |own: &[(&str, i64)]| {
        let own = own.iter().map(|(queue, seconds)| ((*queue).to_owned(), goals(*seconds)));
        row(&QueueReport { goals: own.collect(), ..report() }, &legs, "answered_in_sl service_level_s")
    };
    assert_eq!(of(&[]), "answered_in_sl=0 service_level_s=20");
    assert_eq!(of(&[("sales", 30)]), "answered_in_sl=1 service_level_s=30");
    assert_eq!(of(&[("SALES", 40)]), "answered_in_sl=1 service_level_s=40");
    assert_eq!(of(&[("sales", 30), ("SALES", 40)]), "answered_in_sl=1 service_level_s=30");
    assert_eq!(of(&[("service", 30)]), "answered_in_sl=0 service_level_s=20");
}

fn pegged(leg: &Leg, pegging: Pegging) -> Option<String> {
    pegged_at(&leg.0, pegging).map(clock)
}

#[test]
fn a_contact_belongs_to_the_interval_that_the_pegging_names() {
    let whole = leg("c1")
        .queued("sales", "09:01", 10)
        .answered("ann", "09:17", [60, 0, 60])
        .disconnected("09:31")
        .acw_end("09:46");
    let starts = [Pegging::Enqueue, Pegging::Connect, Pegging::Disconnect, Pegging::AcwEnd].map(|pegging| {
        assert!(pegged(&whole, pegging).is_some());
        let report = QueueReport { pegging, ..report() };
        let queue = row(&report, std::slice::from_ref(&whole), "interval_start pegging");
        let agent = columns(&agent_rows(&report, std::slice::from_ref(&whole))[0], "interval_start pegging");
        assert_eq!(queue, agent, "the agent's row pegs alike");
        queue.replace("interval_start=2026-03-02T", "")
    });
    assert_eq!(
        starts,
        [
            "09:00:00Z pegging=enqueue",
            "09:15:00Z pegging=connect",
            "09:30:00Z pegging=disconnect",
            "09:45:00Z pegging=acw_end"
        ]
    );
}

#[test]
fn where_the_pegging_time_is_absent_the_disconnect_counts() {
    let unanswered = leg("c1").queued("sales", "09:01", 10).disconnected("09:31");
    assert_eq!(pegged(&unanswered, Pegging::Connect).as_deref(), Some("09:31"));
    assert_eq!(pegged(&unanswered, Pegging::AcwEnd).as_deref(), Some("09:31"));
    let without_acw = unanswered.clone().answered("ann", "09:17", [1, 0, 0]);
    assert_eq!(pegged(&without_acw, Pegging::AcwEnd).as_deref(), Some("09:31"));
    let outbound = leg("c1").names("sales").outbound().disconnected("09:31");
    assert_eq!(pegged(&outbound, Pegging::Enqueue).as_deref(), Some("09:31"));
    assert_eq!(pegged(&outbound, Pegging::Disconnect).as_deref(), Some("09:31"));
}

#[test]
fn a_contact_that_is_not_over_belongs_to_no_interval_yet() {
    let talking = leg("c1")
        .queued("sales", "09:01", 10)
        .answered("ann", "09:02", [60, 0, 0])
        .acw_end("09:03")
        .still_going_on();
    for pegging in [Pegging::Disconnect, Pegging::AcwEnd, Pegging::Enqueue, Pegging::Connect] {
        assert_eq!(pegged(&talking, pegging), None, "{pegging}");
        let report = QueueReport { pegging, ..report() };
        assert!(rows(&report, std::slice::from_ref(&talking)).is_empty());
        assert!(agent_rows(&report, std::slice::from_ref(&talking)).is_empty());
    }
}

#[test]
fn contacts_count_where_their_pegged_time_lies_in_the_half_open_window() {
    let at = |time: &str| rows(&report(), &[leg("c1").queued("sales", "09:00", 1).disconnected(time)]).len();
    assert_eq!([at("08:59:59.999"), at("09:00"), at("09:59:59.999"), at("10:00")], [0, 1, 1, 0]);
    let cut = queue_report(window("09:05", "09:20"));
    let shown = row(
        &cut,
        &[leg("c1").queued("sales", "09:00", 1).disconnected("09:10")],
        "interval_start interval_s",
    );
    assert_eq!(
        shown, "interval_start=2026-03-02T09:05:00Z interval_s=600",
        "the edge of the window cuts the interval"
    );
}

#[test]
fn ring_time_counts_by_policy() {
    let legs = [leg("c1").queued("sales", "09:00", 25).rang(10).answered("ann", "09:00:25", [60, 5, 0])];
    let of = |ring_in| {
        let report = QueueReport { ring_in, ..report() };
        let agent = columns(&agent_rows(&report, &legs)[0], "talk_s hold_s handle_s");
        let shown = row(&report, &legs, "queue_answered_s answered_in_sl talk_s hold_s handle_s");
        assert!(shown.ends_with(&agent), "{agent}");
        shown
    };
    assert_eq!(of(RingIn::Queue), "queue_answered_s=25 answered_in_sl=0 talk_s=60 hold_s=5 handle_s=65");
    assert_eq!(of(RingIn::Handle), "queue_answered_s=15 answered_in_sl=1 talk_s=60 hold_s=5 handle_s=75");
    assert_eq!(of(RingIn::None), "queue_answered_s=15 answered_in_sl=1 talk_s=60 hold_s=5 handle_s=65");
}

#[test]
fn ring_time_that_is_told_longer_than_the_stay_leaves_no_negative_time() {
    let legs = [leg("c1").queued("sales", "09:00", 5).rang(7).answered("ann", "09:00:05", [60, 0, 0])];
    let report = QueueReport { ring_in: RingIn::None, ..report() };
    assert_eq!(row(&report, &legs, "queue_answered_s"), "queue_answered_s=0");
}

#[test]
fn abandoned_is_who_entered_reached_no_agent_and_was_not_handed_on() {
    let counts = |leg: Leg| row(&report(), &[leg], COUNTS);
    let queued = || leg("c1").queued("sales", "09:00", 30);
    assert_eq!(counts(queued()), "offered=1 answered=0 abandoned=1 transferred_out=0 transferred_in=0");
    assert_eq!(
        counts(queued().handed_on()),
        "offered=1 answered=0 abandoned=0 transferred_out=1 transferred_in=0"
    );
    let answered = queued().answered("ann", "09:01", [1, 0, 0]);
    assert_eq!(
        counts(answered.clone().handed_on()),
        "offered=1 answered=1 abandoned=0 transferred_out=0 transferred_in=0"
    );
    assert_eq!(
        counts(answered.clone().transferred_in()),
        "offered=1 answered=1 abandoned=0 transferred_out=0 transferred_in=1"
    );
    assert_eq!(
        counts(answered.missed()),
        "offered=1 answered=0 abandoned=1 transferred_out=0 transferred_in=0"
    );
}

#[test]
fn an_outbound_contact_that_names_a_queue_without_entering_is_the_agents_alone() {
    let legs = [leg("c1").names("sales").outbound().answered("ann", "09:01", [60, 0, 5])];
    assert!(rows(&report(), &legs).is_empty());
    assert_eq!(
        columns(
            &agent_rows(&report(), &legs)[0],
            "agent_id agent_login queue_id queue_name direction answered talk_s"
        ),
        "agent_id=ann agent_login=ann queue_id= queue_name= direction=outbound answered=1 talk_s=60"
    );
}

#[test]
fn a_contact_that_names_no_queue_is_the_agents_alone() {
    let legs = [leg("c1").answered("ann", "09:01", [60, 0, 5])];
    assert!(rows(&report(), &legs).is_empty());
    assert_eq!(columns(&agent_rows(&report(), &legs)[0], "queue_id answered"), "queue_id= answered=1");
}

#[test]
fn personal_queues_are_left_out_unless_asked_for() {
    let legs = [leg("c1").queued("anns", "09:00", 3).personal().answered("ann", "09:01", [60, 0, 5])];
    assert!(rows(&report(), &legs).is_empty());
    assert_eq!(
        columns(&agent_rows(&report(), &legs)[0], "queue_id queue_name answered"),
        "queue_id= queue_name= answered=1"
    );
    let all = QueueReport { personal_queues: true, ..report() };
    assert_eq!(row(&all, &legs, "queue_id offered"), "queue_id=anns offered=1");
    assert_eq!(columns(&agent_rows(&all, &legs)[0], "queue_id queue_name"), "queue_id=anns queue_name=ANNS");
}

#[test]
fn monitored_records_are_not_counted() {
    let legs = [leg("c1").queued("sales", "09:00", 3).monitored().answered("boss", "09:01", [60, 0, 5])];
    assert!(rows(&report(), &legs).is_empty());
    assert!(agent_rows(&report(), &legs).is_empty());
}

#[test]
fn of_redelivered_records_the_newest_counts_whatever_the_order() {
    let first = leg("c1").queued("sales", "09:00", 3).version("09:11", 9);
    let second =
        leg("c1").queued("sales", "09:00", 3).answered("ann", "09:01", [60, 0, 0]).version("09:12", 1);
    let answered = "offered=1 answered=1 abandoned=0 transferred_out=0 transferred_in=0";
    for legs in [[first.clone(), second.clone()], [second.clone(), first.clone()]] {
        assert_eq!(row(&report(), &legs, COUNTS), answered);
    }
    // At equal times the greater hash of the content.
    let smaller = first.clone().version("09:12", 0);
    for legs in [[smaller.clone(), second.clone()], [second, smaller]] {
        assert_eq!(row(&report(), &legs, COUNTS), answered);
    }
}

#[test]
fn a_newer_record_may_take_a_contact_out_of_its_interval() {
    let first = leg("c1").queued("sales", "09:00", 3).disconnected("09:10").version("09:11", 0);
    let second = first.clone().disconnected("09:20").version("09:12", 0);
    assert_eq!(
        row(&report(), &[second, first], "interval_start offered"),
        "interval_start=2026-03-02T09:15:00Z offered=1"
    );
}

#[test]
fn one_row_for_each_queue_channel_and_direction_in_stable_order() {
    let legs = [
        leg("c1").queued("b", "09:00", 3),
        leg("c2").queued("a", "09:00", 3).channel("CHAT"),
        leg("c3").queued("a", "09:00", 3).outbound(),
        leg("c4").queued("a", "09:00", 3),
        leg("c5").queued("b", "09:00", 3).disconnected("09:20"),
        leg("c6").queued("a", "09:00", 3).channel("PIGEON"),
    ];
    let shown: Vec<_> = rows(&report(), &legs)
        .iter()
        .map(|row| {
            columns(row, "interval_start queue_id channel direction")
                .replace("interval_start=2026-03-02T", "")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "09:00:00Z queue_id=a channel=CHAT direction=inbound",
            "09:00:00Z queue_id=a channel=PIGEON direction=inbound",
            "09:00:00Z queue_id=a channel=VOICE direction=inbound",
            "09:00:00Z queue_id=a channel=VOICE direction=outbound",
            "09:00:00Z queue_id=b channel=VOICE direction=inbound",
            "09:15:00Z queue_id=b channel=VOICE direction=inbound",
        ]
    );
}

#[test]
fn names_are_those_of_the_newest_record_of_the_interval() {
    let old = leg("c1")
        .queued("sales", "09:00", 3)
        .queue_name("Sales (old)")
        .answered("ann", "09:01", [1, 0, 0])
        .login("ann")
        .version("12:00", 0);
    let new = leg("c2")
        .queued("sales", "09:00", 3)
        .queue_name("Sales")
        .answered("ann", "09:01", [1, 0, 0])
        .login("ann.lee")
        .version("13:00", 0);
    for legs in [[old.clone(), new.clone()], [new, old]] {
        assert_eq!(row(&report(), &legs, "queue_name offered"), "queue_name=Sales offered=2");
        assert_eq!(
            columns(&agent_rows(&report(), &legs)[0], "agent_login queue_name answered"),
            "agent_login=ann.lee queue_name=Sales answered=2"
        );
    }
}

#[test]
fn what_agents_did_sums_to_what_happened_in_the_queue() {
    let mut legs = busy_quarter().to_vec();
    legs.push(
        leg("c7").queued("sales", "09:00", 1).answered("ann", "09:05", [7, 8, 9]).passed_on().handed_on(),
    );
    let agents = agent_rows(&report(), &legs);
    let shown: Vec<_> = agents
        .iter()
        .map(|row| columns(row, "agent_id queue_id channel direction answered talk_s hold_s acw_s handle_s transferred_by_agent pegging"))
        .collect();
    assert_eq!(
        shown,
        [
            "agent_id=ann queue_id=sales channel=VOICE direction=inbound answered=2 talk_s=67 hold_s=13 acw_s=29 handle_s=80 \
             transferred_by_agent=1 pegging=disconnect",
            "agent_id=bob queue_id=sales channel=VOICE direction=inbound answered=1 talk_s=100 hold_s=0 acw_s=30 handle_s=100 \
             transferred_by_agent=0 pegging=disconnect",
        ]
    );
    assert_eq!(
        row(&report(), &legs, "answered talk_s hold_s acw_s handle_s"),
        "answered=3 talk_s=167 hold_s=13 acw_s=59 handle_s=180"
    );
}
