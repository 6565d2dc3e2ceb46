//! Limits of what comes in, as whoever uses the crate meets them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use pegboard_connect::framing::frames;
use pegboard_connect::sources::amazon_connect::Decoder;
use pegboard_connect::sources::file::FileSource;
use pegboard_connect::spec::Source as _;
use pegboard_model::{Order, Position, Timestamp};

const FILES: usize = 10_000;

fn touch(folder: &Path, number: usize) {
    std::fs::write(folder.join(format!("{number:05}.json")), "{}\n").unwrap();
}

#[tokio::test]
async fn r28_a_folder_has_10_000_files_at_most() {
    let folder = tempfile::tempdir().unwrap();
    (0..FILES).for_each(|number| touch(folder.path(), number));
    let source = FileSource::new(folder.path().to_owned(), false, Arc::new(|| Timestamp::from_seconds(0)));
    assert_eq!(source.plan(&BTreeMap::new()).await.unwrap().open.len(), FILES);
    touch(folder.path(), FILES);
    let refused = source.plan(&BTreeMap::new()).await.unwrap_err();
    assert!(refused.message.contains("more than 10000 files: move old ones away"), "{}", refused.message);
}

/// An event with a field that no decoder knows, nested so deep that the whole has `depth` levels.
fn nested(depth: usize) -> String {
    let inner = "[".repeat(depth - 1) + &"]".repeat(depth - 1);
    format!(
        r#"{{"AgentARN":"a/1","EventId":"e","EventTimestamp":"2026-03-02T08:03:00Z","EventType":"HEART_BEAT","CurrentAgentSnapshot":{{"AgentStatus":{{"ARN":"s/1","Name":"Available","StartTimestamp":"2026-03-02T08:03:00Z"}},"Configuration":{{"Username":"ann"}},"Contacts":[]}},"Unknown":{inner}}}"#
    )
}

#[test]
fn r28_a_record_in_a_file_is_nested_127_levels_deep_at_most() {
    let is_framed = |depth| frames(nested(depth).as_bytes()).all(|frame| frame.is_ok());
    assert!(is_framed(127));
    assert!(!is_framed(128));
}

/// A stream has no framing: what no decoder knows is skipped there without going down into it.
#[test]
fn r28_no_depth_of_a_record_of_a_stream_is_a_danger_to_the_stack() {
    let order = Order { partition: "test".into(), position: Position::Number(1) };
    for depth in [127, 128, 500_000] {
        let decoded = Decoder::new().decode(nested(depth).as_bytes(), order.clone());
        assert!(decoded.is_ok() || depth > 127, "{decoded:?}");
    }
}
