//! The table that the run ends with.

/// Lines of the table.
#[derive(Default)]
pub struct Report {
    lines: Vec<Line>,
}

struct Line {
    what: String,
    value: f64,
    unit: &'static str,
    bare: Option<f64>,
    note: String,
}

impl Report {
    /// One figure.
    pub fn add(&mut self, what: impl Into<String>, value: f64, unit: &'static str) {
        self.note(what, value, unit, "");
    }

    /// One figure and what has to be known about it.
    pub fn note(&mut self, what: impl Into<String>, value: f64, unit: &'static str, note: impl Into<String>) {
        let (what, note) = (what.into(), note.into());
        println!("  {what}: {value:.2} {unit} {note}");
        self.lines.push(Line { what, value, unit, bare: None, note });
    }

    /// One figure beside the one of this name.
    pub fn against(&mut self, what: impl Into<String>, value: f64, unit: &'static str, bare: &str) {
        self.add(what, value, unit);
        let base = self.lines.iter().find(|line| line.what == bare).map(|line| line.value);
        if let Some(line) = self.lines.last_mut() {
            line.bare = base;
        }
    }

    /// Prints all of it as Markdown.
    pub fn print(&self) {
        println!("| what | measured | bare client | ratio | |\n|---|---|---|---|---|");
        for line in &self.lines {
            let (bare, ratio) = match line.bare {
                Some(bare) if bare > 0.0 => (format!("{bare:.2} {}", line.unit), format!("{:.1}", line.value / bare)),
                _ => (String::new(), String::new()),
            };
            println!("| {} | {:.2} {} | {bare} | {ratio} | {} |", line.what, line.value, line.unit, line.note);
        }
    }
}

/// Median, 99th percentile and worst of these; zero when there are none.
pub fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = (values.len() as f64 * share).ceil() as usize;
        values.get(index.saturating_sub(1)).copied().unwrap_or_default()
    };
    (at(0.5), at(0.99), at(1.0))
}
