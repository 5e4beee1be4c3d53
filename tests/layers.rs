//! Holds the house: which layer may name which, what the inner layers must not touch, and sizes.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Every layer with the layers that it may name. Downwards:
///
/// - the domain (`model`, `world`, `theme`, `input`) and the types of the procedure (`actions`,
///   `event`, `effect`);
/// - the console, which is one knot by design: `state` owns panes and overlays, panes read settings
///   and jobs in `state`, drawing (`ui`) is a function of `state`, and commands work on all of it;
/// - backends, which know the domain and the procedure only;
/// - the runtime, which joins backends to events;
/// - the program.
const MAY: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("theme", &[]),
    ("input", &[]),
    ("world", &["model"]),
    ("actions", &["model"]),
    ("clock", &["model"]),
    ("event", &["actions", "model"]),
    ("effect", &["actions", "event", "model"]),
    ("state", &["actions", "event", "input", "model", "panes", "ui", "world"]),
    ("panes", &["input", "model", "state", "theme", "ui", "world"]),
    ("ui", &["actions", "commands", "event", "input", "model", "panes", "state", "theme", "world"]),
    ("commands", &["actions", "effect", "input", "model", "panes", "state", "theme", "ui", "world"]),
    ("update", &["actions", "commands", "effect", "event", "input", "model", "panes", "state", "ui"]),
    ("paint", &["theme"]),
    ("terminal", &["theme"]),
    ("backend", &["actions", "clock", "model"]),
    ("runtime", &["actions", "backend", "clock", "event", "model"]),
    ("cli", &[]),
    ("config", &["commands", "input", "theme"]),
    ("setup", &["backend", "cli", "clock", "config", "model"]),
    // the program
    ("app", ANY),
    ("headless", ANY),
    ("lib", ANY),
    ("main", ANY),
];

const ANY: &[&str] = &["*"];

/// Layers that compute and do nothing else.
const PURE: &[&str] =
    &["model", "world", "actions", "commands", "panes", "ui", "theme", "input", "state", "update", "event", "effect"];

/// What they must not name: runtimes, clients, files, processes, clocks.
const IMPURE: &[&str] = &[
    "tokio",
    "kube",
    "k8s_openapi",
    "bollard",
    "reqwest",
    "hyper",
    "std::fs",
    "std::process",
    "std::net",
    "std::env",
    "std::thread",
    "Instant",
    "SystemTime",
];

/// Most lines of a file.
const LONGEST: usize = 700;

struct File {
    /// Path within `src/`.
    name: String,
    text: String,
}

impl File {
    fn layer(&self) -> &str {
        self.name.split(['/', '.']).next().unwrap_or_default()
    }

    fn is_test(&self) -> bool {
        let stem = Path::new(&self.name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        stem == "tests" || stem.ends_with("_tests")
    }

    /// The code before its tests, without comments.
    fn code(&self) -> String {
        if self.is_test() {
            return String::new();
        }
        let code = self.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        lines.join("\n")
    }
}

fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let name = path.strip_prefix(&root).expect("under src").to_str().expect("a name").to_owned();
                found.push(File { name, text: std::fs::read_to_string(&path).expect("a file") });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(found.len() > 50, "the sources are found");
    found
}

/// Layers that the code names: `crate::x` and `crate::{x, y::z}`.
fn named(code: &str, root: &str) -> BTreeSet<String> {
    let mut layers = BTreeSet::new();
    for (at, _) in code.match_indices(&format!("{root}::")) {
        let rest = &code[at + root.len() + 2..];
        let inside = rest.strip_prefix('{').map_or(rest, |inside| inside);
        let (mut depth, mut start) = (0, true);
        for word in inside.split_inclusive(['{', '}', ',', ';', ':', ' ', '\n', '(', ')', '<', '>']) {
            let name = word.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_');
            if start && depth == 0 && !name.is_empty() {
                layers.insert(name.to_owned());
                start = false;
            }
            match word.chars().last() {
                Some('{') => depth += 1,
                Some('}') if depth == 0 => break,
                Some('}') => depth -= 1,
                Some(',') if depth == 0 => start = true,
                Some(';') => break,
                _ => {}
            }
            if !rest.starts_with('{') {
                break;
            }
        }
    }
    layers
}

#[test]
fn paths_are_read_as_the_compiler_does() {
    let names = |code: &str| named(code, "crate").into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(names("use crate::model::{Key, Kind};"), "model");
    assert_eq!(names("use crate::{commands, setup::open, ui::{Look, text}};\nlet x = 1;"), "commands setup ui");
    assert_eq!(names("let a = crate::panes::all(); b(crate::ui::text::width(c))"), "panes ui");
}

#[test]
fn layers_name_only_what_lies_below() {
    let may: BTreeMap<&str, &[&str]> = MAY.iter().copied().collect();
    let mut wrong = Vec::new();
    for file in files() {
        let layer = file.layer().to_owned();
        let Some(allowed) = may.get(layer.as_str()) else {
            wrong.push(format!("{}: {layer} has no place in the table", file.name));
            continue;
        };
        let root = if layer == "main" { "pilothouse" } else { "crate" };
        for name in named(&file.code(), root) {
            if name != layer && *allowed != ANY && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{} names {name}", file.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pure_layers_touch_nothing() {
    let mut wrong = Vec::new();
    for file in files() {
        if !PURE.contains(&file.layer()) {
            continue;
        }
        let code = file.code();
        for name in IMPURE {
            let whole = |at: usize| {
                let before = code[..at].chars().next_back();
                let after = code[at + name.len()..].chars().next();
                let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                // a crate or a type of this name, not a word in a text or a longer name
                !part(before) && !part(after) && (name.contains("::") || names_path(&code, at, name))
            };
            if code.match_indices(name).any(|(at, _)| whole(at)) {
                wrong.push(format!("{} names {name}", file.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// True when what stands at `at` is part of a path.
fn names_path(code: &str, at: usize, name: &str) -> bool {
    let line = code[..at].rsplit('\n').next().unwrap_or_default();
    code[at + name.len()..].starts_with("::") || line.trim_start().starts_with("use ") || line.ends_with("::")
}

#[test]
fn files_are_short() {
    let long: Vec<String> = files()
        .iter()
        .filter(|file| !file.is_test() && file.text.lines().count() > LONGEST)
        .map(|file| format!("{}: {} lines", file.name, file.text.lines().count()))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["TODO", "FIXME", "XXX", "HACK", "dbg!(", "todo!(", "unimplemented!("];
    let mut left = Vec::new();
    for file in files() {
        for (number, line) in (1..).zip(file.text.lines()) {
            if let Some(mark) = marks.iter().find(|mark| line.contains(*mark)) {
                left.push(format!("{}:{number}: {mark}", file.name));
            }
        }
    }
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn every_file_says_why_it_exists() {
    let silent: Vec<String> = files()
        .iter()
        .filter(|file| !file.is_test() && !file.text.starts_with("//!"))
        .map(|f| f.name.clone())
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}
