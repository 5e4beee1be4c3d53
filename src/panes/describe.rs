//! The selected object as YAML, highlighted, searchable.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;

use super::{Ask, Cx, Motion, Pane, PaneId, Title};
use crate::input::Context;
use crate::model::{Feed, FeedSpec, Key};
use crate::theme::Role;
use crate::ui::{Look, text};
use crate::world::Freshness;

/// The YAML pane.
#[derive(Debug, Default)]
pub struct Describe {
    about: Option<Key>,
    offset: usize,
    column: usize,
    page: usize,
    search: String,
}

impl Describe {
    fn lines<'a>(&self, cx: &Cx<'a>) -> Vec<&'a str> {
        let yaml = self.about.as_ref().and_then(|key| cx.world.objects.get(key)).and_then(|o| o.value.as_deref());
        yaml.map(|yaml| yaml.lines().collect()).unwrap_or_default()
    }

    fn find(&mut self, cx: &Cx, from: usize, forward: bool) -> bool {
        let lines = self.lines(cx);
        let hit = |i: &usize| contains(lines[*i], &self.search);
        let found = if forward {
            (from..lines.len()).chain(0..from.min(lines.len())).find(hit)
        } else {
            (0..from.min(lines.len())).rev().chain((from.min(lines.len())..lines.len()).rev()).find(hit)
        };
        if let Some(at) = found {
            self.offset = at;
        }
        found.is_some()
    }
}

fn contains(line: &str, needle: &str) -> bool {
    !needle.is_empty() && line.to_lowercase().contains(&needle.to_lowercase())
}

impl Pane for Describe {
    fn id(&self) -> PaneId {
        PaneId::Describe
    }

    fn contexts(&self) -> &'static [Context] {
        &[Context::Text]
    }

    fn title(&self, cx: &Cx) -> Title {
        let fetched = self.about.as_ref().and_then(|key| cx.world.objects.get(key));
        let freshness = fetched.map_or(Freshness::Waiting, |f| match (&f.fault, &f.value) {
            (Some(fault), Some(_)) => Freshness::Stale { since: cx.now.wall, fault: fault.clone() },
            (Some(fault), None) => Freshness::Failed(fault.clone()),
            (None, Some(_)) => Freshness::Live,
            (None, None) => Freshness::Waiting,
        });
        let mut detail = self.about.as_ref().map(Key::slug).unwrap_or_default();
        if !self.search.is_empty() {
            detail.push_str(&format!(" /{}", self.search));
        }
        Title { text: "Describe".into(), detail, freshness: self.about.as_ref().map(|_| freshness) }
    }

    fn needs(&self, _cx: &Cx) -> Vec<FeedSpec> {
        let about = self.about.clone();
        about.map(|key| FeedSpec { target: key.target, feed: Feed::Object(key) }).into_iter().collect()
    }

    fn on(&mut self, ask: &Ask, cx: &Cx) -> bool {
        match ask {
            Ask::Select(key) => {
                if self.about.as_ref() != Some(key) {
                    *self = Self { about: Some(key.clone()), ..Self::default() };
                }
            }
            Ask::Move(Motion::Left) => self.column = self.column.saturating_sub(16),
            Ask::Move(Motion::Right) => self.column += 16,
            Ask::Move(motion) => {
                let len = self.lines(cx).len();
                let last = len.saturating_sub(self.page);
                self.offset = motion.apply(self.offset, last + 1, self.page);
            }
            Ask::Search(search) => {
                self.search.clone_from(search);
                if !search.is_empty() {
                    return self.find(cx, self.offset, true);
                }
            }
            Ask::SearchStep { forward } => {
                let from = if *forward { self.offset + 1 } else { self.offset };
                return self.find(cx, from, *forward);
            }
            _ => return false,
        }
        true
    }

    fn selected(&self) -> Option<&Key> {
        self.about.as_ref()
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let key = self.about.as_ref()?;
        cx.world.objects.get(key)?.value.as_ref().map(ToString::to_string)
    }

    fn view(&mut self, cx: &Cx, look: &Look, area: Rect, buf: &mut Buffer) {
        self.page = usize::from(area.height);
        let lines = self.lines(cx);
        if lines.is_empty() {
            let fault = self.about.as_ref().and_then(|key| cx.world.objects.get(key)).and_then(|o| o.fault.as_ref());
            let message = match (&self.about, fault) {
                (None, _) => "nothing chosen: d on an object shows it".to_owned(),
                (_, Some(fault)) => fault.to_string(),
                _ => "loading…".to_owned(),
            };
            text::paragraph(buf, area, &message, look.style(Role::Dim));
            return;
        }
        self.offset = self.offset.min(lines.len().saturating_sub(self.page));
        for (row, line) in (0u16..area.height).zip(lines.iter().skip(self.offset)) {
            let y = area.y + row;
            let shown: String = line.chars().skip(self.column).collect();
            let hit = contains(line, &self.search);
            match split_yaml(&shown) {
                _ if hit => {
                    text::put(buf, area.x + 1, y, &shown, area.width.saturating_sub(1), look.style(Role::Match));
                }
                Some((key, value)) => {
                    let used =
                        text::put(buf, area.x + 1, y, key, area.width.saturating_sub(1), look.style(Role::YamlKey));
                    let left = area.width.saturating_sub(1 + used);
                    text::put(buf, area.x + 1 + used, y, value, left, look.style(Role::YamlValue));
                }
                None => {
                    text::put(buf, area.x + 1, y, &shown, area.width.saturating_sub(1), look.style(Role::YamlValue));
                }
            }
        }
    }

    fn json(&mut self, cx: &Cx) -> Value {
        self.lines(cx).join("\n").into()
    }
}

/// Splits a YAML line behind its key's colon.
fn split_yaml(line: &str) -> Option<(&str, &str)> {
    let at = line.find(": ").or_else(|| line.strip_suffix(':').map(str::len))?;
    let key = line[..at].trim_start().trim_start_matches("- ");
    let plain = !key.is_empty() && !key.contains(['"', '\'', ' ']);
    plain.then(|| line.split_at(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_values() {
        assert_eq!(split_yaml("  name: web"), Some(("  name:", " web")));
        assert_eq!(split_yaml("- image: a:1"), Some(("- image:", " a:1")));
        assert_eq!(split_yaml("metadata:"), Some(("metadata:", "")));
        assert_eq!(split_yaml("  - echo hello: world"), None);
    }
}
