//! The program: command line in, exit code out.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{CommandFactory as _, Parser as _};
use crossterm::event::{Event, EventStream};
use futures::{Stream, StreamExt as _, stream};
use pilothouse::actions::Policy;
use pilothouse::app::App;
use pilothouse::backend::Opened;
use pilothouse::cli::{Cli, Command, Common, Format, Snapshot};
use pilothouse::clock::Clock;
use pilothouse::config::{self, Loaded, Paths};
use pilothouse::event::Signal;
use pilothouse::headless;
use pilothouse::runtime::audit::Audit;
use pilothouse::state::{Settings, State};
use pilothouse::terminal::{self, Guard, Stdout};
use pilothouse::theme::Depth;
use pilothouse::ui::Look;
use pilothouse::{commands, setup};
use ratatui::layout::Size;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("pilothouse: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> Result<u8> {
    // kube and bollard share this TLS provider; a second installation cannot happen here
    let _ = rustls::crypto::ring::default_provider().install_default();
    let paths = Paths::find();
    let loaded = config::load(
        &paths.config,
        cli.common.config.as_deref(),
        cli.common.keymap.as_deref(),
        cli.common.theme.as_deref(),
    )?;
    match &cli.command {
        Some(Command::Commands) => print(&commands::markdown(&loaded.keymap))?,
        Some(Command::Completions { shell }) => {
            clap_complete::generate(*shell, &mut Cli::command(), "pilothouse", &mut std::io::stdout());
        }
        Some(Command::Man) => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            print(&String::from_utf8_lossy(&page))?;
        }
        _ => return runtime()?.block_on(connected(cli, loaded, paths)),
    }
    Ok(0)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

async fn connected(cli: Cli, loaded: Loaded, paths: Paths) -> Result<u8> {
    let common = &cli.common;
    let audit = Audit::new(&paths.state);
    match &cli.command {
        Some(Command::Snapshot(options)) => {
            loaded.complaints.iter().for_each(|complaint| eprintln!("pilothouse: {complaint}"));
            let opened = targets(common, &loaded, options.demo.as_deref())?;
            let state = snapshot_state(common, loaded, options, &opened);
            print(&headless::snapshot::run(state, opened, options).await?)?;
            Ok(0)
        }
        Some(Command::Act(act)) => {
            let opened = targets(common, &loaded, act.demo.as_deref())?;
            let scope = setup::scope(common, &loaded.config, &opened);
            let policy = policy(common, &loaded);
            headless::act::run(act, &opened, &scope, &policy, &audit).await
        }
        Some(Command::Rollouts { output, demo }) => {
            let opened = targets(common, &loaded, demo.as_deref())?;
            let scope = setup::scope(common, &loaded.config, &opened);
            headless::rollout::list(&opened, &scope, *output).await
        }
        Some(Command::Rollout { verb }) => {
            let opened = targets(common, &loaded, None)?;
            let scope = setup::scope(common, &loaded.config, &opened);
            headless::rollout::run(&opened, &scope, verb).await
        }
        Some(Command::Check) => Ok(headless::check::run(&targets(common, &loaded, None)?).await),
        Some(Command::Demo { world }) => {
            let world = world.as_deref().unwrap_or(pilothouse::backend::demo::DEFAULT);
            let opened = targets(common, &loaded, Some(world))?;
            console(common, loaded, opened, audit, &paths).await
        }
        _ => {
            let opened = targets(common, &loaded, None)?;
            console(common, loaded, opened, audit, &paths).await
        }
    }
}

fn targets(common: &Common, loaded: &Loaded, demo: Option<&str>) -> Result<Vec<Opened>> {
    match demo {
        Some(world) => setup::open_demo(world).map_err(|fault| anyhow!("{fault}")),
        None => Ok(setup::open(common, &loaded.config)),
    }
}

fn policy(common: &Common, loaded: &Loaded) -> Policy {
    Policy { read_only: common.read_only || loaded.config.read_only }
}

fn settings(common: &Common, loaded: &Loaded, opened: &[Opened]) -> Settings {
    Settings {
        namespace: setup::scope(common, &loaded.config, opened),
        policy: policy(common, loaded),
        demo: opened.iter().any(|target| target.meta.demo),
    }
}

fn snapshot_state(common: &Common, loaded: Loaded, options: &Snapshot, opened: &[Opened]) -> State {
    let settings = settings(common, &loaded, opened);
    let depth = if matches!(options.format, Format::Ansi | Format::Svg) { Depth::True } else { Depth::Mono };
    let look = Look { theme: loaded.theme.at(depth), ascii: common.ascii, focused: false };
    State::new(settings, loaded.keymap, look, options.size)
}

async fn console(common: &Common, loaded: Loaded, opened: Vec<Opened>, audit: Audit, paths: &Paths) -> Result<u8> {
    if let Some(why) = terminal::unfit() {
        return Err(anyhow!(why));
    }
    let _log = log_to_file(paths);
    let env = |name: &str| std::env::var(name).ok();
    let depth = terminal::depth(env);
    let look =
        Look { theme: loaded.theme.clone().at(depth), ascii: common.ascii || terminal::ascii(env), focused: false };
    let (width, height) = crossterm::terminal::size()?;
    let mut state = State::new(settings(common, &loaded, &opened), loaded.keymap, look, Size { width, height });
    let clock = Clock::start();
    for complaint in loaded.complaints {
        state.notify(complaint, true, clock.now());
    }
    let signals = listen()?;
    let guard = Guard::enter()?;
    let mut app = App::new(state, opened, audit, Stdout::start()?, depth, clock);
    let result = app.run(keys, signals).await;
    drop(guard);
    result.map(|()| 0)
}

/// Keys and resizes, beginning with the size as it is now: one that came before anybody listened
/// would be lost.
fn keys() -> impl Stream<Item = std::io::Result<Event>> + Unpin {
    let size = crossterm::terminal::size().map(|(width, height)| Event::Resize(width, height));
    stream::iter([size]).chain(EventStream::new())
}

/// Signals that the loop has to hear of.
fn listen() -> Result<mpsc::Receiver<Signal>> {
    let (out, signals) = mpsc::channel(8);
    for (kind, meaning) in [
        (SignalKind::terminate(), Signal::End),
        (SignalKind::hangup(), Signal::End),
        (SignalKind::interrupt(), Signal::End),
        (SignalKind::quit(), Signal::End),
        (SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()), Signal::Stop),
        (SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()), Signal::Continue),
    ] {
        let (mut stream, out) = (signal(kind)?, out.clone());
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if out.send(meaning).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(signals)
}

/// Diagnostics go to a file under the state directory; without one they go nowhere.
fn log_to_file(paths: &Paths) -> Option<tracing_appender::non_blocking::WorkerGuard> {
    std::fs::create_dir_all(&paths.state).ok()?;
    let file = tracing_appender::rolling::never(&paths.state, "pilothouse.log");
    let (writer, guard) = tracing_appender::non_blocking(file);
    let filter = tracing_subscriber::EnvFilter::try_from_env("PILOTHOUSE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("off"));
    tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(filter).init();
    Some(guard)
}
