//! The configuration of a function of AWS Lambda, where it is a place for config.
//!
//! One operation is needed, so it is written here and signed and sent with the SDK's own parts. As documented in the API
//! reference (version `2015-03-31`):
//! <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html>

use std::str::FromStr;
use std::time::Duration;

use crate::access::Access;
use crate::backoff::Backoff;
use crate::call_error::CallError;
use crate::config::Credentials;
use crate::encoded::Encoded;
use crate::fault::Fault;
use crate::signed::{Outgoing, Service, Signed};
use crate::stream::Clock;

/// The longest answer that is read: all variables together have 4 KiB.
const MOST_BYTES: usize = 256 * 1024;

/// The longest name, in bytes (API reference, as an ARN).
const MOST_NAME_BYTES: usize = 170;

/// The name of a function, or its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionName(String);

/// Why a text names no function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no function of AWS Lambda: its name or its ARN is expected")]
pub struct InvalidFunctionName(String);

impl FromStr for FunctionName {
    type Err = InvalidFunctionName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:$".contains(&byte);
        if !(1..=MOST_NAME_BYTES).contains(&text.len()) || !text.bytes().all(is_allowed) {
            return Err(InvalidFunctionName(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

/// How a function is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionConfig {
    /// Which one.
    pub function: FunctionName,
    /// Its region; without one that of the usual AWS chain.
    pub region: Option<String>,
    /// Another address to reach Lambda at, `http://` or `https://`: a VPC endpoint, an emulator.
    pub endpoint: Option<String>,
    /// Where the credentials come from.
    pub credentials: Credentials,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a request may take, with its answer.
    pub request_timeout: Duration,
    /// What happens after failures that pass.
    pub backoff: Backoff,
}

impl FunctionConfig {
    /// A function with every setting at its default.
    pub fn new(function: FunctionName) -> Self {
        Self {
            function,
            region: None,
            endpoint: None,
            credentials: Credentials::Chain,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            backoff: Backoff { attempts: 4, ..Backoff::default() },
        }
    }
}

/// Reads the configuration of one function.
#[derive(Debug)]
pub struct Function {
    config: FunctionConfig,
    signed: Signed,
    endpoint: String,
}

impl Function {
    /// Resolves region and credentials; asks nobody yet. `clock` gives milliseconds since 1970 UTC; jitter starts from
    /// `seed`.
    pub async fn connect(config: FunctionConfig, clock: Clock, seed: u64) -> Result<Self, CallError> {
        let access = Access {
            region: config.region.as_deref(),
            endpoint: config.endpoint.as_deref(),
            credentials: &config.credentials,
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
        };
        let signed = Signed::new(Service::Functions, &access, config.backoff, clock, seed).await;
        let (signed, loaded) =
            signed.map_err(|detail| CallError::config(place(&config.function.0), detail))?;
        let endpoint = Service::Functions.endpoint(loaded.endpoint_url(), &signed.region);
        Ok(Self { config, signed, endpoint })
    }

    /// The answer to `GetFunctionConfiguration`, as it came: JSON, with `Environment.Variables` where there are any.
    pub async fn configuration(&self) -> Result<Vec<u8>, CallError> {
        let answer = self.signed.patiently(|| self.try_configuration()).await;
        let action = "lambda:GetFunctionConfiguration";
        answer.map_err(|fault| CallError::at(place(&self.config.function.0), action, &fault))
    }

    async fn try_configuration(&self) -> Result<Vec<u8>, Fault> {
        let name = Encoded(&self.config.function.0);
        let outgoing = Outgoing {
            method: "GET",
            uri: format!("{}/2015-03-31/functions/{name}/configuration", self.endpoint),
            headers: Vec::new(),
            body: b"",
            most_bytes: MOST_BYTES,
            wait: Duration::ZERO,
        };
        self.signed.send(&outgoing).await?.json()
    }
}

fn place(name: &str) -> String {
    format!("function `{name}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_a_function_has_a_name_of_170_bytes_at_most() {
        let parse = str::parse::<FunctionName>;
        assert!(parse("aspect-rta-setting").is_ok());
        assert!(parse("arn:aws:lambda:eu-central-1:111122223333:function:aspect").is_ok());
        assert!(parse(&"f".repeat(170)).is_ok());
        for name in ["", "a/b", "a b", "ä", &"f".repeat(171)] {
            assert_eq!(parse(name), Err(InvalidFunctionName(name.to_owned())));
        }
    }

    #[test]
    fn a_function_is_where_its_region_is() {
        let endpoint = |given, region| Service::Functions.endpoint(given, region);
        assert_eq!(endpoint(None, "eu-central-1"), "https://lambda.eu-central-1.amazonaws.com");
        assert!(endpoint(None, "cn-north-1").ends_with(".amazonaws.com.cn"));
        assert_eq!(endpoint(Some("http://127.0.0.1:1/"), "eu-central-1"), "http://127.0.0.1:1");
    }
}
