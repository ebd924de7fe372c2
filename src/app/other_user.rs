//! Refuses a data directory of another user, before anything is made in it.
//!
//! A file that root makes there keeps the service out, and a service that may not use a file of its data directory
//! cannot repair that itself. Both end with code 78, because a restart does not help.

use std::ffi::OsString;
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::AppError;
use crate::config::{FileOwner, Telegram, known_user, own_uid};

/// The entries of a data directory that a command opens.
const ENTRIES: [&str; 6] = [
    "lock",
    "account.session",
    "state.db",
    "state.db-wal",
    "state.db-shm",
    "spool",
];

/// How a command uses the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataDirUse {
    /// The command makes or changes files there.
    Write,
    /// The command only reads, which root may do in a directory of any user.
    Read,
}

/// Refuses the data directory if it belongs to another user, or if this user may not use it. `command_line` is that of
/// this process; it becomes a part of the remedy.
///
/// # Errors
/// [`AppError::OtherUser`], or [`AppError::Denied`].
pub fn refuse_other_user(
    telegram: &Telegram,
    data_dir_use: DataDirUse,
    command_line: &[OsString],
) -> Result<(), AppError> {
    let data_dir = &telegram.data_dir;
    // Another error is that of the command itself.
    let Some(owner) = FileOwner::nearest(data_dir) else {
        return Ok(());
    };
    if data_dir_use == DataDirUse::Write
        && let Some(user) = user_instead_of_root(own_uid(), &owner)
    {
        return Err(AppError::OtherUser {
            explanation: explain(&owner, data_dir),
            command: command_as(&user, command_line),
        });
    }
    let wanted = match data_dir_use {
        DataDirUse::Write => Access::READ_OK | Access::WRITE_OK,
        DataDirUse::Read => Access::READ_OK,
    };
    if owner.is_closed || is_denied(&owner.path, wanted | Access::EXEC_OK) {
        // A command that only reads needs no directory that does not exist.
        let is_needed =
            owner.is_closed || data_dir_use == DataDirUse::Write || owner.path == *data_dir;
        if is_needed {
            return Err(denied(&owner));
        }
    }
    for entry in ENTRIES {
        let path = data_dir.join(entry);
        if is_denied(&path, wanted)
            && let Some(owner) = FileOwner::nearest(&path)
        {
            return Err(denied(&owner));
        }
    }
    Ok(())
}

/// Another user, as whom a command has to run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum OtherUser {
    Named(String),
    /// The machine has no name for the user.
    Numbered {
        uid: u32,
        gid: u32,
    },
}

/// Returns the owner if root must not use the directory.
fn user_instead_of_root(own: u32, owner: &FileOwner) -> Option<OtherUser> {
    if own != 0 || owner.uid == 0 {
        return None;
    }
    Some(known_user(owner.uid).map_or(
        OtherUser::Numbered {
            uid: owner.uid,
            gid: owner.gid,
        },
        OtherUser::Named,
    ))
}

fn explain(owner: &FileOwner, data_dir: &Path) -> String {
    if owner.path == data_dir {
        return owner.explain();
    }
    format!(
        "{} does not exist yet: {}",
        data_dir.display(),
        owner.explain()
    )
}

/// Returns the command line that runs the same command as this user.
fn command_as(user: &OtherUser, command_line: &[OsString]) -> String {
    let start = match user {
        OtherUser::Named(name) => format!("runuser -u {name} --"),
        // `runuser` knows names only.
        OtherUser::Numbered { uid, gid } => {
            format!("setpriv --reuid {uid} --regid {gid} --clear-groups --")
        }
    };
    let words = command_line
        .iter()
        .map(|word| quoted(&word.to_string_lossy()));
    std::iter::once(start)
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Quotes a word for a shell, if it needs that.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "./_-=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Returns true if the path exists and this user may not use it so.
fn is_denied(path: &Path, wanted: Access) -> bool {
    matches!(access(path, wanted), Err(Errno::ACCESS | Errno::PERM))
}

fn denied(owner: &FileOwner) -> AppError {
    let path = owner.path.display();
    let own = own_uid();
    let user = crate::config::user_name(own);
    let remedy = if owner.uid == own {
        format!("chmod u+rwX {path}")
    } else {
        let command = format!("chown {user} {path}");
        match owner.uid {
            0 => format!("let root run: {command}"),
            _ => format!("run the command as that user, or let root run: {command}"),
        }
    };
    AppError::Denied {
        explanation: owner.explain(),
        remedy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(uid: u32) -> FileOwner {
        FileOwner {
            path: "/var/lib/avatar".into(),
            uid,
            gid: 4_000_000_001,
            is_closed: false,
        }
    }

    #[test]
    fn only_root_is_refused_and_only_in_a_directory_of_another_user() {
        let unnamed = 4_000_000_000;
        assert_eq!(user_instead_of_root(0, &owner(0)), None);
        assert_eq!(user_instead_of_root(unnamed, &owner(unnamed)), None);
        assert_eq!(user_instead_of_root(998, &owner(unnamed)), None);
        assert_eq!(
            user_instead_of_root(0, &owner(unnamed)),
            Some(OtherUser::Numbered {
                uid: unnamed,
                gid: 4_000_000_001
            })
        );
    }

    #[test]
    fn the_remedy_has_the_same_arguments() {
        let line = [
            "scp-079-avatar",
            "login",
            "--config",
            "/etc/a b/it's.toml",
            "",
        ];
        let line = line.map(OsString::from);
        assert_eq!(
            command_as(&OtherUser::Named("avatar".into()), &line),
            r"runuser -u avatar -- scp-079-avatar login --config '/etc/a b/it'\''s.toml' ''"
        );
        assert_eq!(
            command_as(&OtherUser::Numbered { uid: 7, gid: 8 }, &line[..2]),
            "setpriv --reuid 7 --regid 8 --clear-groups -- scp-079-avatar login"
        );
    }

    #[test]
    fn a_directory_that_does_not_exist_is_named_with_the_owner_of_the_one_above() {
        let text = explain(&owner(4_000_000_000), Path::new("/var/lib/avatar/main"));
        let start =
            "/var/lib/avatar/main does not exist yet: /var/lib/avatar belongs to 4000000000,";
        assert!(text.starts_with(start), "{text}");
    }
}
