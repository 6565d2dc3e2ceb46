//! Persons who are to be forgotten.

use std::sync::Arc;

use pegboard_model::Millis;
use pegboard_store::{Cell, Eraser, Erasure, ErasureNote, ErasureState, ErasureWrite, Store};

use crate::home::Home;
use crate::postgres::copy::fill_with;
use crate::sample::{all_agents, at, source};

/// What names somebody in these tests, and nothing else.
pub(crate) const CANARY: &str = "canary-4711";

/// What stands in its place.
pub(crate) const INSTEAD: &str = "erased-1";

/// Replaces it wherever it stands.
#[derive(Debug)]
pub(crate) struct Replaces;

impl Eraser for Replaces {
    fn row(&self, _: &str, row: &[(&str, Cell)]) -> Vec<(usize, Cell)> {
        let instead = |cell: &Cell| match cell {
            Cell::Text(text) if text.contains(CANARY) => Some(Cell::Text(text.replace(CANARY, INSTEAD))),
            Cell::Bytes(bytes) => {
                let text = String::from_utf8(bytes.clone()).ok().filter(|text| text.contains(CANARY))?;
                Some(Cell::Bytes(text.replace(CANARY, INSTEAD).into_bytes()))
            }
            _ => None,
        };
        row.iter().enumerate().filter_map(|(place, (_, cell))| Some((place, instead(cell)?))).collect()
    }
}

pub(crate) async fn erase(store: &dyn Store) -> u64 {
    let changes = store.find_rows(&source(), Arc::new(Replaces)).await.unwrap();
    let changed = store.change_rows(changes).await.unwrap();
    store.wipe().await.unwrap();
    changed
}

fn write(asked: &str) -> ErasureWrite {
    ErasureWrite { source: source(), at: at(1), asked: asked.to_owned(), progress: "{}".to_owned() }
}

pub(crate) async fn an_erasure_waits_runs_and_ends(home: &dyn Home) {
    let store = home.open().await;
    let id = store.add_erasure(write("{\"who\":1}"), 1).await.unwrap().unwrap();
    assert_eq!(store.add_erasure(write("{}"), 1).await.unwrap(), None, "one is open already");
    let shown = store.erasures(&[source()], None, true, 9).await.unwrap();
    let (asked, progress) = ("{\"who\":1}".to_owned(), "{}".to_owned());
    let waiting = Erasure { id, source: source(), at: at(1), state: ErasureState::Waiting, asked, progress };
    assert_eq!(shown, [waiting]);
    let (asked, progress) = ("{}".to_owned(), "{\"rows\":7}".to_owned());
    for state in [ErasureState::Wiping, ErasureState::Done] {
        let (asked, progress) = (asked.clone(), progress.clone());
        store.note_erasure(ErasureNote { id, state, asked, progress }).await.unwrap();
        let open = store.erasures(&[], None, true, 9).await.unwrap();
        assert_eq!(open.len(), usize::from(state.is_open()));
    }
    assert!(store.add_erasure(write("{}"), 1).await.unwrap() > Some(id));
    assert_eq!(store.erasures(&[source()], Some(id + 1), false, 9).await.unwrap()[0].asked, asked);
    assert!(store.erasures(&["other".into()], None, false, 9).await.unwrap().is_empty());
}

pub(crate) async fn r28_erasures_that_are_over_are_kept_for_400_days(home: &dyn Home) {
    let store = home.open().await;
    let id = store.add_erasure(write("{}"), 9).await.unwrap().unwrap();
    let open = store.add_erasure(write("{}"), 9).await.unwrap().unwrap();
    let (asked, progress) = ("{}".to_owned(), "{}".to_owned());
    store.note_erasure(ErasureNote { id, state: ErasureState::Done, asked, progress }).await.unwrap();
    let until = at(1) + Millis::from_hours(400 * 24);
    for (now, left) in [(until, vec![open, id]), (until + Millis::new(1), vec![open])] {
        store.sweep(now).await.unwrap();
        let kept = store.erasures(&[], None, false, 9).await.unwrap();
        assert_eq!(kept.iter().map(|erasure| erasure.id).collect::<Vec<_>>(), left);
    }
}

pub(crate) async fn every_row_is_shown_and_changed_as_it_is_told(home: &dyn Home) {
    let store = home.open().await;
    fill_with(&*store, CANARY).await;
    let before = all_agents(&*store).await;
    let rows = store.rows(&source(), "agent_interval", at(0), at(900)).await.unwrap();
    assert!(erase(&*store).await > 20);
    assert!(store.find_rows(&source(), Arc::new(Replaces)).await.unwrap().is_empty(), "once is enough");
    let after = all_agents(&*store).await;
    assert_eq!(before.len(), after.len());
    let known = |agents: &[pegboard_store::StoredAgent], id: &str| {
        agents.iter().find(|agent| agent.agent.as_str() == id).map(|agent| agent.version)
    };
    assert_eq!(known(&after, CANARY), None);
    assert_eq!(known(&after, INSTEAD), known(&before, CANARY).map(|version| version + 1), "others see that");
    assert_eq!(known(&after, "bob"), known(&before, "bob"));
    let instead: Vec<_> = rows
        .into_iter()
        .map(|mut row| {
            row.key = row.key.replace(CANARY, INSTEAD);
            row.body = row.body.replace(CANARY, INSTEAD);
            row
        })
        .collect();
    let mut found = store.rows(&source(), "agent_interval", at(0), at(900)).await.unwrap();
    found.sort_by_key(|row| instead.iter().position(|own| own.key == row.key));
    assert_eq!(found, instead);
}

pub(crate) async fn what_another_changed_meanwhile_stays_and_so_does_what_has_the_new_key(home: &dyn Home) {
    let store = home.open().await;
    fill_with(&*store, CANARY).await;
    let early = store.find_rows(&source(), Arc::new(Replaces)).await.unwrap();
    let late = early.clone();
    let changed = store.change_rows(early).await.unwrap();
    assert!(changed > 0);
    assert_eq!(store.change_rows(late.clone()).await.unwrap(), 0, "nothing is as it was found");
    let known = all_agents(&*store).await;

    // He is heard of again: what was there before him is kept.
    let again = crate::sample::first_event(1, 4, CANARY);
    store.commit(again).await.unwrap();
    let changes = store.find_rows(&source(), Arc::new(Replaces)).await.unwrap();
    assert!(changes.iter().any(|change| change.table() == "agents"), "{changes:?}");
    store.change_rows(changes).await.unwrap();
    assert_eq!(all_agents(&*store).await, known);
    assert!(store.find_rows(&source(), Arc::new(Replaces)).await.unwrap().is_empty());
}
