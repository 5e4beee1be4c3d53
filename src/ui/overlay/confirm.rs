//! Consent to a plan: what would change, where, and what it may break.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{hints, window};
use crate::actions::{Consent, Diff, Note, Plan, Risk};
use crate::event::JobId;
use crate::panes::{Cx, Motion};
use crate::state::{Job, Stage};
use crate::theme::Role;
use crate::ui::{Look, text};

/// The question.
#[derive(Debug)]
pub struct Confirm {
    /// The action.
    pub job: JobId,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// What has to be answered.
    pub consent: Consent,
    typed: String,
    wrong: bool,
    offset: usize,
    page: usize,
    /// When it was first seen; a yes only counts some time after.
    seen: Option<Duration>,
}

/// How long a question must have been on screen before a yes counts: a key that bounces, or that
/// was meant for the question before, answers nothing.
const READABLE: Duration = Duration::from_millis(400);

/// What came of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Not answered yet.
    Open,
    /// Yes.
    Yes,
    /// This text was typed.
    Typed(String),
    /// No.
    No,
    /// The command line is wanted on the clipboard.
    Copy,
}

impl Confirm {
    /// The question about this plan.
    #[must_use]
    pub const fn new(job: JobId, plan: Arc<Plan>, consent: Consent) -> Self {
        Self { job, plan, consent, typed: String::new(), wrong: false, offset: 0, page: 1, seen: None }
    }

    /// It is on top of everything now.
    pub fn show(&mut self, now: Duration) {
        self.seen.get_or_insert(now);
    }

    /// Takes a key. Only a capital Y or the typed name says yes; Enter alone never does.
    pub fn key(&mut self, event: KeyEvent, now: Duration) -> Verdict {
        let readable = self.seen.is_some_and(|seen| now >= seen + READABLE);
        match self.take(event) {
            Verdict::Yes if !readable => Verdict::Open,
            verdict => verdict,
        }
    }

    fn take(&mut self, event: KeyEvent) -> Verdict {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        let motion = match event.code {
            KeyCode::Esc => return Verdict::No,
            KeyCode::Char('c') if control => return Verdict::No,
            KeyCode::Char('y') if control => return Verdict::Copy,
            KeyCode::Down => Motion::Down,
            KeyCode::Up => Motion::Up,
            KeyCode::PageDown => Motion::PageDown,
            KeyCode::PageUp => Motion::PageUp,
            _ => return self.answer(event),
        };
        self.offset = motion.apply(self.offset, self.plan.diff.len(), self.page);
        Verdict::Open
    }

    fn answer(&mut self, event: KeyEvent) -> Verdict {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        match (&self.consent, event.code) {
            // some terminals send this for backspace
            (Consent::TypeName(_), KeyCode::Char('h')) if control => {
                self.typed.pop();
                Verdict::Open
            }
            (Consent::TypeName(_), KeyCode::Char('u')) if control => {
                self.typed.clear();
                Verdict::Open
            }
            (Consent::TypeName(_), KeyCode::Char(_)) if control => Verdict::Open,
            (Consent::TypeName(name), KeyCode::Enter) if self.typed == *name => Verdict::Typed(self.typed.clone()),
            (Consent::TypeName(_), KeyCode::Enter) => {
                self.wrong = true;
                Verdict::Open
            }
            (Consent::TypeName(_), KeyCode::Char(c)) => {
                self.wrong = false;
                self.typed.push(c);
                Verdict::Open
            }
            (Consent::TypeName(_), KeyCode::Backspace) => {
                self.typed.pop();
                Verdict::Open
            }
            (Consent::YesNo, KeyCode::Char('Y')) => Verdict::Yes,
            (_, KeyCode::Char('n' | 'q')) => Verdict::No,
            (_, KeyCode::Char('c')) => Verdict::Copy,
            (_, KeyCode::Char('j')) => {
                self.offset = Motion::Down.apply(self.offset, self.plan.diff.len(), self.page);
                Verdict::Open
            }
            (_, KeyCode::Char('k')) => {
                self.offset = Motion::Up.apply(self.offset, self.plan.diff.len(), self.page);
                Verdict::Open
            }
            _ => Verdict::Open,
        }
    }

    /// Draws it; returns where the text cursor stands.
    pub fn view(&mut self, cx: &Cx, look: &Look, screen: Rect, buf: &mut Buffer) -> Option<Position> {
        let plan = self.plan.clone();
        let want = plan.diff.len() + plan.notes.len() * 2 + 8;
        let height = u16::try_from(want).unwrap_or(u16::MAX).min(screen.height);
        let dangerous = plan.risk > Risk::Reversible;
        let role = if dangerous { Role::Danger } else { Role::Title };
        let inside = window(look, screen, 100, height, &plan.title, role, buf);
        let bottom = inside.bottom();
        let mut y = inside.y;
        let on = if cx.settings.demo { "target " } else { "TARGET " };
        let asked = |job: &&Job| job.id != self.job && matches!(job.stage, Stage::Planning | Stage::Asking);
        let others = cx.jobs.list.iter().filter(asked).count();
        let more = if others > 0 { format!("   {others} more to ask after this") } else { String::new() };
        let place = [
            (on, look.style(Role::Dim)),
            (plan.target.as_str(), look.style(Role::Warn)),
            (more.as_str(), look.style(Role::Warn)),
        ];
        text::line(buf, Rect { y, height: 1, ..inside }, &place);
        y += 1;
        for note in &plan.notes {
            let (mark, line, role) = match note {
                Note::Info(line) => ("i ", line, Role::Text),
                Note::Warning(line) => (if look.ascii { "! " } else { "▲ " }, line, Role::Warn),
            };
            if y + 4 >= bottom {
                break;
            }
            text::put(buf, inside.x, y, mark, 2, look.style(role));
            let area = Rect { x: inside.x + 2, y, width: inside.width.saturating_sub(2), height: bottom - 4 - y };
            y += text::paragraph(buf, area, line, look.style(role)).min(area.height).max(1);
        }
        let rows = bottom.saturating_sub(y + 3);
        self.page = usize::from(rows);
        self.offset = self.offset.min(plan.diff.len().saturating_sub(self.page));
        for (line, diff) in (y..y + rows).zip(plan.diff.iter().skip(self.offset)) {
            let (mark, content, role) = match diff {
                Diff::Same(content) => ("  ", content, Role::Dim),
                Diff::Removed(content) => ("- ", content, Role::Removed),
                Diff::Added(content) => ("+ ", content, Role::Added),
            };
            let used = text::put(buf, inside.x, line, mark, 2, look.style(role));
            text::put(buf, inside.x + used, line, content, inside.width.saturating_sub(used), look.style(role));
        }
        let command = [("$ ", look.style(Role::Dim)), (plan.command.as_str(), look.style(Role::Dim))];
        text::line(buf, Rect { y: bottom.saturating_sub(2), height: 1, ..inside }, &command);
        self.view_question(look, Rect { y: bottom.saturating_sub(1), height: 1, ..inside }, buf)
    }

    fn view_question(&self, look: &Look, line: Rect, buf: &mut Buffer) -> Option<Position> {
        match &self.consent {
            Consent::YesNo => {
                let pairs = [("Y", "carry out"), ("esc", "do nothing"), ("c", "copy the command"), ("j k", "scroll")];
                hints(look, line, &pairs, buf);
                None
            }
            Consent::TypeName(name) => {
                let wrong = if self.wrong { "that is not its name: " } else { "" };
                let ask = format!("{wrong}cannot be undone: type {name} and enter: ");
                let used = text::put(buf, line.x, line.y, &ask, line.width, look.style(Role::Danger));
                let left = line.width.saturating_sub(used);
                text::put(buf, line.x + used, line.y, &self.typed, left, look.style(Role::Text));
                Some(Position { x: (line.x + used + text::width(&self.typed)).min(line.right()), y: line.y })
            }
            Consent::Refused(fault) => {
                text::put(buf, line.x, line.y, &fault.to_string(), line.width, look.style(Role::Bad));
                None
            }
        }
    }
}
