//! Tokens of targets that hand them out: at hand when they are needed, renewed before they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// How often one was fetched, with success or not.
    fetched: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// Why the last fetch failed, where it left no token.
    failed: Option<LoginError>,
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

    /// The refresh token, while it is good.
    fn refresh(&self, now: Instant) -> Option<&Secret> {
        self.refresh.as_ref().filter(|(_, end)| now < *end).map(|(refresh, _)| refresh)
    }

    /// It could not be renewed, and goes on to its end: renewing is tried again after a quarter of the time until then.
    fn serve_on(&mut self, now: Instant) -> Option<Arc<Secret>> {
        let left = self.end.checked_duration_since(now).filter(|left| !left.is_zero())?;
        self.renew = now + left / 4;
        Some(self.access.clone())
    }
}

impl<L: Login> TokenKeeper<L> {
    /// Keeps the tokens of a target; asks nobody yet.
    pub fn new(login: L) -> Self {
        Self { login, fetched: AtomicU64::new(0), state: Mutex::default() }
    }

    /// The token. Whoever asks while it is fetched waits for the same one, or for the same failure. Where renewing fails, the old one
    /// serves until its end.
    pub async fn token(&self) -> Result<Arc<Secret>, LoginError> {
        let fetched = self.fetched.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some(held) = state.held.as_ref().filter(|held| now < held.renew) {
            return Ok(held.access.clone());
        }
        if let Some(failed) = state.failed.as_ref().filter(|_| self.fetched.load(Ordering::SeqCst) != fetched)
        {
            return Err(failed.clone());
        }
        let outcome = self.fetch(state.held.as_ref(), now).await;
        self.fetched.fetch_add(1, Ordering::SeqCst);
        let error = match outcome {
            Ok(token) => {
                let held = Held::new(token, now);
                let access = held.access.clone();
                *state = State { held: Some(held), failed: None };
                return Ok(access);
            }
            Err(error) => error,
        };
        if matches!(error, LoginError::Refused(_)) {
            state.held = None;
        }
        if let Some(access) = state.held.as_mut().and_then(|held| held.serve_on(Instant::now())) {
            return Ok(access);
        }
        state.failed = Some(error.clone());
        Err(error)
    }

    /// A token by refreshing; by a login where there is nothing to refresh, where that is refused, and where it cannot be waited for.
    async fn fetch(&self, held: Option<&Held>, now: Instant) -> Result<Token, LoginError> {
        if let Some((held, refresh)) = held.and_then(|held| Some((held, held.refresh(now)?))) {
            match self.login.refresh(refresh).await {
                Err(LoginError::Refused(_)) => {}
                Err(LoginError::Later { .. }) if Instant::now() >= held.end => {}
                other => return other,
            }
        }
        self.login.login().await
    }

    /// Tells that the target does not take this token any more, though it should: the next one is had by a login. Who
    /// tells it of a token that has been replaced meanwhile changes nothing.
    pub async fn refused(&self, token: &Arc<Secret>) {
        let mut state = self.state.lock().await;
        if state.held.as_ref().is_some_and(|held| Arc::ptr_eq(&held.access, token)) {
            state.held = None;
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
            let (number, fails) = {
                let mut script = self.0.lock().unwrap();
                script.asked.push(what);
                (script.asked.len(), script.fails.pop())
            };
            tokio::time::sleep(Duration::from_millis(100)).await;
            if let Some(error) = fails {
                return Err(error);
            }
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

    fn later() -> LoginError {
        LoginError::Later { reason: "503".to_owned(), after: None }
    }

    #[tokio::test(start_paused = true)]
    async fn while_it_cannot_be_renewed_the_old_one_serves_to_its_end_and_the_target_is_not_asked_each_time()
    {
        let (target, keeper) = keeper();
        keeper.token().await.unwrap();
        after(HOUR * 4 / 5).await;
        target.fail(later());
        for _ in 0..10 {
            assert_eq!(keeper.token().await.unwrap().expose(), "a1");
        }
        assert_eq!(target.asked(), ["login", "refresh r1"]);
        after(HOUR / 20).await;
        assert_eq!(keeper.token().await.unwrap().expose(), "a3", "a quarter of the rest is over");
    }

    #[tokio::test(start_paused = true)]
    async fn where_it_has_ended_a_refresh_that_fails_is_followed_by_a_login() {
        let (target, keeper) = keeper();
        keeper.token().await.unwrap();
        after(HOUR).await;
        (0..2).for_each(|_| target.fail(later()));
        assert_eq!(keeper.token().await.unwrap_err().to_string(), "503");
        target.fail(later());
        assert_eq!(keeper.token().await.unwrap().expose(), "a5");
        assert_eq!(target.asked(), ["login", "refresh r1", "login", "refresh r1", "login"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_login_that_fails_makes_none_of_his_own() {
        let (target, keeper) = keeper();
        target.fail(LoginError::Refused("401".to_owned()));
        let ask = || {
            let keeper = keeper.clone();
            tokio::spawn(async move { keeper.token().await.map(|token| token.expose().to_owned()) })
        };
        let asking: Vec<_> = (0..50).map(|_| ask()).collect();
        for answer in asking {
            assert!(matches!(answer.await.unwrap(), Err(LoginError::Refused(_))));
        }
        assert_eq!(target.asked(), ["login"]);
        assert_eq!(keeper.token().await.unwrap().expose(), "a2", "who asks later asks anew");
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
