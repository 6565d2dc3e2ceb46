//! What all targets have in common.

use std::fs;
use std::path::Path;

/// Writes the corpus of a target to where libFuzzer keeps it, and hands it whatever libFuzzer makes of it.
macro_rules! target {
    ($target:ident) => {
        libfuzzer_sys::fuzz_target!(
            init: crate::target::plant(stringify!($target), &$target::corpus()),
            |bytes: &[u8]| $target::take(bytes)
        );
    };
}
pub(crate) use target;

/// Each seed in a file of its own, as far as it is not there.
pub(crate) fn plant(name: &str, corpus: &[Vec<u8>]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    fs::create_dir_all(&folder).expect("the folder of the corpus can be made");
    for (number, seed) in corpus.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:03}")), seed).expect("a seed can be written");
    }
}
