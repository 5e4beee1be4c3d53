//! One connection to one engine: made when first needed, made again when it stops working.
//! Actions go through bollard; what is read goes over the same wire as bytes, so that an unknown
//! word in an answer costs a field and not the whole list.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bollard::{BollardRequest, ClientVersion};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{Request, Response, header};
use http_body_util::{BodyDataStream, BodyExt, Full};
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::fault::{from_bollard, from_error, from_status};
use super::resolve::{Endpoint, resolve};
use super::wire::{Payload, Wire};
use crate::clock::wall;
use crate::model::{Fault, Stamp};

/// Longest wait for an ordinary answer.
const ANSWER: Duration = Duration::from_secs(15);
/// Newest API version that is asked for; engines answer older clients.
const NEWEST: (usize, usize) = (1, 53);
/// Oldest API version that has what is needed.
const OLDEST: (usize, usize) = (1, 40);

/// An address, or how to find one.
#[derive(Debug, Clone)]
enum Where {
    Fixed(Endpoint),
    Flag(Option<String>),
}

/// A lazily made, self-healing connection. Clones share it.
#[derive(Clone)]
pub struct Engine {
    place: Arc<Where>,
    session: Arc<Mutex<Option<Session>>>,
    /// The engine's clock minus ours, in milliseconds.
    skew: Arc<AtomicI64>,
}

/// An engine that has answered.
#[derive(Clone)]
pub struct Session {
    /// Where it is.
    pub endpoint: Arc<Endpoint>,
    /// Its facts.
    pub version: Arc<Version>,
    wire: Wire,
    bollard: bollard::Docker,
    prefix: Arc<str>,
}

/// `GET /version`, in part.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq, Default)]
#[serde(rename_all = "PascalCase", default)]
pub struct Version {
    /// Engine version.
    pub version: String,
    /// Newest API version it speaks.
    pub api_version: String,
    /// Operating system of its containers.
    pub os: String,
    /// Architecture.
    pub arch: String,
    /// Kernel release.
    pub kernel_version: String,
}

impl Engine {
    /// The engine at a known address.
    #[must_use]
    pub fn at(endpoint: Endpoint) -> Self {
        Self::of(Where::Fixed(endpoint))
    }

    /// The engine that `--docker`, the environment and the usual sockets lead to, looked for again
    /// at every connection attempt.
    #[must_use]
    pub fn find(flag: Option<String>) -> Self {
        Self::of(Where::Flag(flag))
    }

    fn of(place: Where) -> Self {
        Self { place: Arc::new(place), session: Arc::default(), skew: Arc::default() }
    }

    /// Where it is, or should be.
    ///
    /// # Errors
    /// As [`resolve`].
    pub fn endpoint(&self) -> Result<Endpoint, Fault> {
        match &*self.place {
            Where::Fixed(endpoint) => Ok(endpoint.clone()),
            Where::Flag(flag) => {
                let home = directories::BaseDirs::new().map(|dirs| PathBuf::from(dirs.home_dir()));
                resolve(flag.as_deref(), &|name| std::env::var(name).ok(), home.as_deref())
            }
        }
    }

    /// The connection, made now if need be.
    ///
    /// # Errors
    /// Why there is none: the address, the way there, or an engine older than API 1.40.
    pub async fn session(&self) -> Result<Session, Fault> {
        let mut slot = self.session.lock().await;
        if let Some(session) = slot.as_ref() {
            return Ok(session.clone());
        }
        let session = Session::open(self.endpoint()?).await?;
        *slot = Some(session.clone());
        Ok(session)
    }

    /// Forgets the connection, so that the next call looks for the engine again.
    pub async fn forget(&self) {
        *self.session.lock().await = None;
    }

    /// The engine's clock, from the last answer's `Date`.
    #[must_use]
    pub fn now(&self) -> Stamp {
        Stamp(wall().0.saturating_add(self.skew.load(Ordering::Relaxed)))
    }

    /// GET `path`, decoded.
    ///
    /// # Errors
    /// Any [`Fault`] but `ReadOnly`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Fault> {
        let bytes = self.get_bytes(path).await?;
        serde_json::from_slice(&bytes)
            .map_err(|e| Fault::Server { what: format!("unreadable answer to {}: {e}", bare(path)) })
    }

    /// GET `path` as the bytes that came.
    ///
    /// # Errors
    /// Any [`Fault`] but `ReadOnly`.
    pub async fn get_bytes(&self, path: &str) -> Result<Bytes, Fault> {
        let session = self.session().await?;
        let exchange = async {
            let response = session.send(path).await?;
            self.tell_time(&response);
            collect(response, &session.endpoint).await
        };
        let result = tokio::time::timeout(ANSWER, exchange).await.unwrap_or_else(|_| Err(late(path)));
        self.settle(result).await
    }

    /// GET `path` as a stream of bytes that may stay open for ever (events, logs, stats).
    ///
    /// # Errors
    /// Any [`Fault`] but `ReadOnly`; items fail when the connection breaks.
    pub async fn stream(&self, path: &str) -> Result<impl Stream<Item = Result<Bytes, Fault>> + Send + use<>, Fault> {
        let session = self.session().await?;
        let endpoint = Arc::clone(&session.endpoint);
        let open = tokio::time::timeout(ANSWER, session.send(path)).await.unwrap_or_else(|_| Err(late(path)));
        let body = BodyDataStream::new(self.settle(open).await?.into_body());
        Ok(body.map(move |part| part.map_err(|e| from_error(&e, &endpoint))))
    }

    /// Runs a call of bollard that may take `within`.
    ///
    /// # Errors
    /// Any [`Fault`] but `ReadOnly`.
    pub async fn call<T, F, Fut>(&self, within: Duration, run: F) -> Result<T, Fault>
    where
        F: FnOnce(bollard::Docker) -> Fut,
        Fut: Future<Output = Result<T, bollard::errors::Error>>,
    {
        let session = self.session().await?;
        let docker = session.bollard.clone().with_timeout(within);
        let result = run(docker).await.map_err(|e| from_bollard(&e, &session.endpoint, within.as_secs()));
        self.settle(result).await
    }

    /// A connection that broke is made again next time, address and version included.
    async fn settle<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        if matches!(result, Err(Fault::Unreachable { .. } | Fault::Denied { .. } | Fault::Timeout { .. })) {
            self.forget().await;
        }
        result
    }

    fn tell_time(&self, response: &Response<Incoming>) {
        let date = response.headers().get(header::DATE).and_then(|value| value.to_str().ok());
        let Some(then) = date.and_then(|text| jiff::fmt::rfc2822::parse(text).ok()) else { return };
        // `Date` has whole seconds: half a second more is the better guess.
        let skew = then.timestamp().as_millisecond() + 500 - wall().0;
        self.skew.store(if skew.abs() <= 1_000 { 0 } else { skew }, Ordering::Relaxed);
    }
}

impl Session {
    async fn open(endpoint: Endpoint) -> Result<Self, Fault> {
        let wire = Wire::new(&endpoint)?;
        let endpoint = Arc::new(endpoint);
        let exchange = async {
            let response = wire.send(request("/version")?).await.map_err(|e| from_error(&e, &endpoint))?;
            collect(response, &endpoint).await
        };
        let bytes = tokio::time::timeout(ANSWER, exchange).await.unwrap_or_else(|_| Err(late("/version")))?;
        let version: Version = serde_json::from_slice(&bytes).map_err(|_| Fault::Unsupported {
            what: format!("{} answers, but not as a Docker engine does", endpoint.kind),
        })?;
        let (major, minor) = agree(&version)?;
        let prefix: Arc<str> = format!("/v{major}.{minor}").into();
        Ok(Self {
            bollard: plug(&wire, &prefix, major, minor).map_err(|e| from_bollard(&e, &endpoint, 0))?,
            endpoint,
            version: Arc::new(version),
            wire,
            prefix,
        })
    }

    /// API version in use, as `1.41`.
    #[must_use]
    pub fn api(&self) -> &str {
        self.prefix.trim_start_matches("/v")
    }

    async fn send(&self, path: &str) -> Result<Response<Incoming>, Fault> {
        let request = request(&format!("{}{path}", self.prefix))?;
        let response = self.wire.send(request).await.map_err(|e| from_error(&e, &self.endpoint))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let code = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|e| from_error(&e, &self.endpoint))?.to_bytes();
        Err(from_status(code, &body))
    }
}

/// bollard on our wire. It asks for unversioned paths, which mean the engine's newest version.
fn plug(
    wire: &Wire,
    prefix: &Arc<str>,
    major_version: usize,
    minor_version: usize,
) -> Result<bollard::Docker, bollard::errors::Error> {
    let (wire, prefix) = (wire.clone(), Arc::clone(prefix));
    let transport = move |request: BollardRequest| {
        let (mut parts, body) = request.into_parts();
        let path = format!("http://engine{prefix}{}", parts.uri.path_and_query().map_or("/", |path| path.as_str()));
        let wire = wire.clone();
        async move {
            parts.uri = path.parse()?;
            let body = body.map_err(std::io::Error::other).boxed_unsync();
            Ok(wire.send(Request::from_parts(parts, body)).await?)
        }
    };
    let version = ClientVersion { major_version, minor_version };
    bollard::Docker::connect_with_custom_transport(transport, Some("http://engine"), ANSWER.as_secs(), &version)
}

/// The API version to speak: the older of the engine's newest and ours.
fn agree(version: &Version) -> Result<(usize, usize), Fault> {
    let theirs = version
        .api_version
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<usize>().ok()?, minor.parse::<usize>().ok()?)));
    match theirs {
        None => Err(Fault::Unsupported { what: format!("the engine names no API version ({version:?})") }),
        Some(theirs) if theirs < OLDEST => Err(Fault::Unsupported {
            what: format!(
                "engine {} speaks API {} only: 1.40 (Docker 19.03) or newer is needed. Upgrade the engine",
                version.version, version.api_version
            ),
        }),
        Some(theirs) => Ok(theirs.min(NEWEST)),
    }
}

fn request(path: &str) -> Result<Request<Payload>, Fault> {
    let body = Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync();
    Request::get(format!("http://engine{path}"))
        .body(body)
        .map_err(|e| Fault::Invalid { what: format!("{}: {e}", bare(path)) })
}

async fn collect(response: Response<Incoming>, endpoint: &Endpoint) -> Result<Bytes, Fault> {
    let status = response.status();
    let bytes = response.into_body().collect().await.map_err(|e| from_error(&e, endpoint))?.to_bytes();
    if status.is_success() { Ok(bytes) } else { Err(from_status(status.as_u16(), &bytes)) }
}

fn late(path: &str) -> Fault {
    Fault::Timeout { what: bare(path).to_owned(), seconds: ANSWER.as_secs() }
}

fn bare(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_meet_at_the_older_one() {
        let speak = |api: &str| agree(&Version { api_version: api.into(), ..Version::default() });
        assert_eq!(speak("1.41"), Ok((1, 41)));
        assert_eq!(speak("1.60"), Ok(NEWEST));
        assert_eq!(speak("1.40"), Ok((1, 40)));
        for old in ["1.39", "1.9", "", "new"] {
            assert!(matches!(speak(old), Err(Fault::Unsupported { .. })), "{old}");
        }
    }
}
