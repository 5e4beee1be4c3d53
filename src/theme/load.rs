//! Themes from TOML: a palette of named colours, and a style for every role.

use std::collections::BTreeMap;
use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use thiserror::Error;

use super::{Role, Theme};

/// Themes that come with the program: name and text.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("default", include_str!("../../themes/default.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("ansi16", include_str!("../../themes/ansi16.toml")),
];

/// Why a theme cannot be used. The text names place and expectation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ThemeError(pub String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    inherits: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, String>,
    #[serde(default)]
    roles: BTreeMap<Role, RawStyle>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawStyle {
    Color(String),
    Full(RawFull),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawFull {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reverse: bool,
}

/// The built-in theme of this name.
///
/// # Errors
/// When there is none of this name.
pub fn built_in(name: &str) -> Result<Theme, ThemeError> {
    let (_, text) = BUILT_IN.iter().find(|(n, _)| *n == name).ok_or_else(|| {
        let names: Vec<&str> = BUILT_IN.iter().map(|(n, _)| *n).collect();
        ThemeError(format!("no theme \"{name}\"; there are {}", names.join(", ")))
    })?;
    parse(text)
}

/// Reads a theme. Roles that it does not name come from the theme it `inherits`.
///
/// # Errors
/// TOML errors with line and column, unknown roles and colours, missing roles.
pub fn parse(text: &str) -> Result<Theme, ThemeError> {
    let raw: Raw = toml::from_str(text).map_err(|e| ThemeError(e.to_string()))?;
    let base = match raw.inherits.as_deref() {
        Some(name) => Some(built_in(name)?),
        None => None,
    };
    let mut styles = [Style::default(); Role::COUNT];
    for &role in Role::ALL {
        styles[role as usize] = match (raw.roles.get(&role), &base) {
            (Some(spec), _) => style(spec, &raw.palette)?,
            (None, Some(base)) => base.style(role),
            (None, None) => {
                return Err(ThemeError(format!("[roles] lacks {role:?}; set it, or add inherits = \"default\"")));
            }
        };
    }
    Ok(Theme { styles })
}

fn style(raw: &RawStyle, palette: &BTreeMap<String, String>) -> Result<Style, ThemeError> {
    let full = match raw {
        RawStyle::Color(fg) => &RawFull { fg: Some(fg.clone()), ..RawFull::default() },
        RawStyle::Full(full) => full,
    };
    let color = |name: &Option<String>| name.as_deref().map(|n| color(n, palette)).transpose();
    let mut style = Style { fg: color(&full.fg)?, bg: color(&full.bg)?, ..Style::default() };
    for (on, modifier) in [
        (full.bold, Modifier::BOLD),
        (full.dim, Modifier::DIM),
        (full.italic, Modifier::ITALIC),
        (full.underline, Modifier::UNDERLINED),
        (full.reverse, Modifier::REVERSED),
    ] {
        if on {
            style = style.add_modifier(modifier);
        }
    }
    Ok(style)
}

fn color(name: &str, palette: &BTreeMap<String, String>) -> Result<Color, ThemeError> {
    let resolved = palette.get(name).map_or(name, String::as_str);
    if resolved == "none" {
        return Ok(Color::Reset);
    }
    Color::from_str(resolved).map_err(|_| {
        ThemeError(format!("\"{name}\" is no colour: expected a [palette] name, #rrggbb, 0-255, or an ANSI name"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_defines_every_role() {
        for (name, text) in BUILT_IN {
            parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(!text.contains("inherits") || *name != "default");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let unknown = parse("inherits = \"default\"\n[roles]\nnonsense = \"red\"\n").expect_err("unknown role");
        assert!(unknown.0.contains("line 3") && unknown.0.contains("nonsense"), "{unknown}");
        let color = parse("inherits = \"default\"\n[roles]\ntext = \"reddish\"\n").expect_err("unknown colour");
        assert!(color.0.contains("reddish"), "{color}");
        assert!(parse("[roles]\ntext = \"red\"\n").expect_err("roles missing").0.contains("lacks"));
    }
}
