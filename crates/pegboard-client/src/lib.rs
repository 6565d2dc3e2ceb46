#![doc = include_str!("../README.md")]
//!
//! # A whole program
//!
//! ```
//! use pegboard_client::{AgentState, AgentStates, Connection};
//!
//! # use pegboard_sim::stand_in::asc_manager::{AscManager, Options};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let service = AscManager::serve(Options::at("2025-08-01T12:20:00Z".parse()?))?;
//! # let (url, id, secret) = (service.url(), "KEYID====", "KEYSECRET====");
//! // Of this machine only because the service of this example is: public addresses need no `allow`.
//! let connection =
//!     Connection::builder().service_url(url).access_key(id).secret_key(secret).allow("127.0.0.1").build()?;
//! let acd_type = connection.connect().await?;
//! let state = AgentState {
//!     agent_value: "jdoe".into(),
//!     agent_id: "1001".into(),
//!     event_id: "VOICE-INBOUND-CONNECTED".into(),
//!     event_reason: String::new(),
//!     event_time: "2025-08-01T12:03:07.120Z".parse()?,
//!     sequence: 4711,
//! };
//! let states = AgentStates { acd_type, agent_states: vec![state] };
//! let receipt = connection.process_agent_states(&"states/4711".parse()?, &states).await?;
//! assert!(receipt.is_whole());
//! # Ok(())
//! # }
//! ```

mod answer;
mod body;
mod builder;
mod connection;
mod error;
mod field_map;
mod key;
mod login;

pub use answer::{ItemError, Receipt, Refusal, ReportStatus, WfmReportResponse};
pub use body::{
    Activity, AgentActivities, AgentActivityReport, AgentPerformanceRow, AgentQueueRow, AgentState,
    AgentStates, Percent, QueueReport, QueueRow, ReportVersion,
};
pub use builder::{Builder, InvalidSetting, Paths};
pub use connection::{Connection, Kind};
pub use error::{Error, Retry};
pub use field_map::{FieldMap, InvalidFieldMap};
pub use key::{IdempotencyKey, InvalidKey};
pub use login::TokenStyle;
pub use pegboard_model::Timestamp;
pub use pegboard_net::{CallError, LoginError, RetryAfter};
