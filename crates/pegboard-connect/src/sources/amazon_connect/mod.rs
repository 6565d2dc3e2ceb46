//! Amazon Connect: agent events, contact records, and what it computes itself.
//!
//! Both come through Amazon Kinesis (contact records also through Amazon Data Firehose into files), each on
//! a stream of its own or both on one. Formats as documented by AWS, "Agent event streams" and "Contact
//! records data model"; event versions `2017-10-01` and `2019-05-25`, record version `2017-03-10`. AWS only
//! adds to them: what is unknown is ignored, and versions are not asked.
//!
//! - <https://docs.aws.amazon.com/connect/latest/adminguide/agent-event-stream-model.html>
//! - <https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html>

mod decode;
mod inputs;
pub mod metric_data;
mod report_files;
pub mod reports;
mod snapshot;
mod source;
#[cfg(test)]
mod tests;

pub use self::decode::{Decoder, Kind, classify};
pub use self::inputs::ConnectInputs;
pub use self::report_files::ReportFiles;
pub use self::snapshot::ConnectSnapshots;
#[cfg(fuzzing)]
pub use self::snapshot::hostile;
pub use self::source::{KIND, KinesisSource};
