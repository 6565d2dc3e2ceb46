//! The one list of everything that can be written.

use pegboard_model::policy::Pegging;

use crate::{Encoded, Known, aspect, cxone, iex};

/// A way to write what Pegboard knows.
#[derive(Debug, Clone, Copy)]
pub struct Encoder {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it writes, in a line.
    pub about: &'static str,
    /// The interval to which its target pegs contacts, where it asks for one.
    pub pegging: Option<Pegging>,
    /// The lengths of interval that its target takes, in minutes; empty where it takes them all.
    pub interval_minutes: &'static [u8],
    /// Whether it is handed the platform's own events.
    pub raw_events: bool,
    /// Writes it.
    pub encode: fn(&Known) -> Encoded,
}

/// All of them.
pub const ENCODERS: &[Encoder] = &[
    cxone::QUEUE_REPORT,
    cxone::AGENT_STATES,
    cxone::AGENT_ACTIVITY,
    cxone::HISTORY,
    iex::IEX,
    iex::INTERVAL_FILE,
    iex::HISTORY,
    aspect::PRODUCTIVITY,
    aspect::RTA,
];

/// The encoder of this name.
pub fn encoder(name: &str) -> Option<&'static Encoder> {
    ENCODERS.iter().find(|encoder| encoder.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoder_has_a_name_of_its_own() {
        let mut names: Vec<_> = ENCODERS.iter().map(|encoder| encoder.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ENCODERS.len());
        assert!(names.iter().all(|name| encoder(name).is_some()));
        assert!(encoder("nothing").is_none());
    }
}
