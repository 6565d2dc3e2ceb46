//! Which addresses may be reached.
//!
//! A target comes from a configuration or from a page, and whoever wrote it must not reach through the hub what only the hub
//! can reach. So only public addresses are reached, unless an [`Opening`] of that target names another network; and
//! the services by which clouds tell machines their own credentials are reached by nobody. What is judged is the address that is
//! connected to, not the name: names change what they stand for between two looks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network: an address, and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Network {
    Network { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
}

const fn v6(first: u16, second: u16, third: u16, bits: u8) -> Network {
    Network { address: IpAddr::V6(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0)), bits }
}

/// Where machines of clouds are told who they are (AWS, Azure, Google, Oracle; AWS by IPv6 and for containers; Alibaba).
const METADATA: [Network; 5] = [
    v4(169, 254, 169, 254, 32),
    v4(169, 254, 170, 2, 32),
    v4(169, 254, 170, 23, 32),
    v4(100, 100, 100, 200, 32),
    Network { address: IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), bits: 128 },
];

/// What is not the public network, and what it is (IANA's special-purpose registries for IPv4 and IPv6).
const CLOSED: [(Network, &str); 30] = [
    (v4(0, 0, 0, 0, 8), "\"this\" network"),
    (v4(10, 0, 0, 0, 8), "a private network"),
    (v4(100, 64, 0, 0, 10), "a carrier's shared network"),
    (v4(127, 0, 0, 0, 8), "this machine"),
    (v4(169, 254, 0, 0, 16), "link-local"),
    (v4(172, 16, 0, 0, 12), "a private network"),
    (v4(192, 0, 0, 0, 24), "reserved for protocols"),
    (v4(192, 0, 2, 0, 24), "for documentation"),
    (v4(192, 88, 99, 0, 24), "a relay of 6to4"),
    (v4(192, 168, 0, 0, 16), "a private network"),
    (v4(198, 18, 0, 0, 15), "for benchmarks"),
    (v4(198, 51, 100, 0, 24), "for documentation"),
    (v4(203, 0, 113, 0, 24), "for documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
    (v6(0, 0, 0, 96), "this machine, or an old form of IPv4"),
    (v6(0x64, 0xff9b, 0, 96), "IPv4 behind a translator"),
    (v6(0x64, 0xff9b, 1, 48), "IPv4 behind a translator"),
    (v6(0x100, 0, 0, 64), "discarded"),
    (v6(0x2001, 0, 0, 32), "a tunnel (Teredo)"),
    (v6(0x2001, 2, 0, 48), "for benchmarks"),
    (v6(0x2001, 0x10, 0, 28), "reserved"),
    (v6(0x2001, 0x20, 0, 28), "reserved"),
    (v6(0x2001, 0xdb8, 0, 32), "for documentation"),
    (v6(0x2002, 0, 0, 16), "a tunnel (6to4)"),
    (v6(0x3fff, 0, 0, 20), "for documentation"),
    (v6(0x5f00, 0, 0, 16), "segment routing"),
    (v6(0xfc00, 0, 0, 7), "a private network"),
    (v6(0xfe80, 0, 0, 9), "link-local, or site-local"),
    (v6(0xff00, 0, 0, 8), "multicast"),
];

impl Network {
    fn holds(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                leading(network.to_bits().into(), self.bits, 32)
                    == leading(address.to_bits().into(), self.bits, 32)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                leading(network.to_bits(), self.bits, 128) == leading(address.to_bits(), self.bits, 128)
            }
            _ => false,
        }
    }
}

/// The leading bits of a number of `width` bits.
fn leading(number: u128, bits: u8, width: u8) -> u128 {
    number.checked_shr(u32::from(width - bits)).unwrap_or(0)
}

/// The address that is meant: IPv4 within IPv6 (`::ffff:192.0.2.1`) is IPv4.
fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// What a target may reach beyond the public network: a network (`10.1.0.0/16`), one address (`10.1.2.3`), or a name
/// (`wfm.corp.example`) with whatever address it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening(Inner);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Inner {
    Network(Network),
    Name(String),
}

/// Why a text is no opening.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOpening {
    /// More leading bits than the address has.
    #[error("`{0}` is no network: an IPv4 address has at most 32 leading bits, an IPv6 address 128")]
    Bits(String),
    /// Bits are set behind the leading ones.
    #[error("`{0}` is no network: it has bits set behind the leading ones; did you mean {1}?")]
    HostBits(String, String),
    /// Nothing of all.
    #[error("`{0}` is neither a network (10.1.0.0/16), nor an address, nor the name of a host")]
    Nothing(String),
}

impl FromStr for Opening {
    type Err = InvalidOpening;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((address, bits)) = text.split_once('/') {
            return network(text, address, bits).map(|network| Self(Inner::Network(network)));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            let address = canonical(address);
            let bits = if address.is_ipv4() { 32 } else { 128 };
            return Ok(Self(Inner::Network(Network { address, bits })));
        }
        let is_name = !text.is_empty()
            && text.len() <= 253
            && text.split('.').all(|label| {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
                !label.is_empty() && label.bytes().all(plain)
            })
            && text.bytes().any(|byte| byte.is_ascii_alphabetic());
        if !is_name {
            return Err(InvalidOpening::Nothing(text.to_owned()));
        }
        Ok(Self(Inner::Name(text.to_ascii_lowercase())))
    }
}

fn network(text: &str, address: &str, bits: &str) -> Result<Network, InvalidOpening> {
    let nothing = || InvalidOpening::Nothing(text.to_owned());
    let address: IpAddr = address.parse().map_err(|_| nothing())?;
    let bits: u8 = bits.parse().map_err(|_| nothing())?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    if bits > width {
        return Err(InvalidOpening::Bits(text.to_owned()));
    }
    let network = Network { address: masked(address, bits), bits };
    if network.address != address {
        return Err(InvalidOpening::HostBits(text.to_owned(), format!("{}/{bits}", network.address)));
    }
    Ok(network)
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(u32::from(32 - bits)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(u32::from(128 - bits)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

/// Why an address is not connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Where a cloud tells its machines their credentials.
    #[error("{address} is where a cloud tells its machines their credentials; nothing is ever sent there")]
    Metadata {
        /// The address.
        address: IpAddr,
    },
    /// Not public, and not opened.
    #[error(
        "{address} is not public but {what}: if the target really is there, list its network under `allow`"
    )]
    NotPublic {
        /// The address.
        address: IpAddr,
        /// What it is instead.
        what: &'static str,
    },
    /// In the clear, to where everybody listens.
    #[error("{address} is public, and http:// shows everybody on the way what is sent: use https://")]
    InTheClear {
        /// The address.
        address: IpAddr,
    },
}

/// Which addresses a target may have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Egress {
    openings: Vec<Opening>,
}

impl Egress {
    /// Public addresses, and what is opened.
    pub fn new(openings: Vec<Opening>) -> Self {
        Self { openings }
    }

    /// Judges one address that `host` stands for, and whether it may be spoken to without TLS.
    pub fn check(&self, host: &str, address: IpAddr, tls: bool) -> Result<(), Refused> {
        let judged = canonical(address);
        if METADATA.iter().any(|network| network.holds(judged)) {
            return Err(Refused::Metadata { address });
        }
        if self.opens(host, judged) {
            return Ok(());
        }
        if let Some((_, what)) = CLOSED.iter().find(|(network, _)| network.holds(judged)) {
            return Err(Refused::NotPublic { address, what });
        }
        if tls { Ok(()) } else { Err(Refused::InTheClear { address }) }
    }

    fn opens(&self, host: &str, address: IpAddr) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        self.openings.iter().any(|opening| match &opening.0 {
            Inner::Network(network) => network.holds(address),
            Inner::Name(name) => name.eq_ignore_ascii_case(host),
        })
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Network(network) => write!(f, "{}/{}", network.address, network.bits),
            Inner::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn s01_what_is_not_public_is_refused_at_both_of_its_ends_and_not_beyond() {
        let public = Egress::default();
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "239.255.255.255"),
            ("240.0.0.0", "255.255.255.255"),
            ("::", "::1"),
            ("64:ff9b::", "64:ff9b::ffff:ffff"),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
            ("100::", "100::ffff:ffff:ffff:ffff"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            for inside in [first, last] {
                let refused = public.check("x.example", address(inside), true);
                assert!(matches!(refused, Err(Refused::NotPublic { .. })), "{inside}: {refused:?}");
            }
        }
        for outside in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2600::1",
            "2a00::1",
            "2003::",
            "3ffe::1",
            "3fff:1000::",
            "fbff::1",
        ] {
            assert_eq!(public.check("x.example", address(outside), true), Ok(()), "{outside}");
        }
    }

    #[test]
    fn s01_ipv4_within_ipv6_is_judged_as_ipv4() {
        let public = Egress::default();
        for inside in ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:1", "::127.0.0.1"] {
            assert!(public.check("x.example", address(inside), true).is_err(), "{inside}");
        }
        assert_eq!(public.check("x.example", address("::ffff:8.8.8.8"), true), Ok(()));
    }

    #[test]
    fn s05_what_is_opened_is_reached_and_what_stands_beside_it_is_not() {
        let openings = ["10.1.0.0/16", "192.168.7.9", "WFM.corp.example", "fd12:3456::/32"];
        let egress = Egress::new(openings.map(|text| text.parse().unwrap()).to_vec());
        for (host, at, reached) in [
            ("x.example", "10.1.255.255", true),
            ("x.example", "10.2.0.0", false),
            ("x.example", "::ffff:10.1.0.1", true),
            ("x.example", "192.168.7.9", true),
            ("x.example", "192.168.7.10", false),
            ("wfm.corp.example", "172.16.0.1", true),
            ("wfm.corp.example.", "172.16.0.1", true),
            ("x.wfm.corp.example", "172.16.0.1", false),
            ("x.example", "fd12:3456::1", true),
            ("x.example", "fd12:3457::1", false),
        ] {
            assert_eq!(egress.check(host, address(at), false).is_ok(), reached, "{host} {at}");
        }
    }

    #[test]
    fn s05_no_opening_leads_to_the_credentials_of_the_machine() {
        let openings = ["0.0.0.0/0", "::/0", "metadata.example"].map(|text| text.parse().unwrap()).to_vec();
        let egress = Egress::new(openings);
        for at in
            ["169.254.169.254", "::ffff:169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200"]
        {
            let refused = egress.check("metadata.example", address(at), true);
            assert!(matches!(refused, Err(Refused::Metadata { .. })), "{at}: {refused:?}");
        }
        assert_eq!(egress.check("x.example", address("169.254.1.1"), true), Ok(()));
    }

    #[test]
    fn nothing_goes_through_the_public_network_in_the_clear() {
        let refused = Egress::default().check("x.example", address("8.8.8.8"), false);
        assert_eq!(refused, Err(Refused::InTheClear { address: address("8.8.8.8") }));
    }

    #[test]
    fn what_is_no_opening_is_said_to_be_none() {
        for (text, message) in [
            (
                "10.1.0.0/33",
                "`10.1.0.0/33` is no network: an IPv4 address has at most 32 leading bits, an IPv6 address 128",
            ),
            (
                "10.1.2.0/16",
                "`10.1.2.0/16` is no network: it has bits set behind the leading ones; did you mean 10.1.0.0/16?",
            ),
            (
                "https://x.example",
                "`https://x.example` is neither a network (10.1.0.0/16), nor an address, nor the name of a host",
            ),
            (
                "*.example",
                "`*.example` is neither a network (10.1.0.0/16), nor an address, nor the name of a host",
            ),
            ("", "`` is neither a network (10.1.0.0/16), nor an address, nor the name of a host"),
        ] {
            assert_eq!(text.parse::<Opening>().unwrap_err().to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn an_opening_of_everything_opens_everything_but_credentials(bits: u32) {
            let egress = Egress::new(vec!["0.0.0.0/0".parse().unwrap()]);
            let at = IpAddr::V4(Ipv4Addr::from_bits(bits));
            let credentials = METADATA.iter().any(|network| network.holds(at));
            prop_assert_eq!(egress.check("x.example", at, false).is_err(), credentials);
        }
    }
}
