//! Any other ACD: records that it hands to the hub itself, over HTTP or as files in a folder, in a format of ours.
//!
//! A record is one JSON object: the state of an agent, a contact, or a row that the ACD computed itself. `docs/push.md` says
//! what is in it. The hub keeps a record before it acknowledges it and reads it afterwards, so the position is the number
//! under which it was kept. There is no heartbeat unless the ACD sends `confirmation`s, and nothing can be asked for again: what
//! the ACD does not hand in is not known. So the source is complete up to whenever its lane was read to the end, and the
//! delays of closing are what gives a slow sender time.

mod decode;
mod dropped;
mod source;
mod wire;

pub use self::decode::{Handed, MAX_RECORD_BYTES, PushDecoder};
pub use self::source::{KIND, LANE, PushSource};

#[cfg(test)]
mod tests;
