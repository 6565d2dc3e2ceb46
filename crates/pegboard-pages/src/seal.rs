//! What stands in the last bytes of a page.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How long a seal is.
pub(crate) const SEAL_BYTES: u8 = 8;

type Seal = [u8; SEAL_BYTES as usize];

/// The smallest page of SQLite.
pub(crate) const LEAST_PAGE: usize = 512;

fn of(number: u64, content: &[u8]) -> Seal {
    xxh3_64_with_seed(content, number).to_le_bytes()
}

/// The number of the page that stands at `offset`, if `bytes` bytes from there are one: SQLite reads and writes whole pages,
/// and else parts of the first one that are no power of two, or shorter than any page.
pub(crate) fn number(bytes: usize, offset: u64) -> Option<u64> {
    let length = bytes as u64;
    (bytes >= LEAST_PAGE && bytes.is_power_of_two() && offset.is_multiple_of(length))
        .then(|| offset / length + 1)
}

/// Seals a page. The number is part of it, so that a page in the place of another is noticed.
pub(crate) fn seal(number: u64, page: &mut [u8]) {
    if let Some((content, seal)) = page.split_last_chunk_mut() {
        *seal = of(number, content);
    }
}

/// Whether a page is as it was sealed. Where the file grew over free pages that nobody has written, there are zeros.
pub(crate) fn is_whole(number: u64, page: &[u8]) -> bool {
    let Some((content, seal)) = page.split_last_chunk() else { return false };
    *seal == of(number, content) || page.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Vec<u8> {
        (0..4096_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect()
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let mut page = page();
        seal(7, &mut page);
        assert!(is_whole(7, &page));
        for bit in 0..page.len() * 8 {
            page[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_whole(7, &page), "bit {bit}");
            page[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_page_in_the_place_of_another_is_noticed() {
        let mut page = page();
        seal(7, &mut page);
        assert!(!is_whole(8, &page));
    }

    #[test]
    fn a_page_that_was_never_written_is_whole_and_a_bit_in_it_is_not() {
        let mut page = vec![0; 4096];
        assert!(is_whole(3, &page));
        page[9] = 1;
        assert!(!is_whole(3, &page));
    }

    #[test]
    fn only_whole_pages_have_a_number() {
        assert_eq!(number(4096, 0), Some(1));
        assert_eq!(number(4096, 8192), Some(3));
        assert_eq!(number(100, 0), None);
        assert_eq!(number(16, 16), None);
        assert_eq!(number(4096, 24), None);
    }
}
