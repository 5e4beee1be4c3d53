//! Names and values in texts that others read: URLs, and command lines to copy.

use std::fmt::Write as _;

/// `text` as one segment of a URL's path or one value of its query: everything but unreserved
/// characters (RFC 3986) percent-encoded.
#[must_use]
pub fn url(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// `word` as one word of a POSIX shell's command line, quoted where it must be.
#[must_use]
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_unreserved_characters_is_encoded_in_a_url() {
        assert_eq!(url(r#"{"a":[1]}/é"#), "%7B%22a%22%3A%5B1%5D%7D%2F%C3%A9");
        assert_eq!(url("a-b_c.d~1"), "a-b_c.d~1");
    }

    #[test]
    fn words_a_shell_would_split_or_expand_are_quoted() {
        assert_eq!(shell("web_1.x"), "web_1.x");
        assert_eq!(shell("a b'c"), r"'a b'\''c'");
        assert_eq!(shell("$HOME"), "'$HOME'");
        assert_eq!(shell(""), "''");
    }
}
