//! The live hub: what reads, applies, closes and shows.

pub mod view;
