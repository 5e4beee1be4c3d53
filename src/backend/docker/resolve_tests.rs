//! Every way to name an engine, against the docker CLI's rules.

use std::collections::HashMap;

use super::*;

fn with(vars: &[(&str, &str)], flag: Option<&str>, home: Option<&Path>) -> Result<Endpoint, Fault> {
    let vars: HashMap<String, String> = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    resolve(flag, &|name| vars.get(name).cloned(), home)
}

fn stored(home: &Path, name: &str, host: &str, skip: bool, files: &[&str]) {
    let config = home.join(".docker");
    let meta = meta_path(&config, name);
    std::fs::create_dir_all(meta.parent().unwrap()).unwrap();
    let json = serde_json::json!({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": skip}}});
    std::fs::write(meta, json.to_string()).unwrap();
    let tls = config.join("contexts/tls").join(digest(name)).join("docker");
    std::fs::create_dir_all(&tls).unwrap();
    for file in files {
        std::fs::write(tls.join(file), "x").unwrap();
    }
}

#[test]
fn addresses_are_read_as_docker_reads_them() {
    let cases = [
        ("unix:///tmp/x.sock", "unix:///tmp/x.sock"),
        ("/tmp/x.sock", "unix:///tmp/x.sock"),
        ("unix://", "unix:///var/run/docker.sock"),
        ("tcp://10.0.0.1", "tcp://10.0.0.1:2375"),
        ("tcp://10.0.0.1:99/", "tcp://10.0.0.1:99"),
        ("http://h", "tcp://h:2375"),
        ("https://h", "tcp://h:2376"),
        ("tcp://[::1]:2000", "tcp://[::1]:2000"),
        ("tcp://:4000", "tcp://localhost:4000"),
        ("build-host:4000", "tcp://build-host:4000"),
    ];
    for (given, want) in cases {
        let endpoint = with(&[], Some(given), None).unwrap();
        assert_eq!(endpoint.kind.to_string(), want, "{given}");
        assert_eq!(endpoint.tls.is_some(), given.starts_with("https"), "{given}");
    }
    for bad in ["unix://relative", "tcp://h:port", "ftp://h", "tcp://me:secret@h"] {
        assert!(matches!(with(&[], Some(bad), None), Err(Fault::Config { .. })), "{bad}");
    }
}

#[test]
fn ssh_and_pipes_are_refused_with_the_way_out() {
    let Err(Fault::Unsupported { what }) = with(&[], Some("ssh://me@box:2222"), None) else { panic!("accepted") };
    assert!(what.contains("ssh -N -L") && what.contains("-p 2222 me@box"), "{what}");
    assert!(matches!(with(&[("DOCKER_HOST", "npipe:////./pipe/x")], None, None), Err(Fault::Unsupported { .. })));
}

#[test]
fn the_flag_wins_over_the_host_which_wins_over_contexts() {
    let home = tempfile::tempdir().unwrap();
    stored(home.path(), "blue", "tcp://blue:1", false, &[]);
    stored(home.path(), "green", "tcp://green:1", false, &[]);
    std::fs::write(home.path().join(".docker/config.json"), r#"{"currentContext":"green","auths":{}}"#).unwrap();
    let at = |vars: &[(&str, &str)], flag| with(vars, flag, Some(home.path())).unwrap().kind.to_string();
    assert_eq!(at(&[("DOCKER_HOST", "tcp://env:1")], Some("tcp://flag:1")), "tcp://flag:1");
    assert_eq!(at(&[("DOCKER_HOST", "tcp://env:1"), ("DOCKER_CONTEXT", "blue")], None), "tcp://env:1");
    assert_eq!(at(&[("DOCKER_HOST", ""), ("DOCKER_CONTEXT", "blue")], None), "tcp://blue:1");
    assert_eq!(at(&[], None), "tcp://green:1");
    assert_eq!(at(&[("DOCKER_HOST", "tcp://env:1")], Some("blue")), "tcp://blue:1");
    let endpoint = with(&[], Some("blue"), Some(home.path())).unwrap();
    assert_eq!((endpoint.name.as_str(), endpoint.cli.join(" ")), ("blue", "--context blue".to_owned()));
    assert!(matches!(with(&[("DOCKER_CONTEXT", "red")], None, Some(home.path())), Err(Fault::Config { .. })));
}

#[test]
fn a_contexts_tls_files_and_its_skip_flag_are_used() {
    let home = tempfile::tempdir().unwrap();
    stored(home.path(), "tls", "tcp://h:2376", false, &["ca.pem", "cert.pem", "key.pem"]);
    stored(home.path(), "lax", "tcp://h:2376", true, &[]);
    let tls = with(&[], Some("tls"), Some(home.path())).unwrap().tls.unwrap();
    assert!(tls.verify && tls.ca.is_some() && tls.cert.is_some() && tls.key.is_some());
    let lax = with(&[], Some("lax"), Some(home.path())).unwrap().tls.unwrap();
    assert_eq!(lax, Tls { verify: false, ..Tls::default() });
}

#[test]
fn tls_comes_from_the_environment_for_a_given_host() {
    let home = tempfile::tempdir().unwrap();
    let certs = home.path().join("certs");
    std::fs::create_dir(&certs).unwrap();
    let path = certs.display().to_string();
    let vars = [("DOCKER_HOST", "tcp://h:2376"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", path.as_str())];
    assert!(matches!(with(&vars, None, None), Err(Fault::Config { .. })), "no ca.pem there");
    std::fs::write(certs.join("ca.pem"), "x").unwrap();
    let endpoint = with(&vars, None, None).unwrap();
    assert_eq!(endpoint.tls, Some(Tls { ca: Some(certs.join("ca.pem")), verify: true, ..Tls::default() }));
    assert_eq!(endpoint.cli, ["-H", "tcp://h:2376", "--tlsverify"]);
}

#[test]
fn the_first_socket_that_exists_is_taken_and_all_are_remembered() {
    let runtime = |name: &str| (name == "XDG_RUNTIME_DIR").then(|| "/run/user/7".to_owned());
    let home = Path::new("/home/me");
    let pick = |there: &'static str| usual(&runtime, Some(home), &|path| path == Path::new(there));
    for (path, name) in [
        ("/var/run/docker.sock", "docker"),
        ("/run/user/7/docker.sock", "rootless"),
        ("/home/me/.docker/run/docker.sock", "desktop"),
        ("/run/user/7/podman/podman.sock", "podman"),
        ("/run/podman/podman.sock", "podman"),
    ] {
        let endpoint = pick(path);
        assert_eq!((endpoint.kind, endpoint.name.as_str()), (Address::Unix(path.into()), name));
        assert_eq!(endpoint.tried.len(), 5);
    }
    assert_eq!(pick("/nowhere").kind, Address::Unix(SYSTEM.into()));
}
