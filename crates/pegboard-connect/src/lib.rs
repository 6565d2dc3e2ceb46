//! Sources and sinks: the formats of vendors to and from the model.
//!
//! Bytes come in through [`decompress`] (whatever the file was packed with), are split into records by
//! [`framing`], and are reduced to the model by the decoder of their source under [`sources`]. All of it
//! is pure: no clock, no network, and no I/O beyond the reader that the caller hands in.

pub mod archive;
pub mod decompress;
pub mod framing;
pub mod person;
pub mod sources;
pub mod spec;

#[cfg(test)]
mod test_data;
