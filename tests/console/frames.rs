//! Frames: at every size, without a byte too many, and from nothing but the state.

use std::time::Duration;

use crossterm::event::{Event as Input, KeyCode};
use pilothouse::actions::Policy;
use pilothouse::commands;
use pilothouse::model::Stamp;
use pilothouse::panes::PaneId;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::cluster::cluster;
use crate::fake;
use crate::harness::{Console, START};

const SIZES: [(u16, u16); 9] = [(160, 45), (120, 40), (80, 24), (40, 10), (39, 9), (300, 12), (41, 80), (2, 1), (1, 1)];

fn views() -> impl Iterator<Item = &'static str> {
    ["overview"].into_iter().chain(PaneId::ALL.map(PaneId::name))
}

#[tokio::test(start_paused = true)]
async fn every_view_can_be_drawn_at_every_size() {
    let mut console = Console::demo(160, 45);
    console.wait("pods", |screen| screen.has("cart-0")).await;
    for ascii in [false, true] {
        console.app.state.look.ascii = ascii;
        for (width, height) in SIZES {
            console.resize(width, height).await;
            for view in views() {
                let now = console.clock.now();
                commands::run(&mut console.app.state, "view", &[view.to_owned()], now);
                console.keys("j").await;
                let screen = console.screen();
                if (width, height) == (40, 10) {
                    assert!(screen.lines[0].contains("pilothouse"), "{view}\n{}", screen.text());
                }
                if ascii && width >= 40 && height >= 10 {
                    let frame = ['─', '│', '╭', '▌'];
                    assert!(!screen.text().contains(frame), "{view} at {width}x{height}\n{}", screen.text());
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_overlay_can_be_drawn_at_every_size() {
    let mut console = Console::demo(160, 45);
    console.keys("3").await;
    console.wait("workloads", |screen| screen.has("checkout")).await;
    for open in ["?", ":", "n", "t", "/", "U", "S", "R"] {
        console.keys(open).await;
        console.pass(Duration::from_secs(1)).await;
        assert!(!console.app.state.overlays.is_empty(), "{open} opens something");
        for (width, height) in SIZES {
            console.resize(width, height).await;
            console.keys("down down up").await;
        }
        console.resize(160, 45).await;
        console.keys("esc").await;
        assert!(console.app.state.overlays.is_empty(), "esc closes what {open} opened");
    }
}

#[tokio::test(start_paused = true)]
async fn a_world_that_stands_still_costs_nothing() {
    let pods = ["a", "b", "c"].map(|name| fake::pod(name, Stamp(START.0 - 40 * 86_400_000 - 7_000))).to_vec();
    let (opened, _feed) = cluster(pods);
    let mut console = Console::open(vec![opened], Policy::default(), None, 160, 45);
    console.wait("the pods", |screen| screen.has(" c ")).await;
    console.pass(Duration::from_secs(5)).await;
    let before = console.bytes();
    // no age on screen changes within this minute, and the header's clock turns after it
    console.pass(Duration::from_secs(54)).await;
    let still = console.bytes() - before;
    assert_eq!(still, 0, "{still} bytes although nothing changed\n{}", console.screen().text());
    console.pass(Duration::from_secs(2)).await;
    let turned = console.bytes() - before;
    assert!((1..64).contains(&turned), "{turned} bytes when only the clock turned");
}

#[tokio::test(start_paused = true)]
async fn a_slow_terminal_gets_fewer_frames_and_the_last_one_whole() {
    let mut console = Console::demo(120, 40);
    console.wait("pods", |screen| screen.has("cart-0")).await;
    console.slow_down(Duration::from_millis(400));
    let before = console.frames();
    for _ in 0..40 {
        console.keys("j").await;
    }
    // 1.2 s of keys
    assert!(console.frames() - before <= 4, "{} frames", console.frames() - before);
    console.pass(Duration::from_secs(1)).await;
    while !console.is_behind() {
        console.keys("k").await;
    }
    console.queue(Input::Key(KeyCode::Char('q').into()));
    console.pass(Duration::from_secs(1)).await;
    assert!(console.is_over());
    assert!(!console.is_behind(), "the terminal is not given back under a frame on its way");
}

#[tokio::test(start_paused = true)]
async fn what_is_derived_can_be_thrown_away() {
    let mut console = Console::demo(160, 45);
    console.wait("pods", |screen| screen.has("cart-0")).await;
    console.keys("j j j 3 j 4 j 2 /").await;
    console.type_text("-").await;
    console.keys("enter 5 g 1").await;
    console.pass(Duration::from_secs(2)).await;
    for view in views() {
        let now = console.clock.now();
        commands::run(&mut console.app.state, "view", &[view.to_owned()], now);
        console.pass(Duration::from_secs(1)).await;
        let kept = draw(&mut console);
        console.app.state.panes.iter_mut().for_each(|pane| pane.forget_derived());
        let anew = draw(&mut console);
        for (kept, anew) in lines(&kept).iter().zip(lines(&anew)) {
            assert_eq!(*kept, anew, "{view}");
        }
        assert!(kept == anew, "{view}: the same text in other colours");
    }
}

fn draw(console: &mut Console) -> Buffer {
    let area = Rect::new(0, 0, 160, 45);
    let mut buffer = Buffer::empty(area);
    let now = console.clock.now();
    console.app.state.draw(now, area, &mut buffer);
    buffer
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width);
    buffer.content().chunks(width).map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect()).collect()
}
