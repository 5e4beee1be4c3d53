//! The roles a style can play.

use serde::Deserialize;

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// What a piece of the screen means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Role { $($(#[$doc])* $name),+ }

        impl Role {
            /// All roles.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();
        }
    };
}

roles! {
    /// Ordinary text.
    Text,
    /// Less important text.
    Dim,
    /// The product's name and pane titles.
    Title,
    /// Title of the pane that has the keys.
    TitleFocus,
    /// Lines between panes.
    Border,
    /// Border of the pane that has the keys.
    BorderFocus,
    /// Column headers.
    Header,
    /// Names of objects.
    Name,
    /// The row under the cursor.
    Cursor,
    /// The mark beside the row under the cursor.
    CursorMark,
    /// A marked row.
    Marked,
    /// As wanted.
    Good,
    /// Finished on purpose.
    Done,
    /// On its way.
    Busy,
    /// Not as wanted.
    Warn,
    /// Broken.
    Bad,
    /// Data that is not fresh.
    Stale,
    /// A key in a hint.
    Key,
    /// What the key does.
    Hint,
    /// CPU graphs.
    Cpu,
    /// Memory graphs.
    Memory,
    /// Network graphs.
    Network,
    /// Block I/O graphs.
    Disk,
    /// Lines that come in.
    Added,
    /// Lines that go away.
    Removed,
    /// A match of a search.
    Match,
    /// Log timestamps.
    Timestamp,
    /// Control sequences made visible.
    Defused,
    /// Overlays' background.
    Overlay,
    /// A consent that must not be given lightly.
    Danger,
    /// The DEMO badge.
    Demo,
    /// YAML keys.
    YamlKey,
    /// YAML values.
    YamlValue,
}
