//! The console, or any other program, on the fleet.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;

use super::report::{Report, spread};
use super::screen::{SIZE, Screen};
use super::{Options, rig};

/// What every pod of the fleet is called begins with one of the fleet's applications and its namespace.
const ROW: &str = "fleet-0";

/// Starts what is measured; settings of the user stay out of it.
pub fn command(options: &Options, own: &[&str], home: &Path) -> CommandBuilder {
    let mut command = if let Some(line) = &options.program {
        let mut words = line.split_whitespace();
        let mut command = CommandBuilder::new(words.next().expect("a program"));
        command.args(words);
        command
    } else {
        let mut command = CommandBuilder::new(&options.binary);
        command.args(own);
        command
    };
    command.env("HOME", home);
    for (name, below) in [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("XDG_CACHE_HOME", "cache")] {
        command.env(name, home.join(below));
    }
    command
}

fn ms(since: Instant, at: Option<Instant>) -> f64 {
    at.map_or(f64::NAN, |at| at.saturating_duration_since(since).as_secs_f64() * 1000.0)
}

fn drawn(screen: &vt100::Screen) -> bool {
    screen.contents().split_whitespace().count() > 10
}

/// Where the cursor bar is, or for other programs everything.
fn cursor(own: bool) -> impl Fn(&vt100::Screen) -> String {
    move |screen| {
        if own {
            let (cols, rows) = SIZE;
            let at: Vec<u16> = (0..rows)
                .filter(|row| (0..3.min(cols)).any(|col| screen.cell(*row, col).is_some_and(|c| c.contents() == "▌")))
                .collect();
            format!("{at:?}")
        } else {
            screen.contents_formatted()
        }
    }
}

fn dead_server(options: &Options, report: &mut Report) {
    if options.program.is_some() {
        return;
    }
    let home = tempfile::tempdir().expect("a directory");
    // a port nobody listens on, and an address that swallows packets
    for (name, server) in [("refuses", "https://127.0.0.1:1"), ("is silent", "https://192.0.2.1:6443")] {
        let file = home.path().join("dead.kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: dead\nclusters:\n- name: dead\n  cluster: {{server: \"{server}\"}}\n\
             contexts:\n- name: dead\n  context: {{cluster: dead, user: dead}}\nusers:\n- name: dead\n  user: {{token: x}}\n"
        );
        std::fs::write(&file, text).expect("a kubeconfig");
        let times = (0..5).filter_map(|_| {
            let mut command = command(options, &["-A", "-H", "unix:///nonexistent/docker.sock"], home.path());
            command.env("KUBECONFIG", &file);
            let screen = Screen::start(command);
            screen.wait(Duration::from_secs(10), drawn).map(|at| ms(screen.begun, Some(at)))
        });
        let (median, _, worst) = spread(times.collect());
        report.note(format!("first frame, server {name}"), median, "ms", format!("worst of 5: {worst:.0}"));
    }
}

fn moves(options: &Options, screen: &mut Screen, what: &str, report: &mut Report) {
    let own = options.program.is_none();
    let mut times = Vec::new();
    let mut bytes = Vec::new();
    let mut lost = 0;
    for n in 0..options.moves {
        // never so far that the list scrolls: then the bar would stay where it is
        let key = if n % 20 < 10 { "j" } else { "k" };
        match screen.answer(key, cursor(own)) {
            Some((time, count)) => {
                times.push(time);
                bytes.push(count);
            }
            None => lost += 1,
        }
        // uneven, so that no timer of the program falls in step
        std::thread::sleep(Duration::from_millis(47 + (n as u64 * 37) % 61));
    }
    let (median, high, worst) = spread(times);
    let note = if lost > 0 { format!("{lost} keys without an answer") } else { String::new() };
    report.note(format!("{what}: cursor move, median"), median, "ms", note);
    report.add(format!("{what}: cursor move, 99th percentile"), high, "ms");
    report.add(format!("{what}: cursor move, worst"), worst, "ms");
    #[expect(clippy::cast_precision_loss, reason = "counts of bytes")]
    let (median, _, worst) = spread(bytes.into_iter().map(|count| count as f64).collect());
    report.note(format!("{what}: bytes of a cursor move"), median, "B", format!("worst {worst:.0}"));
}

/// Measures the program on the fleet.
pub fn measure(options: &Options, kubeconfig: &Path, report: &mut Report) {
    dead_server(options, report);
    let home = tempfile::tempdir().expect("a directory");
    let start = || {
        let mut command = command(options, &["-A", "--no-docker"], home.path());
        command.env("KUBECONFIG", kubeconfig);
        Screen::start(command)
    };
    let total = options.pods.to_string();
    let mut screens: Vec<(f64, f64, f64, Screen)> = Vec::new();
    for _ in 0..3 {
        // only one at a time: the last stays for the rest
        for (_, _, _, screen) in &mut screens {
            screen.press("\x03");
        }
        if let Some((first, rows, all, screen)) = screens.pop() {
            drop(screen);
            report.note("a start: first frame, first rows, all rows", all, "ms", format!("{first:.0}, {rows:.0}"));
        }
        let mut screen = start();
        let first = ms(screen.begun, screen.wait(Duration::from_secs(60), drawn));
        let rows = ms(screen.begun, screen.wait(Duration::from_secs(120), |s| s.contents().contains(ROW)));
        if options.program.is_none() {
            screen.press("2");
        }
        let all = screen.wait(Duration::from_secs(60), |s| s.contents().contains(&total));
        screens.push((first, rows, ms(screen.begun, all), screen));
    }
    let (first, rows, all, mut screen) = screens.pop().expect("a screen");
    report.add("first frame", first, "ms");
    report.against("first rows", rows, "ms", "bare: pages of 100, first rows");
    report.against("all rows", all, "ms", "bare: pages of 100, all rows");
    screen.settle(Duration::from_secs(2), Duration::from_secs(20));
    std::thread::sleep(Duration::from_secs(3));
    let process = screen.process();
    report.against("resident, settled", process.resident(), "MiB", "bare: pages of 100, resident");
    report.against("peak", process.peak(), "MiB", "bare: pages of 100, peak");
    let before = screen.bytes();
    let idle = process.load(Duration::from_secs(options.seconds), || {});
    report.add("idle: CPU", idle, "%");
    #[expect(clippy::cast_precision_loss, reason = "a count of bytes")]
    let rate = (screen.bytes() - before) as f64 / options.seconds as f64;
    report.add("idle: bytes a second", rate, "B");
    moves(options, &mut screen, "idle", report);

    let mut churn = rig();
    churn.args(["fleet", "churn", "150", &(2 * options.seconds + 4).to_string()]).stdout(Stdio::piped());
    let churn = churn.spawn().expect("the churn starts");
    std::thread::sleep(Duration::from_secs(2));
    let before = screen.bytes();
    let busy = process.load(Duration::from_secs(options.seconds), || {});
    report.against("150 changes a second: CPU", busy, "%", "bare: watching, CPU");
    #[expect(clippy::cast_precision_loss, reason = "a count of bytes")]
    let rate = (screen.bytes() - before) as f64 / options.seconds as f64;
    report.add("150 changes a second: bytes a second", rate, "B");
    moves(options, &mut screen, "150 changes a second", report);
    let output = churn.wait_with_output().expect("the churn ends");
    println!("{}", String::from_utf8_lossy(&output.stdout).trim());
    report.add("resident, after the churn", process.resident(), "MiB");
    report.add("peak, after the churn", process.peak(), "MiB");
    if std::env::var_os("SCALE_SHOW").is_some() {
        println!("{}", screen.text());
    }
}
