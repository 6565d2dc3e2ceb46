//! Tokens.

use pegboard_store::{Role, Token, TokenWrite};

use crate::home::Home;
use crate::sample::at;

fn token(id: &str, created: i64) -> Token {
    Token {
        id: id.to_string(),
        name: "wallboard".to_string(),
        role: Role::Operator,
        sources: vec!["connect".into(), "webex".into()],
        created: at(created),
        expires: Some(at(created + 60)),
        revoked: None,
    }
}

pub(crate) async fn a_token_is_found_by_its_hash_until_it_is_revoked(home: &dyn Home) {
    let store = home.open().await;
    let later = Token { role: Role::Viewer, sources: Vec::new(), expires: None, ..token("t-1", 2) };
    store.add_token(TokenWrite { token: later.clone(), hash: [1; 32] }).await.unwrap();
    store.add_token(TokenWrite { token: token("t-2", 1), hash: [2; 32] }).await.unwrap();
    assert_eq!(store.token_by_hash(&[2; 32]).await.unwrap(), Some(token("t-2", 1)));
    assert_eq!(store.token_by_hash(&[3; 32]).await.unwrap(), None);
    assert_eq!(store.tokens().await.unwrap(), [token("t-2", 1), later], "oldest first");

    assert!(store.revoke_token("t-2", at(9)).await.unwrap());
    assert!(store.revoke_token("t-2", at(10)).await.unwrap());
    assert!(!store.revoke_token("t-3", at(9)).await.unwrap());
    assert_eq!(store.token_by_hash(&[2; 32]).await.unwrap(), None);
    let tokens = store.tokens().await.unwrap();
    assert_eq!((tokens[0].revoked, tokens[1].revoked), (Some(at(9)), None), "the first time counts");
    drop(store);
    let store = home.open().await;
    assert_eq!(store.tokens().await.unwrap(), tokens);
}

pub(crate) async fn a_second_token_with_the_same_hash_is_refused(home: &dyn Home) {
    let store = home.open().await;
    store.add_token(TokenWrite { token: token("t-1", 1), hash: [1; 32] }).await.unwrap();
    assert!(store.add_token(TokenWrite { token: token("t-2", 1), hash: [1; 32] }).await.is_err());
    assert!(store.add_token(TokenWrite { token: token("t-1", 1), hash: [2; 32] }).await.is_err());
    assert_eq!(store.tokens().await.unwrap().len(), 1);
}
