//! How a question gets to TaskRouter and an answer back.

use std::fmt;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, Method};
use pegboard_net::{Answer, Call, CallError, Client, Secret, Target};

use super::super::MAX_BODY_BYTES;

/// Sends a question, and has its answer.
#[async_trait]
pub trait Exchange: Send + Sync + fmt::Debug {
    /// Gets what is there. An answer is an answer, whatever its status.
    async fn get(&self, target: &Target) -> Result<Answer, CallError>;
}

/// By what the hub is known at Twilio.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// An API key (`SK...`), or the account (`AC...`).
    pub user: String,
    /// The key's secret, or the account's auth token.
    pub password: Secret,
}

/// Asks over HTTPS, with Basic authentication, through the one client and its egress guard.
#[derive(Clone)]
pub struct Https {
    client: Client,
    authorization: HeaderValue,
}

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Https").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Https {
    /// Asks with these credentials.
    pub fn new(client: Client, credentials: &Credentials) -> Self {
        let pair = format!("{}:{}", credentials.user, credentials.password.expose());
        let basic = format!("Basic {}", STANDARD.encode(Secret::new(pair).expose()));
        let mut authorization = HeaderValue::try_from(basic).expect("base64 is visible ASCII");
        authorization.set_sensitive(true);
        Self { client, authorization }
    }
}

#[async_trait]
impl Exchange for Https {
    async fn get(&self, target: &Target) -> Result<Answer, CallError> {
        let call = Call::new(Method::GET, target.clone())
            .with(ACCEPT, HeaderValue::from_static("application/json"))
            .with(AUTHORIZATION, self.authorization.clone())
            .up_to(MAX_BODY_BYTES);
        self.client.send(call).await
    }
}
