//! Real samples, which are not part of the repository.

/// The text of a sample of Amazon Connect; nothing, said on standard error, where the samples are not at hand.
pub(crate) fn shared(name: &str) -> Option<String> {
    let path = format!("{}/../../../shared/data/amazon-connect/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path);
    if text.is_err() {
        eprintln!("skipped: there is no sample at {path}");
    }
    text.ok()
}
