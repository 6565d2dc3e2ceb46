//! Sources: one folder for each platform, with what reduces its wire format to the model.

pub mod amazon_connect;
mod answer;
mod content_hash;
mod decode_error;
pub mod file;
mod handed;
mod intern;
mod json;
pub mod kinesis;
mod look;
pub mod objects;
mod packed;
mod probing;
pub mod push;
mod scan;
pub mod twilio;

pub use self::decode_error::{DecodeError, Found, Problem};
