//! The kubectl command line that does the same, to show, to copy and to learn from.

use crate::backend::escape::shell;
use crate::backend::kubernetes::Context;
use crate::model::Key;

/// `kubectl [--kubeconfig …] [--context …] -n NAMESPACE WORDS…`, quoted for a POSIX shell.
#[must_use]
pub fn kubectl(context: &Context, key: &Key, words: &[&str]) -> String {
    let mut line = vec!["kubectl".to_owned()];
    if let Some(path) = &context.kubeconfig {
        line.push("--kubeconfig".to_owned());
        line.push(shell(&path.display().to_string()));
    }
    if let Some(name) = &context.name {
        line.push("--context".to_owned());
        line.push(shell(name));
    }
    line.push("-n".to_owned());
    line.push(shell(&key.namespace));
    line.extend(words.iter().map(|word| shell(word)));
    line.join(" ")
}

/// `kubectl argo rollouts WORDS… -n NAMESPACE [--context …] [--kubeconfig …]`: kubectl takes no
/// flags before a plugin's name.
#[must_use]
pub fn argo(context: &Context, key: &Key, words: &[&str]) -> String {
    let mut line = vec!["kubectl argo rollouts".to_owned()];
    line.extend(words.iter().map(|word| shell(word)));
    line.push(format!("-n {}", shell(&key.namespace)));
    if let Some(name) = &context.name {
        line.push(format!("--context {}", shell(name)));
    }
    if let Some(path) = &context.kubeconfig {
        line.push(format!("--kubeconfig {}", shell(&path.display().to_string())));
    }
    line.join(" ")
}

/// `deployment/web`, as kubectl takes it.
#[must_use]
pub fn slug(key: &Key) -> String {
    format!("{}/{}", key.kind.word().to_ascii_lowercase(), key.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, TargetId};

    #[test]
    fn words_a_shell_would_split_or_expand_are_quoted() {
        let context = Context { kubeconfig: None, name: Some("it's $HOME".to_owned()) };
        let key = Key {
            target: TargetId(0),
            kind: Kind::Deployment,
            namespace: "shop".into(),
            name: "web".into(),
            uid: "".into(),
        };
        let line = kubectl(&context, &key, &["scale", &slug(&key), "--replicas=5"]);
        assert_eq!(line, r"kubectl --context 'it'\''s $HOME' -n shop scale deployment/web --replicas=5");
    }
}
