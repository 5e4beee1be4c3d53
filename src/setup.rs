//! From the command line and settings to open targets. Nothing here waits for a server.

use std::sync::Arc;

use crate::backend::docker::{Docker, DockerOperator, Engine};
use crate::backend::kubernetes::{self, Context, Kubernetes, KubernetesOperator, Link};
use crate::backend::{Opened, demo};
use crate::cli::Common;
use crate::clock;
use crate::config::Config;
use crate::model::{Fault, Scope, TargetId, TargetKind, TargetMeta};

/// The simulated world's targets.
///
/// # Errors
/// `Config` when there is no such world or its file has a mistake.
pub fn open_demo(world: &str) -> Result<Vec<Opened>, Fault> {
    demo::open(world, 0, clock::wall())
}

/// The targets that the user asked for, or the usual ones.
#[must_use]
pub fn open(common: &Common, config: &Config) -> Vec<Opened> {
    let mut opened = Vec::new();
    if !common.no_kubernetes {
        let asked = if common.contexts.is_empty() { &config.contexts } else { &common.contexts };
        let names: Vec<Option<String>> =
            if asked.is_empty() { vec![None] } else { asked.iter().cloned().map(Some).collect() };
        for name in names {
            let context = Context { kubeconfig: common.kubeconfig.clone(), name: name.clone() };
            if name.is_some() || context.is_configured() {
                opened.push(open_context(context, &opened));
            }
        }
    }
    if !common.no_docker {
        let asked = if common.docker.is_empty() { &config.docker } else { &common.docker };
        let hosts: Vec<Option<String>> =
            if asked.is_empty() { vec![None] } else { asked.iter().cloned().map(Some).collect() };
        for host in hosts {
            opened.push(open_engine(host, next_id(&opened)));
        }
    }
    opened
}

fn next_id(opened: &[Opened]) -> TargetId {
    TargetId(u16::try_from(opened.len()).unwrap_or(u16::MAX))
}

fn open_context(context: Context, opened: &[Opened]) -> Opened {
    let known = kubernetes::contexts(context.kubeconfig.as_deref()).unwrap_or_default();
    let chosen = known.iter().find(|info| context.name.as_ref().map_or(info.current, |name| info.name == *name));
    let name = context.name.clone().or_else(|| chosen.map(|info| info.name.clone()));
    let meta = TargetMeta {
        id: next_id(opened),
        kind: TargetKind::Kubernetes,
        name: name.unwrap_or_else(|| nameless().to_owned()).into(),
        namespace: chosen.and_then(|info| info.namespace.clone()).map(Into::into),
        demo: false,
    };
    let target = meta.name.to_string();
    let source = Kubernetes::new(meta.clone(), context);
    let link: Link = source.link().clone();
    Opened { meta, source: Arc::new(source), operator: Arc::new(KubernetesOperator::new(link, target)) }
}

/// What a cluster is called that no kubeconfig names.
fn nameless() -> &'static str {
    if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() { "in-cluster" } else { "kubeconfig" }
}

fn open_engine(host: Option<String>, id: TargetId) -> Opened {
    let engine = Engine::find(host.clone());
    let name = engine.endpoint().map_or_else(|_| host.unwrap_or_else(|| "docker".into()), |endpoint| endpoint.name);
    let meta = TargetMeta { id, kind: TargetKind::Docker, name: name.into(), namespace: None, demo: false };
    let operator = DockerOperator::new(meta.clone(), engine.clone());
    Opened { meta: meta.clone(), source: Arc::new(Docker::new(meta, engine)), operator: Arc::new(operator) }
}

/// The namespace to look at first: what was asked for, else the first cluster's own, else all.
#[must_use]
pub fn scope(common: &Common, config: &Config, opened: &[Opened]) -> Scope {
    if common.all_namespaces {
        return None;
    }
    let asked = common.namespace.as_ref().or(config.namespace.as_ref());
    asked.map(|name| name.as_str().into()).or_else(|| opened.iter().find_map(|target| target.meta.namespace.clone()))
}
