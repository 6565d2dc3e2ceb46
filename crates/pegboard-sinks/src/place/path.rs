//! The name of a file below the place where it goes. There is none that leads out of it.

use std::fmt;

/// The longest name, in bytes: what a key of S3 may have, without the prefix of most.
pub const MOST_PATH_BYTES: usize = 900;

/// The longest part between slashes, in bytes: what file systems take, with what a file is called while it is written.
pub const MOST_PART_BYTES: usize = 200;

/// Parts with slashes between, none of which is empty or begins with a dot, without backslashes and control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlacePath(String);

/// Why a text is no name of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlacePath {
    /// Too long.
    #[error("{0:?} is too long: a name has at most 900 bytes, and 200 between slashes")]
    Long(String),
    /// It could lead elsewhere.
    #[error(
        "{0:?} is no name of a file below its place: parts between slashes are not empty, begin with no dot, and have no \
         backslashes and control characters"
    )]
    Part(String),
}

impl PlacePath {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, InvalidPlacePath> {
        if text.len() > MOST_PATH_BYTES || text.split('/').any(|part| part.len() > MOST_PART_BYTES) {
            return Err(InvalidPlacePath::Long(text.chars().take(100).collect()));
        }
        let is_part = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && !part.contains(|c: char| c == '\\' || c.is_control())
        };
        if text.split('/').all(is_part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPlacePath::Part(text.to_owned()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folders that the file is in, from the outermost, and its own name.
    pub(super) fn parts(&self) -> (Vec<&str>, &str) {
        let mut folders: Vec<_> = self.0.split('/').collect();
        let name = folders.pop().unwrap_or_default();
        (folders, name)
    }
}

impl fmt::Display for PlacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r28_a_name_has_900_bytes_and_a_part_200_at_most() {
        let part = |length: usize| "a".repeat(length);
        assert!(PlacePath::parse(&part(MOST_PART_BYTES)).is_ok());
        assert!(PlacePath::parse(&part(MOST_PART_BYTES + 1)).is_err());
        let whole = [part(200), part(200), part(200), part(200), part(96)].join("/");
        assert_eq!(whole.len(), MOST_PATH_BYTES);
        assert!(PlacePath::parse(&whole).is_ok());
        assert!(matches!(PlacePath::parse(&format!("{whole}a")), Err(InvalidPlacePath::Long(_))));
    }

    #[test]
    fn s36_no_name_leads_out_of_its_place() {
        for text in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../a",
            "a/../b",
            "a/..",
            "./a",
            "a//b",
            "a/",
            "a\\..\\b",
            "a\0b",
            "a\nb",
            ".a",
        ] {
            assert!(matches!(PlacePath::parse(text), Err(InvalidPlacePath::Part(_))), "{text:?} was taken");
        }
    }

    proptest! {
        #[test]
        fn s36_what_is_taken_stays_below_whatever_it_says(text in "[a./\\\\ ~%é]{0,12}") {
            if let Ok(path) = PlacePath::parse(&text) {
                let joined = std::path::Path::new("/place").join(path.as_str());
                let parts: Vec<_> = joined.components().skip(2).collect();
                prop_assert!(joined.starts_with("/place") && !parts.is_empty());
                prop_assert!(parts.iter().all(|part| matches!(part, std::path::Component::Normal(_))));
            }
        }
    }
}
