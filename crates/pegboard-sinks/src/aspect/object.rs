//! Lines gathered into objects, as a delivery stream of Firehose writes them to S3.
//!
//! Five minutes are a *slot* of the clock, and an object ends with the slot in which it began, or before it grows too large. A slot in which
//! nothing came becomes an object of one blank line, so that silence and failure do not look the same.
//!
//! What an object holds and what it is called follow from the records alone: its key has the time and the sequence number of the first one.
//! Whoever begins again at [`Object::next`] after a crash writes the same object to the same key.

use pegboard_model::{Millis, SourceName, Timestamp};
use sha2::{Digest, Sha256};

use super::time;

/// How long an object is filled, and how often there is one at least.
pub const SLOT: Millis = Millis::from_minutes(5);
/// How many bytes an object has at most.
pub const MOST_OBJECT_BYTES: usize = 5_000_000;
/// How many slots of silence are told of afterwards: those of a day.
pub const MOST_BLANK_OBJECTS: i64 = 288;

const MOST_NAME_BYTES: usize = 64;
const MOST_PREFIX_BYTES: usize = 512;

/// An object of S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its content.
    pub body: Vec<u8>,
    /// The sequence number from which to go on once it is written.
    pub next: u64,
}

/// The name and the prefix that the objects of a delivery stream have, which the WFM Adapter is set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryStream {
    name: String,
    prefix: String,
}

/// A delivery stream for what one source tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStream {
    stream: DeliveryStream,
    /// What tells the objects of two sources apart that are written under one name.
    mark: u64,
}

/// A name or a prefix that Firehose would not take either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// The name of the stream.
    #[error("the name of the stream has 1 to 64 letters, digits, '-', '_' or '.', and is not '{0}'")]
    Stream(String),
    /// What stands before it.
    #[error(
        "the prefix has at most 512 printable characters, ends with '/' or is empty, and has no part that is empty, '.' or '..': it is not '{0}'"
    )]
    Prefix(String),
}

/// The name and the prefix that the Quick Start proposes.
impl Default for DeliveryStream {
    fn default() -> Self {
        Self { name: "aspect-wfm-ap-kda-to-s3".to_owned(), prefix: "OUTPUT/".to_owned() }
    }
}

impl DeliveryStream {
    /// The same with another name.
    pub fn named(&self, name: &str) -> Result<Self, BadName> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=MOST_NAME_BYTES).contains(&name.len()) || !name.bytes().all(is_plain) {
            return Err(BadName::Stream(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), prefix: self.prefix.clone() })
    }

    /// The same with another prefix.
    pub fn below(&self, prefix: &str) -> Result<Self, BadName> {
        let parts = prefix.strip_suffix('/').map(|parts| parts.split('/'));
        let is_path = parts.is_some_and(|mut parts| parts.all(|part| !matches!(part, "" | "." | "..")));
        let is_printable = prefix.len() <= MOST_PREFIX_BYTES && !prefix.contains(char::is_control);
        if !(prefix.is_empty() || is_path && is_printable) {
            return Err(BadName::Prefix(prefix.to_owned()));
        }
        Ok(Self { name: self.name.clone(), prefix: prefix.to_owned() })
    }

    /// The stream for what the source tells.
    pub fn of_source(&self, source: &SourceName) -> SourceStream {
        let digest = Sha256::new().chain_update(source.as_str()).chain_update([0]).chain_update(&self.name);
        let mark = digest.finalize().iter().take(8).fold(0, |mark, byte| mark << 8 | u64::from(*byte));
        SourceStream { stream: self.clone(), mark }
    }
}

impl SourceStream {
    /// The key of the object that begins at `at` with the record `first`:
    /// `<prefix>YYYY/MM/dd/HH/<stream>-<version>-YYYY-MM-dd-HH-mm-ss-<id>`, in UTC ("Amazon S3 object name format" of the Firehose developer
    /// guide). Keys of later objects are greater.
    fn key(&self, at: Timestamp, first: u64) -> String {
        let (DeliveryStream { name, prefix }, id) = (&self.stream, self.id(first));
        format!("{prefix}{}/{name}-1-{}-{id}", time::in_folder(at), time::in_name(at))
    }

    /// The sequence number and the mark of the stream as a UUID of version 8, of which a greater number makes a greater one.
    fn id(&self, first: u64) -> String {
        let variant = 0x8000 | (first & 0xf) << 10 | self.mark & 0x3ff;
        format!(
            "{:08x}-{:04x}-8{:03x}-{variant:04x}-{:012x}",
            first >> 32,
            first >> 16 & 0xffff,
            first >> 4 & 0xfff,
            self.mark >> 16
        )
    }
}

/// Gathers lines into objects.
#[derive(Debug)]
pub(super) struct Objects {
    stream: SourceStream,
    open: Option<Open>,
    /// The end of the last slot that an object tells of, once anything is known.
    told: Option<Timestamp>,
    /// The latest time that was heard of.
    now: Timestamp,
    /// The time of the last record: that alone goes into keys, since whoever begins again does not know what else was heard of.
    newest: Timestamp,
    /// The sequence number behind the last record.
    next: u64,
}

#[derive(Debug)]
struct Open {
    key: String,
    body: Vec<u8>,
    slot_end: Timestamp,
}

impl Objects {
    /// Nothing is gathered, and `next` is the record that comes first.
    pub(super) fn new(stream: SourceStream, next: u64) -> Self {
        Self { stream, open: None, told: None, now: Timestamp::MIN, newest: Timestamp::MIN, next }
    }

    /// Adds the line of the record `sequence`, read at `at`; what is finished by it goes to `finished`. Times do not go back: an earlier one
    /// than the one before counts as that.
    pub(super) fn put(&mut self, sequence: u64, at: Timestamp, line: &str, finished: &mut Vec<Object>) {
        self.pass(at, finished);
        if self.open.as_ref().is_some_and(|open| open.body.len() + line.len() > MOST_OBJECT_BYTES) {
            finished.extend(self.close());
        }
        let (stream, at) = (&self.stream, self.newest.max(at));
        let open = self.open.get_or_insert_with(|| Open {
            key: stream.key(at, sequence),
            body: Vec::new(),
            slot_end: slot_start(at) + SLOT,
        });
        open.body.extend_from_slice(line.as_bytes());
        self.newest = at;
        self.told = self.told.max(Some(open.slot_end));
        self.next = sequence + 1;
    }

    /// Notes that the record `sequence` has no line.
    pub(super) fn pass_over(&mut self, sequence: u64) {
        self.next = sequence + 1;
    }

    /// Notes that everything is read up to `at`: slots that are over are written.
    pub(super) fn pass(&mut self, at: Timestamp, finished: &mut Vec<Object>) {
        self.now = self.now.max(at);
        if self.open.as_ref().is_some_and(|open| open.slot_end <= self.now) {
            finished.extend(self.close());
        }
        let present = slot_start(self.now);
        let first = *self.told.get_or_insert(present);
        let slots = (present.since(first).get() / SLOT.get()).min(MOST_BLANK_OBJECTS);
        for back in (1..=slots).rev() {
            let slot = present - Millis::new(back * SLOT.get());
            let key = self.stream.key(slot, self.next);
            finished.push(Object { key, body: b"\n".to_vec(), next: self.next });
        }
        self.told = Some(first.max(present));
    }

    /// Ends the object that is being filled.
    pub(super) fn close(&mut self) -> Option<Object> {
        let Open { key, body, .. } = self.open.take()?;
        Some(Object { key, body, next: self.next })
    }
}

fn slot_start(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis().div_euclid(SLOT.get()) * SLOT.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> SourceStream {
        DeliveryStream::default().of_source(&"east".into())
    }

    fn at(time: &str) -> Timestamp {
        format!("2026-03-02T{time}Z").parse().unwrap()
    }

    /// Takes records, and gives for each object its time and its text.
    fn gathered(records: &[(&str, &str)], read_to: &str) -> Vec<(String, String)> {
        let (mut objects, mut finished) = (Objects::new(stream(), 1), Vec::new());
        for (sequence, (time, line)) in (1..).zip(records) {
            objects.put(sequence, at(time), line, &mut finished);
        }
        objects.pass(at(read_to), &mut finished);
        assert!(finished.is_sorted_by(|one, next| one.key < next.key), "{finished:?}");
        let shown = finished.into_iter().map(|object| {
            let time = object.key.get(58..66).unwrap().to_owned();
            (time, String::from_utf8(object.body).unwrap())
        });
        shown.collect()
    }

    fn expected(objects: &[(&str, &str)]) -> Vec<(String, String)> {
        objects.iter().map(|(time, text)| ((*time).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_key_is_what_firehose_would_call_it() {
        let key = stream().key(at("09:04:59.999"), 0x1234_5678_9abc_def0);
        let expected =
            "OUTPUT/2026/03/02/09/aspect-wfm-ap-kda-to-s3-1-2026-03-02-09-04-59-12345678-9abc-8def-";
        assert_eq!(&key[..key.len() - 17], expected);
        assert!(key.ends_with(|char: char| char.is_ascii_hexdigit()));
        let other = DeliveryStream::default().below("").unwrap().of_source(&"west".into());
        assert_ne!(other.id(7), stream().id(7), "two sources with one name");
        assert!(other.key(at("09:00:00"), 7).starts_with("2026/03/02/09/aspect"));
    }

    #[test]
    fn ids_sort_by_sequence_number() {
        let numbers = [0, 1, 2, 15, 16, 255, 4096, 65_535, 65_536, 1 << 32, u64::MAX - 1, u64::MAX];
        assert!(numbers.map(|number| stream().id(number)).is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn an_object_ends_with_the_slot_in_which_it_began() {
        let records =
            [("09:01:00", "a\n"), ("09:04:59.999", "b\n"), ("09:05:00", "c\n"), ("09:09:00", "d\n")];
        assert_eq!(gathered(&records, "09:09:59"), expected(&[("09-01-00", "a\nb\n")]));
        assert_eq!(
            gathered(&records, "09:10:00"),
            expected(&[("09-01-00", "a\nb\n"), ("09-05-00", "c\nd\n")])
        );
    }

    #[test]
    fn a_slot_of_silence_is_a_blank_line() {
        let records = [("09:01:00", "a\n"), ("09:16:00", "b\n")];
        let blank = [("09-01-00", "a\n"), ("09-05-00", "\n"), ("09-10-00", "\n")];
        assert_eq!(gathered(&records, "09:16:00"), expected(&blank));
        assert_eq!(gathered(&[], "09:16:00"), [], "what was before the start is not known");
    }

    #[test]
    fn what_was_read_late_is_written_with_what_was_read_then() {
        let records = [("09:06:00", "a\n"), ("09:01:00", "late\n"), ("09:07:00", "b\n")];
        assert_eq!(gathered(&records, "09:10:00"), expected(&[("09-06-00", "a\nlate\nb\n")]));
    }

    #[test]
    fn a_record_that_comes_after_its_slot_was_told_of_has_an_object_whose_key_it_alone_decides() {
        let late = |objects: &mut Objects| {
            let mut finished = Vec::new();
            objects.put(2, at("09:04:59"), "late\n", &mut finished);
            objects.put(3, at("09:06:00"), "b\n", &mut finished);
            finished
        };
        let (mut objects, mut finished) = (Objects::new(stream(), 1), Vec::new());
        objects.put(1, at("09:01:00"), "a\n", &mut finished);
        objects.pass(at("09:05:30"), &mut finished);
        assert_eq!((finished.len(), finished[0].next), (1, 2));
        let written = late(&mut objects);
        assert_eq!(written.len(), 1);
        assert!(written[0].key.contains("09-04-59"), "{}", written[0].key);
        assert_eq!(late(&mut Objects::new(stream(), 2)), written, "after a crash");
    }

    #[test]
    fn whoever_begins_again_behind_an_object_writes_the_same_ones() {
        let times = ["09:01:00", "09:04:00", "09:05:01", "09:05:02", "09:22:00", "09:23:00", "09:31:00"];
        let from = |first: usize| {
            let mut objects = Objects::new(stream(), first as u64);
            let mut finished = Vec::new();
            for (number, time) in times.iter().enumerate().skip(first) {
                objects.put(number as u64, at(time), &format!("{number}\n"), &mut finished);
            }
            finished.extend(objects.close());
            finished
        };
        let all = from(0);
        for (index, object) in all.iter().enumerate() {
            let again = from(usize::try_from(object.next).unwrap());
            let later = all[index + 1..].iter().skip_while(|object| object.body == b"\n");
            assert!(again.iter().eq(later), "behind {}", object.key);
        }
    }

    #[test]
    fn r28_an_object_has_five_million_bytes_at_most() {
        let (mut objects, mut finished) = (Objects::new(stream(), 1), Vec::new());
        let line = "x".repeat(MOST_OBJECT_BYTES / 2);
        objects.put(1, at("09:00:00"), &line, &mut finished);
        objects.put(2, at("09:00:00"), &line, &mut finished);
        assert_eq!(finished, [], "as many as fit");
        objects.put(3, at("09:00:00"), "y", &mut finished);
        finished.extend(objects.close());
        let lengths: Vec<_> = finished.iter().map(|object| (object.body.len(), object.next)).collect();
        assert_eq!(lengths, [(MOST_OBJECT_BYTES, 3), (1, 4)]);
        assert!(finished[0].key < finished[1].key, "of one second, told apart by their first records");
    }

    #[test]
    fn r28_a_silence_of_more_than_a_day_is_told_of_for_a_day() {
        let (mut objects, mut finished) = (Objects::new(stream(), 1), Vec::new());
        objects.pass(at("00:00:00"), &mut finished);
        objects.pass(at("23:59:59") + Millis::from_seconds(1), &mut finished);
        assert_eq!(finished.len(), 288);
        objects.pass(at("00:00:00") + Millis::from_hours(48) + SLOT, &mut finished);
        assert_eq!(finished.len(), 288 * 2, "one slot more than that is left out");
        assert!(finished[288].key.contains("2026-03-03-00-05-00"));
    }

    #[test]
    fn r28_a_name_has_64_bytes_and_a_prefix_512_at_most() {
        let stream = DeliveryStream::default();
        assert!(stream.named(&"x".repeat(64)).is_ok());
        for name in ["", "a/b", "ä", &"x".repeat(65)] {
            assert_eq!(stream.named(name), Err(BadName::Stream(name.into())));
        }
        assert!(stream.below("connect reports/OUTPUT/").is_ok());
        assert!(stream.below(&("x".repeat(511) + "/")).is_ok());
        for prefix in ["/", "OUTPUT", "/OUTPUT/", "a//b/", "../", "a/./", "a\n/", &("x".repeat(512) + "/")] {
            assert_eq!(stream.below(prefix), Err(BadName::Prefix(prefix.into())));
        }
    }
}
