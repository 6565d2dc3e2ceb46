//! Subjects and servers.

use super::subject::{MOST_NAME_BYTES, MOST_TEMPLATE_BYTES};
use super::{InvalidServer, InvalidSubject, NatsServer, SubjectTemplate};

fn subject(template: &str, source: &str, agent: &str) -> String {
    template.parse::<SubjectTemplate>().unwrap().of(source, agent)
}

#[test]
fn names_stand_in_a_subject_as_one_word_each() {
    assert_eq!(SubjectTemplate::default().of("main", "1001"), "pegboard.states.main");
    assert_eq!("pegboard.states.{source}".parse(), Ok(SubjectTemplate::default()));
    assert_eq!(subject("a.{source}.{agent}.b", "main", "1001"), "a.main.1001.b");
    assert_eq!(subject("{agent}", "main", "a.b c>*%é"), "a%2Eb%20c%3E%2A%25%C3%A9");
    assert_eq!("a.{source}.{agent}".parse::<SubjectTemplate>().unwrap().all(), "a.*.*");
}

#[test]
fn what_would_be_another_subject_is_none() {
    for text in
        ["", ".", "a..b", "a.", "a b", "a.*", ">", "é", "$SYS.a", "a.{team}", "a{source}", "a.\r\nPUB"]
    {
        assert_eq!(text.parse::<SubjectTemplate>(), Err(InvalidSubject), "{text}");
    }
}

#[test]
fn r28_a_subject_and_a_name_in_it_have_limits() {
    let words = |bytes: usize| "x".repeat(bytes).parse::<SubjectTemplate>();
    assert!(words(MOST_TEMPLATE_BYTES).is_ok());
    assert_eq!(words(MOST_TEMPLATE_BYTES + 1), Err(InvalidSubject));
    let name = |bytes: usize| subject("{agent}", "main", &"x".repeat(bytes));
    assert_eq!(name(MOST_NAME_BYTES), "x".repeat(MOST_NAME_BYTES));
    for hashed in [name(MOST_NAME_BYTES + 1), name(0)] {
        assert!(hashed.len() == 64 && hashed.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hashed}");
    }
}

#[test]
fn a_server_has_no_password_in_its_address() {
    for (text, needs_tls) in
        [("nats://one.example:4222", false), ("tls://127.0.0.1:4223", true), ("tls://nats.example", true)]
    {
        assert_eq!(text.parse::<NatsServer>().unwrap().needs_tls(), needs_tls, "{text}");
    }
    for text in [
        "one.example:4222",
        "http://one.example",
        "nats://",
        "nats://me:secret@one.example",
        "ws://one.example",
        "nats://one.example/x",
    ] {
        assert_eq!(text.parse::<NatsServer>(), Err(InvalidServer), "{text}");
    }
}
