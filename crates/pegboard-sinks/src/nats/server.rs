//! Where a server of NATS is.

use std::str::FromStr;

use async_nats::ServerAddr;

/// A server: `nats://host:port`, or `tls://host:port` where nothing goes without TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsServer(ServerAddr);

/// A text that names no server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a server is nats://<host>:<port>, or tls://<host>:<port>, without a name or a password")]
pub struct InvalidServer;

impl NatsServer {
    /// Whether it is only spoken to through TLS.
    pub fn needs_tls(&self) -> bool {
        self.0.tls_required()
    }

    pub(super) fn address(&self) -> ServerAddr {
        self.0.clone()
    }
}

impl FromStr for NatsServer {
    type Err = InvalidServer;

    fn from_str(text: &str) -> Result<Self, InvalidServer> {
        let is_known = ["nats://", "tls://"].iter().any(|scheme| text.starts_with(scheme));
        let is_bare = !text.contains(['@', '?', '#']) && text.matches('/').count() == 2;
        let address: ServerAddr = text.parse().map_err(|_| InvalidServer)?;
        if is_known && is_bare && !address.host().is_empty() { Ok(Self(address)) } else { Err(InvalidServer) }
    }
}
