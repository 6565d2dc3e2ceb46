//! Files of an archive written anew, without a person.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::pack::LEVEL;
use super::place::wait;
use super::{Archive, ArchiveBucket, ArchiveError, ArchivePlace, FileName, MAX_STEP_BYTES};
use crate::person::{Named, Person, Place, Terms};

/// The part of a line that is no JSON to look into.
#[derive(Deserialize)]
struct Packed {
    base64: Option<String>,
}

impl Archive {
    /// Notes what else names a person in a file. Nothing of a file that is gone. Waits for the disk or for S3.
    pub fn learn(&self, file: &FileName, person: &Person, more: &mut Terms) -> Result<(), ArchiveError> {
        let Some(content) = self.open(file)? else { return Ok(()) };
        let mut frames = Frames::of(content);
        while let Some(text) = frames.next_text().map_err(|error| error.in_file(self.path_of(file)))? {
            for line in lines(&text).skip(1) {
                let line = line.map_err(|error| frames.damaged(&error).in_file(self.path_of(file)))?;
                person.learn(line.get(), Named::No, more);
            }
        }
        Ok(())
    }

    /// How many records of a file name a person. Nothing of a file that is gone. Waits for the disk or for S3.
    pub fn count(&self, file: &FileName, person: &Person) -> Result<u64, ArchiveError> {
        let Some(content) = self.open(file)? else { return Ok(0) };
        named_in(content, person).map_err(|error| error.in_file(self.path_of(file)))
    }

    /// Writes a file anew without a person, if anything in it names him; answers how many records did. It is whole or as it
    /// was: written beside, brought to the disk, and renamed, or one object in the place of another. Waits for the disk or for
    /// S3.
    pub fn rewrite(&self, file: &FileName, person: &Person) -> Result<u64, ArchiveError> {
        let path = self.path_of(file);
        match self.place() {
            ArchivePlace::Folder(_) => {
                let count = self.count(file, person)?;
                if count > 0 {
                    rewrite_on_disk(&path, person).map_err(|error| error.in_file(path))?;
                }
                Ok(count)
            }
            ArchivePlace::Bucket(bucket) => {
                rewrite_in_bucket(bucket, file, person).map_err(|error| error.in_file(path))
            }
        }
    }
}

fn rewrite_in_bucket(bucket: &ArchiveBucket, file: &FileName, person: &Person) -> Result<u64, ArchiveError> {
    let Some(found) = wait(bucket.fetch(file))? else { return Ok(0) };
    let count = named_in(&*found.bytes, person)?;
    if count > 0 {
        let mut new = Vec::with_capacity(found.bytes.len());
        write(&*found.bytes, person, &mut new)?;
        wait(bucket.replace(file, &new, &found.etag))?;
    }
    Ok(count)
}

/// A frame without a person; nothing if it does not name him.
pub fn rewrite_frame(frame: &[u8], person: &Person) -> Result<Option<Vec<u8>>, ArchiveError> {
    let mut frames = Frames::of(frame);
    let Some(text) = frames.next_text()? else { return Ok(None) };
    match rewritten(&text, person).map_err(|error| frames.damaged(&error))? {
        (_, 0) => Ok(None),
        (text, _) => Ok(Some(packed(&text)?)),
    }
}

/// Notes what else names a person in a frame.
pub fn learn_from_frame(frame: &[u8], person: &Person, more: &mut Terms) -> Result<(), ArchiveError> {
    let mut frames = Frames::of(frame);
    let Some(text) = frames.next_text()? else { return Ok(()) };
    for line in lines(&text).skip(1) {
        person.learn(line.map_err(|error| frames.damaged(&error))?.get(), Named::No, more);
    }
    Ok(())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".erasing");
    name.into()
}

fn rewrite_on_disk(path: &Path, person: &Person) -> Result<(), ArchiveError> {
    let part = beside(path);
    let done = write_beside(path, &part, person);
    if done.is_err() {
        // What is left of it is no file of an archive; the next try begins it anew.
        drop(fs::remove_file(&part));
    }
    done
}

fn write_beside(path: &Path, part: &Path, person: &Person) -> Result<(), ArchiveError> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true);
    private(&mut options);
    let mut new = BufWriter::new(options.open(part)?);
    write(BufReader::new(File::open(path)?), person, &mut new)?;
    new.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(part, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// How many records of a file name a person.
fn named_in(file: impl BufRead, person: &Person) -> Result<u64, ArchiveError> {
    let mut frames = Frames::of(file);
    let mut count = 0;
    while let Some(text) = frames.next_text()? {
        count += rewritten(&text, person).map_err(|error| frames.damaged(&error))?.1;
    }
    Ok(count)
}

/// Writes the frames of a file without a person.
fn write(file: impl BufRead, person: &Person, new: &mut impl io::Write) -> Result<(), ArchiveError> {
    let mut frames = Frames::of(file);
    while let Some(text) = frames.next_text()? {
        let (text, _) = rewritten(&text, person).map_err(|error| frames.damaged(&error))?;
        new.write_all(&packed(&text)?)?;
    }
    Ok(())
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

fn packed(text: &str) -> io::Result<Vec<u8>> {
    let mut frame = zstd::Encoder::new(Vec::new(), LEVEL)?;
    frame.include_checksum(true)?;
    frame.write_all(text.as_bytes())?;
    frame.finish()
}

/// The head and the records of a step.
fn lines(text: &str) -> impl Iterator<Item = serde_json::Result<&RawValue>> {
    serde_json::Deserializer::from_str(text).into_iter()
}

/// A step without a person, and how many of its records named him. The head names partitions and positions, and stays.
fn rewritten(text: &str, person: &Person) -> serde_json::Result<(String, u64)> {
    let mut new = String::with_capacity(text.len());
    let mut count = 0;
    for (number, line) in lines(text).enumerate() {
        let line = line?.get();
        match without(line, person)?.filter(|_| number > 0) {
            Some(without) => {
                count += 1;
                new.push_str(&without);
            }
            None => new.push_str(line),
        }
        new.push('\n');
    }
    Ok((new, count))
}

fn without(line: &str, person: &Person) -> serde_json::Result<Option<String>> {
    let place = Place::default();
    let without = person.rewritten(line, place);
    // What is packed so is no member of the record, but the record itself.
    if !line.contains("\"base64\"") {
        return Ok(without);
    }
    let Packed { base64: Some(given) } = serde_json::from_str(line)? else { return Ok(without) };
    let prose = Place { is_prose: true, ..place };
    let Some(bytes) = STANDARD.decode(&given).ok().and_then(|data| person.rewritten_bytes(&data, prose))
    else {
        return Ok(without);
    };
    let instead = STANDARD.encode(bytes);
    let line = without.as_deref().unwrap_or(line);
    let new = line.replacen(&format!("\"{given}\""), &format!("\"{instead}\""), 1);
    Ok((instead != given).then_some(new).or(without))
}

/// The frames of a file, unpacked, one after the other.
struct Frames<R> {
    file: Option<R>,
    step: u64,
}

impl<R: BufRead> Frames<R> {
    fn of(file: R) -> Self {
        Self { file: Some(file), step: 0 }
    }

    fn next_text(&mut self) -> Result<Option<String>, ArchiveError> {
        let Some(mut file) = self.file.take() else { return Ok(None) };
        if file.fill_buf()?.is_empty() {
            return Ok(None);
        }
        self.step += 1;
        let mut frame = zstd::Decoder::with_buffer(file)?.single_frame();
        let mut text = Vec::new();
        frame
            .by_ref()
            .take(MAX_STEP_BYTES + 1)
            .read_to_end(&mut text)
            .map_err(|error| self.damaged(&error))?;
        if text.len() as u64 > MAX_STEP_BYTES {
            return Err(self.damaged(&format!("more than {MAX_STEP_BYTES} bytes come out of it")));
        }
        self.file = Some(frame.finish());
        String::from_utf8(text).map(Some).map_err(|error| self.damaged(&error))
    }

    fn damaged(&self, reason: &(impl ToString + ?Sized)) -> ArchiveError {
        ArchiveError::Damaged { step: self.step, reason: reason.to_string() }
    }
}
