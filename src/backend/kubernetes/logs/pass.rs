//! One answer of the log API, read to its end: batches of what is ready, lined up with what was
//! delivered before.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::lines::{Lines, Stamped};
use super::resume::{Resume, Step};
use crate::backend::emit::Emitter;
use crate::backend::kubernetes::Link;
use crate::model::{Fault, FeedEvent, LogRecord};

/// Records of one batch at most.
const BATCH: usize = 1_000;
/// Longest time a record waits for its batch to fill.
const GATHER: Duration = Duration::from_millis(50);
/// A log that is silent for so long is asked for again: its connection may be dead.
const SILENCE: Duration = Duration::from_secs(300);
/// The same for a busy log. Kubelets before 1.27 stop following, without a word, at a rotation.
const HUSH: Duration = Duration::from_secs(15);
/// Records after which a log's pace is known.
const PACE: u32 = 20;

/// How an answer was.
#[derive(Debug, Default)]
pub struct Outcome {
    /// New records it brought.
    pub records: usize,
    /// True when the server ended it in order.
    pub clean: bool,
}

/// What to read, and what is known about it.
pub struct Request<'a> {
    /// Path and query.
    pub path: &'a str,
    /// False for the first answer about a new container instance.
    pub gaps: bool,
    /// The instance has ended: what comes is all there will be.
    pub last: bool,
}

/// Reads one answer. `lost` is set back, and `Alive` sent, when the server answers.
///
/// # Errors
/// Why it could not be opened.
pub async fn read(
    link: &Link,
    request: Request<'_>,
    resume: &mut Resume,
    lost: &mut Option<Fault>,
    out: &Emitter<FeedEvent>,
) -> Result<Outcome, Fault> {
    let body = link.stream(request.path).await?;
    *lost = None;
    out.send(FeedEvent::Alive).await;
    let mut answer = Lines::new(Box::pin(body));
    let mut batch = Batch::default();
    resume.begin(request.gaps);
    let clean = loop {
        match timeout_at(batch.due(), answer.next()).await {
            Ok(Ok(Some(came))) => {
                batch.take(came, resume);
                if batch.records.len() >= BATCH {
                    batch.flush(out).await;
                }
            }
            Ok(Ok(None)) => break true,
            Ok(Err(_)) => break false,
            Err(_) if batch.records.is_empty() => break false,
            Err(_) => batch.flush(out).await,
        }
    };
    if clean && request.last {
        // without its newline a line may be half of itself, unless nobody writes any more
        if let Some(line) = answer.rest() {
            batch.take(line, resume);
        }
        resume.finish(&mut batch.steps);
        batch.settle();
    }
    batch.flush(out).await;
    Ok(Outcome { records: batch.total, clean })
}

#[derive(Default)]
struct Batch {
    records: Vec<LogRecord>,
    steps: Vec<Step>,
    since: Option<Instant>,
    total: usize,
    pace: Option<(Instant, Instant)>,
}

impl Batch {
    fn due(&self) -> Instant {
        self.since.map_or_else(|| Instant::now() + self.patience(), |since| since + GATHER)
    }

    /// How long silence is normal: thirty times the mean time between records.
    fn patience(&self) -> Duration {
        let count = u32::try_from(self.total).unwrap_or(u32::MAX);
        match self.pace {
            Some((first, last)) if count >= PACE => ((last - first) / count * 30).clamp(HUSH, SILENCE),
            _ => SILENCE,
        }
    }

    fn take(&mut self, line: Stamped, resume: &mut Resume) {
        if line.at.is_none() && spoken_by_kubelet(&line.text) {
            self.records.push(LogRecord::Note(line.text));
            self.since.get_or_insert_with(Instant::now);
        } else {
            resume.push(line, &mut self.steps);
            self.settle();
        }
    }

    fn settle(&mut self) {
        for step in self.steps.drain(..) {
            self.records.push(match step {
                Step::Line(line) => {
                    self.total += 1;
                    LogRecord::Line { at: line.at, stderr: false, text: line.text, cut: line.cut }
                }
                Step::Gap(nanos) => LogRecord::Gap(gap(nanos)),
            });
            self.since.get_or_insert_with(Instant::now);
        }
    }

    async fn flush(&mut self, out: &Emitter<FeedEvent>) {
        if self.since.take().is_some() {
            let now = Instant::now();
            self.pace = Some((self.pace.map_or(now, |(first, _)| first), now));
        }
        if !self.records.is_empty() {
            out.send(FeedEvent::Log(std::mem::take(&mut self.records))).await;
        }
    }
}

fn gap(nanos: i64) -> Box<str> {
    let millis = nanos / 1_000_000;
    format!(
        "lines may be missing here: the log was rotated while the connection was cut ({}.{:03} s)",
        millis / 1_000,
        millis % 1_000
    )
    .into()
}

/// Errors that the kubelet writes into the log's own stream.
fn spoken_by_kubelet(text: &str) -> bool {
    let starts = ["unable to retrieve container logs for ", "failed to create fsnotify watcher", "rpc error: code = "];
    starts.iter().any(|start| text.starts_with(start))
}
