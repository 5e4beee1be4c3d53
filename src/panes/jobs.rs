//! Actions under way and done: stage, verdict, and the command that would have done the same.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use super::{Ask, Cx, Pane, PaneId, Title};
use crate::input::Context;
use crate::model::FeedSpec;
use crate::state::{Job, Stage};
use crate::theme::Role;
use crate::ui::{Look, text};

/// The jobs pane.
#[derive(Debug, Default)]
pub struct JobsPane {
    /// Rows scrolled from the newest.
    offset: usize,
    page: usize,
}

/// Word, sentence and role of a stage.
#[must_use]
pub fn stage_words(stage: &Stage) -> (&'static str, &str, Role) {
    match stage {
        Stage::Planning => ("planning", "", Role::Busy),
        Stage::Asking => ("asking", "waiting for your consent", Role::Warn),
        Stage::Executing(text) => ("sending", text, Role::Busy),
        Stage::Verifying(text) => ("verifying", text, Role::Busy),
        Stage::Done(text) => ("done", text, Role::Good),
        Stage::Failed(text) => ("FAILED", text, Role::Bad),
        Stage::Cancelled(text) => ("cancelled", text, Role::Dim),
    }
}

fn title(job: &Job) -> String {
    job.plan.as_ref().map_or_else(|| format!("{} {}", job.action.verb(), job.action.key()), |plan| plan.title.clone())
}

impl Pane for JobsPane {
    fn id(&self) -> PaneId {
        PaneId::Jobs
    }

    fn contexts(&self) -> &'static [Context] {
        &[Context::Jobs, Context::Text]
    }

    fn title(&self, cx: &Cx) -> Title {
        let running = cx.jobs.running().count();
        Title { text: "Jobs".into(), detail: format!("{} ({running} running)", cx.jobs.list.len()), freshness: None }
    }

    fn needs(&self, _cx: &Cx) -> Vec<FeedSpec> {
        Vec::new()
    }

    fn on(&mut self, ask: &Ask, cx: &Cx) -> bool {
        let Ask::Move(motion) = ask else { return false };
        self.offset = motion.apply(self.offset, cx.jobs.list.len(), self.page);
        true
    }

    fn copy(&self, cx: &Cx) -> Option<String> {
        let job = cx.jobs.list.iter().rev().nth(self.offset)?;
        job.plan.as_ref().map(|plan| plan.command.clone())
    }

    fn view(&mut self, cx: &Cx, look: &Look, area: Rect, buf: &mut Buffer) {
        self.page = usize::from(area.height / 2);
        if cx.jobs.list.is_empty() {
            let message = "no action yet: a capital letter on an object plans one";
            text::put(buf, area.x + 1, area.y, message, area.width.saturating_sub(1), look.style(Role::Dim));
            return;
        }
        let mut y = area.y;
        for (index, job) in cx.jobs.list.iter().rev().enumerate().skip(self.offset) {
            if y + 1 >= area.bottom() {
                break;
            }
            let (word, sentence, role) = stage_words(&job.stage);
            let mark = if index == self.offset { if look.ascii { ">" } else { "▌" } } else { " " };
            let line = Rect { x: area.x, y, width: area.width, height: 1 };
            text::line(
                buf,
                line,
                &[
                    (mark, look.style(Role::CursorMark)),
                    (&format!("{} ", job.begun.clock()), look.style(Role::Timestamp)),
                    (&format!("{word:<10} "), look.style(role)),
                    (&title(job), look.style(Role::Text)),
                ],
            );
            let command = job.plan.as_ref().map_or("", |plan| plan.command.as_str());
            text::line(
                buf,
                Rect { x: area.x + 3, y: y + 1, width: area.width.saturating_sub(3), height: 1 },
                &[
                    (sentence, look.style(role)),
                    (if sentence.is_empty() || command.is_empty() { "" } else { "  $ " }, look.style(Role::Dim)),
                    (command, look.style(Role::Dim)),
                ],
            );
            y += 2;
        }
    }

    fn json(&mut self, cx: &Cx) -> Value {
        cx.jobs
            .list
            .iter()
            .map(|job| {
                let (word, sentence, _) = stage_words(&job.stage);
                json!({"begun": job.begun.rfc3339(), "title": title(job), "stage": word, "detail": sentence})
            })
            .collect()
    }
}
