use super::*;

const HEADER: &str = "Queue,StartInterval,EndInterval,Contacts queued\n";

fn message(text: &str) -> String {
    read(text).expect_err("no good file").to_string()
}

#[test]
fn an_error_says_where_what_and_what_to_do() {
    let good = "Sales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,1\n";
    let text = format!("{HEADER}{good}\n\"Ca\nre\",2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,Ann Smith\n");
    assert_eq!(
        message(&text),
        "report `connect/acme/Reports/QR-2026-03-01T09:30:00Z.csv`, line 4, column 4 (`Contacts queued`): not a count; \
         mend the cell and retry it, or say in the source's table of labels what the column means",
        "and not what the cell holds"
    );
}

#[test]
fn what_is_wrong_is_told_by_its_place() {
    let row = |row: &str| format!("{HEADER}{row}\n");
    for (text, expected) in [
        (String::new(), "there is no header"),
        ("\u{feff}\r\n\r\n".to_owned(), "there is no header"),
        ("Queue,EndInterval\n".to_owned(), "line 1: there is no column `StartInterval`"),
        ("Queue;StartInterval;EndInterval\n".to_owned(), "line 1: there is no column `StartInterval`"),
        (
            "Queue,StartInterval,EndInterval,queue\n".to_owned(),
            "line 1, column 4 (`queue`): the column is there twice",
        ),
        (row("Sales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z"), "line 2: 3 cells under a header of 4"),
        (row("Sales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,1,"), "line 2: 5 cells under a header of 4"),
        (row("Sales,09:00,2026-03-01T09:15:00Z,1"), "line 2, column 2 (`StartInterval`): not a time"),
        (row("Sales,2026-03-01T09:00:00Z,2026-03-01T09:00:00Z,1"), "line 2: the interval is empty"),
        (
            row("Sales,2026-03-01T09:00:00Z,2026-04-02T09:00:00Z,1"),
            "line 2: the interval is empty, or longer than 31",
        ),
        (row("\"Sales,2026-03-01T09:00:00Z"), "line 2, column 1: a quote is never closed"),
        (row("\"Sales\" ,2026-03-01T09:00:00Z"), "line 2, column 1: something follows a closing quote"),
        (
            "Agent,Queue,StartInterval,EndInterval\n".to_owned(),
            "line 1: a queue report is expected, and it is grouped by agent and queue; rename",
        ),
    ] {
        let found = message(&text);
        assert!(found.contains(expected), "{text:?}: {found}");
    }
    let latin = reader().recognise(NAME, modified()).map(|file| reader().read(&file, b"Queue,\xe4")).unwrap();
    assert_eq!(latin.unwrap_err().problem, ReportProblem::NotUtf8);
}

#[test]
fn one_bad_cell_takes_back_the_whole_file() {
    let good = "Sales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,1\n";
    assert!(read(&format!("{HEADER}{good}")).is_ok());
    assert!(read(&format!("{HEADER}{good}Care,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,?\n")).is_err());
}

#[test]
fn rows_about_the_same_that_differ_ask_for_what_tells_them_apart() {
    let rows = "Sales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,1,Bonn\nSales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,2,Kiel\n";
    let found = message(&format!("{},Site\n{rows}", HEADER.trim_end()));
    let expected = "line 3: the rows of lines 2 and 3 are about the same and differ; if the report is grouped by one of \
                    `Site`, say so in the source's table of labels (`LABEL,grouping`)";
    assert!(found.ends_with(expected), "{found}");
}
