//! What must stay secret, and where secrets come from.

use std::path::Path;

use proptest::prelude::*;

use super::super::{InvalidSecretRef, MAX_SECRET_BYTES, SecretError, SecretRef};
use super::{LEAST, read};

/// A secret that could be told by nothing but a leak.
const CANARY: &str = "Canary+7f/secret==";

#[test]
fn s20_no_message_shows_what_may_be_a_secret() {
    let kinesis = "[[source]]\nname = \"a\"\nkind = \"amazon-connect\"\n[source.kinesis]\nstream = \"s\"\n";
    let files = [
        format!("{kinesis}secret_access_key = \"{CANARY}\"\n"),
        format!("{kinesis}access_key_id = \"env:{CANARY}\"\n"),
        format!("{kinesis}session_token = \"aws-secret:{CANARY}\"\n"),
        format!("{kinesis}session_token = [\"{CANARY}\"]\n"),
        format!("{kinesis}secret_acces_key = \"{CANARY}\"\n"),
        format!("{kinesis}secret_access_key = \"\"\"\n{CANARY}\nx\"\"\"\n"),
        // Somewhere else on the line of a fault.
        LEAST.replace("file.path = \"events\"", &format!("file = {{ password = '{CANARY}', path = 5 }}")),
        format!("{kinesis}secret_access_key = \"env:A\"\nsecret_access_key = \"{CANARY}\"\n"),
        LEAST
            .replace("file.path = \"events\"", &format!("file = {{ path = 'x', path = '{CANARY}', x = 1 }}")),
        // Passwords in URLs.
        format!("[store]\nurl = \"postgres://pegboard:{CANARY}@db/hub\"\n{LEAST}"),
        format!("[store]\nurl = \"mysql://pegboard:{CANARY}@db/hub\"\n{LEAST}"),
        format!("[server]\npublic_url = \"https://admin:{CANARY}@pegboard.example\"\n{LEAST}"),
        format!("{kinesis}endpoint = \"https://admin:{CANARY}@localhost\"\n"),
        // Where a table belongs.
        format!("log = \"{CANARY}\"\n{LEAST}"),
        format!("source = [\"{CANARY}\"]\n"),
        format!("source = \"{CANARY}\"\n"),
        format!("{kinesis}[source.kinesis.credentials]\nkey = \"{CANARY}\"\n"),
        // What cannot be parsed.
        format!("{kinesis}secret_access_key = \"{CANARY}\n"),
        format!("{kinesis}secret_access_key = {CANARY}\n"),
        format!("{kinesis}secret_access_key \"{CANARY}\"\n"),
        format!("{kinesis}secret_access_key = \"\"\"\n{CANARY}\n{CANARY} \\q\n\"\"\"\n"),
        format!("{kinesis}secret_access_key = '''\n{CANARY}\n'''''' \n"),
        format!("{kinesis}[\"{CANARY}\n"),
    ];
    for file in files {
        let errors = read(&file).expect_err(&file);
        let told = format!("{errors}\n{errors:?}");
        assert!(!told.contains("Canary") && !told.contains("7f/secret"), "{file}\n---\n{told}");
    }
}

proptest! {
    /// Files with a secret in the wrong place, damaged at random but for the secret.
    #[test]
    fn s20_no_damage_brings_a_secret_to_light(
        quote in prop::sample::select(vec!["\"", "'", "\"\"\"", "'''", "\"\"\"\n", "'''\n", ""]),
        shape in prop::sample::select(vec![
            "KINESIS\nsecret_access_key = SECRET\nregion = \"x\"\n",
            "KINESIS\naccess_key_id = SECRET # why\nsecret_access_key = SECRET\nmax_records = 0\n",
            "[store]\nurl = \"sqlite:a\"\npassword = SECRET\nKINESIS\n",
            "[[source]]\nkinesis = { stream = 5, session_token = SECRET, x = [SECRET] }\nname = \"A\"\n",
        ]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{}\"'=,.#\n a]{0,2}"), 0..4),
    ) {
        let kinesis = "[[source]]\nname = \"a\"\nkind = \"amazon-connect\"\n[source.kinesis]\nstream = \"s\"";
        // A character of the private use area stands for the secret, so that damage leaves it whole.
        let secret = format!("{quote}\u{e000}{quote}");
        let mut text: Vec<char> = shape.replace("KINESIS", kinesis).replace("SECRET", &secret).chars().collect();
        for (place, instead) in damage {
            let at = place.index(text.len());
            if text[at] != '\u{e000}' {
                text.splice(at..=at, instead.chars());
            }
        }
        let file = String::from_iter(text).replace('\u{e000}', CANARY);
        if let Err(errors) = read(&file) {
            let told = format!("{errors}\n{errors:?}");
            prop_assert!(!told.contains("Canary") && !told.contains("7f/secret"), "{}\n---\n{}", file, errors);
        }
    }
}

#[test]
fn s20_a_secret_shows_nothing_of_itself() {
    let secret = super::super::Secret::new(CANARY.to_owned());
    assert_eq!(format!("{secret} {secret:?} {:#?}", Some(&secret)), "*** *** Some(\n    ***,\n)");
    assert_eq!(secret.expose(), CANARY);
}

#[test]
fn a_reference_names_a_place() {
    let parse = |text| SecretRef::parse(text, Path::new("/etc/pegboard"));
    assert_eq!(parse("env:AWS_KEY_2"), Ok(SecretRef::Env("AWS_KEY_2".to_owned())));
    assert_eq!(parse("file:key"), Ok(SecretRef::File("/etc/pegboard/key".into())));
    assert_eq!(parse("file:/run/key"), Ok(SecretRef::File("/run/key".into())));
    for name in ["env:", "env:2A", "env:A-B", "env:$A", "env: A", "env:Ä"] {
        assert_eq!(parse(name), Err(InvalidSecretRef::EnvName), "{name}");
    }
    assert_eq!(parse("file:"), Err(InvalidSecretRef::NoPath));
    assert_eq!(parse("aws-secret:wfm"), Err(InvalidSecretRef::AwsSecret));
    assert_eq!(parse("hunter2"), Err(InvalidSecretRef::Literal));
    assert_eq!(parse("ENV:A"), Err(InvalidSecretRef::Literal));
}

#[test]
fn a_secret_comes_from_the_environment() {
    // Cargo sets this for every test.
    let name = SecretRef::Env("CARGO_PKG_VERSION".to_owned()).resolve().expect("set");
    assert_eq!(name.expose(), env!("CARGO_PKG_VERSION"));
    let unset = SecretRef::Env("PEGBOARD_TEST_NOT_SET".to_owned()).resolve();
    assert!(matches!(unset, Err(SecretError::Unset(name)) if name == "PEGBOARD_TEST_NOT_SET"));
}

#[cfg(unix)]
mod files {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// What a file with this content and mode resolves to.
    fn resolve(content: &[u8], mode: u32) -> Result<String, SecretError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        SecretRef::File(path).resolve().map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn a_secret_is_the_whole_file_but_for_one_line_end() {
        for (content, secret) in
            [("key", "key"), ("key\n", "key"), ("key\r\n", "key"), ("key\n\n", "key\n"), (" a\nb ", " a\nb ")]
        {
            assert_eq!(resolve(content.as_bytes(), 0o600).unwrap(), secret, "{content:?}");
        }
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        for mode in [0o600, 0o400] {
            assert!(resolve(b"key", mode).is_ok(), "{mode:o}");
        }
        for mode in [0o640, 0o604, 0o620, 0o610, 0o700, 0o644, 0o4600] {
            let refused = resolve(b"key", mode);
            assert!(
                matches!(refused, Err(SecretError::TooOpen { mode: told, .. }) if told == mode),
                "{mode:o}"
            );
        }
    }

    #[test]
    fn r28_a_secret_has_a_length() {
        let longest = usize::try_from(MAX_SECRET_BYTES).unwrap();
        assert!(resolve(&vec![b'x'; longest], 0o600).is_ok());
        assert!(matches!(resolve(&vec![b'x'; longest + 1], 0o600), Err(SecretError::TooLong(_))));
        assert!(matches!(resolve(b"\n", 0o600), Err(SecretError::Empty(_))));
    }

    #[test]
    fn a_file_that_is_not_there_or_not_text_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let missing = SecretRef::File(folder.path().join("none")).resolve();
        assert!(matches!(missing, Err(SecretError::Unreadable { .. })));
        assert!(matches!(resolve(b"caf\xe9", 0o600), Err(SecretError::Unreadable { .. })));
    }
}
