//! What people import by hand is what a dry run writes, a day at a time.

use jiff::civil::Date;
use pegboard::runtime::deliver::history::NoHistory;

use super::*;

const HISTORY: &str = "cxone-history";

/// The history of all days that the hub gives, as one file.
async fn told(live: &Live, first: Date) -> String {
    let mut file = String::new();
    for day in [first, first.tomorrow().unwrap()] {
        let Ok(document) = live.hub.sink_history(&wfm(), Some(day)).await.unwrap() else { continue };
        let text = String::from_utf8(document.body).unwrap();
        let (header, rows) = text.split_once("\r\n").unwrap();
        if file.is_empty() {
            file = format!("{header}\r\n");
        }
        file.push_str(rows);
    }
    file
}

#[tokio::test]
async fn the_history_of_a_day_is_what_a_dry_run_writes_and_only_of_what_is_closed() {
    let day = Day::of(12, 4, 31);
    let (manager, folder) = (manager(&day), tempfile::tempdir().unwrap());
    let live = hub(&day, &one_partition(&day, false), &manager, folder.path()).await;
    all_delivered(&live, &day).await;
    let known = replay(&day, &settings(&day)).known(Vec::new(), mapping(&day));
    let expected = (encoder(HISTORY).unwrap().encode)(&known).documents.remove(0).body;
    let zone = config().time_zone;
    let instant = jiff::Timestamp::from_millisecond(day.start.as_millis()).unwrap();
    let first = zone.to_datetime(instant).date();
    let told = told(&live, first).await;
    assert_eq!(told, String::from_utf8(expected).unwrap());
    assert!(told.lines().count() > 10, "{told}");

    let of = async |days: i64| {
        let day = first.saturating_add(jiff::Span::new().days(days));
        live.hub.sink_history(&wfm(), Some(day)).await.unwrap()
    };
    assert_eq!((of(-7).await, of(7).await), (Err(NoHistory::NotKept), Err(NoHistory::NotYet)));
    let unknown = live.hub.sink_history(&"none".into(), None).await.unwrap();
    assert_eq!(unknown, Err(NoHistory::NoSink));
    live.stop().await;
}
