//! Looking around: nothing here changes anything.

use std::collections::BTreeSet;
use std::time::Duration;

use pilothouse::actions::Policy;
use pilothouse::commands;
use pilothouse::model::{FeedEvent, Row, Stamp};
use pilothouse::panes::PaneId;
use pilothouse::ui::layout::View;

use crate::cluster::cluster;
use crate::fake;
use crate::harness::{Console, START};

#[tokio::test(start_paused = true)]
async fn the_first_frame_waits_for_no_server() {
    let mut console = Console::open(vec![fake::silent()], Policy::default(), None, 120, 40);
    console.wait("the target's name in the header", |screen| screen.lines[0].contains("fake-cluster")).await;
    let tick = console.clock.now().tick;
    assert!(tick < Duration::from_millis(20), "the first frame took {tick:?}");
    console.keys("2").await;
    assert_eq!(console.view(), "pods", "keys work while nothing answers");
}

#[tokio::test(start_paused = true)]
async fn the_overview_lists_the_shops_pods() {
    let mut console = Console::demo(160, 45);
    let screen = console.wait("pods of the shop", |screen| screen.has("cart-0") && screen.has("checkout-")).await;
    assert!(screen.has("DEMO"), "simulated data says so\n{}", screen.text());
    assert!(!screen.has("coredns"), "another namespace's pods are not shown\n{}", screen.text());
}

#[tokio::test(start_paused = true)]
async fn a_filter_narrows_and_escape_clears_it() {
    let mut console = Console::demo(120, 40);
    console.keys("2").await;
    console.wait("all pods", |screen| screen.has("cart-0") && screen.has("payments-")).await;
    console.keys("/").await;
    console.type_text("payments").await;
    console.wait("only payments while typing", |screen| !screen.has("cart-0") && screen.has("payments-")).await;
    console.keys("enter").await;
    let screen = console.wait("only payments after enter", |screen| !screen.has("cart-0")).await;
    assert!(screen.has("payments-"));
    console.keys("esc").await;
    console.wait("all pods again", |screen| screen.has("cart-0") && screen.has("payments-")).await;
    assert_eq!(console.view(), "pods", "the first esc clears the filter, the next goes back");
    console.keys("esc").await;
    assert_eq!(console.view(), "overview");
}

#[tokio::test(start_paused = true)]
async fn escape_while_typing_a_filter_drops_it() {
    let mut console = Console::demo(120, 40);
    console.keys("2").await;
    console.wait("all pods", |screen| screen.has("cart-0")).await;
    console.keys("/").await;
    console.type_text("payments").await;
    console.keys("esc").await;
    console.wait("all pods again", |screen| screen.has("cart-0")).await;
}

#[tokio::test(start_paused = true)]
async fn digits_switch_views() {
    let mut console = Console::demo(120, 40);
    console.wait("pods", |screen| screen.has("cart-0")).await;
    let mut seen = Vec::new();
    for digit in ["2", "3", "4", "5", "6", "7", "8", "9", "1"] {
        let (frames, before) = (console.frames(), console.view());
        console.keys(digit).await;
        assert_ne!(console.view(), before, "{digit} shows another view");
        assert!(console.frames() > frames, "{digit} draws");
        if let View::Only(id) = console.app.state.view {
            assert_eq!(console.app.state.focus, id, "{digit} gives its pane the keys");
        }
        seen.push(console.view());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 9, "{seen:?}");
    assert_eq!(console.view(), "overview");
}

#[tokio::test(start_paused = true)]
async fn zoom_shows_the_focused_pane_alone_and_back() {
    let mut console = Console::demo(160, 45);
    console.wait("pods", |screen| screen.has("cart-0")).await;
    console.keys("tab tab z").await;
    let focus = console.app.state.focus;
    assert_eq!(console.app.state.view, View::Only(focus));
    console.keys("z").await;
    assert_eq!((console.view(), console.app.state.focus), ("overview", focus), "the focus stays");
}

#[tokio::test(start_paused = true)]
async fn tab_visits_every_pane_of_the_overview_and_comes_home() {
    let mut console = Console::demo(160, 45);
    console.wait("pods", |screen| screen.has("cart-0")).await;
    let order = console.app.state.tab_order();
    let home = console.app.state.focus;
    let mut visited = Vec::new();
    for _ in 0..order.len() {
        console.keys("tab").await;
        visited.push(console.app.state.focus);
    }
    assert_eq!(console.app.state.focus, home);
    visited.sort_unstable();
    visited.dedup();
    assert_eq!(visited.len(), order.len(), "{visited:?}");
    console.keys("tab shift-tab").await;
    assert_eq!(console.app.state.focus, home, "shift-tab takes tab back");
}

#[tokio::test(start_paused = true)]
async fn help_lists_every_key_of_where_one_is() {
    let mut console = Console::demo(120, 40);
    console.keys("5 ?").await;
    let mut seen = BTreeSet::new();
    for _ in 0..8 {
        seen.extend(console.screen().lines);
        console.keys("pagedown").await;
    }
    for context in console.app.state.contexts() {
        for (chord, binding) in console.app.state.keymap.section(context) {
            let chord = chord.to_string();
            let doc = commands::find(&binding.command).expect("a command").doc;
            // a command with arguments may be explained by them, and a long line may be cut
            let start: String = if binding.args.is_empty() { doc.chars().take(30).collect() } else { String::new() };
            let fits = |line: &String| line.contains(&start) && line.split_whitespace().any(|word| word == chord);
            assert!(seen.iter().any(fits), "{chord}: {doc}\n{seen:#?}");
        }
    }
    console.keys("esc").await;
    assert!(console.app.state.overlays.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_palette_completes_and_runs() {
    let mut console = Console::demo(120, 40);
    console.wait("pods", |screen| screen.has("cart-0")).await;
    console.keys(":").await;
    console.type_text("view po").await;
    console.wait("the candidate", |screen| screen.has("view pods")).await;
    console.keys("tab").await;
    console
        .wait("the completed text on the last line", |screen| {
            screen.lines.last().is_some_and(|line| line.contains("view pods"))
        })
        .await;
    console.keys("enter").await;
    assert_eq!(console.view(), "pods");
    console.keys(":").await;
    console.type_text("view rollout").await;
    console.keys("enter").await;
    assert_eq!(console.view(), "rollout", "text that is a command runs as it is");
    console.keys(":").await;
    console.type_text("xyzzy").await;
    console.keys("enter").await;
    console.wait("a sentence about the unknown command", |screen| screen.has("xyzzy")).await;
    assert_eq!(console.view(), "rollout");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_chosen_from_a_list() {
    let mut console = Console::demo(120, 40);
    console.keys("2").await;
    console.wait("the shop's pods", |screen| screen.has("cart-0")).await;
    console.keys("n").await;
    console.wait("the namespaces", |screen| screen.has("kube-system") && screen.has("monitoring")).await;
    console.type_text("kube-sys").await;
    console.keys("enter").await;
    console.wait("pods of kube-system only", |screen| screen.has("coredns") && !screen.has("cart-0")).await;
    assert_eq!(console.app.state.data.settings.namespace.as_deref(), Some("kube-system"));
    console.keys(":").await;
    console.type_text("namespace all").await;
    console.keys("enter").await;
    console.wait("pods of all namespaces", |screen| screen.has("coredns") && screen.has("cart-0")).await;
}

fn pods(names: &[&str]) -> Vec<pilothouse::model::Pod> {
    names.iter().map(|name| fake::pod(name, Stamp(START.0 - 40 * 86_400_000))).collect()
}

fn upsert(name: &str) -> FeedEvent {
    FeedEvent::Upsert(Row::Pod(Box::new(fake::pod(name, Stamp(START.0 - 40 * 86_400_000)))))
}

#[tokio::test(start_paused = true)]
async fn the_cursor_stays_on_its_object() {
    let (opened, feed) = cluster(pods(&["b", "d", "f"]));
    let mut console = Console::open(vec![opened], Policy::default(), None, 120, 40);
    console.keys("2").await;
    console.wait("three pods", |screen| screen.has(" f ")).await;
    console.keys("j").await;
    let selected = |console: &Console| {
        console.app.state.pane(PaneId::Pods).selected().map(|key| key.name.to_string()).unwrap_or_default()
    };
    assert_eq!(selected(&console), "d");
    for name in ["a", "c", "e", "g"] {
        feed.unbounded_send(upsert(name)).expect("the feed is watched");
    }
    feed.unbounded_send(FeedEvent::Remove(fake::pod("b", START).key)).expect("the feed is watched");
    console.wait("the new pods", |screen| screen.has(" a ") && screen.has(" g ") && !screen.has(" b ")).await;
    assert_eq!(selected(&console), "d", "rows came and went above and below");

    feed.unbounded_send(FeedEvent::Remove(fake::pod("d", START).key)).expect("the feed is watched");
    feed.unbounded_send(upsert("h")).expect("the feed is watched");
    let screen = console.wait("the next pod", |screen| screen.has(" h ")).await;
    assert_eq!(selected(&console), "d", "a removed object stays under the cursor");
    assert!(screen.has(" d "), "and stays on screen\n{}", screen.text());
    console.keys("D").await;
    console.wait("a refusal to act on what is gone", |screen| screen.has("gone")).await;
    assert!(console.app.state.data.jobs.list.is_empty());
    console.keys("j").await;
    assert_eq!(selected(&console), "e", "the next one down");
    console.wait("the removed row to go", |screen| !screen.has(" d ")).await;
    console.keys("k").await;
    assert_eq!(selected(&console), "c", "the removed row is not visited again");
}

#[tokio::test(start_paused = true)]
async fn a_replaced_list_keeps_the_cursor() {
    let (opened, feed) = cluster(pods(&["a", "b", "c", "d"]));
    let mut console = Console::open(vec![opened], Policy::default(), None, 120, 40);
    console.keys("2").await;
    console.wait("four pods", |screen| screen.has(" d ")).await;
    console.keys("j j").await;
    let rows = pods(&["b", "c", "x"]).into_iter().map(|pod| Row::Pod(Box::new(pod))).collect();
    for event in [FeedEvent::Reset, FeedEvent::Staged(rows), FeedEvent::Synced] {
        feed.unbounded_send(event).expect("the feed is watched");
    }
    console.wait("the new list", |screen| screen.has(" x ") && !screen.has(" a ")).await;
    let selected = console.app.state.pane(PaneId::Pods).selected().map(|key| key.name.to_string());
    assert_eq!(selected.as_deref(), Some("c"));
}

#[tokio::test(start_paused = true)]
async fn a_log_is_followed_scrolled_and_searched() {
    let mut console = Console::demo(120, 40);
    console.keys("2 /").await;
    console.type_text("web-").await;
    console.keys("enter 5").await;
    console.wait("the log", |screen| screen.has("following") && screen.has("INFO")).await;
    let tail = console.screen();
    console.wait("new lines while following", |screen| screen.lines[5] != tail.lines[5]).await;

    console.keys("g").await;
    let top = console.wait("the start of the log", |screen| !screen.has("following")).await;
    let (first, frames) = (top.lines[4].clone(), console.frames());
    console.pass(Duration::from_secs(5)).await;
    assert!(console.frames() > frames, "lines keep coming");
    assert_eq!(console.screen().lines[4], first, "and do not move what is being read");

    console.keys("/").await;
    console.type_text("ERROR").await;
    console.keys("enter").await;
    let found = console.wait("a match", |screen| screen.lines[3..].iter().any(|l| l.contains("ERROR"))).await;
    assert!(found.has("/ERROR"), "the title names the search\n{}", found.text());
    console.keys("/").await;
    console.type_text("no such text anywhere").await;
    console.keys("enter").await;
    console
        .wait("a sentence that nothing is found", |screen| {
            screen.lines.last().is_some_and(|line| line.contains("no ") || line.contains("not found"))
        })
        .await;
    console.keys("G").await;
    console.wait("the end again", |screen| screen.has("following")).await;
}

#[tokio::test(start_paused = true)]
async fn hostile_log_lines_arrive_as_text() {
    let mut console = Console::demo(120, 40);
    console.keys("4").await;
    console.wait("the engine's containers", |screen| screen.has("edge-import-1")).await;
    console.keys("/").await;
    console.type_text("edge-import").await;
    console.keys("enter l").await;
    let screen = console.wait("its log", |screen| screen.has("name=")).await;
    assert!(screen.lines[0].contains("pilothouse"), "the screen was not cleared by it\n{}", screen.text());
    assert!(screen.has("defused"), "what was made harmless is said\n{}", screen.text());
}

#[tokio::test(start_paused = true)]
async fn the_smallest_terminal_and_back() {
    let mut console = Console::demo(120, 40);
    let before = console.wait("pods", |screen| screen.has("cart-0")).await;
    console.resize(1, 1).await;
    console.keys("j ? esc 2 1").await;
    console.resize(120, 40).await;
    let after = console.wait("pods again", |screen| screen.has("cart-0")).await;
    assert_eq!(after.lines.len(), before.lines.len());
    assert!(after.lines[0].contains("pilothouse"), "{}", after.text());
}

#[tokio::test(start_paused = true)]
async fn a_paste_goes_into_the_prompt_and_nowhere_else() {
    use crossterm::event::Event as Input;
    let mut console = Console::demo(120, 40);
    console.wait("pods", |screen| screen.has("cart-0")).await;
    console.send(Input::Paste("q:quit\nq".into())).await;
    assert!(!console.is_over(), "pasted text is no keys");
    assert_eq!(console.view(), "overview");
    console.keys(":").await;
    console.send(Input::Paste("view pods\nq\nq".into())).await;
    assert_eq!(console.view(), "overview", "a pasted line break does not enter");
    console.keys("enter").await;
    assert_eq!(console.view(), "pods", "only the first line was taken");
}

#[tokio::test(start_paused = true)]
async fn quitting_needs_one_key() {
    let mut console = Console::demo(80, 24);
    console.wait("pods", |screen| screen.has("cart-0")).await;
    console.keys("q").await;
    assert!(console.is_over());
}

#[tokio::test(start_paused = true)]
async fn a_title_counts_what_is_shown_with_it() {
    let (opened, _feed) = cluster(pods(&["kilo", "lima", "mike"]));
    let mut console = Console::open(vec![opened], Policy::default(), None, 120, 40);
    console.keys("2").await;
    console.wait("three pods", |screen| screen.has(" mike ")).await;
    console.keys("/").await;
    console.type_text("lima").await;
    let screen = console.screen();
    assert!(screen.has(" 1 /lima") && !screen.has(" mike "), "the frame that narrows also counts\n{}", screen.text());
}
