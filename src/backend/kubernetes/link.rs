//! One connection to one context: made when first needed, off the drawing path, made again when
//! its configuration or credentials stop working.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{AsyncBufRead, Stream, StreamExt};
use http::{HeaderValue, Method as Verb, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use kube::client::{Body, ClientBuilder};
use kube::config::{ExecConfig, KubeConfigOptions, Kubeconfig};
use kube::core::WatchEvent;
use kube::{Client, Config};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;

use super::fault::{from_kube, from_kubeconfig, from_status};
use super::login;
use crate::actions::{Change, Method};
use crate::model::Fault;

/// Longest wait for a connection, exec credential plugins included.
const CONNECT: Duration = Duration::from_secs(20);
/// Longest wait for an ordinary answer.
const ANSWER: Duration = Duration::from_secs(15);

/// Which context of which configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    /// `--kubeconfig`; otherwise `KUBECONFIG` and the usual places, as kubectl reads them.
    pub kubeconfig: Option<PathBuf>,
    /// Context name; `None` is the current context, or the service account in a pod.
    pub name: Option<String>,
}

/// A lazily made, self-healing connection. Clones share it.
#[derive(Clone)]
pub struct Link {
    context: Arc<Context>,
    client: Arc<Mutex<Option<Client>>>,
}

/// An answer that is still arriving.
pub struct Pieces {
    body: Body,
    path: String,
}

impl Context {
    /// Reads the configuration anew.
    ///
    /// # Errors
    /// `Config` naming the file, the entry and what was expected.
    pub fn kubeconfig(&self) -> Result<Option<Kubeconfig>, Fault> {
        match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path).map(Some).map_err(|e| from_kubeconfig(&e, &self.place())),
            None => match Kubeconfig::from_env() {
                Ok(Some(config)) => Ok(Some(config)),
                Ok(None) => match Kubeconfig::read() {
                    Ok(config) => Ok(Some(config)),
                    Err(kube::config::KubeconfigError::ReadConfig(error, _))
                        if error.kind() == std::io::ErrorKind::NotFound =>
                    {
                        Ok(None)
                    }
                    Err(error) => Err(from_kubeconfig(&error, &self.place())),
                },
                Err(error) => Err(from_kubeconfig(&error, &self.place())),
            },
        }
    }

    /// The file or files that the configuration is read from, for people.
    #[must_use]
    pub fn place(&self) -> String {
        let own = self.kubeconfig.as_ref().map(|path| path.display().to_string());
        let env = || std::env::var("KUBECONFIG").ok().filter(|v| !v.is_empty());
        own.or_else(env).unwrap_or_else(|| "~/.kube/config".into())
    }

    /// True when there is anything to connect with: a kubeconfig, even a broken one, or a pod's
    /// service account.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        !matches!(self.kubeconfig(), Ok(None)) || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
    }

    /// The credential plugin of this context, when it uses one.
    ///
    /// # Errors
    /// `Config` when the kubeconfig cannot be used.
    pub async fn exec(&self) -> Result<Option<ExecConfig>, Fault> {
        Ok(self.config().await?.auth_info.exec)
    }

    async fn config(&self) -> Result<Config, Fault> {
        let Some(kubeconfig) = self.kubeconfig()? else {
            return Config::incluster().map_err(|_| Fault::Config {
                what: "no kubeconfig: KUBECONFIG is not set, ~/.kube/config is not there, and this is not a pod".into(),
                way_out: "set KUBECONFIG or copy one to ~/.kube/config".into(),
            });
        };
        let options = KubeConfigOptions { context: self.name.clone(), cluster: None, user: None };
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|e| from_kubeconfig(&e, &self.place()))?;
        if let Some(exec) = &mut config.auth_info.exec {
            login::quiet(exec);
        }
        config.connect_timeout = Some(Duration::from_secs(5));
        config.default_retry = false;
        Ok(config)
    }
}

impl Link {
    /// A link to `context`; nothing is read or connected yet.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self { context: Arc::new(context), client: Arc::new(Mutex::new(None)) }
    }

    /// The context.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Forgets the connection, so that the next call reads the configuration again.
    pub async fn forget(&self) {
        *self.client.lock().await = None;
    }

    /// The client, made now if need be.
    ///
    /// # Errors
    /// `Config` when the kubeconfig cannot be used, `Timeout` when a credential plugin hangs.
    pub async fn client(&self) -> Result<Client, Fault> {
        let mut slot = self.client.lock().await;
        if let Some(client) = slot.as_ref() {
            return Ok(client.clone());
        }
        let config = self.context.config().await?;
        // exec credential plugins run synchronously inside the builder
        let build = tokio::task::spawn_blocking(move || ClientBuilder::try_from(config).map(ClientBuilder::build));
        let client = tokio::time::timeout(CONNECT, build)
            .await
            .map_err(|_| Fault::Timeout {
                what: "credentials of the kubeconfig user".into(),
                seconds: CONNECT.as_secs(),
            })?
            .map_err(|e| Fault::Server { what: e.to_string() })?
            .map_err(|e| from_kube(&e))?;
        *slot = Some(client.clone());
        Ok(client)
    }

    /// GET `path`, decoded. The body is decoded straight from its bytes.
    ///
    /// # Errors
    /// Any [`Fault`] but `ReadOnly`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Fault> {
        let bytes = self.call(request("GET", path, "", Vec::new())?, path).await?;
        serde_json::from_slice(&bytes).map_err(|e| Fault::Server { what: format!("unreadable answer to {path}: {e}") })
    }

    /// GET `path` as the bytes that came.
    ///
    /// # Errors
    /// Any [`Fault`] but `ReadOnly`.
    pub async fn get_bytes(&self, path: &str) -> Result<Bytes, Fault> {
        self.call(request("GET", path, "", Vec::new())?, path).await
    }

    /// POST `body` for an answer that changes nothing (access reviews).
    ///
    /// # Errors
    /// Any [`Fault`] but `ReadOnly`.
    pub async fn review(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        let bytes = self.call(request("POST", path, "application/json", body.to_string().into_bytes())?, path).await?;
        serde_json::from_slice(&bytes).map_err(|e| Fault::Server { what: format!("unreadable answer to {path}: {e}") })
    }

    /// Sends a change; with `dry_run` the server tries it and keeps nothing.
    ///
    /// # Errors
    /// `Conflict` when the object changed, `Invalid` when a webhook or validation refused, and the rest.
    pub async fn change(&self, change: &Change, dry_run: bool) -> Result<Value, Fault> {
        let method = match change.method {
            Method::Patch => "PATCH",
            Method::Put => "PUT",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        };
        let mut path = change.path.clone();
        let mut body = change.body.clone();
        if dry_run {
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str("dryRun=All");
            // a DELETE with a body is tried only when the body says so: the server ignores the query
            if let (Method::Delete, Some(options)) = (change.method, body.as_object_mut()) {
                options.insert("dryRun".to_owned(), serde_json::json!(["All"]));
            }
        }
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let bytes = self.call(request(method, &path, &change.content_type, body)?, &path).await?;
        serde_json::from_slice(&bytes).map_err(|e| Fault::Server { what: format!("unreadable answer to {path}: {e}") })
    }

    /// Watches `path` (which holds `watch=true`), one event an item; ends when the server ends it.
    ///
    /// # Errors
    /// Any [`Fault`] but `ReadOnly`; items fail likewise, `Gone` for an expired resource version.
    pub async fn watch<T>(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<WatchEvent<T>, Fault>> + Send + use<T>, Fault>
    where
        T: Clone + DeserializeOwned + Send + 'static,
    {
        let client = self.client().await?;
        let open = client.request_events::<T>(request("GET", path, "", Vec::new())?);
        let stream = match tokio::time::timeout(ANSWER, open).await {
            Ok(opened) => self.settle(opened).await?,
            Err(_) => return Err(late(path)),
        };
        Ok(StreamExt::map(stream, |item: kube::Result<WatchEvent<T>>| item.map_err(|e| from_kube(&e))))
    }

    /// GET `path` as a byte stream that may stay open for ever (logs).
    ///
    /// # Errors
    /// Any [`Fault`] but `ReadOnly`.
    pub async fn stream(&self, path: &str) -> Result<impl AsyncBufRead + Send + use<>, Fault> {
        let client = self.client().await?;
        match tokio::time::timeout(ANSWER, client.request_stream(request("GET", path, "", Vec::new())?)).await {
            Ok(opened) => self.settle(opened).await,
            Err(_) => Err(late(path)),
        }
    }

    /// GET `path`, piece by piece as it arrives.
    ///
    /// # Errors
    /// Any [`Fault`] but `ReadOnly`.
    pub async fn pieces(&self, path: &str) -> Result<Pieces, Fault> {
        let request = request("GET", path, "", Vec::new())?;
        let result = tokio::time::timeout(ANSWER, self.exchange(&request, path)).await;
        let response = self.checked(result.unwrap_or_else(|_| Err(late(path)))).await?;
        Ok(Pieces { body: response.into_body(), path: path.to_owned() })
    }

    async fn call(&self, request: Request<Vec<u8>>, path: &str) -> Result<Bytes, Fault> {
        let whole = async {
            let body = self.exchange(&request, path).await?.into_body();
            Ok(body.collect().await.map_err(|e| from_kube(&e))?.to_bytes())
        };
        let result = tokio::time::timeout(ANSWER, whole).await.unwrap_or_else(|_| Err(late(path)));
        self.checked(result).await
    }

    /// Sends `request`; gives the answer when it is a success.
    async fn exchange(&self, request: &Request<Vec<u8>>, path: &str) -> Result<Response<Body>, Fault> {
        let client = self.client().await?;
        loop {
            let response = client.send(request.clone().map(Body::from)).await.map_err(|e| from_kube(&e))?;
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            match retry_after(&response) {
                // a busy server says when to come back; changes are never sent twice
                Some(wait) if request.method() == Verb::GET => tokio::time::sleep(wait).await,
                _ => {
                    let bytes = response.into_body().collect().await.map_err(|e| from_kube(&e))?.to_bytes();
                    return Err(from_status(status, &bytes, path));
                }
            }
        }
    }

    async fn checked<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        if matches!(&result, Err(Fault::Denied { what, .. }) if what.starts_with("401")) {
            self.forget().await;
        }
        result
    }

    /// Credentials that no longer work are read again next time.
    async fn settle<T>(&self, result: kube::Result<T>) -> Result<T, Fault> {
        self.checked(result.map_err(|e| from_kube(&e))).await
    }
}

impl Pieces {
    /// The next piece, `None` at the end.
    ///
    /// # Errors
    /// `Timeout` when none comes, and what breaks a connection.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            match tokio::time::timeout(ANSWER, self.body.frame()).await {
                Err(_) => return Err(late(&self.path)),
                Ok(None) => return Ok(None),
                Ok(Some(frame)) => {
                    if let Ok(bytes) = frame.map_err(|e| from_kube(&e))?.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }
}

/// How long the server asks to wait, when it is too busy and the wait is worth it.
fn retry_after<T>(response: &Response<T>) -> Option<Duration> {
    if response.status() != StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let seconds: u64 = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    let wait = Duration::from_secs(seconds.max(1));
    (wait < ANSWER / 2).then_some(wait)
}

fn late(path: &str) -> Fault {
    Fault::Timeout { what: path.split('?').next().unwrap_or(path).to_owned(), seconds: ANSWER.as_secs() }
}

fn request(method: &str, path: &str, content_type: &str, body: Vec<u8>) -> Result<Request<Vec<u8>>, Fault> {
    let mut builder = Request::builder()
        .method(method)
        .uri(path)
        .header(header::ACCEPT, HeaderValue::from_static("application/json"));
    if !content_type.is_empty() {
        builder = builder.header(header::CONTENT_TYPE, content_type);
    }
    builder.body(body).map_err(|e| Fault::Invalid { what: format!("{path}: {e}") })
}
