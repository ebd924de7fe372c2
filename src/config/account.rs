//! `[telegram]`: the application, the data directory, and the device that the account shows.

use std::path::PathBuf;

use super::account_directory::{self, DataDirOrigin};
use super::credentials::{Lookup, SecretNames, SecretSources};
use super::published_ids::publisher_of;
use super::section_reader::SectionReader;
use super::sections::{Section, Value};
use crate::secret::Secret;

const API_ID: SecretNames = SecretNames {
    key: "api_id",
    file_key: "api_id_file",
    credential: "api_id",
    variable: "SCP079_TELEGRAM_API_ID",
    is_number: true,
};
const API_HASH: SecretNames = SecretNames {
    key: "api_hash",
    file_key: "api_hash_file",
    credential: "api_hash",
    variable: "SCP079_TELEGRAM_API_HASH",
    is_number: false,
};

/// The default device is an ordinary desktop.
///
/// These four values must not change between releases: a session whose device changes looks stolen,
/// to Telegram and to everyone who reads the account's list of devices. They must differ from the
/// defaults of grammers, which identify a program.
const DEVICE_MODEL: &str = "PC 64bit";
const SYSTEM_VERSION: &str = "Windows 10";
const APP_VERSION: &str = "4.16.8";
const LANG_CODE: &str = "en";

/// `[telegram]`
#[derive(Clone, Debug)]
pub struct Telegram {
    /// The application's id from my.telegram.org; positive.
    pub api_id: Secret<i32>,
    pub api_hash: Secret,
    /// The absolute path of the data directory.
    pub data_dir: PathBuf,
    pub data_dir_origin: DataDirOrigin,
    /// The device in the account's list of sessions.
    pub device_model: String,
    pub system_version: String,
    /// The app version that Telegram is shown, which is not this program's.
    pub app_version: String,
    /// An IETF language tag.
    pub lang_code: String,
}

impl Telegram {
    /// Returns the path of `account.session`.
    #[must_use]
    pub fn session_file(&self) -> PathBuf {
        self.data_dir.join("account.session")
    }

    /// Returns the path of `state.db`.
    #[must_use]
    pub fn state_file(&self) -> PathBuf {
        self.data_dir.join("state.db")
    }
}

impl Section for Telegram {
    const NAME: &'static str = "telegram";

    fn read(section: &mut SectionReader<'_, '_>, sources: &SecretSources<'_>) -> Option<Self> {
        let api_id = match sources.find(section, &API_ID) {
            Lookup::Found(secret) => api_id(section, &secret),
            Lookup::Missing(line) => {
                let usual = "get it from https://my.telegram.org and write api_id = 12345678";
                section.missing("api_id", line, API_ID.remedy(usual))
            }
            Lookup::Invalid => None,
        };
        let api_hash = match sources.find(section, &API_HASH) {
            Lookup::Found(secret) => Some(api_hash(section, secret)),
            Lookup::Missing(line) => {
                let usual = "get it from https://my.telegram.org and write api_hash = \"…\"";
                section.missing("api_hash", line, API_HASH.remedy(usual))
            }
            Lookup::Invalid => None,
        };
        let data_dir = account_directory::read(section, sources);
        let device_model = section.text("device_model", DEVICE_MODEL);
        let system_version = section.text("system_version", SYSTEM_VERSION);
        let app_version = section.text("app_version", APP_VERSION);
        let lang_code = section.text("lang_code", LANG_CODE);
        let (data_dir, data_dir_origin) = data_dir?;
        Some(Self {
            api_id: api_id?,
            api_hash: api_hash?,
            data_dir,
            data_dir_origin,
            device_model: device_model?,
            system_version: system_version?,
            app_version: app_version?,
            lang_code: lang_code?,
        })
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::new("api_id", &self.api_id),
            Value::new("api_hash", &self.api_hash),
            Value::new(
                "data_dir",
                format_args!("{}{}", self.data_dir.display(), self.data_dir_origin),
            ),
            Value::new("device_model", &self.device_model),
            Value::new("system_version", &self.system_version),
            Value::new("app_version", &self.app_version),
            Value::new("lang_code", &self.lang_code),
        ]
    }
}

fn api_id(section: &mut SectionReader<'_, '_>, secret: &Secret) -> Option<Secret<i32>> {
    match secret.expose().trim().parse::<i32>() {
        Ok(id) if id > 0 => {
            if let Some(program) = publisher_of(id) {
                section.warning(
                    "api_id",
                    section.line_of("api_id"),
                    format!(
                        "is the published api_id of {program}: Telegram refuses it at login, or bans the account"
                    ),
                    "create an application of your own on https://my.telegram.org, and write its api_id and api_hash",
                );
            }
            Some(Secret::new(id, secret.origin().clone()))
        }
        _ => section.error(
            "api_id",
            section.line_of("api_id"),
            format!("the value in {} is not an api_id", secret.origin()),
            "write the number that https://my.telegram.org shows as App api_id",
        ),
    }
}

fn api_hash(section: &mut SectionReader<'_, '_>, secret: Secret) -> Secret {
    let hash = secret.expose();
    if hash.len() != 32 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        section.warning(
            "api_hash",
            section.line_of("api_hash"),
            "does not look like an api_hash, which has 32 digits 0-9 and a-f",
            "compare it with App api_hash on https://my.telegram.org",
        );
    }
    secret
}
