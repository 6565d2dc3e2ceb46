//! Which objects are read next, and which were read lately. Pure.

use std::collections::{BinaryHeap, HashSet, VecDeque};

use pegboard_aws::Listed;

/// The most objects that one listing chooses, the oldest of those that were not read.
pub(super) const MOST_CHOSEN: usize = 10_000;

/// The most objects that are remembered as read. Twice as many as a listing chooses.
pub(super) const MOST_REMEMBERED: usize = 2 * MOST_CHOSEN;

/// An object to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) key: String,
    /// The same key in another spelling, to be tried where there is none of the first.
    pub(super) otherwise: Option<String>,
    /// What names its content, where it is known.
    pub(super) etag: Option<String>,
    /// When it was written, in milliseconds since 1970 UTC, where it is known.
    pub(super) modified_ms: Option<i64>,
    /// How much of it is done with.
    pub(super) offset: u64,
    /// The message that told of it.
    pub(super) message: Option<u64>,
    /// Whether it is read although it was read before.
    pub(super) again: bool,
}

/// The oldest objects of a listing.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// The newest on top.
    oldest: BinaryHeap<(i64, String, String)>,
    most: usize,
    /// Whether there are more than were chosen.
    is_cut: bool,
}

impl Choice {
    pub(super) fn of(most: usize) -> Self {
        Self { oldest: BinaryHeap::new(), most, is_cut: false }
    }

    pub(super) fn offer(&mut self, listed: Listed) {
        self.oldest.push((listed.modified_ms, listed.key, listed.etag));
        if self.oldest.len() > self.most {
            self.oldest.pop();
            self.is_cut = true;
        }
    }

    /// What was chosen, the oldest first, and up to when nothing is missing in it; everything, if nothing was left out.
    pub(super) fn finish(self) -> (VecDeque<Found>, Option<i64>) {
        let chosen = self.oldest.into_sorted_vec();
        // Of the last second some may have been left out.
        let up_to = chosen.last().filter(|_| self.is_cut).map(|(modified_ms, ..)| *modified_ms - 1);
        let found = chosen.into_iter().map(|(modified_ms, key, etag)| Found {
            key,
            otherwise: None,
            etag: Some(etag),
            modified_ms: Some(modified_ms),
            offset: 0,
            message: None,
            again: false,
        });
        (found.collect(), up_to)
    }
}

/// The objects that were read last: what is told of twice is read once.
#[derive(Debug, Default)]
pub(super) struct Recent {
    known: HashSet<(String, String)>,
    order: VecDeque<(String, String)>,
}

impl Recent {
    /// Whether this content of this object was read. Without a content nobody knows.
    pub(super) fn has(&self, key: &str, etag: Option<&str>) -> bool {
        etag.is_some_and(|etag| self.known.contains(&(key.to_owned(), bare(etag))))
    }

    pub(super) fn note(&mut self, key: &str, etag: &str) {
        let read = (key.to_owned(), bare(etag));
        if !self.known.insert(read.clone()) {
            return;
        }
        self.order.push_back(read);
        if self.order.len() > MOST_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

/// Notifications write it without quotes, everything else with them.
fn bare(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(key: &str, modified_ms: i64) -> Listed {
        Listed { key: key.to_owned(), modified_ms, etag: format!("\"{key}\""), length: 1 }
    }

    fn keys(found: &VecDeque<Found>) -> Vec<&str> {
        found.iter().map(|found| found.key.as_str()).collect()
    }

    #[test]
    fn r28_the_oldest_objects_are_chosen_first_and_only_so_many() {
        let mut choice = Choice::of(2);
        for (key, modified) in [("c", 3000), ("a", 1000)] {
            choice.offer(listed(key, modified));
        }
        let (found, up_to) = choice.finish();
        assert_eq!((keys(&found), up_to), (vec!["a", "c"], None));
        let mut choice = Choice::of(2);
        for (key, modified) in [("c", 3000), ("a", 1000), ("b", 2000)] {
            choice.offer(listed(key, modified));
        }
        let (found, up_to) = choice.finish();
        assert_eq!((keys(&found), up_to), (vec!["a", "b"], Some(1999)));
    }

    #[test]
    fn r28_only_so_many_objects_are_remembered() {
        let mut recent = Recent::default();
        for number in 0..MOST_REMEMBERED {
            recent.note(&number.to_string(), "\"e\"");
        }
        assert!(recent.has("0", Some("e")), "with quotes or without");
        assert!(!recent.has("0", Some("f")) && !recent.has("0", None));
        recent.note("one more", "e");
        assert!(!recent.has("0", Some("e")) && recent.has("1", Some("e")));
        assert_eq!(recent.known.len(), MOST_REMEMBERED);
    }
}
