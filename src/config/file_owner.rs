//! Names the owner of a file, for errors about permissions.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The file of the machine's users (passwd(5)).
const USERS: &str = "/etc/passwd";

/// The owner of a path, or of the nearest directory above it that exists and can be examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileOwner {
    /// The path that has this owner.
    pub(crate) path: PathBuf,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// True if this process may not examine what is below that path.
    pub(crate) is_closed: bool,
}

impl FileOwner {
    /// Returns `None` if another error than a missing file or permission occurs.
    pub(crate) fn nearest(path: &Path) -> Option<Self> {
        let mut is_closed = false;
        for path in path.ancestors() {
            match fs::metadata(path) {
                Ok(metadata) => {
                    return Some(Self {
                        path: path.to_owned(),
                        uid: metadata.uid(),
                        gid: metadata.gid(),
                        is_closed,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => is_closed = true,
                Err(_) => return None,
            }
        }
        None
    }

    /// Says whose the path is, and as whom this process runs.
    pub(crate) fn explain(&self) -> String {
        format!(
            "{} belongs to {}, and this command runs as {}",
            self.path.display(),
            user_name(self.uid),
            user_name(own_uid())
        )
    }
}

/// Describes why a path cannot be read, and names its owner if a permission is missing.
pub(super) fn explain_error(path: &Path, error: &io::Error) -> String {
    let owner = match error.kind() {
        io::ErrorKind::PermissionDenied => FileOwner::nearest(path),
        _ => None,
    };
    owner.map_or_else(
        || error.to_string(),
        |owner| format!("{error}: {}", owner.explain()),
    )
}

/// Returns the user as whom this process runs.
pub(crate) fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Returns the name of a user, or the number if the user has no name.
pub(crate) fn user_name(uid: u32) -> String {
    known_user(uid).unwrap_or_else(|| uid.to_string())
}

/// Returns the name of a user, if the user has one.
pub(crate) fn known_user(uid: u32) -> Option<String> {
    let users = fs::read_to_string(USERS).ok()?;
    name_in(&users, uid).map(str::to_owned)
}

fn name_in(users: &str, uid: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number = fields.nth(1)?.parse::<u32>();
        (number == Ok(uid) && !name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_the_file_of_users() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\n:x:5:5::/:/bin/sh\n\
                     scp-079-avatar:x:998:997::/var/lib/scp-079-avatar:/usr/sbin/nologin\n";
        assert_eq!(name_in(users, 0), Some("root"));
        assert_eq!(name_in(users, 998), Some("scp-079-avatar"));
        for unknown in [5, 997, u32::MAX] {
            assert_eq!(name_in(users, unknown), None);
        }
        assert_eq!(user_name(u32::MAX - 7), (u32::MAX - 7).to_string());
    }

    #[test]
    fn the_nearest_directory_that_exists_names_the_owner() {
        let directory = tempfile::tempdir().expect("a directory");
        let owner = FileOwner::nearest(&directory.path().join("missing/data")).expect("an owner");
        let expected = FileOwner {
            path: directory.path().to_owned(),
            uid: own_uid(),
            gid: owner.gid,
            is_closed: false,
        };
        assert_eq!(owner, expected);
    }
}
