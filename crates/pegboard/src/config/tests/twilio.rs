//! In which ways a workspace of Twilio is known.

use super::super::{SourceInput, TwilioSettings};
use super::{faults, read};

const POSTS: &str = "url = \"https://hub.example.com/x\"\nauth_tokens = [\"env:T\"]\n";
const STREAM: &str = "[source.twilio.kinesis]\nstream = \"twilio-events\"\nread = \"fan-out\"\n";
const REST: &str = "[source.twilio.rest]\nworkspace = \"WS1\"\nkey = \"SK1\"\nsecret = \"env:S\"\n";

fn source(lines: &str) -> String {
    format!("[[source]]\nname = \"flex\"\nkind = \"twilio\"\n[source.twilio]\n{lines}")
}

fn settings(lines: &str) -> TwilioSettings {
    let mut config = read(&source(lines)).unwrap_or_else(|errors| panic!("{errors}"));
    let SourceInput::Twilio(settings) = config.sources.remove(0).input else { panic!("no Twilio") };
    settings
}

#[test]
fn a_workspace_is_posted_streamed_or_asked_in_any_combination() {
    for (posted, streamed, asked) in [
        (true, false, false),
        (true, true, false),
        (true, true, true),
        (false, true, false),
        (false, false, true),
    ] {
        let lines = [(posted, POSTS), (streamed, STREAM), (asked, REST)];
        let lines: String =
            lines.into_iter().filter_map(|(is_there, lines)| is_there.then_some(lines)).collect();
        let TwilioSettings { posts, kinesis, rest, .. } = settings(&lines);
        assert_eq!(
            (posts.is_some(), kinesis.is_some(), rest.is_some()),
            (posted, streamed, asked),
            "{lines}"
        );
    }
}

#[test]
fn what_is_needed_to_know_a_workspace_is_told() {
    let told = faults(&source(""));
    assert!(told.contains("`url`") && told.contains("`auth_tokens`"), "{told}");
    assert!(faults(&source(&format!("url = \"https://h.example/x\"\n{STREAM}"))).contains("`auth_tokens`"));
    let told = faults(&source("[source.twilio.kinesis]\nregion = \"eu-central-1\"\n"));
    assert!(told.contains("`stream`") && !told.contains("`url`"), "{told}");
    let told = faults(&source(&format!("{POSTS}rta_feed = true\n{REST}")));
    assert!(told.contains("`rta_feed` and `rest` exclude each other"), "{told}");
    let told = faults(&source(&format!("rta_feed = true\n{STREAM}")));
    assert!(told.contains("`rta_feed` needs `url`"), "{told}");
    assert!(settings(&format!("{POSTS}rta_feed = true\n")).rta_feed);
    let arn = "arn:aws:kinesis:us-east-1:111122223333:stream/events";
    let told =
        faults(&source(&format!("[source.twilio.kinesis]\nstream = \"{arn}\"\nregion = \"eu-west-1\"\n")));
    assert!(told.contains("contradicts"), "{told}");
}
