//! The list of limits is true: what it names is there, and what is there is named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const LIST: &str = include_str!("../../../../docs/limits.md");

/// All Rust files below the crates, each with its text.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                // Others may be saving files while this runs.
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), &mut found);
    found
}

/// The rows of all tables.
fn rows() -> Vec<Vec<&'static str>> {
    let lines = LIST.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    lines.map(|line| line.split(" | ").collect()).filter(|cells: &Vec<_>| cells[0] != "what").collect()
}

/// What stands in back quotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn tests_of_limits(sources: &[(PathBuf, String)]) -> BTreeSet<&str> {
    let starts = sources.iter().flat_map(|(_, text)| text.split("fn r28_").skip(1));
    let names = starts.filter_map(|rest| rest.split_once('(')).map(|(name, _)| name);
    names.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')).collect()
}

#[test]
fn r28_every_limit_has_a_test_and_every_test_a_limit() {
    let sources = sources();
    let tests = tests_of_limits(&sources);
    let mut listed =
        BTreeSet::from(["every_limit_has_a_test_and_every_test_a_limit", "no_queue_is_without_a_limit"]);
    for row in rows() {
        assert_eq!(row.len(), 5, "{row:?}");
        assert!(quoted(row[4]).next().is_some(), "no test: {row:?}");
        for test in quoted(row[4]) {
            let name = test.strip_prefix("r28_").unwrap_or_else(|| panic!("{test} is not called r28_..."));
            assert!(tests.contains(name), "there is no test {test}: {row:?}");
            listed.insert(name);
        }
        for name in quoted(row[3]) {
            let is_there = sources.iter().any(|(path, text)| !is_test(path) && text.contains(name));
            assert!(is_there, "there is no {name}: {row:?}");
        }
    }
    let missing: Vec<_> = tests.difference(&listed).collect();
    assert_eq!(missing, [&""; 0], "tests of limits that docs/limits.md does not list");
}

#[test]
fn r28_no_queue_is_without_a_limit() {
    let words = [["unbounded", "_channel"].concat(), ["mpsc::", "unbounded"].concat()];
    for (path, text) in sources().iter().filter(|(path, _)| !is_test(path)) {
        for word in &words {
            assert!(!text.contains(word.as_str()), "{} has a queue without a limit", path.display());
        }
    }
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}
