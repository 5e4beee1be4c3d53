//! The simulated world: a cluster and an engine that live by a TOML file and answer through the
//! same traits as real ones. It shows the program without a server, and tests run on it.
//!
//! A simulation advances when somebody looks at it, in fixed steps from a seed: the same file, the
//! same questions and the same (paused) time give the same answers.

mod cluster;
mod dice;
mod engine;
mod plans;
mod script;
mod spec;
mod stage;

use std::path::Path;
use std::sync::Arc;

use super::Opened;
use crate::model::{Fault, Stamp, TargetId, TargetKind, TargetMeta};

use cluster::Cluster;
use engine::Engine;
use spec::WorldSpec;
use stage::Stage;

/// The world that is opened when none is named.
pub const DEFAULT: &str = "shop";

/// The worlds that come with the program, by name.
pub const WORLDS: [(&str, &str); 2] = [
    ("shop", include_str!("../../../assets/demo/shop.toml")),
    ("calm", include_str!("../../../assets/demo/calm.toml")),
];

/// Opens the targets of the world `name`, which is one of [`WORLDS`] or the path of a TOML file.
/// Targets are numbered from `first_id`; simulated time begins at `start`.
///
/// # Errors
/// `Config`, when there is no such world or its file cannot be used; says line and column.
pub fn open(name: &str, first_id: u16, start: Stamp) -> Result<Vec<Opened>, Fault> {
    let (label, text) = find(name)?;
    let spec = WorldSpec::parse(&label, &text)?;
    let scripts = Arc::new(spec.log);
    let mut opened = Vec::new();
    if let Some(cluster) = spec.kubernetes {
        let meta = TargetMeta {
            id: TargetId(first_id),
            kind: TargetKind::Kubernetes,
            name: cluster.name.as_str().into(),
            namespace: cluster.namespace.as_deref().map(Into::into),
            demo: true,
        };
        let sim = Cluster::new(cluster, meta.id, spec.seed, Arc::clone(&scripts), start);
        opened.push(on_stage(meta, Stage::new(sim, start)));
    }
    if let Some(engine) = spec.docker {
        let meta = TargetMeta {
            id: TargetId(first_id.saturating_add(u16::try_from(opened.len()).unwrap_or(0))),
            kind: TargetKind::Docker,
            name: engine.name.as_str().into(),
            namespace: None,
            demo: true,
        };
        let sim = Engine::new(engine, meta.id, spec.seed, scripts, start);
        opened.push(on_stage(meta, Stage::new(sim, start)));
    }
    Ok(opened)
}

fn on_stage<S: stage::Sim>(meta: TargetMeta, stage: Stage<S>) -> Opened {
    let stage = Arc::new(stage);
    Opened { meta, source: Arc::clone(&stage) as _, operator: stage }
}

fn find(name: &str) -> Result<(String, String), Fault> {
    if let Some((name, text)) = WORLDS.iter().find(|(known, _)| *known == name) {
        return Ok((format!("demo world {name}"), (*text).to_owned()));
    }
    match std::fs::read_to_string(Path::new(name)) {
        Ok(text) => Ok((name.to_owned(), text)),
        Err(error) => Err(Fault::Config {
            what: format!("demo world {name}: {error}"),
            way_out: format!("worlds that come with the program: {}", WORLDS.map(|(known, _)| known).join(", ")),
        }),
    }
}

#[cfg(test)]
mod tests;
