//! Rows that are found by a name.

use std::collections::HashMap;
use std::sync::Arc;

use pegboard_model::Text;

/// Rows by the name that each is for, whatever its case. A copy costs nothing: whatever is encoded has one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rows<R>(Arc<Found<R>>);

#[derive(Debug, PartialEq, Eq)]
struct Found<R> {
    rows: Vec<R>,
    by_name: HashMap<String, Vec<usize>>,
}

impl<R> Clone for Rows<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self(Arc::new(Found { rows: Vec::new(), by_name: HashMap::new() }))
    }
}

impl<R> Rows<R> {
    pub(super) fn new(rows: Vec<R>, name: impl Fn(&R) -> &Text) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, row) in rows.iter().enumerate() {
            by_name.entry(name(row).to_lowercase()).or_default().push(place);
        }
        Self(Arc::new(Found { rows, by_name }))
    }

    pub(super) fn all(&self) -> &[R] {
        &self.0.rows
    }

    /// The rows for any of two names.
    pub(super) fn named(&self, names: [&str; 2]) -> impl Iterator<Item = &R> {
        let [first, second] =
            names.map(|name| if self.0.rows.is_empty() { String::new() } else { name.to_lowercase() });
        let places = |name: &str| self.0.by_name.get(name).into_iter().flatten();
        let others = if first == second { None } else { Some(places(&second)) };
        places(&first).chain(others.into_iter().flatten()).map(|place| &self.0.rows[*place])
    }
}
