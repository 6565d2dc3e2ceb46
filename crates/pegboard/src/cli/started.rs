//! What the audit log says when the hub starts: which program, where, and by which configuration.

use std::fmt::Debug;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pegboard_store::{AuditEntry, Store, StoreError};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::api::audit::{Actor, Deed, write};
use crate::clock;
use crate::config::{Config, ServerSettings};

const ACTION: &str = "hub.started";

/// How far back the start before this one is looked for, in entries.
const LOOK_BACK: usize = 1000;

/// Notes that the hub starts and listens there, with the configuration of the start before beside the one of now.
pub(super) async fn note(
    store: &dyn Store,
    fingerprint: String,
    listens: SocketAddr,
) -> Result<(), StoreError> {
    let newest = store.audit(None, LOOK_BACK).await?;
    let last = newest.iter().find(|entry| &*entry.what.action == ACTION);
    let before = last.and_then(told);
    let version = env!("CARGO_PKG_VERSION");
    let after = json!({"version": version, "configuration": fingerprint, "listens": listens.to_string()});
    if before.as_ref().is_some_and(|before| before["configuration"] != after["configuration"]) {
        tracing::info!("the configuration has changed since the last start");
    }
    let deed = Deed { action: ACTION, subject: "hub".to_owned(), before, after: Some(after) };
    write(store, clock::system(), Actor::hub(), deed).await.map(drop)
}

fn told(entry: &AuditEntry) -> Option<Value> {
    serde_json::from_str(entry.what.after.as_deref()?).ok()
}

/// A hash of the effective configuration, side files included and secrets not: of those it has the references only. Where
/// the hub listens is not in it: several nodes of one configuration share the log, each at an address of its own.
pub(super) fn fingerprint(config: &Config) -> String {
    let mut hash = Sha256::new();
    let server = ServerSettings { listen: ServerSettings::default().listen, ..config.server.clone() };
    let parts: [&dyn Debug; 2] = [&server, &config.log];
    let sources = config.sources.iter().map(|source| source as &dyn Debug);
    let sinks = config.sinks.iter().map(|sink| sink as &dyn Debug);
    let outlets = config.outlets.iter().map(|outlet| outlet as &dyn Debug);
    hash.update(config.store.to_string());
    for part in parts.into_iter().chain(sources).chain(sinks).chain(outlets) {
        for line in settled(&format!("{part:#?}")) {
            hash.update(line);
            hash.update("\n");
        }
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..16])
}

/// The lines of a value that was shown at length, each with what it stands in, in an order that does not depend on that of
/// hash tables.
fn settled(shown: &str) -> Vec<String> {
    let mut within: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for line in shown.lines().map(str::trim) {
        if line.starts_with(['}', ']', ')']) {
            within.pop();
        } else {
            lines.push(format!("{} {line}", within.join(" ")));
        }
        if line.ends_with(['{', '[', '(']) {
            within.push(line);
        }
    }
    lines.sort_unstable();
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const BASE: &str = "[[source]]\nname = \"a\"\nkind = \"file\"\n[source.file]\npath = \"x\"\n";

    fn of(text: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        fingerprint(&load(folder.path(), text))
    }

    fn load(folder: &Path, text: &str) -> Config {
        std::fs::write(folder.join("pegboard.toml"), text).expect("a file");
        Config::load(&folder.join("pegboard.toml")).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn s37_a_fingerprint_is_that_of_the_settings_and_of_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = fingerprint(&load(folder.path(), BASE));
        let commented = format!("# a comment\n{BASE}");
        assert_eq!(fingerprint(&load(folder.path(), &commented)), first);
        let changed = BASE.replace("name = \"a\"", "name = \"b\"");
        assert_ne!(fingerprint(&load(folder.path(), &changed)), first);
        let elsewhere = format!("[server]\nlisten = \"127.0.0.1:9090\"\n{BASE}");
        assert_eq!(fingerprint(&load(folder.path(), &elsewhere)), first, "another node of the same hub");
        assert_eq!(first.len(), 22);
        assert_ne!(of(BASE), "", "another folder is another configuration");
    }

    #[test]
    fn what_stands_in_hash_tables_has_no_order() {
        let one = settled(
            "A {\n    m: {\n        \"x\": B {\n            n: 1,\n        },\n        \"y\": 2,\n    },\n}",
        );
        let two = settled(
            "A {\n    m: {\n        \"y\": 2,\n        \"x\": B {\n            n: 1,\n        },\n    },\n}",
        );
        assert_eq!(one, two);
        let swapped = settled(
            "A {\n    m: {\n        \"y\": B {\n            n: 1,\n        },\n        \"x\": 2,\n    },\n}",
        );
        assert_ne!(one, swapped);
    }
}
