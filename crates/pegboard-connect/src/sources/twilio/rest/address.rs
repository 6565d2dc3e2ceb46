//! Where TaskRouter is, and how what it has is named.

use std::fmt;
use std::str::FromStr;

use pegboard_net::Target;
use pegboard_net::target::InvalidTarget;

/// Where TaskRouter is reached, unless the site has chosen a region: US1.
pub const DEFAULT_ADDRESS: &str = "https://taskrouter.twilio.com";

/// The longest SID, in bytes. Twilio's have 34; what comes in is not held to that.
pub const MAX_SID_BYTES: usize = 64;

/// The longest name of a region or an edge, in bytes: what a label of a host may have.
const MAX_LABEL_BYTES: usize = 63;

/// The id of something at Twilio, as it may stand in a path: letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid(Box<str>);

/// Why a text is no SID. It is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SID has 1 to {MAX_SID_BYTES} letters and digits, such as WS and 32 hexadecimal digits")]
pub struct InvalidSid;

impl Sid {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sid {
    type Err = InvalidSid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = !text.is_empty() && text.len() <= MAX_SID_BYTES;
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if fits && plain { Ok(Self(text.into())) } else { Err(InvalidSid) }
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why there is no address of a region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRegion {
    /// No label of a host.
    #[error("`{0}` is no region and no edge: such are ie1 and dublin")]
    Label(String),
    /// A region without an edge, which Twilio no longer answers.
    #[error("the region {0} needs an edge beside it, such as dublin with ie1")]
    NoEdge(String),
    /// No address.
    #[error(transparent)]
    Target(#[from] InvalidTarget),
}

/// Where TaskRouter is reached in a region (`ie1`) through an edge (`dublin`). An edge alone leads to US1, as in Twilio's own libraries.
pub fn regional(region: Option<&str>, edge: Option<&str>) -> Result<Target, InvalidRegion> {
    let address = match (region, edge) {
        (None, None) => DEFAULT_ADDRESS.to_owned(),
        (Some(region), None) => return Err(InvalidRegion::NoEdge(label(region)?.to_owned())),
        (region, Some(edge)) => {
            let (edge, region) = (label(edge)?, label(region.unwrap_or("us1"))?);
            format!("https://taskrouter.{edge}.{region}.twilio.com")
        }
    };
    Ok(address.parse()?)
}

fn label(text: &str) -> Result<&str, InvalidRegion> {
    let fits = !text.is_empty() && text.len() <= MAX_LABEL_BYTES;
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits && plain {
        return Ok(text);
    }
    Err(InvalidRegion::Label(text.chars().take(MAX_LABEL_BYTES).collect()))
}
