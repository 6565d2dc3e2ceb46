//! The version of what a leg of a contact says, where a platform counts none.

use pegboard_model::{ContactLeg, Millis, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

/// A hash of what the leg of the contact `id` says, but for its version. The bytes that are hashed are a format: the stored
/// versions of one release are compared with those of the next.
pub(super) fn content_hash(id: &str, leg: &ContactLeg) -> u64 {
    let mut bytes = Canonical(Vec::with_capacity(512));
    bytes.text(id);
    bytes.text(leg.channel.as_str());
    bytes.text(&leg.initiation);
    bytes.text(leg.direction.as_str());
    bytes.flag(leg.monitored);
    bytes.flag(leg.queue.is_some());
    if let Some(stay) = &leg.queue {
        bytes.text(stay.queue.id.as_str());
        bytes.text(&stay.queue.name);
        bytes.flag(stay.queue.personal);
        bytes.number(stay.entered.map(Timestamp::as_millis));
        bytes.number(stay.waited.map(Millis::get));
        bytes.number(stay.rang.map(Millis::get));
    }
    bytes.flag(leg.agent.is_some());
    if let Some(agent) = &leg.agent {
        bytes.text(agent.agent.as_str());
        bytes.text(&agent.login);
        bytes.number(agent.connected.map(Timestamp::as_millis));
        bytes.number(Some(agent.talk.get()));
        bytes.number(Some(agent.hold.get()));
        bytes.number(Some(agent.acw.get()));
        bytes.number(agent.acw_end.map(Timestamp::as_millis));
        bytes.flag(agent.passed_on);
    }
    bytes.number(leg.disconnected.map(Timestamp::as_millis));
    bytes.flag(leg.handed_on);
    bytes.flag(leg.transferred_in);
    xxh3_64(&bytes.0)
}

/// Bytes of which each can have been written in one way only: texts with their length, numbers of eight
/// bytes with a flag before them, low byte first.
struct Canonical(Vec<u8>);

impl Canonical {
    fn text(&mut self, text: &str) {
        self.0.extend((text.len() as u64).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    fn number(&mut self, number: Option<i64>) {
        self.flag(number.is_some());
        if let Some(number) = number {
            self.0.extend(number.to_le_bytes());
        }
    }

    fn flag(&mut self, flag: bool) {
        self.0.push(u8::from(flag));
    }
}
