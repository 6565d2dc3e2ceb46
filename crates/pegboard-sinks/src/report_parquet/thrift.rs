//! The compact protocol of Apache Thrift, as far as the metadata of a Parquet file needs it.
//!
//! From the protocol's specification, "Thrift compact protocol encoding".

/// The types of fields.
const BOOL_TRUE: u8 = 1;
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// Builds one struct. Fields are added in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Struct {
    bytes: Vec<u8>,
    last_id: u8,
}

impl Struct {
    pub(super) fn i32(self, id: u8, value: i32) -> Self {
        self.field(id, I32).with(|bytes| put_signed(bytes, value.into()))
    }

    pub(super) fn i64(self, id: u8, value: i64) -> Self {
        self.field(id, I64).with(|bytes| put_signed(bytes, value))
    }

    /// A flag that is set. One that is not set is not written.
    pub(super) fn yes(self, id: u8) -> Self {
        self.field(id, BOOL_TRUE)
    }

    pub(super) fn text(self, id: u8, value: &str) -> Self {
        self.field(id, BINARY).with(|bytes| put_text(bytes, value))
    }

    pub(super) fn inner(self, id: u8, value: Self) -> Self {
        self.field(id, STRUCT).with(|bytes| bytes.extend(value.end()))
    }

    pub(super) fn i32s(self, id: u8, values: &[i32]) -> Self {
        self.field(id, LIST).with(|bytes| {
            put_list(bytes, I32, values.len());
            for value in values {
                put_signed(bytes, (*value).into());
            }
        })
    }

    pub(super) fn texts(self, id: u8, values: &[&str]) -> Self {
        self.field(id, LIST).with(|bytes| {
            put_list(bytes, BINARY, values.len());
            for value in values {
                put_text(bytes, value);
            }
        })
    }

    pub(super) fn structs(self, id: u8, values: impl ExactSizeIterator<Item = Self>) -> Self {
        self.field(id, LIST).with(|bytes| {
            put_list(bytes, STRUCT, values.len());
            for value in values {
                bytes.extend(value.end());
            }
        })
    }

    /// The bytes of the whole struct.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }

    /// The head of a field: how far its id is from the one before, and its type.
    fn field(mut self, id: u8, kind: u8) -> Self {
        let distance = id - self.last_id;
        debug_assert!((1..=15).contains(&distance), "fields stand in the order of their ids");
        self.last_id = id;
        self.bytes.push((distance << 4) | kind);
        self
    }

    fn with(mut self, put: impl FnOnce(&mut Vec<u8>)) -> Self {
        put(&mut self.bytes);
        self
    }
}

fn put_list(bytes: &mut Vec<u8>, kind: u8, length: usize) {
    match u8::try_from(length) {
        Ok(length) if length < 15 => bytes.push((length << 4) | kind),
        _ => {
            bytes.push(0xf0 | kind);
            put_unsigned(bytes, length as u64);
        }
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_unsigned(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

/// Signed numbers alternate: 0, -1, 1, -2, ... so that small ones are short.
fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put_unsigned(bytes, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Seven bits a byte, the lowest first; the eighth says that there are more.
pub(super) fn put_unsigned(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_the_specification_has_them() {
        let unsigned = |value| {
            let mut bytes = Vec::new();
            put_unsigned(&mut bytes, value);
            bytes
        };
        assert_eq!(unsigned(50_399), [0xdf, 0x89, 0x03], "the example of the specification");
        assert_eq!((unsigned(0), unsigned(127), unsigned(128)), (vec![0], vec![127], vec![0x80, 1]));
        let signed = |value| {
            let mut bytes = Vec::new();
            put_signed(&mut bytes, value);
            bytes
        };
        assert_eq!([signed(0), signed(-1), signed(1), signed(-2)], [[0], [1], [2], [3]]);
        assert_eq!(signed(i64::MIN).len(), 10);
    }

    #[test]
    fn a_struct_is_its_fields_and_a_stop() {
        let inner = Struct::default().yes(1);
        let bytes = Struct::default().i32(1, 1).text(4, "ab").inner(5, inner).i32s(6, &[0, 3]).end();
        assert_eq!(bytes, [0x15, 2, 0x38, 2, b'a', b'b', 0x1c, 0x11, 0, 0x19, 0x25, 0, 6, 0]);
    }

    #[test]
    fn a_long_list_tells_its_length_apart() {
        let bytes = Struct::default().i32s(1, &[0; 15]).end();
        assert_eq!(bytes[..3], [0x19, 0xf5, 15]);
    }
}
