//! The append-only record of every change: one JSON object a line, intent before outcome.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::actions::Plan;
use crate::actions::record::Record;
use crate::clock;
use crate::model::Fault;

/// Where records go.
#[derive(Debug, Clone)]
pub struct Audit {
    path: PathBuf,
    who: String,
}

impl Audit {
    /// Records into `audit.jsonl` under `state`, made when first needed with mode 0600.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self { path: state.join("audit.jsonl"), who: who() }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line and waits until it is on disk. An empty `verdict` records the intent.
    ///
    /// # Errors
    /// `Config` when the file cannot be written.
    pub fn record(&self, id: &str, plan: &Plan, verdict: &str, detail: &str) -> Result<(), Fault> {
        let record = Record::new(clock::wall().rfc3339(), id, &self.who, plan, verdict, detail);
        let fault = |e: &dyn std::fmt::Display| Fault::Config {
            what: format!("{}: {e}", self.path.display()),
            way_out: "set XDG_STATE_HOME to a directory that can be written".into(),
        };
        let mut line = serde_json::to_vec(&record).map_err(|e| fault(&e))?;
        line.push(b'\n');
        let mut file = self.open().map_err(|e| fault(&e))?;
        file.write_all(&line).map_err(|e| fault(&e))?;
        file.sync_data().map_err(|e| fault(&e))
    }

    fn open(&self) -> std::io::Result<File> {
        if let Some(dir) = self.path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }
}

/// `user@host` here.
fn who() -> String {
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).or_else(|_| std::env::var("LOGNAME"));
    let user = user.unwrap_or_else(|_| format!("uid {}", rustix::process::getuid().as_raw()));
    let host = rustix::system::uname();
    format!("{user}@{}", host.nodename().to_string_lossy())
}
