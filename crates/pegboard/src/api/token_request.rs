//! What is asked for when a token is made. The command line and the API hold it to the same rules.

use pegboard_model::{SourceName, Timestamp};
use pegboard_store::{Role, TokenWrite};

use crate::api::tokens::{self, TokenText};

/// The most characters of a name.
const NAME_LIMIT: usize = 100;

/// A token that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    name: String,
    role: Role,
    sources: Vec<SourceName>,
    expires: Option<Timestamp>,
}

/// Why a token may not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// The name cannot be shown in one line, or not at all.
    #[error("a name has 1 to {NAME_LIMIT} characters, not all of them blank and none a control character")]
    Name,
    /// A limit to something that does not exist would be a limit to nothing.
    #[error("there is no source '{name}' in the configuration")]
    UnknownSource {
        /// Where in the list it stands.
        index: usize,
        /// Its name.
        name: SourceName,
    },
    /// The same source again.
    #[error("the source '{name}' is named twice")]
    SourceTwice {
        /// Where in the list it stands the second time.
        index: usize,
        /// Its name.
        name: SourceName,
    },
    /// The token would be refused from the beginning.
    #[error("a token must expire in the future, and it is {now} now")]
    Expired {
        /// The present instant.
        now: Timestamp,
    },
}

impl TokenFault {
    /// The part of the request that is wrong: `name`, `sources[2]`, `expires`.
    pub fn path(&self) -> String {
        match self {
            Self::Name => "name".to_string(),
            Self::UnknownSource { index, .. } | Self::SourceTwice { index, .. } => {
                format!("sources[{index}]")
            }
            Self::Expired { .. } => "expires".to_string(),
        }
    }
}

impl TokenRequest {
    /// A token that allows `role` and is limited to `sources`, each of which must be among `configured`; it sees all
    /// where there are none. From `expires` on, which must be after `now`, it is refused.
    pub fn new(
        name: &str,
        role: Role,
        sources: Vec<SourceName>,
        expires: Option<Timestamp>,
        configured: &[SourceName],
        now: Timestamp,
    ) -> Result<Self, TokenFault> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_LIMIT || name.chars().any(char::is_control) {
            return Err(TokenFault::Name);
        }
        for (index, source) in sources.iter().enumerate() {
            if !configured.contains(source) {
                return Err(TokenFault::UnknownSource { index, name: source.clone() });
            }
            if sources[..index].contains(source) {
                return Err(TokenFault::SourceTwice { index, name: source.clone() });
            }
        }
        if expires.is_some_and(|expires| expires <= now) {
            return Err(TokenFault::Expired { now });
        }
        Ok(Self { name: name.to_string(), role, sources, expires })
    }

    /// Makes the token: its text, and what the store writes of it.
    pub fn make(self, now: Timestamp) -> (TokenText, TokenWrite) {
        tokens::create(&self.name, self.role, self.sources, self.expires, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn ask(name: &str, sources: &[&str], expires: Option<Timestamp>) -> Result<TokenRequest, String> {
        let sources = sources.iter().map(|name| (*name).into()).collect();
        let configured = ["acme".into(), "globex".into()];
        let request = TokenRequest::new(name, Role::Viewer, sources, expires, &configured, NOW);
        request.map_err(|fault| fault.path())
    }

    #[test]
    fn what_is_asked_for_is_what_is_made() {
        let expires = Some(Timestamp::from_seconds(1_000_001));
        let (_, write) = ask(" wall é ", &["globex", "acme"], expires).unwrap().make(NOW);
        let token = write.token;
        assert_eq!((token.name.as_str(), token.role, token.expires), ("wall é", Role::Viewer, expires));
        assert_eq!(token.sources, ["globex".into(), "acme".into()]);
        assert_eq!((token.created, token.revoked), (NOW, None));
    }

    #[test]
    fn r28_what_cannot_be_is_refused_by_its_place() {
        let longest = "é".repeat(NAME_LIMIT);
        assert!(ask(&longest, &[], None).is_ok());
        for name in ["", "  ", "two\nlines", "\u{1b}[31m", &format!("{longest}é")] {
            assert_eq!(ask(name, &[], None).unwrap_err(), "name", "{name:?}");
        }
        assert_eq!(ask("a", &["acme", "initech"], None).unwrap_err(), "sources[1]");
        assert_eq!(ask("a", &["acme", "globex", "acme"], None).unwrap_err(), "sources[2]");
        assert_eq!(ask("a", &[], Some(NOW)).unwrap_err(), "expires");
    }
}
