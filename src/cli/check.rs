//! `check`: reads the configuration and explains it.
//!
//! Owns the words in which a maintainer is told what the program would do, and looks at the disk
//! for nothing but whether a session is there. Connects to nothing, changes nothing, and shows of
//! every secret only where it came from.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use crate::config::{
    Bots, Channels, Config, ConfigErrors, Delivery, Environment, FileKind, Loaded, Proxy, Schedule,
    Telegram,
};
use crate::model::Timestamp;
use crate::schedule::{Job, Timetable};

/// Why `check` did not end well.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The configuration cannot be used; the program ends with 78.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// What was found could not be written.
    #[error("the explanation of the configuration could not be written")]
    Output(#[from] io::Error),
}

/// Reads the configuration as `run` would and writes to `out` what it means, as of `now`.
///
/// # Errors
///
/// All that is wrong with the configuration at once, or that `out` cannot be written to.
pub fn run(
    path: Option<&Path>,
    environment: &Environment,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CheckError> {
    let loaded = Config::load(path, environment)?;
    let mut page = Page { out };
    let timetable = Timetable::new(
        loaded.config.schedule.clone(),
        loaded.config.custom.reset_day,
    );
    values(&mut page, &loaded, &timetable, now)?;
    consequences(&mut page, &loaded, &timetable, now)?;
    warnings(&mut page, &loaded)?;
    Ok(())
}

fn values(
    page: &mut Page<'_, impl Write>,
    loaded: &Loaded,
    timetable: &Timetable,
    now: Timestamp,
) -> io::Result<()> {
    let config = &loaded.config;
    writeln!(page.out, "{} can be used.", loaded.path.display())?;

    telegram(page, &config.telegram)?;
    proxy(page, config.proxy.as_ref())?;
    bots(page, &config.bots)?;
    channels(page, &config.channels)?;

    page.section("custom")?;
    page.value("reset_day", config.custom.reset_day)?;
    page.value("time_new", Seconds(config.custom.time_new.as_secs()))?;
    page.value("zh_cn", config.custom.zh_cn)?;
    page.value("check_bio", config.custom.check_bio)?;
    page.section("encrypt")?;
    page.value("password", &config.encrypt.password)?;
    page.section("exchange")?;
    page.value("dialect", config.exchange.dialect)?;
    page.value("files", config.exchange.files)?;
    page.section("mode")?;
    page.value("backup", config.mode.backup)?;

    schedule(page, &config.schedule, timetable, now)?;
    delivery(page, &config.delivery)?;

    page.section("log")?;
    page.value("format", config.log.format)?;
    page.value("level", config.log.level)
}

fn telegram(page: &mut Page<'_, impl Write>, telegram: &Telegram) -> io::Result<()> {
    page.section("telegram")?;
    page.value("api_id", &telegram.api_id)?;
    page.value("api_hash", &telegram.api_hash)?;
    page.value("data_dir", telegram.data_dir.display())?;
    page.value("device_model", &telegram.device_model)?;
    page.value("system_version", &telegram.system_version)?;
    page.value("app_version", &telegram.app_version)?;
    page.value("lang_code", &telegram.lang_code)
}

fn proxy(page: &mut Page<'_, impl Write>, proxy: Option<&Proxy>) -> io::Result<()> {
    page.section("proxy")?;
    page.value("enabled", proxy.is_some())?;
    let Some(proxy) = proxy else { return Ok(()) };
    page.value("hostname", &proxy.hostname)?;
    page.value("port", proxy.port)?;
    match &proxy.login {
        Some((username, password)) => {
            page.value("username", username)?;
            page.value("password", password)
        }
        None => page.value("username", "none, and no password"),
    }
}

fn bots(page: &mut Page<'_, impl Write>, bots: &Bots) -> io::Result<()> {
    page.section("bots")?;
    match bots.nospam {
        Some(id) => page.value("nospam_id", id)?,
        None => page.value("nospam_id", "none")?,
    }
    for (name, id) in &bots.others {
        page.value(&format!("{name}_id"), id)?;
    }
    if bots.others.is_empty() {
        page.value("others", "none")?;
    }
    Ok(())
}

fn channels(page: &mut Page<'_, impl Write>, channels: &Channels) -> io::Result<()> {
    page.section("channels")?;
    page.value("hide_channel_id", channels.hide.bot_api())?;
    for (key, channel) in [
        ("exchange_channel_id", channels.exchange),
        ("debug_channel_id", channels.debug),
    ] {
        match channel {
            Some(channel) => page.value(key, channel.bot_api())?,
            None => page.value(key, "none")?,
        }
    }
    Ok(())
}

fn schedule(
    page: &mut Page<'_, impl Write>,
    schedule: &Schedule,
    timetable: &Timetable,
    now: Timestamp,
) -> io::Result<()> {
    page.section("schedule")?;
    for (key, cron, job) in [
        ("status", &schedule.status, Job::Status),
        ("backup", &schedule.backup, Job::Backup),
        ("count", &schedule.count, Job::Count),
        ("reset_time", &schedule.reset_time, Job::Reset),
        ("admins", &schedule.admins, Job::Admins),
        ("recheck", &schedule.recheck, Job::Recheck),
    ] {
        match timetable.next(job, now) {
            Some(next) => page.value(
                key,
                format_args!("{} (UTC), next {}", cron.as_str(), next.rfc3339()),
            )?,
            None => page.value(key, format_args!("{} (UTC), never", cron.as_str()))?,
        }
    }
    Ok(())
}

/// Whether each status report of the coming day is due in BACKUP's minutes.
fn suits_backup(timetable: &Timetable, now: Timestamp) -> bool {
    let mut due = now;
    (0..24).all(|_| match timetable.next(Job::Status, due) {
        Some(next) => {
            due = next;
            (30..=32).contains(&(next.get().rem_euclid(3600) / 60))
        }
        None => false,
    })
}

fn delivery(page: &mut Page<'_, impl Write>, delivery: &Delivery) -> io::Result<()> {
    page.section("delivery")?;
    page.value(
        "min_interval_ms",
        format_args!("{} ms", delivery.min_interval.as_millis()),
    )?;
    page.value(
        "max_age_hours",
        format_args!("{} h", delivery.max_age.as_secs() / 3600),
    )?;
    page.value(
        "spool_max_mb",
        format_args!("{} MiB", delivery.spool_max_bytes / (1024 * 1024)),
    )
}

/// Says what all that comes to.
fn consequences(
    page: &mut Page<'_, impl Write>,
    loaded: &Loaded,
    timetable: &Timetable,
    now: Timestamp,
) -> io::Result<()> {
    let config = &loaded.config;
    page.heading("What will happen")?;
    session(page, loaded)?;
    match &config.proxy {
        Some(proxy) => page.line(format_args!(
            "Telegram is reached through the SOCKS5 proxy {}, port {}.",
            proxy.hostname, proxy.port
        ))?,
        None => page.line("Telegram is reached directly.")?,
    }
    match config.bots.nospam {
        Some(id) => page.line(format_args!(
            "Only groups where NOSPAM ({id}) is an administrator are watched."
        ))?,
        None => page.line("Without nospam_id every group that the account is in is watched.")?,
    }
    let hide = config.channels.hide;
    match config.channels.exchange {
        Some(exchange) => page.line(format_args!(
            "Posts go to EXCHANGE ({exchange}), and to HIDE ({hide}) when EXCHANGE fails."
        ))?,
        None => page.line(format_args!("Posts go to HIDE ({hide})."))?,
    }
    match config.exchange.files {
        FileKind::Sealed => {
            page.line("Photos are sealed: the fleet needs a version that opens sealed files.")?
        }
        FileKind::Python => {
            page.line("Photos are written for the fleet's Python programs (pickle in AES Crypt).")?
        }
    }
    if config.mode.backup {
        page.line("Status reports say that this instance is a standby replica.")?;
    }
    page.line(format_args!(
        "A member is new, and looked at again, for {} after joining; a photo that waits for {} h is dropped and counted.",
        Seconds(config.custom.time_new.as_secs()),
        config.delivery.max_age.as_secs() / 3600
    ))?;
    if !suits_backup(timetable, now) {
        page.line(
            "BACKUP expects status reports in the minutes 30 to 32 of every hour; [schedule] status has others.",
        )?;
    }
    Ok(())
}

fn session(page: &mut Page<'_, impl Write>, loaded: &Loaded) -> io::Result<()> {
    let telegram = &loaded.config.telegram;
    page.line(format_args!(
        "The state lives in {}.",
        telegram.data_dir.display()
    ))?;
    let session = telegram.session_file();
    let shown = session.display();
    match session.try_exists() {
        Ok(true) => page.line(format_args!("The account's session is there: {shown}.")),
        Ok(false) => page.line(format_args!(
            "The account has no session yet ({shown}): log in first, with scp-079-avatar login --config {}",
            loaded.path.display()
        )),
        Err(error) => page.line(format_args!(
            "Whether the account has a session cannot be seen ({shown}: {error}): run check as the user that runs the service."
        )),
    }
}

fn warnings(page: &mut Page<'_, impl Write>, loaded: &Loaded) -> io::Result<()> {
    if loaded.warnings.is_empty() {
        return Ok(());
    }
    page.heading("Warnings")?;
    for warning in &loaded.warnings {
        page.line(warning)?;
    }
    Ok(())
}

/// Where the explanation is written, in aligned lines.
struct Page<'o, W> {
    out: &'o mut W,
}

impl<W: Write> Page<'_, W> {
    fn section(&mut self, name: &str) -> io::Result<()> {
        self.heading(&format!("[{name}]"))
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{text}")
    }

    fn value(&mut self, key: &str, value: impl Display) -> io::Result<()> {
        writeln!(self.out, "  {key:<20} {value}")
    }

    fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.out, "  {text}")
    }
}

/// A number of seconds, with what it is in minutes.
struct Seconds(u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0..60 => write!(f, "{} s", self.0),
            seconds if seconds % 60 == 0 => write!(f, "{seconds} s ({} min)", seconds / 60),
            seconds => write!(f, "{seconds} s ({} min {} s)", seconds / 60, seconds % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
[telegram]
api_id = 12345678
api_hash = "0123456789abcdef0123456789abcdef"
[channels]
hide_channel_id = -1001234567890
[encrypt]
password = "correct horse"
"#;

    fn checked(config: &str, session: bool) -> Result<String, CheckError> {
        let root = tempfile::tempdir().expect("tempdir");
        let path = root.path().join("config.toml");
        std::fs::write(&path, config).expect("write");
        if session {
            std::fs::create_dir(root.path().join("data")).expect("mkdir");
            std::fs::write(root.path().join("data/account.session"), "").expect("write");
        }
        let mut out = Vec::new();
        let now = Timestamp::new(1_800_000_000);
        run(None, &Environment::rooted(root.path()), now, &mut out)?;
        Ok(String::from_utf8(out).expect("is UTF-8"))
    }

    #[test]
    fn the_explanation_says_what_will_happen_and_shows_no_secret() {
        let page = checked(CONFIG, false).expect("is right");
        for part in [
            "api_id               set, from line 3 of the configuration",
            "password             set, from line 8 of the configuration",
            "Without nospam_id every group",
            "Posts go to HIDE (-1001234567890).",
            "has no session yet",
            "scp-079-avatar login --config",
            "1800 s (30 min)",
            "1st mon",
            "0 22 * * * (UTC)",
        ] {
            assert!(page.contains(part), "no {part:?} in\n{page}");
        }
        for secret in ["12345678\n", "0123456789abcdef", "correct horse"] {
            assert!(!page.contains(secret), "{secret:?} in\n{page}");
        }
    }

    #[test]
    fn what_is_set_is_what_is_said() {
        let config = format!(
            "{CONFIG}{}",
            r#"
[bots]
nospam_id = 42
captcha_id = 43
[proxy]
enabled = true
hostname = "proxy.example"
username = "me"
password = "sesame-sesame"
[mode]
backup = true
[exchange]
files = "python"
"#
        )
        .replace(
            "[encrypt]",
            "exchange_channel_id = -1009876543210\n[encrypt]",
        );
        let page = checked(&config, true).expect("is right");
        for part in [
            "Only groups where NOSPAM (42) is an administrator",
            "captcha_id           43",
            "Posts go to EXCHANGE (-1009876543210), and to HIDE (-1001234567890)",
            "through the SOCKS5 proxy proxy.example, port 1080",
            "session is there",
            "standby replica",
            "pickle in AES Crypt",
        ] {
            assert!(page.contains(part), "no {part:?} in\n{page}");
        }
        assert!(!page.contains("sesame-sesame"), "{page}");
    }

    #[test]
    fn errors_come_back_whole_and_nothing_is_written() {
        let error = checked("[telegram]\napi_id = -1\n", false).expect_err("is wrong");
        let CheckError::Config(errors) = error else {
            panic!("{error}")
        };
        assert_eq!(errors.iter().count(), 4, "{errors}");
    }
}
