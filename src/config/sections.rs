//! Section by section, from keys to the types of [`super::Config`].
//!
//! Owns every key's name, default, bounds and words of advice, and the checks between keys.
//! Refuses to know where the text came from. Every function reads all its keys before it gives up,
//! so that one run shows all that is wrong.

use std::time::Duration;

use super::credentials::{Found, Names, Places};
use super::document::Document;
use super::finding::{ConfigErrors, Finding};
use super::search::{Environment, Source};
use super::section::Section;
use super::syntax::Text;
use super::reset_day::{
    CRON_HINT, Dialect, FileKind, LogFormat, LogLevel, ResetDay, parse_cron, parse_reset_time,
};
use super::{Config, Custom, Delivery, Encrypt, Exchange, Log, Mode, Schedule, Telegram};
use super::{peers, proxy};
use crate::secret::{Origin, Secret};

const API_ID: Names = Names {
    key: "api_id",
    file_key: "api_id_file",
    credential: "api_id",
    variable: "SCP079_TELEGRAM_API_ID",
    number: true,
};
const API_HASH: Names = Names {
    key: "api_hash",
    file_key: "api_hash_file",
    credential: "api_hash",
    variable: "SCP079_TELEGRAM_API_HASH",
    number: false,
};
const PASSWORD: Names = Names {
    key: "password",
    file_key: "password_file",
    credential: "password",
    variable: "SCP079_ENCRYPT_PASSWORD",
    number: false,
};
/// The device that the account's list of sessions shows unless the maintainer names another.
///
/// An ordinary desktop. It has to stay what it is from release to release: a session whose device
/// changes looks like a stolen one, to Telegram and to anybody who reads the list. It must not be
/// the protocol crate's default either, which gives a program away.
const DEVICE_MODEL: &str = "PC 64bit";
const SYSTEM_VERSION: &str = "Windows 10";
const APP_VERSION: &str = "4.16.8";
const LANG_CODE: &str = "en";

/// The shortest password that seals anything.
const PASSWORD_CHARACTERS: usize = 8;

/// Checks a whole configuration.
pub(super) fn read(
    source: &Source,
    environment: &Environment,
) -> Result<(Config, Vec<Finding>), ConfigErrors> {
    let text = Text::new(&source.text);
    let mut document = Document::parse(&source.path, &text);
    let places = Places {
        environment,
        base: source.path.parent().unwrap_or(&source.path),
    };
    let config = read_sections(&mut document, &places);
    if let Some(config) = &config {
        warn(&mut document, config, source);
    }
    let warnings = document.close()?;
    let config = config.expect("a section is withheld only after an error was noted");
    Ok((config, warnings))
}

fn read_sections(document: &mut Document<'_>, places: &Places<'_>) -> Option<Config> {
    let telegram = section(document, "telegram", |s| telegram(s, places));
    let proxy = section(document, "proxy", |s| proxy::read(s, places));
    let bots = section(document, "bots", peers::bots);
    let channels = section(document, "channels", peers::channels);
    let custom = section(document, "custom", custom);
    let encrypt = section(document, "encrypt", |s| encrypt(s, places));
    let exchange = section(document, "exchange", exchange);
    let mode = section(document, "mode", mode);
    let schedule = section(document, "schedule", schedule);
    let delivery = section(document, "delivery", delivery);
    let log = section(document, "log", log);
    Some(Config {
        telegram: telegram?,
        proxy: proxy?,
        bots: bots?,
        channels: channels?,
        custom: custom?,
        encrypt: encrypt?,
        exchange: exchange?,
        mode: mode?,
        schedule: schedule?,
        delivery: delivery?,
        log: log?,
    })
}

fn section<'t, T>(
    document: &mut Document<'t>,
    name: &'static str,
    read: impl FnOnce(&mut Section<'_, 't>) -> Option<T>,
) -> Option<T> {
    let mut section = Section::open(document, name);
    let result = read(&mut section);
    section.close();
    result
}

/// Says what is allowed and yet unwise.
fn warn(document: &mut Document<'_>, config: &Config, source: &Source) {
    let inline = |origin: &Origin| matches!(origin, Origin::Config { .. });
    let path = source.path.display();
    if source.world_readable && config.origins().any(|(_, _, origin)| inline(origin)) {
        document.warn(Finding {
            problem: "any user of this machine can read the secrets in this file".to_owned(),
            remedy: format!("chmod 600 {path}"),
            ..Finding::default()
        });
    }
    if config.telegram.data_dir.starts_with("/etc") {
        document.warn(Finding {
            section: Some("telegram".to_owned()),
            key: Some("data_dir".to_owned()),
            problem: format!(
                "the state would live in {}, among configurations",
                config.telegram.data_dir.display()
            ),
            remedy: "set it to a directory of the account's own, such as data_dir = \"/var/lib/scp-079-avatar/main\"".to_owned(),
            ..Finding::default()
        });
    }
}

fn telegram(section: &mut Section<'_, '_>, places: &Places<'_>) -> Option<Telegram> {
    let api_id = match places.look(section, &API_ID) {
        Found::Secret(secret) => api_id(section, &secret),
        Found::Nowhere(line) => {
            let usual = "get it from https://my.telegram.org and write api_id = 12345678";
            section.unfilled("api_id", line, API_ID.remedy(usual))
        }
        Found::Faulty => None,
    };
    let api_hash = match places.look(section, &API_HASH) {
        Found::Secret(secret) => Some(api_hash(section, secret)),
        Found::Nowhere(line) => {
            let usual = "get it from https://my.telegram.org and write api_hash = \"…\"";
            section.unfilled("api_hash", line, API_HASH.remedy(usual))
        }
        Found::Faulty => None,
    };
    let data_dir = section.text("data_dir", "data");
    let device_model = section.text("device_model", DEVICE_MODEL);
    let system_version = section.text("system_version", SYSTEM_VERSION);
    let app_version = section.text("app_version", APP_VERSION);
    let lang_code = section.text("lang_code", LANG_CODE);
    Some(Telegram {
        api_id: api_id?,
        api_hash: api_hash?,
        data_dir: places.base.join(data_dir?),
        device_model: device_model?,
        system_version: system_version?,
        app_version: app_version?,
        lang_code: lang_code?,
    })
}

fn api_id(section: &mut Section<'_, '_>, secret: &Secret) -> Option<Secret<i32>> {
    match secret.expose().trim().parse::<i32>() {
        Ok(id) if id > 0 => Some(Secret::new(id, secret.origin().clone())),
        _ => section.wrong(
            "api_id",
            section.line_of("api_id"),
            format!("what {} holds is no api_id", secret.origin()),
            "write the number that https://my.telegram.org shows as App api_id",
        ),
    }
}

fn api_hash(section: &mut Section<'_, '_>, secret: Secret) -> Secret {
    let hash = secret.expose();
    if hash.len() != 32 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        section.warn(
            "api_hash",
            section.line_of("api_hash"),
            "does not look like one of Telegram's, which are 32 digits 0-9 and a-f",
            "compare it with App api_hash on https://my.telegram.org",
        );
    }
    secret
}

fn custom(section: &mut Section<'_, '_>) -> Option<Custom> {
    let reset_day = section.parsed("reset_day", "1st mon", ResetDay::parse, ResetDay::HINT);
    let time_new = section.number("time_new", 1800, 1..=31_536_000, "seconds");
    let zh_cn = section.flag("zh_cn", false);
    let check_bio = section.flag("check_bio", false);
    Some(Custom {
        reset_day: reset_day?,
        time_new: Duration::from_secs(time_new?.unsigned_abs()),
        zh_cn: zh_cn?,
        check_bio: check_bio?,
    })
}

fn encrypt(section: &mut Section<'_, '_>, places: &Places<'_>) -> Option<Encrypt> {
    let advice =
        "write the password that all of the fleet seals files with, such as password = \"…\"";
    match places.look(section, &PASSWORD) {
        Found::Secret(password) => {
            let long = password.expose().chars().count();
            if long < PASSWORD_CHARACTERS {
                return section.wrong(
                    "password",
                    section.line_of("password"),
                    format!("is too short: {long} of at least {PASSWORD_CHARACTERS} characters"),
                    "use a longer one, here and in NOSPAM",
                );
            }
            Some(Encrypt { password })
        }
        Found::Nowhere(line) => section.unfilled("password", line, PASSWORD.remedy(advice)),
        Found::Faulty => None,
    }
}

fn exchange(section: &mut Section<'_, '_>) -> Option<Exchange> {
    let dialect = section.parsed("dialect", "classic", Dialect::parse, Dialect::HINT);
    let files = section.parsed("files", "sealed", FileKind::parse, FileKind::HINT);
    Some(Exchange {
        dialect: dialect?,
        files: files?,
    })
}

fn mode(section: &mut Section<'_, '_>) -> Option<Mode> {
    let backup = section.flag("backup", false)?;
    Some(Mode { backup })
}

fn schedule(section: &mut Section<'_, '_>) -> Option<Schedule> {
    let mut cron = |key, default| section.parsed(key, default, parse_cron, CRON_HINT);
    let status = cron("status", "30 * * * *");
    let backup = cron("backup", "0 20 * * *");
    let count = cron("count", "0 21 * * *");
    let admins = cron("admins", "30 22 * * *");
    let recheck = cron("recheck", "*/15 * * * *");
    let reset_time = section.parsed("reset_time", "0 22 * * *", parse_reset_time, CRON_HINT);
    Some(Schedule {
        status: status?,
        backup: backup?,
        count: count?,
        reset_time: reset_time?,
        admins: admins?,
        recheck: recheck?,
    })
}

fn delivery(section: &mut Section<'_, '_>) -> Option<Delivery> {
    let interval = section.number("min_interval_ms", 3000, 0..=3_600_000, "milliseconds");
    let age = section.number("max_age_hours", 48, 1..=8760, "hours");
    let spool = section.number("spool_max_mb", 512, 1..=1_048_576, "megabytes");
    Some(Delivery {
        min_interval: Duration::from_millis(interval?.unsigned_abs()),
        max_age: Duration::from_secs(age?.unsigned_abs() * 3600),
        spool_max_bytes: spool?.unsigned_abs() * 1024 * 1024,
    })
}

fn log(section: &mut Section<'_, '_>) -> Option<Log> {
    let format = section.parsed("format", "text", LogFormat::parse, LogFormat::HINT);
    let level = section.parsed("level", "info", LogLevel::parse, LogLevel::HINT);
    Some(Log {
        format: format?,
        level: level?,
    })
}
