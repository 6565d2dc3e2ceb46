//! Tables of mappings that people edit.

use pegboard_model::SinkName;
use pegboard_store::{MappingVersion, MappingWrite};

use crate::home::Home;
use crate::sample::at;

fn sink() -> SinkName {
    "wfm".into()
}

/// A version of the table of states that follows another.
pub(crate) fn edited(follows: u64, content: Option<&str>) -> MappingWrite {
    MappingWrite {
        sink: sink(),
        table: "states".into(),
        follows,
        at: at(i64::try_from(follows).unwrap()),
        by: "ann \0".into(),
        content: content.map(|content| (content.to_owned(), 7)),
    }
}

fn version(number: u64, rows: Option<u64>) -> MappingVersion {
    let at = at(i64::try_from(number).unwrap() - 1);
    MappingVersion { table: "states".into(), version: number, at, by: "ann \0".into(), rows }
}

pub(crate) async fn a_table_has_versions_and_of_two_that_follow_one_the_first_is_written(home: &dyn Home) {
    let store = home.open().await;
    assert_eq!(store.mapping_versions(&sink()).await.unwrap(), []);
    assert!(!store.write_mapping(edited(1, Some("too early"))).await.unwrap());
    assert!(store.write_mapping(edited(0, Some("a \0"))).await.unwrap());
    assert!(!store.write_mapping(edited(0, Some("too late"))).await.unwrap());
    let queues = MappingWrite { table: "queues".into(), ..edited(0, Some("q")) };
    let others = MappingWrite { sink: "other".into(), ..edited(0, Some("o")) };
    assert!(store.write_mapping(queues).await.unwrap() && store.write_mapping(others).await.unwrap());
    let both = [edited(1, Some("b")), edited(1, Some("c"))];
    let [first, second] = both.map(|write| store.write_mapping(write));
    let (first, second) = tokio::join!(first, second);
    assert!(first.unwrap() != second.unwrap(), "one of two");
    let newest = store.mapping_versions(&sink()).await.unwrap();
    let of_queues = MappingVersion { table: "queues".into(), ..version(1, Some(7)) };
    assert_eq!(newest, [of_queues, version(2, Some(7))]);
    let history = store.mapping_history(&sink(), "states").await.unwrap();
    assert_eq!(history, [version(2, Some(7)), version(1, Some(7))]);
    assert_eq!(store.mapping_content(&sink(), "states", 1).await.unwrap().unwrap(), "a \0");
    assert_eq!(store.mapping_content(&sink(), "states", 3).await.unwrap(), None);
}

pub(crate) async fn a_table_that_is_given_back_has_no_content(home: &dyn Home) {
    let store = home.open().await;
    store.write_mapping(edited(0, Some("a"))).await.unwrap();
    assert!(store.write_mapping(edited(1, None)).await.unwrap());
    assert_eq!(store.mapping_versions(&sink()).await.unwrap(), [version(2, None)]);
    assert_eq!(store.mapping_content(&sink(), "states", 2).await.unwrap(), None);
    assert_eq!(store.mapping_content(&sink(), "states", 1).await.unwrap().unwrap(), "a");
}

pub(crate) async fn r28_ten_versions_of_a_table_are_kept(home: &dyn Home) {
    let store = home.open().await;
    for follows in 0..11 {
        assert!(store.write_mapping(edited(follows, Some("a"))).await.unwrap());
    }
    let history = store.mapping_history(&sink(), "states").await.unwrap();
    let kept: Vec<_> = history.iter().map(|version| version.version).collect();
    assert_eq!(kept, (2..12).rev().collect::<Vec<_>>());
}
