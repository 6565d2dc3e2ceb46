//! Access keys, and the tokens that are had for them.

use std::collections::BTreeMap;

use pegboard_model::{Millis, Timestamp};
use serde_json::{Value, json};

use super::body::{Members, Problem};
use crate::random::Random;

/// An access key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Whose it is. A key of nobody has tokens, and may do nothing with them.
    pub tenant: Option<String>,
}

/// What a request for a token looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `{"accessKeyId", "accessKeySecret"}`, as on the public platform.
    Flat,
    /// The same within `accessKeyTokenRequest`, beside a `tenantName` that may be left out, as the SDK asks.
    Nested,
    /// Either of them.
    Either,
}

/// Why there is no token, or no use for it: the status and the problem.
pub(super) type Denied = (u16, Problem);

fn denied(status: u16, code: &'static str, message: &str) -> Denied {
    (status, Problem::new(code, "", message))
}

/// What a token stands for.
#[derive(Debug, Clone, Copy)]
struct Issued {
    key: usize,
    until: Timestamp,
}

#[derive(Debug)]
pub(super) struct Access {
    keys: Vec<Key>,
    style: Style,
    life: Millis,
    refresh_life: Millis,
    tokens: BTreeMap<String, Issued>,
    refresh_tokens: BTreeMap<String, Issued>,
    random: Random,
}

impl Access {
    pub(super) fn new(keys: Vec<Key>, style: Style, life: Millis, refresh_life: Millis) -> Self {
        let (tokens, refresh_tokens, random) = (BTreeMap::new(), BTreeMap::new(), Random::new(0, 0x70c));
        Self { keys, style, life, refresh_life, tokens, refresh_tokens, random }
    }

    /// A token for an access key.
    pub(super) fn login(&mut self, body: &Value, now: Timestamp) -> Result<Value, Denied> {
        let malformed = |problem| (400, problem);
        let mut members = Members::of(body, "").map_err(malformed)?;
        let is_nested = body.get("accessKeyTokenRequest").is_some();
        if self.style == if is_nested { Style::Flat } else { Style::Nested } {
            return Err(denied(400, "REQUIRED", "the access key stands elsewhere in a request for a token"));
        }
        let tenant = body.get("tenantName").and_then(|_| members.text("tenantName"));
        let (id, secret) = if is_nested {
            let mut key =
                Members::of(&body["accessKeyTokenRequest"], "accessKeyTokenRequest").map_err(malformed)?;
            let pair = (key.text("accessKeyId"), key.text("accessKeySecret"));
            first(key.end())?;
            pair
        } else {
            (members.text("accessKeyId"), members.text("accessKeySecret"))
        };
        let mut problems = members.end();
        problems.retain(|problem| problem.path != "accessKeyTokenRequest");
        first(problems)?;
        let found = self.keys.iter().position(|key| Some(&*key.id) == id && Some(&*key.secret) == secret);
        let key = found.ok_or_else(|| denied(401, "BAD_KEY", "there is no such access key"))?;
        if tenant.is_some() && self.keys[key].tenant.as_deref() != tenant {
            return Err(denied(403, "OTHER_TENANT", "the access key is not of this tenant"));
        }
        let (access, refresh) = self.issue(key, now);
        Ok(json!({
            "id_token": self.random.uuid().to_string(), "token_type": "Bearer", "expires_in": self.life.get() / 1000,
            "refresh_token": refresh, "access_token": access,
        }))
    }

    /// A token for a refresh token, which is thereby used up. The two flags of the SDK come together or not at all.
    pub(super) fn refresh(&mut self, body: &Value, now: Timestamp) -> Result<Value, Denied> {
        let mut members = Members::of(body, "").map_err(|problem| (400, problem))?;
        let token = members.text("token");
        if body.get("updateCookie").is_some() || body.get("toggleEnabled").is_some() {
            members.flag("updateCookie");
            members.flag("toggleEnabled");
        }
        first(members.end())?;
        let used = self.refresh_tokens.remove(token.unwrap_or_default());
        let used = used.filter(|issued| now < issued.until);
        let used = used.ok_or_else(|| denied(401, "BAD_TOKEN", "there is no such refresh token"))?;
        let (access, refresh) = self.issue(used.key, now);
        Ok(json!({
            "token": access, "tokenExpirationTimeSec": self.life.get() / 1000, "refreshToken": refresh,
            "refreshTokenExpirationTimeSec": self.refresh_life.get() / 1000, "sessionId": null,
        }))
    }

    fn issue(&mut self, key: usize, now: Timestamp) -> (String, String) {
        self.tokens.retain(|_, issued| now < issued.until);
        self.refresh_tokens.retain(|_, issued| now < issued.until);
        let access = format!("access-{}", self.random.uuid());
        let refresh = format!("refresh-{}", self.random.uuid());
        self.tokens.insert(access.clone(), Issued { key, until: now + self.life });
        self.refresh_tokens.insert(refresh.clone(), Issued { key, until: now + self.refresh_life });
        (access, refresh)
    }

    /// Whether a request may be made with what stands in its `Authorization`.
    pub(super) fn check(&self, authorization: Option<&String>, now: Timestamp) -> Result<(), Denied> {
        let token = authorization.and_then(|text| text.strip_prefix("Bearer "));
        let issued = token.and_then(|token| self.tokens.get(token)).filter(|issued| now < issued.until);
        let issued =
            issued.ok_or_else(|| denied(401, "BAD_TOKEN", "there is no such token, or not any more"))?;
        match self.keys[issued.key].tenant {
            Some(_) => Ok(()),
            None => Err(denied(403, "NO_TENANT", "the access key is of no tenant")),
        }
    }

    /// No token is good any more. Refresh tokens are, unless they go with them.
    pub(super) fn revoke(&mut self, with_refresh_tokens: bool) {
        self.tokens.clear();
        if with_refresh_tokens {
            self.refresh_tokens.clear();
        }
    }

    /// From now on other keys are good.
    pub(super) fn replace_keys(&mut self, keys: Vec<Key>) {
        self.revoke(true);
        self.keys = keys;
    }
}

/// A request that is not what it should be is malformed as a whole.
fn first(problems: Vec<Problem>) -> Result<(), Denied> {
    problems.into_iter().next().map_or(Ok(()), |problem| Err((400, problem)))
}
