//! Changes: planned, consented to, recorded, carried out, verified. Or not.

use pilothouse::actions::{Diff, Policy};
use pilothouse::model::{EngineContainer, Workload};
use pilothouse::state::Stage;
use pilothouse::ui::overlay::Overlay;

use crate::harness::{Console, Screen};

/// A question counts a yes only when there was time to read it.
const READABLE: std::time::Duration = std::time::Duration::from_millis(500);

/// A console whose cursor is on this object of this view.
async fn on(console: &mut Console, digit: &str, name: &str) {
    console.keys(digit).await;
    console.wait("the list", |screen| screen.has(name)).await;
    console.keys("/").await;
    console.type_text(name).await;
    console.keys("enter").await;
    console.wait("the row", |screen| screen.has(name)).await;
}

fn workload<'a>(console: &'a Console, name: &str) -> &'a Workload {
    let world = &console.app.state.data.world;
    world.workloads.iter().map(|(_, row)| row).find(|row| &*row.key.name == name).expect("the workload")
}

fn container<'a>(console: &'a Console, name: &str) -> Option<&'a EngineContainer> {
    let world = &console.app.state.data.world;
    world.containers.iter().map(|(_, row)| row).find(|row| &*row.key.name == name)
}

/// Opens the prompt for replicas, enters a number, and waits for the question.
async fn scale(console: &mut Console, to: &str) -> Screen {
    console.keys("S").await;
    console.wait("the prompt", |screen| screen.has("replicas for")).await;
    console.keys("ctrl-u").await;
    console.type_text(to).await;
    console.keys("enter").await;
    question(console).await
}

async fn question(console: &mut Console) -> Screen {
    console.wait("the question", |screen| screen.has("target") || screen.has("TARGET")).await
}

#[tokio::test(start_paused = true)]
async fn a_change_is_shown_consented_to_carried_out_verified_and_recorded() {
    let mut console = Console::demo(120, 40);
    on(&mut console, "3", "cart").await;
    assert_eq!(workload(&console, "cart").desired, 3);
    let screen = scale(&mut console, "5").await;
    let Some(Overlay::Confirm(confirm)) = console.app.state.overlays.last() else { panic!("no question is asked") };
    let plan = confirm.plan.clone();
    assert!(screen.has(&plan.title), "what would be done\n{}", screen.text());
    assert!(screen.has(&plan.target), "where\n{}", screen.text());
    for line in &plan.diff {
        if let Diff::Removed(text) | Diff::Added(text) = line {
            assert!(screen.has(text.trim()), "what changes: {text}\n{}", screen.text());
        }
    }
    console.keys("enter y").await;
    assert!(console.audit().is_empty(), "neither enter nor a small y says yes");
    console.pass(READABLE).await;
    console.keys("Y").await;
    let screen = console.wait("the verdict", |screen| screen.has("undo")).await;
    let job = console.app.state.data.jobs.list.last().expect("a job");
    assert!(matches!(job.stage, Stage::Done(_)), "{:?}", job.stage);
    assert!(screen.has(&plan.title), "the verdict names the change\n{}", screen.text());
    let row = workload(&console, "cart");
    assert_eq!((row.desired, row.ready), (5, 5), "done means that it is true");

    let audit = console.audit();
    assert_eq!(audit.len(), 2, "{audit:?}");
    assert_eq!((&audit[0]["phase"], &audit[1]["phase"]), (&"intent".into(), &"outcome".into()));
    assert_eq!(audit[0]["id"], audit[1]["id"]);
    assert_eq!((&audit[0]["verdict"], &audit[1]["verdict"]), (&"".into(), &"done".into()));
    assert_eq!((&audit[0]["action"], &audit[0]["name"]), (&"scale".into(), &"cart".into()));
    assert_eq!(audit[0]["uid"], *plan.action.key().uid);

    console.keys(":").await;
    console.type_text("undo").await;
    console.keys("enter").await;
    question(&mut console).await;
    console.pass(READABLE).await;
    console.keys("Y").await;
    console.wait("the undoing done", |_| true).await;
    console.pass(std::time::Duration::from_secs(60)).await;
    assert_eq!(workload(&console, "cart").desired, 3, "undo took it back");
    assert_eq!(console.audit().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn escape_at_the_question_sends_and_records_nothing() {
    let mut console = Console::demo(120, 40);
    on(&mut console, "3", "checkout").await;
    scale(&mut console, "7").await;
    console.keys("esc").await;
    console.pass(std::time::Duration::from_secs(10)).await;
    assert!(console.audit().is_empty());
    assert_eq!(workload(&console, "checkout").desired, 4);
    let job = console.app.state.data.jobs.list.last().expect("a job");
    assert!(matches!(job.stage, Stage::Cancelled(_)), "{:?}", job.stage);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_none_is_refused_with_a_sentence() {
    let mut console = Console::demo(120, 40);
    on(&mut console, "3", "checkout").await;
    console.keys("S ctrl-u").await;
    console.type_text("many").await;
    console.keys("enter").await;
    console.wait("a sentence about it", |screen| screen.has("\"many\"")).await;
    assert!(console.app.state.data.jobs.list.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_undone_wants_the_name_typed() {
    let mut console = Console::demo(120, 40);
    on(&mut console, "4", "edge-import-1").await;
    console.keys("D").await;
    question(&mut console).await;
    console.keys("Y enter").await;
    assert!(console.audit().is_empty(), "a Y is not the name");
    console.keys("esc D").await;
    question(&mut console).await;
    console.type_text("edge-importt").await;
    console.keys("ctrl-h ctrl-x -").await;
    console.keys("enter").await;
    assert!(console.audit().is_empty(), "almost the name is not the name");
    console.keys("1 enter").await;
    console.pass(std::time::Duration::from_secs(30)).await;
    let verdicts: Vec<_> = console.audit().iter().map(|line| line["verdict"].clone()).collect();
    assert_eq!(verdicts, ["", "done"]);
    assert!(container(&console, "edge-import-1").is_none(), "it is removed");
}

#[tokio::test(start_paused = true)]
async fn read_only_refuses_everything_with_the_reason() {
    let mut console = Console::shop(Policy { read_only: true }, 160, 45);
    for (digit, name, keys) in [
        ("3", "cart", &["S", "R", "U"][..]),
        ("7", "cart", &["S", "R", "U"]),
        ("2", "cart-0", &["D"]),
        ("4", "edge-api-1", &["R", "X", "H", "D"]),
    ] {
        if digit == "7" {
            console.keys(digit).await;
        } else {
            on(&mut console, digit, name).await;
        }
        for key in keys {
            console.app.state.notices.clear();
            console.keys(key).await;
            console.wait("the reason", |screen| screen.has("read-only: ")).await;
            assert!(console.app.state.overlays.is_empty(), "{digit} {key} asks nothing");
        }
    }
    console.keys("3 :").await;
    console.type_text("scale 9").await;
    console.keys("enter").await;
    console.pass(std::time::Duration::from_secs(10)).await;
    assert!(console.app.state.data.jobs.list.is_empty());
    assert!(console.audit().is_empty());
    assert_eq!(workload(&console, "cart").desired, 3);
    assert!(container(&console, "edge-api-1").is_some_and(|row| row.state.is_up()));
}

#[tokio::test(start_paused = true)]
async fn quitting_asks_while_an_action_runs() {
    let mut console = Console::demo(120, 40);
    on(&mut console, "3", "cart").await;
    scale(&mut console, "5").await;
    console.pass(READABLE).await;
    console.keys("Y q").await;
    assert!(!console.is_over(), "a change is being verified");
    console.wait("the question", |screen| screen.has("sts/cart")).await;
    assert!(matches!(console.app.state.overlays.last(), Some(Overlay::Quit)));
    console.keys("esc").await;
    assert!(console.app.state.overlays.is_empty() && !console.is_over(), "esc stays");
    console.keys("q q").await;
    assert!(console.is_over());
}

#[tokio::test(start_paused = true)]
async fn several_marked_pods_are_asked_about_one_by_one() {
    let mut console = Console::demo(120, 40);
    on(&mut console, "2", "cart-").await;
    console.keys("space space D").await;
    question(&mut console).await;
    let asked = console.app.state.overlays.iter().filter(|overlay| overlay.job().is_some()).count();
    assert_eq!(asked, 2, "both questions are there");
    console.keys("esc esc").await;
    assert!(console.app.state.overlays.is_empty());
    assert!(console.audit().is_empty());
}
