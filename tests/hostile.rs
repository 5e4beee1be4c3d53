//! Whatever names, messages and logs hold, what reaches the terminal is text and our own escape
//! sequences.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/fake.rs"]
mod fake;

use std::sync::Arc;
use std::time::Duration;

use pilothouse::actions::{Action, Change, Consent, Diff, Expectation, Goal, Method, Note, Plan, Policy, Risk};
use pilothouse::app::{frame, join};
use pilothouse::commands;
use pilothouse::event::JobId;
use pilothouse::input::Keymap;
use pilothouse::model::{
    ClusterEvent, ContainerState, EngineContainer, EngineState, Fault, Feed, FeedEvent, FeedSpec, Health, Key, Kind,
    LogRecord, LogSource, Now, Pod, Row, ServerInfo, Severity, Stamp, TargetId, TargetKind, Termination, Workload,
};
use pilothouse::paint::Painter;
use pilothouse::panes::{Ask, PaneId, Subject};
use pilothouse::runtime::clipboard::osc52;
use pilothouse::state::{Settings, State};
use pilothouse::theme::{self, Depth};
use pilothouse::ui::Look;
use pilothouse::ui::overlay::{Confirm, Overlay};
use proptest::prelude::*;
use ratatui::layout::Size;

const NOW: Now = Now { wall: Stamp(1_787_566_260_000), tick: Duration::from_secs(9) };
const SIZES: [(u16, u16); 5] = [(160, 45), (120, 40), (80, 24), (40, 10), (41, 33)];

/// Text with what steers terminals in it.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => any::<String>(),
        2 => "[a-z0-9-]{1,30}",
        1 => proptest::char::any().prop_map(String::from),
        1 => (0u32..0xa0).prop_map(|n| char::from_u32(n).map(String::from).unwrap_or_default()),
        2 => proptest::sample::select(vec![
            "\x1b[2J", "\x1b]52;c;aGk=\x07", "\x1b]0;title\x1b\\", "\x1bP+q\x1b\\", "\u{9b}31m", "\u{90}x\u{9c}", "\x1bc",
            "\x07", "\x08\x08", "\r", "\n", "\t", "\x0e", "\x7f", "\u{202e}", "\u{2066}", "\u{200f}", "\u{feff}", "\u{200b}",
            "\u{301}\u{301}\u{301}", "👨‍👩‍👧‍👦", "🇩🇪", "漢字", "\u{e0001}", "\x1b[?1049l", "\x1b[6n", "\u{85}", "\u{2028}",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// A list of texts that rows are made of.
struct Words(Vec<String>);

impl Words {
    fn get(&self, at: usize) -> &str {
        &self.0[at % self.0.len()]
    }
    fn arc(&self, at: usize) -> Arc<str> {
        self.get(at).into()
    }
}

fn key(words: &Words, target: u16, kind: Kind) -> Key {
    Key { target: TargetId(target), kind, namespace: words.arc(0), name: words.arc(1), uid: "uid".into() }
}

fn pod(words: &Words) -> Pod {
    let mut pod = fake::pod("x", Stamp(0));
    pod.key = key(words, 0, Kind::Pod);
    pod.status = words.arc(2);
    pod.severity = Severity::Bad;
    pod.node = words.arc(3);
    pod.ip = words.arc(4);
    pod.workload = Some((Kind::Deployment, words.arc(1)));
    pod.owner = words.arc(5);
    pod.revision = words.arc(6);
    pod.why = words.get(7).into();
    for container in &mut pod.containers {
        container.name = words.arc(2);
        container.image = words.arc(3);
        container.state = ContainerState::Waiting { reason: words.arc(4), message: words.get(5).into() };
        container.ports = words.arc(6);
        container.last = Some(Termination {
            exit_code: 1,
            signal: 0,
            reason: words.arc(7),
            message: words.get(0).into(),
            finished: Some(Stamp(0)),
        });
    }
    pod
}

fn workload(words: &Words) -> Workload {
    Workload {
        key: key(words, 0, Kind::Deployment),
        created: Stamp(0),
        desired: 3,
        current: 3,
        updated: 1,
        ready: 1,
        available: 1,
        generation: (2, 2),
        paused: false,
        strategy: words.arc(2),
        partition: None,
        revision: words.arc(3),
        update_revision: words.arc(4),
        deadline: None,
        conditions: [pilothouse::model::Condition {
            kind: words.arc(5),
            status: words.arc(6),
            reason: words.arc(7),
            message: words.get(2).into(),
            updated: Some(Stamp(0)),
        }]
        .into(),
        selector: [(words.arc(3), words.arc(4))].into(),
        images: words.arc(5),
        cause: words.get(6).into(),
        manager: words.arc(7),
    }
}

fn event(words: &Words) -> ClusterEvent {
    ClusterEvent {
        key: key(words, 0, Kind::Event),
        warning: true,
        reason: words.arc(2),
        message: words.get(3).into(),
        object: words.arc(4),
        object_uid: "uid".into(),
        count: 2,
        first: Stamp(0),
        last: Stamp(0),
        source: words.arc(5),
    }
}

fn container(words: &Words) -> EngineContainer {
    EngineContainer {
        key: key(words, 1, Kind::Container),
        image: words.arc(2),
        state: EngineState::Exited,
        severity: Severity::Bad,
        health: Health::None,
        exit_code: Some(1),
        why: words.get(3).into(),
        restarts: 1,
        created: Stamp(0),
        started: None,
        finished: Some(Stamp(0)),
        ports: words.arc(4),
        service: words.arc(5),
        number: 1,
        restart_policy: words.arc(6),
        tty: false,
        limits: pilothouse::model::pod::Resources::default(),
    }
}

fn plan(words: &Words) -> Plan {
    let key = key(words, 0, Kind::Deployment);
    Plan {
        action: Action::Restart { key: key.clone() },
        target: words.get(0).into(),
        title: words.get(1).into(),
        diff: vec![
            Diff::Same(words.get(2).into()),
            Diff::Removed(words.get(3).into()),
            Diff::Added(words.get(4).into()),
        ],
        notes: vec![Note::Info(words.get(5).into()), Note::Warning(words.get(6).into())],
        risk: Risk::Irreversible,
        basis: String::new(),
        changes: vec![Change {
            method: Method::Patch,
            path: String::new(),
            content_type: String::new(),
            body: serde_json::Value::Null,
        }],
        expect: Expectation { key, goal: Goal::RolledOut, within: Duration::from_secs(1), generation: None },
        inverse: None,
        command: words.get(7).into(),
    }
}

/// A state whose every text comes from `words`.
fn state(words: &Words, ascii: bool) -> State {
    let look = Look { theme: theme::built_in("default").expect("a theme"), ascii, focused: false };
    let keymap = Keymap::built_in(|name| commands::find(name).is_some()).expect("the keymap");
    let mut state = State::new(Settings::default(), keymap, look, Size { width: 80, height: 24 });
    for (id, kind) in [(0, TargetKind::Kubernetes), (1, TargetKind::Docker)] {
        let mut opened = fake::silent();
        opened.meta.id = TargetId(id);
        opened.meta.kind = kind;
        opened.meta.name = words.arc(0);
        join(&mut state, &opened);
    }
    let mut take = |target: u16, feed: Feed, event: FeedEvent| {
        state.data.world.take(&FeedSpec { target: TargetId(target), feed }, event, NOW.wall);
    };
    let info = ServerInfo { version: words.arc(1), user: words.arc(2), ..ServerInfo::default() };
    take(0, Feed::Server, FeedEvent::Server(Box::new(info)));
    take(1, Feed::Server, FeedEvent::Lost(Fault::Server { what: words.get(3).into() }));
    take(0, Feed::Pods(None), FeedEvent::Upsert(Row::Pod(Box::new(pod(words)))));
    take(0, Feed::Workloads(None), FeedEvent::Upsert(Row::Workload(Box::new(workload(words)))));
    take(0, Feed::Events(None), FeedEvent::Upsert(Row::Event(Box::new(event(words)))));
    take(0, Feed::Namespaces, FeedEvent::Upsert(Row::Namespace(key(words, 0, Kind::Namespace))));
    take(1, Feed::Containers, FeedEvent::Upsert(Row::Container(Box::new(container(words)))));
    let (pod, engine) = (key(words, 0, Kind::Pod), key(words, 1, Kind::Container));
    let records = || {
        let line = |at| LogRecord::Line { at: Some(0), stderr: true, text: words.get(at).into(), cut: 3 };
        let lines = (0..8).map(line);
        lines.chain([LogRecord::Gap(words.get(1).into()), LogRecord::Note(words.get(2).into())]).collect()
    };
    let log = LogSource { key: pod.clone(), container: words.arc(2), previous: false };
    take(0, Feed::Log(log), FeedEvent::Log(records()));
    let log = LogSource { key: engine.clone(), container: "".into(), previous: false };
    take(1, Feed::Log(log), FeedEvent::Log(records()));
    take(0, Feed::Object(pod), FeedEvent::Object(words.0.join("\n").into()));
    state
}

/// Collects what a terminal would be made to do beyond showing text.
#[derive(Default)]
struct Gate(Vec<String>);

impl vte::Perform for Gate {
    fn print(&mut self, c: char) {
        let steers = c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
        if steers {
            self.0.push(format!("prints {c:?}"));
        }
    }

    fn execute(&mut self, byte: u8) {
        self.0.push(format!("control {byte:#04x}"));
    }

    fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, action: char) {
        self.0.push(format!("DCS {action:?}"));
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        self.0.push(format!("OSC {params:?}"));
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
        self.0.push(format!("ESC {:?}", char::from(byte)));
    }

    fn csi_dispatch(&mut self, params: &vte::Params, intermediates: &[u8], ignore: bool, action: char) {
        let numbers: Vec<u16> = params.iter().flatten().copied().collect();
        let ours = match (intermediates, action) {
            ([], 'm' | 'H' | 'C') => true,
            ([], 'J') => numbers == [2],
            // the cursor, and synchronized updates
            (b"?", 'h' | 'l') => numbers == [25] || numbers == [2026],
            _ => false,
        };
        if ignore || !ours {
            self.0.push(format!("CSI {intermediates:?} {numbers:?} {action}"));
        }
    }
}

fn foreign(bytes: &[u8]) -> Vec<String> {
    let (mut parser, mut gate) = (vte::Parser::new(), Gate::default());
    parser.advance(&mut gate, bytes);
    if std::str::from_utf8(bytes).is_err() {
        gate.0.push("no UTF-8".into());
    }
    gate.0
}

/// Everything drawn at one size.
fn check(state: &mut State, painter: &mut Painter, what: &str) -> Result<(), TestCaseError> {
    let bytes = frame(painter, state, NOW);
    let found = foreign(&bytes);
    prop_assert!(found.is_empty(), "{} lets through {:?}", what, found);
    Ok(())
}

#[test]
fn the_gate_of_this_test_is_not_open() {
    assert!(foreign(b"\x1b[1;2Hx\x1b[0m\x1b[?25l").is_empty());
    for bytes in
        [&b"\x1b]52;c;aGk=\x07"[..], b"\n", b"\x1b[6n", b"\x1b[3J", b"\x1b[?1049l", b"\x1bc", "\u{202e}".as_bytes()]
    {
        assert!(!foreign(bytes).is_empty(), "{bytes:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn hostile_text_stays_text(words in prop::collection::vec(hostile(), 8), ascii: bool) {
        let words = Words(words);
        let mut state = state(&words, ascii);
        for (width, height) in SIZES {
            state.size = Size { width, height };
            let mut painter = Painter::new(state.size, Depth::True);
            for key in [key(&words, 0, Kind::Pod), key(&words, 0, Kind::Deployment), key(&words, 1, Kind::Container)] {
                state.data.subject = Subject { key: Some(key.clone()), container: None };
                let (pane, cx) = state.pane_cx(PaneId::Describe, NOW);
                pane.on(&Ask::Select(key), &cx);
                for view in ["overview"].into_iter().chain(PaneId::ALL.map(PaneId::name)) {
                    commands::run(&mut state, "view", &[view.to_owned()], NOW);
                    check(&mut state, &mut painter, view)?;
                }
            }
            for command in ["namespaces", "targets", "palette"] {
                commands::run(&mut state, command, &[], NOW);
                check(&mut state, &mut painter, command)?;
                state.overlays.clear();
            }
            let plan = Arc::new(plan(&words));
            let consents = [plan.consent(&Policy::default()), Consent::YesNo];
            for consent in consents {
                state.overlays = vec![Overlay::Confirm(Box::new(Confirm::new(JobId(1), plan.clone(), consent)))];
                check(&mut state, &mut painter, "a plan")?;
                state.overlays.clear();
            }
            state.notify(words.get(0), true, NOW);
            check(&mut state, &mut painter, "a notice")?;
            state.notices.clear();
        }
    }

    #[test]
    fn what_is_copied_cannot_break_out(text in hostile(), tmux: bool) {
        let bytes = osc52(&text, tmux);
        let inside = if tmux { &bytes[b"\x1bPtmux;\x1b".len()..bytes.len() - 2] } else { &bytes[..] };
        let body = &inside[b"\x1b]52;c;".len()..inside.len() - 1];
        let plain = body.iter().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b));
        prop_assert!(plain, "{:?}", body);
    }
}
