//! Tokens of targets that hand them out: at hand when they are needed, renewed before they end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::{RetryAfter, Secret};

/// How long a token is used that does not say when it ends.
const UNSAID: Duration = Duration::from_mins(5);

/// What a login gave.
#[derive(Debug, Clone)]
pub struct Token {
    /// What requests carry.
    pub access: Secret,
    /// By what the next one is had without a login, and for how long that goes.
    pub refresh: Option<(Secret, Duration)>,
    /// How long it lasts, from now on; nothing where the target does not say.
    pub lasts: Option<Duration>,
}

/// Why there is no token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoginError {
    /// The key is wrong, or may not do this. Asking again changes nothing.
    #[error("the target refuses the access key: {0}")]
    Refused(String),
    /// It may be otherwise later.
    #[error("{reason}")]
    Later {
        /// Why there is none now.
        reason: String,
        /// When the target asks to be asked again.
        after: Option<RetryAfter>,
    },
}

/// How a target hands out tokens.
#[async_trait]
pub trait Login: Send + Sync {
    /// A token for the access key.
    async fn login(&self) -> Result<Token, LoginError>;

    /// A token for the refresh token of an earlier one.
    async fn refresh(&self, refresh: &Secret) -> Result<Token, LoginError>;
}

/// Has a token at hand: renewed at four fifths of its life, and never by two at once.
#[derive(Debug)]
pub struct TokenKeeper<L> {
    login: L,
    held: Mutex<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    access: Arc<Secret>,
    /// From when on it is renewed.
    renew: Instant,
    /// When it ends.
    end: Instant,
    refresh: Option<(Secret, Instant)>,
}

impl Held {
    fn new(token: Token, asked: Instant) -> Self {
        let lasts = token.lasts.unwrap_or(UNSAID);
        let refresh = token.refresh.map(|(refresh, lasts)| (refresh, asked + lasts));
        Self { access: Arc::new(token.access), renew: asked + lasts * 4 / 5, end: asked + lasts, refresh }
    }
}

impl<L: Login> TokenKeeper<L> {
    /// Keeps the tokens of a target; asks nobody yet.
    pub fn new(login: L) -> Self {
        Self { login, held: Mutex::new(None) }
    }

    /// The token. Whoever asks while it is fetched waits for the same one. Where renewing fails, the old one serves until
    /// its end.
    pub async fn token(&self) -> Result<Arc<Secret>, LoginError> {
        let mut held = self.held.lock().await;
        let now = Instant::now();
        if let Some(held) = held.as_ref().filter(|held| now < held.renew) {
            return Ok(held.access.clone());
        }
        let refresh = held.as_ref().and_then(|held| held.refresh.clone()).filter(|(_, end)| now < *end);
        match self.fetch(refresh.map(|(refresh, _)| refresh)).await {
            Ok(token) => {
                let fetched = Held::new(token, now);
                let access = fetched.access.clone();
                *held = Some(fetched);
                Ok(access)
            }
            Err(later @ LoginError::Later { .. }) => {
                match held.as_ref().filter(|held| Instant::now() < held.end) {
                    Some(held) => Ok(held.access.clone()),
                    None => Err(later),
                }
            }
            Err(refused) => {
                *held = None;
                Err(refused)
            }
        }
    }

    /// A token by refreshing, and by a login where that is refused.
    async fn fetch(&self, refresh: Option<Secret>) -> Result<Token, LoginError> {
        if let Some(refresh) = refresh {
            match self.login.refresh(&refresh).await {
                Err(LoginError::Refused(_)) => {}
                other => return other,
            }
        }
        self.login.login().await
    }

    /// Tells that the target does not take this token any more, though it should: the next one is had by a login. Who
    /// tells it of a token that has been replaced meanwhile changes nothing.
    pub async fn refused(&self, token: &Arc<Secret>) {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(&held.access, token)) {
            *held = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Shared;
    use std::time::Duration;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    /// What was asked of the target, and what it is to answer next where that is not a token.
    #[derive(Debug, Default, Clone)]
    struct Target(Arc<Shared<Script>>);

    #[derive(Debug, Default)]
    struct Script {
        asked: Vec<String>,
        fails: Vec<LoginError>,
    }

    impl Target {
        async fn answer(&self, what: String) -> Result<Token, LoginError> {
            let number = {
                let mut script = self.0.lock().unwrap();
                script.asked.push(what);
                if let Some(error) = script.fails.pop() {
                    return Err(error);
                }
                script.asked.len()
            };
            tokio::time::sleep(Duration::from_millis(100)).await;
            let secret = |name: &str| Secret::new(format!("{name}{number}"));
            Ok(Token { access: secret("a"), refresh: Some((secret("r"), 2 * HOUR)), lasts: Some(HOUR) })
        }

        fn asked(&self) -> Vec<String> {
            self.0.lock().unwrap().asked.clone()
        }

        fn fail(&self, error: LoginError) {
            self.0.lock().unwrap().fails.push(error);
        }
    }

    #[async_trait]
    impl Login for Target {
        async fn login(&self) -> Result<Token, LoginError> {
            self.answer("login".to_owned()).await
        }

        async fn refresh(&self, refresh: &Secret) -> Result<Token, LoginError> {
            self.answer(format!("refresh {}", refresh.expose())).await
        }
    }

    fn keeper() -> (Target, Arc<TokenKeeper<Target>>) {
        let target = Target::default();
        (target.clone(), Arc::new(TokenKeeper::new(target)))
    }

    async fn after(pause: Duration) {
        tokio::time::advance(pause).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_renewed_at_four_fifths_of_its_life_and_not_before() {
        let (target, keeper) = keeper();
        assert_eq!(keeper.token().await.unwrap().expose(), "a1");
        after(HOUR * 3 / 4).await;
        assert_eq!(keeper.token().await.unwrap().expose(), "a1");
        after(HOUR / 20).await;
        assert_eq!(keeper.token().await.unwrap().expose(), "a2");
        assert_eq!(target.asked(), ["login", "refresh r1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_never_more_than_one_login_on_its_way() {
        let (target, keeper) = keeper();
        let ask = || {
            let keeper = keeper.clone();
            tokio::spawn(async move { keeper.token().await.unwrap().expose().to_owned() })
        };
        let asking: Vec<_> = (0..50).map(|_| ask()).collect();
        for answer in asking {
            assert_eq!(answer.await.unwrap(), "a1");
        }
        assert_eq!(target.asked(), ["login"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refresh_token_that_is_refused_or_has_ended_is_followed_by_a_login() {
        let (target, keeper) = keeper();
        keeper.token().await.unwrap();
        target.fail(LoginError::Refused("401".to_owned()));
        after(HOUR).await;
        assert_eq!(keeper.token().await.unwrap().expose(), "a3");
        assert_eq!(target.asked(), ["login", "refresh r1", "login"]);
        after(HOUR * 3).await;
        keeper.token().await.unwrap();
        assert_eq!(target.asked().last().unwrap(), "login", "a refresh token lasts for two hours");
    }

    #[tokio::test(start_paused = true)]
    async fn while_it_cannot_be_renewed_the_old_one_serves_to_its_end() {
        let (target, keeper) = keeper();
        keeper.token().await.unwrap();
        after(HOUR * 9 / 10).await;
        target.fail(LoginError::Later { reason: "503".to_owned(), after: None });
        assert_eq!(keeper.token().await.unwrap().expose(), "a1");
        after(HOUR / 10).await;
        target.fail(LoginError::Later { reason: "503".to_owned(), after: None });
        assert_eq!(keeper.token().await.unwrap_err().to_string(), "503");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_the_target_refuses_is_replaced_by_one_login_whoever_tells_of_it() {
        let (target, keeper) = keeper();
        let first = keeper.token().await.unwrap();
        keeper.refused(&first).await;
        let second = keeper.token().await.unwrap();
        keeper.refused(&first).await;
        assert!(Arc::ptr_eq(&second, &keeper.token().await.unwrap()), "the second is still good");
        assert_eq!(target.asked(), ["login", "login"]);
    }

    #[test]
    fn s20_nobody_sees_a_token() {
        let secret = || Secret::new("hunter2".to_owned());
        let token = Token { access: secret(), refresh: Some((secret(), HOUR)), lasts: None };
        let held = Held::new(token.clone(), Instant::now());
        assert!(!format!("{token:?} {held:?}").contains("hunter2"));
    }
}
