//! Creation and replacement of whole files in one step.
//!
//! The content is written to a temporary file in the same directory, flushed to the disk, and renamed to its final
//! name. After a crash there is the old file or the new one, and at worst a hidden temporary file whose name ends in
//! `.part`. [`create`] spares the temporary file where no one knows the name yet. New files have mode 0600.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The step on the file system that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct AtomicFileError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl AtomicFileError {
    fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Creates or replaces the file `path` with `bytes`.
///
/// # Errors
/// See [`write_with`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), AtomicFileError> {
    write_with(path, |file| {
        file.write_all(bytes)
            .map_err(|error| AtomicFileError::new("write", path, error))
    })
}

/// Creates the file `path`, which must not exist, and flushes it to the disk. After a crash it may be there in part:
/// only its return may let others know the name. ext4, XFS and Btrfs flush the name of a new file with its content; on
/// another file system a power failure may remove the file, because the directory is not flushed.
///
/// # Errors
/// An [`AtomicFileError`] for the first step that failed; the file is removed.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), AtomicFileError> {
    let mut file = open_new(path)?;
    let written = file
        .write_all(bytes)
        .map_err(|error| AtomicFileError::new("write", path, error))
        .and_then(|()| flush(&mut file, path));
    if written.is_err() {
        remove(path);
    }
    written
}

/// Creates or replaces the file `path` with the bytes that `fill` writes, and returns the value of `fill`.
/// `fill` may read back what it wrote. A symbolic link is followed, so that the file behind it is replaced.
///
/// # Errors
/// The error of `fill`, or an [`AtomicFileError`] for the first step that failed; `path` is then unchanged. The one
/// exception is a failure to flush the directory: the new file is in place, but may not survive a power cut.
/// A path that names something else than a regular file is refused.
pub fn write_with<T, E: From<AtomicFileError>>(
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<T, E>,
) -> Result<T, E> {
    let path = resolve(path)?;
    let directory = directory_of(&path);
    if path.file_name().is_none() {
        let error = AtomicFileError::new("write", &path, io::ErrorKind::IsADirectory.into());
        return Err(error.into());
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| {
        AtomicFileError::new(
            "choose a temporary name for",
            &path,
            io::Error::other(error),
        )
    })?;
    let part = directory.join(format!(".{:016x}.part", u64::from_le_bytes(random)));

    let written = write_part(&part, fill).and_then(|value| {
        fs::rename(&part, &path).map_err(|error| AtomicFileError::new("write", &path, error))?;
        Ok(value)
    });
    if written.is_err() {
        remove(&part);
    }
    let value = written?;
    flush_directory(&path)?;
    Ok(value)
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Removes a file that was not written whole.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!("cannot remove {}: {error}", path.display());
    }
}

fn flush_directory(path: &Path) -> Result<(), AtomicFileError> {
    File::open(directory_of(path))
        .and_then(|directory| directory.sync_all())
        .map_err(|error| AtomicFileError::new("flush the directory of", path, error))
}

/// Follows symbolic links, and refuses paths that a rename would destroy, such as devices.
fn resolve(path: &Path) -> Result<PathBuf, AtomicFileError> {
    match fs::canonicalize(path) {
        Ok(found) if found.is_file() => Ok(found),
        Ok(found) => Err(AtomicFileError::new(
            "write",
            &found,
            io::Error::new(io::ErrorKind::AlreadyExists, "not a regular file"),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(AtomicFileError::new("find", path, error)),
    }
}

fn write_part<T, E: From<AtomicFileError>>(
    part: &Path,
    fill: impl FnOnce(&mut File) -> Result<T, E>,
) -> Result<T, E> {
    let mut file = open_new(part)?;
    let value = fill(&mut file)?;
    flush(&mut file, part)?;
    Ok(value)
}

fn open_new(path: &Path) -> Result<File, AtomicFileError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| AtomicFileError::new("create", path, error))
}

fn flush(file: &mut File, path: &Path) -> Result<(), AtomicFileError> {
    file.flush()
        .and_then(|()| file.sync_all())
        .map_err(|error| AtomicFileError::new("flush", path, error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn count_entries(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    #[test]
    fn a_file_is_replaced_and_readable_only_by_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list");
        fs::write(&path, "old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(count_entries(directory.path()), 1);
    }

    #[test]
    fn a_new_file_is_created_and_an_existing_one_is_not_touched() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("photo");
        create(&path, b"sealed").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"sealed");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let error = create(&path, b"other").unwrap_err();
        assert!(error.to_string().starts_with("cannot create "), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"sealed");
        assert_eq!(count_entries(directory.path()), 1);
    }

    #[test]
    fn an_error_while_filling_leaves_the_old_file_and_no_temporary_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list");
        fs::write(&path, "old").unwrap();
        write_with(&path, |file| {
            file.write_all(b"half")
                .map_err(|error| AtomicFileError::new("write", &path, error))?;
            Err::<(), _>(AtomicFileError::new("fill", &path, io::Error::other("no")))
        })
        .unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(count_entries(directory.path()), 1);
    }

    #[test]
    fn paths_that_are_not_regular_files_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        for path in [
            Path::new("/dev/null"),
            directory.path(),
            Path::new("/"),
            Path::new(""),
        ] {
            write(path, b"new").expect_err("a refusal");
        }
        let missing = directory.path().join("none/photo.jpg");
        let error = write(&missing, b"new").unwrap_err();
        assert!(error.to_string().starts_with("cannot create "), "{error}");
        assert_eq!(count_entries(directory.path()), 0);
    }

    #[test]
    fn a_symbolic_link_is_followed_to_the_file_that_changes() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
