//! Messages that were received and are not deleted yet. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Messages in hand, each until all objects that it told of are done with.
#[derive(Debug, Default)]
pub(super) struct Messages {
    next: u64,
    held: BTreeMap<u64, Held>,
    /// Of those that are done with, what they are deleted with.
    done: Vec<String>,
}

#[derive(Debug)]
struct Held {
    receipt: String,
    /// Objects that it told of, and are not done with.
    open: usize,
    /// From when on others may receive it.
    hidden_until: Instant,
}

impl Messages {
    /// Takes a message that tells of so many objects. Answers its number, under which they are done with one by one.
    pub(super) fn take(&mut self, receipt: String, objects: usize, hidden_until: Instant) -> u64 {
        self.next += 1;
        if objects == 0 {
            self.done.push(receipt);
        } else {
            self.held.insert(self.next, Held { receipt, open: objects, hidden_until });
        }
        self.next
    }

    /// One of the objects of message `number` is done with.
    pub(super) fn object_done(&mut self, number: u64) {
        let Some(held) = self.held.get_mut(&number) else { return };
        held.open -= 1;
        if held.open == 0
            && let Some(held) = self.held.remove(&number)
        {
            self.done.push(held.receipt);
        }
    }

    /// Leaves a message to whoever receives it next: one of its objects could not be fetched.
    pub(super) fn leave(&mut self, number: u64) {
        self.held.remove(&number);
    }

    /// What the next message that is done with is deleted with; it stays until it [was](Self::deleted).
    pub(super) fn to_delete(&self) -> Option<&str> {
        self.done.last().map(String::as_str)
    }

    /// The message that [`to_delete`](Self::to_delete) named is deleted.
    pub(super) fn deleted(&mut self) {
        self.done.pop();
    }

    /// A message that others may receive within `soon`, if there is one.
    pub(super) fn running_out(&self, now: Instant, soon: Duration) -> Option<(u64, &str)> {
        let first = self.held.iter().min_by_key(|(_, held)| held.hidden_until)?;
        (first.1.hidden_until <= now + soon).then_some((*first.0, first.1.receipt.as_str()))
    }

    /// Message `number` is hidden until then.
    pub(super) fn hidden(&mut self, number: u64, until: Instant) {
        if let Some(held) = self.held.get_mut(&number) {
            held.hidden_until = until;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_deleted_once_all_its_objects_are_done_with() {
        let (mut messages, now) = (Messages::default(), Instant::now());
        let first = messages.take("one".to_owned(), 2, now);
        messages.object_done(first);
        assert_eq!(messages.to_delete(), None);
        messages.object_done(first);
        assert_eq!(messages.to_delete(), Some("one"));
        assert_eq!(messages.to_delete(), Some("one"), "until it was deleted");
        messages.deleted();
        assert_eq!(messages.to_delete(), None);
    }

    #[test]
    fn a_message_without_objects_is_deleted_and_one_that_is_left_is_not() {
        let (mut messages, now) = (Messages::default(), Instant::now());
        messages.take("test".to_owned(), 0, now);
        assert_eq!(messages.to_delete(), Some("test"));
        messages.deleted();
        let left = messages.take("denied".to_owned(), 2, now);
        messages.object_done(left);
        messages.leave(left);
        messages.object_done(left);
        assert_eq!(messages.to_delete(), None);
    }

    #[test]
    fn the_message_that_runs_out_first_is_hidden_first() {
        let (mut messages, now) = (Messages::default(), Instant::now());
        let after = |seconds| now + Duration::from_secs(seconds);
        messages.take("late".to_owned(), 1, after(300));
        let soon = messages.take("soon".to_owned(), 1, after(100));
        assert_eq!(messages.running_out(now, Duration::from_secs(99)), None);
        assert_eq!(messages.running_out(now, Duration::from_secs(150)), Some((soon, "soon")));
        messages.hidden(soon, after(400));
        assert_eq!(messages.running_out(now, Duration::from_secs(150)), None);
    }
}
