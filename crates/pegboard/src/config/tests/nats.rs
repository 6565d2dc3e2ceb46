//! The table of a sink that publishes to NATS.

use super::super::MAX_SERVERS;
use super::{LEAST, faults, read};

fn with(lines: &str) -> String {
    format!("{LEAST}[[sink]]\nname = \"bus\"\nkind = \"nats\"\n{lines}")
}

#[test]
fn who_comes_to_nats_has_a_name_and_a_password_or_a_token_or_nothing() {
    let servers = "nats.servers = [\"tls://nats.example:4222\"]\n";
    for lines in ["", "nats.password = \"env:T\"\n", "nats.user = \"me\"\nnats.password = \"env:P\"\n"] {
        read(&with(&format!("{servers}{lines}"))).unwrap();
    }
    assert!(faults(&with(&format!("{servers}nats.user = \"me\"\n"))).contains("`password`"));
}

#[test]
fn what_is_wrong_with_nats_is_told_without_a_password_that_stands_where_it_must_not() {
    let told = faults(&with("nats.servers = [\"nats://me:hush@nats.example\"]\nnats.subject = \"a.*\"\n"));
    assert!(told.contains("nats://<host>:<port>") && told.contains("{source}"), "{told}");
    assert!(!told.contains("hush"), "{told}");
    assert!(faults(&with("nats = {}\n")).contains("servers"));
}

#[test]
fn r28_ten_servers_of_nats_are_named_at_most() {
    let named = |count: usize| {
        let servers: Vec<_> = (0..count).map(|number| format!("\"nats://n{number}.example\"")).collect();
        read(&with(&format!("nats.servers = [{}]\n", servers.join(", "))))
    };
    assert!(named(MAX_SERVERS).is_ok());
    assert!(named(MAX_SERVERS + 1).is_err());
}
