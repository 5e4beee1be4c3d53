//! What the feeds of an engine share: its events as a stream, lines, and pauses between attempts.

use std::fmt::Write as _;
use std::future::ready;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};
use serde_json::json;

use super::engine::Engine;
use super::inspect::Event;
use crate::backend::escape;
use crate::backend::retry::Pauses;
use crate::model::Fault;

/// Longest pause between attempts to reach the engine.
pub const LONGEST: Duration = Duration::from_secs(2);
/// Shortest pause after a fault that does not pass by itself.
const PATIENT: Duration = Duration::from_secs(5);

/// Waits after `fault`: longer for faults that do not pass by themselves.
pub async fn rest(pauses: &mut Pauses, fault: &Fault) {
    let patient = matches!(fault, Fault::Unsupported { .. } | Fault::Invalid { .. } | Fault::Gone { .. });
    let pause = pauses.step();
    tokio::time::sleep(if patient { pause.max(PATIENT) } else { pause }).await;
}

/// Events of one container, or of all, since a stamp in nanoseconds (0: from now on).
///
/// # Errors
/// As [`Engine::stream`]; an item fails when the stream breaks, and the last item always does.
pub async fn events(
    engine: &Engine,
    container: Option<&str>,
    since: i64,
) -> Result<BoxStream<'static, Result<Event, Fault>>, Fault> {
    // A health_status filter makes the engine match all names by prefix; exec_* are left out on purpose.
    let mut filters = json!({"type": ["container"], "event": ["create", "start", "die", "stop", "kill", "oom", "pause",
        "unpause", "rename", "restart", "update", "destroy", "health_status"]});
    if let Some(id) = container {
        filters["container"] = json!([id]);
    }
    let mut path = format!("/events?filters={}", escape::url(&filters.to_string()));
    if since > 0 {
        let _ = write!(path, "&since={}.{:09}", since / 1_000_000_000, since % 1_000_000_000);
    }
    let body = engine.stream(&path).await?;
    let broken = Fault::Unreachable { what: "the engine closed its event stream".into(), way_out: String::new() };
    let parsed = lines(body).filter_map(|line| {
        ready(match line {
            Ok(text) => serde_json::from_slice::<Event>(&text).ok().map(Ok),
            Err(fault) => Some(Err(fault)),
        })
    });
    Ok(parsed.chain(stream::once(ready(Err(broken)))).boxed())
}

/// Splits bytes into lines, without their newline; blank lines are left out.
pub fn lines(
    body: impl Stream<Item = Result<Bytes, Fault>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, Fault>> + Send {
    let state = (Box::pin(body), BytesMut::new(), 0_usize);
    stream::unfold(state, |(mut body, mut buffer, mut seen)| async move {
        loop {
            if let Some(at) = memchr::memchr(b'\n', &buffer[seen..]) {
                let line = buffer.split_to(seen + at + 1).freeze();
                seen = 0;
                let line = line.slice(..line.len() - 1);
                if line.is_empty() {
                    continue;
                }
                return Some((Ok(line), (body, buffer, seen)));
            }
            seen = buffer.len();
            match body.next().await {
                Some(Ok(part)) => buffer.extend_from_slice(&part),
                Some(Err(fault)) => return Some((Err(fault), (body, buffer, seen))),
                None => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_cut_wherever_the_chunks_end() {
        let whole = b"{\"a\":1}\n\n{\"b\":22}\nrest";
        for size in 1..whole.len() {
            let parts: Vec<_> = whole.chunks(size).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
            let got: Vec<_> = lines(stream::iter(parts)).map(|line| line.unwrap()).collect().await;
            assert_eq!(got, [&b"{\"a\":1}"[..], b"{\"b\":22}"], "chunks of {size}");
        }
    }
}
