//! What the service answers.

use std::fmt;

use http::StatusCode;
use pegboard_net::Answer;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The code by which the service says that it accepted the very same before.
const ALREADY_ACCEPTED: &str = "ALREADY_ACCEPTED";

/// How much is shown of an answer that is not understood, in characters.
const SHOWN: usize = 200;

/// What became of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReportStatus {
    /// All of it was accepted.
    Accepted,
    /// Some items of it were refused, the others accepted.
    Partial,
    /// Nothing of it was accepted.
    Rejected,
}

/// The answer of the service: `WFMReportResponseDTO`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WfmReportResponse {
    /// What became of the body.
    pub status: ReportStatus,
    /// By what the service's people find the request.
    #[serde(default)]
    pub request_id: String,
    /// How many items were accepted.
    #[serde(default)]
    pub accepted: u64,
    /// How many items were refused.
    #[serde(default)]
    pub rejected: u64,
    /// Why.
    #[serde(default)]
    pub errors: Vec<ItemError>,
}

/// Why something was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemError {
    /// The service's word for it.
    pub code: String,
    /// The place in the body, such as `queueReport[0].handledShort`; empty where it is the whole of it.
    #[serde(default)]
    pub path: String,
    /// For people.
    #[serde(default)]
    pub message: String,
}

impl ItemError {
    /// The list and the index of the item that is meant: `queueReport` and 0 of `queueReport[0].handledShort`. Nothing where it
    /// is no item of a list.
    pub fn item(&self) -> Option<(&str, usize)> {
        let (list, rest) = self.path.split_once('[')?;
        let (index, _) = rest.split_once(']')?;
        Some((list, index.parse().ok()?))
    }
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blank = if self.path.is_empty() { "" } else { " " };
        write!(f, "{}{blank}{}: {}", self.code, self.path, self.message)
    }
}

/// That the service accepted a request, or most of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its answer; nothing where it accepted without a word.
    pub response: Option<WfmReportResponse>,
    /// Whether it had accepted the very same before: an answer was lost, most likely.
    pub repeated: bool,
}

impl Receipt {
    /// What was refused while the rest was accepted, and why.
    pub fn refused(&self) -> impl Iterator<Item = &ItemError> {
        let errors = self.response.iter().flat_map(|response| &response.errors);
        errors.filter(|error| error.code != ALREADY_ACCEPTED)
    }

    /// Whether all of it was accepted.
    pub fn is_whole(&self) -> bool {
        self.response.as_ref().is_none_or(|response| response.status == ReportStatus::Accepted)
    }
}

/// An answer that accepts nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its HTTP status.
    pub status: u16,
    /// What it says; nothing where it says something else than such answers do.
    pub response: Option<Box<WfmReportResponse>>,
    /// The beginning of its text, 200 characters at most.
    pub text: String,
}

impl Refusal {
    pub(crate) fn of(answer: &Answer) -> Self {
        let text = String::from_utf8_lossy(&answer.body);
        Self {
            status: answer.status.as_u16(),
            response: serde_json::from_slice(&answer.body).ok(),
            text: text.chars().take(SHOWN).collect(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        match self.response.as_ref().map(|response| &*response.errors) {
            Some([]) => Ok(()),
            Some([error]) => write!(f, ", {error}"),
            Some([error, others @ ..]) => write!(f, ", {error} (and {} more)", others.len()),
            None if self.text.is_empty() => Ok(()),
            None => write!(f, ", {:?}", self.text),
        }
    }
}

/// What an answer to a report means.
pub(crate) fn judge(answer: &Answer) -> Result<Receipt, Error> {
    let response = || serde_json::from_slice::<WfmReportResponse>(&answer.body).ok();
    if answer.status.is_success() {
        if answer.body.is_empty() {
            return Ok(Receipt { response: None, repeated: false });
        }
        let response = response().ok_or_else(|| Error::Unreadable(Refusal::of(answer)))?;
        return match response.status {
            ReportStatus::Rejected => Err(Error::Rejected(Refusal::of(answer))),
            _ => Ok(Receipt { response: Some(response), repeated: false }),
        };
    }
    let is_known =
        |response: &WfmReportResponse| response.errors.iter().any(|error| error.code == ALREADY_ACCEPTED);
    match response().filter(|_| answer.status == StatusCode::CONFLICT).filter(is_known) {
        Some(response) => Ok(Receipt { response: Some(response), repeated: true }),
        None => Err(Error::of(answer)),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::Retry;

    fn answer(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).expect("is one");
        Answer { status, headers: HeaderMap::new(), body: body.to_owned().into() }
    }

    #[test]
    fn r18_every_status_means_something() {
        let rejected = r#"{"status":"REJECTED","errors":[{"code":"X"}]}"#;
        for (status, word, retry) in [
            (300, "NotThere", Retry::Never),
            (302, "NotThere", Retry::Never),
            (400, "Rejected", Retry::Never),
            (401, "Denied", Retry::Never),
            (403, "Denied", Retry::Never),
            (404, "NotThere", Retry::Never),
            (405, "NotThere", Retry::Never),
            (408, "Later", Retry::Later(None)),
            (409, "Rejected", Retry::Never),
            (410, "NotThere", Retry::Never),
            (413, "TooLarge", Retry::Never),
            (418, "Rejected", Retry::Never),
            (422, "Rejected", Retry::Never),
            (425, "Later", Retry::Later(None)),
            (429, "Later", Retry::Later(None)),
            (500, "Later", Retry::Later(None)),
            (503, "Later", Retry::Later(None)),
            (599, "Later", Retry::Later(None)),
        ] {
            let error = judge(&answer(status, rejected)).expect_err("is none");
            assert!(format!("{error:?}").starts_with(word), "{status}: {error:?}");
            assert_eq!(error.retry(), retry, "{status}");
            assert_eq!(
                error.response().map(|response| response.status),
                Some(ReportStatus::Rejected),
                "{status}"
            );
        }
    }

    #[test]
    fn what_is_accepted_is_said_or_not() {
        let whole = Receipt { response: None, repeated: false };
        assert_eq!(judge(&answer(204, "")).unwrap(), whole);
        assert!(judge(&answer(202, r#"{"status":"ACCEPTED"}"#)).unwrap().is_whole());
        assert!(!judge(&answer(202, r#"{"status":"PARTIAL"}"#)).unwrap().is_whole());
        assert!(matches!(judge(&answer(200, r#"{"status":"REJECTED"}"#)), Err(Error::Rejected(_))));
        for page in ["<html>", "{}", r#"{"status":"PERHAPS"}"#] {
            let unreadable = judge(&answer(200, page)).unwrap_err();
            assert!(matches!(unreadable, Error::Unreadable(_)), "{page}");
            assert_eq!(unreadable.retry(), Retry::Later(None), "nobody knows what was done");
        }
    }

    #[test]
    fn an_error_names_an_item_or_none() {
        let item = |path: &str| {
            let error = ItemError { code: "X".into(), path: path.into(), message: String::new() };
            error.item().map(|(list, index)| (list.to_owned(), index))
        };
        assert_eq!(item("queueReport[12].handledShort"), Some(("queueReport".to_owned(), 12)));
        assert_eq!(item("reportData[1].activities[0].duration"), Some(("reportData".to_owned(), 1)));
        for none in ["", "acdType", "a[", "a[x]"] {
            assert_eq!(item(none), None, "{none}");
        }
    }
}
