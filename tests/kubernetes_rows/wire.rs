//! A wire between us and the rig's server that can be cut and stalled.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::rig::Rig;

/// What a wire between us and the server does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Passes everything.
    Whole,
    /// Ends connections and refuses new ones at once.
    Cut,
    /// Keeps connections and moves nothing.
    Stalled,
}

/// A wire to the rig's server that can be cut and stalled, and a kubeconfig that goes through it.
pub async fn wire(rig: &Rig, dir: &Path) -> (watch::Sender<Wire>, PathBuf) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let config = fs::read_to_string(&rig.admin).expect("the admin's kubeconfig");
    let at = config.find("https://").expect("a server") + "https://".len();
    let server = config[at..].split(['"', '\n', '\'']).next().expect("an address").trim().to_owned();
    let port = listener.local_addr().expect("an address").port();
    let path = dir.join("config");
    fs::write(&path, config.replace(&server, &format!("127.0.0.1:{port}"))).expect("written");
    let (control, state) = watch::channel(Wire::Whole);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let (mut state, server) = (state.clone(), server.clone());
            tokio::spawn(async move {
                if *state.borrow() == Wire::Cut {
                    return;
                }
                let _ = state.wait_for(|state| *state == Wire::Whole).await;
                let Ok(far) = TcpStream::connect(&server).await else { return };
                let (near_read, near_write) = near.into_split();
                let (far_read, far_write) = far.into_split();
                tokio::select! {
                    () = carry(near_read, far_write, state.clone()) => {}
                    () = carry(far_read, near_write, state.clone()) => {}
                    _ = state.wait_for(|state| *state == Wire::Cut) => {}
                }
            });
        }
    });
    (control, path)
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<Wire>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if state.wait_for(|state| *state != Wire::Stalled).await.is_err()
            || to.write_all(&buffer[..count]).await.is_err()
        {
            return;
        }
    }
}
