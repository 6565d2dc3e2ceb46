//! Whatever the layout of a file, it is read the same.

use proptest::prelude::*;

use super::*;

/// What a row says, and how it may be written.
const LABELS: &[&str] = &[
    "Queue",
    "Channel",
    "StartInterval",
    "EndInterval",
    "Contacts queued",
    "Agent interaction time",
    "Service level 20 seconds",
    "Average handle time",
    "Mood",
];

#[derive(Debug, Clone)]
struct Said {
    queue: String,
    quarter: i64,
    offered: Option<u32>,
    talk: Option<u32>,
    level: Option<u32>,
    average: Option<u32>,
    mood: Option<String>,
}

/// How a file is written.
#[expect(clippy::struct_excessive_bools, reason = "each is a way of its own to write a file")]
#[derive(Debug, Clone)]
struct Style {
    order: Vec<usize>,
    bom: bool,
    line_end: &'static str,
    quoted: bool,
    clock: u8,
    sign: bool,
    absent: &'static str,
    zone: u8,
    capitals: bool,
    last_end: bool,
}

fn said() -> impl Strategy<Value = Said> {
    let number = || proptest::option::of(0_u32..1_000_000);
    (
        "[A-Za-z \"',;-]{0,12}x",
        0_i64..96,
        number(),
        number(),
        number(),
        number(),
        proptest::option::of("[a-z\", \n]{1,8}z"),
    )
        .prop_map(|(queue, quarter, offered, talk, level, average, mood)| Said {
            queue,
            quarter,
            offered,
            talk,
            level,
            average,
            mood,
        })
}

fn style() -> impl Strategy<Value = Style> {
    let order = Just((0..LABELS.len()).collect::<Vec<_>>()).prop_shuffle();
    let end = prop_oneof![Just("\n"), Just("\r\n")];
    let absent = prop_oneof![Just("-"), Just("")];
    (order, any::<[bool; 5]>(), end, 0_u8..3, absent, 0_u8..3).prop_map(
        |(order, [bom, quoted, sign, capitals, last_end], line_end, clock, absent, zone)| Style {
            order,
            bom,
            line_end,
            quoted,
            clock,
            sign,
            absent,
            zone,
            capitals,
            last_end,
        },
    )
}

impl Style {
    fn cell(&self, text: &str) -> String {
        if self.quoted || text.contains(['"', ',', '\n']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    }

    fn number(&self, number: Option<u32>, write: impl Fn(u32) -> String) -> String {
        number.map_or_else(|| self.absent.to_owned(), write)
    }

    fn duration(&self, seconds: u32) -> String {
        match self.clock {
            0 => seconds.to_string(),
            1 => format!("{}:{:02}", seconds / 60, seconds % 60),
            _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
        }
    }

    fn time(&self, quarter: i64) -> String {
        let shifted = if self.zone == 2 { quarter + 4 } else { quarter };
        let at = Timestamp::from_seconds(1_772_323_200 + shifted * 900).to_string();
        match self.zone {
            0 => at,
            1 => at.trim_end_matches('Z').to_owned(),
            _ => at.replace('Z', "+01:00"),
        }
    }

    fn write(&self, rows: &[Said]) -> String {
        let case = |label: &str| if self.capitals { label.to_uppercase() } else { label.to_owned() };
        let header: Vec<String> = LABELS.iter().map(|label| self.cell(&case(label))).collect();
        let mut lines = vec![self.line(&header)];
        for row in rows {
            let sign = if self.sign { "%" } else { "" };
            let cells = [
                row.queue.clone(),
                "Voice".to_owned(),
                self.time(row.quarter),
                self.time(row.quarter + 1),
                self.number(row.offered, |number| number.to_string()),
                self.number(row.talk, |seconds| self.duration(seconds)),
                self.number(row.level, |level| format!("{}.{:02}{sign}", level / 100, level % 100)),
                self.number(row.average, |seconds| self.duration(seconds)),
                row.mood.clone().unwrap_or_else(|| self.absent.to_owned()),
            ];
            lines.push(self.line(&cells.map(|cell| self.cell(&cell))));
        }
        let bom = if self.bom { "\u{feff}" } else { "" };
        format!("{bom}{}{}", lines.join(self.line_end), if self.last_end { self.line_end } else { "" })
    }

    fn line(&self, cells: &[String]) -> String {
        self.order.iter().map(|index| cells[*index].as_str()).collect::<Vec<_>>().join(",")
    }
}

proptest! {
    #[test]
    fn what_was_said_is_read_whatever_the_layout(rows in proptest::collection::vec(said(), 0..8), style in style()) {
        let mut rows = rows;
        rows.sort_by_key(|row| row.quarter);
        rows.dedup_by_key(|row| row.quarter);
        let read = read(&style.write(&rows)).unwrap();
        prop_assert_eq!(read.rows.len(), rows.len());
        for (row, said) in read.rows.iter().zip(&rows) {
            let number = |seconds: Option<u32>| seconds.map(|number| super::seconds(number.into()));
            prop_assert_eq!(row.grouping.queue.as_ref().and_then(Known::name), Some(said.queue.as_str()));
            prop_assert_eq!(&row.grouping.channel, &Some(pegboard_model::Channel::Voice));
            prop_assert_eq!(row.interval_start, Timestamp::from_seconds(1_772_323_200 + said.quarter * 900));
            prop_assert_eq!(row.interval_s, Millis::from_minutes(15));
            prop_assert_eq!(row.get(Column::Offered), said.offered.map(|count| Value::Count(count.into())));
            prop_assert_eq!(row.get(Column::Talk), number(said.talk));
            prop_assert_eq!(row.get(Column::ServiceLevel), said.level.map(|level| percent(level.into())));
            let kept = usize::from(said.average.is_some()) + usize::from(said.mood.is_some());
            prop_assert_eq!(row.extra().len(), kept);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "(Queue,StartInterval,EndInterval,Contacts queued\n)?[a-zQ0-9\",:%\r\n-]{0,80}") {
        let _any = read(&text);
    }
}
