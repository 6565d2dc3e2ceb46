//! From what Pegboard knows to what a WFM reads.
//!
//! Encoding is pure: no I/O, no clock, no randomness, so that a dry run writes exactly what a sink would send. A sink knows nothing of
//! sources; both know the model.

pub mod aspect;
pub mod cxone;
pub mod iex;
