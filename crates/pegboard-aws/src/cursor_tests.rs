use super::*;
use proptest::prelude::*;

const NOW_MS: i64 = 1_700_000_000_000;
const HOUR_MS: i64 = 3_600_000;
const POLL: Duration = Duration::from_secs(1);
const MAX_RECORDS: usize = 4;

fn id() -> ShardId {
    ShardId::new("shardId-000000000000")
}

fn config() -> KinesisConfig {
    KinesisConfig {
        poll_interval: POLL,
        max_records: u32::try_from(MAX_RECORDS).unwrap(),
        ..KinesisConfig::new("agents".parse().unwrap())
    }
}

fn cursor(position: Position) -> Cursor {
    Cursor::new(id(), false, position, &config())
}

/// A cursor that has its iterator and may read at once.
fn reading(position: Position) -> Cursor {
    let mut cursor = cursor(position);
    cursor.found("iterator".to_owned(), NOW_MS);
    cursor
}

fn record(sequence: u64, size: usize) -> Record {
    Record { sequence: sequence.to_string().parse().unwrap(), arrived_ms: None, data: vec![0; size] }
}

fn reply(records: Vec<Record>, millis_behind_latest: i64) -> Reply {
    Reply { records, next_iterator: Some("next".to_owned()), millis_behind_latest, children: vec![] }
}

fn after(sequence: u64) -> Position {
    Position::AfterSequence(sequence.to_string().parse().unwrap())
}

/// Asks for records at `now`, gives the answer, and says when the next request may be made.
fn read(cursor: &mut Cursor, now: Instant, reply: Reply) -> (Batch, Duration) {
    assert!(matches!(cursor.step(now, NOW_MS), Step::GetRecords(_)));
    let batch = cursor.replied(reply, NOW_MS);
    let pause = match cursor.step(now, NOW_MS) {
        Step::Wait(until) => until - now,
        step => panic!("nothing to wait for: {step:?}"),
    };
    (batch, pause)
}

#[test]
fn a_cursor_asks_for_an_iterator_then_for_records() {
    let now = Instant::now();
    let mut cursor = cursor(after(5));
    assert_eq!(cursor.step(now, NOW_MS), Step::GetIterator(after(5)));
    cursor.found("first".to_owned(), NOW_MS);
    assert_eq!(cursor.step(now, NOW_MS), Step::GetRecords("first".to_owned()));
    let batch = cursor.replied(reply(vec![record(6, 1), record(7, 1)], 40), NOW_MS);
    assert_eq!((batch.position, batch.read_at_ms, batch.millis_behind_latest), (after(7), NOW_MS, 40));
    assert_eq!(cursor.step(now + POLL, NOW_MS), Step::GetRecords("next".to_owned()));
}

#[test]
fn an_answer_that_never_came_is_asked_for_again_from_the_same_place() {
    let now = Instant::now();
    let mut cursor = reading(after(5));
    assert_eq!(cursor.step(now, NOW_MS), Step::GetRecords("iterator".to_owned()));
    assert_eq!(cursor.step(now, NOW_MS), Step::Wait(now + POLL));
    assert_eq!(cursor.step(now + POLL, NOW_MS), Step::GetRecords("iterator".to_owned()));
    assert_eq!(*cursor.position(), after(5));
}

#[test]
fn at_the_tip_reads_are_a_poll_interval_apart() {
    let now = Instant::now();
    let mut cursor = reading(Position::TrimHorizon);
    assert_eq!(read(&mut cursor, now, reply(vec![], 0)).1, POLL);
    assert_eq!(read(&mut cursor, now + POLL, reply(vec![record(1, 100)], 0)).1, POLL);
}

#[test]
fn behind_the_tip_reads_are_as_fast_as_the_shard_allows() {
    let now = Instant::now();
    assert_eq!(read(&mut reading(after(1)), now, reply(vec![], 60_000)).1, LEAST_SPACING);
    let full = (1..=MAX_RECORDS as u64).map(|n| record(n, 1)).collect();
    assert_eq!(read(&mut reading(after(1)), now, reply(full, 0)).1, LEAST_SPACING);
}

#[test]
fn a_large_read_is_made_up_for_before_the_next() {
    let (_, pause) = read(&mut reading(after(1)), Instant::now(), reply(vec![record(2, 10_000_000)], 60_000));
    assert_eq!(pause, Duration::from_secs(5));
}

#[test]
fn a_short_poll_interval_does_not_exceed_five_reads_a_second() {
    let config = KinesisConfig { poll_interval: Duration::from_millis(200), ..config() };
    let mut cursor = Cursor::new(id(), false, after(1), &config);
    cursor.found("iterator".to_owned(), NOW_MS);
    assert_eq!(read(&mut cursor, Instant::now(), reply(vec![], 0)).1, LEAST_SPACING);
}

#[test]
fn r05_an_expired_iterator_is_renewed_after_the_last_record_handed_out() {
    let now = Instant::now();
    let mut cursor = reading(Position::TrimHorizon);
    read(&mut cursor, now, reply(vec![record(8, 1)], 0));
    let later = now + POLL;
    cursor.step(later, NOW_MS);
    assert_eq!(cursor.failed(Cause::ExpiredIterator, later, 0), LEAST_SPACING);
    assert_eq!(cursor.step(later + LEAST_SPACING, NOW_MS), Step::GetIterator(after(8)));
}

#[test]
fn r05_fresh_iterators_that_expire_at_once_are_not_asked_for_without_end() {
    let mut now = Instant::now();
    let mut cursor = reading(after(1));
    let mut waits = vec![];
    for _ in 0..4 {
        assert!(matches!(cursor.step(now, NOW_MS), Step::GetRecords(_)));
        waits.push(cursor.failed(Cause::ExpiredIterator, now, u32::MAX).as_millis());
        now += Duration::from_mins(1);
        cursor.found("fresh".to_owned(), NOW_MS);
    }
    assert_eq!(waits, [210, 500, 1_000, 2_000]);
}

#[test]
fn r05_throttling_keeps_the_iterator_and_waits_longer_each_time() {
    let now = Instant::now();
    let mut cursor = reading(after(1));
    cursor.step(now, NOW_MS);
    assert_eq!(cursor.failed(Cause::Throttled, now, u32::MAX), Duration::from_millis(250));
    assert_eq!(cursor.failed(Cause::Throttled, now, u32::MAX), Duration::from_millis(500));
    let until = now + Duration::from_millis(500);
    assert_eq!(cursor.step(now, NOW_MS), Step::Wait(until));
    assert_eq!(cursor.step(until, NOW_MS), Step::GetRecords("iterator".to_owned()));
    cursor.replied(reply(vec![], 0), NOW_MS);
    assert_eq!(cursor.failures(), 0);
}

#[test]
fn r05_a_quick_retry_keeps_the_read_limit_of_the_shard() {
    let now = Instant::now();
    let mut cursor = reading(after(1));
    cursor.step(now, NOW_MS);
    assert_eq!(cursor.failed(Cause::Throttled, now, 0), LEAST_SPACING);
}

#[test]
fn after_an_error_that_does_not_pass_the_position_is_sought_anew() {
    let now = Instant::now();
    let mut cursor = reading(after(3));
    cursor.step(now, NOW_MS);
    let wait = cursor.failed(Cause::AccessDenied, now, 0);
    assert!(wait >= Duration::from_millis(125), "a denied reader must not spin");
    assert_eq!(cursor.step(now + wait, NOW_MS), Step::GetIterator(after(3)));
}

#[test]
fn a_latest_start_that_read_nothing_resumes_at_a_time_and_skips_nothing() {
    let now = Instant::now();
    let mut cursor = reading(Position::Latest);
    assert_eq!(*cursor.position(), Position::AtTimestamp(NOW_MS - CLOCK_MARGIN_MS));
    let (batch, _) = read(&mut cursor, now, reply(vec![], 500));
    // The margin is kept from the time that was read, but the position never falls back.
    assert_eq!(batch.position, Position::AtTimestamp(NOW_MS - CLOCK_MARGIN_MS));

    cursor.step(now + POLL, NOW_MS + 90_000);
    let batch = cursor.replied(reply(vec![], 500), NOW_MS + 90_000);
    assert_eq!(batch.position, Position::AtTimestamp(NOW_MS + 90_000 - 500 - CLOCK_MARGIN_MS));
}

#[test]
fn an_idle_shard_keeps_its_position_but_moves_its_watermark() {
    let mut cursor = reading(after(3));
    cursor.step(Instant::now(), NOW_MS);
    let batch = cursor.replied(reply(vec![], 0), NOW_MS + 777);
    assert_eq!((batch.read_until_ms(), batch.position), (NOW_MS + 777, after(3)));
}

#[test]
fn a_shard_ends_when_there_is_no_next_iterator() {
    let now = Instant::now();
    let mut cursor = reading(after(3));
    let children = vec![ShardId::new("left"), ShardId::new("right")];
    let last = Reply { next_iterator: None, children: children.clone(), ..reply(vec![record(4, 1)], 0) };
    let (batch, _) = read(&mut cursor, now, last);
    let end = EndOfShard { ending: Ending::Reported, children };
    assert_eq!((batch.records.len(), batch.end), (1, Some(end.clone())));

    let Step::Ended(again) = cursor.step(now + POLL, NOW_MS) else { panic!("it goes on after the end") };
    assert_eq!((again.records.len(), again.end, again.position), (0, Some(end), after(4)));
    assert!(matches!(cursor.step(now + POLL, NOW_MS), Step::Wait(_)), "an ended shard must not spin");
}

#[test]
fn a_closed_shard_that_never_ends_is_drained_after_three_quiet_reads() {
    let mut now = Instant::now();
    let mut cursor = reading(after(3));
    let mut ended = |cursor: &mut Cursor, reply| {
        now += POLL;
        read(cursor, now, reply).0.end.map(|end| end.ending)
    };
    assert_eq!(ended(&mut cursor, reply(vec![], 0)), None);
    cursor.closed();
    for quiet in [reply(vec![], 0), reply(vec![], 0), reply(vec![], 9), reply(vec![], 0), reply(vec![], 0)] {
        assert_eq!(ended(&mut cursor, quiet), None);
    }
    assert_eq!(ended(&mut cursor, reply(vec![record(4, 1)], 0)), None);
    assert_eq!(ended(&mut cursor, reply(vec![], 0)), None);
    assert_eq!(ended(&mut cursor, reply(vec![], 0)), None);
    assert_eq!(ended(&mut cursor, reply(vec![], 0)), Some(Ending::Drained));
}

#[test]
fn an_open_shard_that_is_quiet_does_not_end() {
    let mut now = Instant::now();
    let mut cursor = reading(after(3));
    for _ in 0..100 {
        now += POLL;
        assert_eq!(read(&mut cursor, now, reply(vec![], 0)).0.end, None);
    }
}

fn stream(retention_hours: i32) -> StreamDescription {
    StreamDescription {
        arn: String::new(),
        created_ms: NOW_MS - 1_000 * HOUR_MS,
        retention_hours,
        status: "ACTIVE".to_owned(),
    }
}

/// Goes through the check of retention, and returns the gaps of the first two batches.
fn gaps(cursor: &mut Cursor, retention_hours: i32) -> [Option<Gap>; 2] {
    let now = Instant::now();
    assert_eq!(cursor.step(now, NOW_MS), Step::Describe);
    cursor.described(&stream(retention_hours), NOW_MS);
    assert!(matches!(cursor.step(now, NOW_MS), Step::GetIterator(_)));
    cursor.found("iterator".to_owned(), NOW_MS);
    let first = read(cursor, now, reply(vec![record(9, 1)], 0)).0.gap;
    let second = read(cursor, now + POLL, reply(vec![], 0)).0.gap;
    [first, second]
}

#[test]
fn what_retention_removed_is_reported_once_as_a_gap() {
    let gap = Gap { shard: id(), from_ms: NOW_MS - 30 * HOUR_MS, to_ms: NOW_MS - 24 * HOUR_MS };
    let mut by_time = cursor(Position::AtTimestamp(NOW_MS - 30 * HOUR_MS));
    assert_eq!(gaps(&mut by_time, 24), [Some(gap.clone()), None]);

    let mut by_sequence = cursor(after(3));
    by_sequence.read_until(NOW_MS - 30 * HOUR_MS);
    assert_eq!(gaps(&mut by_sequence, 24), [Some(gap), None]);
}

#[test]
fn what_a_longer_retention_kept_is_no_gap() {
    let mut cursor = cursor(Position::AtTimestamp(NOW_MS - 30 * HOUR_MS));
    assert_eq!(gaps(&mut cursor, 48), [None, None]);
}

#[test]
fn retention_is_not_asked_for_when_nothing_can_have_been_removed() {
    let now = Instant::now();
    let recent = Position::AtTimestamp(NOW_MS - 24 * HOUR_MS);
    for position in [recent, Position::Latest, Position::TrimHorizon, after(3)] {
        assert_eq!(cursor(position.clone()).step(now, NOW_MS), Step::GetIterator(position));
    }
}

#[test]
fn an_outage_longer_than_retention_is_a_gap_too() {
    let now = Instant::now();
    let mut cursor = reading(after(3));
    read(&mut cursor, now, reply(vec![], 0));
    let later = now + POLL;
    cursor.step(later, NOW_MS);
    cursor.failed(Cause::ExpiredIterator, later, 0);
    let back_ms = NOW_MS + 25 * HOUR_MS;
    assert_eq!(cursor.step(later + POLL, back_ms), Step::Describe);
    cursor.described(&stream(24), back_ms);
    assert_eq!(cursor.step(later + POLL, back_ms), Step::GetIterator(after(3)));
    cursor.found("iterator".to_owned(), back_ms);
    cursor.step(later + POLL, back_ms);
    let gap = cursor.replied(reply(vec![], 0), back_ms).gap;
    assert_eq!(gap, Some(Gap { shard: id(), from_ms: NOW_MS, to_ms: NOW_MS + HOUR_MS }));
}

// Enhanced fan-out.

const RENEWAL: Duration = Duration::from_secs(280);

/// A cursor that has subscribed at `now`.
fn subscribed(now: Instant) -> Cursor {
    let read = ReadMode::FanOut(crate::config::FanOut::new("pegboard"));
    let mut cursor = Cursor::new(id(), false, after(5), &KinesisConfig { read, ..config() });
    assert_eq!(cursor.step(now, NOW_MS), Step::Subscribe(after(5)));
    cursor.subscribed(now, NOW_MS);
    cursor
}

fn event(records: Vec<Record>, continuation: u64) -> Heard {
    let continuation = Some(continuation.to_string().parse().unwrap());
    Heard { records, continuation, millis_behind_latest: 0, children: vec![] }
}

#[test]
fn a_subscription_is_listened_to_until_it_must_be_renewed_where_it_had_come_to() {
    let now = Instant::now();
    let mut cursor = subscribed(now);
    assert_eq!(cursor.step(now, NOW_MS), Step::Listen(now + LONGEST_SILENCE));
    let later = now + RENEWAL - Duration::from_secs(1);
    let batch = cursor.heard(event(vec![record(7, 1)], 7), later, NOW_MS);
    assert_eq!((batch.position, batch.read_at_ms), (after(7), NOW_MS));
    // Nothing was written, but the shard has been told of up to 9.
    let quiet = cursor.heard(event(vec![], 9), later, NOW_MS + 5);
    assert_eq!((quiet.read_until_ms(), quiet.position), (NOW_MS + 5, after(7)));
    assert_eq!(cursor.step(later, NOW_MS), Step::Listen(now + RENEWAL));
    assert_eq!(cursor.step(now + RENEWAL, NOW_MS), Step::Subscribe(after(9)));
}

#[test]
fn r28_r05_a_subscription_that_falls_silent_is_renewed() {
    let now = Instant::now();
    let mut cursor = subscribed(now);
    let almost = now + LONGEST_SILENCE.checked_sub(Duration::from_millis(1)).unwrap();
    assert_eq!(cursor.step(almost, NOW_MS), Step::Listen(now + LONGEST_SILENCE));
    assert_eq!(cursor.step(now + LONGEST_SILENCE, NOW_MS), Step::Subscribe(after(5)));
}

#[test]
fn r05_a_machine_that_slept_longer_than_retention_under_a_subscription_has_a_gap() {
    let now = Instant::now();
    let mut cursor = subscribed(now);
    cursor.heard(event(vec![record(7, 1)], 7), now, NOW_MS);
    let (later, back_ms) = (now + LONGEST_SILENCE, NOW_MS + 25 * HOUR_MS);
    assert_eq!(cursor.step(later, back_ms), Step::Describe);
    cursor.described(&stream(24), back_ms);
    assert_eq!(cursor.step(later, back_ms), Step::Subscribe(after(7)));
    cursor.subscribed(later, back_ms);
    let gap = cursor.heard(event(vec![], 7), later, back_ms).gap;
    assert_eq!(gap, Some(Gap { shard: id(), from_ms: NOW_MS, to_ms: NOW_MS + HOUR_MS }));
}

#[test]
fn a_subscription_that_ends_early_is_not_begun_again_within_five_seconds() {
    let now = Instant::now();
    let mut cursor = subscribed(now);
    cursor.unsubscribed();
    assert_eq!(cursor.step(now, NOW_MS), Step::Wait(now + SUBSCRIPTION_SPACING));
    assert_eq!(cursor.step(now + SUBSCRIPTION_SPACING, NOW_MS), Step::Subscribe(after(5)));
}

#[test]
fn a_subscription_that_somebody_holds_is_asked_for_again_when_it_can_be_taken_over() {
    let now = Instant::now();
    let mut cursor = subscribed(now);
    let later = now + RENEWAL;
    assert_eq!(cursor.failed(Cause::InUse, later, 0), SUBSCRIPTION_SPACING);
    assert_eq!(cursor.step(later, NOW_MS), Step::Wait(later + SUBSCRIPTION_SPACING));
}

#[test]
fn a_subscription_that_broke_off_goes_on_after_what_was_heard() {
    let now = Instant::now();
    let mut cursor = subscribed(now);
    cursor.heard(event(vec![record(7, 1)], 8), now, NOW_MS);
    let later = now + SUBSCRIPTION_SPACING;
    let wait = cursor.failed(Cause::Unreachable, later, 0);
    assert_eq!(cursor.step(later + wait, NOW_MS), Step::Subscribe(after(8)));
}

#[test]
fn r05_a_place_to_go_on_that_is_refused_is_not_asked_for_again() {
    let now = Instant::now();
    let mut cursor = subscribed(now);
    cursor.heard(event(vec![record(7, 1)], 9), now, NOW_MS);
    let later = now + SUBSCRIPTION_SPACING;
    let wait = cursor.failed(Cause::InvalidArgument, later, 0);
    assert_eq!(cursor.step(later + wait, NOW_MS), Step::Subscribe(after(7)));
}

#[test]
fn the_children_that_an_event_names_are_the_end_of_the_shard() {
    let now = Instant::now();
    let mut cursor = subscribed(now);
    let children = vec![ShardId::new("left"), ShardId::new("right")];
    let last = Heard { continuation: None, children: children.clone(), ..event(vec![record(6, 1)], 6) };
    let batch = cursor.heard(last, now, NOW_MS);
    assert_eq!(batch.end, Some(EndOfShard { ending: Ending::Reported, children }));
    assert!(matches!(cursor.step(now, NOW_MS), Step::Ended(again) if again.end == batch.end));
}

#[test]
fn polling_goes_on_at_the_position_and_not_where_only_the_subscription_had_come_to() {
    let now = Instant::now();
    let mut cursor = subscribed(now);
    cursor.heard(event(vec![record(7, 1)], 7), now, NOW_MS);
    cursor.heard(event(vec![], 9), now, NOW_MS);
    cursor.poll_instead();
    assert_eq!(cursor.step(now, NOW_MS), Step::GetIterator(after(7)));
    cursor.found("iterator".to_owned(), NOW_MS);
    assert_eq!(cursor.step(now, NOW_MS), Step::GetRecords("iterator".to_owned()));
}

// The reader's loop against a model of a shard that fails in every way it can.

#[derive(Debug, Clone, Copy)]
enum Weather {
    Fine,
    Fails(Cause),
    /// The request is made, but the reader is dropped before the answer comes.
    Dropped,
}

fn weather() -> impl Strategy<Value = Weather> {
    prop_oneof![
        3 => Just(Weather::Fine),
        1 => Just(Weather::Dropped),
        3 => proptest::sample::select(vec![
            Cause::Throttled,
            Cause::Unreachable,
            Cause::ExpiredIterator,
            Cause::AccessDenied,
            Cause::Other,
        ])
        .prop_map(Weather::Fails),
    ]
}

/// Iterators of the model are the index of the next record.
fn seek(position: &Position) -> String {
    match position {
        Position::TrimHorizon => "0".to_owned(),
        Position::AfterSequence(sequence) => sequence.to_string(),
        position => panic!("the model has no times: {position}"),
    }
}

fn fetch(iterator: &str, records: u64) -> Reply {
    let begin: u64 = iterator.parse().unwrap();
    let end = records.min(begin + MAX_RECORDS as u64);
    Reply {
        records: (begin + 1..=end).map(|n| record(n, 1)).collect(),
        next_iterator: (end < records).then(|| end.to_string()),
        millis_behind_latest: i64::try_from(records - end).unwrap(),
        children: vec![],
    }
}

proptest! {
    #[test]
    fn r05_faults_lose_nothing_repeat_nothing_and_never_exceed_the_read_limit(
        records in 0_u64..60,
        weather in proptest::collection::vec(weather(), 0..60),
    ) {
        let mut weather = weather.into_iter();
        let mut cursor = cursor(Position::TrimHorizon);
        let mut now = Instant::now();
        let mut got: Vec<String> = vec![];
        let mut requests: Vec<Instant> = vec![];
        loop {
            let step = cursor.step(now, NOW_MS);
            if let Step::Wait(until) = step {
                now = until;
                continue;
            }
            if matches!(step, Step::GetRecords(_)) {
                requests.push(now);
            }
            match (step, weather.next().unwrap_or(Weather::Fine)) {
                (Step::Ended(_), _) => break,
                (_, Weather::Fails(cause)) => {
                    cursor.failed(cause, now, 0);
                }
                (_, Weather::Dropped) => {}
                (Step::GetIterator(position), _) => cursor.found(seek(&position), NOW_MS),
                (Step::GetRecords(iterator), _) => {
                    let batch = cursor.replied(fetch(&iterator, records), NOW_MS);
                    got.extend(batch.records.iter().map(|record| record.sequence.to_string()));
                }
                (step, _) => panic!("unexpected {step:?}"),
            }
        }
        prop_assert_eq!(got, (1..=records).map(|n| n.to_string()).collect::<Vec<_>>());
        for window in requests.windows(6) {
            prop_assert!(window[5] - window[0] > Duration::from_secs(1), "six reads within a second");
        }
    }
}
