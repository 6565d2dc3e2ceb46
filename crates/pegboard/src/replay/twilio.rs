//! Reads files of Twilio's events into evidence and contacts.
//!
//! A contact is put together from several events, which may be anywhere, so it is known when all files are read.

use std::io::{self, BufRead as _, BufReader, Read};

use pegboard_connect::decompress;
use pegboard_connect::sources::twilio::{Event, MAX_BODY_BYTES, TaskBook, TwilioSite, decode, observations};
use pegboard_connect::spec::Decoded;
use pegboard_model::{Millis, Order, PartitionId, Position, Timestamp};

use super::BadRecord;
use super::read::{Counted, Found, Input, ReadError, Records, check_time};

/// Reads all inputs, one body a line. `now` bounds event times; `progress` is told the bytes read from disk.
pub fn read_twilio(
    inputs: &[Input],
    site: &TwilioSite,
    now: Timestamp,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Records, ReadError> {
    let mut reading = Reading {
        site,
        latest: now + Millis::from_hours(24),
        found: Found::default(),
        book: TaskBook::default(),
    };
    for (file_number, input) in inputs.iter().enumerate() {
        let failed = |cause| ReadError { name: input.name(), cause };
        let source = Counted { inner: input.open().map_err(failed)?, progress };
        let reader = decompress::reader(source).map_err(failed)?;
        reading.file(file_number, &input.name(), reader).map_err(failed)?;
    }
    let Reading { book, mut found, latest, .. } = reading;
    for leg in book.legs(&site.contacts) {
        // Its times are those of events, which have passed the same bounds.
        let _in_bounds = found.keep(Decoded::Contact(leg), latest);
    }
    let mut records = Records::default();
    records.merge(found);
    Ok(records)
}

struct Reading<'a> {
    site: &'a TwilioSite,
    latest: Timestamp,
    found: Found,
    book: TaskBook,
}

impl Reading<'_> {
    fn file(&mut self, file_number: usize, name: &str, source: impl Read) -> io::Result<()> {
        let mut reader = BufReader::new(source);
        let mut body = Vec::new();
        for line in 1.. {
            body.clear();
            // One byte more than is read, so that a longer one is refused; the rest of it is read over.
            let limit = MAX_BODY_BYTES as u64 + 2;
            if reader.by_ref().take(limit).read_until(b'\n', &mut body)? == 0 {
                break;
            }
            if body.last() == Some(&b'\n') {
                body.pop();
            } else if body.len() as u64 == limit {
                reader.skip_until(b'\n')?;
            }
            for reason in self.body(file_number, line, &body) {
                self.found.bad.add(BadRecord { file_number, line, file: name.to_owned(), reason });
            }
        }
        Ok(())
    }

    /// Takes a body; answers why some of it could not be used.
    fn body(&mut self, file_number: usize, line: u64, bytes: &[u8]) -> Vec<String> {
        let body = match decode(bytes) {
            Ok(body) => body,
            Err(error) => return vec![error.to_string()],
        };
        // What the feed tells is no history.
        self.found.foreign += body.foreign + body.fed.len() as u64;
        let mut reasons: Vec<String> = body.bad.iter().map(ToString::to_string).collect();
        let partition = PartitionId::from(file_number.to_string());
        let order = Order { partition, position: Position::Number(line) };
        for event in &body.events {
            reasons.extend(self.event(event, &order).err());
        }
        reasons
    }

    fn event(&mut self, event: &Event, order: &Order) -> Result<(), String> {
        check_time("timestamp", event.at, self.latest)?;
        for seen in observations(event, self.site.style, &self.site.activities, order) {
            self.found.keep(Decoded::Agent(seen), self.latest)?;
        }
        self.book.take(event).map_err(|error| error.to_string())
    }
}
