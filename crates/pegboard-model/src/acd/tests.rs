use proptest::prelude::*;

use super::*;

fn row(report: AcdReport) -> AcdRow {
    let grouping = Grouping {
        queue: Some(Known::Name("R&D = 100%".into())),
        channel: Some(Channel::Voice),
        further: vec![("Routing Profile".into(), "Basic".into())],
        ..Grouping::default()
    };
    let start = Timestamp::parse("2026-03-01T09:15:00Z").unwrap();
    AcdRow::new(report, "QR".into(), start, Millis::from_minutes(15), grouping)
}

fn body(row: &AcdRow) -> String {
    serde_json::to_string(row).unwrap()
}

#[test]
fn the_body_says_what_is_known_under_our_columns() {
    let mut row = row(AcdReport::QueueInterval);
    row.pegging = Some(Pegging::Disconnect);
    assert!(row.put(Column::Talk, Value::Duration(Millis::new(12_005))));
    assert!(row.put(Column::Offered, Value::Count(3)));
    assert!(row.put(Column::ServiceLevel, Value::Percent(Fixed::new(6667, 2))));
    row.keep(Extra { label: "Zone".into(), metric: None, value: ExtraValue::Text("7".into()) });
    row.keep(Extra {
        label: "Average handle time".into(),
        metric: Some("AVG_HANDLE_TIME".into()),
        value: ExtraValue::Number(Value::Duration(Millis::new(900_500))),
    });
    assert_eq!(
        body(&row),
        concat!(
            r#"{"report":"queue_interval","name":"QR","interval_start":"2026-03-01T09:15:00Z","interval_s":900,"#,
            r#""queue":{"name":"R&D = 100%"},"channel":"VOICE","further":[["Routing Profile","Basic"]],"#,
            r#""pegging":"disconnect","values":{"offered":3,"talk_s":12.005,"service_level_pct":66.67},"#,
            r#""extra":[{"label":"Average handle time","metric":"AVG_HANDLE_TIME","seconds":900.5},"#,
            r#"{"label":"Zone","text":"7"}]}"#
        )
    );
    assert_eq!(serde_json::from_str::<AcdRow>(&body(&row)).unwrap(), row);
}

#[test]
fn the_body_does_not_tell_the_order_in_which_it_was_said_nor_the_file() {
    let text = |label: &str| Extra { label: label.into(), metric: None, value: ExtraValue::Text("1".into()) };
    let (mut one, mut other) = (row(AcdReport::QueueInterval), row(AcdReport::QueueInterval));
    one.put(Column::Talk, Value::Duration(Millis::ZERO));
    one.put(Column::Offered, Value::Count(0));
    one.keep(text("a"));
    one.keep(text("b"));
    other.keep(text("b"));
    other.keep(text("a"));
    other.put(Column::Offered, Value::Count(0));
    other.put(Column::Talk, Value::Duration(Millis::ZERO));
    other.telling = Telling { file: "QR-2026-03-01T09:30:00Z.csv".into(), made: Timestamp::from_seconds(1) };
    assert_eq!(body(&one), body(&other));
    assert_eq!(one.key(), other.key());
}

#[test]
fn the_key_is_what_the_row_is_about() {
    let mut row = row(AcdReport::QueueInterval);
    let key = "name=QR&interval_s=900&queue=R%26D %3D 100%25&channel=VOICE&by Routing Profile=Basic";
    assert_eq!(row.key(), key);
    row.grouping = Grouping {
        queue: Some(Known::Id("q-1".into())),
        agent: Some(Known::Name("ann".into())),
        direction: Some(Direction::Outbound),
        ..Grouping::default()
    };
    assert_eq!(row.key(), "name=QR&interval_s=900&queue_id=q-1&agent=ann&direction=outbound");
}

#[test]
fn a_row_says_nothing_under_columns_that_its_report_does_not_have() {
    let mut agent = row(AcdReport::AgentInterval);
    assert!(!agent.put(Column::Offered, Value::Count(1)));
    assert!(!agent.put(Column::Login, Value::Count(1)), "a duration is no count");
    assert!(agent.put(Column::Login, Value::Duration(Millis::new(1))));
    assert_eq!(agent.values(), [(Column::Login, Value::Duration(Millis::new(1)))]);
    assert_eq!(agent.get(Column::Aux), None, "which is not 0");
}

#[test]
fn a_row_of_a_day_is_kept_by_itself() {
    let kept = |report, hours: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "a few hours")]
        let length = Millis::new((hours * 3_600_000.0) as i64);
        AcdRow { interval_s: length, ..row(report) }.kept_as()
    };
    let of_queues = [0.25, 1.0, 22.75, 23.0, 24.0, 25.0, 25.25, 168.0];
    let of_queues = of_queues.map(|hours| kept(AcdReport::QueueInterval, hours) == "queue_daily");
    assert_eq!(of_queues, [false, false, false, true, true, true, false, false]);
    assert_eq!(kept(AcdReport::AgentQueueInterval, 24.0), "agent_queue_daily");
    assert_eq!(kept(AcdReport::AgentInterval, 24.0), "agent_daily");
    assert_eq!(kept(AcdReport::Sessions, 24.0), "sessions", "a session is a session, however long");
    for (name, report) in AcdReport::KEPT {
        assert!(name == report.as_str() || Some(name) == report.by_day());
    }
}

#[test]
fn every_column_is_one_of_a_report() {
    for column in Column::ALL {
        assert!(AcdReport::ALL.iter().any(|report| report.has(*column)), "{column:?}");
        assert_eq!(Column::from_name(column.as_str()), Some(*column));
        assert_eq!(column.unit() == Unit::Duration, column.as_str().ends_with("_s"), "{column:?}");
        assert_eq!(column.unit() == Unit::Percent, column.as_str().ends_with("_pct"), "{column:?}");
    }
}

#[test]
fn every_column_of_numbers_of_the_reports_is_there_and_in_order() {
    const NOT_NUMBERS: [&str; 16] = [
        "interval_start",
        "interval_s",
        "source",
        "queue_id",
        "queue_name",
        "channel",
        "direction",
        "agent_id",
        "agent_login",
        "agent_name",
        "team",
        "service_level_formula",
        "pegging",
        "sign_in",
        "sign_out",
        "policy",
    ];
    for report in AcdReport::ALL {
        assert_eq!(AcdReport::from_name(report.as_str()), Some(report));
        let numbers = report.columns().iter().filter(|name| !NOT_NUMBERS.contains(name));
        let columns: Vec<_> = numbers.map(|name| Column::from_name(name).expect(name)).collect();
        assert!(columns.is_sorted(), "{report}: {columns:?}");
    }
}

proptest! {
    #[test]
    fn numbers_are_exact(ms in 0..=1_i64 << 45, units in 0..10_000_000_i64, count in 0..u64::MAX) {
        let mut row = row(AcdReport::QueueInterval);
        row.put(Column::Talk, Value::Duration(Millis::new(ms)));
        row.put(Column::Offered, Value::Count(count));
        row.put(Column::ServiceLevel, Value::Percent(Fixed::new(units, 2)));
        let value = Value::Duration(Millis::new(ms));
        row.keep(Extra { label: "x".into(), metric: None, value: ExtraValue::Number(value) });
        let text = body(&row);
        let talk = format!("\"talk_s\":{},", Millis::new(ms));
        prop_assert!(text.contains(&talk), "{}", text);
        prop_assert_eq!(serde_json::from_str::<AcdRow>(&text).unwrap(), row);
    }

    #[test]
    fn different_groups_have_different_keys(a in "[a&=% ]{0,4}", b in "[a&=% ]{0,4}", c in "[a&=% ]{0,4}", d in "[a&=% ]{0,4}") {
        let key = |queue: &str, agent: &str| {
            let mut row = row(AcdReport::QueueInterval);
            row.grouping.queue = Some(Known::Name(queue.into()));
            row.grouping.agent = Some(Known::Name(agent.into()));
            row.key()
        };
        prop_assert_eq!(key(&a, &b) == key(&c, &d), (&a, &b) == (&c, &d));
    }
}
