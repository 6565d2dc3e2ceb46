//! How AWS is reached, whatever is asked of it.

use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials as Key;

use crate::config::Credentials;

/// What is set here; everything else comes from the AWS environment and profile.
#[derive(Debug)]
pub(crate) struct Access<'a> {
    pub(crate) region: Option<&'a str>,
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) credentials: &'a Credentials,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
}

impl Access<'_> {
    /// Retries are the caller's, which shows them; a second layer below would only hide them.
    pub(crate) async fn load(&self) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.connect_timeout)
            .operation_timeout(self.request_timeout)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(region) = self.region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        if let Some(endpoint) = self.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let loader = match self.credentials {
            Credentials::Chain => loader,
            Credentials::Profile(name) => loader
                .profile_name(name)
                .credentials_provider(ProfileFileCredentialsProvider::builder().profile_name(name).build()),
            Credentials::Static { key_id, secret, session_token } => loader.credentials_provider(Key::new(
                key_id,
                secret.reveal(),
                session_token.as_ref().map(|token| token.reveal().to_owned()),
                None,
                "pegboard configuration",
            )),
        };
        loader.load().await
    }
}
