//! Rows as Apache Parquet: columns with types, for the tools of analysts.
//!
//! Written here because it is little: flat columns, one page for each in a group of rows, plain values behind Zstandard.
//! The usual crate brings a second library for time, which `deny.toml` keeps out, and a hundred times the code. From
//! the format's specification (apache/parquet-format, `README.md`, `Encodings.md`, `parquet.thrift`).

mod thrift;

use std::io::{self, Write};

use pegboard_model::report::{Cell, Kind, Row};

use self::thrift::{Struct, put_unsigned};

/// How many rows are kept in memory until they are written.
const GROUP: usize = 65_536;

/// What every file begins and ends with.
const MAGIC: &[u8; 4] = b"PAR1";

/// How much the values are compressed: little, which is nearly as small and much faster.
const LEVEL: i32 = 3;

/// The numbers that the format gives to what we use of it.
mod code {
    pub(super) const BOOLEAN: i32 = 0;
    pub(super) const INT64: i32 = 2;
    pub(super) const DOUBLE: i32 = 5;
    pub(super) const BYTE_ARRAY: i32 = 6;
    pub(super) const OPTIONAL: i32 = 1;
    pub(super) const UTF8: i32 = 0;
    pub(super) const TIMESTAMP_MILLIS: i32 = 9;
    pub(super) const PLAIN: i32 = 0;
    pub(super) const RLE: i32 = 3;
    pub(super) const ZSTD: i32 = 6;
    pub(super) const DATA_PAGE: i32 = 0;
}

/// What the values of a column are in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A text in UTF-8.
    Text,
    /// A whole number.
    Whole,
    /// A number with decimals, seconds among them.
    Double,
    /// An instant of UTC in milliseconds.
    Time,
    /// Yes or no.
    Flag,
}

/// A value. Nothing is said where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Of a column of texts.
    Text(&'a str),
    /// Of a column of whole numbers or, in milliseconds since 1970, of times.
    Whole(i64),
    /// Of a column of doubles.
    Double(f64),
    /// Of a column of flags.
    Flag(bool),
}

impl Type {
    /// How a kind of column is written.
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Count => Self::Whole,
            Kind::Number => Self::Double,
            Kind::Time => Self::Time,
        }
    }

    const fn physical(self) -> i32 {
        match self {
            Self::Text => code::BYTE_ARRAY,
            Self::Whole | Self::Time => code::INT64,
            Self::Double => code::DOUBLE,
            Self::Flag => code::BOOLEAN,
        }
    }

    /// The column as the schema describes it. Every column may be empty.
    fn element(self, name: &str) -> Struct {
        let element = Struct::default().i32(1, self.physical()).i32(3, code::OPTIONAL).text(4, name);
        match self {
            Self::Text => element.i32(6, code::UTF8).inner(10, Struct::default().inner(1, Struct::default())),
            Self::Time => {
                let unit = Struct::default().inner(1, Struct::default());
                let timestamp = Struct::default().yes(1).inner(2, unit);
                element.i32(6, code::TIMESTAMP_MILLIS).inner(10, Struct::default().inner(8, timestamp))
            }
            Self::Whole | Self::Double | Self::Flag => element,
        }
    }
}

/// Writes a file row by row.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    written: i64,
    columns: Vec<Column>,
    /// Rows of the group that is being gathered.
    gathered: usize,
    groups: Vec<Struct>,
    rows: i64,
}

/// A column of the group that is being gathered.
#[derive(Debug)]
struct Column {
    name: String,
    kind: Type,
    /// Runs of rows with a value, or without.
    runs: Vec<(bool, u64)>,
    /// The values, one after the other.
    values: Vec<u8>,
    /// Flags, which are packed only at the end.
    flags: Vec<bool>,
}

impl Column {
    fn new(name: &str, kind: Type) -> Self {
        Self { name: name.to_owned(), kind, runs: Vec::new(), values: Vec::new(), flags: Vec::new() }
    }

    fn push(&mut self, value: Option<Value<'_>>) -> io::Result<()> {
        match (self.kind, value) {
            (_, None) => {}
            (Type::Text, Some(Value::Text(text))) => {
                let length = u32::try_from(text.len()).map_err(io::Error::other)?;
                self.values.extend_from_slice(&length.to_le_bytes());
                self.values.extend_from_slice(text.as_bytes());
            }
            (Type::Whole | Type::Time, Some(Value::Whole(number))) => {
                self.values.extend_from_slice(&number.to_le_bytes());
            }
            (Type::Double, Some(Value::Double(number))) => {
                self.values.extend_from_slice(&number.to_le_bytes());
            }
            (Type::Flag, Some(Value::Flag(flag))) => self.flags.push(flag),
            (kind, Some(value)) => {
                let message = format!("the column {} holds {kind:?}, not {value:?}", self.name);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
        match self.runs.last_mut().filter(|(is_there, _)| *is_there == value.is_some()) {
            Some((_, length)) => *length += 1,
            None => self.runs.push((value.is_some(), 1)),
        }
        Ok(())
    }

    /// The content of the page, which is empty afterwards: in which rows there are values, and the values.
    fn take_page(&mut self) -> io::Result<Vec<u8>> {
        let mut presence = Vec::new();
        for (is_there, length) in self.runs.drain(..) {
            put_unsigned(&mut presence, length << 1);
            presence.push(is_there.into());
        }
        let length = u32::try_from(presence.len()).map_err(io::Error::other)?;
        let mut page = length.to_le_bytes().to_vec();
        page.append(&mut presence);
        page.append(&mut self.values);
        let bit = |(place, flag): (usize, &bool)| u8::from(*flag) << place;
        page.extend(self.flags.chunks(8).map(|flags| flags.iter().enumerate().map(bit).sum::<u8>()));
        self.flags.clear();
        Ok(page)
    }
}

impl<W: Write> Writer<W> {
    /// Begins a file with these columns.
    pub fn new<'a>(mut out: W, columns: impl Iterator<Item = (&'a str, Type)>) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        let columns = columns.map(|(name, kind)| Column::new(name, kind)).collect();
        Ok(Self { out, written: 4, columns, gathered: 0, groups: Vec::new(), rows: 0 })
    }

    /// Adds a row: the value of each column, in order.
    pub fn row<'a>(&mut self, values: impl Iterator<Item = Option<Value<'a>>>) -> io::Result<()> {
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value)?;
        }
        self.gathered += 1;
        if self.gathered == GROUP { self.write_group() } else { Ok(()) }
    }

    /// Writes what is left, and what readers need to find their way.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_group()?;
        let root = Struct::default().text(4, "report").i32(5, i32_of(self.columns.len())?);
        let schema =
            std::iter::once(root).chain(self.columns.iter().map(|column| column.kind.element(&column.name)));
        let schema: Vec<_> = schema.collect();
        let footer = Struct::default()
            .i32(1, 1)
            .structs(2, schema.into_iter())
            .i64(3, self.rows)
            .structs(4, self.groups.into_iter())
            .text(6, concat!("pegboard version ", env!("CARGO_PKG_VERSION")))
            .end();
        self.out.write_all(&footer)?;
        self.out.write_all(&u32::try_from(footer.len()).map_err(io::Error::other)?.to_le_bytes())?;
        self.out.write_all(MAGIC)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_group(&mut self) -> io::Result<()> {
        if self.gathered == 0 {
            return Ok(());
        }
        let rows = i64_of(std::mem::take(&mut self.gathered))?;
        let (mut chunks, mut plain_size, begins) = (Vec::new(), 0, self.written);
        for column in &mut self.columns {
            let page = column.take_page()?;
            let packed = zstd::bulk::compress(&page, LEVEL)?;
            let levels_and_values = Struct::default()
                .i32(1, i32::try_from(rows).map_err(io::Error::other)?)
                .i32(2, code::PLAIN)
                .i32(3, code::RLE)
                .i32(4, code::RLE);
            let head = Struct::default()
                .i32(1, code::DATA_PAGE)
                .i32(2, i32_of(page.len())?)
                .i32(3, i32_of(packed.len())?)
                .inner(5, levels_and_values)
                .end();
            self.out.write_all(&head)?;
            self.out.write_all(&packed)?;
            let (plain, compressed) = (i64_of(head.len() + page.len())?, i64_of(head.len() + packed.len())?);
            let about = Struct::default()
                .i32(1, column.kind.physical())
                .i32s(2, &[code::PLAIN, code::RLE])
                .texts(3, &[&column.name])
                .i32(4, code::ZSTD)
                .i64(5, rows)
                .i64(6, plain)
                .i64(7, compressed)
                .i64(9, self.written);
            chunks.push(Struct::default().i64(2, 0).inner(3, about));
            plain_size += plain;
            self.written += compressed;
        }
        let group = Struct::default().structs(1, chunks.into_iter()).i64(2, plain_size).i64(3, rows);
        self.groups.push(group.i64(5, begins).i64(6, self.written - begins));
        self.rows += rows;
        Ok(())
    }
}

fn i32_of(length: usize) -> io::Result<i32> {
    i32::try_from(length).map_err(io::Error::other)
}

fn i64_of(length: usize) -> io::Result<i64> {
    i64::try_from(length).map_err(io::Error::other)
}

/// Writes a whole report.
pub fn write_rows<R: Row>(rows: &[R], out: impl Write) -> io::Result<()> {
    let types = R::KINDS.iter().map(|kind| Type::of(*kind));
    let mut writer = Writer::new(out, R::COLUMNS.iter().copied().zip(types))?;
    let mut cells = Vec::with_capacity(R::COLUMNS.len());
    for row in rows {
        row.cells(&mut cells);
        writer.row(cells.iter().map(value))?;
        cells.clear();
    }
    writer.finish().map(drop)
}

fn value<'a>(cell: &'a Cell<'_>) -> Option<Value<'a>> {
    match cell {
        Cell::Empty => None,
        Cell::Text(text) => Some(Value::Text(text)),
        Cell::Made(text) => Some(Value::Text(text)),
        Cell::Count(count) => Some(Value::Whole(i64::try_from(*count).unwrap_or(i64::MAX))),
        Cell::Number(number) => Some(Value::Double(number.to_f64())),
        Cell::Time(time) => Some(Value::Whole(time.as_millis())),
    }
}

#[cfg(test)]
mod tests;
