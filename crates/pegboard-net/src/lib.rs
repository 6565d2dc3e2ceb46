//! What goes out to the world.
//!
//! - [`Client`] sends requests: only to addresses that [`Egress`] lets through, looked at when the connection is made; with
//!   time-outs and a cap on every answer; without following redirects.
//! - [`mail`] hands mails to a server, by the same rules.
//! - [`TokenKeeper`] has a token at hand: renewed at four fifths of its life, one login at a time.
//! - [`RateLimit`] and [`Breaker`] say when a target may be asked again. Both are pure: time comes in.
//! - [`signature`] signs and checks by the Standard Webhooks scheme.
//! - [`Secret`] is text that no log shows.

pub mod breaker;
pub mod client;
mod connect;
pub mod egress;
pub mod mail;
pub mod rate;
pub mod retry_after;
mod secret;
pub mod signature;
pub mod target;
pub mod token;
pub mod told_time;

pub use breaker::Breaker;
pub use client::{Answer, Call, CallError, Client, ClientOptions, tls_client};
pub use egress::{Egress, Opening};
pub use mail::{Mail, MailAddress, MailError, MailOptions, Mailer, Security};
pub use rate::RateLimit;
pub use retry_after::RetryAfter;
pub use secret::Secret;
pub use target::Target;
pub use token::{Login, LoginError, Token, TokenKeeper};
pub use told_time::ToldTime;
