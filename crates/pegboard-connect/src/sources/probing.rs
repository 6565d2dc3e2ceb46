//! What trying each of several inputs gave, as one answer.

use crate::spec::SourceError;

/// What was found; or every failure, where there is one.
pub(super) fn all_of(outcomes: Vec<Result<String, SourceError>>) -> Result<String, SourceError> {
    let (found, failed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    let failed: Vec<SourceError> = failed.into_iter().filter_map(Result::err).collect();
    if failed.is_empty() {
        return Ok(found.into_iter().flatten().collect::<Vec<_>>().join("; "));
    }
    let messages: Vec<_> = failed.iter().map(|error| error.message.as_str()).collect();
    let needs_action = failed.iter().any(|error| error.needs_action);
    Err(SourceError { needs_action, position_expired: false, message: messages.join("; ") })
}
