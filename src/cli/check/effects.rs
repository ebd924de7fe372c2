//! Explains the effects of a configuration in sentences.

use std::io::{self, Write};
use std::path::Path;

use super::Page;
use crate::app::{self, AppError, FileUse, instance_overview};
use crate::config::{
    Dialect, Exchange, FOR_THE_FLEET_IN_SERVICE, FileKind, Loaded, Seconds, UnseenPolicy,
};
use crate::model::{Share, Timestamp};
use crate::schedule::{Job, Timetable};
use crate::telegram::{AccountSession, SessionError, explain_session};

pub(super) fn explain(
    page: &mut Page<'_, impl Write>,
    loaded: &Loaded,
    timetable: &Timetable,
    now: Timestamp,
) -> io::Result<()> {
    let config = &loaded.config;
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
    fleet(page, config.exchange)?;
    if config.mode.backup {
        page.line("Status reports say that this instance is a standby replica.")?;
    }
    share(page, config.mode.share)?;
    page.line(format_args!(
        "A member is new, and rechecked, for {} after joining; a photo that waits for {} h is dropped and counted.",
        Seconds(config.custom.time_new.as_secs()),
        config.delivery.max_age.as_secs() / 3600
    ))?;
    visibility(page, loaded)?;
    if !suits_backup(timetable, now) {
        page.line(
            "BACKUP expects status reports in the minutes 30 to 32 of every hour; [schedule] status has other times.",
        )?;
    }
    Ok(())
}

/// Says which members are this instance's own, unless it is the only one (docs/several-accounts.md).
fn share(page: &mut Page<'_, impl Write>, share: Share) -> io::Result<()> {
    if share.is_whole() {
        return Ok(());
    }
    page.line(format_args!(
        "This is instance {share}: members whose user id modulo {} is {} are its own; others go out here only while their instance is silent.",
        share.instances(),
        share.own_remainder()
    ))?;
    if !share.sends_reports() {
        page.line("Instance 1 sends the status reports, backups, counts and answers; this one sends photos only.")?;
    }
    Ok(())
}

/// Says which joins are found, in which kind of group (docs/coverage.md).
fn visibility(page: &mut Page<'_, impl Write>, loaded: &Loaded) -> io::Result<()> {
    page.line(
        "Joins are found by their messages; most of those without one in the list of members, within 10 minutes.",
    )?;
    page.line(
        "In a group that hides its members, a new member is found by a first message; silent ones stay unseen.",
    )?;
    page.line(match loaded.config.custom.unseen {
        UnseenPolicy::Forward => {
            "If Telegram refuses the dates of its members, too, a sender who was never seen there counts as new, after 7 days of learning."
        }
        UnseenPolicy::Skip => {
            "If Telegram refuses the dates of its members, too, no new member of it is forwarded (unseen = \"skip\")."
        }
    })?;
    // An instance that never ran has no groups, and `status` reports a `state.db` that cannot be read.
    let Ok(classes) = instance_overview::group_classes(&loaded.config) else {
        return Ok(());
    };
    if classes.is_empty() {
        return Ok(());
    }
    let counts = classes
        .iter()
        .map(|(class, count)| format!("{count} {}", class.as_str()));
    page.line(format_args!(
        "Groups of the last run, by the way in which they show joins: {}.",
        counts.collect::<Vec<_>>().join(", ")
    ))
}

/// Names the two settings that the fleet in service needs, if both have their defaults. A mixture is a warning.
fn fleet(page: &mut Page<'_, impl Write>, exchange: Exchange) -> io::Result<()> {
    match (exchange.dialect, exchange.files) {
        (Dialect::Classic, FileKind::Sealed) => page.line(format_args!(
            "The fleet in service does not read these posts: {FOR_THE_FLEET_IN_SERVICE}."
        )),
        _ => Ok(()),
    }
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
        Ok(true) => match AccountSession::examine(&session) {
            Err(error @ (SessionError::Pyrogram(_) | SessionError::Foreign { .. })) => {
                page.line(format_args!("{}.", explain_session(&error)))
            }
            // The copy that was read may be damaged because the program was writing.
            _ => page.line(format_args!("Session file: {shown}.")),
        },
        Ok(false) => {
            page.line(format_args!(
                "The session file {shown} does not exist yet: log in first, with scp-079-avatar login --config {}",
                loaded.path.display()
            ))?;
            pyrogram_sessions(page, &telegram.data_dir)
        }
        // The next line says why.
        Err(_) => Ok(()),
    }?;
    // The directory of another user is right for that user. Another data directory that cannot be used is an error.
    match app::refuse_other_user(&telegram.data_dir, FileUse::Write, &[]) {
        Ok(()) | Err(AppError::OtherUser { .. }) => Ok(()),
        Err(error) => page.line(format_args!(
            "To use that directory, run check as the user that runs the service: {error}"
        )),
    }
}

/// Names the sessions of Pyrogram under other names, because the operator may think that one of them is used.
fn pyrogram_sessions(page: &mut Page<'_, impl Write>, data_dir: &Path) -> io::Result<()> {
    let entries = data_dir.read_dir().into_iter().flatten().flatten();
    let mut sessions: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "session"))
        .collect();
    sessions.sort();
    for path in sessions {
        if let Err(SessionError::Pyrogram(path)) = AccountSession::examine(&path) {
            page.line(format_args!(
                "{} is a session of Pyrogram, which is not used: `scp-079-avatar import DIR` takes it from the Python program's directory DIR.",
                path.display()
            ))?;
        }
    }
    Ok(())
}

/// Returns true if every status report of the next 24 hours is due when BACKUP expects it.
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
