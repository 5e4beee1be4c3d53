//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ratatui::layout::Size;

/// A terminal operations console for Kubernetes and Docker.
#[derive(Debug, Parser)]
#[command(name = "pilothouse", version, about, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// Which targets and how to look at them.
    #[command(flatten)]
    pub common: Common,
    /// What to do instead of opening the console.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of the console and of every subcommand.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    /// Kubernetes context; repeat for several clusters [default: the current one]
    #[arg(long = "context", value_name = "NAME", global = true)]
    pub contexts: Vec<String>,
    /// Kubeconfig file [default: KUBECONFIG, ~/.kube/config, or the pod's service account]
    #[arg(long, value_name = "FILE", global = true)]
    pub kubeconfig: Option<PathBuf>,
    /// Namespace to look at first
    #[arg(short, long, value_name = "NAME", global = true)]
    pub namespace: Option<String>,
    /// Look at all namespaces
    #[arg(short = 'A', long, global = true, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Docker host (unix://, tcp://); repeat for several [default: `DOCKER_HOST`, docker context, usual sockets]
    #[arg(short = 'H', long = "docker", value_name = "HOST", global = true)]
    pub docker: Vec<String>,
    /// Do not look for a Docker engine
    #[arg(long, global = true, conflicts_with = "docker")]
    pub no_docker: bool,
    /// Do not look for a cluster
    #[arg(long, global = true, conflicts_with = "contexts")]
    pub no_kubernetes: bool,
    /// Change nothing, whatever is pressed or asked
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Theme: default, light, high-contrast, ansi16, or a file
    #[arg(long, value_name = "NAME", global = true)]
    pub theme: Option<String>,
    /// Keymap file, laid over the default keymap
    #[arg(long, value_name = "FILE", global = true)]
    pub keymap: Option<PathBuf>,
    /// Settings file [default: config.toml in the user's configuration directory]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Draw with ASCII only
    #[arg(long, global = true)]
    pub ascii: bool,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open a simulated cluster and Docker host
    Demo {
        /// World: shop, calm, or a TOML file
        world: Option<String>,
    },
    /// Print one frame, or its rows, once it is loaded
    Snapshot(Snapshot),
    /// Plan a change, or carry it out and verify it
    Act(Act),
    /// List releases of every kind, those that need a human first
    Rollouts {
        /// Output: text or json
        #[arg(short, long, default_value = "text", value_name = "FORMAT")]
        output: Output,
        /// Take the simulated world
        #[arg(long, value_name = "WORLD", num_args = 0..=1, require_equals = true, default_missing_value = "shop")]
        demo: Option<String>,
    },
    /// Say where one release stands, what it can go back to, and what that would change
    Rollout {
        /// What to say
        #[command(subcommand)]
        verb: RolloutVerb,
    },
    /// Say what each target can and cannot do
    Check,
    /// List the console's commands and keys as a Markdown table
    Commands,
    /// Print completions for a shell
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `rollout`.
#[derive(Debug, Clone, Subcommand)]
pub enum RolloutVerb {
    /// Where it stands; exit code 0 done, 1 failed, 4 under way
    Status {
        /// KIND/NAME
        object: String,
        /// Go on until it is done or has failed
        #[arg(long)]
        watch: bool,
    },
    /// The revisions it can go back to
    History {
        /// KIND/NAME
        object: String,
    },
    /// What going back would change in the pod template
    Diff {
        /// KIND/NAME
        object: String,
        /// Revision [default: the one before the current]
        #[arg(long, value_name = "N", default_value_t = 0)]
        revision: i64,
    },
}

/// `snapshot`.
#[derive(Debug, Clone, Args)]
pub struct Snapshot {
    /// overview, pods, workloads, docker, containers, metrics, logs, rollouts, rollout, events, describe
    #[arg(default_value = "overview")]
    pub view: String,
    /// Columns and rows
    #[arg(long, default_value = "120x40", value_parser = size)]
    pub size: Size,
    /// text, ansi, svg or json
    #[arg(long, default_value = "text")]
    pub format: Format,
    /// Object that the panes beside the lists are about (KIND/NAME)
    #[arg(long, value_name = "OBJECT")]
    pub select: Option<String>,
    /// Show only rows that match
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Longest wait in seconds until the view is loaded
    #[arg(long, default_value_t = 15, value_name = "SECONDS")]
    pub wait: u64,
    /// Go on watching for this many seconds before printing, for histories and logs
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub watch: u64,
    /// Take the simulated world
    #[arg(long, value_name = "WORLD", num_args = 0..=1, require_equals = true, default_missing_value = "shop")]
    pub demo: Option<String>,
}

/// What a snapshot prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Plain text.
    Text,
    /// Text with colours.
    Ansi,
    /// A picture.
    Svg,
    /// Rows as JSON.
    Json,
}

/// `act`.
#[derive(Debug, Clone, Args)]
pub struct Act {
    /// scale, restart, rollback, promote, abort, hold, resume, retry, delete, stop, start, pause, unpause
    pub action: String,
    /// KIND/NAME: deploy/web, sts/db, ds/agent, ro/web, canary/web, pod/web-1, ctr/redis
    pub object: String,
    /// Replicas wanted (scale)
    #[arg(long, value_name = "N")]
    pub replicas: Option<u32>,
    /// Revision to go back to (rollback) [default: the one before the current]
    #[arg(long, value_name = "N")]
    pub revision: Option<i64>,
    /// Skip the remaining steps (promote)
    #[arg(long)]
    pub full: bool,
    /// Print the plan and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub plan: bool,
    /// Carry it out
    #[arg(long)]
    pub yes: bool,
    /// Do not wait for the verdict
    #[arg(long)]
    pub no_wait: bool,
    /// Output: text or json
    #[arg(short, long, default_value = "text", value_name = "FORMAT")]
    pub output: Output,
    /// Take the simulated world
    #[arg(long, value_name = "WORLD", num_args = 0..=1, require_equals = true, default_missing_value = "shop")]
    pub demo: Option<String>,
}

/// What `act` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// `120x40`.
fn size(text: &str) -> Result<Size, String> {
    let parsed = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    match parsed {
        Some((width @ 1..=1000, height @ 1..=1000)) => Ok(Size { width, height }),
        _ => Err("expected COLUMNSxROWS, such as 120x40, each from 1 to 1000".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        assert_eq!(size("80x24"), Ok(Size { width: 80, height: 24 }));
        assert!(size("80").is_err() && size("0x10").is_err());
    }
}
