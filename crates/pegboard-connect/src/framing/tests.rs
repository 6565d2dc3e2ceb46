use proptest::prelude::*;

use super::*;

/// Each record as its line and text, each broken one as its line, reason and text.
fn split(input: &str) -> Vec<String> {
    frames(input.as_bytes()).map(show).collect()
}

fn show(frame: Result<Frame<'_>, BrokenFrame<'_>>) -> String {
    match frame {
        Ok(frame) => format!("{} {}", frame.line, String::from_utf8_lossy(frame.bytes)),
        Err(broken) => {
            format!("{} ! {}: {}", broken.line, broken.reason, String::from_utf8_lossy(broken.bytes))
        }
    }
}

#[test]
fn one_record_to_a_line() {
    assert_eq!(split("{\"a\":1}\n{\"b\":{}}\n"), ["1 {\"a\":1}", "2 {\"b\":{}}"]);
    assert_eq!(split("{}\n{}"), ["1 {}", "2 {}"], "the last line needs no end");
}

#[test]
fn byte_order_mark_carriage_returns_blank_lines() {
    assert_eq!(split("\u{feff}{\"a\":1}\r\n\r\n  {\"b\":2} \r\n\n"), ["1 {\"a\":1}", "3 {\"b\":2}"]);
    assert_eq!(split("{}\u{feff}\n\u{feff}{}"), ["1 {}", "2 {}"], "files joined by cat");
    assert_eq!(split("{}\u{feff}{}\n{}"), ["1 {}", "1 {}", "2 {}"]);
}

#[test]
fn nothing_but_blanks_is_no_record() {
    for input in ["", "\n", " \r\n\t", "\u{feff}", "[]", "[\n]\n"] {
        assert!(split(input).is_empty(), "{input:?}");
    }
}

#[test]
fn pretty_printed_over_several_lines() {
    let input = "{\n  \"a\": {\n    \"b\": [\n      {}\n    ]\n  }\n}\n{\n  \"c\": 1\n}\n";
    let (first, second) = input.split_at(input.find("{\n  \"c\"").unwrap());
    assert_eq!(split(input), [format!("1 {}", first.trim_end()), format!("8 {}", second.trim_end())]);
}

#[test]
fn without_a_separator_even_where_a_text_holds_the_like() {
    let first = r#"{"a":"}{","b":"\"}{\\"}"#;
    assert_eq!(
        split(&format!("{first}{{\"c\":[{{}},{{}}]}}{{}}")),
        [format!("1 {first}"), "1 {\"c\":[{},{}]}".to_owned(), "1 {}".to_owned()]
    );
}

#[test]
fn an_array_of_records() {
    assert_eq!(split("[{\"a\":1},{\"b\":2}]"), ["1 {\"a\":1}", "1 {\"b\":2}"]);
    assert_eq!(split("[\n  {\"a\":1},\n  {\"b\":2}\n]\n"), ["2 {\"a\":1}", "3 {\"b\":2}"]);
}

#[test]
fn several_records_with_commas_between_them_on_a_line() {
    let expected = ["1 {\"a\":[{},{}]}", "1 {\"b\":2}", "2 {}"];
    assert_eq!(split("{\"a\":[{},{}]},{\"b\":2}\n{}\n"), expected);
    assert_eq!(split("{\"a\":[{},{}]} , {\"b\":2}\r\n{}"), expected);
    assert_eq!(split("{\"a\":\"{\"},{}\n"), ["1 {\"a\":\"{\"}", "1 {}"]);
}

#[test]
fn a_line_that_ends_with_a_brace_need_not_end_the_record() {
    assert_eq!(split("{\"a\":{}\n,\"b\":1}\n{}\n"), ["1 {\"a\":{}\n,\"b\":1}", "3 {}"]);
    assert_eq!(split("{\"a\":1} {\"b\":2}\n{}\n"), ["1 {\"a\":1}", "1 {\"b\":2}", "2 {}"]);
}

#[test]
fn offsets_are_those_of_the_input() {
    let input = b"\xef\xbb\xbf{\"a\":1}\n garbage\n{}{}";
    let places: Vec<_> = frames(input)
        .map(|frame| match frame {
            Ok(frame) => (frame.offset, frame.bytes.len()),
            Err(broken) => (broken.offset, broken.bytes.len()),
        })
        .collect();
    assert_eq!(places, [(3, 7), (12, 7), (20, 2), (22, 2)]);
}

#[test]
fn a_string_without_its_quote_costs_its_line() {
    assert_eq!(
        split("{\"a\":1}\n{\"b\":\"x\n{\"c\":3}\n"),
        ["1 {\"a\":1}", "2 ! a string without its closing quote: {\"b\":\"x", "3 {\"c\":3}"]
    );
    assert_eq!(split("{\"b\":\"x\\\n{}\n")[1], "2 {}", "a backslash does not hide the line end");
}

#[test]
fn one_brace_too_many_costs_its_record() {
    assert_eq!(
        split("{\"a\":1}}{\"b\":2}\n"),
        ["1 ! text after the closing brace of the record: {\"a\":1}}", "1 {\"b\":2}"]
    );
    let pretty = "{\n  \"a\": {\n    }\n  },\n  \"b\": {\n  }\n}\n{}\n";
    assert_eq!(split(pretty).len(), 2, "what is behind the brace is not taken for records");
    assert_eq!(split(pretty)[1], "8 {}");
}

#[test]
fn one_brace_too_few_costs_its_record() {
    assert_eq!(
        split("{\"a\":{\"b\":1}{\"c\":2}{\"d\":3}"),
        ["1 ! a record without its closing brace: {\"a\":{\"b\":1}", "1 {\"c\":2}", "1 {\"d\":3}"]
    );
    assert_eq!(
        split("{\"a\":12\n{\"b\":1}\n{\"c\":1}"),
        ["1 ! a record without its closing brace: {\"a\":12", "2 {\"b\":1}", "3 {\"c\":1}"]
    );
}

#[test]
fn a_record_cut_where_a_value_may_follow_does_not_take_the_next_with_it() {
    assert_eq!(
        split("{\"a\":[1,\n{\"b\":1}\n{\"c\":1}\n{\"d\":1}"),
        ["1 ! a record without its closing brace: {\"a\":[1,", "2 {\"b\":1}", "3 {\"c\":1}", "4 {\"d\":1}"]
    );
    assert_eq!(
        split("{\"a\":[1,\n{\"b\":1}"),
        ["1 ! the input ends inside the record: {\"a\":[1,", "2 {\"b\":1}"]
    );
}

#[test]
fn an_indented_part_of_a_broken_record_is_not_a_record() {
    let input = "[\n  {\n    \"a\": [\n      {\"x\": 1}\n    }\n  },\n  {\"b\": 2}\n]\n";
    let split = split(input);
    assert_eq!(split.len(), 2, "{split:?}");
    assert!(split[0].starts_with("2 ! a bracket closed by one of the other kind"));
    assert_eq!(split[1], "7 {\"b\": 2}");
}

#[test]
fn what_is_no_object_is_reported_once() {
    assert_eq!(split("hello\nworld\n{}\n"), ["1 ! not a JSON object: hello\nworld", "3 {}"]);
    assert_eq!(split("null\n{}"), ["1 ! not a JSON object: null", "2 {}"]);
    assert_eq!(
        split("{} // comment\n{}"),
        ["1 ! text after the closing brace of the record: {} // comment", "2 {}"]
    );
}

#[test]
fn r28_r07_one_byte_over_the_limit_is_broken_and_the_stream_goes_on() {
    let record = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    for separator in ["\n", "", " "] {
        let input = [record(64), record(65), record(20)].join(separator);
        let found: Vec<_> = Framer::new()
            .with_max_record(64)
            .frames(input.as_bytes(), true)
            .map(|frame| {
                frame.map(|frame| frame.bytes.len()).map_err(|broken| (broken.reason, broken.bytes.len()))
            })
            .collect();
        assert_eq!(found, [Ok(64), Err((BrokenReason::TooLong { limit: 64 }, 64)), Ok(20)], "{separator:?}");
    }
    assert_eq!(split(&format!("{}\n{{}}", record(MAX_RECORD_BYTES + 1)))[1], "2 {}");
    assert_eq!(frames(record(MAX_RECORD_BYTES).as_bytes()).flatten().count(), 1);
}

#[test]
fn r28_nesting_is_read_as_deep_as_the_decoder_reads_it() {
    let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert!(frames(nested(127).as_bytes()).all(|frame| frame.is_ok()));
    assert!(serde_json::from_str::<serde_json::Value>(&nested(127)).is_ok());
    let input = format!("{} {{}}\n{{}}", nested(128));
    assert_eq!(frames(input.as_bytes()).next().unwrap().unwrap_err().reason, BrokenReason::TooDeep);
    assert_eq!(split(&input)[1], "2 {}");
    assert!(serde_json::from_str::<serde_json::Value>(&nested(128)).is_err());
}

/// All frames of an input that comes in chunks of `size` bytes.
fn in_chunks(input: &[u8], framer: Framer, size: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut framer = framer;
    let (mut from, mut to) = (0, 0);
    loop {
        to = input.len().min(to + size);
        let last = to == input.len();
        let mut frames = framer.frames(&input[from..to], last);
        found.extend(frames.by_ref().map(show));
        let (next, consumed) = frames.finish();
        framer = next;
        from += consumed;
        if last {
            return found;
        }
    }
}

#[test]
fn chunks_do_not_matter() {
    let input = "\u{feff}{\"a\":\"}{\\\"\"}\r\n[{\"b\":[{}]}, {}]\n{\"c\":\"x\n{\n  \"d\": {}\n}{\"e\":1}}\n \
                 garbage\n{\"f\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}{}\n";
    let framer = Framer::new().with_max_record(40);
    let whole = in_chunks(input.as_bytes(), framer.clone(), input.len());
    assert_eq!(whole.iter().filter(|line| line.contains('!')).count(), 3, "{whole:#?}");
    for size in 1..input.len() {
        assert_eq!(in_chunks(input.as_bytes(), framer.clone(), size), whole, "chunks of {size}");
    }
}

#[test]
fn blocks_hold_the_same_records() {
    let line = |n: u32| [format!("{{\"n\":{n}}}"), if n.is_multiple_of(7) { "" } else { "\n" }.to_owned()];
    let input: String = (0..1000).flat_map(line).collect();
    let expected = split(&input);
    let framer = Framer::new().with_max_record(20);
    let mut blocks = 0;
    let mut found = Vec::new();
    for block in Blocks::new(input.as_bytes(), framer, 64) {
        let block = block.unwrap();
        assert_eq!(block.frames().len(), block.len());
        found.extend(block.frames().map(show));
        blocks += 1;
    }
    assert_eq!(found, expected);
    assert!(blocks > 100, "{blocks}");
}

#[test]
fn two_records_on_a_line_whose_braces_come_out_even_are_two() {
    let (one, other) = (r#"{"":{"{":null}}"#, r#"{"":{"":"}"}}"#);
    for between in ["", " ", "\u{feff}", " \u{feff}\t"] {
        let expected = [format!("1 {one}"), format!("1 {other}")];
        assert_eq!(split(&format!("{one}{between}{other}\r\n")), expected, "{between:?}");
    }
}

#[test]
fn the_sample_as_published_is_one_broken_record() {
    let Some(text) = crate::test_data::shared("agent-events/aws-docs-heartbeat-next-status.as-published.txt")
    else {
        return;
    };
    let broken: Vec<_> = frames(text.as_bytes()).collect();
    assert_eq!(broken.len(), 1);
    assert_eq!(broken[0].unwrap_err().reason, BrokenReason::TextAfter);
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof![
        "[\\PC\\n\\t]{0,8}",
        Just("}{".to_owned()),
        Just("\"}\n{\\".to_owned()),
        "[{}\\[\\]\",:\\\\ ]{0,6}"
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        text.clone().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::hash_map(text.clone(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A record as text, compact or pretty, and what stands behind it.
fn written() -> impl Strategy<Value = (String, &'static str)> {
    let object = proptest::collection::hash_map("\\PC{0,6}", json(), 0..5);
    let separator = proptest::sample::select(&["", "\n", " ", "\r\n", "\n\n", "\t \n ", "\u{feff}"][..]);
    (object, any::<bool>(), separator).prop_map(|(object, pretty, separator)| {
        let write = if pretty { serde_json::to_string_pretty } else { serde_json::to_string };
        (write(&object).unwrap(), separator)
    })
}

proptest! {
    #[test]
    fn exactly_the_records_whatever_stands_between(
        records in proptest::collection::vec(written(), 0..8),
        size in 1_usize..200,
    ) {
        let input: String = records.iter().flat_map(|(record, separator)| [record, *separator]).collect();
        let found: Vec<_> = frames(input.as_bytes()).map(|frame| frame.unwrap()).collect();
        let texts: Vec<_> = found.iter().map(|frame| std::str::from_utf8(frame.bytes).unwrap()).collect();
        let expected: Vec<_> = records.iter().map(|(record, _)| record.as_str()).collect();
        prop_assert_eq!(texts, expected);
        for frame in found {
            let start = usize::try_from(frame.offset).unwrap();
            prop_assert_eq!(&input.as_bytes()[start..start + frame.bytes.len()], frame.bytes);
            let line = 1 + input[..start].matches('\n').count();
            prop_assert_eq!(frame.line, line as u64);
        }
        prop_assert_eq!(in_chunks(input.as_bytes(), Framer::new(), size), split(&input));
    }

    #[test]
    fn any_bytes_are_split_to_their_end(
        pieces in proptest::collection::vec("[{}\\[\\]\",:\\\\ \\n1a]{0,12}|\\{\"a\":1\\}\n", 0..40),
        size in 1_usize..100,
    ) {
        let input = pieces.concat();
        let framer = Framer::new().with_max_record(24);
        let mut end = 0;
        for frame in framer.clone().frames(input.as_bytes(), true) {
            let (offset, bytes) = match frame {
                Ok(frame) => (frame.offset, frame.bytes),
                Err(broken) => (broken.offset, broken.bytes),
            };
            prop_assert!(offset >= end, "records overlap");
            prop_assert!(!bytes.is_empty() && bytes.len() <= 24);
            end = offset + bytes.len() as u64;
        }
        let _chunks_are_split_without_a_panic = in_chunks(input.as_bytes(), framer, size);
    }

    #[test]
    fn a_broken_line_costs_only_itself(
        before in proptest::collection::vec("\\{\"a\":\"[}{,:a ]{0,9}\"\\}", 0..4),
        after in proptest::collection::vec("\\{\"b\":\"[}{,:a ]{0,9}\"\\}", 1..4),
        record in "\\{\"c\":\\[[0-9],\\{\"d\":\"[}{,:a ]{0,9}\"\\}\\],\"e\":\"[a-z]{1,4}\"\\}",
        cut in 1_usize..20,
    ) {
        let broken = &record[..record.len() - cut.min(record.len() - 1)];
        let input = format!("{}\n{broken}\n{}\n", before.join("\n"), after.join("\n"));
        let whole: Vec<_> = frames(input.as_bytes())
            .filter_map(Result::ok)
            .map(|frame| std::str::from_utf8(frame.bytes).unwrap())
            .filter(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
            .collect();
        let expected: Vec<_> = before.iter().chain(&after).map(String::as_str).collect();
        prop_assert_eq!(whole, expected);
    }
}
