//! The user's settings file and directories. A mistake in a file never keeps the program from
//! starting: it is named with file and line, and the defaults stay in force, but for one: a settings
//! file that cannot be read makes the session read-only, since it may have asked for that.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use serde::Deserialize;

use crate::commands;
use crate::input::{Keymap, KeymapError};
use crate::theme::{self, Theme, ThemeError};

/// `config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A built-in theme's name, or the name of a file in `themes/` beside the config file.
    pub theme: Option<String>,
    /// Nothing may be changed.
    pub read_only: bool,
    /// Kubernetes contexts to open; empty opens the current one.
    pub contexts: Vec<String>,
    /// Docker hosts to open; empty finds the usual one.
    pub docker: Vec<String>,
    /// Namespace to look at first.
    pub namespace: Option<String>,
}

/// Directories that the program uses.
#[derive(Debug, Clone)]
pub struct Paths {
    /// `config.toml`, `keymap.toml`, `themes/`.
    pub config: PathBuf,
    /// `audit.jsonl`, `pilothouse.log`.
    pub state: PathBuf,
}

impl Paths {
    /// The user's directories, as XDG has them.
    #[must_use]
    pub fn find() -> Self {
        let dirs = ProjectDirs::from("", "", "pilothouse");
        let fallback = || std::env::temp_dir().join("pilothouse");
        let config = dirs.as_ref().map_or_else(fallback, |d| d.config_dir().to_owned());
        let state = dirs.as_ref().map_or_else(fallback, |d| d.state_dir().unwrap_or_else(|| d.data_dir()).to_owned());
        Self { config, state }
    }
}

/// Settings in force, and what was wrong with the files.
#[derive(Debug)]
pub struct Loaded {
    /// Settings.
    pub config: Config,
    /// Keys.
    pub keymap: Keymap,
    /// Theme.
    pub theme: Theme,
    /// Mistakes, each naming its file.
    pub complaints: Vec<String>,
}

/// Why not even the built-in files could be read: a fault of the build.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The keymap.
    #[error("built-in keymap: {0}")]
    Keymap(#[from] KeymapError),
    /// The theme.
    #[error("built-in theme: {0}")]
    Theme(#[from] ThemeError),
}

/// Reads everything under `dir`; `config_file`, `keymap_file` and `theme` win over what is there.
///
/// # Errors
/// Only when the built-in keymap or theme is broken.
pub fn load(
    dir: &Path,
    config_file: Option<&Path>,
    keymap_file: Option<&Path>,
    theme_name: Option<&str>,
) -> Result<Loaded, BuildError> {
    let mut complaints = Vec::new();
    let path = config_file.map_or_else(|| dir.join("config.toml"), Path::to_owned);
    let config = match read(&path, config_file.is_some(), &mut complaints) {
        Some(text) => toml::from_str(&text).unwrap_or_else(|error| {
            complaints.push(format!("{}: {error}; read-only until it is mended", path.display()));
            locked()
        }),
        // a file that was asked for and cannot be read may have said so
        None if !complaints.is_empty() => locked(),
        None => Config::default(),
    };
    let known = |name: &str| commands::find(name).is_some();
    let mut keymap = Keymap::built_in(known)?;
    let path = keymap_file.map_or_else(|| dir.join("keymap.toml"), Path::to_owned);
    if let Some(text) = read(&path, keymap_file.is_some(), &mut complaints) {
        complaints.extend(keymap.lay(&text, known).into_iter().map(|e| format!("{}: {e}", path.display())));
    }
    let name = theme_name.or(config.theme.as_deref()).unwrap_or("default");
    let theme = find_theme(dir, name).or_else(|complaint| {
        complaints.push(complaint);
        theme::built_in("default")
    })?;
    let complaints = complaints.iter().map(|text| one_line(text)).collect();
    Ok(Loaded { config, keymap, theme, complaints })
}

/// The settings in force while nobody knows whether the user's forbid changes.
fn locked() -> Config {
    Config { read_only: true, ..Config::default() }
}

/// An error of several lines, such as a parser's drawing of the place, as its first and last.
fn one_line(text: &str) -> String {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    match (lines.next(), lines.next_back()) {
        (Some(first), Some(last)) => format!("{first}: {}", last.trim()),
        (Some(only), None) => only.to_owned(),
        _ => String::new(),
    }
}

fn read(path: &Path, wanted: bool, complaints: &mut Vec<String>) -> Option<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !wanted => None,
        Err(error) => {
            complaints.push(format!("{}: {error}", path.display()));
            None
        }
    }
}

/// A theme by built-in name, by name in `themes/`, or by path.
fn find_theme(dir: &Path, name: &str) -> Result<Theme, String> {
    let own = dir.join("themes").join(format!("{name}.toml"));
    let path = if name.contains('/') { PathBuf::from(name) } else { own };
    match std::fs::read_to_string(&path) {
        Ok(text) => theme::parse(&text).map_err(|e| format!("{}: {e}", path.display())),
        Err(_) if theme::BUILT_IN.iter().any(|(n, _)| *n == name) => theme::built_in(name).map_err(|e| e.to_string()),
        Err(error) => {
            let names: Vec<&str> = theme::BUILT_IN.iter().map(|(n, _)| *n).collect();
            Err(format!("theme \"{name}\": {}: {error}; there are {}", path.display(), names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named_and_the_defaults_stay() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("config.toml"), "read_only = \"maybe\"\n").expect("written");
        std::fs::write(
            dir.path().join("keymap.toml"),
            "[list]\n\"j\" = \"move down\"\n\"hyper-x\" = \"quit\"\n\"k\" = \"fly\"\n",
        )
        .expect("written");
        let loaded = load(dir.path(), None, None, Some("nosuch")).expect("starts all the same");
        let all = loaded.complaints.join("\n");
        assert_eq!(loaded.complaints.len(), 4, "{all}");
        for part in ["config.toml", "line 1", "hyper-x", "line 4: \"fly\" is no command", "theme \"nosuch\""] {
            assert!(all.contains(part), "{part} in {all}");
        }
        assert_eq!(loaded.theme, theme::built_in("default").expect("a theme"));
        assert_eq!(loaded.config, Config { read_only: true, ..Config::default() }, "it may have asked for read-only");
    }

    #[test]
    fn without_files_there_is_nothing_to_complain_about() {
        let dir = tempfile::tempdir().expect("a directory");
        let loaded = load(dir.path(), None, None, None).expect("defaults");
        assert!(loaded.complaints.is_empty(), "{:?}", loaded.complaints);
    }
}
