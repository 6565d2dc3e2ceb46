//! What the answer of a receiver means. Pure.

use std::time::Duration;

use crate::Outcome;

/// The least pause after "too many requests".
const LEAST_AFTER_429: Duration = Duration::from_mins(1);

/// How much of what a receiver says is shown, in characters.
const SHOWN: usize = 200;

/// What an answer means: 2xx and "that I have" are taken; what is said of the content is refused for good; what is said of the
/// receiver itself shuts it until somebody acts; the rest may pass.
pub(super) fn outcome(status: u16, after: Option<Duration>, body: &[u8]) -> Outcome {
    let reason = format!("the receiver answers with {status}{}", said(body));
    match status {
        200..=299 | 409 => Outcome::Accepted,
        300..=399 => Outcome::Shut {
            reason: format!("{reason}: nobody follows it, so name the address that it leads to"),
        },
        401 | 403 | 404 | 405 | 407 | 410 => Outcome::Shut { reason },
        413 => Outcome::TooLarge { reason },
        429 => Outcome::Again { reason, after: Some(after.unwrap_or_default().max(LEAST_AFTER_429)) },
        408 | 425 | 500..=599 => Outcome::Again { reason, after },
        _ => Outcome::Refused { reason },
    }
}

fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let shown: String =
        text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    if shown.is_empty() { shown } else { format!(": {shown}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r18_every_answer_has_its_meaning() {
        let word = |status| match outcome(status, None, b"") {
            Outcome::Accepted => "accepted",
            Outcome::Again { .. } => "again",
            Outcome::Refused { .. } => "refused",
            Outcome::TooLarge { .. } => "too large",
            Outcome::Shut { .. } => "shut",
            Outcome::Partly(_) => "partly",
        };
        for (statuses, expected) in [
            (&[200, 201, 202, 204, 299, 409][..], "accepted"),
            (&[301, 302, 304, 307, 308, 401, 403, 404, 405, 410], "shut"),
            (&[400, 406, 415, 422, 451], "refused"),
            (&[413], "too large"),
            (&[408, 425, 429, 500, 502, 503, 504, 599], "again"),
        ] {
            for status in statuses {
                assert_eq!(word(*status), expected, "{status}");
            }
        }
    }

    #[test]
    fn r18_a_receiver_that_is_overrun_is_left_alone_for_a_minute_or_as_long_as_it_says() {
        let after = |status, said: Option<u64>| match outcome(status, said.map(Duration::from_secs), b"") {
            Outcome::Again { after, .. } => after.map(|after| after.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            (after(429, None), after(429, Some(5)), after(429, Some(90))),
            (Some(60), Some(60), Some(90))
        );
        assert_eq!((after(503, None), after(503, Some(5))), (None, Some(5)));
    }

    #[test]
    fn r28_of_what_a_receiver_says_200_characters_are_shown_and_no_control_characters() {
        let Outcome::Refused { reason } =
            outcome(400, None, format!("a\n\u{1b}[31m{}", "x".repeat(500)).as_bytes())
        else {
            panic!("400 is refused")
        };
        assert!(reason.chars().count() < 250 && !reason.chars().any(char::is_control), "{reason}");
    }
}
