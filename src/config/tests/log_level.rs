//! The sources of the log level.

use super::{ConfigDir, minimal};
use crate::config::{Config, LevelOrigin, LogLevel};

#[test]
fn the_command_line_wins_over_the_variable_and_the_variable_over_the_file() {
    use LevelOrigin::{CommandLine, Variable};
    use LogLevel::{Debug, Error, Info, Trace, Warn};
    let configured = "level = \"warn\"";
    for (lines, variable, flag, expected) in [
        ("", None, None, (Info, LevelOrigin::Config)),
        (configured, None, None, (Warn, LevelOrigin::Config)),
        (configured, Some("debug"), None, (Debug, Variable)),
        ("", Some(" TRACE "), None, (Trace, Variable)),
        (configured, Some(""), None, (Warn, LevelOrigin::Config)),
        (configured, Some("debug"), Some(Error), (Error, CommandLine)),
        (
            configured,
            Some("nonsense"),
            Some(Error),
            (Error, CommandLine),
        ),
    ] {
        let dir = ConfigDir::with(&minimal("log", lines));
        let mut environment = dir.environment().with_log_level(flag);
        if let Some(variable) = variable {
            environment = environment.with("RUST_LOG", variable);
        }
        let loaded = Config::load(None, &environment).expect("can be used");
        let log = loaded.config.log;
        assert_eq!(
            (log.level, log.level_origin),
            expected,
            "{lines} {variable:?}"
        );
        assert_eq!(loaded.warnings, []);
    }
}

#[test]
fn a_variable_that_holds_no_level_is_a_warning_and_ignored() {
    for value in ["verbose", "scp_079_avatar=debug", "hyper=trace,info", "off"] {
        let dir = ConfigDir::with(&minimal("log", "level = \"warn\""));
        let environment = dir.environment().with("RUST_LOG", value);
        let loaded = Config::load(None, &environment).expect("can be used");
        assert_eq!(loaded.config.log.level, LogLevel::Warn);
        let [warning] = &loaded.warnings[..] else {
            panic!("{:#?}", loaded.warnings)
        };
        let text = warning.to_string();
        for part in [
            "config.toml:9: [log] level: the environment variable RUST_LOG is ignored",
            &format!("{value:?} is not a level"),
            "error, warn, info, debug, trace, or use --log-level",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }
}
