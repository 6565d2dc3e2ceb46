//! Contact records as objects, as Firehose writes them to S3.
//!
//! From the Firehose developer guide, "Amazon S3 object name format" and "Buffering": records stand one after the other
//! without anything between them unless the stream was told to add line ends, an object is closed after so many bytes or
//! so much time, and its key has the hour in UTC.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use pegboard_model::{Millis, Timestamp};

use crate::random::Random;

/// How a delivery stream is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryStream {
    /// Its name, with which the names of objects begin.
    pub name: String,
    /// What stands before the hour in keys, with its `/`; may be empty.
    pub prefix: String,
    /// After how long an object is closed.
    pub every: Millis,
    /// After how many bytes, before compression, an object is closed.
    pub most_bytes: usize,
    /// Whether records end with a line end.
    pub line_ends: bool,
    /// Whether objects are compressed.
    pub gzip: bool,
}

impl DeliveryStream {
    /// What the platform proposes: five minutes or five million bytes, nothing between records, not compressed.
    pub fn new(name: &str, prefix: &str) -> Self {
        Self {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            every: Millis::from_minutes(5),
            most_bytes: 5_000_000,
            line_ends: false,
            gzip: false,
        }
    }
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key, not encoded.
    pub key: String,
    /// When it was written.
    pub written: Timestamp,
    /// How many records it holds.
    pub records: usize,
    /// The bytes.
    pub body: Vec<u8>,
}

/// Gathers records into objects.
#[derive(Debug)]
pub struct Firehose {
    stream: DeliveryStream,
    random: Random,
    /// When the first of the gathered records came.
    since: Timestamp,
    gathered: Vec<u8>,
    records: usize,
}

impl Firehose {
    /// Nothing is gathered yet. What is random in keys follows from the seed.
    pub fn new(stream: DeliveryStream, seed: u64) -> Self {
        Self { stream, random: Random::new(seed, 6), since: Timestamp::MIN, gathered: Vec::new(), records: 0 }
    }

    /// Takes in a record that comes at `at`; those before came before. Answers with the object that was closed before it.
    pub fn put(&mut self, at: Timestamp, json: &str) -> Option<Object> {
        let is_full = self.gathered.len() + json.len() > self.stream.most_bytes;
        let is_due = at.since(self.since) >= self.stream.every;
        let closed = if is_full || is_due { self.close() } else { None };
        if self.records == 0 {
            self.since = at;
        }
        self.gathered.extend_from_slice(json.as_bytes());
        if self.stream.line_ends {
            self.gathered.push(b'\n');
        }
        self.records += 1;
        closed
    }

    /// Writes what is gathered. Nothing where nothing is.
    pub fn close(&mut self) -> Option<Object> {
        let records = std::mem::take(&mut self.records);
        if records == 0 {
            return None;
        }
        let plain = std::mem::take(&mut self.gathered);
        let body = if self.stream.gzip { compressed(&plain) } else { plain };
        let time = self.since.to_string();
        let (hour, second) =
            (time.get(..13)?.replace(['-', 'T'], "/"), time.get(..19)?.replace([':', 'T'], "-"));
        let ending = if self.stream.gzip { ".gz" } else { "" };
        let (prefix, name, id) = (&self.stream.prefix, &self.stream.name, self.random.uuid());
        let key = format!("{prefix}{hour}/{name}-1-{second}-{id}{ending}");
        Some(Object { key, written: self.since + self.stream.every, records, body })
    }
}

fn compressed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("a Vec takes everything")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn records_stand_one_after_the_other_until_the_time_is_over() {
        let mut firehose = Firehose::new(DeliveryStream::new("records", "ctr/"), 1);
        assert_eq!(firehose.put(at("2026-03-02T23:58:07Z"), r#"{"a":"}{"}"#), None);
        assert_eq!(firehose.put(at("2026-03-02T23:59:00Z"), r#"{"b":2}"#), None);
        let object = firehose.put(at("2026-03-03T00:03:07Z"), r#"{"c":3}"#).unwrap();
        assert_eq!(object.body, br#"{"a":"}{"}{"b":2}"#);
        assert_eq!((object.records, object.written), (2, at("2026-03-03T00:03:07Z")));
        let name = object.key.strip_prefix("ctr/2026/03/02/23/records-1-2026-03-02-23-58-07-").unwrap();
        assert_eq!(name.len(), 36);
        let last = firehose.close().unwrap();
        assert!(last.key.starts_with("ctr/2026/03/03/00/"), "{}", last.key);
        assert_eq!(firehose.close(), None);
    }

    #[test]
    fn an_object_is_closed_before_it_grows_too_large() {
        let stream = DeliveryStream { most_bytes: 20, line_ends: true, ..DeliveryStream::new("r", "") };
        let mut firehose = Firehose::new(stream, 1);
        let time = at("2026-03-02T09:00:00Z");
        assert_eq!(firehose.put(time, r#"{"a":1}"#), None);
        assert_eq!(firehose.put(time, r#"{"b":2}"#), None);
        assert_eq!(firehose.put(time, r#"{"c":3}"#).unwrap().body, b"{\"a\":1}\n{\"b\":2}\n");
    }

    #[test]
    fn objects_may_be_compressed() {
        let stream = DeliveryStream { gzip: true, ..DeliveryStream::new("r", "") };
        let mut firehose = Firehose::new(stream, 1);
        firehose.put(at("2026-03-02T09:00:00Z"), "{}");
        let object = firehose.close().unwrap();
        assert!(object.key.contains(".gz"));
        let mut plain = String::new();
        flate2::read::GzDecoder::new(&object.body[..]).read_to_string(&mut plain).unwrap();
        assert_eq!(plain, "{}");
    }
}
