//! Reads input as it was packed: plain, gzip (also several members one after another, as Amazon Data
//! Firehose and `cat` make them) or Zstandard, told apart by their first bytes.

use std::io::{self, BufReader, Cursor, Read};

/// The magic numbers of RFC 1952 (with the one method it knows) and RFC 8878.
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// How much may come out of compressed input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes in all.
    pub max_bytes: u64,
    /// The most bytes for each compressed byte; asked only beyond [`Limits::RATIO_FREE`], since a short
    /// input of repeated text packs very well.
    pub max_ratio: u64,
}

impl Limits {
    /// Up to here the ratio does not matter.
    pub const RATIO_FREE: u64 = 64 << 20;
}

impl Default for Limits {
    /// One tebibyte, and the ratio of a thousand that gzip cannot exceed by much. Heartbeats that repeat a
    /// large routing profile come to some hundreds.
    fn default() -> Self {
        Self { max_bytes: 1 << 40, max_ratio: 1000 }
    }
}

/// Compressed input that is more than it may be. Comes as the source of an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecompressError {
    /// Too many bytes come out.
    #[error("decompresses to more than {limit} bytes; split the file or raise the limit")]
    TooLarge {
        /// The most bytes allowed.
        limit: u64,
    },
    /// Too many bytes come out for what goes in.
    #[error("decompresses to more than {limit} times its size; this is no log of a contact centre")]
    RatioTooHigh {
        /// The most bytes allowed for each compressed byte.
        limit: u64,
    },
}

impl DecompressError {
    /// The limit that `error` tells of, if it does.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// A reader of what `inner` holds, unpacked if it is packed, within the default [`Limits`].
pub fn reader<R: Read>(inner: R) -> io::Result<Reader<R>> {
    reader_within(inner, Limits::default())
}

/// A reader of what `inner` holds, unpacked if it is packed. Plain input is passed on without a limit.
pub fn reader_within<R: Read>(mut inner: R, limits: Limits) -> io::Result<Reader<R>> {
    let mut start = Vec::with_capacity(ZSTD.len());
    inner.by_ref().take(ZSTD.len() as u64).read_to_end(&mut start)?;
    let (is_gzip, is_zstd) = (start.starts_with(&GZIP), start == ZSTD);
    let whole = Counted { inner: Cursor::new(start).chain(inner), count: 0 };
    let packed = if is_gzip {
        Packed::Gzip(flate2::bufread::MultiGzDecoder::new(BufReader::new(whole)))
    } else if is_zstd {
        Packed::Zstd(zstd::Decoder::new(whole)?)
    } else {
        Packed::Plain(whole)
    };
    Ok(Reader { packed, limits, out: 0 })
}

/// Reads unpacked bytes. See [`reader`].
#[derive(Debug)]
pub struct Reader<R: Read> {
    packed: Packed<Counted<io::Chain<Cursor<Vec<u8>>, R>>>,
    limits: Limits,
    out: u64,
}

enum Packed<R: Read> {
    Plain(R),
    Gzip(flate2::bufread::MultiGzDecoder<BufReader<R>>),
    Zstd(zstd::Decoder<'static, BufReader<R>>),
}

impl<R: Read> std::fmt::Debug for Packed<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Gzip(_) => "Gzip",
            Self::Zstd(_) => "Zstd",
        })
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (read, compressed) = match &mut self.packed {
            Packed::Plain(inner) => return inner.read(buffer),
            Packed::Gzip(decoder) => (decoder.read(buffer)?, decoder.get_ref().get_ref().count),
            Packed::Zstd(decoder) => (decoder.read(buffer)?, decoder.get_ref().get_ref().count),
        };
        self.out += read as u64;
        self.limits.check(self.out, compressed).map_err(io::Error::other)?;
        Ok(read)
    }
}

impl Limits {
    fn check(self, out: u64, compressed: u64) -> Result<(), DecompressError> {
        if out > self.max_bytes {
            return Err(DecompressError::TooLarge { limit: self.max_bytes });
        }
        if out > Self::RATIO_FREE && out / self.max_ratio.max(1) > compressed {
            return Err(DecompressError::RatioTooHigh { limit: self.max_ratio });
        }
        Ok(())
    }
}

/// Counts what is read from `inner`.
struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 3).unwrap()
    }

    fn unpack(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        reader(bytes).unwrap().read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn plain_input_is_passed_on_whatever_its_length() {
        for text in [&b""[..], b"{", b"{}\n", b"{}\n{}\n", &[0x1f, 0x8b], &[0x28]] {
            assert_eq!(unpack(text), text);
        }
    }

    #[test]
    fn gzip_and_zstandard_are_known_by_their_first_bytes() {
        assert_eq!(unpack(&gzip(b"{\"a\":1}\n")), b"{\"a\":1}\n");
        assert_eq!(unpack(&zstd(b"{\"a\":1}\n")), b"{\"a\":1}\n");
    }

    #[test]
    fn several_members_are_one_text() {
        assert_eq!(unpack(&[gzip(b"{}"), gzip(b""), gzip(b"{}\n")].concat()), b"{}{}\n");
        assert_eq!(unpack(&[zstd(b"{}"), zstd(b"{}\n")].concat()), b"{}{}\n");
    }

    #[test]
    fn what_is_cut_off_is_an_error_and_not_an_end() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        for packed in [gzip(&text), zstd(&text)] {
            let mut reader = reader(&packed[..packed.len() / 2]).unwrap();
            let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(DecompressError::of(&error), None);
        }
    }

    #[test]
    fn r28_one_byte_more_than_the_limit_is_too_much() {
        let text = vec![b' '; 10_000];
        for packed in [gzip(&text), zstd(&text)] {
            let read = |max_bytes| {
                let limits = Limits { max_bytes, ..Limits::default() };
                reader_within(&packed[..], limits).unwrap().read_to_end(&mut Vec::new())
            };
            assert_eq!(read(10_000).unwrap(), 10_000);
            let error = read(9_999).unwrap_err();
            assert_eq!(DecompressError::of(&error), Some(DecompressError::TooLarge { limit: 9_999 }));
        }
    }

    #[test]
    fn r28_a_bomb_is_stopped_by_its_ratio() {
        let size = Limits::RATIO_FREE + (1 << 20);
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        io::copy(&mut io::repeat(b' ').take(size), &mut encoder).unwrap();
        let packed = encoder.finish().unwrap();
        let error = io::copy(&mut reader(&packed[..]).unwrap(), &mut io::sink()).unwrap_err();
        assert_eq!(DecompressError::of(&error), Some(DecompressError::RatioTooHigh { limit: 1000 }));
    }
}
