//! The hot paths: a pod from its JSON, a change in ten thousand rows, a frame, its bytes.
#![allow(clippy::expect_used, reason = "a bench has nobody to report to")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pilothouse::app::frame;
use pilothouse::backend::kubernetes::{Pods, Project};
use pilothouse::config;
use pilothouse::model::{
    Feed, FeedEvent, FeedSpec, Now, Pod, Row, Sample, Stamp, TargetId, TargetKind, TargetMeta, Usage,
};
use pilothouse::paint::Painter;
use pilothouse::panes::{Ask, Motion, PaneId};
use pilothouse::state::{Settings, State};
use pilothouse::theme::{Depth, Role};
use pilothouse::ui::Look;
use pilothouse::ui::layout::View;
use pilothouse::world::order::Order;
use pilothouse::world::{Freshness, Table, Target};
use ratatui::layout::Size;

const PODS: usize = 10_000;
const SIZE: Size = Size { width: 160, height: 45 };

/// A pod as a server sends it, padded to the size that pods of a real cluster have.
fn json(n: usize, restarts: u32) -> String {
    let padding = "node http labels secret http image probe metadata volume ".repeat(340);
    let env: Vec<String> = (0..40).map(|i| format!(r#"{{"name":"VARIABLE_{i}","value":"value of {i}"}}"#)).collect();
    let container = |name: &str| {
        format!(
            r#"{{"name":"{name}","image":"registry.example.com/{name}:1.2.3","env":[{}],"ports":[{{"name":"http","containerPort":8080,"protocol":"TCP"}}],"resources":{{"requests":{{"cpu":"100m","memory":"128Mi"}},"limits":{{"cpu":"1","memory":"256Mi"}}}},"livenessProbe":{{"httpGet":{{"path":"/","port":8080}}}}}}"#,
            env.join(",")
        )
    };
    let status = |name: &str| {
        format!(
            r#"{{"name":"{name}","ready":true,"restartCount":{restarts},"state":{{"running":{{"startedAt":"2026-01-02T03:04:05Z"}}}},"lastState":{{}}}}"#
        )
    };
    format!(
        r#"{{"metadata":{{"name":"app-{n:05}-abcde","namespace":"team-{:02}","uid":"0b8a4c6e-1d2f-4a5b-9c7d-{n:012}","resourceVersion":"{n}","creationTimestamp":"2026-01-02T03:04:05Z","labels":{{"app":"app","pod-template-hash":"26th67n7b"}},"annotations":{{"example.com/applied":"{padding}"}},"ownerReferences":[{{"kind":"ReplicaSet","name":"app-{:05}-26th67n7b","uid":"u","controller":true}}]}},"spec":{{"nodeName":"node-{:03}","containers":[{},{}]}},"status":{{"phase":"Running","podIP":"10.0.{}.{}","conditions":[{{"type":"Ready","status":"True"}},{{"type":"ContainersReady","status":"True"}}],"containerStatuses":[{},{}]}}}}"#,
        n % 20,
        n / 4,
        n % 100,
        container("main"),
        container("proxy"),
        n / 256,
        n % 256,
        status("main"),
        status("proxy"),
    )
}

fn project(pods: &mut Pods, text: &str) -> Row {
    let raw: <Pods as Project>::Object<'_> = serde_json::from_str(text).expect("a pod");
    pods.row(&raw)
}

fn rows() -> Vec<Row> {
    let mut pods = Pods::new(TargetId(0));
    (0..PODS).map(|n| project(&mut pods, &json(n, 0))).collect()
}

fn pod(row: Row) -> Box<Pod> {
    match row {
        Row::Pod(pod) => pod,
        other => unreachable!("{other:?} is no pod"),
    }
}

fn spec() -> FeedSpec {
    FeedSpec { target: TargetId(0), feed: Feed::Pods(None) }
}

fn now() -> Now {
    Now { wall: Stamp::parse("2026-03-01T00:00:00Z").expect("a time"), tick: Duration::from_secs(5) }
}

/// A console with all pods and their usage.
fn state(view: View) -> State {
    let loaded = config::load(std::path::Path::new("/nonexistent"), None, None, None).expect("built-in settings");
    let look = Look { theme: loaded.theme.at(Depth::True), ascii: false, focused: true };
    let mut state = State::new(Settings::default(), loaded.keymap, look, SIZE);
    state.view = view;
    let meta = TargetMeta {
        id: TargetId(0),
        kind: TargetKind::Kubernetes,
        name: "bench".into(),
        namespace: None,
        demo: false,
    };
    state.data.world.targets.push(Target { meta, server: None, link: Freshness::Live });
    let rows = rows();
    let samples: Vec<Sample> = rows
        .iter()
        .map(|row| Sample {
            key: row.key().clone(),
            at: now().wall,
            usage: Usage { cpu: Some(0.1), memory: Some(1e8), ..Usage::default() },
            containers: Box::default(),
        })
        .collect();
    for event in [FeedEvent::Reset, FeedEvent::Staged(rows), FeedEvent::Synced] {
        state.data.world.take(&spec(), event, now().wall);
    }
    let usage = FeedSpec { target: TargetId(0), feed: Feed::Usage(None) };
    state.data.world.take(&usage, FeedEvent::Samples(samples), now().wall);
    state
}

fn decode(criterion: &mut Criterion) {
    let text = json(7, 1);
    let mut pods = Pods::new(TargetId(0));
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("a pod", |bench| bench.iter(|| project(&mut pods, black_box(&text))));
    group.finish();
}

fn follow(criterion: &mut Criterion) {
    let mut pods = Pods::new(TargetId(0));
    let mut table = Table::<Pod>::default();
    for row in rows() {
        table.upsert(&spec(), pod(row));
    }
    let changed: Vec<Box<Pod>> = (0..PODS).step_by(97).map(|n| pod(project(&mut pods, &json(n, 1)))).collect();
    let mut order = Order::default();
    let mut turn = 0;
    criterion.bench_function("15 changes in 10,000 rows, in order", |bench| {
        bench.iter(|| {
            for _ in 0..15 {
                turn += 1;
                table.upsert(&spec(), changed[turn % changed.len()].clone());
            }
            order.refresh(&table, 1, |_| true, |a, b| a.key.cmp(&b.key))
        });
    });
}

fn frames(criterion: &mut Criterion) {
    for (name, view) in [("overview", View::Overview), ("pods", View::Only(PaneId::Pods))] {
        let mut state = state(view);
        state.settle();
        let mut painter = Painter::new(SIZE, Depth::True);
        frame(&mut painter, &mut state, now());
        state.settle();
        criterion.bench_function(&format!("{name}: a frame without a change"), |bench| {
            bench.iter(|| frame(&mut painter, &mut state, now()));
        });
        criterion.bench_function(&format!("{name}: a cursor move"), |bench| {
            let mut down = false;
            bench.iter(|| {
                down = !down;
                let (pane, cx) = state.pane_cx(PaneId::Pods, now());
                pane.on(&Ask::Move(if down { Motion::Down } else { Motion::Up }), &cx);
                frame(&mut painter, &mut state, now())
            });
        });
        criterion.bench_function(&format!("{name}: a frame from nothing"), |bench| {
            bench.iter(|| {
                painter.reset(SIZE);
                frame(&mut painter, &mut state, now())
            });
        });
        criterion.bench_function(&format!("{name}: what it needs"), |bench| bench.iter(|| state.needs(now())));
        let look = state.look.clone();
        criterion.bench_function(&format!("{name}: styles"), |bench| {
            bench.iter(|| (look.clone(), look.style(black_box(Role::Name))));
        });
    }
}

fn first_frame(criterion: &mut Criterion) {
    let loaded = Arc::new(|| config::load(std::path::Path::new("/nonexistent"), None, None, None));
    criterion.bench_function("settings, keys and theme", |bench| bench.iter(|| loaded()));
}

criterion_group!(benches, decode, follow, frames, first_frame);
criterion_main!(benches);
