//! What is said of outlets.

use super::{LEAST, read};
use crate::config::{MailSecurity, OutletTarget};

fn webhook(name: &str, keys: usize) -> String {
    let keys = vec!["\"env:KEY\""; keys].join(", ");
    format!(
        "[[alarm.outlet]]\nname = \"{name}\"\nkind = \"webhook\"\n[alarm.outlet.webhook]\nurl = \"https://x.example\"\n\
         signing_keys = [{keys}]\n"
    )
}

fn email(lines: &str) -> String {
    format!(
        "[[alarm.outlet]]\nname = \"mail\"\nkind = \"email\"\n[alarm.outlet.email]\nhost = \"mail.example\"\n\
         from = \"Pegboard <p@x.example>\"\nto = [\"ops@x.example\"]\n{lines}"
    )
}

#[test]
fn r28_outlets_and_their_keys_have_limits() {
    let outlets = |count: usize| {
        let outlets: String = (0..count).map(|number| webhook(&format!("o{number}"), 1)).collect();
        read(&format!("{LEAST}{outlets}"))
    };
    assert_eq!(outlets(20).unwrap().outlets.len(), 20);
    let errors = outlets(21).unwrap_err();
    assert_eq!(errors.faults()[0].message, "there are 21 tables [[alarm.outlet]]; 20 are possible");
    let keys = |count: usize| read(&format!("{LEAST}{}", webhook("o", count))).is_ok();
    assert_eq!([0, 1, 2, 3].map(keys), [false, true, true, false]);
}

#[test]
fn the_port_follows_from_how_the_server_is_spoken_to() {
    for (lines, security, port) in [
        ("", MailSecurity::StartTls, 587),
        ("security = \"tls\"\n", MailSecurity::Tls, 465),
        ("security = \"dangerous-plain\"\n", MailSecurity::DangerousPlain, 25),
        ("port = 2525\n", MailSecurity::StartTls, 2525),
    ] {
        let config = read(&format!("{LEAST}{}", email(lines))).unwrap();
        let OutletTarget::Email(settings) = &config.outlets[0].target else { panic!("mails") };
        assert_eq!((settings.security, settings.port), (security, port));
        assert_eq!(config.outlets[0].pause.get(), 60_000);
    }
}

#[test]
fn what_is_wrong_with_an_outlet_is_told_at_once() {
    let wrong =
        email("security = \"plain\"\nuser = \"env:USER\"\n").replace("[\"ops@x.example\"]", "[\"ops\"]");
    let errors =
        read(&format!("{LEAST}{}{}{}", webhook("a", 1), wrong, webhook("b", 1).replace("https", "ftp")));
    let errors = errors.unwrap_err();
    let keys: Vec<_> = errors.faults().iter().map(|fault| fault.key.as_deref().unwrap_or_default()).collect();
    let expected = [
        "alarm.outlet[mail].email.to",
        "alarm.outlet[mail].email.security",
        "alarm.outlet[mail].email.user",
        "alarm.outlet[b].webhook.url",
    ];
    let (mut keys, mut expected) = (keys, expected.to_vec());
    keys.sort_unstable();
    expected.sort_unstable();
    assert_eq!(keys, expected);
}
