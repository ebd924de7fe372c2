//! The sources of secrets, and the warnings about unsafe files.

use super::{ConfigDir, HASH, minimal};
use crate::config::Config;
use crate::secret::Origin;

#[test]
fn secrets_come_from_the_first_source_that_has_them() {
    let unfilled = minimal("encrypt", "password_file = \"sealing\"")
        .replace("\"correct horse\"", "\"[DATA EXPUNGED]\"");
    let dir = ConfigDir::with(&unfilled);
    dir.write("sealing", "from the file\n");
    let config = dir.load().expect("is right").config;
    assert_eq!(config.encrypt.password.expose(), "from the file");
    let file = Origin::File(dir.path().join("sealing"));
    assert_eq!(config.encrypt.password.origin(), &file);

    let dir = ConfigDir::with("[channels]\nhide_channel_id = -1001234567890\n");
    let environment = dir
        .environment()
        .with("CREDENTIALS_DIRECTORY", dir.path())
        .with("SCP079_TELEGRAM_API_HASH", HASH)
        .with("SCP079_ENCRYPT_PASSWORD", "from the environment");
    dir.write("api_id", "12345\r\n");
    dir.write("password", "from a credential\n\n");
    let loaded = Config::load(None, &environment).expect("is right");
    let telegram = &loaded.config.telegram;
    assert_eq!(telegram.api_id.expose(), &12345);
    assert_eq!(
        telegram.api_hash.origin(),
        &Origin::Variable("SCP079_TELEGRAM_API_HASH".to_owned())
    );
    let password = &loaded.config.encrypt.password;
    assert_eq!(
        password.expose(),
        "from a credential\n",
        "one newline is trimmed, not two"
    );
    assert!(matches!(password.origin(), Origin::Credential(_)));
    let [warning] = &loaded.warnings[..] else {
        panic!("{:#?}", loaded.warnings)
    };
    assert!(
        warning
            .problem
            .contains("SCP079_ENCRYPT_PASSWORD is ignored"),
        "{warning}"
    );
}

#[test]
fn the_proxy_password_is_not_the_sealing_password() {
    let text = minimal("proxy", "enabled = true\nusername = \"me\"").replace("password =", "#");
    let dir = ConfigDir::with(&text);
    dir.write("password", "seals everything");
    dir.write("proxy_password", "opens-the-proxy");
    let environment = dir.environment().with("CREDENTIALS_DIRECTORY", dir.path());
    let config = Config::load(None, &environment).expect("is right").config;
    assert_eq!(config.encrypt.password.expose(), "seals everything");
    let (_, password) = config.proxy.and_then(|proxy| proxy.login).expect("a login");
    assert_eq!(password.expose(), "opens-the-proxy");
}

#[test]
fn a_secret_that_cannot_be_read_is_an_error() {
    let dir = ConfigDir::with(&minimal("encrypt", "password_file = \"gone\""));
    let errors = dir.errors();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].starts_with("config.toml:8: [encrypt] password_file: gone cannot be read"));

    dir.write("gone", "another password");
    let errors = dir.errors();
    assert!(
        errors[0].contains("password: is set twice"),
        "{}",
        errors[0]
    );

    let dir = ConfigDir::with(&minimal("telegram", "api_hash_file = \"empty\""));
    dir.write("empty", "\n");
    assert!(dir.errors()[0].contains("api_hash_file: empty is empty"));

    let text = minimal("log", "").replace("api_id = 12345", "");
    let dir = ConfigDir::with(&text);
    let environment = dir.environment().with("SCP079_TELEGRAM_API_ID", "x1");
    let errors = dir.errors_in(&environment);
    assert!(
        errors[0].contains(
            "the value in the environment variable SCP079_TELEGRAM_API_ID is not an api_id"
        ),
        "{}",
        errors[0]
    );
    let missing = &dir.errors()[0];
    for source in [
        "my.telegram.org",
        "api_id_file",
        "credential api_id",
        "SCP079_TELEGRAM_API_ID",
    ] {
        assert!(missing.contains(source), "{missing}");
    }
}

#[test]
fn an_unwise_setting_is_a_warning() {
    let dir = ConfigDir::with(&minimal("log", ""));
    dir.mode("config.toml", 0o644);
    let warnings = dir.load().expect("is right").warnings;
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    let path = dir.path().join("config.toml");
    assert_eq!(warnings[0].remedy, format!("chmod 600 {}", path.display()));

    let dir = ConfigDir::with("[channels]\nhide_channel_id = -1001234567890\n");
    dir.mode("config.toml", 0o644);
    let environment = dir
        .environment()
        .with("SCP079_TELEGRAM_API_ID", "12345")
        .with("SCP079_TELEGRAM_API_HASH", "not a hash")
        .with("SCP079_ENCRYPT_PASSWORD", "correct horse");
    let warnings = Config::load(None, &environment).expect("is right").warnings;
    assert_eq!(warnings.len(), 1, "the file holds no secret: {warnings:#?}");
    assert!(
        warnings[0]
            .to_string()
            .contains("api_hash: does not look like")
    );

    let dir = ConfigDir::with(&minimal("telegram", "data_dir = \"/etc/avatar\""));
    let warnings = dir.load().expect("is right").warnings;
    assert!(warnings[0].remedy.contains("/var/lib/scp-079-avatar"));
}
