//! The keys of the configuration, and where both generations of `config.ini` have them.

use crate::python_program::ini::Entry;

/// The fleet's accounts.
const BOTS: [&str; 22] = [
    "nospam_id",
    "analyze_id",
    "appeal_id",
    "apply_id",
    "avatar_id",
    "backup_id",
    "captcha_id",
    "clean_id",
    "config_id",
    "hide_id",
    "lang_id",
    "long_id",
    "manage_id",
    "noflood_id",
    "noporn_id",
    "recheck_id",
    "regex_id",
    "ticket_id",
    "tip_id",
    "user_id",
    "warn_id",
    "watch_id",
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Flag,
    Text,
    Day,
}

/// A key of the configuration, and where the Python program has it.
pub(super) struct Source {
    pub(super) section: &'static str,
    pub(super) key: &'static str,
    pub(super) kind: Kind,
    /// The section of `config.ini` that is looked at first; the others follow.
    pub(super) old_section: &'static str,
    pub(super) old_keys: &'static [&'static str],
    /// True if the Python program takes the key from this section only.
    pub(super) only_there: bool,
}

impl Source {
    pub(super) fn is_own(&self, entry: &Entry) -> bool {
        entry.section.eq_ignore_ascii_case(self.old_section)
    }
}

/// Returns all known keys.
pub(super) fn sources() -> Vec<Source> {
    let source = |section, key, kind, old_section, old_keys| Source {
        section,
        key,
        kind,
        old_section,
        old_keys,
        only_there: false,
    };
    let mut all = vec![
        source(
            "telegram",
            "api_id",
            Kind::Number,
            "pyrogram",
            &["api_id"][..],
        ),
        source(
            "telegram",
            "api_hash",
            Kind::Text,
            "pyrogram",
            &["api_hash"],
        ),
        source(
            "channels",
            "hide_channel_id",
            Kind::Number,
            "channels",
            &["hide_channel_id"],
        ),
        source(
            "channels",
            "exchange_channel_id",
            Kind::Number,
            "channels",
            &["exchange_channel_id"],
        ),
        source(
            "channels",
            "debug_channel_id",
            Kind::Number,
            "channels",
            &["debug_channel_id"],
        ),
        source(
            "custom",
            "reset_day",
            Kind::Day,
            "time",
            &["date_reset", "reset_day"],
        ),
        source("custom", "time_new", Kind::Number, "time", &["time_new"]),
        source(
            "custom",
            "zh_cn",
            Kind::Flag,
            "language",
            &["normalize", "zh_cn"],
        ),
        source("mode", "backup", Kind::Flag, "mode", &["backup"]),
    ];
    for key in ["enabled", "hostname", "port", "username", "password"] {
        let kind = match key {
            "enabled" => Kind::Flag,
            "port" => Kind::Number,
            _ => Kind::Text,
        };
        all.push(Source {
            only_there: true,
            ..source("proxy", key, kind, "proxy", one(key))
        });
    }
    all.push(Source {
        only_there: true,
        ..source("encrypt", "password", Kind::Text, "encrypt", &["password"])
    });
    all.extend(
        BOTS.iter()
            .map(|key| source("bots", key, Kind::Number, "bots", one(key))),
    );
    all
}

/// Returns a key as a list of one.
fn one(key: &'static str) -> &'static [&'static str] {
    const PROXY: [&str; 5] = ["enabled", "hostname", "port", "username", "password"];
    static ALL: [&[&str]; 2] = [&PROXY, &BOTS];
    ALL.iter()
        .find_map(|keys| {
            let at = keys.iter().position(|known| *known == key)?;
            keys.get(at..=at)
        })
        .unwrap_or_default()
}
