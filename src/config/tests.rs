//! Valid configurations, the example file and the defaults.

mod account_directory;
mod errors;
mod log_level;
mod secrets;
mod warnings;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;
use crate::model::{ChannelId, UserId};

const HASH: &str = "0123456789abcdef0123456789abcdef";

/// A directory that holds a configuration.
struct ConfigDir(tempfile::TempDir);

impl ConfigDir {
    fn with(config: &str) -> Self {
        let dir = Self(tempfile::tempdir().expect("tempdir"));
        dir.write("config.toml", config);
        dir
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("write");
        self.mode(name, 0o600);
    }

    fn mode(&self, name: &str, mode: u32) {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path().join(name), permissions).expect("chmod");
    }

    fn environment(&self) -> Environment {
        Environment::rooted(self.path())
    }

    fn load(&self) -> Result<Loaded, ConfigErrors> {
        Config::load(None, &self.environment())
    }

    /// Returns the errors as text, without the directory's name.
    fn errors(&self) -> Vec<String> {
        self.errors_in(&self.environment())
    }

    fn errors_in(&self, environment: &Environment) -> Vec<String> {
        let errors = Config::load(None, environment).expect_err("is wrong");
        let directory = format!("{}/", self.path().display());
        errors
            .iter()
            .map(|error| error.to_string().replace(&directory, ""))
            .collect()
    }
}

/// Returns the shortest valid configuration, on lines 1 to 7; `lines` follow in `section`.
fn minimal(section: &str, lines: &str) -> String {
    let mut sections = [
        ("telegram", format!("api_id = 12345\napi_hash = \"{HASH}\"")),
        ("channels", "hide_channel_id = -1001234567890".to_owned()),
        ("encrypt", "password = \"correct horse\"".to_owned()),
    ];
    let mut text = String::new();
    for (name, keys) in &mut sections {
        if *name == section {
            keys.push('\n');
            keys.push_str(lines);
        }
        text.push_str(&format!("[{name}]\n{keys}\n"));
    }
    if !sections.iter().any(|(name, _)| *name == section) {
        text.push_str(&format!("[{section}]\n{lines}\n"));
    }
    text
}

/// Loads the minimal configuration with additional lines.
fn loaded(section: &str, lines: &str) -> Config {
    let dir = ConfigDir::with(&minimal(section, lines));
    dir.load().expect("is right").config
}

#[test]
fn the_example_lacks_only_the_required_keys() {
    let errors = ConfigDir::with(EXAMPLE).errors();
    let line = |start: &str| {
        let at = EXAMPLE.lines().position(|line| line.starts_with(start));
        at.expect("is in the example") + 1
    };
    let expected = [
        ("telegram", "api_id"),
        ("telegram", "api_hash"),
        ("channels", "hide_channel_id"),
        ("encrypt", "password"),
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, (section, key)) in errors.iter().zip(expected) {
        let line = line(&format!("{key} = \"[DATA"));
        let head = format!("config.toml:{line}: [{section}] {key}: is not filled in\n");
        assert!(error.starts_with(&head), "{error}\n{head}");
    }
}

#[test]
fn a_channel_may_be_given_by_the_link_to_one_of_its_posts() {
    let linked =
        minimal("encrypt", "").replace("-1001234567890", "\"https://t.me/c/1234567890/12\"");
    let loaded = ConfigDir::with(&linked).load().expect("is right");
    assert_eq!(loaded.config.channels.hide.bot_api(), -1_001_234_567_890);
    let account = minimal("bots", "nospam_id = \"https://t.me/c/1234567890/12\"");
    let errors = ConfigDir::with(&account).errors();
    assert!(errors[0].contains("expected a whole number"), "{errors:?}");
}

#[test]
fn the_example_filled_in_equals_the_defaults() {
    let filled = EXAMPLE
        .replace("api_id = \"[DATA EXPUNGED]\"", "api_id = 12345")
        .replace(
            "api_hash = \"[DATA EXPUNGED]\"",
            &format!("api_hash = \"{HASH}\""),
        )
        .replace(
            "hide_channel_id = \"[DATA EXPUNGED]\"",
            "hide_channel_id = -1001234567890",
        )
        .replace(
            "password = \"[DATA EXPUNGED]\"",
            "password = \"correct horse\"",
        );
    let shown = |text: &str| {
        let dir = ConfigDir::with(text);
        let loaded = dir.load().expect("is right");
        assert_eq!(loaded.warnings, []);
        let root = dir.path().display().to_string();
        let shown = format!("{:#?}", loaded.config).replace(&root, "");
        // Only the lines of the secrets differ.
        shown
            .split_inclusive("from line ")
            .map(|part| part.trim_start_matches(|char: char| char.is_ascii_digit()))
            .collect::<String>()
    };
    assert_eq!(shown(&filled), shown(&minimal("log", "")));
}

#[test]
fn the_example_has_every_key() {
    // The remedy for an unknown key lists the section's keys.
    let unknown = "zzzzzzzzzzzzzzzzzzzz = 1\n";
    let mut text = String::new();
    for line in EXAMPLE.lines() {
        text.push_str(line);
        text.push('\n');
        if line.starts_with('[') {
            text.push_str(unknown);
        }
    }
    let errors = ConfigDir::with(&text).errors();
    let mut sections = 0;
    for error in errors.iter().filter(|error| error.contains("zzzz")) {
        sections += 1;
        let (_, known) = error
            .split_once("the keys of this section are ")
            .expect("a list");
        for key in known.split(", ").filter(|key| !key.ends_with("_file")) {
            let lines = [format!("\n{key} = "), format!("\n#{key} = ")];
            let is_there = lines.iter().any(|line| EXAMPLE.contains(line));
            assert!(is_there, "{key} is not in the example");
        }
    }
    assert_eq!(sections, 11);
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let config = loaded("log", "");
    assert_eq!(config.telegram.api_id.expose(), &12345);
    assert_eq!(config.telegram.api_hash.expose(), HASH);
    assert_eq!(config.telegram.data_dir.file_name(), Some("data".as_ref()));
    assert!(config.telegram.data_dir.is_absolute());
    assert!(config.proxy.is_none());
    assert_eq!(config.bots.fleet().count(), 0);
    assert_eq!(config.channels.hide.bot_api(), -1_001_234_567_890);
    assert_eq!(
        (config.channels.exchange, config.channels.debug),
        (None, None)
    );
    assert_eq!(config.custom.reset_day.to_string(), "1st mon");
    assert_eq!(config.custom.time_new, Duration::from_secs(1800));
    assert_eq!(config.custom.unseen, UnseenPolicy::Forward);
    assert!(!config.custom.zh_cn && !config.custom.check_bio && !config.mode.backup);
    assert!(config.mode.share.is_whole());
    assert_eq!(config.encrypt.password.expose(), "correct horse");
    assert_eq!(config.exchange.dialect, Dialect::Classic);
    assert_eq!(config.exchange.files, FileKind::Sealed);
    let schedule = &config.schedule;
    let crons = [
        (&schedule.status, "30 * * * *"),
        (&schedule.backup, "0 20 * * *"),
        (&schedule.count, "0 21 * * *"),
        (&schedule.reset_time, "0 22 * * *"),
        (&schedule.admins, "30 22 * * *"),
        (&schedule.recheck, "*/15 * * * *"),
    ];
    for (cron, text) in crons {
        assert_eq!(cron.as_str(), text);
    }
    assert_eq!(config.delivery.pace, PaceKind::Adaptive);
    assert_eq!(config.delivery.min_interval, Duration::from_millis(1000));
    assert_eq!(config.delivery.max_age, Duration::from_secs(48 * 3600));
    assert_eq!(config.delivery.spool_max_bytes, 512 << 20);
    assert_eq!(
        (config.log.format, config.log.level),
        (LogFormat::Text, LogLevel::Info)
    );
}

#[test]
fn configured_values_are_loaded() {
    assert_eq!(
        loaded("delivery", "min_interval_ms = 0")
            .delivery
            .min_interval,
        Duration::ZERO
    );
    let delivery = loaded("delivery", "pace = \"steady\"").delivery;
    assert_eq!(delivery.pace, PaceKind::Steady);
    assert_eq!(
        loaded("custom", "reset_day = 15").custom.reset_day,
        ResetDay::Day(15)
    );
    assert_eq!(
        loaded("custom", "reset_day = \"last\"").custom.reset_day,
        ResetDay::Last
    );
    let bots = loaded("bots", "nospam_id = 7\ncaptcha_id = 8\nuser_id = 0").bots;
    assert_eq!(bots.nospam, Some(UserId::new(7)));
    assert_eq!(
        bots.others.into_iter().collect::<Vec<_>>(),
        [("captcha", UserId::new(8))]
    );
    let channels = loaded("channels", "exchange_channel_id = -1001111111111").channels;
    assert_eq!(
        channels.exchange.map(ChannelId::bot_api),
        Some(-1_001_111_111_111)
    );
    let data = loaded("telegram", "data_dir = \"/var/lib/avatar\"").telegram;
    assert_eq!(
        data.session_file(),
        Path::new("/var/lib/avatar/account.session")
    );
    let cron = loaded("schedule", "status = \"15 30 * * * *\"")
        .schedule
        .status;
    assert_eq!(cron.as_str(), "15 30 * * * *");
}

#[test]
fn a_proxy_becomes_the_url_of_the_sender() {
    let url = |lines: &str| {
        let proxy = loaded("proxy", &format!("enabled = true\n{lines}")).proxy;
        proxy.expect("is enabled").url().expose_secret().to_owned()
    };
    assert_eq!(url(""), "socks5://127.0.0.1:1080");
    assert_eq!(url("hostname = \"::1\"\nport = 9"), "socks5://[::1]:9");
    assert_eq!(url("hostname = \"[::1]\""), "socks5://[::1]:1080");
    assert_eq!(
        url("hostname = \"p.example\"\nusername = \"me\"\npassword = \"p%41$!\""),
        "socks5://me:p%41$!@p.example:1080"
    );
}

#[test]
fn every_error_of_a_proxy_is_reported_at_once() {
    for (lines, parts) in [
        (
            "port = 70000\nusername = \"a b\"\npassword = \"x@y\"",
            &["port: 70000", "username: has a", "password: has a"][..],
        ),
        (
            "hostname = \"a b\"\nusername = 5\npassword = \"x@y\"",
            &["hostname: ", "username: expected a text", "password: has a"],
        ),
        (
            "port = 0\npassword = \"x@y\"",
            &["username: is missing", "port: 0", "password: has a"],
        ),
    ] {
        let dir = ConfigDir::with(&minimal("proxy", &format!("enabled = true\n{lines}")));
        let errors = dir.errors();
        assert_eq!(errors.len(), parts.len(), "{errors:#?}");
        for (error, part) in errors.iter().zip(parts) {
            assert!(error.contains(part), "{part:?} is not in\n{error}");
        }
    }
}

#[test]
fn a_proxy_login_is_complete_and_needs_no_escapes() {
    let cases = [
        ("username = \"me\"", "password: is missing"),
        ("password = \"secret\"", "username: is missing"),
        (
            "username = \"a b\"\npassword = \"x\"",
            "username: has a character",
        ),
        (
            "username = \"a\"\npassword = \"x@y\"",
            "password: has a character",
        ),
        (
            "username = \"a\"\npassword = \"密码\"",
            "password: has a character",
        ),
    ];
    for (lines, part) in cases {
        let dir = ConfigDir::with(&minimal("proxy", &format!("enabled = true\n{lines}")));
        let errors = dir.errors();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(errors[0].contains(part), "{}", errors[0]);
        assert!(
            loaded("proxy", lines).proxy.is_none(),
            "a disabled proxy may be incomplete"
        );
    }
}
