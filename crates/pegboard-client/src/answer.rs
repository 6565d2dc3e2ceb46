//! What the service answers.

use std::collections::BTreeSet;
use std::fmt;

use http::StatusCode;
use pegboard_net::Answer;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The code by which the service says that it accepted the very same before.
const ALREADY_ACCEPTED: &str = "ALREADY_ACCEPTED";

/// How much of a text of the service is shown, in characters.
const SHOWN_CHARACTERS: usize = 200;

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
        write!(f, "{}{blank}{}: {}", Shown(&self.code), Shown(&self.path), Shown(&self.message))
    }
}

/// A text of the service as people are shown it: not all of a long one, and nothing that a terminal would act upon.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, letter) in self.0.chars().enumerate() {
            match letter {
                _ if number == SHOWN_CHARACTERS => return write!(f, "…"),
                letter if letter.is_control() => write!(f, "{}", letter.escape_default())?,
                letter => write!(f, "{letter}")?,
            }
        }
        Ok(())
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

    /// How many items were refused without a word of which: whoever sent them must look at all that were sent.
    pub fn unnamed(&self) -> u64 {
        let named: BTreeSet<_> = self.refused().filter_map(ItemError::item).collect();
        let rejected = self.response.as_ref().map_or(0, |response| response.rejected);
        rejected.saturating_sub(named.len() as u64)
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
            text: text.chars().take(SHOWN_CHARACTERS).collect(),
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
    use proptest::prelude::*;

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
    fn items_that_are_refused_without_a_name_are_counted() {
        let unnamed = |errors: &str| {
            let body = format!(r#"{{"status":"PARTIAL","accepted":9,"rejected":3,"errors":[{errors}]}}"#);
            judge(&answer(202, &body)).unwrap().unnamed()
        };
        let error = |path: &str| format!(r#"{{"code":"X","path":"{path}"}}"#);
        assert_eq!(unnamed(""), 3);
        assert_eq!(unnamed(&[error("a[1].x"), error("a[1].y"), error("a")].join(",")), 2);
        assert_eq!(unnamed(&[error("a[1]"), error("b[1]"), error("b[2]")].join(",")), 0);
    }

    #[test]
    fn r28_s07_of_a_text_of_the_service_200_characters_are_shown_and_no_control_characters() {
        let shown = |message: &str| {
            let errors = [ItemError { code: "X".into(), path: String::new(), message: message.into() }];
            let body = serde_json::json!({ "status": "REJECTED", "errors": errors }).to_string();
            judge(&answer(422, &body)).unwrap_err().to_string()
        };
        let start = "the service refuses it: status 422, X: ";
        assert_eq!(shown(&"ü".repeat(200)), format!("{start}{}", "ü".repeat(200)));
        assert_eq!(shown(&"ü".repeat(201)), format!("{start}{}…", "ü".repeat(200)));
        assert_eq!(shown("a\u{1b}[2J\nb"), format!("{start}a\\u{{1b}}[2J\\nb"));
        let page = judge(&answer(404, &"\u{1b}".repeat(300))).unwrap_err();
        assert!(matches!(&page, Error::NotThere(refusal) if refusal.text.len() == 200));
        assert!(!page.to_string().contains('\u{1b}'));
    }

    proptest! {
        #[test]
        fn whatever_is_answered_means_something(
            status in 200_u16..600,
            body in prop_oneof![
                any::<Vec<u8>>(),
                r#"\{"status":"(ACCEPTED|PARTIAL|REJECTED)","rejected":[0-9]{1,3},"errors":\[\{"code":"A","path":"[a-z\[\]0-9.]{0,9}"\}\]\}"#
                    .prop_map(String::into_bytes),
            ],
        ) {
            let status = StatusCode::from_u16(status).expect("is one");
            let answer = Answer { status, headers: HeaderMap::new(), body: body.into() };
            match judge(&answer) {
                Ok(receipt) => {
                    prop_assert!(status.is_success() || status == StatusCode::CONFLICT);
                    prop_assert!(receipt.unnamed() <= receipt.response.map_or(0, |response| response.rejected));
                }
                Err(error) => prop_assert!(error.to_string().chars().count() < 3_000),
            }
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
