//! OSC 52: the terminal puts text on the clipboard of the machine the user sits at, also over SSH.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest text that common terminals take, before encoding.
const LONGEST: usize = 74_994 / 4 * 3;

/// The bytes that copy `text`. Control characters but line breaks are left out.
#[must_use]
pub fn osc52(text: &str, tmux: bool) -> Vec<u8> {
    let clean: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    let end = (0..=LONGEST.min(clean.len())).rev().find(|at| clean.is_char_boundary(*at)).unwrap_or(0);
    let sequence = format!("\x1b]52;c;{}\x07", STANDARD.encode(&clean[..end]));
    if tmux {
        // tmux hands on what is wrapped, with every escape doubled
        format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")).into_bytes()
    } else {
        sequence.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_and_cleaned() {
        assert_eq!(osc52("hi\x1b[2J", false), b"\x1b]52;c;aGlbMko=\x07");
        assert!(osc52("hi", true).starts_with(b"\x1bPtmux;\x1b\x1b]52"));
        assert!(osc52(&"é".repeat(60_000), false).len() < 80_000);
    }
}
