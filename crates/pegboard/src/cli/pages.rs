//! Lists that come in pages.

use std::ops::ControlFlow;

use serde_json::Value;

use super::Failure;

/// A page of a list.
#[derive(Debug)]
pub(super) struct Page<T, N> {
    pub(super) items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub(super) next: Option<N>,
}

impl Page<Value, String> {
    /// The page that the hub answers with; its items are in `list`.
    pub(super) fn of(mut answer: Value, list: &str) -> Self {
        let items = match answer[list].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        };
        let next = match answer["next"].take() {
            Value::Null => None,
            Value::String(text) => Some(text),
            number => Some(number.to_string()),
        };
        Self { items, next }
    }
}

/// Hands at most `limit` items to `take`, from `start` on, until there are no more of them or it has enough. At most `size` of them
/// are fetched at once.
pub(super) async fn each<T, N>(
    limit: usize,
    size: usize,
    start: Option<N>,
    mut fetch: impl AsyncFnMut(usize, Option<N>) -> Result<Page<T, N>, Failure>,
    mut take: impl FnMut(T) -> Result<ControlFlow<()>, Failure>,
) -> Result<(), Failure> {
    let (mut left, mut from) = (limit, start);
    while left > 0 {
        let page = fetch(left.min(size), from).await?;
        left = left.saturating_sub(page.items.len());
        for item in page.items {
            if take(item)?.is_break() {
                return Ok(());
            }
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The numbers below ten, by pages, as far as they are wanted.
    async fn seen(limit: usize, enough: usize) -> (Vec<usize>, Vec<usize>) {
        let (mut seen, mut asked) = (Vec::new(), Vec::new());
        let fetch = async |size: usize, from: Option<usize>| {
            asked.push(size);
            let from = from.unwrap_or(0);
            let end = (from + size).min(10);
            Ok(Page { items: (from..end).collect(), next: (end < 10).then_some(end) })
        };
        let take = |number| {
            seen.push(number);
            Ok(if seen.len() == enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        each(limit, 4, None, fetch, take).await.unwrap();
        (seen, asked)
    }

    #[tokio::test]
    async fn pages_are_fetched_until_there_is_enough() {
        assert_eq!(seen(99, 99).await, ((0..10).collect(), vec![4, 4, 4]));
        assert_eq!(seen(5, 99).await, ((0..5).collect(), vec![4, 1]));
        assert_eq!(seen(99, 3).await, ((0..3).collect(), vec![4]));
        assert_eq!(seen(0, 99).await, (vec![], vec![]));
    }

    #[test]
    fn the_next_page_begins_at_a_number_or_a_text() {
        let next = |next: Value| Page::of(json!({"rows": [1], "next": next}), "rows").next;
        assert_eq!(
            [next(json!(7)), next(json!("u@t")), next(Value::Null)],
            [Some("7".to_owned()), Some("u@t".to_owned()), None]
        );
    }
}
