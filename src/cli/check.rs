//! `check`: reads the configuration and explains it.
//!
//! The command connects to nothing and changes nothing; the only files it looks for are the session and `state.db`.
//! Of every secret it prints only the origin.

mod effects;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use crate::app;
use crate::config::{Config, ConfigErrors, Environment, Loaded, Value};
use crate::model::Timestamp;
use crate::schedule::{Job, Timetable};

#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The configuration cannot be used; the program exits with 78.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error("the explanation of the configuration could not be written")]
    Output(#[from] io::Error),
}

/// Reads the configuration as `run` does and writes an explanation of it, as of `now`, to `out`.
///
/// # Errors
/// Returns all errors of the configuration at once, or the error of `out`.
pub fn run(
    path: Option<&Path>,
    environment: &Environment,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<(), CheckError> {
    let loaded = Config::load_with_data_dir(path, environment, app::unusable_data_dir)?;
    let config = &loaded.config;
    let timetable = Timetable::new(config.schedule.clone(), config.custom.reset_day);
    let mut page = Page { out };
    page.text(format_args!("{} can be used.", loaded.path.display()))?;
    for (section, values) in config.values() {
        page.heading(format_args!("[{section}]"))?;
        for Value { key, text } in values {
            match next_run(&timetable, section, key, now) {
                Some(next) => page.value(key, format_args!("{text} (UTC), {next}"))?,
                None => page.value(key, text)?,
            }
        }
    }
    page.heading("What will happen")?;
    effects::explain(&mut page, &loaded, &timetable, now)?;
    warnings(&mut page, &loaded)?;
    Ok(())
}

/// Describes when the job of a key is due next; returns `None` if the key is not a job's time.
fn next_run(timetable: &Timetable, section: &str, key: &str, now: Timestamp) -> Option<String> {
    let mut jobs = Job::ALL.iter().filter(|_| section == "schedule");
    let job = jobs.find(|job| job.key() == key)?;
    Some(match timetable.next(*job, now) {
        Some(next) => format!("next {}", next.rfc3339()),
        None => "never".to_owned(),
    })
}

fn warnings(page: &mut Page<'_, impl Write>, loaded: &Loaded) -> io::Result<()> {
    if !loaded.warnings.is_empty() {
        page.heading("Warnings")?;
    }
    loaded
        .warnings
        .iter()
        .try_for_each(|warning| page.line(warning))
}

/// Writes the explanation in aligned lines.
struct Page<'o, W> {
    out: &'o mut W,
}

impl<W: Write> Page<'_, W> {
    fn text(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    fn heading(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.out, "\n{text}")
    }

    fn value(&mut self, key: &str, value: impl Display) -> io::Result<()> {
        writeln!(self.out, "  {key:<20} {value}")
    }

    fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.out, "  {text}")
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
    fn the_explanation_covers_the_effects_and_shows_no_secret() {
        let page = checked(CONFIG, false).expect("is right");
        for part in [
            "api_id               set, from line 3 of the configuration",
            "password             set, from line 8 of the configuration",
            "Without nospam_id every group",
            "Posts go to HIDE (-1001234567890).",
            "does not exist yet",
            "scp-079-avatar login --config",
            "1800 s (30 min)",
            "1st mon",
            "does not read these posts: for the fleet in service set these two: dialect = \"current\" and files = \"python\".",
            "reset_time           0 22 * * * (UTC), next 2027-02-01T22:00:00Z",
        ] {
            assert!(page.contains(part), "no {part:?} in\n{page}");
        }
        for secret in ["12345678\n", "0123456789abcdef", "correct horse"] {
            assert!(!page.contains(secret), "{secret:?} in\n{page}");
        }
    }

    #[test]
    fn the_explanation_shows_the_configured_values() {
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
            "Session file: ",
            "standby replica",
            "pickle in AES Crypt",
            "config.toml:7: [channels] exchange_channel_id: posts in EXCHANGE show this account",
        ] {
            assert!(page.contains(part), "no {part:?} in\n{page}");
        }
        assert!(!page.contains("sesame-sesame"), "{page}");
    }

    #[test]
    fn an_instance_among_several_is_explained() {
        let reports = "Instance 1 sends the status reports";
        for (share, members, sends_reports) in [
            ("1/1", None, true),
            (
                "1/3",
                Some("instance 1/3: members whose user id modulo 3 is 0"),
                true,
            ),
            (
                "3/3",
                Some("instance 3/3: members whose user id modulo 3 is 2"),
                false,
            ),
        ] {
            let config = format!("{CONFIG}[mode]\nshare = \"{share}\"\n");
            let page = checked(&config, true).expect("is right");
            assert!(
                page.contains(members.unwrap_or("Posts go to HIDE")),
                "{page}"
            );
            assert_eq!(page.contains("This is instance"), members.is_some());
            assert_eq!(page.contains(reports), !sends_reports, "{page}");
        }
    }

    #[test]
    fn a_mix_of_settings_that_no_fleet_reads_is_a_warning() {
        let remedy = "set these two: dialect = \"current\" and files = \"python\"";
        for (dialect, files, expected) in [
            (
                "classic",
                "sealed",
                Some("  The fleet in service does not read these posts: for the fleet in service"),
            ),
            (
                "classic",
                "python",
                Some(
                    "config.toml:10: [exchange] dialect: no fleet reads dialect = \"classic\" together with files",
                ),
            ),
            (
                "current",
                "sealed",
                Some(
                    "config.toml:11: [exchange] files: no fleet reads dialect = \"current\" together with files",
                ),
            ),
            ("current", "python", None),
        ] {
            let settings = format!("[exchange]\ndialect = {dialect:?}\nfiles = {files:?}\n");
            let page = checked(&format!("{CONFIG}{settings}"), true).expect("is right");
            assert_eq!(page.contains(remedy), expected.is_some(), "{page}");
            let part = expected.unwrap_or_default();
            assert!(page.contains(part), "no {part:?} in\n{page}");
            let is_warning = part.starts_with("config.toml");
            let warnings = page.split_once("\nWarnings\n").map_or("", |(_, text)| text);
            assert_eq!(warnings.contains("[exchange]"), is_warning, "{page}");
        }
    }

    #[test]
    fn without_exchange_there_is_no_warning_about_it() {
        let page = checked(CONFIG, true).expect("is right");
        assert!(!page.contains("EXCHANGE"), "{page}");
    }

    #[test]
    fn all_errors_are_returned_without_any_output() {
        let error = checked("[telegram]\napi_id = -1\n", false).expect_err("is wrong");
        let CheckError::Config(errors) = error else {
            panic!("{error}")
        };
        assert_eq!(errors.iter().count(), 4, "{errors}");
    }
}
