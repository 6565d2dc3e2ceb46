//! What moves when a store is copied into another kind of database: tables, row by row, as they are.

use sha2::{Digest as _, Sha256};

/// How many rows move at once.
pub(crate) const CHUNK: usize = 2000;

/// A table that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    /// The greatest number that was ever given to a row, where rows are numbered.
    pub(crate) last_number: Option<i64>,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number, an instant, or yes and no as 1 and 0.
    Number(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// Rows of one table, each with a value for every column.
pub(crate) type Rows = Vec<Vec<Value>>;

/// A table that was copied, and read back from where it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// What its rows add up to: the same on both sides.
    pub checksum: String,
}

/// What rows add up to, in whatever order they come: the sum of a hash of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Checksum {
    pub(crate) rows: u64,
    sum: u128,
}

impl Checksum {
    pub(crate) fn add(&mut self, row: &[Value]) {
        let mut hash = Sha256::new();
        for value in row {
            let (kind, bytes): (u8, &[u8]) = match value {
                Value::Null => (0, &[]),
                Value::Number(number) => (1, &number.to_le_bytes()),
                Value::Text(text) => (2, text.as_bytes()),
                Value::Bytes(bytes) => (3, bytes),
            };
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        let hash: [u8; 32] = hash.finalize().into();
        let (half, _) = hash.split_at(16);
        self.sum = self.sum.wrapping_add(half.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte)));
        self.rows += 1;
    }

    pub(crate) fn of(self, name: &str) -> CopiedTable {
        CopiedTable { name: name.to_owned(), rows: self.rows, checksum: format!("{:032x}", self.sum) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[&[Value]]) -> Checksum {
        let mut sum = Checksum::default();
        for row in rows {
            sum.add(row);
        }
        sum
    }

    #[test]
    fn a_checksum_sees_everything_but_the_order_of_rows() {
        let text = |text: &str| Value::Text(text.to_owned());
        let (one, two): (&[Value], &[Value]) = (&[text("a"), Value::Null], &[text("b"), Value::Number(0)]);
        let whole = sum(&[one, two]);
        assert_eq!(sum(&[two, one]), whole);
        let others = [
            sum(&[one]),
            sum(&[one, two, two]),
            sum(&[&[text("a"), Value::Number(0)], &[text("b"), Value::Null]]),
            sum(&[&[text("aa"), Value::Null], two]),
            sum(&[&[Value::Bytes(b"a".to_vec()), Value::Null], two]),
            sum(&[&[Value::Null, text("a")], two]),
        ];
        assert!(others.iter().all(|other| *other != whole));
    }
}
