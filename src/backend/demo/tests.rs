use std::time::Duration;

use futures::StreamExt;

use super::*;
use crate::actions::{Action, Given, Goal, Observation, Plan, Policy, Progress};
use crate::model::{EngineState, Feed, FeedEvent, FeedSpec, Key, Kind, LogRecord, LogSource, Row, Severity};

const START: Stamp = Stamp(1_787_566_272_000);

fn shop() -> (Opened, Opened) {
    let mut opened = open("shop", 4, START).expect("the shop opens");
    let engine = opened.pop().expect("an engine");
    (opened.pop().expect("a cluster"), engine)
}

/// What a feed says within `seconds`.
async fn watch(opened: &Opened, feed: Feed, seconds: u64) -> Vec<FeedEvent> {
    let end = tokio::time::sleep(Duration::from_millis(seconds * 1000 + 100));
    let spec = FeedSpec { target: opened.meta.id, feed };
    opened.source.watch(&spec).take_until(end).collect().await
}

async fn rows(opened: &Opened, feed: Feed) -> Vec<Row> {
    let events = watch(opened, feed, 0).await;
    let staged =
        events.into_iter().filter_map(|event| if let FeedEvent::Staged(rows) = event { Some(rows) } else { None });
    staged.flatten().collect()
}

async fn key(opened: &Opened, feed: Feed, name: &str) -> Key {
    let rows = rows(opened, feed).await;
    let found = rows.iter().find(|row| row.key().name.starts_with(name));
    found.unwrap_or_else(|| panic!("{name} is there")).key().clone()
}

async fn execute(opened: &Opened, action: Action) -> (Plan, Observation) {
    let plan = opened.operator.plan(&action).await.expect("a plan");
    let approved = plan.clone().approve(&Policy::default(), &Given::Flag).expect("consent");
    let progress: Vec<Progress> = opened.operator.execute(approved).collect().await;
    let Some(Progress::Done(receipt)) = progress.last() else { panic!("{progress:?}") };
    let mut expect = plan.expect.clone();
    expect.generation = receipt.generation;
    let seen: Vec<Observation> = opened.operator.observe(&expect).collect().await;
    (plan, seen.last().cloned().expect("an observation"))
}

#[tokio::test(start_paused = true)]
async fn every_world_in_the_folder_comes_with_the_program_and_opens() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo")).expect("the folder");
    let mut files = 0;
    for entry in folder {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        assert!(WORLDS.iter().any(|(known, _)| *known == name), "{name} is embedded");
        let opened = open(path.to_str().expect("a path"), 0, START).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(opened.iter().all(|target| target.meta.demo));
        files += 1;
    }
    assert_eq!(files, WORLDS.len());
}

#[test]
fn errors_say_where_they_are() {
    let cases = [
        ("seed = 1\nsed = 2\n", "w: line 2, column 1: unknown field `sed`"),
        ("seed = 1\n[docker]\nname = 3\n", "w: line 3, column 8: invalid type: integer `3`, expected a string"),
        ("seed = 1\n", "w: it has neither [kubernetes] nor [docker]"),
        ("seed = \n", "w: line 1, column 8: "),
    ];
    for (text, want) in cases {
        let fault = WorldSpec::parse("w", text).expect_err("an error").to_string();
        assert!(fault.starts_with(want), "{fault}");
    }
    let fault = open("no-such-world", 0, START).err().expect("an error").to_string();
    assert!(fault.contains("shop, calm"), "{fault}");
}

#[tokio::test(start_paused = true)]
async fn lists_are_staged_and_synced_and_show_the_accidents() {
    let (cluster, engine) = shop();
    assert_eq!((cluster.meta.id, engine.meta.id), (TargetId(4), TargetId(5)));
    let events = watch(&cluster, Feed::Pods(None), 0).await;
    assert!(matches!(&events[..], [FeedEvent::Reset, FeedEvent::Staged(_), FeedEvent::Synced]), "{events:?}");
    let pods = rows(&cluster, Feed::Pods(None)).await;
    assert!((38..=50).contains(&pods.len()), "{} pods", pods.len());
    let shop = rows(&cluster, Feed::Pods(Some("shop".into()))).await;
    assert!(shop.iter().all(|row| &*row.key().namespace == "shop"));
    let status = |name: &str| {
        let mut of: Vec<String> = Vec::new();
        for row in &shop {
            if let Row::Pod(pod) = row
                && pod.key.name.starts_with(name)
            {
                of.push(pod.status.to_string());
            }
        }
        of
    };
    assert!(status("checkout").iter().any(|status| status.ends_with("Pull") || status == "ImagePullBackOff"));
    assert_eq!(status("recommender"), ["Pending"]);
    let workloads = rows(&cluster, Feed::Workloads(None)).await;
    let stuck = workloads.iter().find(|row| &*row.key().name == "checkout");
    assert!(matches!(stuck, Some(Row::Workload(w)) if w.severity() == Severity::Bad), "{stuck:?}");
    let containers = rows(&engine, Feed::Containers).await;
    assert_eq!(containers.len(), 8);
    assert!(matches!(&watch(&engine, Feed::Pods(None), 2).await[..], [FeedEvent::Lost(Fault::Unsupported { .. })]));
}

#[tokio::test(start_paused = true)]
async fn the_good_rollout_of_web_completes_by_itself() {
    let (cluster, _) = shop();
    let mut seen = Vec::new();
    for event in watch(&cluster, Feed::Workloads(None), 120).await {
        if let FeedEvent::Upsert(Row::Workload(w)) = event
            && &*w.key.name == "web"
        {
            seen.push(w.rollout());
        }
    }
    assert!(seen.iter().any(|status| status.text.contains("new replicas have been updated")), "{seen:?}");
    assert_eq!(seen.last().map(|s| s.text.as_str()), Some("deployment \"web\" successfully rolled out"));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_heals_checkout_within_its_deadline() {
    let (cluster, _) = shop();
    let checkout = key(&cluster, Feed::Workloads(None), "checkout").await;
    let (plan, seen) = execute(&cluster, Action::Rollback { key: checkout.clone(), revision: 0 }).await;
    assert_eq!(seen, Observation::Met("deployment \"checkout\" successfully rolled out".to_owned()));
    assert!(plan.command.ends_with("-n shop rollout undo deploy/checkout --to-revision=2"), "{}", plan.command);
    assert_eq!(plan.inverse, Some(Action::Rollback { key: checkout.clone(), revision: 3 }));
    assert!(plan.diff.iter().any(|line| format!("{line:?}").contains("2.6.4")), "{:?}", plan.diff);
    let events = watch(&cluster, Feed::Revisions(checkout), 0).await;
    let [FeedEvent::Revisions(revisions)] = &events[..] else { panic!("{events:?}") };
    let numbers: Vec<(i64, bool)> = revisions.list.iter().map(|rev| (rev.number, rev.current)).collect();
    assert_eq!(numbers, [(4, true), (3, false), (1, false)]);
}

#[tokio::test(start_paused = true)]
async fn changes_reach_what_they_promise() {
    let (cluster, engine) = shop();
    let load = |name| key(&cluster, Feed::Workloads(None), name);
    let cart = load("cart").await;
    let frontend = load("frontend").await;
    let agent = load("node-agent").await;
    let pod = key(&cluster, Feed::Pods(None), "frontend-").await;
    let actions = [
        Action::Delete { key: pod },
        Action::Scale { key: frontend.clone(), replicas: 7 },
        Action::Scale { key: cart.clone(), replicas: 5 },
        Action::Scale { key: cart.clone(), replicas: 1 },
        Action::Restart { key: cart },
        Action::Restart { key: frontend },
        Action::Restart { key: agent },
    ];
    for action in actions {
        let (plan, seen) = execute(&cluster, action).await;
        assert!(matches!(seen, Observation::Met(_)), "{}: {seen:?}", plan.title);
    }
    let api = key(&engine, Feed::Containers, "edge-api-1").await;
    for action in [
        Action::Pause { key: api.clone() },
        Action::Unpause { key: api.clone() },
        Action::Restart { key: api.clone() },
        Action::Stop { key: api.clone() },
        Action::Start { key: api.clone() },
        Action::Stop { key: api.clone() },
        Action::Delete { key: api.clone() },
    ] {
        let (plan, seen) = execute(&engine, action).await;
        assert!(matches!(seen, Observation::Met(_)), "{}: {seen:?}", plan.title);
    }
    let fault = engine.operator.plan(&Action::Start { key: api }).await.expect_err("it is removed");
    assert!(matches!(fault, Fault::Gone { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_key_without_uid_means_whatever_has_its_name_now() {
    let (cluster, engine) = shop();
    for (opened, feed, name) in [
        (&cluster, Feed::Workloads(None), "cart"),
        (&cluster, Feed::Pods(None), "cart-0"),
        (&engine, Feed::Containers, "edge-import-1"),
    ] {
        let full = key(opened, feed, name).await;
        let bare = Key { uid: "".into(), ..full.clone() };
        let action = match full.kind {
            Kind::StatefulSet => Action::Scale { key: bare, replicas: 4 },
            _ => Action::Delete { key: bare },
        };
        let plan = opened.operator.plan(&action).await.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(plan.action.key(), &full, "the plan names the object itself");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_made_on_an_old_plan_is_a_conflict() {
    let (cluster, _) = shop();
    let frontend = key(&cluster, Feed::Workloads(None), "frontend").await;
    let old = cluster.operator.plan(&Action::Scale { key: frontend.clone(), replicas: 9 }).await.expect("a plan");
    assert!(format!("{:?}", old.notes).contains("HorizontalPodAutoscaler"), "{:?}", old.notes);
    execute(&cluster, Action::Scale { key: frontend, replicas: 5 }).await;
    let approved = old.approve(&Policy::default(), &Given::Yes).expect("consent");
    let progress: Vec<Progress> = cluster.operator.execute(approved).collect().await;
    assert!(matches!(&progress[..], [Progress::Failed(Fault::Conflict { .. })]), "{progress:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_come_true_is_contradicted_or_overdue() {
    let (cluster, _) = shop();
    let recommender = key(&cluster, Feed::Workloads(None), "recommender").await;
    let (plan, seen) = execute(&cluster, Action::Scale { key: recommender, replicas: 3 }).await;
    assert_eq!(plan.expect.goal, Goal::Replicas(3));
    assert!(matches!(seen, Observation::Overdue(_)), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn two_runs_tell_the_same() {
    let (one, two) = (shop(), shop());
    for feed in [Feed::Pods(None), Feed::Events(None), Feed::Usage(None)] {
        let (a, b) = tokio::join!(watch(&one.0, feed.clone(), 90), watch(&two.0, feed, 90));
        assert!(a.len() > 10, "{} events", a.len());
        assert_eq!(a, b);
    }
    let (a, b) = tokio::join!(watch(&one.1, Feed::Containers, 90), watch(&two.1, Feed::Containers, 90));
    assert_eq!(a, b);
}

#[tokio::test(start_paused = true)]
async fn logs_flow_and_tell_why_a_container_ends() {
    let (cluster, engine) = shop();
    let pod = key(&cluster, Feed::Pods(None), "payments").await;
    let source = LogSource { key: pod, container: "payments".into(), previous: false };
    let texts = |events: Vec<FeedEvent>| -> Vec<String> {
        let mut out = Vec::new();
        for event in events {
            if let FeedEvent::Log(records) = event {
                for record in records {
                    out.push(match record {
                        LogRecord::Line { text, .. } | LogRecord::Note(text) | LogRecord::Gap(text) => text.into(),
                    });
                }
            }
        }
        out
    };
    let lines = texts(watch(&cluster, Feed::Log(source.clone()), 200).await);
    assert!(lines.iter().any(|line| line.starts_with("panic:")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("container restarted")), "{lines:#?}");
    let previous = texts(watch(&cluster, Feed::Log(LogSource { previous: true, ..source }), 1).await);
    assert!(previous.iter().any(|line| line.starts_with("panic:")), "{previous:#?}");
    let proxy = key(&engine, Feed::Containers, "edge-proxy").await;
    let source = LogSource { key: proxy, container: "".into(), previous: false };
    let lines = texts(watch(&engine, Feed::Log(source), 20).await);
    assert!(lines.len() > 450, "{} lines", lines.len());
}

#[tokio::test(start_paused = true)]
async fn the_worker_is_seen_restarting_and_objects_are_yaml() {
    let (cluster, engine) = shop();
    let mut states = Vec::new();
    for event in watch(&engine, Feed::Containers, 60).await {
        if let FeedEvent::Upsert(Row::Container(row)) = event
            && &*row.service == "worker"
        {
            states.push(row.state);
        }
    }
    assert!(states.contains(&EngineState::Restarting) && states.contains(&EngineState::Running), "{states:?}");
    let pod = key(&cluster, Feed::Pods(None), "web").await;
    let events = watch(&cluster, Feed::Object(pod), 0).await;
    let Some(FeedEvent::Object(yaml)) = events.first() else { panic!("{events:?}") };
    assert!(yaml.contains("kind: Pod") && yaml.contains("image: registry.example/shop/web:"), "{yaml}");
}
