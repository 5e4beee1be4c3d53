//! The decoder over every way of cutting its input, as the engine frames it.

use proptest::prelude::*;

use super::*;

const T0: &str = "2026-11-26T01:00:00.000000001Z";
const T1: &str = "2026-11-26T01:00:01.500000000Z";

fn frame(kind: u8, text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    [&[kind, 0, 0, 0][..], &length, text].concat()
}

fn message(kind: u8, stamp: &str, text: &[u8]) -> Vec<u8> {
    frame(kind, &[stamp.as_bytes(), b" ", text].concat())
}

fn decode(tty: bool, bytes: &[u8], size: usize) -> Vec<Item> {
    let mut decoder = Decoder::new(tty);
    let mut items = Vec::new();
    for chunk in bytes.chunks(size.max(1)) {
        decoder.push(chunk, &mut items);
    }
    decoder.finish(&mut items);
    items
}

fn texts(items: &[Item]) -> Vec<String> {
    items
        .iter()
        .map(|item| match item {
            Item::Line(line) => String::from_utf8_lossy(&line.text).into_owned(),
            Item::System(text) => format!("!{text}"),
        })
        .collect()
}

#[test]
fn frames_of_both_streams_become_lines() {
    let bytes =
        [message(1, T0, b"one\n"), message(2, T1, b"two\n"), message(1, T1, b"\n"), frame(3, b"broken\n")].concat();
    for size in 1..=bytes.len() {
        let items = decode(false, &bytes, size);
        assert_eq!(texts(&items), ["one", "two", "", "!broken"], "chunks of {size}");
        let Item::Line(second) = &items[1] else { panic!("not a line") };
        assert!(second.stderr);
        assert_eq!(second.at, Some(1_795_654_801_500_000_000));
    }
}

#[test]
fn a_long_line_is_joined_from_its_messages_even_when_the_other_stream_comes_between() {
    let first = vec![b'a'; MESSAGE];
    let bytes = [message(1, T0, &first), message(2, T1, b"other\n"), message(1, T0, b"end\n")].concat();
    for size in [1, 7, 4096, bytes.len()] {
        let items = decode(false, &bytes, size);
        assert_eq!(texts(&items), ["other".to_owned(), format!("{}end", "a".repeat(MESSAGE))]);
    }
}

#[test]
fn the_last_words_of_a_run_are_not_joined_with_the_next_run() {
    let bytes = [message(1, T0, b"killed in mid"), message(1, T1, b"begin\n")].concat();
    assert_eq!(texts(&decode(false, &bytes, 5)), ["killed in mid", "begin"]);
    assert_eq!(texts(&decode(false, &message(1, T0, b"no newline"), 3)), ["no newline"]);
}

#[test]
fn what_is_not_complete_is_known_as_pending() {
    let mut decoder = Decoder::new(false);
    let mut items = Vec::new();
    decoder.push(&message(1, T0, b"half"), &mut items);
    assert_eq!((items.len(), decoder.pending()), (0, Some(1_795_654_800_000_000_001)));
    decoder.push(&message(1, T0, b"done\n"), &mut items);
    assert_eq!((texts(&items), decoder.pending()), (vec!["halfdone".to_owned()], None));
}

#[test]
fn a_terminal_has_no_frames_and_draws_lines_anew() {
    let long = "b".repeat(MESSAGE);
    let text = format!("{T0} plain\r\n{T0} 10%\r50%\r100%\r\n{T1} {long}{T1} tail\r\n{T1} prompt$ ");
    for size in [1, 3, 50, text.len()] {
        let want = ["plain".to_owned(), "100%".into(), format!("{long}tail"), "prompt$ ".into()];
        assert_eq!(texts(&decode(true, text.as_bytes(), size)), want, "chunks of {size}");
    }
}

#[test]
fn lines_longer_than_the_limit_are_cut_and_counted() {
    let part = vec![b'x'; MESSAGE];
    let mut bytes: Vec<u8> = (0..20).flat_map(|_| message(1, T0, &part)).collect();
    bytes.extend(message(1, T0, b"yz\n"));
    let items = decode(false, &bytes, 10_000);
    let [Item::Line(line)] = items.as_slice() else { panic!("{} items", items.len()) };
    assert_eq!(line.text.len(), MAX_LINE);
    assert_eq!(line.cut as usize, 20 * MESSAGE + 2 - MAX_LINE);
}

#[test]
fn text_without_timestamps_or_frames_is_kept() {
    assert_eq!(texts(&decode(false, &frame(1, b"no stamp here\n"), 4)), ["no stamp here"]);
    assert_eq!(texts(&decode(false, b"not framed at all\nnext\n", 5)), ["not framed at all", "next"]);
    let long_word = format!("{}\n", "w".repeat(100));
    assert_eq!(texts(&decode(true, long_word.as_bytes(), 9)), [long_word.trim_end()]);
}

proptest! {
    #[test]
    fn chunks_never_change_the_lines(
        lines in prop::collection::vec((any::<bool>(), "[ -~]{0,40}"), 0..20),
        cuts in prop::collection::vec(1_usize..64, 1..60),
        tty in any::<bool>(),
    ) {
        let bytes: Vec<u8> = if tty {
            lines.iter().flat_map(|(_, text)| format!("{T0} {text}\r\n").into_bytes()).collect()
        } else {
            lines.iter().flat_map(|(err, text)| message(1 + u8::from(*err), T0, format!("{text}\n").as_bytes())).collect()
        };
        let mut decoder = Decoder::new(tty);
        let mut items = Vec::new();
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, tail) = rest.split_at((*cut).min(rest.len()));
            decoder.push(chunk, &mut items);
            rest = tail;
        }
        let want: Vec<String> = lines.iter().map(|(_, text)| text.clone()).collect();
        prop_assert_eq!(texts(&items), want);
        prop_assert_eq!(decoder.pending(), None);
    }
}
