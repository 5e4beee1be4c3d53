//! A bare client: what listing, decoding, keeping and watching cost without a console around it.
//! Each way of doing it runs in a process of its own.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures::{AsyncBufReadExt as _, StreamExt as _};
use http::{Request, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde::Deserialize;

use super::process::Process;
use super::report::Report;
use super::{Options, rig};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

#[derive(Deserialize)]
struct List<T> {
    metadata: ListMeta,
    #[serde(default = "Vec::new")]
    items: Vec<T>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct ListMeta {
    resource_version: String,
    #[serde(rename = "continue")]
    next: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Meta<'a> {
    #[serde(borrow)]
    name: std::borrow::Cow<'a, str>,
    namespace: std::borrow::Cow<'a, str>,
    uid: std::borrow::Cow<'a, str>,
    creation_timestamp: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Pod<'a> {
    #[serde(borrow)]
    metadata: Meta<'a>,
    spec: Spec<'a>,
    status: Status<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Spec<'a> {
    #[serde(borrow)]
    node_name: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    phase: std::borrow::Cow<'a, str>,
    container_statuses: Vec<Container<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Container<'a> {
    #[serde(borrow)]
    name: std::borrow::Cow<'a, str>,
    ready: bool,
    restart_count: u32,
}

#[derive(Deserialize)]
struct Table<'a> {
    #[serde(borrow)]
    rows: Vec<Cells<'a>>,
}

#[derive(Deserialize)]
struct Cells<'a> {
    #[serde(borrow)]
    cells: Vec<&'a serde_json::value::RawValue>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    object: Pod<'a>,
}

/// What is kept of a pod.
type Row = [Box<str>; 7];

fn keep(pod: &Pod<'_>) -> Row {
    let of = |text: &str| Box::<str>::from(text);
    let ready = pod.status.container_statuses.iter().filter(|c| c.ready && !c.name.is_empty()).count();
    let restarts: u32 = pod.status.container_statuses.iter().map(|c| c.restart_count).sum();
    [
        of(&pod.metadata.namespace),
        of(&pod.metadata.name),
        of(&pod.metadata.uid),
        of(&pod.metadata.creation_timestamp),
        of(&pod.spec.node_name),
        of(&pod.status.phase),
        format!("{ready}/{} {restarts}", pod.status.container_statuses.len()).into(),
    ]
}

async fn get(client: &Client, path: &str, accept: &str) -> bytes::Bytes {
    let request = Request::get(path).header(header::ACCEPT, accept).body(Body::empty()).expect("a request");
    let response = client.send(request).await.expect("an answer");
    assert!(response.status().is_success(), "{path}: {}", response.status());
    response.into_body().collect().await.expect("a body").to_bytes()
}

async fn connect() -> Client {
    let path = std::env::var("KUBECONFIG").expect("KUBECONFIG is set");
    let kubeconfig = Kubeconfig::read_from(path).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    Client::try_from(config.expect("a configuration")).expect("a client")
}

/// The child's side: `table`, a page size, or a page size and the seconds to watch for.
pub fn child(args: &[String]) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let me = Process(std::process::id());
        let begun = Instant::now();
        let ms = |since: Instant| since.elapsed().as_secs_f64() * 1000.0;
        let client = connect().await;
        let mut kept: Vec<Row> = Vec::new();
        let (mut first, mut decode) = (0.0, Duration::ZERO);
        let mut version = String::new();
        if args[0] == "table" {
            let bytes = get(&client, "/api/v1/pods?resourceVersion=0&includeObject=None", TABLE).await;
            let at = Instant::now();
            let table: Table<'_> = serde_json::from_slice(&bytes).expect("a table");
            kept.extend(table.rows.iter().map(|row| {
                let mut cells = row.cells.iter().map(|cell| cell.get().into());
                std::array::from_fn(|_| cells.next().unwrap_or_default())
            }));
            decode = at.elapsed();
            first = ms(begun);
        } else {
            let mut next = String::new();
            loop {
                let path = format!("/api/v1/pods?limit={}&continue={next}", args[0]);
                let bytes = get(&client, &path, "application/json").await;
                let at = Instant::now();
                let list: List<Pod<'_>> = serde_json::from_slice(&bytes).expect("a list");
                kept.extend(list.items.iter().map(keep));
                decode += at.elapsed();
                if first == 0.0 {
                    first = ms(begun);
                }
                next = list.metadata.next;
                version = list.metadata.resource_version;
                if next.is_empty() {
                    break;
                }
            }
        }
        println!("first {first}\nall {}\nrows {}", ms(begun), kept.len());
        println!("decode {}", decode.as_secs_f64() * 1000.0);
        println!("resident {}\npeak {}", me.resident(), me.peak());
        if let Some(seconds) = args.get(1).and_then(|s| s.parse().ok()) {
            watch(&client, &version, seconds, &mut kept).await;
        }
    });
}

async fn watch(client: &Client, version: &str, seconds: u64, kept: &mut [Row]) {
    let path = format!("/api/v1/pods?watch=true&resourceVersion={version}");
    let request = Request::get(path).body(Vec::new()).expect("a request");
    let stream = client.request_stream(request).await.expect("a watch");
    let mut lines = std::pin::pin!(stream.lines());
    let me = Process(std::process::id());
    let (begun, before) = (Instant::now(), me.cpu());
    let mut events = 0u32;
    while let Ok(Some(Ok(line))) =
        tokio::time::timeout(Duration::from_secs(seconds).saturating_sub(begun.elapsed()), lines.next()).await
    {
        let event: Line<'_> = serde_json::from_str(&line).expect("an event");
        let at = events as usize % kept.len();
        kept[at] = keep(&event.object);
        events += 1;
    }
    let share = me.cpu().saturating_sub(before).as_secs_f64() / begun.elapsed().as_secs_f64() * 100.0;
    println!("watching {share}\nevents {}", f64::from(events) / begun.elapsed().as_secs_f64());
}

/// Runs one way in a process of its own; gives the value of a name in what it prints.
fn ask(kubeconfig: &Path, args: &[&str]) -> impl Fn(&str) -> f64 + use<> {
    let me = std::env::current_exe().expect("this program");
    let output =
        Command::new(me).arg("--bare").args(args).env("KUBECONFIG", kubeconfig).stderr(Stdio::inherit()).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "the bare client failed");
    let text = String::from_utf8(output.stdout).expect("text");
    move |name| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or_default()
    }
}

/// Measures all ways.
pub fn measure(options: &Options, kubeconfig: &Path, report: &mut Report) {
    for way in ["100", "500", "table"] {
        let (name, args) = if way == "table" {
            ("bare: Table".to_owned(), vec![way])
        } else {
            (format!("bare: pages of {way}"), vec![way])
        };
        let figure = ask(kubeconfig, &args);
        #[expect(clippy::cast_precision_loss, reason = "a count")]
        let enough = options.pods as f64;
        assert!(figure("rows") >= enough, "{} rows of {enough}", figure("rows"));
        report.add(format!("{name}, first rows"), figure("first"), "ms");
        report.add(format!("{name}, all rows"), figure("all"), "ms");
        report.add(format!("{name}, of it decoding"), figure("decode"), "ms");
        report.add(format!("{name}, resident"), figure("resident"), "MiB");
        report.add(format!("{name}, peak"), figure("peak"), "MiB");
    }
    let mut churn = rig();
    let length = (options.seconds + 6).to_string();
    churn.args(["fleet", "churn", "150", &length]).stdout(Stdio::null());
    let mut churn = churn.spawn().expect("the churn starts");
    let figure = ask(kubeconfig, &["500", &options.seconds.to_string()]);
    churn.wait().expect("the churn ends");
    report.note("bare: watching, CPU", figure("watching"), "%", format!("{:.0} events a second", figure("events")));
}
