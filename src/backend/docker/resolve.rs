//! Which engine is meant: the rules of the docker CLI (`--host`, `DOCKER_HOST`, `DOCKER_CONTEXT`,
//! the current context), then the sockets engines usually listen on.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::model::Fault;

/// Where an engine answers and how to speak to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Short name for headers: the docker context, `docker`, a host or a socket.
    pub name: String,
    /// The address.
    pub kind: Address,
    /// TLS material, for TCP only.
    pub tls: Option<Tls>,
    /// Every place that was looked at, for the message when nothing answers.
    pub tried: Vec<String>,
    /// What the docker CLI needs to reach the same engine, such as `-H unix:///x.sock`; empty for the default.
    pub cli: Vec<String>,
}

/// How an engine is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// TCP, host and port.
    Tcp(String, u16),
}

/// TLS material as files; what is absent is not used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// Certificate authority; without one the system's are used.
    pub ca: Option<PathBuf>,
    /// Client certificate.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// False with `SkipTLSVerify` or `DOCKER_TLS`: the server is not checked.
    pub verify: bool,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(host, port) if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "tcp://{host}:{port}"),
        }
    }
}

/// The socket of a system-wide engine.
const SYSTEM: &str = "/var/run/docker.sock";

/// A context's `meta.json`, as docker/cli `cli/context/store` writes it.
#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "Endpoints", default)]
    endpoints: MetaEndpoints,
}

#[derive(Deserialize, Default)]
struct MetaEndpoints {
    docker: Option<MetaDocker>,
}

#[derive(Deserialize)]
struct MetaDocker {
    #[serde(rename = "Host", default)]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

#[derive(Deserialize)]
struct CliConfig {
    #[serde(rename = "currentContext", default)]
    current_context: String,
}

/// Finds the engine that is meant. `flag` is the value of `--docker`: an address as `docker -H`
/// takes it, or the name of a stored context. `env` reads a variable, `home` is the home directory.
///
/// The order is the docker CLI's: the flag, `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext` of
/// its configuration, then the first socket that exists of the usual ones.
///
/// # Errors
/// `Config` for a context or address that cannot be used, `Unsupported` for `ssh://` and `npipe://`.
pub fn resolve(
    flag: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
    home: Option<&Path>,
) -> Result<Endpoint, Fault> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let config = set("DOCKER_CONFIG").map(PathBuf::from).or_else(|| home.map(|home| home.join(".docker")));
    if let Some(flag) = flag.filter(|flag| !flag.is_empty()) {
        let is_word = !flag.contains(['/', ':']);
        if is_word && flag != "default" && config.as_deref().is_some_and(|config| meta_path(config, flag).exists()) {
            return context(config.as_deref(), flag);
        }
        if flag != "default" {
            return address(flag, "--docker", &set, config.as_deref());
        }
        return Ok(usual(&set, home, &|path| path.exists()));
    }
    if let Some(host) = set("DOCKER_HOST") {
        return address(&host, "DOCKER_HOST", &set, config.as_deref());
    }
    let current = match set("DOCKER_CONTEXT") {
        Some(name) => Some(name),
        None => current_context(config.as_deref())?,
    };
    match current.filter(|name| name != "default") {
        Some(name) => context(config.as_deref(), &name),
        None => Ok(usual(&set, home, &|path| path.exists())),
    }
}

fn current_context(config: Option<&Path>) -> Result<Option<String>, Fault> {
    let Some(path) = config.map(|config| config.join("config.json")) else { return Ok(None) };
    let Ok(text) = std::fs::read(&path) else { return Ok(None) };
    let parsed: CliConfig = serde_json::from_slice(&text).map_err(|error| Fault::Config {
        what: format!("{} cannot be read: {error}", path.display()),
        way_out: "repair the file, or name the engine with --docker".into(),
    })?;
    Ok(Some(parsed.current_context).filter(|name| !name.is_empty()))
}

/// Directory name of a context: the SHA-256 of its name.
fn digest(name: &str) -> String {
    use fmt::Write as _;
    Sha256::digest(name.as_bytes()).iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn meta_path(config: &Path, name: &str) -> PathBuf {
    config.join("contexts/meta").join(digest(name)).join("meta.json")
}

fn context(config: Option<&Path>, name: &str) -> Result<Endpoint, Fault> {
    let missing = |what: String| Fault::Config { what, way_out: "`docker context ls` lists what there is".into() };
    let Some(config) = config else {
        return Err(missing(format!("docker context {name}: no home directory and no DOCKER_CONFIG")));
    };
    let path = meta_path(config, name);
    let text = std::fs::read(&path)
        .map_err(|error| missing(format!("docker context {name} not found: {}: {error}", path.display())))?;
    let meta: Meta = serde_json::from_slice(&text)
        .map_err(|error| missing(format!("docker context {name}: {} cannot be read: {error}", path.display())))?;
    let Some(docker) = meta.endpoints.docker.filter(|docker| !docker.host.is_empty()) else {
        return Err(missing(format!("docker context {name} has no docker endpoint")));
    };
    let (kind, secure) = parse(&docker.host, &format!("docker context {name}"))?;
    let dir = config.join("contexts/tls").join(digest(name)).join("docker");
    let file = |file: &str| Some(dir.join(file)).filter(|path| path.exists());
    let tls = Tls { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem"), verify: !docker.skip_tls_verify };
    let wanted = secure || docker.skip_tls_verify || tls.ca.is_some() || tls.cert.is_some();
    Ok(Endpoint {
        name: name.to_owned(),
        tls: (wanted && matches!(kind, Address::Tcp(..))).then_some(tls),
        tried: vec![format!("{kind} (docker context {name})")],
        kind,
        cli: vec!["--context".into(), name.to_owned()],
    })
}

fn address(
    host: &str,
    from: &str,
    set: &dyn Fn(&str) -> Option<String>,
    config: Option<&Path>,
) -> Result<Endpoint, Fault> {
    let (kind, secure) = parse(host, from)?;
    let verify = set("DOCKER_TLS_VERIFY").is_some();
    let wanted = secure || verify || set("DOCKER_TLS").is_some();
    let tls = if wanted && matches!(kind, Address::Tcp(..)) {
        Some(environment_tls(set, config, secure || verify)?)
    } else {
        None
    };
    let name = match &kind {
        Address::Unix(path) if path == Path::new(SYSTEM) => "docker".to_owned(),
        Address::Unix(path) => path.display().to_string(),
        Address::Tcp(host, _) => host.clone(),
    };
    let mut cli = vec!["-H".to_owned(), kind.to_string()];
    if let Some(tls) = &tls {
        cli.push(if tls.verify { "--tlsverify".into() } else { "--tls".into() });
    }
    if kind == Address::Unix(SYSTEM.into()) {
        cli.clear();
    }
    Ok(Endpoint { name, tls, tried: vec![format!("{kind} ({from})")], kind, cli })
}

/// `DOCKER_CERT_PATH`, or the configuration directory, as the CLI's `--tls` options default to.
fn environment_tls(set: &dyn Fn(&str) -> Option<String>, config: Option<&Path>, verify: bool) -> Result<Tls, Fault> {
    let explicit = set("DOCKER_CERT_PATH").map(PathBuf::from);
    let dir = explicit.as_deref().or(config);
    let file = |name: &str| dir.map(|dir| dir.join(name)).filter(|path| path.exists());
    let tls = Tls { ca: file("ca.pem").filter(|_| verify), cert: file("cert.pem"), key: file("key.pem"), verify };
    match explicit {
        Some(dir) if verify && tls.ca.is_none() => Err(Fault::Config {
            what: format!("DOCKER_CERT_PATH: no ca.pem in {}", dir.display()),
            way_out: "put ca.pem, cert.pem and key.pem there, or unset DOCKER_CERT_PATH".into(),
        }),
        _ => Ok(tls),
    }
}

/// An address as `docker -H` takes it, and whether its scheme alone asks for TLS.
fn parse(text: &str, from: &str) -> Result<(Address, bool), Fault> {
    let bad = |why: &str| Fault::Config {
        what: format!("{from}: {text} is not an address of an engine: {why}"),
        way_out: "write unix:///path, tcp://host:2375 or https://host:2376".into(),
    };
    let (scheme, rest) =
        text.split_once("://").unwrap_or(if text.starts_with('/') { ("unix", text) } else { ("tcp", text) });
    match scheme {
        "unix" if rest.is_empty() => Ok((Address::Unix(SYSTEM.into()), false)),
        "unix" if rest.starts_with('/') => Ok((Address::Unix(rest.into()), false)),
        "unix" => Err(bad("the path of a socket starts with /")),
        "tcp" | "http" | "https" => {
            let secure = scheme == "https";
            let authority = rest.split('/').next().unwrap_or_default();
            let (host, port) = host_port(authority, if secure { 2376 } else { 2375 }).ok_or_else(|| bad("bad port"))?;
            if host.contains('@') {
                return Err(bad("credentials in it are not supported"));
            }
            Ok((Address::Tcp(host, port), secure))
        }
        "ssh" => Err(Fault::Unsupported {
            what: format!(
                "{from}: {text} - ssh:// is not spoken here. Forward the socket and use that: \
                 ssh -N -L /tmp/engine.sock:/var/run/docker.sock {} and then --docker unix:///tmp/engine.sock",
                ssh_destination(rest)
            ),
        }),
        "npipe" => Err(Fault::Unsupported { what: format!("{from}: {text} - named pipes exist on Windows only") }),
        other => Err(bad(&format!("unknown scheme {other}://"))),
    }
}

fn host_port(authority: &str, default: u16) -> Option<(String, u16)> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, tail) = rest.split_once(']')?;
        (host, tail.strip_prefix(':'))
    } else {
        match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    let port = port.filter(|port| !port.is_empty()).map_or(Some(default), |port| port.parse().ok())?;
    Some((if host.is_empty() { "localhost".to_owned() } else { host.to_owned() }, port))
}

fn ssh_destination(rest: &str) -> String {
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) => format!("-p {port} {host}"),
        None => authority.to_owned(),
    }
}

/// The first socket that exists of the usual ones, or the system's when none does.
fn usual(set: &dyn Fn(&str) -> Option<String>, home: Option<&Path>, exists: &dyn Fn(&Path) -> bool) -> Endpoint {
    let runtime = set("XDG_RUNTIME_DIR").map(PathBuf::from);
    let places = [
        Some((PathBuf::from(SYSTEM), "docker")),
        runtime.as_ref().map(|dir| (dir.join("docker.sock"), "rootless")),
        home.map(|home| (home.join(".docker/run/docker.sock"), "desktop")),
        runtime.as_ref().map(|dir| (dir.join("podman/podman.sock"), "podman")),
        Some((PathBuf::from("/run/podman/podman.sock"), "podman")),
    ];
    let places: Vec<_> = places.into_iter().flatten().collect();
    let system = (PathBuf::from(SYSTEM), "docker");
    let (path, name) = places.iter().find(|(path, _)| exists(path)).unwrap_or(&system);
    let kind = Address::Unix(path.clone());
    Endpoint {
        name: (*name).to_owned(),
        cli: if path == Path::new(SYSTEM) { Vec::new() } else { vec!["-H".into(), kind.to_string()] },
        kind,
        tls: None,
        tried: places.iter().map(|(path, _)| format!("unix://{}", path.display())).collect(),
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
