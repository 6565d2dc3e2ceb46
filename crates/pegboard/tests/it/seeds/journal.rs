//! What happened in a simulation: its trace, which faults fired, and what was found wrong.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use pegboard_sim::random::Random;

use super::clock;

/// How often each kind of fault fired.
pub(super) type Fired = BTreeMap<&'static str, u64>;

/// How many lines before a failure are shown.
const SHOWN: usize = 40;

#[derive(Debug, Default)]
pub(super) struct Journal {
    inner: Mutex<Inner>,
    /// No more faults, so that everything can come to its end.
    calm: AtomicBool,
}

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<String>,
    fired: Fired,
    wrong: Option<String>,
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Adds a line to the trace, with the time.
    pub(super) fn note(&self, line: &str) {
        self.lock().lines.push(format!("{} {line}", clock::hub()));
    }

    /// Decides whether a fault fires, and counts it.
    pub(super) fn fires(&self, kind: &'static str, probability: f64, random: &mut Random) -> bool {
        // The number is drawn in any case, so that a fault that is left out shifts nothing behind it.
        let fires = random.chance(probability) && !self.is_calm();
        if fires {
            self.count(kind);
        }
        fires
    }

    /// Counts something that must have happened somewhere, or the simulation shows nothing.
    pub(super) fn count(&self, kind: &'static str) {
        self.note(kind);
        *self.lock().fired.entry(kind).or_default() += 1;
    }

    pub(super) fn calm_down(&self) {
        self.calm.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }

    /// Says what is wrong. Not a panic: the hub survives panics of its parts.
    pub(super) fn wrong(&self, what: String) {
        self.lock().wrong.get_or_insert(what);
    }

    /// The same unless `right`.
    pub(super) fn check(&self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            self.wrong(what());
        }
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.lock().wrong.is_some()
    }

    /// Fails if anything is wrong, with what happened last.
    #[track_caller]
    pub(super) fn assert_right(&self) {
        let inner = self.lock();
        if let Some(wrong) = &inner.wrong {
            let last = inner.lines.len().saturating_sub(SHOWN);
            let file = std::env::temp_dir().join("pegboard-seed.trace");
            std::fs::write(&file, inner.lines.join("\n")).unwrap();
            let (file, lines) = (file.display(), inner.lines[last..].join("\n"));
            panic!("{wrong}\nbefore that, and all of it in {file}:\n{lines}");
        }
    }

    /// The trace.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.lock().lines.iter().for_each(|line| hasher.write(line.as_bytes()));
        hasher.finish()
    }

    pub(super) fn fired(&self) -> Fired {
        self.lock().fired.clone()
    }
}
