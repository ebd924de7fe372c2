//! The errors of configurations that cannot be used.

use super::{ConfigDir, minimal};

/// A section, a wrong line in it, and the parts of the error message.
type Case = (&'static str, &'static str, &'static [&'static str]);

#[rustfmt::skip]
const WRONG: &[Case] = &[
    // Unknown names.
    ("telegram", "api_idd = 1", &["api_idd: there is no such key", "did you mean api_id?"]),
    ("telegram", "Data_Dir = \"x\"", &["did you mean data_dir?"]),
    ("telegram", "reset_day = \"last\"", &["move the line to section [custom]"]),
    ("custom", "nospamid = 1", &["did you mean nospam_id, in section [bots]?"]),
    ("mode", "zzzzzzzz = 1", &["the keys of this section are backup, share"]),
    ("bots", "nospan_id = 1", &["did you mean nospam_id?"]),
    ("channels", "critical_channel_id = 0", &["AVATAR does not use that channel"]),
    ("encrypt", "key = \"x\"", &["seals files only with the password"]),
    ("delivry", "a = 1", &["[delivry]: there is no such section", "did you mean [delivery]?"]),
    ("pyrogram", "api_id = 1", &["[pyrogram]: there is no such section", "[telegram]"]),
    ("something", "a = 1", &["there is no such section", "the sections are [bots],"]),
    // Wrong types.
    ("proxy", "enabled = \"yes\"", &["expected true or false, found the text \"yes\"", "enabled = true"]),
    ("proxy", "enabled = 1", &["expected true or false, found the number 1"]),
    ("proxy", "port = \"1080\"", &["expected a whole number, found the text \"1080\"", "port = 1080"]),
    ("proxy", "username = 5", &["expected a text, found the number 5", "in quotes"]),
    ("custom", "time_new = 30.5", &["expected a whole number, found the number 30.5"]),
    ("custom", "zh_cn = []", &["expected true or false, found a list"]),
    ("bots", "user_id = \"[DATA EXPUNGED]\"", &["is not filled in", "or remove the line"]),
    ("telegram", "device_model = \"\"", &["is empty", "or remove the line"]),
    ("channels", "debug_channel_id = 2020-01-01", &["the date 2020-01-01", "without quotes"]),
    ("schedule", "status = true", &["expected a text, found true"]),
    // Out of range.
    ("proxy", "port = 0", &["0 is out of range", "1 to 65535"]),
    ("proxy", "port = 65536", &["65536 is out of range"]),
    ("custom", "time_new = 0", &["0 is out of range", "seconds, 1 to"]),
    ("custom", "time_new = 99999999999999999999999", &["is out of range"]),
    ("delivery", "min_interval_ms = -1", &["-1 is out of range", "0 to 3600000"]),
    ("delivery", "max_age_hours = 0", &["0 is out of range", "max_age_hours = 48"]),
    ("delivery", "spool_max_mb = 0", &["0 is out of range", "megabytes"]),
    ("bots", "user_id = -5", &["-5 is not an account id", "positive number"]),
    // No meaning.
    ("channels", "exchange_channel_id = 1234567890", &["1234567890 is not a channel id", "-1001234567890"]),
    ("channels", "exchange_channel_id = -160000", &["-160000 is the id of a basic group, and this has to be a channel"]),
    ("channels", "exchange_channel_id = -1600000005", &["is the id of a basic group", "if the -100 in front is missing, write -1001600000005"]),
    ("channels", "exchange_channel_id = -10012345678", &["as the Bot API has it"]),
    ("channels", "exchange_channel_id = -9223372036854775808", &["as the Bot API has it"]),
    ("channels", "exchange_channel_id = -1001234567890", &["the same channel as hide_channel_id", "or 0"]),
    ("custom", "reset_day = \"first monday\"", &["not a day of a month", "\"1st mon\" to \"5th sun\""]),
    ("custom", "reset_day = 32", &["\"32\" is not a day of a month"]),
    ("exchange", "dialect = \"new\"", &["\"new\" is not a value of this key", "\"classic\", \"current\""]),
    ("exchange", "files = \"pickle\"", &["\"pickle\" is not a value of this key", "\"sealed\", \"python\""]),
    ("delivery", "pace = \"fast\"", &["\"fast\" is not a value of this key", "\"adaptive\", \"steady\""]),
    ("mode", "share = \"2\"", &["\"2\" is not the number of an instance", "this instance's number and how many there are, such as share = \"1/1\""]),
    ("mode", "share = 2", &["\"2\" is not the number of an instance", "share = \"1/1\""]),
    ("mode", "share = \"0/2\"", &["\"0/2\" counts from 0", "share = \"1/1\""]),
    ("mode", "share = \"1/0\"", &["\"1/0\" counts from 0", "share = \"1/1\""]),
    ("mode", "share = \"3/2\"", &["is instance 3, and there are only 2", "share = \"1/1\""]),
    ("mode", "share = \"1/61\"", &["more than 60 instances", "share = \"1/1\""]),
    ("mode", "share = true", &["expected a text, found true", "share = \"1/1\""]),
    ("log", "level = \"verbose\"", &["\"verbose\" is not a value of this key", "\"debug\""]),
    ("log", "format = \"xml\"", &["\"xml\" is not a value of this key", "\"json\""]),
    ("schedule", "backup = \"20:00\"", &["\"20:00\" is not a cron expression", "backup = \"0 20 * * *\""]),
    ("schedule", "count = \"0 0 31 4 *\"", &["has no occurrence"]),
    ("schedule", "reset_time = \"0 22 1 * *\"", &["belongs in reset_day"]),
    ("proxy", "hostname = \"socks5://x\"", &["is not a host", "without scheme and port"]),
];

#[test]
fn every_wrong_value_is_reported_with_its_remedy() {
    for (section, wrong, parts) in WRONG {
        let text = minimal(section, wrong);
        let errors = ConfigDir::with(&text).errors();
        assert_eq!(errors.len(), 1, "{wrong}: {errors:#?}");
        let at = text.lines().position(|line| {
            let header = parts.iter().any(|part| part.contains("no such section"));
            line == if header {
                format!("[{section}]")
            } else {
                (*wrong).to_owned()
            }
        });
        let position = format!("config.toml:{}: [{section}]", at.expect("is there") + 1);
        assert!(
            errors[0].starts_with(&position),
            "{}\n{position}",
            errors[0]
        );
        let key = wrong.split(' ').next().expect("a key");
        assert!(
            parts[0].contains("no such section") || errors[0].contains(key),
            "{}",
            errors[0]
        );
        for part in *parts {
            assert!(
                errors[0].contains(part),
                "{part:?} is not in\n{}",
                errors[0]
            );
        }
    }
}

#[test]
fn a_share_of_the_members_is_refused_together_with_exchange() {
    let with = |share: &str, exchange: i64| {
        let text = minimal("mode", &format!("share = \"{share}\""));
        let hide = "hide_channel_id = -1001234567890";
        text.replace(hide, &format!("{hide}\nexchange_channel_id = {exchange}"))
    };
    let errors = ConfigDir::with(&with("2/2", -1_001_111_111_111)).errors();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    for part in [
        "config.toml:10: [mode] share: cannot be used together with exchange_channel_id",
        "write 0 as exchange_channel_id in [channels], or share = \"1/1\"",
    ] {
        assert!(
            errors[0].contains(part),
            "{part:?} is not in\n{}",
            errors[0]
        );
    }
    for (share, exchange) in [("2/2", 0), ("1/1", -1_001_111_111_111)] {
        assert!(ConfigDir::with(&with(share, exchange)).load().is_ok());
    }
}

#[test]
fn everything_wrong_is_reported_at_once_in_the_order_of_the_file() {
    let dir = ConfigDir::with(
        "stray = 1\n[delivery]\nmax_age_hours = 0\nspool = 1\n[telegram]\napi_id = \"\"\n[encrypt]\npassword = \"short\"\n",
    );
    let heads: Vec<_> = dir
        .errors()
        .iter()
        .map(|error| error.lines().next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        heads,
        [
            "config.toml:1: stray: a key must be in a section",
            "config.toml:3: [delivery] max_age_hours: 0 is out of range",
            "config.toml:4: [delivery] spool: there is no such key in this section",
            "config.toml:5: [telegram] api_hash: is missing",
            "config.toml:6: [telegram] api_id: is not filled in",
            "config.toml:8: [channels] hide_channel_id: is missing, and its section with it",
            "config.toml:8: [encrypt] password: is too short: 5 of at least 8 characters",
        ]
    );
}

#[test]
fn an_empty_file_lacks_the_required_keys() {
    for text in ["", "\n", "# nothing\n"] {
        let errors = ConfigDir::with(text).errors();
        assert_eq!(errors.len(), 4, "{errors:#?}");
    }
}

#[test]
fn a_value_in_place_of_a_section_is_one_error() {
    let rest =
        "[channels]\nhide_channel_id = -1001234567890\n[encrypt]\npassword = \"correct horse\"\n";
    for text in ["telegram = 5\n", "[[telegram]]\napi_id = 1\n"] {
        let errors = ConfigDir::with(&format!("{text}{rest}")).errors();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(
            errors[0].contains("[telegram]: is not a section"),
            "{}",
            errors[0]
        );
    }
}

#[rustfmt::skip]
const SYNTAX: &[Case] = &[
    ("custom", "time_new = ", &["[custom] time_new: "]),
    ("custom", "time_new 5", &["[custom]", "a key as name = value"]),
    ("custom", "zh_cn = True", &["[custom] zh_cn: TOML has no True", "true or false"]),
    ("custom", "; a comment = 1", &["begin a comment with #"]),
    ("bots", "nospam_id = [DATA EXPUNGED]", &["[bots] nospam_id: is not filled in"]),
    ("bots", "nospam_id = 1\nnospam_id = 2", &["duplicate", "keep one of the two"]),
    ("mode", "backup = \"unclosed", &["[mode] backup: "]),
];

#[test]
fn a_syntax_error_has_line_and_column_and_hides_no_other_error() {
    for (section, lines, parts) in SYNTAX {
        let text = minimal(section, &format!("{lines}\n[log]\nlevel = \"loud\""));
        let errors = ConfigDir::with(&text).errors();
        assert_eq!(errors.len(), 2, "{lines}: {errors:#?}");
        let last = lines.lines().last().expect("a line");
        let line = text
            .lines()
            .position(|line| line == last)
            .expect("is there")
            + 1;
        assert!(
            errors[0].starts_with(&format!("config.toml:{line}:")),
            "{}",
            errors[0]
        );
        let column = errors[0].split(':').nth(2).expect("a column");
        column.parse::<usize>().expect("a number");
        for part in *parts {
            assert!(
                errors[0].contains(part),
                "{part:?} is not in\n{}",
                errors[0]
            );
        }
        assert!(
            errors[1].contains("\"loud\" is not a value of this key"),
            "{}",
            errors[1]
        );
    }
}

#[test]
fn a_section_that_is_there_twice_is_named_with_the_line_of_the_first() {
    for (repeated, first) in [("channels", 4), ("telegram", 1), ("log", 8)] {
        let text = minimal("log", "level = \"info\"") + &format!("[{repeated}]\n# again\n");
        let errors = ConfigDir::with(&text).errors();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        let expected = format!(
            "config.toml:10:2: [{repeated}]: there is a section [{repeated}] already, on line {first}\n    \
             move the keys below this line to that section"
        );
        assert!(
            errors[0].starts_with(&expected),
            "{}\n{expected}",
            errors[0]
        );
    }
}

#[test]
fn the_keys_below_a_broken_header_are_not_unknown() {
    let text = minimal("log", "").replace("[channels]", "[channels");
    let errors = ConfigDir::with(&text).errors();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].starts_with("config.toml:4:"), "{}", errors[0]);
}

#[test]
fn no_error_repeats_a_secret() {
    let secret = "hunter2hunter2";
    let cases = [
        minimal("log", "").replace("\"correct horse\"", &format!("[\"{secret}\"]")),
        minimal("log", "").replace("\"correct horse\"", &format!("\"{secret}")),
        minimal("log", "").replace("\"correct horse\"", secret),
        minimal("log", "").replace("12345", &format!("\"{secret}\"")),
        minimal(
            "proxy",
            &format!("enabled = true\nusername = \"a\"\npassword = \"{secret}@\""),
        ),
        minimal("proxy", &format!("enabled = true\npassword = \"{secret}\"")),
        minimal("encrypt", &format!("pasword = \"{secret}\"")),
    ];
    for text in cases {
        let errors = ConfigDir::with(&text).errors().join("\n");
        assert!(!errors.contains("hunter2"), "{errors}");
    }
    let number = minimal("log", "").replace("\"correct horse\"", "1234567890123");
    let errors = ConfigDir::with(&number).errors().join("\n");
    assert!(
        errors.contains("[encrypt] password: expected a text, found a whole number"),
        "{errors}"
    );
    assert!(
        errors.contains("in quotes") && !errors.contains("1234567890123"),
        "{errors}"
    );
}

#[test]
fn the_errors_of_a_config_ini_list_every_change() {
    let dir = ConfigDir::with(
        "[pyrogram]\napi_id = [DATA EXPUNGED]\n; old\n[custom]\nzh_cn = False\ndefault_group_link = \"x\"\n[channels\nhide_channel_id = -1001\n[encrypt]\nkey = \"x\"\n",
    );
    let heads: Vec<_> = dir
        .errors()
        .iter()
        .map(|error| error.lines().next().unwrap_or_default().to_owned())
        .collect();
    let expected = [
        "config.toml:1: [pyrogram]: there is no such section",
        "config.toml:2:11: [pyrogram] api_id: is not filled in",
        "config.toml:3:1: [pyrogram]: TOML has no such comment",
        "config.toml:5:9: [custom] zh_cn: TOML has no True and False",
        "config.toml:6: [custom] default_group_link: there is no such key in this section",
        "config.toml:7:10: [custom]: unclosed table, expected `]`",
        "config.toml:10: [encrypt] key: there is no such key in this section",
    ];
    assert_eq!(heads, expected);
}

#[test]
fn a_syntax_error_elsewhere_does_not_hide_a_missing_key() {
    let text = minimal("log", "level = True").replace("password", "#");
    let errors = ConfigDir::with(&text).errors();
    assert_eq!(errors.len(), 2, "{errors:#?}");
    assert!(
        errors[0].contains("[encrypt] password: is missing"),
        "{}",
        errors[0]
    );
}

#[test]
fn the_python_program_s_file_is_explained_section_by_section_and_value_by_value() {
    let mut ini = String::from(
        "[pyrogram]\napi_id = [DATA EXPUNGED]\n[custom]\ntime_new = [DATA EXPUNGED]\nzh_cn = [DATA EXPUNGED]\n\
         reset_day = [DATA EXPUNGED]\n[channels]\nhide_channel_id = [DATA EXPUNGED]\n[basic]\nprefix = /!\n",
    );
    ini.push_str(&"; a comment\n".repeat(60));
    ini.push_str("[encrypt]\npassword = [DATA EXPUNGED]\n");
    let errors = ConfigDir::with(&ini).errors();
    assert!(errors[0].contains("[pyrogram]"), "{errors:#?}");
    assert!(errors[1].contains("[basic]"), "{errors:#?}");
    for (key, remedy) in [
        ("time_new", "a whole number without quotes"),
        ("zh_cn", "true or false"),
        ("reset_day", "a text in \"quotes\""),
        ("hide_channel_id", "such as -1001234567890"),
        ("password", "a text in \"quotes\""),
    ] {
        let found = errors
            .iter()
            .find(|error| error.contains(&format!("{key}:")));
        let found = found.unwrap_or_else(|| panic!("no {key} in {errors:#?}"));
        assert!(found.contains(remedy), "{found}");
    }
}
