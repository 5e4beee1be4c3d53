//! A list's objects one by one while its answer is still arriving, so that no page is ever in
//! memory as a whole and the first rows do not wait for the last.

use memchr::{memchr2, memchr3, memmem};

/// What stands before the objects, as every API server writes it.
const ITEMS: &[u8] = b"\"items\":[";

/// Cuts the answer to a list into its objects.
///
/// An answer that is written in another way (with white space) is not cut: all of it is left for
/// [`Items::rest`].
#[derive(Debug, Default)]
pub struct Items {
    part: Part,
    /// The answer without its objects.
    rest: Vec<u8>,
    /// Bytes among the objects that were not given out yet.
    bytes: Vec<u8>,
    /// Begin of the object that is being looked at.
    start: usize,
    /// How far `bytes` was looked at; beyond its end after a backslash at the end.
    at: usize,
    depth: u32,
    in_string: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Head,
    Objects,
    Tail,
}

impl Items {
    /// Takes in what arrived.
    pub fn push(&mut self, piece: &[u8]) {
        match self.part {
            Part::Head => {
                let from = self.rest.len().saturating_sub(ITEMS.len());
                self.rest.extend_from_slice(piece);
                let found = self.rest.get(from..).and_then(|bytes| memmem::find(bytes, ITEMS));
                if let Some(found) = found {
                    self.bytes = self.rest.split_off(from + found + ITEMS.len());
                    self.part = Part::Objects;
                }
            }
            Part::Objects => {
                self.bytes.drain(..self.start);
                self.at -= self.start;
                self.start = 0;
                self.bytes.extend_from_slice(piece);
            }
            Part::Tail => self.rest.extend_from_slice(piece),
        }
    }

    /// The next object that is complete.
    pub fn next(&mut self) -> Option<&[u8]> {
        while self.part == Part::Objects {
            let left = self.bytes.get(self.at..).unwrap_or_default();
            let found = match (self.in_string, self.depth) {
                (true, _) => memchr2(b'"', b'\\', left),
                (false, 0) => memchr2(b'{', b']', left),
                (false, _) => memchr3(b'"', b'{', b'}', left),
            };
            let Some(found) = found else {
                self.at = self.at.max(self.bytes.len());
                return None;
            };
            let at = self.at + found;
            self.at = at + 1;
            match left.get(found) {
                Some(b'\\') => self.at += 1,
                Some(b'"') => self.in_string = !self.in_string,
                Some(b'{') => {
                    if self.depth == 0 {
                        self.start = at;
                    }
                    self.depth += 1;
                }
                Some(b'}') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        let start = std::mem::replace(&mut self.start, self.at);
                        return self.bytes.get(start..self.at);
                    }
                }
                _ => {
                    self.part = Part::Tail;
                    self.rest.extend_from_slice(self.bytes.get(at..).unwrap_or_default());
                    self.bytes = Vec::new();
                }
            }
        }
        None
    }

    /// What stood before the objects, as a list without any; `None` while it has not arrived.
    #[must_use]
    pub fn head(&self) -> Option<Vec<u8>> {
        (self.part == Part::Objects).then(|| [&self.rest, &b"]}"[..]].concat())
    }

    /// The answer without the objects that were given out.
    #[must_use]
    pub fn rest(self) -> Vec<u8> {
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(pieces: &[&[u8]]) -> (Vec<String>, String) {
        let mut items = Items::default();
        let mut all = Vec::new();
        for piece in pieces {
            items.push(piece);
            while let Some(object) = items.next() {
                all.push(String::from_utf8(object.to_vec()).expect("whole characters"));
            }
        }
        (all, String::from_utf8(items.rest()).expect("whole characters"))
    }

    #[test]
    fn objects_come_out_and_the_list_stays() {
        let text = br#"{"metadata":{"continue":"abc"},"items":[{"a":"}\"]"},{"b":[{"c":{}}]}],"more":1}"#;
        let (objects, rest) = cut(&[text]);
        assert_eq!(objects, [r#"{"a":"}\"]"}"#, r#"{"b":[{"c":{}}]}"#]);
        assert_eq!(rest, r#"{"metadata":{"continue":"abc"},"items":[],"more":1}"#);
    }

    #[test]
    fn the_head_is_a_list_of_its_own_as_soon_as_it_is_there() {
        let mut items = Items::default();
        items.push(br#"{"metadata":{"continue":"abc"},"ite"#);
        assert_eq!(items.head(), None);
        items.push(br#"ms":[{"half"#);
        assert_eq!(items.next(), None);
        assert_eq!(items.head().as_deref(), Some(&br#"{"metadata":{"continue":"abc"},"items":[]}"#[..]));
    }

    #[test]
    fn another_way_of_writing_is_left_whole() {
        let text = r#"{ "metadata": {}, "items": [ {} ] }"#;
        assert_eq!(cut(&[text.as_bytes()]), (Vec::new(), text.to_owned()));
        assert_eq!(cut(&[br#"{"items":null}"#]).1, r#"{"items":null}"#);
    }

    proptest! {
        /// However an answer is torn apart, the same objects come out.
        #[test]
        fn pieces_do_not_matter(
            objects in prop::collection::vec(r#"[a-z{}"\\\[\],漢]{0,12}"#, 0..6),
            cuts in prop::collection::vec(0usize..400, 0..12),
        ) {
            let objects: Vec<String> = objects
                .iter()
                .map(|text| serde_json::json!({"name": text, "of": [{"x": text}, {}]}).to_string())
                .collect();
            let text = format!(r#"{{"metadata":{{"continue":"x"}},"items":[{}]}}"#, objects.join(","));
            let mut cuts: Vec<usize> = cuts.into_iter().map(|at| at.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            let (got, rest) = cut(&pieces);
            prop_assert_eq!(got, objects);
            prop_assert_eq!(rest, r#"{"metadata":{"continue":"x"},"items":[]}"#);
        }
    }
}
