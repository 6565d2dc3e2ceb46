//! The audit log: who did what, when and from where, each entry chained to the one before by its hash.
//!
//! The hash of an entry is SHA-256 of the JSON array `[number, previous, at, by, name, via, from, action, subject, before,
//! after]`, without white space: `previous` is the hash of the entry before in hexadecimal (64 zeros before the first),
//! `at` milliseconds since 1970, and what is not there `null`. Anybody can work it out again. Whoever changes, removes or
//! adds an entry has to change every later one, and with them the newest hash, which the log of the hub shows.

use std::fmt;

use pegboard_model::{Text, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What somebody did, as it is to be written down. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditWrite {
    /// When.
    pub at: Timestamp,
    /// Who: the public id of a token, or `hub`, or `machine` for whoever holds the store's file.
    pub by: Text,
    /// What people call him.
    pub name: Text,
    /// How he came: `token`, `session`, `open`, `command`, `start`.
    pub via: Text,
    /// From where: an address, or nothing where it was on the machine itself.
    pub from: Option<Text>,
    /// What he did, such as `token.created`.
    pub action: Text,
    /// To what.
    pub subject: Text,
    /// How it was before, as JSON.
    pub before: Option<Text>,
    /// How it is since, as JSON.
    pub after: Option<Text>,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number, without gaps; the first is 1.
    pub number: u64,
    /// What it says.
    #[serde(flatten)]
    pub what: AuditWrite,
    /// The hash of the entry before.
    pub previous: AuditHash,
    /// The hash of this entry.
    pub hash: AuditHash,
}

/// The hash of an entry, in text 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuditHash(pub [u8; 32]);

/// A text that is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash has 64 hexadecimal digits")]
pub struct ParseHashError;

/// Where a log does not hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// An entry does not say what it said when it was written.
    #[error("entry {0} was changed")]
    Changed(u64),
    /// An entry is not the one that was followed.
    #[error(
        "entry {0} is not the one that the next was written after: entries were changed, removed or put in"
    )]
    Unchained(u64),
    /// Entries are missing.
    #[error("between entries {older} and {newer} some are missing")]
    Missing {
        /// The one before the hole.
        older: u64,
        /// The one after it.
        newer: u64,
    },
}

impl AuditEntry {
    /// The entry that follows `newest`, or the first.
    pub fn after(newest: Option<(u64, AuditHash)>, what: AuditWrite) -> Self {
        let (number, previous) = newest.unwrap_or_default();
        let number = number + 1;
        let hash = hash(number, previous, &what);
        Self { number, what, previous, hash }
    }
}

fn hash(number: u64, previous: AuditHash, what: &AuditWrite) -> AuditHash {
    let AuditWrite { at, by, name, via, from, action, subject, before, after } = what;
    let at = at.as_millis();
    let parts = (number, previous, at, by, name, via, from, action, subject, before, after);
    let text = serde_json::to_vec(&parts).expect("numbers and texts are JSON");
    AuditHash(Sha256::digest(text).into())
}

/// Holds entries together, from the newest to the oldest.
#[derive(Debug, Clone, Default)]
pub struct AuditChain {
    newer: Option<(u64, AuditHash)>,
}

impl AuditChain {
    /// Whether the next older entry is what it was, and the one that the entry before this call was written after.
    pub fn check(&mut self, entry: &AuditEntry) -> Result<(), AuditFault> {
        if hash(entry.number, entry.previous, &entry.what) != entry.hash {
            return Err(AuditFault::Changed(entry.number));
        }
        if let Some((newer, previous)) = self.newer {
            if entry.number + 1 != newer {
                return Err(AuditFault::Missing { older: entry.number, newer });
            }
            if entry.hash != previous {
                return Err(AuditFault::Unchained(entry.number));
            }
        }
        self.newer = Some((entry.number, entry.previous));
        Ok(())
    }
}

impl fmt::Display for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<AuditHash> for String {
    fn from(hash: AuditHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for AuditHash {
    type Error = ParseHashError;

    fn try_from(text: String) -> Result<Self, ParseHashError> {
        text.parse()
    }
}

impl std::str::FromStr for AuditHash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ParseHashError);
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| ParseHashError)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(subject: &str) -> AuditWrite {
        AuditWrite {
            at: Timestamp::from_seconds(1_772_355_600),
            by: "t1".into(),
            name: "Ann \"é\"".into(),
            via: "token".into(),
            from: Some("192.0.2.1".into()),
            action: "token.created".into(),
            subject: subject.into(),
            before: None,
            after: Some("{}".into()),
        }
    }

    /// Entries as a store gives them, the newest first.
    fn log(count: u64) -> Vec<AuditEntry> {
        let mut entries: Vec<AuditEntry> = Vec::new();
        for number in 0..count {
            let newest = entries.last().map(|entry| (entry.number, entry.hash));
            entries.push(AuditEntry::after(newest, what(&format!("subject {number}"))));
        }
        entries.reverse();
        entries
    }

    fn check(entries: &[AuditEntry]) -> Result<(), AuditFault> {
        let mut chain = AuditChain::default();
        entries.iter().try_for_each(|entry| chain.check(entry))
    }

    #[test]
    fn s37_a_log_that_nobody_touched_holds_together() {
        assert_eq!(check(&log(5)), Ok(()));
        assert_eq!(check(&log(5)[..3]), Ok(()), "the oldest may be past their time");
    }

    #[test]
    fn s37_every_change_of_any_field_is_found() {
        let changes: [fn(&mut AuditEntry); 11] = [
            |entry| entry.what.at = Timestamp::from_seconds(0),
            |entry| entry.what.by = "t2".into(),
            |entry| entry.what.name = "Bob".into(),
            |entry| entry.what.via = "session".into(),
            |entry| entry.what.from = None,
            |entry| entry.what.action = "token.revoked".into(),
            |entry| entry.what.subject = "other".into(),
            |entry| entry.what.before = Some("{}".into()),
            |entry| entry.what.after = None,
            |entry| entry.previous = AuditHash([7; 32]),
            |entry| entry.hash = AuditHash([7; 32]),
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut entries = log(3);
            change(&mut entries[1]);
            assert_eq!(check(&entries), Err(AuditFault::Changed(2)), "change {index}");
        }
    }

    #[test]
    fn s37_an_entry_that_was_written_anew_does_not_fit_the_next() {
        let mut entries = log(3);
        let before = Some((1, entries[2].hash));
        entries[1] = AuditEntry::after(before, what("forged"));
        assert_eq!(check(&entries), Err(AuditFault::Unchained(2)));
    }

    #[test]
    fn s37_entries_that_were_removed_or_moved_are_missed() {
        let mut entries = log(4);
        entries.remove(1);
        assert_eq!(check(&entries), Err(AuditFault::Missing { older: 2, newer: 4 }));
        let mut entries = log(4);
        entries.swap(1, 2);
        assert!(check(&entries).is_err());
    }

    #[test]
    fn s37_the_hash_is_that_of_the_documented_text() {
        let entry = AuditEntry::after(None, what("s"));
        let zeros = "0".repeat(64);
        let text = format!(
            r#"[1,"{zeros}",1772355600000,"t1","Ann \"é\"","token","192.0.2.1","token.created","s",null,"{{}}"]"#
        );
        assert_eq!(entry.hash, AuditHash(Sha256::digest(text).into()));
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let entry = log(2).remove(0);
        let json = serde_json::to_string(&entry).unwrap();
        assert!(json.contains("\"number\":2") && json.contains("\"by\":\"t1\""), "{json}");
        assert_eq!(serde_json::from_str::<AuditEntry>(&json).unwrap(), entry);
        for wrong in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert!(wrong.parse::<AuditHash>().is_err());
        }
    }
}
