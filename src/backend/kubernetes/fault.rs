//! kube-rs' errors, and Status objects, as faults that say what to do.

use http::StatusCode;
use kube::client::AuthError;
use kube::config::KubeconfigError;
use serde::Deserialize;

use crate::model::Fault;

/// The part of a `metav1.Status` that matters.
#[derive(Deserialize, Default)]
struct Status {
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
}

/// A non-2xx answer.
#[must_use]
pub fn from_status(code: StatusCode, body: &[u8], path: &str) -> Fault {
    let status: Status = serde_json::from_slice(body).unwrap_or_default();
    let message = if status.message.is_empty() {
        let text = String::from_utf8_lossy(&body[..body.len().min(300)]);
        let path = path.split('?').next().unwrap_or(path);
        format!("{} for {path} {}", code.as_u16(), text.trim()).trim_end().to_owned()
    } else {
        status.message
    };
    classify(code.as_u16(), &status.reason, message)
}

fn classify(code: u16, reason: &str, what: String) -> Fault {
    match (code, reason) {
        (401, _) => Fault::Denied {
            what: format!("401 {what}"),
            way_out: "log in again: the token or certificate of this context is not accepted".into(),
        },
        (403, _) => Fault::Denied { what, way_out: String::new() },
        (409, _) => Fault::Conflict { what },
        (404 | 410, _) | (_, "Expired" | "Gone") => Fault::Gone { what },
        (400 | 405 | 415 | 422, _) => Fault::Invalid { what },
        (408 | 504, _) => Fault::Timeout { what, seconds: 0 },
        (429, _) => Fault::Server { what: format!("429 {what}") },
        (502 | 503, _) => Fault::Unreachable { what, way_out: String::new() },
        _ => Fault::Server { what },
    }
}

/// An error of kube-rs, with its innermost cause.
#[must_use]
pub fn from_kube(error: &kube::Error) -> Fault {
    match error {
        kube::Error::Api(status) => classify(status.code, &status.reason, status.message.clone()),
        kube::Error::Auth(AuthError::AuthExecRun { cmd, out }) => {
            // what it printed on standard output may be a secret
            let stderr = String::from_utf8_lossy(&out.stderr);
            let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
            let program = cmd.split_whitespace().next().unwrap_or_default().trim_matches('"').to_owned();
            Fault::Denied {
                what: format!("credential plugin {program}: {}", last.trim()),
                way_out: "the command login gives it the terminal".into(),
            }
        }
        kube::Error::Auth(inner) => Fault::Denied {
            what: format!("credentials: {}", chain(inner)),
            way_out: "run the credential plugin by hand to see what it wants".into(),
        },
        kube::Error::SerdeError(inner) => Fault::Server { what: format!("unreadable answer: {inner}") },
        kube::Error::InferConfig(inner) => Fault::Config { what: chain(inner), way_out: String::new() },
        other => {
            let what = chain(other);
            let way_out = way_out(&what);
            if what.contains("rustls") || what.contains("ca bundle") || what.contains("PEM") {
                return Fault::Config { what, way_out };
            }
            Fault::Unreachable { what, way_out }
        }
    }
}

/// An error in the kubeconfig; `place` names the file or files that were read.
#[must_use]
pub fn from_kubeconfig(error: &KubeconfigError, place: &str) -> Fault {
    let text = match error {
        KubeconfigError::ReadConfig(inner, path) => format!("{}: {inner}", path.display()),
        other => format!("{place}: {}", chain(other)),
    };
    // a parser draws the place in the file below its first line
    let what = text.lines().next().unwrap_or_default().to_owned();
    let way_out = if matches!(error, KubeconfigError::LoadContext(_)) {
        "kubectl config get-contexts lists them".to_owned()
    } else {
        String::new()
    };
    Fault::Config { what: format!("kubeconfig {what}"), way_out }
}

/// The error and its causes in one line, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let next = inner.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = inner.source();
    }
    text
}

fn way_out(what: &str) -> String {
    let lower = what.to_ascii_lowercase();
    let hint = if lower.contains("connection refused") {
        "is the API server running, and is the address of this context right?"
    } else if lower.contains("dns") || lower.contains("lookup") || lower.contains("resolve") {
        "the server's name cannot be resolved from here"
    } else if lower.contains("expired") {
        "the certificate has expired: renew it or log in again"
    } else if lower.contains("certificate") || lower.contains("unknownissuer") {
        "the server's certificate is not signed by this context's certificate-authority"
    } else if lower.contains("proxy") {
        "check proxy-url of this cluster in the kubeconfig"
    } else if lower.contains("timed out") || lower.contains("deadline") {
        "no route from here? VPN down?"
    } else {
        ""
    };
    hint.to_owned()
}
