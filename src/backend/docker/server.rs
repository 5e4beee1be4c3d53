//! Facts about the engine, and a pulse.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::engine::{Engine, Session};
use super::feed::{LONGEST, rest};
use super::resolve::Address;
use crate::backend::emit::Emitter;
use crate::backend::retry::Pauses;
use crate::model::{Access, Deed, Fault, FeedEvent, ServerInfo};

/// Time between pings.
const PULSE: Duration = Duration::from_secs(5);

/// `GET /info`, in part.
#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Info {
    name: String,
    containers: u64,
    containers_running: u64,
    operating_system: String,
    #[serde(rename = "NCPU")]
    cpus: u64,
    mem_total: i64,
    docker_root_dir: String,
    driver: String,
    logging_driver: String,
    cgroup_version: String,
    security_options: Option<Vec<String>>,
}

/// Runs the feed for ever.
pub async fn run(engine: Engine, out: Emitter<FeedEvent>) {
    let mut pauses = Pauses::up_to(LONGEST);
    loop {
        let fault = follow(&engine, &out, &mut pauses).await;
        engine.forget().await;
        out.lost(fault.clone()).await;
        rest(&mut pauses, &fault).await;
    }
}

async fn follow(engine: &Engine, out: &Emitter<FeedEvent>, pauses: &mut Pauses) -> Fault {
    let facts = async {
        let session = engine.session().await?;
        let info: Info = engine.get("/info").await?;
        Ok::<_, Fault>(describe(&session, &info))
    };
    match facts.await {
        Ok(info) => out.send(FeedEvent::Server(Box::new(info))).await,
        Err(fault) => return fault,
    }
    pauses.reset();
    loop {
        tokio::time::sleep(PULSE).await;
        match tokio::time::timeout(PULSE, engine.get_bytes("/_ping")).await {
            Ok(Ok(_)) => out.send(FeedEvent::Alive).await,
            Ok(Err(fault)) => return fault,
            Err(_) => return Fault::Timeout { what: "ping of the engine".into(), seconds: PULSE.as_secs() },
        }
    }
}

fn describe(session: &Session, info: &Info) -> ServerInfo {
    let version = &session.version;
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            facts.push((name.into(), value.into()));
        }
    };
    fact("api version", format!("{} (the engine's newest: {})", session.api(), version.api_version));
    fact("host", info.name.clone());
    fact("os", format!("{} ({}, kernel {})", info.operating_system, version.arch, version.kernel_version));
    fact("containers", format!("{} running of {}", info.containers_running, info.containers));
    #[allow(clippy::cast_precision_loss)]
    let memory = crate::model::quantity::bytes(info.mem_total as f64);
    fact("capacity", format!("{} CPUs, {memory}", info.cpus));
    fact("root dir", info.docker_root_dir.clone());
    fact("storage driver", info.driver.clone());
    fact("log driver", info.logging_driver.clone());
    fact("cgroup version", info.cgroup_version.clone());
    let rootless = info.security_options.iter().flatten().any(|option| option.contains("rootless"));
    match (&session.endpoint.kind, rootless) {
        (Address::Unix(_), false) => {
            fact(
                "rights",
                "who may use the socket is root on that host: read-only here is no security boundary".into(),
            );
        }
        (Address::Unix(_), true) => fact("rights", "a rootless engine: all that its user may do".into()),
        (Address::Tcp(..), _) if session.endpoint.tls.is_none() => {
            fact("rights", "plain TCP: everybody who reaches the port is root on that host".into());
        }
        (Address::Tcp(..), _) => fact("rights", "TLS: holders of a client certificate are root on that host".into()),
    }
    let user = match session.endpoint.kind {
        Address::Unix(_) => format!("uid {}", rustix::process::getuid().as_raw()),
        Address::Tcp(..) => String::new(),
    };
    ServerInfo {
        access_in: None,
        version: version.version.as_str().into(),
        user: user.into(),
        address: session.endpoint.kind.to_string().into(),
        access: access(),
        metrics: "the engine's stats".into(),
        facts,
    }
}

/// The engine has no rights of its own: who may talk to it may do all of this.
fn access() -> BTreeMap<Deed, Access> {
    [Deed::Restart, Deed::Delete, Deed::Stop, Deed::Pause].into_iter().map(|deed| (deed, Access::Allowed)).collect()
}
