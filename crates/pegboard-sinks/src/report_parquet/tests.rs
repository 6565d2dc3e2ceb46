//! A file is what the specification says, read by a reader of its own.

use std::collections::BTreeMap;

use super::*;

/// A value of the compact protocol, whatever struct it stands in.
#[derive(Debug, Clone, PartialEq)]
enum Thing {
    Yes,
    Number(i64),
    Text(String),
    List(Vec<Thing>),
    Struct(BTreeMap<u8, Thing>),
}

impl Thing {
    fn field(&self, id: u8) -> &Self {
        let Self::Struct(fields) = self else { panic!("{self:?} is no struct") };
        fields.get(&id).unwrap_or_else(|| panic!("{self:?} has no {id}"))
    }

    fn has(&self, id: u8) -> bool {
        matches!(self, Self::Struct(fields) if fields.contains_key(&id))
    }

    fn number(&self) -> usize {
        let Self::Number(number) = self else { panic!("{self:?} is no number") };
        usize::try_from(*number).unwrap()
    }

    fn text(&self) -> &str {
        let Self::Text(text) = self else { panic!("{self:?} is no text") };
        text
    }

    fn list(&self) -> &[Self] {
        let Self::List(list) = self else { panic!("{self:?} is no list") };
        list
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap();
        self.0 = rest;
        *first
    }

    fn unsigned(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken.to_vec()
    }

    fn thing(&mut self, kind: u8) -> Thing {
        match kind {
            1 => Thing::Yes,
            5 | 6 => {
                let coded = self.unsigned();
                Thing::Number((coded >> 1).cast_signed() ^ -((coded & 1).cast_signed()))
            }
            8 => {
                let length = usize::try_from(self.unsigned()).unwrap();
                Thing::Text(String::from_utf8(self.take(length)).unwrap())
            }
            9 => {
                let head = self.byte();
                let length = if head >> 4 == 15 { self.unsigned() } else { u64::from(head >> 4) };
                Thing::List((0..length).map(|_| self.thing(head & 15)).collect())
            }
            12 => {
                let (mut fields, mut id) = (BTreeMap::new(), 0);
                loop {
                    let head = self.byte();
                    if head == 0 {
                        return Thing::Struct(fields);
                    }
                    id += head >> 4;
                    let field = self.thing(head & 15);
                    fields.insert(id, field);
                }
            }
            other => panic!("no type {other} is written"),
        }
    }
}

/// A value that was read.
#[derive(Debug, Clone, PartialEq)]
enum Read {
    Nothing,
    Text(String),
    Whole(i64),
    Double(f64),
    Flag(bool),
}

/// The columns of a file by name, with the number of their type, and how many groups of rows there are.
fn read(file: &[u8]) -> (BTreeMap<String, (usize, Vec<Read>)>, usize) {
    assert!(file.starts_with(MAGIC) && file.ends_with(MAGIC));
    let (rest, end) = file.split_at(file.len() - 8);
    let length = u32::from_le_bytes(end[..4].try_into().unwrap());
    let footer = &rest[rest.len() - length as usize..];
    let footer = Reader(footer).thing(12);
    let names = footer.field(2).list()[1..].iter().map(|element| element.field(4).text().to_owned());
    let names: Vec<_> = names.collect();
    assert_eq!(footer.field(2).list()[0].field(5).number(), names.len());
    let mut columns: BTreeMap<String, (usize, Vec<Read>)> = BTreeMap::new();
    for group in footer.field(4).list() {
        for (name, chunk) in names.iter().zip(group.field(1).list()) {
            let about = chunk.field(3);
            assert_eq!(about.field(3).list(), [Thing::Text(name.clone())]);
            let start = about.field(9).number();
            let mut reader = Reader(&file[start..start + about.field(7).number()]);
            let head = reader.thing(12);
            let page = zstd::bulk::decompress(reader.0, head.field(2).number()).unwrap();
            assert_eq!(page.len(), head.field(2).number());
            let kind = about.field(1).number();
            let (_, values) = columns.entry(name.clone()).or_insert((kind, Vec::new()));
            values.extend(page_values(&page, kind, head.field(5).field(1).number()));
        }
    }
    assert!(columns.values().all(|(_, values)| values.len() == footer.field(3).number()));
    (columns, footer.field(4).list().len())
}

fn page_values(page: &[u8], kind: usize, rows: usize) -> Vec<Read> {
    let (length, rest) = page.split_at(4);
    let (presence, values) = rest.split_at(u32::from_le_bytes(length.try_into().unwrap()) as usize);
    let (mut presence, mut reader) = (Reader(presence), Reader(values));
    let (mut read, mut flags) = (Vec::new(), 0);
    while !presence.0.is_empty() {
        let run = presence.unsigned();
        assert_eq!(run & 1, 0, "runs, nothing packed");
        let is_there = presence.byte() == 1;
        for _ in 0..run >> 1 {
            let eight = |reader: &mut Reader<'_>| -> [u8; 8] { reader.take(8).try_into().unwrap() };
            read.push(match (is_there, kind) {
                (false, _) => Read::Nothing,
                (true, 0) => {
                    let flag = (values[flags / 8] >> (flags % 8)) & 1 == 1;
                    flags += 1;
                    Read::Flag(flag)
                }
                (true, 2) => Read::Whole(i64::from_le_bytes(eight(&mut reader))),
                (true, 5) => Read::Double(f64::from_le_bytes(eight(&mut reader))),
                (true, _) => {
                    let length = u32::from_le_bytes(reader.take(4).try_into().unwrap());
                    Read::Text(String::from_utf8(reader.take(length as usize)).unwrap())
                }
            });
        }
    }
    assert_eq!(read.len(), rows);
    read
}

fn columns() -> [(&'static str, Type); 5] {
    [
        ("name", Type::Text),
        ("offered", Type::Whole),
        ("talk_s", Type::Double),
        ("start", Type::Time),
        ("provisional", Type::Flag),
    ]
}

#[test]
fn what_is_written_is_read_again_with_its_type() {
    let mut writer = Writer::new(Vec::new(), columns().into_iter()).unwrap();
    let first = [
        Some(Value::Text("=Sales, \"née\"")),
        Some(Value::Whole(-3)),
        Some(Value::Double(12.005)),
        Some(Value::Whole(1_772_409_600_000)),
        Some(Value::Flag(true)),
    ];
    for row in [first, [None; 5], first] {
        writer.row(row.into_iter()).unwrap();
    }
    let (columns, groups) = read(&writer.finish().unwrap());
    assert_eq!(groups, 1);
    let three = |value: Read| vec![value.clone(), Read::Nothing, value];
    assert_eq!(columns["name"], (6, three(Read::Text("=Sales, \"née\"".to_owned()))));
    assert_eq!(columns["offered"], (2, three(Read::Whole(-3))));
    assert_eq!(columns["talk_s"], (5, three(Read::Double(12.005))));
    assert_eq!(columns["start"], (2, three(Read::Whole(1_772_409_600_000))));
    assert_eq!(columns["provisional"], (0, three(Read::Flag(true))));
}

#[test]
fn times_are_told_to_be_utc_and_texts_to_be_texts() {
    let file = Writer::new(Vec::new(), columns().into_iter()).unwrap().finish().unwrap();
    let footer = u32::from_le_bytes(file[file.len() - 8..file.len() - 4].try_into().unwrap()) as usize;
    let footer = Reader(&file[file.len() - 8 - footer..]).thing(12);
    let element = |index: usize| footer.field(2).list()[index + 1].clone();
    let timestamp = element(3);
    assert_eq!(timestamp.field(6), &Thing::Number(9));
    assert_eq!(timestamp.field(10).field(8).field(1), &Thing::Yes, "adjusted to UTC");
    assert!(timestamp.field(10).field(8).field(2).has(1), "in milliseconds");
    assert_eq!(element(0).field(6), &Thing::Number(0));
    assert!(element(0).field(10).has(1));
    assert!(!element(1).has(6) && !element(2).has(10));
    assert_eq!((footer.field(3).number(), footer.field(4).list().len()), (0, 0), "no rows, no groups");
}

#[test]
fn many_rows_are_groups_of_rows() {
    let rows = 2 * GROUP + 1;
    let mut writer = Writer::new(Vec::new(), columns().into_iter()).unwrap();
    for row in 0..rows {
        let number = (row % 3 > 0).then_some(Value::Whole(i64::try_from(row).unwrap()));
        let flag = Some(Value::Flag(row % 5 == 0));
        writer.row([None, number, None, None, flag].into_iter()).unwrap();
    }
    let (columns, groups) = read(&writer.finish().unwrap());
    assert_eq!(groups, 3);
    for (row, (number, flag)) in columns["offered"].1.iter().zip(&columns["provisional"].1).enumerate() {
        let expected = if row % 3 > 0 { Read::Whole(i64::try_from(row).unwrap()) } else { Read::Nothing };
        assert_eq!((number, flag), (&expected, &Read::Flag(row % 5 == 0)));
    }
}

#[test]
fn a_value_of_another_type_is_an_error_and_no_file() {
    let mut writer = Writer::new(Vec::new(), columns().into_iter()).unwrap();
    let error = writer.row([Some(Value::Whole(1)), None, None, None, None].into_iter()).unwrap_err();
    assert_eq!(error.to_string(), "the column name holds Text, not Whole(1)");
}
