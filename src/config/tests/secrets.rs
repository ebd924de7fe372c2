//! Where secrets come from, and what is said about how they are kept.

use super::{HASH, Place, minimal};
use crate::config::Config;
use crate::secret::Origin;

#[test]
fn secrets_come_from_the_first_place_that_has_them() {
    let unfilled = minimal("encrypt", "password_file = \"sealing\"")
        .replace("\"correct horse\"", "\"[DATA EXPUNGED]\"");
    let place = Place::with(&unfilled);
    place.write("sealing", "from the file\n");
    let config = place.load().expect("is right").config;
    assert_eq!(config.encrypt.password.expose(), "from the file");
    let file = Origin::File(place.path().join("sealing"));
    assert_eq!(config.encrypt.password.origin(), &file);

    let place = Place::with("[channels]\nhide_channel_id = -1001234567890\n");
    let environment = place
        .environment()
        .with("CREDENTIALS_DIRECTORY", place.path())
        .with("SCP079_TELEGRAM_API_HASH", HASH)
        .with("SCP079_ENCRYPT_PASSWORD", "from the environment");
    place.write("api_id", "12345\r\n");
    place.write("password", "from a credential\n\n");
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
            .contains("SCP079_ENCRYPT_PASSWORD is passed over"),
        "{warning}"
    );
}

#[test]
fn the_proxys_password_is_not_the_one_that_seals() {
    let text = minimal("proxy", "enabled = true\nusername = \"me\"").replace("password =", "#");
    let place = Place::with(&text);
    place.write("password", "seals everything");
    place.write("proxy_password", "opens-the-proxy");
    let environment = place
        .environment()
        .with("CREDENTIALS_DIRECTORY", place.path());
    let config = Config::load(None, &environment).expect("is right").config;
    assert_eq!(config.encrypt.password.expose(), "seals everything");
    let (_, password) = config.proxy.and_then(|proxy| proxy.login).expect("a login");
    assert_eq!(password.expose(), "opens-the-proxy");
}

#[test]
fn a_secret_that_cannot_be_had_is_an_error() {
    let place = Place::with(&minimal("encrypt", "password_file = \"gone\""));
    let errors = place.errors();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].starts_with("config.toml:8: [encrypt] password_file: gone cannot be read"));

    place.write("gone", "another password");
    let errors = place.errors();
    assert!(
        errors[0].contains("password: is set twice"),
        "{}",
        errors[0]
    );

    let place = Place::with(&minimal("telegram", "api_hash_file = \"empty\""));
    place.write("empty", "\n");
    assert!(place.errors()[0].contains("api_hash_file: empty is empty"));

    let text = minimal("log", "").replace("api_id = 12345", "");
    let place = Place::with(&text);
    let environment = place.environment().with("SCP079_TELEGRAM_API_ID", "x1");
    let errors = place.errors_in(&environment);
    assert!(
        errors[0].contains("SCP079_TELEGRAM_API_ID holds is no api_id"),
        "{}",
        errors[0]
    );
    let missing = &place.errors()[0];
    for way in [
        "my.telegram.org",
        "api_id_file",
        "credential api_id",
        "SCP079_TELEGRAM_API_ID",
    ] {
        assert!(missing.contains(way), "{missing}");
    }
}

#[test]
fn what_is_unwise_is_a_warning() {
    let place = Place::with(&minimal("log", ""));
    place.mode("config.toml", 0o644);
    let warnings = place.load().expect("is right").warnings;
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    let path = place.path().join("config.toml");
    assert_eq!(warnings[0].remedy, format!("chmod 600 {}", path.display()));

    let place = Place::with("[channels]\nhide_channel_id = -1001234567890\n");
    place.mode("config.toml", 0o644);
    let environment = place
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

    let place = Place::with(&minimal("bots", "user_id = 5\nwarn_id = 5"));
    let warnings = place.load().expect("is right").warnings;
    assert!(
        warnings[0]
            .to_string()
            .contains("warn_id: is the same account as user_id")
    );

    let place = Place::with(&minimal("telegram", "data_dir = \"/etc/avatar\""));
    let warnings = place.load().expect("is right").warnings;
    assert!(warnings[0].remedy.contains("/var/lib/scp-079-avatar"));
}
