//! The smaller commands: `init`, `check`, `token`, `simulate`.

use std::fs;
use std::path::Path;

use super::FILES;
use crate::support::binary::{replay, run, words};

#[test]
fn init_writes_a_configuration_that_is_valid_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    let wrote = run(folder.path(), &["init"]).well();
    assert!(wrote.text().contains("pegboard check"), "{}", wrote.text());
    let checked = run(folder.path(), &["check", "--offline"]).well();
    assert!(checked.text().contains("valid"), "{}", checked.text());
    let before = fs::read(folder.path().join("pegboard.toml")).unwrap();
    run(folder.path(), &["init"]).refused(64, &["pegboard.toml", "is there already"]);
    assert_eq!(fs::read(folder.path().join("pegboard.toml")).unwrap(), before);
    run(folder.path(), &["init", "nowhere/pegboard.toml"]).refused(1, &["nowhere/pegboard.toml"]);
    run(folder.path(), &["check", "--config", "other.toml"]).refused(64, &["other.toml"]);
}

#[test]
fn check_tells_all_faults_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[stor]\nurl = \"sqlite:x.db\"\n[[source]]\nname = \"A B\"\nkind = \"amazon-conect\"\n";
    fs::write(folder.path().join("pegboard.toml"), text).unwrap();
    run(folder.path(), &["check", "--offline"])
        .refused(64, &["stor", "store", "A B", "amazon-conect", "amazon-connect"]);
}

/// A configuration with a store and a file to read.
fn configure(folder: &Path) {
    fs::write(folder.join("events.ndjson"), "").unwrap();
    let text = "[[source]]\nname = \"main\"\nkind = \"file\"\n[source.file]\npath = \"events.ndjson\"\n";
    fs::write(folder.join("pegboard.toml"), text).unwrap();
}

#[test]
fn check_tries_every_connection() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path());
    let checked = run(folder.path(), &["check"]).well().text();
    assert!(checked.contains("source main") && checked.contains("will be made"), "{checked}");
    fs::remove_file(folder.path().join("events.ndjson")).unwrap();
    let failed = run(folder.path(), &["check"]);
    assert_eq!(failed.code, 1);
    assert!(failed.text().contains("failed  source main") && failed.text().contains("events.ndjson"));
}

#[test]
fn tokens_are_made_listed_and_revoked_and_shown_once() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path());
    let made =
        run(folder.path(), &words("token create --name wall-board --role operator --source main")).well();
    let secret = made.text().trim_end().to_owned();
    assert!(secret.len() >= 32 && !secret.contains(char::is_whitespace), "one token, alone: {secret}");
    assert!(made.stderr.contains("only time"), "{}", made.stderr);
    run(folder.path(), &words("token create --name x --source nobody")).refused(64, &["nobody"]);
    run(folder.path(), &words("token create --name x --role king")).refused(64, &["king", "viewer"]);

    let list = || run(folder.path(), &words("token list")).well().text();
    let listed = list();
    assert!(!listed.contains(&secret));
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    let fields: Vec<_> = lines[1].split_whitespace().collect();
    assert_eq!((fields[1], fields[3], fields[4], fields[5]), ("operator", "never", "valid", "wall-board"));
    let id = fields[0];
    run(folder.path(), &["token", "revoke", id]).well();
    assert!(list().contains("revoked"));
    run(folder.path(), &["token", "revoke", id]).well();
    run(folder.path(), &["token", "revoke", "nobody"]).refused(64, &["nobody", "token list"]);

    for entry in folder.path().read_dir().unwrap() {
        let path = entry.unwrap().path();
        let found = fs::read(&path).unwrap().windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "the token stands in {}", path.display());
    }
}

#[test]
fn simulate_writes_the_same_files_for_the_same_seed() {
    let folder = tempfile::tempdir().unwrap();
    let simulate = |seed: u32, out: &str| {
        let arguments =
            format!("simulate --agents 12 --hours 3 --start 2026-03-02T08:00:00Z --seed {seed} --out {out}");
        let ended = run(folder.path(), &words(&arguments)).well();
        assert!(ended.text().starts_with("Simulated "), "{}", ended.text());
    };
    simulate(1, "one");
    simulate(1, "again");
    simulate(2, "other");
    let read = |out: &str, name: &str| fs::read(folder.path().join(out).join(name)).unwrap();
    for name in [
        "agent-events.ndjson",
        "contact-records.ndjson",
        "truth/knowable/segments.csv",
        "truth/actual/queue_interval.csv",
    ] {
        assert_eq!(read("one", name), read("again", name), "{name}");
        assert_ne!(read("one", name), read("other", name), "{name}");
    }
    // What was simulated is replayed to what can be known.
    let files = FILES
        .replace("agent-events.nd", "one/agent-events.nd")
        .replace("contact-records.nd", "one/contact-records.nd");
    let window = "--from 2026-03-02T08:00:00Z --to 2026-03-02T11:00:00Z";
    for report in
        ["segments", "sessions", "agent_interval", "group_interval", "queue_interval", "agent_queue_interval"]
    {
        let replayed = replay(folder.path(), &format!("{files} {window} --report {report}")).well();
        let truth = read("one", &format!("truth/knowable/{report}.csv"));
        assert_eq!(replayed.text(), String::from_utf8(truth).unwrap(), "{report}");
    }
}

#[test]
fn simulate_writes_a_bucket_where_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "simulate --agents 12 --hours 3 --start 2026-03-02T08:00:00Z --out out \
                     --report-files usual --record-objects gzip";
    let said = run(folder.path(), &words(arguments)).well().text();
    assert!(said.contains("report files") && said.contains("objects of contact records"), "{said}");
    let bucket = folder.path().join("out/bucket");
    assert!(bucket.join("connect/example-centre/Reports/WFM").is_dir());
    assert!(bucket.join("ctr/2026/03/02/09").is_dir());
    assert!(folder.path().join("out/truth/acd/rows.ndjson").is_file());
}

#[test]
fn check_says_which_secret_of_those_who_hand_in_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    for input in [
        "kind = \"push\"\n[source.push]\naccess_key_id = \"file:none\"\nsecret_access_key = \"file:none\"\n",
        "kind = \"twilio\"\n[source.twilio]\nurl = \"https://hub.example.com/x\"\nauth_tokens = [\"file:none\"]\n",
    ] {
        let configuration = format!("[[source]]\nname = \"acd\"\n{input}");
        fs::write(folder.path().join("pegboard.toml"), configuration).unwrap();
        let failed = run(folder.path(), &["check"]);
        assert_eq!(failed.code, 1);
        let told = failed.text();
        assert!(told.contains("failed  source acd") && told.contains("none"), "{told}");
    }
}
