//! Whatever somebody writes into a query, a cursor, a body or a configuration: an answer, and never a panic.

use std::path::Path;

use pegboard::api::{Access, ApiOptions, Rate, Transport};
use pegboard::config::{Config, queue_settings, statuses};
use pegboard_store::Cursor;

use crate::hub::{Ask, Hub};
use crate::mutate::{fuzz, lines};

#[test]
fn s35_cursors_are_hostile_and_read_back_as_they_were_written() {
    let id = "0123456789abcdef0123456789abcdef";
    let texts = [id.to_owned(), format!("{id}~acme=1"), format!("{id}~acme=18446744073709551615~b-2=7")];
    let corpus: Vec<_> = texts.iter().map(String::as_bytes).collect();
    fuzz("cursors", &corpus, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(cursor) = text.parse::<Cursor>() {
            assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
        }
    });
}

/// A hub that is asked without pause, and its answer to one request.
struct Asked {
    hub: Hub,
    runtime: tokio::runtime::Runtime,
}

impl Asked {
    fn new() -> Self {
        let mut options = ApiOptions::new(Access::Tokens, Transport::Plain);
        let always = Rate { per_second: 1e9, burst: 1e9 };
        (options.limits.requests, options.limits.sign_ins_each, options.limits.sign_ins_all) =
            (always, always, always);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { hub: Hub::with(options), runtime }
    }

    /// Asks, and holds the answer to what every answer is: no fault of the hub, and never the path of a source file.
    fn ask(&self, ask: Ask) {
        let answer = self.runtime.block_on(ask.token(&self.hub.admin).send(&self.hub.router));
        assert_ne!(answer.status, 500, "{}", answer.text);
        assert!(!answer.text.contains(".rs:"), "{}", answer.text);
    }
}

#[test]
fn s35_query_strings_are_hostile() {
    let asked = Asked::new();
    let corpus = lines(&[
        "source=acme&team=a%20b&class=talk&q=jane\nfrom=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z&format=csv\n\
                          before=5&limit=100\nsource=acme&source=globex&agent=a-1",
    ]);
    let paths =
        ["/api/v1/agents", "/api/v1/reports/segments", "/api/v1/dead-letters", "/api/v1/audit", "/metrics"];
    fuzz("query strings", &corpus, |bytes| {
        let query = String::from_utf8_lossy(bytes);
        let path = paths[query.len() % paths.len()];
        let address: String = format!("{path}?{query}").chars().take(8000).collect();
        // What is no address at all does not get past the HTTP layer.
        if address.parse::<axum::http::Uri>().is_ok() {
            asked.ask(Ask::get(&address));
        }
    });
}

#[test]
fn s35_bodies_are_hostile() {
    let asked = Asked::new();
    let corpus = lines(&["{\"token\": \"pgb_0123456789012345678901234567890123456789012\"}\n\
                          {\"name\": \"wall\", \"role\": \"viewer\", \"sources\": [\"acme\"], \"expires\": \"2127-01-01T00:00:00Z\"}"]);
    fuzz("bodies", &corpus, |bytes| {
        let path = ["/api/v1/session", "/api/v1/tokens"][bytes.len() % 2];
        let ask = Ask::new("POST", path).header("content-type", "application/json");
        asked.ask(ask.body(bytes.to_vec()));
    });
}

/// A file in memory, as far as the machine has that.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

#[test]
fn s35_configurations_are_hostile_and_every_fault_has_its_words() {
    let folder = scratch();
    let path = folder.path().join("pegboard.toml");
    let least = "[[source]]\nname = \"a\"\nkind = \"file\"\n[source.file]\npath = \"x\"\n";
    let template = pegboard::config::template();
    fuzz("configurations", &[template.as_bytes(), least.as_bytes()], |bytes| {
        std::fs::write(&path, bytes).unwrap();
        if let Err(errors) = Config::load(&path) {
            assert!(!errors.to_string().trim().is_empty());
        }
    });
}

#[test]
fn s35_tables_of_statuses_and_queues_are_hostile() {
    let folder = scratch();
    let path = folder.path().join("table.csv");
    let statuses_csv = "StateName,StateType\nAvailable,A\n\"Lunch, late\",0\nBreak,1\n";
    let queues_csv = "queue,service_level_s,short_abandon_s\nSales,20,5\n\"Support, EN\",12.5,0.005\n";
    fuzz("tables", &[statuses_csv.as_bytes(), queues_csv.as_bytes()], |bytes| {
        std::fs::write(&path, bytes).unwrap();
        let told = [statuses::read(&path).err(), queue_settings::read(&path).err()];
        assert!(told.into_iter().flatten().all(|errors| !errors.to_string().trim().is_empty()));
    });
}
