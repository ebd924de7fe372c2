//! Reads the Python program's directory. Nothing in it is written, and no lock in it is taken.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use fleet_files::pickle::{self, PyValue, Unpickled};
use secrecy::zeroize::Zeroizing;

use super::ImportError;
use crate::app::{FileUse, refuse_denied};
use crate::list_file::{ListFile, SkippedEntries, group_ids};
use crate::model::{ChannelId, List, ListData, Timestamp};
use crate::python_program::device::{pyrogram_version, python_version};
use crate::python_program::{DeviceParts, Ini};
use crate::telegram::PyrogramSession;

/// A session that was written in the last minute counts as in use.
const QUIET_SECONDS: i64 = 60;

/// The Python program's name for the groups under a flood of joins.
const FLOODED: &str = "flooded_ids";

/// One list of the Python program.
pub(super) struct SourceList {
    pub(super) list: List,
    /// `None` if there is no file, or the list was to be left out.
    pub(super) data: Option<ListData>,
    /// The file that was read, and why it is the copy.
    pub(super) origin: String,
    pub(super) skipped: SkippedEntries,
    pub(super) left_out: bool,
}

/// All lists of the Python program.
pub(super) struct SourceLists {
    pub(super) lists: Vec<SourceList>,
    pub(super) flooded: BTreeSet<ChannelId>,
    /// The invalid ids among the groups under a flood.
    pub(super) skipped_flooded: SkippedEntries,
    /// The names of the other files.
    pub(super) unused_files: Vec<String>,
}

/// Refuses a directory that does not exist or that this user may not read.
pub(super) fn refuse_unreadable(directory: &Path) -> Result<(), ImportError> {
    refuse_denied(directory, FileUse::Read)?;
    if !directory.is_dir() {
        return Err(ImportError::Refused(format!(
            "{}: there is no such directory; name the directory of the Python program",
            directory.display()
        )));
    }
    refuse_denied(&directory.join("data"), FileUse::Read)?;
    Ok(())
}

/// Finds the one session file.
pub(super) fn find_session(directory: &Path) -> Result<PathBuf, ImportError> {
    let mut found = Vec::new();
    let entries = fs::read_dir(directory).map_err(|cause| ImportError::file(directory, cause))?;
    for entry in entries {
        let path = entry
            .map_err(|cause| ImportError::file(directory, cause))?
            .path();
        if path.extension().is_some_and(|name| name == "session") && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    match &found[..] {
        [only] => Ok(only.clone()),
        [] => Err(ImportError::Refused(format!(
            "there is no *.session in {}: name the directory of the Python program, which holds its session",
            directory.display()
        ))),
        several => {
            let names: Vec<_> = several
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            Err(ImportError::Refused(format!(
                "there are several sessions: {}; move away all but the account's",
                names.join(", ")
            )))
        }
    }
}

/// Reads the session, unless a program uses it.
pub(super) fn read_session(path: &Path, now: Timestamp) -> Result<PyrogramSession, ImportError> {
    refuse_denied(path, FileUse::Read)?;
    let failed = |cause: io::Error| ImportError::file(path, cause);
    let mut file = File::open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    if let Some(sign) = sign_of_use(path, &before, now) {
        return Err(in_use(path, &sign));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    let after = file.metadata().map_err(failed)?;
    if (before.mtime(), before.mtime_nsec(), before.len())
        != (after.mtime(), after.mtime_nsec(), after.len())
    {
        return Err(in_use(path, "it was written meanwhile"));
    }
    PyrogramSession::parse(path, bytes).map_err(|error| ImportError::Refused(error.to_string()))
}

fn in_use(path: &Path, sign: &str) -> ImportError {
    ImportError::Refused(format!(
        "{}: the session is in use, because {sign}: stop the Python program first, and wait a minute; two programs on \
         one key end it for good",
        path.display()
    ))
}

/// Returns a clause that says why the session seems to be in use.
fn sign_of_use(path: &Path, file: &fs::Metadata, now: Timestamp) -> Option<String> {
    // SQLite keeps these beside the file itself, not beside a link to it.
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    for suffix in ["-journal", "-wal", "-shm"] {
        let mut name = real.as_os_str().to_owned();
        name.push(suffix);
        if Path::new(&name).exists() {
            return Some(format!(
                "there is {}, which a running program has and a killed one leaves (`sqlite3 {} VACUUM` clears it up)",
                Path::new(&name).display(),
                path.display()
            ));
        }
    }
    if let Some(pid) = process_with(file) {
        return Some(format!("the process {pid} has it open"));
    }
    let recent = file.mtime() > now.get() - QUIET_SECONDS;
    recent.then(|| "it was written in the last minute".to_owned())
}

/// Finds another process that has a file open, among the processes that this user may look into.
fn process_with(file: &fs::Metadata) -> Option<u32> {
    let own = std::process::id();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if pid == own {
            continue;
        }
        let Ok(descriptors) = fs::read_dir(entry.path().join("fd")) else {
            continue;
        };
        let opened = descriptors
            .flatten()
            .filter_map(|descriptor| fs::metadata(descriptor.path()).ok())
            .any(|open| (open.dev(), open.ino()) == (file.dev(), file.ino()));
        if opened {
            return Some(pid);
        }
    }
    None
}

/// Reads `config.ini`.
pub(super) fn read_ini(directory: &Path) -> Result<Ini, ImportError> {
    let path = directory.join("config.ini");
    refuse_denied(&path, FileUse::Read)?;
    let refused =
        |reason: &dyn Display| ImportError::Refused(format!("{}: {reason}", path.display()));
    let bytes = match read_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(refused(
                &"there is no such file; name the directory of the Python program",
            ));
        }
        read => Zeroizing::new(read.map_err(|cause| ImportError::file(&path, cause))?),
    };
    Ini::parse(&bytes).map_err(|error| refused(&error))
}

/// Reads a regular file that is not too large for memory.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let file = fs::metadata(path)?;
    if !file.is_file() {
        return Err(io::Error::other("this is not a regular file"));
    }
    if file.len() > pickle::MAX_BYTES as u64 {
        let mib = pickle::MAX_BYTES >> 20;
        return Err(io::Error::other(format!(
            "the file has more than {mib} MiB"
        )));
    }
    fs::read(path)
}

/// Reads the versions that Pyrogram composes its device from.
pub(super) fn device_parts(directory: &Path) -> DeviceParts {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    let mut parts = DeviceParts {
        kernel: kernel.map(|release| release.trim().to_owned()),
        ..DeviceParts::default()
    };
    let usual = ["venv", ".venv", "env", ""].map(str::to_owned);
    for name in usual.into_iter().chain(names_in(directory)) {
        let environment = directory.join(name);
        let Ok(pyvenv) = fs::read_to_string(environment.join("pyvenv.cfg")) else {
            continue;
        };
        parts.python = python_version(&pyvenv);
        parts.pyrogram = names_in(&environment.join("lib"))
            .into_iter()
            .filter(|name| name.starts_with("python"))
            .flat_map(|name| names_in(&environment.join("lib").join(name).join("site-packages")))
            .find_map(|name| pyrogram_version(&name));
        break;
    }
    parts
}

/// Returns the sorted names in a directory; none if it cannot be read.
fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Reads all lists but those in `without`.
pub(super) fn read_lists(directory: &Path, without: &[List]) -> Result<SourceLists, ImportError> {
    let data = directory.join("data");
    let mut lists = Vec::new();
    for list in List::ALL {
        let left_out = without.contains(&list);
        let mut read = SourceList {
            list,
            data: None,
            origin: String::new(),
            skipped: SkippedEntries::default(),
            left_out,
        };
        if !left_out {
            let remedy = format!("leave the list out with --without {list}");
            if let Some(file) = read_pickle(&data, list.as_str(), &remedy)? {
                let refused = |reason: &dyn Display| {
                    ImportError::Refused(format!("{}: {reason}; {remedy}", file.path.display()))
                };
                let parsed = ListFile::from_python(file.value);
                let (found, skipped) = parsed.data_for(list).map_err(|error| refused(&error))?;
                if found.is_empty() && !skipped.is_empty() {
                    return Err(refused(&format!("nothing in it can be used: {skipped}")));
                }
                read.data = Some(found.into_owned());
                read.origin = file.origin;
                read.skipped = skipped;
            }
        }
        lists.push(read);
    }
    let remedy = "move it to another directory to leave it out";
    let (flooded, skipped_flooded) = match read_pickle(&data, FLOODED, remedy)? {
        Some(file) => group_ids(&file.value).ok_or_else(|| {
            let reason = "the values have another shape";
            ImportError::Refused(format!("{}: {reason}; {remedy}", file.path.display()))
        })?,
        None => Default::default(),
    };
    let is_known = |name: &str| name == FLOODED || List::from_name(name).is_some();
    let mut unused_files: Vec<String> = names_in(&data)
        .into_iter()
        .map(|name| name.strip_prefix('.').map(str::to_owned).unwrap_or(name))
        .filter(|name| !is_known(name))
        .collect();
    unused_files.dedup();
    Ok(SourceLists {
        lists,
        flooded,
        skipped_flooded,
        unused_files,
    })
}

/// A pickle of plain values.
struct PickleFile {
    path: PathBuf,
    value: PyValue,
    /// `data/NAME`, or `data/.NAME` with the reason why not the former.
    origin: String,
}

/// Reads a pickle, or its backup copy `.NAME`, as the Python program does. Returns `None` if neither file exists.
/// `remedy` ends the error.
fn read_pickle(data: &Path, name: &str, remedy: &str) -> Result<Option<PickleFile>, ImportError> {
    let mut first_error: Option<String> = None;
    for name in [name.to_owned(), format!(".{name}")] {
        let path = data.join(&name);
        refuse_denied(&path, FileUse::Read)?;
        let cause = match read_file(&path) {
            Ok(bytes) => match pickle::read(&bytes) {
                Ok(Unpickled::Data(value)) => {
                    let mut origin = format!("data/{name}");
                    if let Some(error) = first_error {
                        origin.push_str(&format!(", a copy, because of {error}"));
                    }
                    let file = PickleFile {
                        path,
                        value,
                        origin,
                    };
                    return Ok(Some(file));
                }
                Ok(Unpickled::Photo(_)) => "the file holds a photo, not a list".to_owned(),
                Err(error) => error.to_string(),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => error.to_string(),
        };
        first_error.get_or_insert_with(|| format!("{}: {cause}", path.display()));
    }
    match first_error {
        Some(error) => Err(ImportError::Refused(format!(
            "{error}; no copy of it can be read either; {remedy}"
        ))),
        None => Ok(None),
    }
}
