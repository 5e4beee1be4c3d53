//! What the kernel says of a process.

use std::time::{Duration, Instant};

/// A process by its number.
#[derive(Debug, Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    fn status(self, field: &str) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let kib = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        kib.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).map_or(0.0, |kib| kib / 1024.0)
    }

    /// Resident memory in MiB.
    pub fn resident(self) -> f64 {
        self.status("VmRSS")
    }

    /// The most it ever was, in MiB.
    pub fn peak(self) -> f64 {
        self.status("VmHWM")
    }

    /// CPU time of all its threads that live.
    pub fn cpu(self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.0)).into_iter().flatten().flatten();
        let nanos = tasks.filter_map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    /// Share of one core over `length`, in percent; `meanwhile` runs in it.
    pub fn load(self, length: Duration, meanwhile: impl FnOnce()) -> f64 {
        let (begin, before) = (Instant::now(), self.cpu());
        meanwhile();
        std::thread::sleep(length.saturating_sub(begin.elapsed()));
        let used = self.cpu().saturating_sub(before);
        used.as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0
    }
}
