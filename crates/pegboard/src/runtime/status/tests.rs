//! What readers are told of a source, whatever becomes of its partitions.

use pegboard_store::Counts;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn step(status: &Status, partition: &str, watermark: i64, finished: bool) {
    let step = Step { position: None, watermark: Some(at(watermark)), behind: None, finished };
    status.stepped(&partition.into(), step, Counts::default(), 0);
}

fn opening(partition: &str, parents: &[&str]) -> Opening {
    Opening {
        partition: partition.into(),
        from: Position::Number(0),
        watermark: None,
        parents: parents.iter().map(|parent| (*parent).into()).collect(),
    }
}

fn plan(status: &Status, open: &[&str], waiting: &[&str]) {
    let open: Vec<_> = open.iter().map(|partition| opening(partition, &[])).collect();
    let waiting: Vec<_> = waiting.iter().map(|partition| (*partition).into()).collect();
    status.planned(&open, &waiting);
}

fn plan_children(status: &Status, open: &[&str], child: (&str, &[&str])) {
    let open = open.iter().map(|partition| opening(partition, &[])).chain([opening(child.0, child.1)]);
    status.planned(&open.collect::<Vec<_>>(), &[]);
}

fn stored(partition: &str, watermark: Option<i64>, finished: bool) -> PartitionState {
    PartitionState {
        partition: partition.into(),
        epoch: 1,
        position: Some(Position::Number(1)),
        watermark: watermark.map(at),
        behind: None,
        finished,
        parents: Vec::new(),
        counts: Counts::default(),
    }
}

fn state(partitions: Vec<PartitionState>) -> SourceState {
    SourceState { partitions, closed_until: ClosedUntil::default(), details_from: Timestamp::MIN, agents: 0 }
}

fn restore(status: &Status, partitions: Vec<PartitionState>) {
    status.restore(&state(partitions), |_| Carries::EVENTS);
}

fn health(status: &Status, now: i64) -> Health {
    status.show(at(now), Millis::from_seconds(60), Vec::new()).health
}

#[test]
fn the_slowest_partition_holds_the_watermark() {
    let status = Status::default();
    plan(&status, &["a", "b"], &[]);
    step(&status, "a", 10, false);
    assert_eq!(status.watermark(RowsOf::Agents), None, "b was not read yet");
    step(&status, "b", 5, false);
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(5)));
}

#[test]
fn a_parent_that_ended_holds_until_its_children_are_known_and_read() {
    let status = Status::default();
    plan(&status, &["parent", "other"], &[]);
    step(&status, "parent", 10, true);
    step(&status, "other", 50, false);
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(10)));
    plan_children(&status, &["other"], ("child", &["parent"]));
    assert_eq!(
        status.watermark(RowsOf::Agents),
        Some(at(10)),
        "the child has nothing before its parent ended"
    );
    step(&status, "child", 20, false);
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(20)));
}

#[test]
fn a_parent_that_ends_while_it_is_planned_holds_until_the_next_plan() {
    let status = Status::default();
    plan(&status, &["parent", "other"], &[]);
    step(&status, "other", 50, false);
    step(&status, "parent", 10, true);
    plan(&status, &["parent", "other"], &[]);
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(10)), "that plan did not know of its children");
    plan(&status, &["other", "child"], &[]);
    step(&status, "child", 60, false);
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(50)));
}

#[test]
fn when_all_have_ended_all_is_known() {
    let status = Status::default();
    plan(&status, &["a", "b"], &[]);
    step(&status, "a", 10, true);
    step(&status, "b", 30, true);
    plan(&status, &[], &[]);
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(30)));
}

#[test]
fn readers_know_what_was_stored_before_the_source_is_reached() {
    let status = Status::default();
    let partitions =
        vec![stored("a", Some(30), false), stored("b", Some(20), false), stored("c", Some(5), true)];
    restore(&status, partitions);
    assert_eq!(status.known_until(RowsOf::Agents), Some(at(20)));
    assert_eq!(
        status.watermark(RowsOf::Agents),
        None,
        "children of c may not be known: nothing may be closed"
    );
    plan(&status, &["a", "b"], &[]);
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(20)));
}

#[test]
fn readers_know_what_was_stored_of_a_source_that_has_ended() {
    let status = Status::default();
    restore(&status, vec![stored("a", Some(30), true), stored("b", Some(20), true)]);
    assert_eq!(status.known_until(RowsOf::Agents), Some(at(30)));
}

#[test]
fn what_was_restored_closes_nothing_that_a_new_child_may_change() {
    let status = Status::default();
    restore(&status, vec![stored("parent", Some(10), true), stored("other", Some(50), false)]);
    plan_children(&status, &["other"], ("child", &["parent"]));
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(10)));
    assert_eq!(status.known_until(RowsOf::Agents), Some(at(50)));
}

#[test]
fn a_new_file_that_is_unread_takes_nothing_from_readers() {
    let status = Status::default();
    plan(&status, &["a"], &[]);
    step(&status, "a", 10, false);
    assert_eq!(status.known_until(RowsOf::Agents), Some(at(10)));
    plan(&status, &["a", "b"], &[]);
    assert_eq!((status.watermark(RowsOf::Agents), status.known_until(RowsOf::Agents)), (None, Some(at(10))));
}

#[test]
fn a_child_that_waits_is_held_by_its_parents_also_by_one_that_has_ended() {
    let status = Status::default();
    plan(&status, &["first", "second"], &["merged"]);
    step(&status, "first", 10, false);
    step(&status, "second", 30, false);
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(10)), "its parents are open");
    step(&status, "first", 20, true);
    plan(&status, &["second"], &["merged"]);
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(20)), "what came after it is in the child");
    step(&status, "second", 40, true);
    plan_children(&status, &[], ("merged", &["first", "second"]));
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(20)));
    step(&status, "merged", 50, false);
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(50)));
}

#[test]
fn nothing_is_complete_while_all_that_there_is_waits() {
    let status = Status::default();
    plan(&status, &[], &["child"]);
    assert_eq!(status.watermark(RowsOf::Agents), None);
}

#[test]
fn an_unread_partition_that_is_no_longer_listed_holds_nothing() {
    let status = Status::default();
    plan(&status, &["a"], &["b"]);
    step(&status, "a", 10, false);
    plan(&status, &["a", "c"], &[]);
    plan(&status, &["a"], &[]);
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(10)));
}

#[test]
fn a_source_that_has_ended_does_not_lag() {
    let status = Status::default();
    plan(&status, &["a"], &[]);
    step(&status, "a", 10, false);
    assert_eq!(health(&status, 500), Health::Lagging);
    step(&status, "a", 10, true);
    assert_eq!(health(&status, 500), Health::Lagging, "more may follow it");
    plan(&status, &[], &[]);
    assert_eq!(health(&status, 500), Health::Ok);
}

#[test]
fn the_latest_fault_is_shown() {
    let status = Status::default();
    status.failed("z", at(10), "earlier".into(), false);
    status.failed("m", at(30), "latest".into(), false);
    status.failed("a", at(20), "between".into(), false);
    let error = status.show(at(40), Millis::from_seconds(60), Vec::new()).error;
    assert_eq!(error.map(|fault| fault.message), Some("latest".into()));
}

#[test]
fn the_slowest_partition_of_all_nodes_holds_the_watermark() {
    let status = Status::default();
    plan(&status, &["mine", "theirs"], &[]);
    status.taken(&stored("mine", None, false));
    step(&status, "mine", 50, false);
    assert_eq!(status.watermark(RowsOf::Agents), None, "theirs was not read yet");
    assert!(
        !status.refresh(&state(vec![stored("mine", Some(40), false), stored("theirs", Some(30), false)]))
    );
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(30)));
    assert_eq!(status.watermark_of(&"mine".into()), Some(at(50)), "its own it knows best");
}

#[test]
fn a_partition_that_ends_on_another_node_holds_until_its_children_are_planned() {
    let status = Status::default();
    plan(&status, &["parent", "mine"], &[]);
    step(&status, "mine", 50, false);
    assert!(status.refresh(&state(vec![stored("parent", Some(10), true)])), "it ended elsewhere");
    assert!(!status.refresh(&state(vec![stored("parent", Some(10), true)])), "that is known");
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(10)));
    plan_children(&status, &["mine"], ("child", &["parent"]));
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(10)), "another node has not read it yet");
    status.refresh(&state(vec![stored("child", Some(60), false)]));
    assert_eq!(status.watermark(RowsOf::Agents), Some(at(50)));
}

#[test]
fn a_partition_whose_end_was_written_without_an_answer_holds_nothing_and_is_no_fault() {
    let status = Status::default();
    plan(&status, &["ended", "other"], &[]);
    step(&status, "ended", 10, false);
    step(&status, "other", 50, false);
    status.failed("ended", at(11), "commit: no answer".into(), false);
    assert!(status.refresh(&state(vec![stored("ended", Some(20), true), stored("other", Some(50), false)])));
    plan(&status, &["other"], &[]);
    assert_eq!((status.watermark(RowsOf::Agents), health(&status, 51)), (Some(at(50)), Health::Ok));
}

#[test]
fn what_fails_on_another_node_is_shown_too() {
    let status = Status::default();
    let told = ToldFault { source: "s".into(), at: at(1), message: "no answer".into(), stopped: false };
    let shown = status.show(at(2), Millis::from_seconds(60), vec![told]);
    assert_eq!(
        (shown.health, shown.error.map(|fault| fault.message)),
        (Health::Failing, Some("no answer".into()))
    );
}

#[test]
fn rows_wait_for_what_they_are_made_of_and_for_nothing_else() {
    let status = Status::default();
    plan(&status, &["events", "records", "reports"], &[]);
    status.ask_what_is_carried(|partition| match partition.as_str() {
        "events" => Carries { contacts: false, ..Carries::EVENTS },
        "records" => Carries::CONTACTS,
        _ => Carries::ROWS,
    });
    let marks = |status: &Status| RowsOf::ALL.map(|rows| status.watermark(rows));
    assert_eq!(marks(&status), [None, None]);
    step(&status, "events", 50, false);
    assert_eq!(marks(&status), [Some(at(50)), None], "contacts hold no row of agents back");
    step(&status, "records", 20, false);
    assert_eq!(marks(&status), [Some(at(50)), Some(at(20))]);
    step(&status, "reports", 1, false);
    assert_eq!(marks(&status), [Some(at(50)), Some(at(20))], "rows of the ACD hold nothing back");
}

#[test]
fn where_nobody_brings_contacts_their_time_passes_with_the_rest() {
    let status = Status::default();
    plan(&status, &["events"], &[]);
    status.ask_what_is_carried(|_| Carries { contacts: false, ..Carries::EVENTS });
    step(&status, "events", 50, false);
    assert_eq!(RowsOf::ALL.map(|rows| status.watermark(rows)), [Some(at(50)); 2]);
}
