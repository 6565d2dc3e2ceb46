//! Where a file of the archive stands: `SOURCE/2026-05-04/09/PARTITION.NUMBER.zst`.

use std::fmt;

use pegboard_model::{PartitionId, SourceName, Timestamp};

const HOUR: i64 = 3_600_000;
const END: &str = ".zst";

/// The name of a file, below the folder or the prefix of the archive.
///
/// Names of partitions hold what no file name may: anything but ASCII letters, digits, `-` and `_` is written as `%` and
/// two hexadecimal digits. What would be longer than 200 characters is cut and ends in a hash; the partition itself
/// stands in every step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    source: SourceName,
    /// Hours since 1970.
    hour: i64,
    partition: String,
    /// The number of its first step: later files of a partition have greater ones.
    number: u64,
}

impl FileName {
    /// The longest name of a partition within the name of a file.
    const LONGEST: usize = 200;

    /// The file that begins with step `number` of `partition`, all of whose steps were read in the hour of `read`.
    pub fn new(source: &SourceName, partition: &PartitionId, read: Timestamp, number: u64) -> Self {
        let hour = read.as_millis().div_euclid(HOUR);
        Self { source: source.clone(), hour, partition: escaped(partition.as_str()), number }
    }

    /// The same, from the parts of a path: nothing if it is no file of an archive.
    pub fn parse(source: &SourceName, day: &str, hour: &str, file: &str) -> Option<Self> {
        let start: Timestamp = format!("{day}T{hour}:00:00Z").parse().ok()?;
        let (partition, number) = file.strip_suffix(END)?.rsplit_once('.')?;
        let name = Self {
            source: source.clone(),
            hour: start.as_millis().div_euclid(HOUR),
            partition: partition.to_owned(),
            number: number.parse().ok()?,
        };
        (name.to_string() == format!("{source}/{day}/{hour}/{file}")).then_some(name)
    }

    /// The same, from what stands behind the name of the source and its slash.
    pub(super) fn below(source: &SourceName, path: &str) -> Option<Self> {
        let (day, rest) = path.split_once('/')?;
        let (hour, file) = rest.split_once('/')?;
        Self::parse(source, day, hour, file)
    }

    /// The first instant of its hour.
    pub fn hour(&self) -> Timestamp {
        Timestamp::from_millis(self.hour * HOUR)
    }

    /// What stands for the partition: the same in all files of one.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The number of its first step.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Twenty digits hold every number, so that names sort as numbers do.
        write!(f, "{}/{}/{}.{:020}{END}", self.source, hour_of(self.hour()), self.partition, self.number)
    }
}

/// What stands for the hour that an instant lies in: `2026-05-04/09`.
pub(super) fn hour_of(at: Timestamp) -> String {
    let text = at.to_string();
    let (day, rest) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day}/{}", rest.get(..2).unwrap_or_default())
}

fn escaped(partition: &str) -> String {
    let mut name = String::with_capacity(partition.len());
    for byte in partition.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.extend(['%', hexadecimal(byte >> 4), hexadecimal(byte & 15)]),
        }
    }
    if name.len() > FileName::LONGEST {
        let hash = format!("%{:016x}", xxhash_rust::xxh3::xxh3_64(partition.as_bytes()));
        name.truncate(FileName::LONGEST - hash.len());
        name.push_str(&hash);
    }
    name
}

fn hexadecimal(digit: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(digit)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(partition: &str, number: u64) -> FileName {
        let read = "2026-05-04T09:59:59.999Z".parse().unwrap();
        FileName::new(&"connect".into(), &partition.into(), read, number)
    }

    fn parsed(path: &str) -> Option<FileName> {
        let parts: Vec<&str> = path.split('/').collect();
        FileName::parse(&parts[0].into(), parts[1], parts[2], parts[3])
    }

    #[test]
    fn a_name_says_source_hour_partition_and_number() {
        let name = name("arn:aws:kinesis:x/s@1/shardId-0", 7);
        let text =
            "connect/2026-05-04/09/arn%3Aaws%3Akinesis%3Ax%2Fs%401%2FshardId-0.00000000000000000007.zst";
        assert_eq!(name.to_string(), text);
        assert_eq!(name.hour(), "2026-05-04T09:00:00Z".parse().unwrap());
        assert_eq!(parsed(text), Some(name));
        let below = text.strip_prefix("connect/").unwrap();
        assert_eq!(FileName::below(&"connect".into(), below), parsed(text));
        assert_eq!(FileName::below(&"connect".into(), &format!("{below}/x")), None);
    }

    #[test]
    fn s36_no_partition_leads_out_of_the_folder() {
        for hostile in ["../../etc/passwd", "..", ".", "a\0b", "a/b", "", "ü\n"] {
            let text = name(hostile, 1).to_string();
            assert_eq!(text.split('/').count(), 4, "{text}");
            let file = text.split('/').next_back().unwrap();
            assert!(file.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
            assert!(!file.starts_with(".."), "{text}");
            assert_eq!(parsed(&text), Some(name(hostile, 1)));
        }
    }

    #[test]
    fn r28_a_long_name_is_cut_and_still_its_own() {
        let (a, b) = ("x".repeat(300) + "a", "x".repeat(300) + "b");
        let (a, b) = (name(&a, 1), name(&b, 1));
        assert_eq!(a.partition().len(), FileName::LONGEST);
        assert_ne!(a.partition(), b.partition());
        assert_eq!(name(&"x".repeat(FileName::LONGEST), 1).partition(), "x".repeat(FileName::LONGEST));
    }

    #[test]
    fn what_is_no_file_of_an_archive_is_none() {
        for path in [
            "connect/2026-05-04/09/a.zst",
            "connect/2026-05-04/9/a.00000000000000000001.zst",
            "connect/2026-05-04/09/a.1.zst",
            "connect/2026-05-04/09/a.00000000000000000001.zst.part",
            "connect/2026-13-04/09/a.00000000000000000001.zst",
        ] {
            assert_eq!(parsed(path), None, "{path}");
        }
    }

    #[test]
    fn names_sort_as_their_numbers() {
        assert!(name("a", 9).to_string() < name("a", 10).to_string());
        assert!(name("a", u64::MAX - 1).to_string() < name("a", u64::MAX).to_string());
    }
}
