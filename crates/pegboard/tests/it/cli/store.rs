//! `store`: the store moves to PostgreSQL, and everything goes on there.

use std::fs;
use std::path::Path;

use crate::support::binary::{run, words};

/// A configuration with this store and a file to read.
fn configure(folder: &Path, store: &str) {
    fs::write(folder.join("events.ndjson"), "").unwrap();
    let source = "[[source]]\nname = \"main\"\nkind = \"file\"\n[source.file]\npath = \"events.ndjson\"\n";
    fs::write(folder.join("pegboard.toml"), format!("[store]\nurl = \"{store}\"\n{source}")).unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the address of the test server is the test's own setting")]
fn a_store_moves_to_postgres_and_is_used_from_there() {
    let Ok(server) = std::env::var("PEGBOARD_TEST_POSTGRES") else {
        eprintln!("skipped: PEGBOARD_TEST_POSTGRES names no server");
        return;
    };
    let url = format!("{server}?schema=cli_{}", std::process::id());
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), "sqlite:hub.db");
    run(folder.path(), &words("token create --name wall-board --role viewer")).well();
    let copy = format!("store copy --from sqlite:hub.db --to {url}");
    let copied = run(folder.path(), &words(&copy)).well().text();
    assert!(copied.contains("tokens") && copied.contains("read back and are the same"), "{copied}");
    run(folder.path(), &words(&copy)).refused(1, &["is not empty", "?schema="]);

    configure(folder.path(), &url);
    let checked = run(folder.path(), &["check"]).well().text();
    assert!(checked.contains("holds a store of version ") && checked.contains(", PostgreSQL"), "{checked}");
    let tokens = run(folder.path(), &words("token list")).well().text();
    assert!(tokens.contains("wall-board"), "{tokens}");
}

#[test]
fn a_copy_needs_a_store_and_a_url_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &str, says: &[&str]| run(folder.path(), &words(arguments)).refused(64, says);
    refused("store copy --from sqlite:no.db --to postgres://hub@localhost/hub", &["no.db", "no such file"]);
    refused("store copy --from no.db --to postgres://hub@localhost/hub", &["sqlite:"]);
    for (secret, says) in [
        ("--to postgres://hub:hunter2@localhost/hub", "a password does not belong into the URL"),
        ("--to postgres://hub@localhost/hub --password hunter2", "name the place where it is kept"),
    ] {
        let told = run(folder.path(), &words(&format!("store copy --from sqlite:no.db {secret}")));
        told.refused(64, &[says]);
        assert!(!told.stderr.contains("hunter2"), "{}", told.stderr);
    }
}

/// What another program has written reads as damaged, until somebody says that it was meant.
#[test]
fn a_store_that_another_program_has_written_is_taken_as_it_is_when_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("hub.db");
    configure(folder.path(), "sqlite:hub.db");
    let run = |arguments: &str| run(folder.path(), &words(arguments));
    run("store reseal").refused(64, &["hub.db", "no such file"]);
    run("token create --name wall-board --role viewer").well();
    {
        let other = rusqlite::Connection::open(&store).unwrap();
        other.execute("UPDATE tokens SET name = 'the other board'", []).unwrap();
    }
    run("token list").refused(1, &["is not as it was written", "restore a backup", "pegboard store reseal"]);

    let resealed = run("store reseal").well().text();
    assert!(resealed.contains("taken as they are") && !resealed.starts_with("0 pages"), "{resealed}");
    let tokens = run("token list").well().text();
    assert!(tokens.contains("the other board"), "{tokens}");
    assert!(run("audit list").well().text().contains("store.resealed"));
    assert!(folder.path().join("hub.db.unsealed").exists());
    run("store reseal").refused(1, &["hub.db.unsealed", "move it away"]);
}

/// What was damaged so that pages do not fit together is nothing that any program has meant.
#[test]
fn a_store_whose_pages_do_not_fit_together_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("hub.db");
    configure(folder.path(), "sqlite:hub.db");
    run(folder.path(), &words("token create --name wall-board --role viewer")).well();
    let mut bytes = fs::read(&store).unwrap();
    // The heads of all pages but the first.
    bytes.chunks_mut(4096).skip(1).for_each(|page| page[..8].fill(0xff));
    fs::write(&store, &bytes).unwrap();
    run(folder.path(), &words("store reseal")).refused(1, &["does not read back"]);
    assert_eq!(fs::read(&store).unwrap(), bytes, "it is as it was");
}
