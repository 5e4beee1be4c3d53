//! Keymaps as data: for each context, which key runs which command.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::chord::Chord;

/// The keymap that is always there; a user's file is laid over it.
pub const DEFAULT: &str = include_str!("../../keymaps/default.toml");

/// Where a key counts. Inner contexts are asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Context {
    /// Everywhere outside overlays.
    Global,
    /// The start screen, while no target was reached.
    Welcome,
    /// Lists of objects.
    List,
    /// The pods pane.
    Pods,
    /// The workloads pane.
    Workloads,
    /// The engine's containers.
    Docker,
    /// A pod's containers.
    Containers,
    /// The log pane.
    Logs,
    /// The rollout pane.
    Rollout,
    /// The jobs pane.
    Jobs,
    /// Text that scrolls: YAML, help, a plan.
    Text,
}

impl Context {
    /// All contexts, as documentation lists them.
    pub const ALL: [Self; 11] = [
        Self::Global,
        Self::Welcome,
        Self::List,
        Self::Pods,
        Self::Workloads,
        Self::Docker,
        Self::Containers,
        Self::Logs,
        Self::Rollout,
        Self::Jobs,
        Self::Text,
    ];

    /// The section's name in keymap files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Welcome => "welcome",
            Self::List => "list",
            Self::Pods => "pods",
            Self::Workloads => "workloads",
            Self::Docker => "docker",
            Self::Containers => "containers",
            Self::Logs => "logs",
            Self::Rollout => "rollout",
            Self::Jobs => "jobs",
            Self::Text => "text",
        }
    }
}

/// A command with its arguments, as a keymap or the prompt gives it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Binding {
    /// The command's name.
    pub command: String,
    /// What follows it.
    pub args: Vec<String>,
}

impl Binding {
    /// Splits `name arg arg`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut words = text.split_whitespace().map(str::to_owned);
        Self { command: words.next().unwrap_or_default(), args: words.collect() }
    }
}

/// Why a keymap or one entry of it is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct KeymapError(pub String);

/// All bindings.
#[derive(Debug, Clone, Default)]
pub struct Keymap {
    sections: HashMap<Context, IndexMap<Chord, Binding>>,
}

type Raw = HashMap<Spanned<String>, IndexMap<Spanned<String>, String>>;

impl Keymap {
    /// The built-in keymap.
    ///
    /// # Errors
    /// Never for a released program: a test reads it.
    pub fn built_in(known: impl Fn(&str) -> bool) -> Result<Self, KeymapError> {
        let mut map = Self::default();
        match map.lay(DEFAULT, known).into_iter().next() {
            Some(error) => Err(error),
            None => Ok(map),
        }
    }

    /// Lays a keymap file's text over this one: its entries win, `""` unbinds a key. Entries that
    /// make no sense are left out and returned as errors with their line.
    pub fn lay(&mut self, text: &str, known: impl Fn(&str) -> bool) -> Vec<KeymapError> {
        let raw: Raw = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => return vec![KeymapError(error.to_string())],
        };
        let line = |span: std::ops::Range<usize>| text[..span.start.min(text.len())].matches('\n').count() + 1;
        let mut errors = Vec::new();
        for (section, entries) in raw {
            let Ok(context) = Context::deserialize(toml::Value::String(section.get_ref().clone())) else {
                errors.push(KeymapError(format!(
                    "line {}: [{}] is no context: expected global, welcome, list, pods, workloads, docker, containers, logs, \
                     rollout, jobs or text",
                    line(section.span()),
                    section.get_ref()
                )));
                continue;
            };
            let bindings = self.sections.entry(context).or_default();
            for (key, command) in entries {
                let at = line(key.span());
                match key.get_ref().parse::<Chord>() {
                    Err(error) => errors.push(KeymapError(format!("line {at}: {error}"))),
                    Ok(chord) if command.is_empty() => {
                        bindings.shift_remove(&chord);
                    }
                    Ok(chord) => {
                        let binding = Binding::parse(&command);
                        if known(&binding.command) {
                            bindings.insert(chord, binding);
                        } else {
                            errors.push(KeymapError(format!(
                                "line {at}: \"{}\" is no command: see `pilothouse commands`",
                                binding.command
                            )));
                        }
                    }
                }
            }
        }
        errors
    }

    /// What this key means, asked of the innermost context first.
    #[must_use]
    pub fn find(&self, chord: Chord, contexts: &[Context]) -> Option<&Binding> {
        contexts.iter().find_map(|context| self.sections.get(context)?.get(&chord))
    }

    /// Keys of one context, in file order.
    pub fn section(&self, context: Context) -> impl Iterator<Item = (&Chord, &Binding)> {
        self.sections.get(&context).into_iter().flatten()
    }

    /// The first key that runs this command in one of the contexts.
    #[must_use]
    pub fn key_for(&self, command: &str, contexts: &[Context]) -> Option<Chord> {
        contexts.iter().find_map(|context| {
            self.sections.get(context)?.iter().find(|(_, b)| b.command == command).map(|(chord, _)| *chord)
        })
    }
}
