//! The platform's own snapshot, against a stand-in that was written from the public service model: start-up, repair, and
//! everything that can go wrong.

mod asking;
pub(crate) mod floor;
pub(crate) mod repair;
mod unfit;
pub(crate) mod watched;
