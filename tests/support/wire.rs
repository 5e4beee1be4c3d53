//! A wire between us and a server that breaks and stalls when told to. TLS passes through it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;

/// What a wire does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Passes everything.
    Whole,
    /// Ends connections and refuses new ones at once.
    Cut,
    /// Keeps connections and moves nothing.
    Stalled,
}

#[derive(Clone, Copy)]
struct State {
    mode: Mode,
    cuts: u32,
}

/// A wire for as long as it is held.
pub struct Wire {
    state: watch::Sender<State>,
    accept: tokio::task::JoinHandle<()>,
}

impl Wire {
    /// A wire from a free port of the loopback to `server`.
    pub async fn tcp(server: &str) -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (state, line) = whole();
        let server = server.to_owned();
        let accept = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(carry(near, async move { TcpStream::connect(server).await }, line.clone()));
            }
        });
        (Self { state, accept }, address)
    }

    /// A wire from a socket at `path` to the socket `server`.
    pub fn unix(path: &Path, server: &str) -> Self {
        let listener = UnixListener::bind(path).expect("a socket");
        let (state, line) = whole();
        let server = server.to_owned();
        let accept = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(carry(near, async move { UnixStream::connect(server).await }, line.clone()));
            }
        });
        Self { state, accept }
    }

    /// From now on it does this.
    pub fn set(&self, mode: Mode) {
        self.state.send_modify(|state| state.mode = mode);
    }

    /// Ends all connections now; whether new ones are taken stays as it is.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accept.abort();
        self.set(Mode::Cut);
    }
}

fn whole() -> (watch::Sender<State>, watch::Receiver<State>) {
    watch::channel(State { mode: Mode::Whole, cuts: 0 })
}

async fn carry<N, F>(near: N, far: impl Future<Output = io::Result<F>>, mut line: watch::Receiver<State>)
where
    N: AsyncRead + AsyncWrite,
    F: AsyncRead + AsyncWrite,
{
    let born = *line.borrow();
    if born.mode == Mode::Cut {
        return;
    }
    let ends = |state: &State| state.mode == Mode::Cut || state.cuts != born.cuts;
    let _ = line.wait_for(|state| state.mode != Mode::Stalled).await;
    let Ok(far) = far.await else { return };
    let ((near_read, near_write), (far_read, far_write)) = (split(near), split(far));
    tokio::select! {
        () = pass(near_read, far_write, line.clone()) => {}
        () = pass(far_read, near_write, line.clone()) => {}
        _ = line.wait_for(ends) => {}
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut line: watch::Receiver<State>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let moving = line.wait_for(|state| state.mode != Mode::Stalled).await.is_ok();
        if !moving || to.write_all(&buffer[..count]).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}
