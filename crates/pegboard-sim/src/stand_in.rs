//! Stand-ins for the vendors' servers, with faults on demand: what a program under test is pointed at.
//!
//! They are written from the vendors' public models and documents alone, as everything in this crate, and no server of a
//! vendor was at hand to compare them with.

pub mod amazon_connect;
pub mod asc_manager;
mod http;
pub mod mail;
mod metric_data;
mod metric_request;
pub mod task_router;
