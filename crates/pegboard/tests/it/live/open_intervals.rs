//! Intervals that are not closed yet: computed when they are asked for, up to the watermark, and marked.

use pegboard_model::Millis;
use serde_json::Value;

use crate::support::clock;
use crate::support::day::Day;
use crate::support::feeding::{ONLY, feed_only};
use crate::support::live::{Live, config, replayed_tables, settings};
use crate::support::replayed::replay;
use crate::support::script::Script;

/// A row without these columns.
fn without(row: &Value, columns: &[&str]) -> Value {
    let mut row = row.clone();
    row.as_object_mut().unwrap().retain(|column, _| !columns.contains(&column.as_str()));
    row
}

#[tokio::test]
async fn their_rows_are_provisional_and_what_is_known_up_to_the_watermark() {
    let mut day = Day::of(12, 6, 81);
    let (first_open, now) = (day.start + Millis::from_hours(3), day.start + Millis::from_minutes(187));
    day.events.retain(|event| event.delivered < now);
    day.records.retain(|record| record.delivered < now);
    day.end = now;
    let (script, folder) = (Script::new(false), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    feed_only(&script, &day, day.start, now);
    clock::set(now);
    let live = Live::start(&script, &config(), folder.path()).await;
    live.settle(&script, first_open).await;
    let replayed = replayed_tables(&replay(&day, &settings(&day)));
    for report in ["agent_interval", "group_interval", "queue_interval", "agent_queue_interval"] {
        let rows = live.report(report, day.start, now).await;
        let is_open = |row: &Value| row["interval_start"].as_str() >= Some(first_open.to_string().as_str());
        for row in &rows {
            let closed = if is_open(row) { Value::Null } else { 1.into() };
            assert_eq!((&row["revision"], &row["origin"]), (&closed, &"computed".into()));
            assert_eq!(row["provisional"], is_open(row));
        }
        assert!(rows.iter().any(is_open), "{report}");
        // The open interval is whole, and replay's last one ends now.
        let own = ["interval_s", "aps", "origin", "revision", "reason", "provisional"];
        let found: Vec<_> = rows.iter().map(|row| without(row, &own)).collect();
        let expected: Vec<_> = replayed[report].iter().map(|row| without(row, &own)).collect();
        assert_eq!(found, expected, "{report}");
        assert!(rows.iter().all(|row| row["interval_s"] == 900));
    }
    live.stop().await;
}
