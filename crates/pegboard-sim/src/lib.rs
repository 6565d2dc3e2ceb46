//! A simulated contact centre with known truth.
//!
//! A [`Centre`] lives through shifts, breaks, calls, chats, transfers and everything else that makes agents' days,
//! and tells of it in Amazon Connect's words: agent events and contact records ([`events`], [`wire`]), report files that the
//! platform reckons itself ([`reports`]), and records as objects ([`objects`]). What it tells can be disturbed on the
//! way ([`disturb`]) as streams are. Two truths are reckoned in the rows of the reports contract ([`truth`]): what
//! happened, and what can be known from what was delivered.
//!
//! Everything follows from a seed. There is no clock: time is what the simulation says.

pub mod config;
pub mod disturb;
pub mod events;
pub mod objects;
pub mod organisation;
pub mod output;
pub mod random;
pub mod reports;
pub mod stand_in;
pub mod truth;
pub mod wire;
pub mod world;

pub use config::Config;
pub use organisation::Organisation;
pub use truth::Truth;
pub use world::{Centre, Delivery, Passage, Simulation, Stream};
