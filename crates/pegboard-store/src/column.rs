//! Numbers of the model as columns of a database, which has signed ones only.

use pegboard_model::ContactVersion;

/// A count, epoch or number of an entry, for a column. What does not fit is beyond anything that is ever counted.
pub(crate) fn to_column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count, epoch or number of an entry, from a column that never holds negative numbers.
pub(crate) const fn from_column(number: i64) -> u64 {
    number.unsigned_abs()
}

/// A limit of a query, for `LIMIT`.
pub(crate) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The content hash of a version, moved so that a signed comparison orders it as the unsigned number.
pub(crate) const fn content_column(version: &ContactVersion) -> i64 {
    (version.content ^ (1 << 63)).cast_signed()
}

#[cfg(test)]
mod tests {
    use pegboard_model::Timestamp;

    use super::*;

    #[test]
    fn contents_keep_their_order_in_a_column() {
        let column = |content| content_column(&ContactVersion { updated: Timestamp::MIN, content });
        let contents = [0, 1, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX];
        assert!(contents.map(column).is_sorted());
        assert_eq!(column(0), i64::MIN);
    }
}
