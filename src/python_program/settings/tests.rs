//! The keys of both generations, and the text of the configuration.

use super::*;

const NEW: &str = "[pyrogram]\napi_id = 1\napi_hash = 0123456789abcdef0123456789abcdef\n[proxy]\nenabled = False\n\
    hostname = 127.0.0.1\nport = 1080\n[bots]\nnospam_id = 5\nindex_id = 9\nwarn_id = [DATA EXPUNGED]\n[channels]\n\
    hide_channel_id = -1001234567890\n[time]\ndate_reset = 1st mon\ntime_new = 600\n[language]\nnormalize = True\n\
    [mode]\nbackup = True\n[encrypt]\npassword = correct \"horse\" %% \\ #\n";

fn device() -> Device {
    Device {
        device_model: "CPython 3.7.3".into(),
        system_version: "Linux 4.19".into(),
        app_version: "Pyrogram 0.17.1".into(),
        lang_code: "en".into(),
    }
}

fn text_of(ini: &str) -> (Settings, toml::Table) {
    let settings = Settings::of(&Ini::parse(ini.as_bytes()).expect("parsed")).expect("usable");
    let text = settings.config_text(&device(), Path::new("data"), Path::new("/opt/avatar"));
    let table = text.parse().expect("TOML");
    assert!(!text.contains("Copy this file"), "{text}");
    assert!(text.contains("import` wrote this file"), "{text}");
    (settings, table)
}

#[test]
fn both_generations_of_keys_are_taken() {
    let old = NEW
        .replace("[time]\ndate_reset", "[custom]\nreset_day")
        .replace("[language]\nnormalize", "zh_cn");
    for ini in [NEW, &old] {
        let (settings, table) = text_of(ini);
        assert_eq!(table["custom"]["reset_day"].as_str(), Some("1st mon"));
        assert_eq!(table["custom"]["time_new"].as_integer(), Some(600));
        assert_eq!(table["custom"]["zh_cn"].as_bool(), Some(true));
        assert_eq!(table["mode"]["backup"].as_bool(), Some(true));
        assert_eq!(table["bots"]["nospam_id"].as_integer(), Some(5));
        assert_eq!(table["bots"]["warn_id"].as_integer(), Some(0));
        assert_eq!(table["exchange"]["dialect"].as_str(), Some("current"));
        assert_eq!(table["exchange"]["files"].as_str(), Some("python"));
        // Python's own program reads the password without interpolation.
        assert_eq!(
            table["encrypt"]["password"].as_str(),
            Some("correct \"horse\" %% \\ #")
        );
        let unused: Vec<&str> = settings
            .unused
            .iter()
            .map(|unused| unused.name.as_str())
            .collect();
        assert_eq!(unused, ["[bots] warn_id", "[bots] index_id"]);
    }
}

#[test]
fn a_missing_or_unusable_value_is_a_problem() {
    let ini = NEW
        .replace("api_id = 1", "api_id = one")
        .replace("-1001234567890", "[DATA EXPUNGED]");
    let problems =
        Settings::of(&Ini::parse(ini.as_bytes()).expect("parsed")).expect_err("unusable");
    assert_eq!(
        problems,
        [
            "line 2: [pyrogram] api_id is not a whole number",
            "[channels] hide_channel_id is missing or not filled in"
        ]
    );
}

#[test]
fn a_key_whose_section_gives_it_another_meaning_is_left_out() {
    let ini = NEW
        .replace("[mode]\nbackup = True\n", "[schedule]\nbackup = daily\n")
        .replace("[language]", "[custom]\ntime_new = 5\n[language]");
    let (settings, table) = text_of(&ini);
    assert_eq!(table["mode"]["backup"].as_bool(), Some(false));
    assert_eq!(table["custom"]["time_new"].as_integer(), Some(600));
    let unused = |name: &str| settings.unused.iter().any(|unused| unused.name == name);
    assert!(unused("[custom] time_new") && unused("[schedule] backup"));
}

#[test]
fn a_value_keeps_every_character() {
    for password in [
        "semicolon; and # hash",
        "back\\slash \"quotes\" 'single' \"\"\" '\x27'",
        "100% %% %(name)s",
        "電池 é \u{1f512} tab\there",
        "[x] = y : z",
    ] {
        let ini = NEW.replace("correct \"horse\" %% \\ #", password);
        let (_, table) = text_of(&ini);
        assert_eq!(table["encrypt"]["password"].as_str(), Some(password));
    }
}
