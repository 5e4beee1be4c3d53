//! What a kubeconfig says before any server is asked: contexts, and who we are there.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Kubeconfig};

use super::certificate;
use super::link::Context;
use crate::model::Fault;

/// One context of a kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextInfo {
    /// Its name.
    pub name: String,
    /// Name of its cluster entry.
    pub cluster: String,
    /// Name of its user entry, may be empty.
    pub user: String,
    /// Its namespace, where it states one.
    pub namespace: Option<String>,
    /// True for the current context.
    pub current: bool,
}

/// The contexts of `kubeconfig`, or of what kubectl would read; empty when there is no file.
///
/// # Errors
/// `Config` naming the file and what is wrong with it.
pub fn contexts(kubeconfig: Option<&Path>) -> Result<Vec<ContextInfo>, Fault> {
    let context = Context { kubeconfig: kubeconfig.map(Path::to_path_buf), name: None };
    let config = context.kubeconfig()?;
    Ok(config.as_ref().map(list).unwrap_or_default())
}

fn list(config: &Kubeconfig) -> Vec<ContextInfo> {
    let current = config.current_context.as_deref();
    let info = |named: &kube::config::NamedContext| {
        let context = named.context.as_ref();
        ContextInfo {
            name: named.name.clone(),
            cluster: context.map(|c| c.cluster.clone()).unwrap_or_default(),
            user: context.and_then(|c| c.user.clone()).unwrap_or_default(),
            namespace: context.and_then(|c| c.namespace.clone()).filter(|n| !n.is_empty()),
            current: current == Some(named.name.as_str()),
        }
    };
    config.contexts.iter().map(info).collect()
}

/// Address of the server and name of the user as the kubeconfig states them; empty where it does not.
#[must_use]
pub fn stated(context: &Context) -> (String, String) {
    let Ok(Some(config)) = context.kubeconfig() else { return (String::new(), String::new()) };
    let infos = list(&config);
    let chosen = match &context.name {
        Some(name) => infos.iter().find(|info| info.name == *name),
        None => infos.iter().find(|info| info.current),
    };
    let Some(info) = chosen else { return (String::new(), String::new()) };
    let cluster = config.clusters.iter().find(|named| named.name == info.cluster).and_then(|n| n.cluster.as_ref());
    let user = config.auth_infos.iter().find(|named| named.name == info.user).and_then(|n| n.auth_info.as_ref());
    let address = cluster.and_then(|cluster| cluster.server.clone()).unwrap_or_default();
    (address, user.and_then(user_name).unwrap_or_else(|| info.user.clone()))
}

/// Whom the server will see: impersonated user, user name, or common name of the client certificate.
fn user_name(auth: &AuthInfo) -> Option<String> {
    if let Some(name) = auth.impersonate.clone().or_else(|| auth.username.clone()) {
        return Some(name);
    }
    let pem = match (&auth.client_certificate_data, &auth.client_certificate) {
        (Some(data), _) => STANDARD.decode(data).ok()?,
        (None, Some(path)) => fs::read(path).ok()?,
        (None, None) => return None,
    };
    certificate::common_name(&pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "
apiVersion: v1
kind: Config
current-context: b
clusters:
- {name: c, cluster: {server: 'https://10.0.0.1:6443'}}
users:
- {name: u, user: {username: alice, password: secret}}
contexts:
- {name: a, context: {cluster: c, user: u, namespace: shop}}
- {name: b, context: {cluster: c, user: u, namespace: ''}}
";

    #[test]
    fn contexts_say_which_is_current_and_where_they_look() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("config");
        fs::write(&path, CONFIG).expect("written");
        let got = contexts(Some(&path)).expect("a valid file");
        let seen: Vec<_> = got.iter().map(|c| (c.name.as_str(), c.namespace.as_deref(), c.current)).collect();
        assert_eq!(seen, [("a", Some("shop"), false), ("b", None, true)]);
        let context = Context { kubeconfig: Some(path), name: Some("a".into()) };
        assert_eq!(stated(&context), ("https://10.0.0.1:6443".to_owned(), "alice".to_owned()));
    }

    #[test]
    fn a_missing_file_is_named() {
        let fault = contexts(Some(Path::new("/nowhere/config"))).expect_err("there is no such file");
        assert!(fault.to_string().contains("/nowhere/config"), "{fault}");
    }
}
