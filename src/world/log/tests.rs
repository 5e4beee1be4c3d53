use proptest::prelude::*;

use super::*;

fn line(text: &str) -> LogRecord {
    LogRecord::Line { at: Some(7), stderr: false, text: text.into(), cut: 0 }
}

fn text(pattern: &str) -> Matcher {
    Matcher::new(pattern, Syntax::Text).expect("a usable pattern")
}

fn numbers(buffer: &LogBuffer, matcher: &Matcher) -> Vec<u64> {
    let mut found = Vec::new();
    buffer.scan(matcher, 0..u64::MAX, |number| {
        found.push(number);
        true
    });
    found
}

#[test]
fn an_entry_is_24_bytes() {
    assert_eq!(ENTRY, 24);
}

#[test]
fn records_come_back_as_they_went_in() {
    let mut log = LogBuffer::default();
    log.append(vec![
        LogRecord::Line { at: Some(1_724_000_000_123_456_789), stderr: true, text: "\x1b[31mred".into(), cut: 5 },
        LogRecord::Gap("rotated".into()),
        LogRecord::Note("new instance".into()),
    ]);
    let first = log.get(0).expect("line 0");
    assert_eq!(
        (first.at, first.stderr, first.kind, first.raw, first.cut),
        (Some(1_724_000_000_123_456_789), true, LineKind::Line, "\x1b[31mred", 5)
    );
    assert_eq!(first.styled().text, "red");
    assert_eq!(log.get(1).map(|l| (l.kind, l.raw, l.at)), Some((LineKind::Gap, "rotated", None)));
    assert_eq!(log.get(2).map(|l| l.kind), Some(LineKind::Note));
    assert_eq!(log.get(3), None);
    assert_eq!((log.len(), log.defused(), log.gaps(), log.generation()), (3, 0, 1, 1));
    log.append(vec![line("\x1b[2J\x1b]0;t\x07")]);
    assert_eq!(log.defused(), 3);
}

#[test]
fn an_endless_line_is_cut_to_the_budget() {
    let mut log = LogBuffer::new(4096);
    log.append(vec![line(&"é".repeat(5000))]);
    let kept = log.get(0).expect("line 0");
    assert_eq!(kept.raw.len() + kept.cut as usize, 10_000);
    assert!(log.used() <= 4096);
}

#[test]
fn search_goes_both_ways_and_stops_at_the_ends() {
    let mut log = LogBuffer::new(4096);
    log.append((0..60).map(|n| line(if n % 20 == 5 { "an Error here" } else { "all is well" })).collect());
    assert_eq!(log.find(&text("error"), 0, Direction::Forward), Some(5));
    assert_eq!(log.find(&text("error"), 6, Direction::Forward), Some(25));
    assert_eq!(log.find(&text("error"), 46, Direction::Forward), None);
    assert_eq!(log.find(&text("error"), u64::MAX, Direction::Backward), Some(45));
    assert_eq!(log.find(&text("error"), 44, Direction::Backward), Some(25));
    assert_eq!(log.find(&text("error"), 4, Direction::Backward), None);
    assert_eq!(log.find(&text("!well"), 0, Direction::Forward), Some(5));
}

#[test]
fn patterns_read_as_documented() {
    let mut log = LogBuffer::default();
    log.append(["GET /a.b 500", "get /axb 200", "\x1b[31mGE\x1b[0mT /c", "wow! really"].map(line).to_vec());
    let found = |pattern: &str, syntax| numbers(&log, &Matcher::new(pattern, syntax).expect("a usable pattern"));
    assert_eq!(found("get", Syntax::Text), [0, 1, 2]);
    assert_eq!(found("GET", Syntax::Text), [0, 2]);
    assert_eq!(found("a.b", Syntax::Text), [0]);
    assert_eq!(found("a.b", Syntax::Regex), [0, 1]);
    assert_eq!(found("!get", Syntax::Text), [3]);
    assert_eq!(found("\\! really", Syntax::Text), [3]);
    assert_eq!(found("^wow", Syntax::Regex), [3]);
    assert_eq!(found("[245]0+$", Syntax::Regex), [0, 1]);
    assert!(Matcher::new("(", Syntax::Regex).is_err());
    assert!(Matcher::new("!", Syntax::Text).is_err());
    let too_large = Matcher::new("(a{1000}){1000}", Syntax::Regex).expect_err("a refusal");
    assert_eq!(too_large.to_string(), "this pattern is too large");
}

#[test]
fn a_match_across_two_lines_is_none() {
    let mut log = LogBuffer::default();
    log.append(["foo", "bar", "foobar"].map(line).to_vec());
    assert_eq!(numbers(&log, &text("foobar")), [2]);
    assert_eq!(numbers(&log, &text("oba")), [2]);
}

#[test]
fn a_view_follows_appends_and_evictions_and_keeps_gaps() {
    let mut log = LogBuffer::new(4096);
    let mut view = LogView::new(text("even"));
    for round in 0..40 {
        log.append((0..10).map(|n| line(if n % 2 == 0 { "even" } else { "odd" })).collect());
        if round == 38 {
            log.append(vec![LogRecord::Gap("lost".into())]);
        }
        view.update(&log);
    }
    let fresh: Vec<u64> = numbers(&log, &text("even"));
    assert!(log.evicted() > 0, "the budget is small enough to evict");
    assert_eq!(view.matches(), fresh.len());
    assert_eq!(view.len(), fresh.len() + 1);
    let last = view.get(view.len() - 1).expect("a last line");
    assert_eq!(view.index_of(last), view.len() - 1);
}

proptest! {
    #[test]
    fn the_budget_holds_and_numbers_are_stable(
        batches in proptest::collection::vec(proptest::collection::vec("[a-z\u{1b}é]{0,300}", 1..20), 1..30),
        budget in 0usize..20_000,
    ) {
        let mut log = LogBuffer::new(budget);
        let mut all: Vec<String> = Vec::new();
        for batch in batches {
            log.append(batch.iter().map(|text| line(text)).collect());
            all.extend(batch);
            prop_assert!(log.used() <= budget.max(MIN_BUDGET));
            prop_assert_eq!(log.next_number(), all.len() as u64);
            prop_assert_eq!(log.len() as u64 + log.evicted(), all.len() as u64);
            for (number, text) in all.iter().enumerate() {
                let got = log.get(number as u64);
                prop_assert_eq!(got.is_some(), number as u64 >= log.first_number());
                if let Some(got) = got {
                    prop_assert_eq!(got.raw, text.as_str());
                }
            }
        }
    }

    #[test]
    fn searching_segments_finds_what_searching_lines_finds(lines in proptest::collection::vec("[ab]{0,6}", 0..200)) {
        let mut log = LogBuffer::new(4096);
        log.append(lines.iter().map(|text| line(text)).collect());
        let want: Vec<u64> = log.range(0..u64::MAX).filter(|l| l.raw.contains("abb")).map(|l| l.number).collect();
        prop_assert_eq!(numbers(&log, &text("abb")), want);
    }
}
