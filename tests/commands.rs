//! Invariants of the command table, the keymaps, the themes and the table in the README.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use pilothouse::commands::{self, ALL};
use pilothouse::event::Event;
use pilothouse::input::{Chord, Context, Keymap};
use pilothouse::model::Now;
use pilothouse::panes::Motion;
use pilothouse::state::{Settings, State};
use pilothouse::theme;
use pilothouse::ui::Look;
use pilothouse::ui::layout::View;
use pilothouse::update::update;
use ratatui::layout::Size;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn known(name: &str) -> bool {
    commands::find(name).is_some()
}

fn keymap() -> Keymap {
    Keymap::built_in(known).expect("the built-in keymap")
}

fn bindings() -> Vec<(Context, Chord, String, Vec<String>)> {
    let map = keymap();
    let of = |context: Context| {
        let section = map.section(context);
        section.map(move |(chord, b)| (context, *chord, b.command.clone(), b.args.clone())).collect::<Vec<_>>()
    };
    Context::ALL.into_iter().flat_map(of).collect()
}

fn files(folder: &str) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(Path::new(ROOT).join(folder)).expect("the folder");
    let mut found: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
            (stem, std::fs::read_to_string(&path).expect("a file"))
        })
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} has files");
    found
}

#[test]
fn names_are_unique_and_kebab_case() {
    let names: BTreeSet<&str> = ALL.iter().map(|spec| spec.name).collect();
    assert_eq!(names.len(), ALL.len(), "a name stands for one command");
    for spec in ALL {
        let kebab = !spec.name.is_empty()
            && spec
                .name
                .split('-')
                .all(|w| !w.is_empty() && w.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
        assert!(kebab, "{}", spec.name);
        let plain = !spec.doc.is_empty() && !spec.doc.ends_with('.') && spec.doc.len() < 100;
        assert!(plain, "{}: one short sentence without a full stop: {}", spec.name, spec.doc);
    }
}

#[test]
fn every_command_can_be_entered_in_the_palette() {
    let now = Now { wall: pilothouse::model::Stamp(0), tick: std::time::Duration::ZERO };
    let enter = |name: &str| {
        let look = Look { theme: theme::built_in("default").expect("a theme"), ascii: false, focused: false };
        let mut state = State::new(Settings::default(), keymap(), look, Size { width: 80, height: 24 });
        commands::run(&mut state, "palette", &[], now);
        let keys = name.chars().map(KeyCode::Char).chain([KeyCode::Enter]);
        for code in keys {
            update(&mut state, Event::Input(Input::Key(KeyEvent::new(code, KeyModifiers::NONE))), now);
        }
        state.notices.iter().any(|notice| notice.text.starts_with("no command"))
    };
    assert!(enter("xyzzy"), "what is no command is told so");
    for spec in ALL {
        assert!(!enter(spec.name), "{} is a command", spec.name);
    }
}

#[test]
fn every_key_of_every_keymap_runs_a_command_with_arguments_it_takes() {
    for (name, text) in files("keymaps") {
        let errors = Keymap::default().lay(&text, known);
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
    for (context, chord, command, args) in bindings() {
        let at = format!("[{}] {chord} = {command} {args:?}", context.name());
        let spec = commands::find(&command).unwrap_or_else(|| panic!("{at}: no command"));
        match command.as_str() {
            "view" => assert!(args.len() == 1 && View::parse(&args[0]).is_some(), "{at}"),
            "move" => assert!(args.len() == 1 && Motion::parse(&args[0]).is_some(), "{at}"),
            _ => assert!(args.is_empty() || !spec.args.is_empty(), "{at}: it takes no arguments"),
        }
    }
}

#[test]
fn capital_letters_change_the_world_and_nothing_else_does() {
    for (context, chord, command, _) in bindings() {
        let changes = commands::find(&command).is_some_and(|spec| spec.changes);
        // the customary key for the end of a list
        let custom = chord.to_string() == "G" && command == "move";
        let at = format!("[{}] {chord} = {command}", context.name());
        assert!(chord.is_capital() == changes || custom, "{at}: a capital letter changes, any other key looks");
    }
}

#[test]
fn every_theme_is_built_in_and_complete() {
    let built_in: BTreeSet<&str> = theme::BUILT_IN.iter().map(|(name, _)| *name).collect();
    for (name, text) in files("themes") {
        theme::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(built_in.contains(name.as_str()), "{name} comes with the program");
    }
}

#[test]
fn the_readme_lists_the_commands_as_they_are() {
    let Ok(readme) = std::fs::read_to_string(Path::new(ROOT).join("README.md")) else {
        println!("skipped: no README.md");
        return;
    };
    let (_, after) = readme.split_once("<!-- commands -->").expect("README.md has <!-- commands -->");
    let (table, _) = after.split_once("<!-- /commands -->").expect("README.md has <!-- /commands -->");
    let want = commands::markdown(&keymap());
    assert_eq!(table.trim(), want.trim(), "put the output of `pilothouse commands` between the markers");
}
