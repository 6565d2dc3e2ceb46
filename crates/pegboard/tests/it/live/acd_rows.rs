//! Rows that the ACD computed itself: from a chunk to the reports, beside the computed ones.

use pegboard::runtime::view::{HistoryRequest, ReportError, ReportRequest, View as _};
use pegboard_model::acd::{AcdReport, AcdRow, Column, Grouping, Known, Telling, Value as Number};
use pegboard_model::{Channel, Millis, Timestamp};
use pegboard_store::Origin;
use serde_json::{Value, json};

use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::{ONLY, all_arrived, feed_only};
use crate::support::live::{Live, config};
use crate::support::script::Script;

/// A row of the queue report, told by a file.
fn row(queue: &str, start: Timestamp, offered: u64, file: &str, made: Timestamp) -> AcdRow {
    let grouping = Grouping {
        queue: Some(Known::Name(queue.into())),
        channel: Some(Channel::Voice),
        ..Grouping::default()
    };
    let quarter = Millis::from_minutes(15);
    let mut row = AcdRow::new(AcdReport::QueueInterval, "QR".into(), start, quarter, grouping);
    row.put(Column::Offered, Number::Count(offered));
    row.telling = Telling { file: file.into(), made };
    row
}

async fn rows(live: &Live, day: &Day, asked: ReportRequest) -> Vec<Value> {
    let request = ReportRequest { from: Some(day.start), to: Some(day.end), ..asked };
    live.hub.report(request).await.unwrap().values()
}

#[tokio::test]
async fn rows_of_the_acd_stand_beside_the_computed_ones_and_are_never_mixed_with_them() {
    let day = Day::of(12, 6, 21);
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    script.add("reports", &[]);
    feed_only(&script, &day, day.start, all_arrived(&day));
    let live = Live::start(&script, &config(), folder.path()).await;
    clock::set(all_arrived(&day));
    script.push_rows("reports", vec![], all_arrived(&day));
    live.settle(&script, day.end).await;
    let computed = rows(&live, &day, ReportRequest::new("queue_interval")).await;
    let one = computed.iter().find(|row| row["channel"] == "VOICE").unwrap();
    let name = one["queue_name"].as_str().unwrap();
    let start: Timestamp = one["interval_start"].as_str().unwrap().parse().unwrap();

    let made = day.end;
    let told = vec![row(name, start, 7, "QR-1.csv", made), row("Nobody knows", start, 0, "QR-1.csv", made)];
    script.push_rows("reports", told, all_arrived(&day));
    // The next file corrects it, and repeats the other.
    let later = made + Millis::from_minutes(15);
    let told = vec![row(name, start, 8, "QR-2.csv", later), row("Nobody knows", start, 0, "QR-2.csv", later)];
    script.push_rows("reports", told, all_arrived(&day));
    live.read_all(&script).await;

    let of_acd = ReportRequest { origin: Origin::Acd, ..ReportRequest::new("queue_interval") };
    let found = rows(&live, &day, of_acd.clone()).await;
    let shown: Vec<_> = found
        .iter()
        .map(|row| (&row["queue_id"], &row["queue_name"], &row["offered"], &row["revision"]))
        .collect();
    let (unknown, known) = (json!("Nobody knows"), json!(name));
    let expected =
        [(&Value::Null, &unknown, &json!(0), &json!(1)), (&one["queue_id"], &known, &json!(8), &json!(2))];
    assert_eq!(shown, expected, "ids are joined by name, and a name that nobody knows is shown");
    let last = &found[1];
    assert_eq!(
        (&last["origin"], &last["reason"], &last["file"]),
        (&json!("acd"), &json!("late"), &json!("QR-2.csv"))
    );
    assert_eq!((&last["talk_s"], &last["provisional"]), (&Value::Null, &json!(false)));
    assert_eq!(rows(&live, &day, ReportRequest::new("queue_interval")).await, computed, "never mixed");

    let history = HistoryRequest {
        name: "queue_interval".into(),
        sources: Vec::new(),
        from: Some(start),
        to: Some(start + Millis::from_minutes(15)),
        origin: Origin::Acd,
        agent: None,
        queue: Some(name.to_owned()),
    };
    let told = live.hub.history(history.clone()).await.unwrap();
    let rows = told.values();
    let shown: Vec<_> = rows.iter().map(|row| (&row["revision"], &row["file"], &row["changed"])).collect();
    let changed = json!({"offered": [7, 8]});
    let expected = [(&json!(1), &json!("QR-1.csv"), &Value::Null), (&json!(2), &json!("QR-2.csv"), &changed)];
    assert_eq!(shown, expected);
    assert!(rows.iter().all(|row| told.columns.iter().all(|column| row.get(*column).is_some())));
    let of_computed = live.hub.history(HistoryRequest { origin: Origin::Computed, ..history }).await.unwrap();
    assert!(of_computed.values().iter().any(|row| row["row"]["offered"] == one["offered"]));

    let refused = live.hub.report(ReportRequest { name: "segments".into(), ..of_acd }).await.unwrap_err();
    assert!(matches!(refused, ReportError::NotOfAcd("segments")), "{refused}");
    live.stop().await;
}

#[tokio::test]
async fn a_mixed_queue_becomes_one_for_each_channel_and_direction_on_demand() {
    let day = Day::of(12, 6, 21);
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    feed_only(&script, &day, day.start, all_arrived(&day));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    for report in ["queue_interval", "agent_queue_daily"] {
        let real = rows(&live, &day, ReportRequest::new(report)).await;
        let asked = ReportRequest { virtual_queues: true, ..ReportRequest::new(report) };
        let parted = rows(&live, &day, asked).await;
        assert_eq!(real.len(), parted.len());
        for (real, parted) in real.iter().zip(&parted) {
            let part = |column: &str| real[column].as_str().unwrap();
            let name = match part("queue_name") {
                "" => String::new(),
                name => format!("{name} / {} / {}", part("channel"), part("direction")),
            };
            assert_eq!(parted["queue_name"], name);
            assert_eq!(real["answered"], parted["answered"]);
        }
    }
    live.stop().await;
}

#[tokio::test]
async fn what_is_there_and_what_differs_are_reports() {
    let day = Day::of(12, 4, 22);
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    script.add("reports", &[]);
    feed_only(&script, &day, day.start, all_arrived(&day));
    script.push_rows("reports", vec![], all_arrived(&day));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    let computed = rows(&live, &day, ReportRequest::new("queue_interval")).await;
    let told =
        computed.iter().filter(|row| row["channel"] == "VOICE" && row["direction"] == "inbound").map(|own| {
            let start: Timestamp = own["interval_start"].as_str().unwrap().parse().unwrap();
            let name = own["queue_name"].as_str().unwrap();
            let mut told = row(name, start, own["offered"].as_u64().unwrap(), "QR.csv", day.end);
            told.grouping.direction = Some(pegboard_model::Direction::Inbound);
            told
        });
    let mut told: Vec<AcdRow> = told.collect();
    let wrong = told[0].clone();
    let Some(Number::Count(offered)) = wrong.get(Column::Offered) else { panic!("{wrong:?}") };
    told[0].put(Column::Offered, Number::Count(offered + 2));
    let untold = told[told.len() / 2].interval_start;
    told.retain(|row| row.interval_start != untold);
    script.push_rows("reports", told, all_arrived(&day));
    live.read_all(&script).await;

    let found = rows(&live, &day, ReportRequest::new("reconciliation")).await;
    let [only] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (&only["measure"], &only["difference"], &only["report"]),
        (&json!("offered"), &json!(2), &json!("queue_interval"))
    );
    let by_day =
        rows(&live, &day, ReportRequest { by_day: true, ..ReportRequest::new("reconciliation") }).await;
    assert_eq!(by_day.len(), 1);

    // The states in which agents are met first have begun up to a day before; of what was earlier nobody can tell.
    let asked = ReportRequest {
        from: Some(day.start - Millis::from_hours(30)),
        to: Some(day.end),
        ..ReportRequest::new("completeness")
    };
    let complete = live.hub.report(asked).await.unwrap().values();
    let of = |origin: &str, report: &str| {
        let meant = complete.iter().filter(|row| row["origin"] == origin && row["report"] == report);
        meant.cloned().collect::<Vec<_>>()
    };
    let states =
        |rows: &[Value]| rows.iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let known = states(&of("computed", "agent_interval"));
    let unknown = known.iter().take_while(|state| *state == "unknown").count();
    assert!((24..=120).contains(&unknown), "{unknown} intervals before the first evidence");
    assert!(known[unknown..].iter().all(|state| state == "complete"), "{known:?}");
    let of_acd = of("acd", "queue_interval");
    assert_eq!(of_acd.len(), 136);
    for row in &of_acd[120..] {
        let state = if time(row, "interval_start") == Some(untold) { "missing" } else { "complete" };
        assert_eq!(row["state"], state, "{row}");
    }
    assert_eq!(states(&of_acd[..unknown]), vec!["unknown"; unknown]);
    assert!(of("acd", "agent_interval").is_empty(), "a report that never told anything is not expected to");
    live.stop().await;
}

/// A session as the login/logout report tells it.
fn session(login: &str, sign_in: Timestamp, sign_out: Option<Timestamp>, made: Timestamp) -> AcdRow {
    let grouping = Grouping { agent: Some(Known::Name(login.into())), ..Grouping::default() };
    let name = "LoginLogout".into();
    let mut row = AcdRow::new(AcdReport::Sessions, name, sign_in, Millis::ZERO, grouping);
    if let Some(sign_out) = sign_out {
        row.put(Column::Session, Number::Duration(sign_out.since(sign_in)));
    }
    row.telling = Telling { file: "LoginLogout.csv".into(), made };
    row
}

fn time(row: &Value, column: &str) -> Option<Timestamp> {
    row[column].as_str().map(|text| text.parse().unwrap())
}

#[tokio::test]
async fn sessions_of_the_acd_are_kept_and_compared_with_the_computed_ones() {
    let day = Day::of(12, 14, 23);
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    script.add("reports", &[]);
    feed_only(&script, &day, day.start, all_arrived(&day));
    script.push_rows("reports", vec![], all_arrived(&day));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    let computed = rows(&live, &day, ReportRequest::new("sessions")).await;
    // Of those who were there before the day the window shows no sign-in.
    let were_there = |row: &Value| time(row, "sign_in") <= Some(day.start);
    let early: Vec<_> = computed.iter().filter(|row| were_there(row)).map(|row| &row["agent_id"]).collect();
    let computed: Vec<_> =
        computed.iter().filter(|row| !early.contains(&&row["agent_id"])).cloned().collect();
    let own: Vec<_> = computed.iter().filter(|row| !row["sign_out"].is_null()).collect();
    assert!(own.len() > 1, "{computed:?}");
    let of_one = |row: &Value, later| {
        let login = row["agent_login"].as_str().unwrap();
        let sign_out = time(row, "sign_out").map(|end| end + Millis::from_minutes(later));
        session(login, time(row, "sign_in").unwrap(), sign_out, day.end)
    };
    // One ends later than the hub knows, one is nobody that the hub knows, the others are as they were computed.
    let mut told: Vec<AcdRow> = computed.iter().map(|row| of_one(row, 0)).collect();
    let wrong = computed.iter().position(|row| row == own[0]).unwrap();
    told[wrong] = of_one(own[0], 10);
    told.push(session("manager", day.start, Some(day.start + Millis::from_hours(1)), day.end));
    script.push_rows("reports", told.clone(), all_arrived(&day));
    live.read_all(&script).await;

    let of_acd = ReportRequest { origin: Origin::Acd, ..ReportRequest::new("sessions") };
    let kept = rows(&live, &day, of_acd.clone()).await;
    assert_eq!(kept.len(), told.len());
    let same = kept.iter().find(|row| row["sign_in"] == own[1]["sign_in"]).unwrap();
    for column in ["agent_login", "agent_name", "sign_in"] {
        assert_eq!(same[column], own[1][column], "{column}");
    }
    assert_eq!((&same["acd_report"], &same["file"]), (&json!("LoginLogout"), &json!("LoginLogout.csv")));
    let stranger = kept.iter().find(|row| row["agent_login"] == "manager").unwrap();
    assert_eq!((&stranger["agent_id"], &stranger["duration_s"]), (&Value::Null, &json!(3600)));

    let found = rows(&live, &day, ReportRequest::new("reconciliation")).await;
    let mut said: Vec<_> = found
        .iter()
        .map(|row| {
            (
                row["agent_login"].as_str().unwrap(),
                row["measure"].as_str().unwrap(),
                row["difference"].clone(),
            )
        })
        .collect();
    said.sort_by_key(|(login, ..)| *login != "manager");
    let wrong = own[0]["agent_login"].as_str().unwrap();
    assert_eq!(said, [("manager", "sessions", json!(1)), (wrong, "sign_out", json!(600))], "{found:?}");
    let stranger = found.iter().find(|row| row["agent_login"] == "manager").unwrap();
    assert!(stranger["reason"].as_str().unwrap().starts_with("stranger"));
    let longer = found.iter().find(|row| row["measure"] == "sign_out").unwrap();
    assert!(longer["reason"].as_str().unwrap().starts_with("offline"), "{longer}");
    let by_day = ReportRequest { by_day: true, ..ReportRequest::new("reconciliation") };
    let measures: Vec<_> = rows(&live, &day, by_day).await.iter().map(|row| row["measure"].clone()).collect();
    assert_eq!(measures.iter().filter(|measure| *measure == "duration_s").count(), 2, "{measures:?}");

    // Told again by the next file, a session that was open is over.
    let later = session(
        "manager",
        day.start,
        Some(day.start + Millis::from_hours(2)),
        day.end + Millis::from_hours(24),
    );
    script.push_rows("reports", vec![later], all_arrived(&day));
    live.read_all(&script).await;
    let kept = rows(&live, &day, of_acd).await;
    let stranger: Vec<_> = kept.iter().filter(|row| row["agent_login"] == "manager").collect();
    assert_eq!(stranger.len(), 1);
    assert_eq!((&stranger[0]["duration_s"], &stranger[0]["revision"]), (&json!(7200), &json!(2)));
    live.stop().await;
}

#[tokio::test]
async fn days_of_the_acd_are_kept_apart_and_compared_by_day() {
    let day = Day::of(12, 30, 24);
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    script.add("reports", &[]);
    feed_only(&script, &day, day.start, all_arrived(&day));
    script.push_rows("reports", vec![], all_arrived(&day));
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, day.end).await;
    let computed = rows(&live, &day, ReportRequest::new("queue_interval")).await;
    let name = computed.iter().find(|row| row["channel"] == "VOICE").unwrap()["queue_name"].as_str().unwrap();
    // A day that began an hour after the simulated one, and the hour in which that began.
    let from = day.start + Millis::from_hours(1);
    let to = from + Millis::from_hours(24);
    let is_in = |row: &&Value| (from..to).contains(&time(row, "interval_start").unwrap());
    let voice =
        computed.iter().filter(|row| row["queue_name"] == name && row["channel"] == "VOICE").filter(is_in);
    let offered: u64 = voice.map(|row| row["offered"].as_u64().unwrap()).sum();
    let mut told = row(name, from, offered + 3, "QR-day.csv", to);
    told.interval_s = Millis::from_hours(24);
    script.push_rows("reports", vec![told.clone()], all_arrived(&day));
    live.read_all(&script).await;

    let of_acd = |report: &str| ReportRequest { origin: Origin::Acd, ..ReportRequest::new(report) };
    assert!(rows(&live, &day, of_acd("queue_interval")).await.is_empty(), "a day is no interval");
    let kept = rows(&live, &day, of_acd("queue_daily")).await;
    let [only] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!((&only["interval_s"], &only["offered"]), (&json!(86400), &json!(offered + 3)));
    assert_eq!((&only["origin"], &only["revision"]), (&json!("acd"), &json!(1)));
    let by_day = ReportRequest { by_day: true, ..ReportRequest::new("reconciliation") };
    let found = rows(&live, &day, by_day).await;
    let [only] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (&only["measure"], &only["difference"], &only["interval_s"]),
        (&json!("offered"), &json!(3), &json!(86400))
    );
    assert_eq!(rows(&live, &day, ReportRequest::new("reconciliation")).await, Vec::<Value>::new());
    live.stop().await;
}
