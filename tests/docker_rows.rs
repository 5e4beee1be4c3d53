//! Rows and samples of a real engine, beside what the docker CLI says of the same containers.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

use std::collections::HashMap;

use futures::StreamExt;
use pilothouse::model::{EngineContainer, EngineState, Feed, FeedEvent, Row, Severity};
use serde_json::Value;
use support::engine::{Container, Proxy, docker, socket, until, watch, watch_at};
use support::rig_is_up;
use support::wire::Mode;

const IMAGE: &str = "test/busybox:1";

/// What a feed of rows adds up to.
#[derive(Default)]
struct World(HashMap<String, EngineContainer>);

impl World {
    fn take(&mut self, event: &FeedEvent) {
        let mut put = |row: &Row| {
            if let Row::Container(row) = row {
                self.0.insert(row.key.name.to_string(), (**row).clone());
            }
        };
        match event {
            FeedEvent::Staged(rows) => rows.iter().for_each(put),
            FeedEvent::Upsert(row) => put(row),
            FeedEvent::Remove(key) => self.0.retain(|_, row| row.key != *key),
            FeedEvent::Reset => self.0.clear(),
            _ => {}
        }
    }
}

fn listed() -> HashMap<String, Value> {
    docker(&["ps", "-a", "--no-trunc", "--format", "json"])
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|value| (value["Names"].as_str().unwrap().to_owned(), value))
        .collect()
}

#[tokio::test]
async fn rows_equal_docker_ps() {
    if !rig_is_up() {
        return;
    }
    let _limits = Container::run(
        "limits",
        &["--cpus", "0.5", "--memory", "32m", "-p", "127.0.0.1:19180:80", IMAGE, "sleep", "600"],
    );
    let _code = Container::run("code", &[IMAGE, "sh", "-c", "exit 7"]);
    docker(&["wait", "pht-docker-code"]);
    let mut feed = watch(Feed::Containers);
    let mut world = World::default();
    until(&mut feed, 15, "the list", |event| {
        world.take(&event);
        event == FeedEvent::Synced
    })
    .await;
    let listed = listed();
    let mut compared = 0;
    for (name, want) in &listed {
        // Containers of others may change between the two looks; ours, and what is stable, do not.
        let Some(row) = world.0.get(name) else {
            assert!(
                !name.starts_with("pht-docker-limits") && !name.starts_with("pht-docker-code"),
                "{name} is missing"
            );
            continue;
        };
        let text = |field: &str| want[field].as_str().unwrap_or_default();
        assert_eq!(&*row.key.uid, text("ID"), "{name}");
        assert_eq!(&*row.image, text("Image"), "{name}");
        if name.starts_with("pht-docker-limits") || name.starts_with("pht-docker-code") || name.starts_with("shop-") {
            assert_eq!(row.state.word(), text("State"), "{name}");
            let labels = text("Labels");
            let project = labels.split(',').find_map(|label| label.strip_prefix("com.docker.compose.project="));
            assert_eq!(&*row.key.namespace, project.unwrap_or_default(), "{name}");
            compared += 1;
        }
    }
    assert!(compared >= 2, "{compared} rows compared");
    let limits = &world.0["pht-docker-limits"];
    assert_eq!((limits.limits.cpu, limits.limits.memory), (Some(0.5), Some(33_554_432.0)));
    assert_eq!((&*limits.ports, limits.severity, &*limits.why), ("127.0.0.1:19180->80/tcp", Severity::Good, ""));
    let code = &world.0["pht-docker-code"];
    assert_eq!((code.exit_code, code.severity, &*code.why), (Some(7), Severity::Bad, "exited 7"));
}

#[tokio::test]
async fn changes_arrive_with_their_reasons() {
    if !rig_is_up() {
        return;
    }
    let mut feed = watch(Feed::Containers);
    until(&mut feed, 15, "the list", |event| event == FeedEvent::Synced).await;
    let one = Container::run("reasons", &["--stop-timeout", "1", IMAGE, "sleep", "600"]);
    let mut world = World::default();
    let mut reach = async |what: &str, done: &dyn Fn(&EngineContainer) -> bool| {
        until(&mut feed, 10, what, |event| {
            world.take(&event);
            world.0.get("pht-docker-reasons").is_some_and(done)
        })
        .await;
        world.0["pht-docker-reasons"].clone()
    };
    reach("the start", &|row| row.state == EngineState::Running).await;
    docker(&["pause", &one.name]);
    reach("the pause", &|row| row.state == EngineState::Paused).await;
    docker(&["unpause", &one.name]);
    docker(&["stop", &one.name]);
    let row = reach("the stop", &|row| row.state == EngineState::Exited).await;
    assert_eq!(&*row.why, "exited 137: did not stop within 1 s", "sleep as process 1 ignores SIGTERM");
    docker(&["start", &one.name]);
    reach("the second start", &|row| row.state == EngineState::Running).await;
    docker(&["kill", &one.name]);
    let row = reach("the kill", &|row| row.state == EngineState::Exited).await;
    assert_eq!(&*row.why, "exited 137: killed through the engine");
    docker(&["rm", &one.name]);
    until(&mut feed, 10, "the removal", |event| matches!(event, FeedEvent::Remove(key) if *key.uid == *one.id)).await;
}

#[tokio::test]
async fn a_crash_loop_and_an_oom_are_told() {
    if !rig_is_up() {
        return;
    }
    let _crash = Container::run("crash", &["--restart", "always", IMAGE, "sh", "-c", "exit 3"]);
    let _oom = Container::run(
        "oom",
        &["--memory", "16m", "--memory-swap", "16m", IMAGE, "sh", "-c", "x=a; while :; do x=$x$x; done"],
    );
    let mut feed = watch(Feed::Containers);
    let mut world = World::default();
    until(&mut feed, 30, "both reasons", |event| {
        world.take(&event);
        let is = |name: &str, text: &str| world.0.get(name).is_some_and(|row| row.why.contains(text));
        is("pht-docker-crash", "exits in 2 min, code 3") && is("pht-docker-oom", "OOM event")
    })
    .await;
    assert_eq!(world.0["pht-docker-crash"].severity, Severity::Bad);
    assert!(world.0["pht-docker-oom"].why.contains("(limit 16Mi)"), "{}", world.0["pht-docker-oom"].why);
}

#[tokio::test]
async fn rows_are_back_soon_after_the_engine_is() {
    if !rig_is_up() {
        return;
    }
    let proxy = Proxy::start();
    let mut feed = watch_at(&proxy.socket, Feed::Containers);
    until(&mut feed, 15, "the list", |event| event == FeedEvent::Synced).await;
    proxy.wire.set(Mode::Cut);
    until(&mut feed, 5, "the loss", |event| matches!(event, FeedEvent::Lost(_))).await;
    until(&mut feed, 5, "a second attempt", |event| matches!(event, FeedEvent::Lost(_))).await;
    proxy.wire.set(Mode::Whole);
    until(&mut feed, 3, "the rows again", |event| event == FeedEvent::Synced).await;
}

#[tokio::test]
async fn every_running_container_is_sampled() {
    if !rig_is_up() {
        return;
    }
    let busy = Container::run("busy", &["--cpus", "0.2", IMAGE, "sh", "-c", "while :; do :; done"]);
    let stopped = Container::run("idle", &[IMAGE, "true"]);
    docker(&["wait", &stopped.name]);
    let mut feed = watch(Feed::Usage(None));
    let mut ours = Vec::new();
    until(&mut feed, 20, "three samples", |event| {
        if let FeedEvent::Samples(samples) = event {
            assert!(samples.iter().all(|sample| *sample.key.uid != *stopped.id), "a stopped container was sampled");
            ours.extend(samples.into_iter().filter(|sample| *sample.key.uid == *busy.id));
        }
        ours.len() >= 3
    })
    .await;
    assert_eq!(ours[0].usage.cpu, None, "one sample has no rate");
    let cpu = ours[2].usage.cpu.unwrap();
    assert!(cpu > 0.02 && cpu < 0.25, "{cpu} cores under a limit of 0.2");
    assert_eq!((ours[2].usage.pids, &*ours[2].key.name), (Some(1.0), "pht-docker-busy"));
}

/// `docker stats` and our stream get the same samples of the engine: one of ours must be its numbers.
#[tokio::test]
async fn samples_equal_docker_stats() {
    if !rig_is_up() {
        return;
    }
    let script = "dd if=/dev/zero of=/f bs=1M count=8 2>/dev/null; while :; do cat /f >/dev/null; usleep 20000; done";
    let one = Container::run("stats", &[IMAGE, "sh", "-c", script]);
    let mut feed = watch(Feed::UsageOf(one.key()));
    until(
        &mut feed,
        10,
        "a first rate",
        |event| matches!(event, FeedEvent::Samples(samples) if samples[0].usage.cpu.is_some()),
    )
    .await;
    let name = one.name.clone();
    let mut theirs = tokio::task::spawn_blocking(move || docker(&["stats", "--no-stream", "--format", "json", &name]));
    let mut ours = Vec::new();
    let line = loop {
        tokio::select! {
            line = &mut theirs => break line.unwrap(),
            Some(FeedEvent::Samples(samples)) = feed.next() => ours.push(samples[0].usage),
        }
    };
    let theirs: Value = serde_json::from_str(&line).unwrap();
    let percent: f32 = theirs["CPUPerc"].as_str().unwrap().trim_end_matches('%').parse().unwrap();
    let memory = theirs["MemUsage"].as_str().unwrap().split("B /").next().unwrap().to_owned();
    let memory = pilothouse::model::quantity::parse(&memory).unwrap();
    let same = ours.iter().any(|usage| {
        let (cpu, bytes) = (usage.cpu.unwrap() * 100.0, f64::from(usage.memory.unwrap()));
        (cpu - percent).abs() < 0.02 && (bytes - memory).abs() <= memory * 0.001 + 1.0
    });
    assert!(same, "{percent} % and {memory} bytes are none of {ours:?}");
}

#[tokio::test]
async fn one_container_is_sampled_every_second_through_its_restart() {
    if !rig_is_up() {
        return;
    }
    let one = Container::run("fast", &["--stop-timeout", "0", IMAGE, "sh", "-c", "while :; do :; done"]);
    let mut feed = watch(Feed::UsageOf(one.key()));
    let mut seen = 0;
    let mut count = |event: FeedEvent| {
        if let FeedEvent::Samples(samples) = &event {
            seen += usize::from(samples[0].usage.cpu.is_some_and(|cpu| cpu > 0.0));
        }
        seen >= 2
    };
    until(&mut feed, 10, "two rates", &mut count).await;
    docker(&["restart", &one.name]);
    seen = 0;
    until(&mut feed, 15, "two rates after the restart", |event| {
        if let FeedEvent::Samples(samples) = &event {
            let cpu = samples[0].usage.cpu;
            assert!(cpu.is_none_or(|cpu| (0.0..=64.0).contains(&cpu)), "{cpu:?}");
            seen += usize::from(cpu.is_some());
        }
        seen >= 2
    })
    .await;
}

#[tokio::test]
async fn the_engine_tells_of_itself() {
    if !rig_is_up() {
        return;
    }
    let mut feed = watch(Feed::Server);
    until(&mut feed, 10, "the facts", |event| {
        let FeedEvent::Server(info) = event else { return false };
        assert_eq!(*info.version, docker(&["version", "--format", "{{.Server.Version}}"]));
        assert_eq!(*info.address, format!("unix://{}", socket()));
        assert!(info.facts.iter().any(|(name, value)| &**name == "rights" && value.contains("root")));
        true
    })
    .await;
    until(&mut feed, 10, "a pulse", |event| event == FeedEvent::Alive).await;
}

#[tokio::test]
async fn an_object_is_shown_masked_and_again_when_it_changes() {
    if !rig_is_up() {
        return;
    }
    let one = Container::run("object", &["-e", "PASSWORD=hunter2", IMAGE, "sleep", "600"]);
    let mut feed = watch(Feed::Object(one.key()));
    until(&mut feed, 10, "the object", |event| {
        let FeedEvent::Object(text) = event else { return false };
        assert!(text.contains("PASSWORD=<hidden>") && !text.contains("hunter2"));
        true
    })
    .await;
    docker(&["pause", &one.name]);
    until(&mut feed, 10, "the change", |event| matches!(event, FeedEvent::Object(text) if text.contains("paused")))
        .await;
}
