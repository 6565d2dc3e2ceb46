use super::super::instant::instant;
use super::*;

fn duration(cell: &str) -> Option<Value> {
    let rows = read(&format!(
        "Queue,StartInterval,EndInterval,Customer hold time\nq,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,{cell}\n"
    ));
    rows.ok().and_then(|read| read.rows[0].get(Column::Hold))
}

#[test]
fn durations_are_seconds_or_clocks() {
    for (cell, ms) in [
        ("0", 0),
        ("754", 754_000),
        ("754.5", 754_500),
        ("0.0004", 0),
        ("0.0005", 1),
        ("12:34", 754_000),
        ("0:12:34", 754_000),
        ("00:12:34", 754_000),
        ("100:00:00", 360_000_000),
        ("90:00", 5_400_000),
        ("0:00:01.5", 1_500),
    ] {
        assert_eq!(duration(cell), Some(Value::Duration(Millis::new(ms))), "{cell}");
    }
    for cell in
        ["-1", "1e3", "12:5", "1:60", "1:60:00", "1:2:03", "a", "12s", "1:", ":30", "1.", ".5", "1 2", "１２"]
    {
        assert_eq!(duration(cell), None, "{cell}");
    }
}

#[test]
fn percentages_have_a_sign_or_none_and_two_places() {
    let cells = ["83.33%", "83.33 %", "83.33", "100%", "0%", "83.335%"];
    let rows = queue_rows("Service level 20 seconds", &cells);
    let said: Vec<_> = rows.iter().filter_map(|row| row.get(Column::ServiceLevel)).collect();
    assert_eq!(said, [8333, 8333, 8333, 10_000, 0, 8334].map(percent));
}

#[test]
fn counts_are_whole() {
    let rows = queue_rows("Contacts queued", &["7", "7.0", "9999999999"]);
    let said: Vec<_> = rows.iter().filter_map(|row| row.get(Column::Offered)).collect();
    assert_eq!(said, [7, 7, 9_999_999_999].map(Value::Count));
    for cell in ["7.5", "-7", "7%", "0x7", "99999999999", "7.", ""] {
        let text = format!(
            "Queue,StartInterval,EndInterval,Contacts queued,n\nq,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,{cell},1\n"
        );
        let read = read(&text);
        assert!(cell.is_empty() == read.is_ok(), "{cell}: {read:?}");
    }
}

#[test]
fn instants_have_an_offset_or_the_zone_of_the_source() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let nine = Timestamp::parse("2026-03-01T09:00:00Z").unwrap();
    for text in [
        "2026-03-01T09:00:00Z",
        "2026-03-01T09:00:00.000Z",
        "2026-03-01T09:00Z",
        "2026-03-01T10:00:00+01:00",
        "2026-03-01T10:00+0100",
        "2026-03-01T10:00:00",
        "2026-03-01 10:00",
    ] {
        assert_eq!(instant(text, &berlin), Ok(nine), "{text}");
    }
    for text in [
        "",
        "2026-03-01",
        "01/03/2026 09:00",
        "2026-02-30T09:00:00",
        "2026-03-01T24:00",
        "2026-03-01T09:00:00 Uhr",
    ] {
        assert_eq!(instant(text, &berlin), Err(ReportProblem::NotATime), "{text}");
    }
}

#[test]
fn an_hour_that_the_clock_shows_twice_or_never_is_not_guessed() {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let not_there = || Err(ReportProblem::NotOnTheClock { zone: "Europe/Berlin".to_owned() });
    assert_eq!(instant("2026-10-25T02:15:00", &berlin), not_there(), "twice");
    assert_eq!(instant("2026-03-29T02:15:00", &berlin), not_there(), "never");
    assert_eq!(
        instant("2026-10-25T02:15:00+01:00", &berlin),
        Ok(Timestamp::parse("2026-10-25T01:15:00Z").unwrap())
    );
}

#[test]
fn quotes_commas_line_ends_and_blank_lines_are_those_of_rfc_4180() {
    let text = "\"Queue\",\"StartInterval\",EndInterval,Note\r\n\r\n\
                \"Sales, \"\"North\"\"\",2026-03-01T09:00:00Z,\"2026-03-01T09:15:00Z\",\"two\nlines\"\r\n\n\
                5\" pipes,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,\"\"";
    let rows = read(text).unwrap().rows;
    assert_eq!(rows[0].grouping.queue, Some(Known::Name("Sales, \"North\"".into())));
    assert_eq!(rows[0].extra()[0].value, ExtraValue::Text("two\nlines".into()));
    assert_eq!(rows[1].grouping.queue, Some(Known::Name("5\" pipes".into())));
    assert_eq!(rows[1].extra(), []);
}
