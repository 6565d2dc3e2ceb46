//! Lists that are shown a page at a time.

/// How many to ask for, to know whether there is a next page: one more than are shown.
pub(crate) const fn asked(limit: usize) -> usize {
    limit + 1
}

/// The page of what was found, where [one more](asked) was asked for, and by what the next one is asked for: the `key` of the last
/// that is shown.
pub(crate) fn cut<T, K>(mut found: Vec<T>, limit: usize, key: impl FnOnce(&T) -> K) -> (Vec<T>, Option<K>) {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(key);
    (found, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_of_the_next_one_only_where_there_is_one() {
        let numbers = |count: usize| (1..=count).collect::<Vec<_>>();
        assert_eq!(cut(numbers(3), 2, |last| last * 10), (vec![1, 2], Some(20)));
        assert_eq!(cut(numbers(2), 2, |last| last * 10), (vec![1, 2], None));
        assert_eq!(cut(Vec::<u8>::new(), 2, |last| *last), (Vec::new(), None));
    }
}
