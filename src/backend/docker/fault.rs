//! What an engine, or the way to it, says when something fails, as faults that say what to do.

use std::error::Error as StdError;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Deserialize;

use super::resolve::{Address, Endpoint};
use crate::model::Fault;

#[derive(Deserialize)]
struct Message {
    message: String,
}

/// A non-2xx answer with its body.
#[must_use]
pub fn from_status(code: u16, body: &[u8]) -> Fault {
    let text = serde_json::from_slice::<Message>(body)
        .map_or_else(|_| String::from_utf8_lossy(&body[..body.len().min(300)]).trim().to_owned(), |m| m.message);
    from_answer(code, text)
}

/// A non-2xx answer, by what the engine means with its codes.
#[must_use]
pub fn from_answer(code: u16, text: String) -> Fault {
    let lower = text.to_ascii_lowercase();
    let what = if text.is_empty() { format!("HTTP {code}") } else { text };
    if lower.contains("does not support reading") || lower.contains("logging driver does not support") {
        return Fault::Unsupported { what: format!("{what}: this container's log driver keeps nothing to read") };
    }
    match code {
        400 if lower.contains("http request to an https server") => Fault::Config {
            what: "the engine speaks TLS there and was asked without".into(),
            way_out: "write https://, or set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH".into(),
        },
        400 if lower.contains("client version") => {
            Fault::Unsupported { what: format!("{what}: engine and pilothouse speak no common API version") }
        }
        400 => Fault::Invalid { what },
        401 | 403 => {
            Fault::Denied { what, way_out: "an authorization plugin or proxy of the engine refuses this".into() }
        }
        404 => Fault::Gone { what },
        409 => Fault::Conflict { what },
        501 => Fault::Unsupported { what },
        _ => Fault::Server { what },
    }
}

/// A failed exchange: the I/O error is looked for in the chain of causes.
#[must_use]
pub fn from_error(error: &(dyn StdError + 'static), endpoint: &Endpoint) -> Fault {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    let mut last = error.to_string();
    while let Some(current) = cause {
        last = current.to_string();
        if let Some(io) = current.downcast_ref::<io::Error>() {
            match io.kind() {
                io::ErrorKind::Other | io::ErrorKind::InvalidData => {}
                kind => return from_io(kind, &last, endpoint),
            }
            cause = io.get_ref().map(|inner| inner as &(dyn StdError + 'static)).or_else(|| current.source());
            continue;
        }
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return Fault::Unreachable {
                what: format!("TLS with {} failed: {tls}", endpoint.kind),
                way_out: "check the certificates of the docker context or of DOCKER_CERT_PATH".into(),
            };
        }
        cause = current.source();
    }
    Fault::Unreachable { what: format!("connection to {} broke: {last}", endpoint.kind), way_out: String::new() }
}

fn from_io(kind: io::ErrorKind, text: &str, endpoint: &Endpoint) -> Fault {
    let address = &endpoint.kind;
    match (kind, address) {
        (io::ErrorKind::PermissionDenied, Address::Unix(path)) => denied(path),
        (io::ErrorKind::NotFound, Address::Unix(_)) => Fault::Unreachable {
            what: format!("no engine: no socket at {}", endpoint.tried.join(", ")),
            way_out: "start Docker, or name its address with --docker or DOCKER_HOST".into(),
        },
        (io::ErrorKind::ConnectionRefused, Address::Unix(_)) => Fault::Unreachable {
            what: format!("the socket {address} is there but no engine listens on it"),
            way_out: "start the daemon: systemctl start docker".into(),
        },
        (io::ErrorKind::ConnectionRefused, Address::Tcp(..)) => Fault::Unreachable {
            what: format!("{address} refuses connections"),
            way_out: "start the daemon there, or check the port (2375 plain, 2376 TLS)".into(),
        },
        (io::ErrorKind::TimedOut, _) => {
            Fault::Timeout { what: format!("connecting to {address}"), seconds: super::wire::CONNECT.as_secs() }
        }
        (io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe, _) => {
            Fault::Unreachable {
                what: format!("the engine at {address} closed the connection"),
                way_out: String::new(),
            }
        }
        (_, Address::Tcp(host, _)) => Fault::Unreachable {
            what: format!("{address}: {text}"),
            way_out: format!("check that {host} is the right name and can be reached from here"),
        },
        _ => Fault::Unreachable { what: format!("{address}: {text}"), way_out: String::new() },
    }
}

/// EACCES on a socket: whose it is, who we are, and the usual ways out.
fn denied(path: &Path) -> Fault {
    let me = rustix::process::getuid().as_raw();
    let owner = std::fs::metadata(path).map_or_else(
        |_| String::new(),
        |meta| {
            let user = name_of("/etc/passwd", meta.uid());
            let group = name_of("/etc/group", meta.gid());
            format!(" ({user}:{group} {:04o}; you are {}, uid {me})", meta.mode() & 0o7777, name_of("/etc/passwd", me))
        },
    );
    Fault::Denied {
        what: format!("permission denied on {}{owner}", path.display()),
        way_out:
            "join the socket's group (sudo usermod -aG docker $USER, then log in again), use sudo, or a rootless engine"
                .into(),
    }
}

/// Name of an id in a colon-separated account file, or the number.
fn name_of(file: &str, id: u32) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let wanted = id.to_string();
    let found = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == wanted).then(|| name.to_owned())
    });
    found.unwrap_or(wanted)
}

/// A fault of bollard.
#[must_use]
pub fn from_bollard(error: &bollard::errors::Error, endpoint: &Endpoint, seconds: u64) -> Fault {
    use bollard::errors::Error;
    match error {
        Error::DockerResponseServerError { status_code, message } => from_answer(*status_code, message.clone()),
        Error::RequestTimeoutError => {
            Fault::Timeout { what: "the engine has not answered; it may still be carrying this out".into(), seconds }
        }
        Error::JsonDataError { message, .. } => Fault::Server { what: format!("unreadable answer: {message}") },
        other => from_error(other, endpoint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint {
            name: "docker".into(),
            kind: Address::Unix("/tmp/none.sock".into()),
            tls: None,
            tried: vec!["unix:///a".into(), "unix:///b".into()],
            cli: Vec::new(),
        }
    }

    #[test]
    fn connection_errors_say_the_way_out() {
        let text = |kind: io::ErrorKind| from_error(&io::Error::from(kind), &endpoint()).to_string();
        assert!(text(io::ErrorKind::NotFound).contains("unix:///a, unix:///b"));
        assert!(text(io::ErrorKind::ConnectionRefused).contains("systemctl start docker"));
        let denied = from_error(&io::Error::from(io::ErrorKind::PermissionDenied), &endpoint());
        assert!(matches!(&denied, Fault::Denied { way_out, .. } if way_out.contains("usermod")), "{denied}");
    }

    #[test]
    fn the_io_error_is_found_below_others() {
        let nested = io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert!(from_error(&nested, &endpoint()).to_string().contains("no engine listens"));
    }

    #[test]
    fn answers_keep_their_meaning() {
        let cases = [
            (404, r#"{"message":"No such container: x"}"#, "gone"),
            (409, r#"{"message":"is paused"}"#, "conflict"),
            (400, r#"{"message":"client version 1.53 is too new"}"#, "unsupported"),
            (400, r#"{"message":"bad"}"#, "invalid"),
            (400, "Client sent an HTTP request to an HTTPS server.", "misconfigured"),
            (501, r#"{"message":"configured logging driver does not support reading"}"#, "unsupported"),
            (500, r#"{"message":"configured logging driver does not support reading"}"#, "unsupported"),
            (500, "plain text", "server error"),
        ];
        for (code, body, word) in cases {
            assert_eq!(from_status(code, body.as_bytes()).word(), word, "{code} {body}");
        }
    }
}
