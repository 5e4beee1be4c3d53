//! List and watch, once for every kind: pages become rows as they arrive, then one watch keeps
//! them true, resumed where it broke off and listed anew only when the server no longer knows the place.

use std::time::Duration;

use futures::{AsyncBufRead, AsyncBufReadExt};
use http::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio_util::task::AbortOnDropHandle;

use super::fault::from_status;
use super::items::Items;
use super::link::{Link, Pieces};
use super::paths::Place;
use super::pulse::Pulse;
use super::retry::{Backoff, jittered};
use super::wire::{ListMeta, Page, decode, or_default};
use crate::backend::emit::Emitter;
use crate::model::{Fault, FeedEvent, Key, Row};

/// Objects of the first page, which is to be on the screen at once.
const FIRST_PAGE: u32 = 100;
/// Objects of every further page, as kubectl asks for them.
const NEXT_PAGE: u32 = 500;
/// Rows that are handed on together while a page arrives.
const BATCH: usize = 32;
/// How long the server may keep one watch open, in seconds.
const WATCH: Duration = Duration::from_secs(290);
/// Bookmarks come every minute where the server sends them: a watch silent for longer is opened anew.
const SILENT: Duration = Duration::from_secs(90);

/// Makes rows of one kind of object.
pub trait Project: Send + 'static {
    /// The object as decoded from its bytes.
    type Object<'de>: Deserialize<'de> + Send;

    /// Its resource version.
    fn version<'a>(object: &'a Self::Object<'_>) -> &'a str;

    /// Its row.
    fn row(&mut self, object: &Self::Object<'_>) -> Row;

    /// The key of its row, when the object is gone.
    fn gone(&mut self, object: &Self::Object<'_>) -> Key;
}

/// The machine for one collection.
pub struct Watcher<P> {
    link: Link,
    pulse: Pulse,
    place: Place,
    project: P,
    out: Emitter<FeedEvent>,
}

/// The next page, asked for already.
type Ahead = AbortOnDropHandle<Result<Pieces, Fault>>;

/// Why a watch is over.
enum End {
    /// The server closed it; `true` when it had said something before.
    Closed(bool),
    /// The place it was to continue from is no longer known.
    Expired,
    /// It broke.
    Broken(Fault),
}

/// One line of a watch.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// A bookmark, or the code of an error.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Note {
    #[serde(deserialize_with = "or_default")]
    metadata: ListMeta,
    code: Option<u16>,
}

impl<P: Project> Watcher<P> {
    /// A watcher of `place` that sends into `out`.
    #[must_use]
    pub fn new(link: Link, pulse: Pulse, place: Place, project: P, out: Emitter<FeedEvent>) -> Self {
        Self { link, pulse, place, project, out }
    }

    /// Lists, watches, and never ends.
    pub async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let recovery = self.pulse.recovery();
            let listed = tokio::select! {
                listed = self.list() => listed,
                () = recovery => continue,
            };
            match listed {
                Ok(version) => {
                    backoff.reset();
                    self.out.send(FeedEvent::Synced).await;
                    self.follow(version, &mut backoff).await;
                }
                Err(Fault::Gone { what }) => backoff.wait(&Fault::Gone { what }, &self.pulse).await,
                Err(fault) => self.lose(fault, &mut backoff).await,
            }
        }
    }

    /// Stages every page; gives the resource version of the list.
    async fn list(&mut self) -> Result<String, Fault> {
        let mut path = self.place.page(FIRST_PAGE, "");
        let mut answer = match self.link.pieces(&path).await {
            Err(Fault::Gone { what }) => Err(Fault::Unsupported { what: format!("not served here: {what}") }),
            other => other,
        }?;
        self.out.send(FeedEvent::Reset).await;
        loop {
            let (meta, ahead) = self.page(answer, &path).await?;
            if meta.next.is_empty() {
                return Ok(meta.resource_version);
            }
            path = self.place.page(NEXT_PAGE, &meta.next);
            answer = match ahead {
                Some(task) => task.await.map_err(|e| Fault::Server { what: e.to_string() })??,
                None => self.link.pieces(&path).await?,
            };
        }
    }

    /// Stages the rows of one page while it arrives, and asks for the next one as soon as its place is known.
    async fn page(&mut self, mut answer: Pieces, path: &str) -> Result<(ListMeta, Option<Ahead>), Fault> {
        let mut items = Items::default();
        let mut ahead = None;
        let mut begun = false;
        let mut rows = Vec::new();
        while let Some(piece) = answer.next().await? {
            items.push(&piece);
            drop(piece);
            if !begun && let Some(head) = items.head() {
                begun = true;
                let head: Page<IgnoredAny> = decode(&head, path)?;
                ahead = Some(head.metadata.next).filter(|next| !next.is_empty()).map(|next| self.fetch(&next));
            }
            while let Some(object) = items.next() {
                let object: P::Object<'_> = decode(object, path)?;
                rows.push(self.project.row(&object));
            }
            if rows.len() >= BATCH {
                self.out.send(FeedEvent::Staged(std::mem::take(&mut rows))).await;
            }
        }
        let rest = items.rest();
        let page: Page<P::Object<'_>> = decode(&rest, path)?;
        rows.extend(page.items.iter().map(|object| self.project.row(object)));
        if !rows.is_empty() {
            self.out.send(FeedEvent::Staged(rows)).await;
        }
        Ok((page.metadata, ahead))
    }

    /// Asks for the next page while this one is being read.
    fn fetch(&self, next: &str) -> Ahead {
        let (link, path) = (self.link.clone(), self.place.page(NEXT_PAGE, next));
        AbortOnDropHandle::new(tokio::spawn(async move { link.pieces(&path).await }))
    }

    /// Watches from `version` on, until the server no longer knows it.
    async fn follow(&mut self, mut version: String, backoff: &mut Backoff) {
        let mut stale = false;
        loop {
            let path = self.place.watch(&version, jittered(WATCH).as_secs());
            let recovery = self.pulse.recovery();
            let opened = tokio::select! {
                opened = self.link.stream(&path) => opened,
                () = recovery => continue,
            };
            let end = match opened {
                Ok(lines) => {
                    if std::mem::take(&mut stale) {
                        self.out.send(FeedEvent::Alive).await;
                    }
                    self.read(lines, &mut version, &path).await
                }
                Err(Fault::Gone { .. }) => End::Expired,
                // who may list but not watch gets a new list now and then
                Err(fault @ Fault::Denied { .. }) => return self.lose(fault, backoff).await,
                Err(fault) => End::Broken(fault),
            };
            match end {
                End::Closed(true) => backoff.reset(),
                End::Closed(false) => tokio::time::sleep(backoff.after(&quiet())).await,
                End::Expired => return tokio::time::sleep(backoff.after(&quiet())).await,
                End::Broken(fault) => {
                    stale = true;
                    self.lose(fault, backoff).await;
                }
            }
        }
    }

    async fn read(&mut self, lines: impl AsyncBufRead + Send, version: &mut String, path: &str) -> End {
        let mut loss = std::pin::pin!(self.pulse.loss());
        let mut lines = std::pin::pin!(lines);
        let mut line = Vec::new();
        let mut heard = false;
        loop {
            line.clear();
            let read = tokio::select! {
                read = tokio::time::timeout(SILENT, lines.read_until(b'\n', &mut line)) => read,
                fault = &mut loss => return End::Broken(fault),
            };
            match read {
                Ok(Ok(_)) if line.ends_with(b"\n") => heard = true,
                // one that broke off is resumed like one that ended: if the server is gone, opening the next says so
                _ => return End::Closed(heard),
            }
            match self.event(&line, version, path) {
                Ok(Some(event)) => self.out.send(event).await,
                Ok(None) => {}
                Err(end) => return end,
            }
        }
    }

    /// What one line of the watch means; `version` follows it.
    fn event(&mut self, bytes: &[u8], version: &mut String, path: &str) -> Result<Option<FeedEvent>, End> {
        let (kind, raw) = apart(bytes, path).map_err(End::Broken)?;
        match kind {
            "BOOKMARK" => {
                let note: Note = decode(raw, path).map_err(End::Broken)?;
                advance(version, &note.metadata.resource_version);
                Ok(Some(FeedEvent::Alive))
            }
            "ERROR" => {
                let note: Note = decode(raw, path).unwrap_or_default();
                let code = StatusCode::from_u16(note.code.unwrap_or(500)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Err(match from_status(code, raw, path) {
                    Fault::Gone { .. } => End::Expired,
                    fault => End::Broken(fault),
                })
            }
            kind @ ("ADDED" | "MODIFIED" | "DELETED") => {
                let object: P::Object<'_> = decode(raw, path).map_err(|fault| {
                    // one unreadable object must not be asked for again and again
                    let note: Note = decode(raw, path).unwrap_or_default();
                    advance(version, &note.metadata.resource_version);
                    End::Broken(fault)
                })?;
                advance(version, P::version(&object));
                Ok(Some(if kind == "DELETED" {
                    FeedEvent::Remove(self.project.gone(&object))
                } else {
                    FeedEvent::Upsert(self.project.row(&object))
                }))
            }
            _ => Ok(None),
        }
    }

    async fn lose(&mut self, fault: Fault, backoff: &mut Backoff) {
        let fault = match fault {
            Fault::Denied { what, way_out } if way_out.is_empty() => {
                Fault::Denied { what, way_out: self.place.way_out().to_owned() }
            }
            other => other,
        };
        self.out.lost(fault.clone()).await;
        backoff.wait(&fault, &self.pulse).await;
    }
}

fn advance(version: &mut String, to: &str) {
    if !to.is_empty() {
        to.clone_into(version);
    }
}

/// What happened, and the object it happened to. Written as every API server does, the object is
/// not read to find its end.
fn apart<'a>(bytes: &'a [u8], path: &str) -> Result<(&'a str, &'a [u8]), Fault> {
    const BETWEEN: &[u8] = b"\",\"object\":";
    let plain = || {
        let inner = bytes.trim_ascii_end().strip_prefix(b"{\"type\":\"")?.strip_suffix(b"}")?;
        let (kind, rest) = inner.split_at_checked(memchr::memchr(b'"', inner)?)?;
        Some((std::str::from_utf8(kind).ok()?, rest.strip_prefix(BETWEEN)?))
    };
    if let Some(parts) = plain() {
        return Ok(parts);
    }
    let line: Line<'_> = decode(bytes, path)?;
    Ok((line.kind, line.object.get().as_bytes()))
}

/// Stands for an end that nobody needs to hear of.
fn quiet() -> Fault {
    Fault::Gone { what: String::new() }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::io::Cursor;

    use super::super::link::Context;
    use super::super::namespace::Namespaces;
    use super::*;
    use crate::backend::emit::feed;
    use crate::model::TargetId;

    /// Reads `lines` as one watch: how it ended, where it would go on, and what came of it.
    async fn watched(lines: &'static str) -> (String, String, Vec<FeedEvent>) {
        let (done, end) = tokio::sync::oneshot::channel();
        let events = feed(move |out| async move {
            let place = Place::of(crate::model::Kind::Namespace, &None).expect("a kind of Kubernetes");
            let link = Link::new(Context::default());
            let mut watcher = Watcher::new(link, Pulse::default(), place, Namespaces(TargetId(0)), out.clone());
            let mut version = "1".to_owned();
            let end = match watcher.read(Cursor::new(lines), &mut version, "/x").await {
                End::Closed(heard) => format!("closed, heard {heard}"),
                End::Expired => "expired".to_owned(),
                End::Broken(fault) => format!("broken: {fault}"),
            };
            let _ = done.send((end, version));
            out.send(FeedEvent::Reset).await;
        });
        let events = events.take_while(|event| std::future::ready(*event != FeedEvent::Reset)).collect().await;
        let (end, version) = end.await.expect("the watch ended");
        (end, version, events)
    }

    #[tokio::test]
    async fn lines_become_events_and_move_the_place_to_go_on_from() {
        let (end, version, events) = watched(concat!(
            r#"{"type":"ADDED","object":{"metadata":{"name":"a","uid":"1","resourceVersion":"5"}}}"#,
            "\n",
            r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}"#,
            "\n",
            r#"{"type":"DELETED","object":{"metadata":{"name":"a","uid":"1","resourceVersion":"12"}}}"#,
            "\n",
            r#"{"type":"MODIFIED","object":{"metadata":{"na"#,
        ))
        .await;
        assert_eq!((end.as_str(), version.as_str()), ("closed, heard true", "12"));
        let [FeedEvent::Upsert(row), FeedEvent::Alive, FeedEvent::Remove(key)] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!(row.key(), key);
    }

    #[tokio::test]
    async fn an_expired_place_is_told_from_other_errors() {
        let gone = r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#;
        let (end, ..) = watched(Box::leak(format!("{gone}\n").into_boxed_str())).await;
        assert_eq!(end, "expired");
        let failed = r#"{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd is ill"}}"#;
        let (end, ..) = watched(Box::leak(format!("{failed}\n").into_boxed_str())).await;
        assert_eq!(end, "broken: server error: etcd is ill");
        assert_eq!(watched("").await.0, "closed, heard false");
    }

    #[tokio::test]
    async fn an_unreadable_object_is_stepped_over() {
        let (end, version, _) =
            watched("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"5\",\"name\":7}}}\n").await;
        assert!(end.starts_with("broken: server error: unreadable"), "{end}");
        assert_eq!(version, "5");
    }

    #[test]
    fn a_line_is_taken_apart_however_it_is_written() {
        for text in [
            r#"{"type":"ADDED","object":{"a":{}}}"#,
            "{\"type\":\"ADDED\",\"object\":{\"a\":{}}}\n",
            r#"{ "object": {"a":{}}, "type": "ADDED" }"#,
        ] {
            let (kind, object) = apart(text.as_bytes(), "/").expect("a line");
            assert_eq!((kind, object), ("ADDED", &br#"{"a":{}}"#[..]), "{text}");
        }
        assert!(apart(br#"{"type":"ADDED","object":"#, "/").is_err());
    }
}
