//! Refuses a data directory on a file system on which this program can make no files, and says for `check` why a data
//! directory cannot be used.
//!
//! The module makes no file for a trial, because `check` changes nothing.

use std::path::Path;

use rustix::fs::{Access, access, statfs};
use rustix::io::Errno;

use super::{AppError, FileUse, refuse_other_user};
use crate::config::{FileOwner, Unusable, own_uid};

/// The file systems of the kernel, in which a directory has a meaning and cannot be made: their number in `statfs` (the
/// constants of linux/magic.h), and their name.
const KERNEL_FILE_SYSTEMS: [(i128, &str); 10] = [
    (0x9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0x1cd1, "devpts"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x7363_6673, "securityfs"),
    (0xcafe_4a11, "bpf"),
    (0x6165_676c, "pstore"),
];

/// Refuses a data directory that this program cannot write, whoever runs it.
///
/// # Errors
/// [`AppError::Unwritable`].
pub(super) fn refuse_unwritable(data_dir: &Path) -> Result<(), AppError> {
    let Some(place) = data_dir.ancestors().find(|path| path.exists()) else {
        return Ok(());
    };
    let Some(reason) = reason_of(place) else {
        return Ok(());
    };
    let problem = if place == data_dir {
        format!("{} cannot be written: it is {reason}", place.display())
    } else {
        format!(
            "{} cannot be made: {} is {reason}",
            data_dir.display(),
            place.display()
        )
    };
    Err(AppError::Unwritable { problem })
}

fn reason_of(place: &Path) -> Option<String> {
    if access(place, Access::WRITE_OK) == Err(Errno::ROFS) {
        return Some("on a file system that is mounted read-only".to_owned());
    }
    // The type of the number depends on the machine.
    let number = i128::from(statfs(place).ok()?.f_type);
    let kernel = KERNEL_FILE_SYSTEMS
        .iter()
        .find(|(known, _)| *known == number)?;
    Some(format!("in a file system of the kernel ({})", kernel.1))
}

/// Returns why a data directory cannot be used. The directory of another user is no reason, because only that user has
/// to use it.
#[must_use]
pub fn unusable_data_dir(data_dir: &Path) -> Option<Unusable> {
    let error = refuse_other_user(data_dir, FileUse::Write, &[]).err()?;
    let other = "name another directory".to_owned();
    match error {
        AppError::NotADirectory(path) => Some(Unusable {
            problem: format!("{} is not a directory", path.display()),
            remedy: format!("move it away, or {other}"),
        }),
        AppError::Unwritable { problem } => Some(Unusable {
            problem,
            remedy: other,
        }),
        AppError::Denied {
            explanation,
            remedy,
        } if !belongs_to_another(data_dir) => Some(Unusable {
            problem: format!("permission denied: {explanation}"),
            remedy: format!("{remedy}; or {other}"),
        }),
        _ => None,
    }
}

/// Returns true if the directory exists and belongs to another user, or if only another user can see whether it exists.
fn belongs_to_another(data_dir: &Path) -> bool {
    FileOwner::nearest(data_dir)
        .is_some_and(|owner| owner.is_closed || (owner.path == data_dir && owner.uid != own_uid()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_in_a_file_system_of_the_kernel_is_refused() {
        for (path, part) in [
            (
                "/proc/x",
                "/proc/x cannot be made: /proc is in a file system of the kernel (proc)",
            ),
            ("/proc/self/x/y", "/proc/self is in a file system"),
            ("/proc", "/proc cannot be written: it is in"),
        ] {
            let error = refuse_unwritable(Path::new(path)).expect_err(path);
            assert!(error.to_string().contains(part), "{error}");
            let unusable = unusable_data_dir(Path::new(path)).expect(path);
            assert!(unusable.problem.contains(part), "{unusable:?}");
        }
    }

    #[test]
    fn a_directory_that_can_be_made_is_usable() {
        let directory = tempfile::tempdir().expect("a directory");
        for path in ["", "data", "a/b/c"] {
            assert_eq!(unusable_data_dir(&directory.path().join(path)), None);
        }
    }

    #[test]
    fn a_file_in_place_of_the_directory_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        std::fs::write(&file, "").expect("written");
        let unusable = unusable_data_dir(&file.join("data")).expect("unusable");
        let expected = format!("{} is not a directory", file.display());
        assert_eq!(unusable.problem, expected);
    }
}
