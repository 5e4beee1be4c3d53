//! Colours as data: what each part of the screen means, never which colour it has.

mod load;
mod role;

pub use load::{BUILT_IN, ThemeError, built_in, parse};
pub use role::Role;

use ratatui::style::{Color, Modifier, Style};

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// None: bold, underline and reverse only.
    Mono,
    /// The sixteen of ANSI.
    Ansi16,
    /// The xterm palette.
    Ansi256,
    /// 24 bits.
    True,
}

/// A style for every role.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    styles: [Style; Role::COUNT],
}

impl Theme {
    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// The same theme for a terminal of this depth.
    #[must_use]
    pub fn at(mut self, depth: Depth) -> Self {
        for style in &mut self.styles {
            style.fg = style.fg.and_then(|c| reduce(c, depth));
            style.bg = style.bg.and_then(|c| reduce(c, depth));
        }
        if depth == Depth::Mono {
            for role in [Role::Cursor, Role::Danger] {
                self.styles[role as usize] = Style::default().add_modifier(Modifier::REVERSED);
            }
        }
        self
    }
}

/// A colour as a terminal of this depth can show it; `None` for no colour.
#[must_use]
pub fn reduce(color: Color, depth: Depth) -> Option<Color> {
    match (depth, color) {
        (Depth::Mono, _) => None,
        (Depth::True, c) => Some(c),
        (Depth::Ansi256, Color::Rgb(r, g, b)) => Some(Color::Indexed(to_256(r, g, b))),
        (Depth::Ansi16, Color::Rgb(r, g, b)) => Some(to_16(r, g, b)),
        (Depth::Ansi16, Color::Indexed(n)) if n > 15 => {
            let (r, g, b) = from_256(n);
            Some(to_16(r, g, b))
        }
        (_, c) => Some(c),
    }
}

/// Nearest entry of the xterm cube or grey ramp.
fn to_256(r: u8, g: u8, b: u8) -> u8 {
    let level = |v: u8| {
        if v < 48 {
            0
        } else if v < 115 {
            1
        } else {
            (v - 35) / 40
        }
    };
    let value = |l: u8| if l == 0 { 0 } else { 55 + 40 * l };
    let (lr, lg, lb) = (level(r), level(g), level(b));
    let cube = 16 + 36 * lr + 6 * lg + lb;
    let mean = u8::try_from((u16::from(r) + u16::from(g) + u16::from(b)) / 3).unwrap_or(u8::MAX);
    let ramp = mean.saturating_sub(3).min(233) / 10;
    let grey = 8 + 10 * ramp;
    let far = |x: (u8, u8, u8)| {
        let d = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        d(r, x.0) + d(g, x.1) + d(b, x.2)
    };
    if far((grey, grey, grey)) < far((value(lr), value(lg), value(lb))) { 232 + ramp } else { cube }
}

/// Channels of an entry of the xterm cube or grey ramp (16 to 255).
#[must_use]
pub fn from_256(n: u8) -> (u8, u8, u8) {
    if n >= 232 {
        let v = 8 + 10 * (n - 232);
        return (v, v, v);
    }
    let value = |l: u8| if l == 0 { 0 } else { 55 + 40 * l };
    let n = n.saturating_sub(16);
    (value(n / 36), value(n / 6 % 6), value(n % 6))
}

/// The ANSI colour whose channels are on as these are.
fn to_16(r: u8, g: u8, b: u8) -> Color {
    let max = r.max(g).max(b);
    if max < 60 {
        return Color::Black;
    }
    if max - r.min(g).min(b) < 40 {
        return if max > 200 {
            Color::White
        } else if max > 120 {
            Color::Gray
        } else {
            Color::DarkGray
        };
    }
    let on = |v: u8| u16::from(v) * 5 > u16::from(max) * 3;
    match (on(r), on(g), on(b)) {
        (true, false, false) => Color::LightRed,
        (false, true, false) => Color::LightGreen,
        (true, true, false) => Color::LightYellow,
        (false, false, true) => Color::LightBlue,
        (true, false, true) => Color::LightMagenta,
        (false, true, true) => Color::LightCyan,
        _ => Color::White,
    }
}
