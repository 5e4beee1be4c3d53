//! The filter of a list: words that must all be there, `!word` that must not. A word in lower
//! case ignores case.

/// A parsed filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    words: Vec<(bool, bool, String)>,
}

impl Filter {
    /// Parses what was typed.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let words = text
            .split_whitespace()
            .filter_map(|word| {
                let (wanted, word) = word.strip_prefix('!').map_or((true, word), |rest| (false, rest));
                (!word.is_empty()).then(|| (wanted, word.chars().any(char::is_uppercase), word.to_owned()))
            })
            .collect();
        Self { words }
    }

    /// True when the fields satisfy every word.
    #[must_use]
    pub fn matches(&self, fields: &[&str]) -> bool {
        self.words.iter().all(|(wanted, exact, word)| {
            let found = fields
                .iter()
                .any(|field| if *exact { field.contains(word.as_str()) } else { contains_ignore_case(field, word) });
            found == *wanted
        })
    }
}

fn contains_ignore_case(field: &str, word: &str) -> bool {
    if field.is_ascii() {
        field.as_bytes().windows(word.len()).any(|w| w.eq_ignore_ascii_case(word.as_bytes()))
    } else {
        field.to_lowercase().contains(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_narrow_and_negate() {
        let row = ["shop", "Checkout-7f9", "CrashLoopBackOff", "日本"];
        for (text, want) in [
            ("", true),
            ("check", true),
            ("check crash", true),
            ("check !crash", false),
            ("Check", true),
            ("CHECK", false),
            ("本", true),
            ("!", true),
        ] {
            assert_eq!(Filter::parse(text).matches(&row), want, "{text:?}");
        }
    }
}
