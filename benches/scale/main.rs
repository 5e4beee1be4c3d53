//! What the console costs on a large cluster, beside what a bare client costs in the same run.
//!
//! ```text
//! cargo bench --bench scale -- [--pods 10000] [--program "CMD ..."] [--seconds 20]
//!                              [--no-fleet-setup] [--docker] [--moves 60] [--binary FILE]
//! ```
//!
//! Without `--program` the release binary of this package is measured, or the one of `--binary`. Needs the rig's fleet server
//! (`tests/rig/rig`), which is brought up unless `--no-fleet-setup` says that it is there already.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a bench has nobody to report to")]

mod bare;
mod console;
mod engine;
mod process;
mod report;
mod screen;

use std::path::PathBuf;
use std::process::Command;

use report::Report;

/// What was asked for.
pub struct Options {
    /// Pods of the fleet.
    pub pods: usize,
    /// The command line of another program.
    pub program: Option<String>,
    /// The console.
    pub binary: String,
    /// Length of each steady measurement.
    pub seconds: u64,
    /// Cursor moves of each measurement.
    pub moves: usize,
    /// The fleet has to be made.
    setup: bool,
    /// Measure Docker instead.
    docker: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Self {
        let binary = env!("CARGO_BIN_EXE_pilothouse").to_owned();
        let mut options =
            Self { pods: 10_000, program: None, binary, seconds: 20, moves: 60, setup: true, docker: false };
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
            match arg.as_str() {
                "--pods" => options.pods = value().parse().expect("a number of pods"),
                "--program" => options.program = Some(value()),
                "--binary" => options.binary = value(),
                "--seconds" => options.seconds = value().parse().expect("a number of seconds"),
                "--moves" => options.moves = value().parse().expect("a number of moves"),
                "--no-fleet-setup" => options.setup = false,
                "--docker" => options.docker = true,
                "--bench" => {}
                other => panic!("unknown option {other}"),
            }
        }
        options
    }
}

/// `tests/rig/rig`.
pub fn rig() -> Command {
    Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rig/rig"))
}

/// A variable of `rig env`.
fn rig_variable(name: &str) -> PathBuf {
    let output = rig().arg("env").output().expect("the rig answers");
    let text = String::from_utf8(output.stdout).expect("the rig speaks UTF-8");
    let prefix = format!("export {name}=");
    let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_else(|| panic!("the rig tells no {name}")).into()
}

fn run(mut command: Command) {
    let status = command.status().expect("the command starts");
    assert!(status.success(), "{command:?} ended with {status}");
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn main() {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if(|arg| arg == "--bare").is_some() {
        bare::child(&args.collect::<Vec<_>>());
        return;
    }
    let options = Options::parse(args);
    let mut report = Report::default();
    println!("load at the start: {}", load());
    if options.docker {
        engine::measure(&options, &mut report);
    } else {
        if options.setup {
            let mut server = rig();
            server.args(["fleet-server", "up"]);
            run(server);
            let mut fleet = rig();
            fleet.args(["fleet", "up", &options.pods.to_string()]);
            run(fleet);
        }
        let kubeconfig = rig_variable("RIG_FLEET_KUBECONFIG");
        bare::measure(&options, &kubeconfig, &mut report);
        console::measure(&options, &kubeconfig, &mut report);
    }
    println!("load at the end: {}\n", load());
    report.print();
}
