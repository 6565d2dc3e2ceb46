//! The tables of a sink that publishes to NATS, and of a source that is published to there.

use super::super::{MAX_NAME_BYTES, MAX_SERVERS, SdkSettings, SourceInput};
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

/// A source that is published to.
fn published(lines: &str) -> String {
    format!(
        "[[source]]\nname = \"pbx\"\nkind = \"push\"\n[source.push.nats]\nservers = [\"nats://n.example\"]\n{lines}"
    )
}

#[test]
fn a_source_may_be_published_to_and_have_no_key() {
    let config = read(&published("stream = \"pbx\"\nfilter = \"pbx.>\"\n")).unwrap();
    let SourceInput::Push(push) = &config.sources[0].input else { panic!("no push") };
    let subject = push.subject.as_ref().unwrap();
    assert_eq!((&*subject.stream, &*subject.consumer), ("pbx", "pegboard"));
    assert!(push.key.is_none() && push.folder.is_none());
    assert!(faults(&published("")).contains("stream"));
    assert!(faults(&published("stream = \"p.b\"\n")).contains("a name of NATS"));
    assert!(faults(&published("stream = \"p\"\nfilter = \"a..b\"\n")).contains("a subject of NATS"));
}

#[test]
fn a_folder_in_which_files_are_dropped_is_for_one_source() {
    let source = |name: &str, folder: &str| {
        format!("[[source]]\nname = \"{name}\"\nkind = \"push\"\n[source.push]\nfolder = \"{folder}\"\n")
    };
    assert!(read(&(source("a", "in/a") + &source("b", "in/b"))).is_ok());
    let told = faults(&(source("a", "in/x") + &source("b", "./in/x/") + &source("c", "in/x")));
    for line in [5, 10, 15] {
        assert!(told.contains(&format!(":{line}:")), "line {line}: {told}");
    }
    assert!(told.contains("source[a].push.folder names the same folder"), "{told}");
    assert!(told.contains("source[b].push.folder names the same folder"), "{told}");
}

#[test]
fn whoever_calls_as_the_sdk_does_has_a_key() {
    let with = |lines: &str| {
        let key = "access_key_id = \"env:I\"\nsecret_access_key = \"env:S\"\n";
        read(&format!(
            "[[source]]\nname = \"pbx\"\nkind = \"push\"\n[source.push]\n{key}[source.push.sdk]\n{lines}"
        ))
    };
    let config = with("acd_type = \"PBX\"\nroutable = [\"Ready\"]\n").unwrap();
    let SourceInput::Push(push) = &config.sources[0].input else { panic!("no push") };
    let sdk = SdkSettings {
        acd_type: Some("PBX".to_owned()),
        routable: vec!["Ready".to_owned()],
        ..SdkSettings::default()
    };
    assert_eq!(push.sdk, sdk);
    assert!(with("acd_type = \"MY PBX\"\n").is_err());
    let keyless =
        "[[source]]\nname = \"pbx\"\nkind = \"push\"\n[source.push]\nfolder = \"x\"\n[source.push.sdk]\n";
    assert!(faults(keyless).contains("access_key_id"));
}

#[test]
fn r28_statuses_of_the_sdk_are_50_at_most() {
    let named = |count: usize| {
        let names: Vec<_> = (0..count).map(|number| format!("\"s{number}\"")).collect();
        read(&format!(
            "[[source]]\nname = \"pbx\"\nkind = \"push\"\n[source.push]\naccess_key_id = \"env:I\"\n\
             secret_access_key = \"env:S\"\n[source.push.sdk]\nroutable = [{}]\n",
            names.join(", ")
        ))
    };
    assert!(named(50).is_ok());
    assert!(named(51).is_err());
}

#[test]
fn r28_a_name_of_nats_has_200_bytes_at_most() {
    let named = |bytes: usize| read(&published(&format!("stream = \"{}\"\n", "s".repeat(bytes))));
    assert!(named(MAX_NAME_BYTES).is_ok());
    assert!(named(MAX_NAME_BYTES + 1).is_err());
}
