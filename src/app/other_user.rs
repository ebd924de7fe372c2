//! Refuses directories and files of another user, before anything is made in them.
//!
//! A file that root makes in a data directory keeps the service out, and a service that may not use a file of its data
//! directory cannot repair that itself. Both end with code 78, because a restart does not help. A missing permission
//! for a file that the command line names ends in the same way.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::AppError;
use super::unwritable::refuse_unwritable;
use crate::config::{FileOwner, known_user, own_uid};

/// The entries of a data directory that a command opens.
const ENTRIES: [&str; 6] = [
    "lock",
    "account.session",
    "state.db",
    "state.db-wal",
    "state.db-shm",
    "spool",
];

/// How a command uses a directory or a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileUse {
    /// The command makes or changes files there.
    Write,
    /// The command only reads, which root may do in a directory of any user.
    Read,
}

/// Refuses the data directory if it belongs to another user, if this user may not use it, or if it is a file.
/// `command_line` is that of this process; it becomes a part of the remedy.
///
/// # Errors
/// [`AppError::OtherUser`], [`AppError::Denied`], [`AppError::Unwritable`], or [`AppError::NotADirectory`].
pub fn refuse_other_user(
    data_dir: &Path,
    data_dir_use: FileUse,
    command_line: &[OsString],
) -> Result<(), AppError> {
    if let Some(file) = file_in_place_of(data_dir) {
        return Err(AppError::NotADirectory(file.to_owned()));
    }
    if data_dir_use == FileUse::Write {
        refuse_unwritable(data_dir)?;
    }
    // Another error is that of the command itself.
    let Some(owner) = FileOwner::nearest(data_dir) else {
        return Ok(());
    };
    if data_dir_use == FileUse::Write
        && let Some(user) = user_instead_of_root(own_uid(), &owner)
    {
        return Err(AppError::OtherUser {
            explanation: explain(&owner, data_dir),
            command: command_as(&user, command_line),
        });
    }
    refuse_denied(data_dir, data_dir_use)?;
    let entries = ENTRIES.map(|entry| data_dir.join(entry));
    for path in &entries {
        refuse_denied(path, data_dir_use)?;
    }
    if data_dir_use == FileUse::Write {
        let own = std::iter::once(data_dir).chain(entries.iter().map(PathBuf::as_path));
        for path in own {
            refuse_foreign(path)?;
        }
        for path in paths_in(&data_dir.join("spool")) {
            refuse_denied(&path, FileUse::Read)?;
        }
    }
    Ok(())
}

/// Returns the file that has the path of a directory, or of one above it.
fn file_in_place_of(directory: &Path) -> Option<&Path> {
    let nearest = directory.ancestors().find(|path| path.exists())?;
    (!nearest.is_dir()).then_some(nearest)
}

/// Refuses a file or a directory that this user may not use. If it does not exist and is to be written, the nearest
/// directory above it counts.
///
/// # Errors
/// [`AppError::Denied`].
pub fn refuse_denied(path: &Path, file_use: FileUse) -> Result<(), AppError> {
    // Another error is that of the command itself.
    let Ok(path) = std::path::absolute(path) else {
        return Ok(());
    };
    let Some(owner) = FileOwner::nearest(&path) else {
        return Ok(());
    };
    let is_needed = owner.path == path || file_use == FileUse::Write;
    if owner.is_closed || (is_needed && is_denied(&owner.path, file_use)) {
        return Err(denied(&owner, &path));
    }
    Ok(())
}

/// Refuses a file that this user may write, but not keep private, as the program does.
fn refuse_foreign(path: &Path) -> Result<(), AppError> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(());
    };
    // Some file systems show another owner, and let this user set permissions.
    let is_own = metadata.uid() == own_uid();
    if is_own || fs::set_permissions(path, metadata.permissions()).is_ok() {
        return Ok(());
    }
    match FileOwner::nearest(path) {
        Some(owner) => Err(denied(&owner, path)),
        None => Ok(()),
    }
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

/// Reports whether the path exists and this user may not use it so.
fn is_denied(path: &Path, file_use: FileUse) -> bool {
    let mut wanted = match file_use {
        FileUse::Write => Access::READ_OK | Access::WRITE_OK,
        FileUse::Read => Access::READ_OK,
    };
    if path.is_dir() {
        wanted |= Access::EXEC_OK;
    }
    matches!(access(path, wanted), Err(Errno::ACCESS | Errno::PERM))
}

/// Returns the paths in a directory; none if it cannot be read.
fn paths_in(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

/// Returns the error of a missing permission for `path`, whose nearest part that exists has this owner.
fn denied(owner: &FileOwner, path: &Path) -> AppError {
    AppError::Denied {
        explanation: owner.explain(),
        remedy: remedy(owner, path, own_uid()),
    }
}

fn remedy(owner: &FileOwner, path: &Path, own: u32) -> String {
    let user = crate::config::user_name(own);
    let shown = owner.path.display();
    if owner.uid == own {
        return format!("chmod u+rwX {shown}");
    }
    if owner.is_closed {
        return format!(
            "run the command as that user, or name a path that {user} can reach instead of {}",
            path.display()
        );
    }
    let command = if owner.path == path {
        format!("chown {user} {shown}")
    } else {
        format!("install -d -o {user} -m 700 {}", path.display())
    };
    match owner.uid {
        0 => format!("let root run: {command}"),
        _ => format!("run the command as that user, or let root run: {command}"),
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

    #[test]
    fn a_file_in_place_of_a_directory_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("data");
        assert_eq!(file_in_place_of(&file), None);
        fs::write(&file, "").expect("written");
        assert_eq!(file_in_place_of(&file), Some(&*file));
        assert_eq!(file_in_place_of(&file.join("main")), Some(&*file));
        assert_eq!(file_in_place_of(directory.path()), None);
    }

    #[test]
    fn the_remedy_gives_a_user_the_path_and_no_directory_above_it() {
        let path = Path::new("/var/lib/avatar/main");
        let above = |uid, is_closed| FileOwner {
            is_closed,
            ..owner(uid)
        };
        let own = 4_000_000_000;
        let itself = FileOwner {
            path: path.to_owned(),
            ..owner(0)
        };
        for (owner, expected) in [
            (
                itself,
                "let root run: chown 4000000000 /var/lib/avatar/main",
            ),
            (
                above(0, false),
                "let root run: install -d -o 4000000000 -m 700 /var/lib/avatar/main",
            ),
            (
                above(0, true),
                "run the command as that user, or name a path that 4000000000 can reach instead of /var/lib/avatar/main",
            ),
            (above(own, false), "chmod u+rwX /var/lib/avatar"),
        ] {
            assert_eq!(remedy(&owner, path, own), expected);
        }
    }
}
