//! `data_dir`: its defaults, and values that cannot be meant.

use std::path::{Path, PathBuf};

use super::{ConfigDir, minimal};
use crate::config::{Config, DataDirOrigin, Environment, Unusable};

/// Returns the data directory of the configuration at `path` below the root, where the files of `sessions` exist.
fn data_dir(path: &str, sessions: &[&str], state: Option<&str>) -> (String, DataDirOrigin) {
    let dir = ConfigDir::with("");
    for file in sessions.iter().chain([&path]) {
        let file = dir.path().join(file);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("made");
        std::fs::write(file, minimal("log", "")).expect("written");
    }
    let mut environment = dir.environment();
    if let Some(state) = state {
        environment = environment.with("STATE_DIRECTORY", dir.path().join(state));
    }
    let loaded = Config::load(Some(Path::new(path)), &environment);
    let telegram = loaded.expect("can be used").config.telegram;
    let shown = telegram.data_dir.display().to_string();
    let root = format!("{}/", dir.path().display());
    (shown.replace(&root, ""), telegram.data_dir_origin)
}

#[test]
fn the_data_directory_that_is_not_set_follows_the_service_and_the_session() {
    use DataDirOrigin::{BesideConfig, Service, Session, StateDirectory};
    let service = "etc/scp-079-avatar/main.toml";
    let own = "/var/lib/scp-079-avatar/main";
    for (config, sessions, state, expected) in [
        ("config.toml", &[][..], None, ("data", BesideConfig)),
        ("x/y.toml", &[], None, ("x/data", BesideConfig)),
        ("config.toml", &[], Some("state"), ("state", StateDirectory)),
        (service, &[], None, (own, Service)),
        (service, &[], Some("state"), ("state", StateDirectory)),
        // A session that is there already wins.
        ("x/y.toml", &["x/account.session"], None, ("x", Session)),
        (
            "x/y.toml",
            &["x/account.session"],
            Some("state"),
            ("x", Session),
        ),
        (
            "x/y.toml",
            &["x/data/account.session"],
            Some("state"),
            ("x/data", Session),
        ),
        (
            "x/y.toml",
            &["x/data/account.session"],
            None,
            ("x/data", BesideConfig),
        ),
        (
            "x/y.toml",
            &["state/account.session"],
            Some("state"),
            ("state", StateDirectory),
        ),
    ] {
        let found = data_dir(config, sessions, state);
        assert_eq!(
            (found.0.as_str(), found.1),
            expected,
            "{config} {sessions:?} {state:?}"
        );
    }
}

#[test]
fn two_sessions_are_an_error_that_names_both() {
    for (first, second, state) in [
        ("data", "", None),
        ("state", "", Some("state")),
        ("state", "data", Some("state")),
    ] {
        let dir = ConfigDir::with(&minimal("log", ""));
        let places = [first, second].map(|place| dir.path().join(place));
        for place in &places {
            std::fs::create_dir_all(place).expect("made");
            std::fs::write(place.join("account.session"), "").expect("written");
        }
        let mut environment = dir.environment();
        if let Some(state) = state {
            environment = environment.with("STATE_DIRECTORY", dir.path().join(state));
        }
        let errors = Config::load(None, &environment)
            .expect_err("ambiguous")
            .to_string();
        for place in &places {
            let session = place.join("account.session").display().to_string();
            assert!(errors.contains(&session), "{session} is not in\n{errors}");
        }
        assert!(
            errors.contains("config.toml:1: [telegram] data_dir: is not set, and there are two"),
            "{errors}"
        );
        // A directory that is named decides.
        let named = format!("data_dir = {:?}", places[0].display().to_string());
        dir.write("config.toml", &minimal("telegram", &named));
        assert!(Config::load(None, &environment).is_ok());
    }
}

#[test]
fn a_path_in_the_syntax_of_a_shell_is_refused_with_the_absolute_path() {
    for (value, sign, meant) in [
        ("~/x", '~', "/home/me/x"),
        ("$HOME/x", '$', "/home/me/x"),
        ("${HOME}/x", '$', "/home/me/x"),
        ("~you/x", '~', "/var/lib/scp-079-avatar/main"),
        ("~", '~', "/var/lib/scp-079-avatar/main"),
    ] {
        let dir = ConfigDir::with(&minimal("telegram", &format!("data_dir = {value:?}")));
        let environment = dir.environment().with("HOME", "/home/me");
        let errors = dir.errors_in(&environment);
        let expected = format!(
            "config.toml:4: [telegram] data_dir: the program does not expand {sign}: this would be the directory \
             {value}\n    write an absolute path, such as data_dir = {meant:?}"
        );
        assert_eq!(errors, [expected]);
        // A program that made the directory goes on with it.
        std::fs::create_dir_all(dir.path().join(value)).expect("made");
        let loaded = Config::load(None, &environment).expect("can be used");
        assert_eq!(loaded.warnings.len(), 1, "{:#?}", loaded.warnings);
        assert_eq!(loaded.config.telegram.data_dir, dir.path().join(value));
    }
}

#[test]
fn a_data_directory_that_cannot_be_used_is_reported_with_all_other_errors() {
    fn refuse(path: &Path) -> Option<Unusable> {
        Some(Unusable {
            problem: format!("{} cannot be made", path.display()),
            remedy: "name another".to_owned(),
        })
    }
    let text = minimal("telegram", "data_dir = \"/proc/x\"").replace("12345", "-1");
    let dir = ConfigDir::with(&text);
    let environment: Environment = dir.environment();
    let errors = Config::load_with_data_dir(None, &environment, refuse).expect_err("unusable");
    let keys: Vec<_> = errors
        .iter()
        .map(|error| {
            (
                error.line,
                error.key.as_deref().unwrap_or_default(),
                error.problem.as_str(),
            )
        })
        .collect();
    assert_eq!(keys[0].1, "api_id", "{errors}");
    assert_eq!(
        keys[1],
        (Some(4), "data_dir", "/proc/x cannot be made"),
        "{errors}"
    );
    assert_eq!(errors.iter().count(), 3, "{errors}");
    let path: PathBuf = dir.path().join("config.toml");
    assert_eq!(
        errors.iter().nth(1).and_then(|error| error.file.clone()),
        Some(path)
    );
}
