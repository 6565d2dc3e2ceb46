//! Rows of a table of Amazon DynamoDB.
//!
//! Four operations are needed, so they are written here and signed and sent with the SDK's own parts. As documented in the API
//! reference (version `2012-08-10`):
//! <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html>

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::access::Access;
use crate::backoff::Backoff;
use crate::call_error::CallError;
use crate::config::Credentials;
use crate::fault::Fault;
use crate::signed::{Complaint, Outgoing, Service, Signed};
use crate::stream::Clock;

/// The longest answer that is read: a page of a scan has a megabyte of values, in JSON at most six times as long.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// How a table is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableConfig {
    /// Its name.
    pub table: String,
    /// Its region; without one that of the usual AWS chain.
    pub region: Option<String>,
    /// Another address to reach DynamoDB at, `http://` or `https://`: a VPC endpoint, an emulator.
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

impl TableConfig {
    /// A table with every setting at its default.
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            region: None,
            endpoint: None,
            credentials: Credentials::Chain,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            backoff: Backoff { attempts: 4, ..Backoff::default() },
        }
    }
}

/// What came of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was made.
    Done,
    /// Its condition did not hold, and nothing was changed.
    Refused,
}

/// A page of a scan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScanPage {
    /// Rows, each as an object of attributes with their types (`{"Name":{"S":"text"}}`).
    pub items: Vec<Map<String, Value>>,
    /// What the next page is asked for with; none behind the last.
    pub next: Option<Value>,
}

/// Reads and writes the rows of one table.
#[derive(Debug)]
pub struct Table {
    config: TableConfig,
    signed: Signed,
    endpoint: String,
}

impl Table {
    /// Resolves region and credentials; asks nobody yet. `clock` gives milliseconds since 1970 UTC; jitter starts from
    /// `seed`.
    pub async fn connect(config: TableConfig, clock: Clock, seed: u64) -> Result<Self, CallError> {
        let access = Access {
            region: config.region.as_deref(),
            endpoint: config.endpoint.as_deref(),
            credentials: &config.credentials,
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
        };
        let signed = Signed::new(Service::Tables, &access, config.backoff, clock, seed).await;
        let (signed, loaded) = signed.map_err(|detail| CallError::config(place(&config.table), detail))?;
        let endpoint = Service::Tables.endpoint(loaded.endpoint_url(), &signed.region);
        Ok(Self { config, signed, endpoint })
    }

    /// `PutItem`: `request` has the `Item`, and a `ConditionExpression` if need be; the name of the table is added.
    pub async fn put(&self, request: Value) -> Result<Written, CallError> {
        self.write("PutItem", "dynamodb:PutItem", request).await
    }

    /// `DeleteItem`: `request` has the `Key`, and a `ConditionExpression` if need be; the name of the table is added.
    /// A row that is not there is no failure.
    pub async fn delete(&self, request: Value) -> Result<Written, CallError> {
        self.write("DeleteItem", "dynamodb:DeleteItem", request).await
    }

    /// The row of a key, as it is now; none where there is none.
    pub async fn get(&self, key: &Value) -> Result<Option<Map<String, Value>>, CallError> {
        #[derive(Deserialize)]
        struct Got {
            #[serde(rename = "Item")]
            item: Option<Map<String, Value>>,
        }

        let request = json!({ "Key": key, "ConsistentRead": true });
        let action = "dynamodb:GetItem";
        let answer = self.call("GetItem", action, request).await?;
        let Got { item } = self.parse(action, answer.as_deref().unwrap_or(b"{}"))?;
        Ok(item)
    }

    /// A page of all rows as they are now: the first, or that behind `from`.
    pub async fn scan(&self, from: Option<&Value>) -> Result<ScanPage, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Scanned {
            #[serde(default)]
            items: Vec<Map<String, Value>>,
            last_evaluated_key: Option<Value>,
        }

        let mut request = json!({ "ConsistentRead": true });
        if let Some(from) = from {
            request["ExclusiveStartKey"] = from.clone();
        }
        let action = "dynamodb:Scan";
        let answer = self.call("Scan", action, request).await?;
        let scanned: Scanned = self.parse(action, answer.as_deref().unwrap_or(b"{}"))?;
        Ok(ScanPage { items: scanned.items, next: scanned.last_evaluated_key })
    }

    async fn write(
        &self,
        operation: &str,
        action: &'static str,
        request: Value,
    ) -> Result<Written, CallError> {
        let answer = self.call(operation, action, request).await?;
        Ok(if answer.is_some() { Written::Done } else { Written::Refused })
    }

    /// The body of the answer; none where a condition did not hold.
    async fn call(
        &self,
        operation: &str,
        action: &'static str,
        mut request: Value,
    ) -> Result<Option<Vec<u8>>, CallError> {
        request["TableName"] = self.config.table.as_str().into();
        let body = request.to_string();
        let answer = self.signed.patiently(|| self.try_call(operation, body.as_bytes())).await;
        answer.map_err(|fault| self.error(action, &fault))
    }

    async fn try_call(&self, operation: &str, body: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let outgoing = Outgoing {
            method: "POST",
            uri: format!("{}/", self.endpoint),
            headers: vec![
                ("content-type", "application/x-amz-json-1.0".to_owned()),
                ("x-amz-target", format!("DynamoDB_20120810.{operation}")),
            ],
            body,
            most_bytes: MOST_BYTES,
            wait: Duration::ZERO,
        };
        let answer = self.signed.send(&outgoing).await?;
        if answer.status == 400 && is_condition(&answer.body) {
            return Ok(None);
        }
        answer.json().map(Some)
    }

    fn parse<'a, T: Deserialize<'a>>(&self, action: &'static str, answer: &'a [u8]) -> Result<T, CallError> {
        let unreadable = |error: serde_json::Error| self.error(action, &Fault::unreadable(error.to_string()));
        serde_json::from_slice(answer).map_err(unreadable)
    }

    fn error(&self, action: &'static str, fault: &Fault) -> CallError {
        CallError::at(place(&self.config.table), action, fault)
    }
}

/// Whether an answer says that a condition did not hold. The name of the error stands behind that of the model it is of, or alone.
fn is_condition(body: &[u8]) -> bool {
    let complaint: Complaint = serde_json::from_slice(body).unwrap_or_default();
    let name = |code: &String| code.rsplit('#').next() == Some("ConditionalCheckFailedException");
    complaint.code.as_ref().is_some_and(name)
}

fn place(table: &str) -> String {
    format!("table `{table}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_does_not_hold_is_told_from_other_refusals() {
        let said = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed"}"#;
        assert!(is_condition(said.as_bytes()));
        assert!(is_condition(br#"{"__type":"ConditionalCheckFailedException"}"#));
        assert!(!is_condition(br#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}"#));
        assert!(!is_condition(b"busy"));
    }

    #[test]
    fn a_table_is_where_its_region_is() {
        let endpoint = |given, region| Service::Tables.endpoint(given, region);
        assert_eq!(endpoint(None, "eu-central-1"), "https://dynamodb.eu-central-1.amazonaws.com");
        assert!(endpoint(None, "cn-north-1").ends_with(".amazonaws.com.cn"));
        assert_eq!(endpoint(Some("http://127.0.0.1:1/"), "eu-central-1"), "http://127.0.0.1:1");
    }
}
