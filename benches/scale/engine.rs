//! The console on an engine with 50 running containers that print a line a second each.

use std::process::Command;
use std::time::Duration;

use super::console::command;
use super::process::Process;
use super::report::{Report, spread};
use super::screen::Screen;
use super::{Options, run};

const PREFIX: &str = "pht-bench-";
const COUNT: usize = 50;

fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().expect("the docker command line");
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Containers that go when the measurement is over, however it ends.
struct Containers;

impl Containers {
    fn make() -> Self {
        let made = Self;
        Self::remove();
        let images = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
        let image = images.lines().find(|image| image.contains("busybox")).or_else(|| images.lines().next());
        let image = image.expect("an image with a shell").to_owned();
        for n in 0..COUNT {
            let name = format!("{PREFIX}{n:02}");
            let script = "while :; do echo \"a line of the benchmark\"; sleep 1; done";
            docker(&["run", "-d", "--network", "none", "--name", &name, &image, "sh", "-c", script]);
        }
        made
    }

    fn remove() {
        let ids = docker(&["ps", "-aq", "--filter", &format!("name={PREFIX}")]);
        let ids: Vec<&str> = ids.split_whitespace().collect();
        if !ids.is_empty() {
            let mut remove = Command::new("docker");
            remove.args(["rm", "-f"]).args(ids).stdout(std::process::Stdio::null());
            run(remove);
        }
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        Self::remove();
    }
}

/// The engine's process.
fn engine() -> Option<Process> {
    let all = std::fs::read_dir("/proc").ok()?.flatten();
    let mut numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .find(|n: &u32| std::fs::read_to_string(format!("/proc/{n}/comm")).is_ok_and(|name| name.trim() == "dockerd"))
        .map(Process)
}

/// Measures the program on the engine.
pub fn measure(options: &Options, report: &mut Report) {
    let _containers = Containers::make();
    let engine = engine();
    let length = Duration::from_secs(options.seconds);
    std::thread::sleep(Duration::from_secs(5));
    let load = |length| engine.map_or(f64::NAN, |engine| engine.load(length, || {}));
    let alone = load(length);
    report.add("engine alone: CPU", alone, "%");
    let home = tempfile::tempdir().expect("a directory");
    let mut screen = Screen::start(command(options, &["--no-kubernetes"], home.path()));
    let shown = screen.wait(Duration::from_secs(30), |s| s.contents().contains(PREFIX));
    let rows = shown.map_or(f64::NAN, |at| at.saturating_duration_since(screen.begun).as_secs_f64() * 1000.0);
    report.add("first rows", rows, "ms");
    std::thread::sleep(Duration::from_secs(10));
    let process = screen.process();
    let before = screen.bytes();
    let mut with = f64::NAN;
    let own = process.load(length, || with = load(length));
    #[expect(clippy::cast_precision_loss, reason = "a count of bytes")]
    let rate = (screen.bytes() - before) as f64 / options.seconds as f64;
    report.add("CPU, steady", own, "%");
    report.add("CPU it costs the engine", with - alone, "%");
    report.add("bytes a second", rate, "B");
    report.add("resident", process.resident(), "MiB");
    report.add("peak", process.peak(), "MiB");
    let answers: Vec<(f64, usize)> = (0..options.moves)
        .filter_map(|n| {
            std::thread::sleep(Duration::from_millis(83));
            screen.answer(if n % 40 < 20 { "j" } else { "k" }, vt100::Screen::contents_formatted)
        })
        .collect();
    let (median, high, worst) = spread(answers.iter().map(|(time, _)| *time).collect());
    report.note("key to frame, median", median, "ms", format!("99th percentile {high:.1}, worst {worst:.1}"));
    #[expect(clippy::cast_precision_loss, reason = "counts of bytes")]
    let (bytes, _, _) = spread(answers.iter().map(|(_, bytes)| *bytes as f64).collect());
    report.add("bytes of a key", bytes, "B");
}
