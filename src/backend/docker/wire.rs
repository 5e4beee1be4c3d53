//! The bytes below the API: one HTTP client over a Unix socket, TCP or TLS. bollard is plugged on
//! top of it as a custom transport; what its decoders would lose is read from here directly.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::resolve::{Address, Endpoint};
use super::tls;
use crate::model::Fault;

/// Longest wait for a connection.
pub const CONNECT: Duration = Duration::from_secs(5);

/// A request's body.
pub type Payload = UnsyncBoxBody<Bytes, io::Error>;

/// An HTTP client to one engine. Clones share its idle connections.
#[derive(Clone)]
pub struct Wire {
    client: Client<Connector, Payload>,
}

#[derive(Clone)]
struct Connector {
    address: Address,
    tls: Option<TlsConnector>,
}

/// Anything bytes go through.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open connection.
struct Link(Box<dyn Stream>);

impl Wire {
    /// A client for `endpoint`; nothing is connected yet.
    ///
    /// # Errors
    /// `Config` when its TLS files cannot be used.
    pub fn new(endpoint: &Endpoint) -> Result<Self, Fault> {
        let tls = endpoint.tls.as_ref().map(tls::config).transpose()?;
        let connector =
            Connector { address: endpoint.kind.clone(), tls: tls.map(|config| TlsConnector::from(Arc::new(config))) };
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .pool_max_idle_per_host(4)
            .build(connector);
        Ok(Self { client })
    }

    /// Sends `request`; its host is not looked at.
    ///
    /// # Errors
    /// What hyper met, with the I/O error in its chain.
    pub fn send(&self, request: Request<Payload>) -> impl Future<Output = Result<Response<Incoming>, Error>> + use<> {
        self.client.request(request)
    }
}

impl Connector {
    async fn open(self) -> io::Result<Link> {
        match &self.address {
            Address::Unix(path) => Ok(Link(Box::new(UnixStream::connect(path).await?))),
            Address::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                match &self.tls {
                    None => Ok(Link(Box::new(stream))),
                    Some(tls) => {
                        let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
                        Ok(Link(Box::new(tls.connect(name, stream).await?)))
                    }
                }
            }
        }
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Link>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Link>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let open = self.clone().open();
        Box::pin(async move {
            match tokio::time::timeout(CONNECT, open).await {
                Ok(link) => link.map(TokioIo::new),
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            }
        })
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Link {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
