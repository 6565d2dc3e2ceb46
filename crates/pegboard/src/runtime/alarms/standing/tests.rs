use pegboard_model::Position;

use pegboard_store::DeliveryState::{Acknowledged, Dropped, Parked, Waiting};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

fn name() -> SourceName {
    "connect".into()
}

/// What is wrong, in short.
fn told(standing: &[Standing]) -> Vec<(&str, &str)> {
    standing.iter().map(|one| (one.condition.as_str(), &*one.subject)).collect()
}

fn trouble(part: &str, stopped: bool) -> Trouble {
    Trouble { part: part.into(), at: at(0), message: "no answer".into(), stopped }
}

fn here(troubles: Vec<Trouble>, missing: Vec<MissingFile>, fallback: Option<&str>) -> Vec<Standing> {
    let fallback = fallback.map(str::to_owned);
    source_here(SourceHere { name: &name(), troubles, missing, fallback })
}

#[test]
fn each_part_of_a_source_that_fails_is_an_alarm_of_its_own() {
    let failing = vec![
        trouble("shard-1", false),
        trouble("archive", false),
        trouble("archive backlog", false),
        trouble("platform snapshot", false),
        trouble("reload", false),
        trouble("scheduled reports", false),
        trouble("shard-2", true),
    ];
    let standing = here(failing, Vec::new(), Some("it polls"));
    let expected = [
        ("source-failing", "connect / shard-1"),
        ("archive-failing", "connect / archive"),
        ("archive-behind", "connect / archive backlog"),
        ("snapshot-failing", "connect / platform snapshot"),
        ("reload-failing", "connect / reload"),
        ("source-stopped", "connect / shard-2"),
        ("source-fallback", "connect"),
    ];
    assert_eq!(told(&standing), expected, "late files are told by their names instead");
    let first = &standing[0];
    assert_eq!((first.since, &*first.text, &first.source), (Some(at(0)), "no answer", &Some(name())));
    assert_eq!(here(Vec::new(), Vec::new(), None), []);
}

#[test]
fn a_clock_that_is_off_is_told_of_whoever_showed_it() {
    let off = |ahead| Some(ClockOff::of_answer(at(ahead), at(0), at(0)));
    let clocks = |events, platform| clocks_of_source(&name(), Clocks { events, platform }, at(0));
    let standing = clocks(off(90), off(-300));
    assert_eq!(told(&standing), [("clock-wrong", "connect / events"), ("clock-wrong", "connect / platform")]);
    assert!(standing[0].text.starts_with("an event is dated 90 s ahead of"), "{}", standing[0].text);
    assert!(
        standing[1].text.starts_with("the clock of the platform is 300 s behind"),
        "{}",
        standing[1].text
    );
    assert_eq!(clocks(off(60), None), []);
    let target = clock_of_sink(&"wfm".into(), off(61).unwrap(), at(0)).unwrap();
    assert_eq!((&*target.subject, target.source), ("wfm", None));
    assert_eq!(clock_of_sink(&"wfm".into(), off(-60).unwrap(), at(0)), None);
}

#[test]
fn a_late_file_is_named_and_a_report_is_late_once() {
    let file = |report: &str, run: i64, is_late| MissingFile {
        report: report.into(),
        name: format!("{report}-*.csv"),
        run: at(run),
        from: at(run - 900),
        is_late,
    };
    let missing =
        vec![file("QR", 900, false), file("QR", 1800, true), file("QR", 2700, true), file("AQR", 1800, true)];
    let standing = here(Vec::new(), missing, None);
    assert_eq!(told(&standing), [("report-late", "connect / QR"), ("report-late", "connect / AQR")]);
    let expected =
        format!("`QR-*.csv` of the run at {0} is not there, which tells of {1} to {0}", at(1800), at(900));
    assert_eq!((&*standing[0].text, standing[0].since), (&*expected, Some(at(1800))));
}

fn partition(finished: bool, node: Option<&str>) -> PartitionStatus {
    PartitionStatus {
        id: "shard-1".into(),
        position: Some(Position::Number(1)),
        watermark: Some(at(-9)),
        behind: None,
        finished,
        node: node.map(Into::into),
    }
}

/// A source with which all is well.
fn well(name: &SourceName) -> SourceThere<'_> {
    SourceThere {
        name,
        health: Health::Ok,
        watermark: Some(at(0)),
        partitions: &[],
        closed_until: Some(at(0)),
        catches_up: false,
        interval: IntervalLength::Minutes(15),
        close_delay: Millis::from_minutes(5),
        gaps: &[],
        letter: None,
    }
}

fn there(change: impl FnOnce(&mut SourceThere<'_>), now: i64) -> Vec<(String, String)> {
    let name = name();
    let mut source = well(&name);
    change(&mut source);
    let standing = source_there(&source, at(now));
    told(&standing).into_iter().map(|(what, of)| (what.to_owned(), of.to_owned())).collect()
}

fn one(condition: &str, subject: &str) -> Vec<(String, String)> {
    vec![(condition.to_owned(), subject.to_owned())]
}

#[test]
fn a_source_that_is_behind_or_has_read_nothing_is_told_and_one_that_fails_is_told_by_its_part() {
    assert_eq!(there(|_| {}, 0), []);
    assert_eq!(there(|source| source.health = Health::Lagging, 0), one("source-behind", "connect"));
    assert_eq!(there(|source| source.health = Health::Starting, 0), one("source-unread", "connect"));
    assert_eq!(there(|source| source.health = Health::Failing, 0), []);
}

#[test]
fn a_partition_that_was_begun_and_has_no_reader_is_told() {
    let with = |partition: PartitionStatus| {
        let name = name();
        let partitions = [partition];
        let source = SourceThere { partitions: &partitions, ..well(&name) };
        source_there(&source, at(0)).len()
    };
    assert_eq!(with(partition(false, None)), 1);
    assert_eq!(with(partition(false, Some("a"))), 0);
    assert_eq!(with(partition(true, None)), 0, "it has ended");
    assert_eq!(
        with(PartitionStatus { position: None, ..partition(false, None) }),
        0,
        "its parents are read first"
    );
}

#[test]
fn what_is_lost_and_what_cannot_be_used_is_news_for_a_day() {
    let gap = |partition: &str| Gap {
        partition: partition.into(),
        reason: "older than the stream keeps".into(),
        from: None,
        to: Some(at(-60)),
        at: at(0),
    };
    let gaps = [gap("shard-2"), gap("shard-1"), gap("shard-2")];
    let name = name();
    let source = SourceThere { gaps: &gaps, ..well(&name) };
    let day = 24 * 3600;
    let standing = source_there(&source, at(60));
    assert_eq!(told(&standing), [("data-lost", "connect / shard-2"), ("data-lost", "connect / shard-1")]);
    let text =
        format!("from an unknown time to {}: older than the stream keeps; noticed at {}", at(-60), at(0));
    assert_eq!(standing[0].text, text);
    let late = SourceThere { closed_until: None, ..source };
    assert_eq!((source_there(&late, at(day - 1)).len(), source_there(&late, at(day)).len()), (2, 0));
    let letter = DeadLetter {
        id: 1,
        source: "connect".into(),
        partition: "shard-1".into(),
        position: Position::Number(1),
        reason: "EventTimestamp: missing".into(),
        payload: Vec::new(),
        at: at(0),
        tries: 1,
        tried: None,
    };
    let of_letter = SourceThere { letter: Some(&letter), closed_until: None, ..well(&name) };
    assert_eq!(told(&source_there(&of_letter, at(day - 1))), [("dead-letters", "connect")]);
    assert_eq!(source_there(&of_letter, at(day)), []);
}

#[test]
fn intervals_are_missing_when_they_are_closed_later_than_they_can_be() {
    let open = [partition(false, Some("a"))];
    let ended = [partition(true, None)];
    let name = name();
    let late = |partitions: &[PartitionStatus], seconds: i64, interval| {
        let source = SourceThere { partitions, interval, ..well(&name) };
        source_there(&source, at(seconds)).len()
    };
    let quarter = IntervalLength::Minutes(15);
    let limit = (15 + 5 + 30) * 60;
    assert_eq!((late(&open, limit, quarter), late(&open, limit + 1, quarter)), (0, 1));
    assert_eq!(late(&open, limit + 1, IntervalLength::Day), 0);
    assert_eq!(late(&ended, limit + 1, quarter), 0, "nothing more is to come");
    let history = SourceThere { partitions: &open, catches_up: true, ..well(&name) };
    assert_eq!(source_there(&history, at(limit + 1)), [], "history is read that was there before");
    let missing = SourceThere { partitions: &open, ..well(&name) };
    assert_eq!(
        source_there(&missing, at(limit + 1))[0].since,
        None,
        "it is noticed now, and has to hold for its time"
    );
}

#[test]
fn a_target_that_takes_nothing_until_somebody_acts_is_told_with_what_to_do() {
    let states = LaneShown { failures: 3, failing_since: Some(at(0)), ..LaneShown::default() };
    let shown = |shut: Option<&str>, left_alone| DeliveryShown {
        states: states.clone(),
        shut: shut.map(str::to_owned),
        left_alone,
        ..DeliveryShown::default()
    };
    let standing = sink_here(&"wfm".into(), &shown(Some("the access key is refused"), true));
    assert_eq!(told(&standing), [("sink-shut", "wfm")], "and not as one that fails and may answer");
    assert_eq!(standing[0].text, "the access key is refused");
    let standing = sink_here(&"wfm".into(), &shown(None, true));
    assert_eq!(told(&standing), [("sink-failing", "wfm / states"), ("sink-left-alone", "wfm")]);
}

#[test]
fn what_a_sink_does_not_take_refuses_or_has_not_got_is_told_by_its_report() {
    let failing = LaneShown {
        failures: 3,
        failing_since: Some(at(0)),
        error: Some("status 503".into()),
        ..LaneShown::default()
    };
    let shown = DeliveryShown {
        rows: failing,
        store_error: Some("the store is locked".into()),
        ..DeliveryShown::default()
    };
    let standing = sink_here(&"wfm".into(), &shown);
    assert_eq!(told(&standing), [("sink-failing", "wfm / reports"), ("sink-failing", "wfm")]);
    assert_eq!(standing[0].text, "3 tries in a row have failed, the last because of: status 503");
    assert_eq!(sink_here(&"wfm".into(), &DeliveryShown::default()), []);

    let line = |state, oldest| LedgerLine {
        report: "queue-report".into(),
        state,
        units: 2,
        oldest: at(oldest),
        newest: at(0),
    };
    let refused = RefusedState {
        source: name(),
        agent: "ann".into(),
        reason: "no such agent".into(),
        payload: "{}".into(),
        first_at: at(-5),
        last_at: at(0),
        count: 2,
    };
    let there = |state, oldest, refused| {
        let standing = sink_there(&"wfm".into(), &[line(state, oldest)], refused, None, at(0));
        told(&standing).into_iter().map(|(what, of)| format!("{what} {of}")).collect::<Vec<_>>()
    };
    assert_eq!(there(Parked, 0, None), ["delivery-parked wfm / queue-report"]);
    assert_eq!(there(Waiting, -7201, None), ["delivery-late wfm / queue-report"]);
    assert_eq!(there(Waiting, -7200, None), [""; 0]);
    assert_eq!(there(Acknowledged, -9999, None), [""; 0]);
    assert_eq!(there(Dropped, -9999, Some(&refused)), ["state-refused wfm"]);
}

#[test]
fn what_is_held_back_is_told_until_somebody_releases_it() {
    let held = |released| {
        let hold = Hold { since: at(-7), reason: "source connect is stale".into(), released };
        sink_there(&"wfm".into(), &[], None, Some(&hold), at(0))
    };
    let standing = held(None);
    assert_eq!(told(&standing), [("snapshot-held", "wfm")]);
    assert_eq!((standing[0].since, &*standing[0].text), (Some(at(-7)), "source connect is stale"));
    assert_eq!(held(Some(at(-1))), []);
}

#[test]
fn names_without_a_row_are_told_for_a_day_and_notes_are_not() {
    let seen = |kind: &str, id: &str, last| UnmappedSeen {
        kind: kind.into(),
        source: name(),
        id: id.into(),
        detail: "".into(),
        count: 7,
        first: at(last - 60),
        last: at(last),
        suggestion: "".into(),
        agents: Vec::new(),
    };
    let listed = [seen("note", "left out", 0), seen("state", "Lunch", -1), seen("queue", "q", -2)];
    let standing = unmapped_there(&"wfm".into(), &listed, at(0)).unwrap();
    assert_eq!(told(std::slice::from_ref(&standing)), [("names-unmapped", "wfm")]);
    let text = format!("state \"Lunch\" of source {}, seen 7 times, and 1 more", name());
    assert_eq!((standing.since, standing.text), (Some(at(-62)), text));
    let day = 24 * 3600;
    let at_the_end = |last| unmapped_there(&"wfm".into(), &[seen("agent", "7", last)], at(0)).is_some();
    assert_eq!((at_the_end(1 - day), at_the_end(-day)), (true, false));
    assert_eq!(unmapped_there(&"wfm".into(), &listed[..1], at(0)), None);
}

#[test]
fn a_store_is_nearly_full_at_nine_tenths_of_its_budget() {
    let full = |used| store(Some(Fullness { used, budget: 1000 })).is_some();
    assert_eq!((full(900), full(901)), (false, true));
    assert_eq!(store(None), None, "it may grow");
}

#[test]
fn r28_fifty_alarms_of_one_condition_are_told_and_more_are_counted() {
    let many = |count: usize| {
        let one = |n: usize| Standing::new(Condition::SourceFailing, format!("shard-{n:03}"), "no answer");
        bounded((0..count).map(one).chain((0..count).map(one)))
    };
    assert_eq!(many(50).len(), 50);
    let bounded = many(52);
    assert_eq!(bounded.len(), 51);
    assert_eq!(bounded[50].subject, "(more)");
    assert_eq!(bounded[50].text, "the same holds of 2 more, the first of which is shard-050");
}

#[test]
fn r28_a_text_has_a_thousand_characters() {
    let cut = |count: usize| {
        let standing = Standing::new(Condition::SourceFailing, "shard", "ü".repeat(count));
        bounded([standing])[0].text.chars().count()
    };
    assert_eq!((cut(1000), cut(1002)), (1000, 1001), "and a mark that more was said");
}
