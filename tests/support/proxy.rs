//! A TCP proxy between us and a server that breaks when told to. TLS passes through it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

/// A running proxy; dropping it ends it and all connections.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    cut: broadcast::Sender<()>,
    blocked: Arc<AtomicBool>,
    accept: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Forwards to `upstream` from a free port of the loopback.
    pub async fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (cut, _) = broadcast::channel(16);
        let blocked = Arc::new(AtomicBool::new(false));
        let accept = tokio::spawn(run(listener, upstream.to_owned(), cut.clone(), Arc::clone(&blocked)));
        Self { address, cut, blocked, accept }
    }

    /// Writes a copy of `original` (a kubeconfig of the rig) to `folder`, with this proxy as its server.
    pub fn kubeconfig(&self, original: &Path, folder: &Path) -> PathBuf {
        let text = std::fs::read_to_string(original).expect("kubeconfig");
        let address = "https://127.0.0.1:6443";
        assert!(text.contains(address), "the rig's address is in {}", original.display());
        let path = folder.join("kubeconfig");
        std::fs::write(&path, text.replace(address, &format!("https://{}", self.address))).expect("write");
        path
    }

    /// Ends all connections now.
    pub fn cut(&self) {
        let _ = self.cut.send(());
    }

    /// Refuses new connections, or takes them again.
    pub fn block(&self, on: bool) {
        self.blocked.store(on, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accept.abort();
        self.cut();
    }
}

async fn run(listener: TcpListener, upstream: String, cut: broadcast::Sender<()>, blocked: Arc<AtomicBool>) {
    while let Ok((mut client, _)) = listener.accept().await {
        if blocked.load(Ordering::SeqCst) {
            continue;
        }
        let mut cut = cut.subscribe();
        let upstream = upstream.clone();
        tokio::spawn(async move {
            let Ok(mut server) = TcpStream::connect(&upstream).await else { return };
            tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => {}
                _ = cut.recv() => {}
            }
        });
    }
}
