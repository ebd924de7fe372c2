//! Files: what a photo or a list looks like while it travels or waits, and how a whole file takes its place.
//!
//! Owns the kinds of files (SPEC §7) and the rule that nothing unfinished or unauthenticated ever stands under a
//! file's final name: it is written beside it, flushed to the disk, and renamed. After a crash there is the old
//! file or the new one, and at worst a hidden leftover that ends in `.part`. Knows no photo and no list.

#![warn(missing_docs)]

pub mod aescrypt;
pub mod pickle;
mod sealed;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub use self::sealed::{Opener, SealedFault, Sealer};

/// What a file is by its first bytes, whatever its name or the configuration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The sealed format of SPEC §7.1.
    Sealed,
    /// AES Crypt, the envelope of the Python fleet's files (SPEC §7.2).
    AesCrypt,
    /// Neither.
    Unknown,
}

impl Kind {
    /// Tells the kind from the head of a file; six bytes suffice, fewer are `Unknown` or AES Crypt.
    pub fn of(head: &[u8]) -> Self {
        if head.starts_with(sealed::MAGIC) {
            Self::Sealed
        } else if head.starts_with(b"AES") {
            Self::AesCrypt
        } else {
            Self::Unknown
        }
    }
}

/// Opens a sealed file into memory, all of it or nothing: what is to be printed goes through here.
///
/// # Errors
/// Whatever [`Opener::open`] finds.
pub fn open_whole(opener: &mut Opener, from: impl Read) -> Result<Vec<u8>, SealedFault> {
    let mut plain = Vec::new();
    opener.open(from, &mut plain)?;
    Ok(plain)
}

/// Opens a sealed file into the file `path`, which appears (or changes) only when all of it was authenticated.
/// Returns the number of bytes in it.
///
/// # Errors
/// Whatever [`Opener::open`] finds, or what keeps the file from being written; `path` is then as it was.
pub fn open_to(opener: &mut Opener, from: impl Read, path: &Path) -> Result<u64, OpenFault> {
    replace(path, |file| Ok(opener.open(from, file)?))
}

/// Why a sealed file was not opened into a file.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// The sealed file is at fault, or the password.
    #[error(transparent)]
    Sealed(#[from] SealedFault),
    /// The place for the opened file is at fault.
    #[error(transparent)]
    Place(#[from] PlaceFault),
}

/// Why a file could not take its place.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct PlaceFault {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl PlaceFault {
    /// Says that `action` on `path` failed.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Creates or replaces the file `path` (mode 0600) with what `fill` writes, in one step that also survives a power
/// cut. When anything fails, `path` is as it was.
///
/// # Errors
/// The fault of `fill`, or a [`PlaceFault`] for the first step on the file system that failed.
pub fn replace<T, E: From<PlaceFault>>(
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<T, E>,
) -> Result<T, E> {
    let path = target(path)?;
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    if path.file_name().is_none() {
        let fault = PlaceFault::new("write", &path, io::ErrorKind::IsADirectory.into());
        return Err(fault.into());
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random)
        .map_err(|error| PlaceFault::new("find a name beside", &path, io::Error::other(error)))?;
    let part = directory.join(format!(".{:016x}.part", u64::from_le_bytes(random)));

    let written = write_part(&part, fill).and_then(|value| {
        fs::rename(&part, &path).map_err(|error| PlaceFault::new("write", &path, error))?;
        Ok(value)
    });
    if written.is_err()
        && let Err(error) = fs::remove_file(&part)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!("cannot remove {}: {error}", part.display());
    }
    let value = written?;
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| PlaceFault::new("flush the directory of", &path, error))?;
    Ok(value)
}

/// Follows symbolic links, so that the file they lead to is replaced, and refuses what a rename would destroy.
fn target(path: &Path) -> Result<PathBuf, PlaceFault> {
    match fs::canonicalize(path) {
        Ok(found) if found.is_file() => Ok(found),
        Ok(found) => Err(PlaceFault::new(
            "write",
            &found,
            io::Error::new(io::ErrorKind::AlreadyExists, "it is not a regular file"),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(PlaceFault::new("find", path, error)),
    }
}

fn write_part<T, E: From<PlaceFault>>(
    part: &Path,
    fill: impl FnOnce(&mut File) -> Result<T, E>,
) -> Result<T, E> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(part)
        .map_err(|error| PlaceFault::new("create", part, error))?;
    let value = fill(&mut file)?;
    file.flush()
        .and_then(|()| file.sync_all())
        .map_err(|error| PlaceFault::new("flush", part, error))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn entries(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        assert_eq!(Kind::of(b"SCP079\x01\x01"), Kind::Sealed);
        assert_eq!(Kind::of(b"SCP079"), Kind::Sealed);
        assert_eq!(Kind::of(b"AES\x02\x00"), Kind::AesCrypt);
        assert_eq!(Kind::of(b"SCP07"), Kind::Unknown);
        assert_eq!(Kind::of(b""), Kind::Unknown);
    }

    #[test]
    fn a_fault_in_the_last_chunk_leaves_the_old_file_and_nothing_beside_it() {
        let password = "correct horse 電池".into();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("photo.jpg");
        fs::write(&path, "old").unwrap();
        let mut sealed = Sealer::new(&password)
            .unwrap()
            .seal_bytes(&[7; 70_000])
            .unwrap();
        let mut opener = Opener::new(&password);

        let last = sealed.len() - 1;
        sealed[last] ^= 1;
        let fault = open_to(&mut opener, &sealed[..], &path).unwrap_err();
        assert!(matches!(
            fault,
            OpenFault::Sealed(SealedFault::Damaged { position: 1 })
        ));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(entries(directory.path()), 1);
        assert!(open_whole(&mut opener, &sealed[..]).is_err());

        sealed[last] ^= 1;
        assert_eq!(open_to(&mut opener, &sealed[..], &path).unwrap(), 70_000);
        assert_eq!(fs::read(&path).unwrap(), [7; 70_000]);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(entries(directory.path()), 1);
    }

    #[test]
    fn what_is_no_regular_file_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        for path in [
            Path::new("/dev/null"),
            directory.path(),
            Path::new("/"),
            Path::new(""),
        ] {
            replace(path, |_| Ok::<_, PlaceFault>(())).expect_err("a refusal");
        }
        let missing = directory.path().join("none/photo.jpg");
        let fault = replace(&missing, |_| Ok::<_, PlaceFault>(())).unwrap_err();
        assert!(fault.to_string().starts_with("cannot create "), "{fault}");
        assert_eq!(entries(directory.path()), 0);
    }

    #[test]
    fn a_link_is_followed_to_the_file_that_changes() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, |to| {
            to.write_all(b"new")
                .map_err(|error| PlaceFault::new("write", &link, error))
        })
        .unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
