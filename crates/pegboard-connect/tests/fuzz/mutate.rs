//! Hostile input without end, the same in every run: mutations of good input, drawn from a seed.
//!
//! A short run is bounded by count, so that it is the same on every machine; a long one by time, from a seed of its own:
//! `PEGBOARD_FUZZ_SECONDS` for each target, `PEGBOARD_FUZZ_SEED`. An input that fails is shown whole: it becomes a test.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Inputs of a short run.
const SHORT: u64 = 20_000;

/// The longest input.
const MOST: usize = 1 << 16;

/// Pieces on which decoders have stumbled, here and elsewhere.
const WORDS: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "\r\n",
    "\u{feff}",
    "\0",
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "-",
    "0",
    "-0",
    "1e999",
    "1E-999",
    "18446744073709551616",
    "9223372036854775807",
    "-9223372036854775808",
    "0.1",
    "\\u0000",
    "\\ud800",
    "\\udc00\\ud800",
    "\\\"",
    "+00:00",
    "Z",
    "T24:00:00Z",
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "-000001-01-01T00:00:00Z",
    "[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    "AgentARN",
    "EventId",
    "CurrentAgentSnapshot",
    "ContactId",
    "Contacts",
    "Queue",
    "Duration",
    "arn:aws:connect:",
    "/agent/",
    "=1+1",
    "'''",
    "\"\"\"",
    "[[source]]",
    "é",
    "\u{202e}",
    "%00",
    "%zz",
    "&",
    "=",
    "~",
    ";",
    "StartInterval",
    "1:60:00",
    "9999999999999",
    "100%",
];

/// A generator of numbers whose stream never changes (`SplitMix64`).
#[derive(Debug, Clone)]
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    /// A piece of `bytes`: short ones more often than long ones.
    fn piece(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        let room = bytes.len() - start;
        let most = 1 << self.below(12);
        let length = self.below(most).min(room);
        start..start + length
    }
}

/// One of the corpus, changed in one to eight ways.
fn mutated(corpus: &[&[u8]], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = numbers.of(corpus).to_vec();
    for _ in 0..=numbers.below(8) {
        change(&mut bytes, corpus, numbers);
    }
    bytes.truncate(MOST);
    bytes
}

fn change(bytes: &mut Vec<u8>, corpus: &[&[u8]], numbers: &mut Numbers) {
    let at = numbers.below(bytes.len() + 1);
    match numbers.below(10) {
        0 | 1 => insert(bytes, at, numbers.of(WORDS).as_bytes()),
        2 => {
            let range = numbers.piece(bytes);
            let word = numbers.of(WORDS).bytes();
            bytes.splice(range, word);
        }
        3 => drop(bytes.drain(numbers.piece(bytes))),
        4 => {
            let copy = bytes[numbers.piece(bytes)].to_vec();
            insert(bytes, at, &copy);
        }
        5 => {
            let other = numbers.of(corpus);
            let piece = other[numbers.piece(other)].to_vec();
            insert(bytes, at, &piece);
        }
        6 => bytes.truncate(at),
        7 => {
            let word = numbers.of(WORDS).repeat(1 << numbers.below(9));
            insert(bytes, at, word.as_bytes());
        }
        _ if at < bytes.len() => {
            let flip = 1_u8 << numbers.below(8);
            bytes[at] =
                if numbers.below(2) == 0 { bytes[at] ^ flip } else { numbers.next().to_be_bytes()[0] };
        }
        _ => bytes.push(numbers.next().to_be_bytes()[0]),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// How long a run is.
enum Length {
    Count(u64),
    Time(Duration),
}

#[expect(clippy::disallowed_methods, reason = "how long a run of this test is, is its own setting")]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Hands mutations of the corpus to `target`, which panics where one is not taken as it should be. Says how many there
/// were, and how long the slowest took.
#[allow(clippy::print_stderr, reason = "what a long run tells; as a part of a library it may print anyway")]
pub(crate) fn fuzz(name: &str, corpus: &[Vec<u8>], target: impl Fn(&[u8])) {
    let corpus: Vec<&[u8]> = corpus.iter().map(Vec::as_slice).collect();
    let length = setting("PEGBOARD_FUZZ_SECONDS")
        .map_or(Length::Count(SHORT), |seconds| Length::Time(Duration::from_secs(seconds)));
    let seed = setting("PEGBOARD_FUZZ_SEED").unwrap_or(1);
    for good in &corpus {
        target(good);
    }
    let started = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut run = 0;
    while match length {
        Length::Count(count) => run < count,
        Length::Time(time) => started.elapsed() < time,
    } {
        let mut numbers = Numbers(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ run);
        let input = mutated(&corpus, &mut numbers);
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| target(&input)));
        slowest = slowest.max(begun.elapsed());
        assert!(outcome.is_ok(), "{name}, seed {seed}, run {run}: b\"{}\"", input.escape_ascii());
        run += 1;
    }
    eprintln!("{name}: {run} inputs in {:?}, the slowest {slowest:?}", started.elapsed());
    assert!(slowest < Duration::from_secs(5), "{name}: an input of 64 KiB took {slowest:?}");
}
