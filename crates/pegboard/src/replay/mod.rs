//! The engine on files, offline: everything is read, then every report is derived from it.

mod bad;
mod derive;
mod known;
mod read;
mod twilio;

pub use self::bad::{BadRecord, BadRecords};
pub use self::derive::{Cut, Inputs, Settings, WindowError};
pub use self::known::directory;
pub use self::read::{EventText, Input, InputKind, KeepEvents, ReadError, Records, read};
pub use self::twilio::read_twilio;
