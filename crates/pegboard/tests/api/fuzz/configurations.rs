//! A configuration file.

use pegboard::config::Config;

use super::scratch::Scratch;

thread_local! {
    static FILE: Scratch = Scratch::new("pegboard.toml");
}

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let least = "[[source]]\nname = \"a\"\nkind = \"file\"\n[source.file]\npath = \"x\"\n";
    vec![pegboard::config::template().into(), least.into()]
}

/// Every fault has its words.
pub(crate) fn take(bytes: &[u8]) {
    let read = FILE.with(|file| Config::load(file.holding(bytes)));
    if let Err(errors) = read {
        assert!(!errors.to_string().trim().is_empty());
    }
}
