//! What becomes of dead letters.

use pegboard_store::{DeadLetter, DeadLetterWrite};

use crate::home::Home;
use crate::sample::{at, batch, number, shard, source};

pub(crate) async fn a_letter_is_tried_again_and_ends(home: &dyn Home) {
    let store = home.open().await;
    store.take_partition(&source(), &shard(), &[]).await.unwrap();
    let letter =
        DeadLetterWrite { position: number(7), reason: "line 3".into(), payload: b"x".to_vec(), at: at(1) };
    let mut burying = batch(1, 0);
    burying.dead_letters = vec![letter];
    store.commit(burying).await.unwrap();
    let listed = store.dead_letters(&[], None, 9).await.unwrap().remove(0);
    assert_eq!((listed.tries, listed.tried), (1, None));
    let shown = |letter: &DeadLetter| format!("{letter:?}");
    let one = store.dead_letter(listed.id).await.unwrap().unwrap();
    assert_eq!(shown(&one), shown(&listed));

    assert!(store.note_dead_letter_tried(listed.id, "line 4", at(5)).await.unwrap());
    let tried = store.dead_letter(listed.id).await.unwrap().unwrap();
    assert_eq!((&*tried.reason, tried.tries, tried.tried, tried.at), ("line 4", 2, Some(at(5)), at(1)));

    assert!(store.remove_dead_letter(listed.id).await.unwrap());
    assert!(store.dead_letter(listed.id).await.unwrap().is_none());
    assert!(!store.remove_dead_letter(listed.id).await.unwrap(), "there is none any more");
    assert!(!store.note_dead_letter_tried(listed.id, "line 5", at(6)).await.unwrap());
}
