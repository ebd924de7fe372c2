//! The warnings about configurations that can be used.

use super::{ConfigDir, minimal};

/// A section, lines in it, and the parts of the only warning.
type Case = (&'static str, &'static str, &'static [&'static str]);

#[rustfmt::skip]
const UNWISE: &[Case] = &[
    ("bots", "user_id = 5\nwarn_id = 5", &["config.toml:10: [bots] warn_id: is the same account as user_id", "correct one of the two"]),
    ("bots", "captcha_id = 7\nnospam_id = 7", &["config.toml:9: [bots] captcha_id: is the same account as nospam_id"]),
    ("channels", "debug_channel_id = -1001234567890", &["config.toml:6: [channels] debug_channel_id: is the same channel as hide_channel_id", "or 0"]),
    ("delivery", "min_interval_ms = 0", &["config.toml:9: [delivery] min_interval_ms: 0 ms", "one post a second", "write 1000 or more"]),
    ("delivery", "min_interval_ms = 999", &["999 ms", "write 1000 or more"]),
    ("delivery", "pace = \"steady\"\nmin_interval_ms = 2999", &["config.toml:10: ", "2999 ms", "does not learn", "write 3000 or more, or pace = \"adaptive\""]),
    ("delivery", "pace = \"steady\"", &["config.toml:8: [delivery] min_interval_ms: 1000 ms", "write 3000 or more"]),
    ("exchange", "dialect = \"current\"", &["config.toml:8: [exchange] files: no fleet reads", "dialect = \"current\" and files = \"python\""]),
    ("exchange", "files = \"python\"", &["config.toml:8: [exchange] dialect: no fleet reads", "dialect = \"current\" and files = \"python\""]),
];

const RIGHT: &[(&str, &str)] = &[
    ("bots", "user_id = 5\nwarn_id = 6\ntip_id = 0\nwatch_id = 0"),
    ("channels", "debug_channel_id = -1001234567891"),
    ("delivery", "min_interval_ms = 1000"),
    ("delivery", "pace = \"steady\"\nmin_interval_ms = 3000"),
    ("exchange", "dialect = \"current\"\nfiles = \"python\""),
    ("exchange", "dialect = \"classic\"\nfiles = \"sealed\""),
];

/// Returns the warnings as text, without the directory's name.
fn warnings(text: &str) -> Vec<String> {
    let dir = ConfigDir::with(text);
    let directory = format!("{}/", dir.path().display());
    let warnings = dir.load().expect("can be used").warnings;
    let shown = warnings.iter().map(ToString::to_string);
    shown.map(|text| text.replace(&directory, "")).collect()
}

#[test]
fn an_unwise_value_is_a_warning_with_its_remedy() {
    for (section, lines, parts) in UNWISE {
        let warnings = warnings(&minimal(section, lines));
        assert_eq!(warnings.len(), 1, "{lines}: {warnings:#?}");
        for part in *parts {
            assert!(
                warnings[0].contains(part),
                "{part:?} is not in\n{}",
                warnings[0]
            );
        }
    }
    for (section, lines) in RIGHT {
        assert_eq!(warnings(&minimal(section, lines)), [""; 0], "{lines}");
    }
}

#[test]
fn a_published_api_id_is_a_warning_wherever_it_comes_from() {
    for (id, program) in [
        ("17349", "documentation"),
        ("2040", "Telegram Desktop"),
        ("4", "Android"),
    ] {
        let text = minimal("log", "").replace("= 12345", &format!("= {id}"));
        let warnings = warnings(&text);
        assert_eq!(warnings.len(), 1, "{warnings:#?}");
        for part in [
            "config.toml:2: [telegram] api_id: is the published api_id of ",
            program,
            "of your own on https://my.telegram.org",
        ] {
            assert!(
                warnings[0].contains(part),
                "{part:?} is not in\n{}",
                warnings[0]
            );
        }
    }
    let text = minimal("telegram", "api_id_file = \"id\"").replace("api_id = 12345\n", "");
    let dir = ConfigDir::with(&text);
    dir.write("id", "94575\n");
    let warnings = dir.load().expect("can be used").warnings;
    assert!(
        warnings[0].to_string().contains("TDLib's examples"),
        "{warnings:#?}"
    );
}

#[test]
fn advice_about_a_valid_choice_is_for_check_only() {
    for (section, lines, is_advice) in [
        ("channels", "exchange_channel_id = -1001111111111", true),
        ("delivery", "min_interval_ms = 0", true),
        ("exchange", "files = \"python\"", true),
        ("bots", "user_id = 5\nwarn_id = 5", false),
        ("telegram", "data_dir = \"/etc/avatar\"", false),
    ] {
        let dir = ConfigDir::with(&minimal(section, lines));
        let warnings = dir.load().expect("can be used").warnings;
        assert_eq!(warnings.len(), 1, "{lines}: {warnings:#?}");
        assert_eq!(warnings[0].is_advice, is_advice, "{lines}");
    }
}
