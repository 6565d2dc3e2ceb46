//! Tokens for an access key.

use std::time::Duration;

use async_trait::async_trait;
use http::HeaderValue;
use pegboard_net::{Answer, Call, CallError, Client, Login, LoginError, Secret, Target, Token};
use serde_json::{Value, json};

use crate::error::may_change;

/// For how long a refresh token goes where the service does not say: the answers to the first login do not, those to
/// refreshes say two hours.
const REFRESH_LASTS: Duration = Duration::from_hours(2);

/// What a request for a token looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenStyle {
    /// As the SDK asks: the access key within `accessKeyTokenRequest`, beside the tenant's name.
    #[default]
    Nested,
    /// As the public platform is asked: the access key alone.
    Flat,
}

/// An access key, and where it is shown.
#[derive(Debug)]
pub(crate) struct AccessKey {
    pub(crate) client: Client,
    pub(crate) token: Target,
    pub(crate) refresh: Target,
    pub(crate) id: Secret,
    pub(crate) secret: Secret,
    pub(crate) tenant: Option<String>,
    pub(crate) style: TokenStyle,
}

impl AccessKey {
    fn login_body(&self) -> Value {
        let key = json!({ "accessKeyId": self.id.expose(), "accessKeySecret": self.secret.expose() });
        if self.style == TokenStyle::Flat {
            return key;
        }
        let mut body = json!({ "accessKeyTokenRequest": key });
        if let Some(tenant) = &self.tenant {
            body["tenantName"] = tenant.as_str().into();
        }
        body
    }

    fn refresh_body(&self, refresh: &Secret) -> Value {
        match self.style {
            TokenStyle::Nested => {
                json!({ "token": refresh.expose(), "updateCookie": true, "toggleEnabled": false })
            }
            TokenStyle::Flat => json!({ "token": refresh.expose() }),
        }
    }

    async fn ask(&self, target: &Target, body: &Value) -> Result<Token, LoginError> {
        let answer = self.client.send(Call::json(target.clone(), body.to_string())).await;
        let answer = answer.map_err(|error| match &error {
            CallError::Refused { .. } => LoginError::Refused(error.to_string()),
            _ => LoginError::Later { reason: error.to_string(), after: None },
        })?;
        tracing::debug!(address = %target, status = answer.status.as_u16(), "asked for a token");
        token_of(target, &answer)
    }
}

#[async_trait]
impl Login for AccessKey {
    async fn login(&self) -> Result<Token, LoginError> {
        self.ask(&self.token, &self.login_body()).await
    }

    async fn refresh(&self, refresh: &Secret) -> Result<Token, LoginError> {
        self.ask(&self.refresh, &self.refresh_body(refresh)).await
    }
}

/// The token of an answer, under either of the two sets of names that the service uses. Of what the service says where there is none
/// only the status is told: it may repeat what it was sent.
fn token_of(target: &Target, answer: &Answer) -> Result<Token, LoginError> {
    let status = answer.status;
    if !status.is_success() {
        let reason = format!("{target} answers with status {}", status.as_u16());
        return Err(if may_change(status) {
            LoginError::Later { reason, after: answer.retry_after() }
        } else {
            LoginError::Refused(reason)
        });
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |names: [&str; 2]| {
        names.into_iter().find_map(|name| body[name].as_str()).filter(|text| !text.is_empty())
    };
    let lasts = |name: &str| body[name].as_u64().map(Duration::from_secs);
    // What cannot stand in a header is no token.
    let access = text(["access_token", "token"]).filter(|text| HeaderValue::from_str(text).is_ok());
    let access = access.ok_or_else(|| {
        let reason = format!("{target} answers without a token: is it the right address?");
        LoginError::Later { reason, after: None }
    })?;
    let refresh = text(["refresh_token", "refreshToken"]);
    let refresh_lasts = lasts("refreshTokenExpirationTimeSec").unwrap_or(REFRESH_LASTS);
    Ok(Token {
        access: Secret::new(access.to_owned()),
        refresh: refresh.map(|refresh| (Secret::new(refresh.to_owned()), refresh_lasts)),
        lasts: lasts("expires_in").or_else(|| lasts("tokenExpirationTimeSec")),
    })
}
