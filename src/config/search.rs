//! Finds and reads the configuration file. This module does not parse the text.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use super::environment::{Environment, FILE_NAME};
use super::file_owner::{explain_error, own_uid, user_name};
use super::finding::{ConfigErrors, Finding};

/// A configuration file that was read.
pub(super) struct ConfigFile {
    /// The absolute path.
    pub(super) path: PathBuf,
    /// The text, which holds secrets and is wiped when dropped.
    pub(super) text: Zeroizing<String>,
    /// True if any user of the machine may read the file.
    pub(super) world_readable: bool,
}

/// A text file, and whether any user of the machine may read it.
pub(super) struct TextFile {
    pub(super) text: Zeroizing<String>,
    pub(super) world_readable: bool,
}

/// Finds the configuration and reads it.
///
/// A file that exists but cannot be read ends the search: the next file is probably not the
/// configuration that the user meant.
pub(super) fn find(
    path: Option<&Path>,
    environment: &Environment,
) -> Result<ConfigFile, ConfigErrors> {
    let candidates = match path {
        Some(path) => vec![environment.absolute(path)],
        None => environment.candidates(),
    };
    for candidate in &candidates {
        match read(candidate) {
            Ok(file) => {
                return Ok(ConfigFile {
                    path: candidate.clone(),
                    text: file.text,
                    world_readable: file.world_readable,
                });
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(ConfigErrors::one(unreadable(candidate, &error))),
        }
    }
    match path {
        Some(path) => Err(ConfigErrors::one(missing_named(
            &environment.absolute(path),
        ))),
        None => find_service(environment, &candidates),
    }
}

/// Finds the only configuration of a service that this user may read.
fn find_service(
    environment: &Environment,
    candidates: &[PathBuf],
) -> Result<ConfigFile, ConfigErrors> {
    let directory = environment.services();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml") && !path.is_dir())
        // An editor's file; `-i` takes no such name.
        .filter(|path| !is_hidden(path))
        .collect();
    paths.sort();
    let mut found = Vec::new();
    let mut refused = None;
    for path in paths {
        match read(&path) {
            Ok(file) => found.push(ConfigFile {
                path,
                text: file.text,
                world_readable: file.world_readable,
            }),
            Err(error) => refused = refused.or_else(|| Some(unreadable(&path, &error))),
        }
    }
    match (found.len(), refused) {
        (1, _) => Ok(found.remove(0)),
        (0, Some(refused)) => Err(ConfigErrors::one(refused)),
        (0, None) => Err(ConfigErrors::one(missing(candidates, &directory))),
        _ => Err(ConfigErrors::one(several(&directory, &found))),
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Reads a text file and its permissions.
pub(super) fn read(path: &Path) -> io::Result<TextFile> {
    let mut file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text)?;
    Ok(TextFile {
        text,
        world_readable: mode & 0o004 != 0,
    })
}

/// Returns true if an error means that there is no such file.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn unreadable(path: &Path, error: &io::Error) -> Finding {
    let shown = path.display();
    let remedy = match error.kind() {
        // The file may be in a directory that this user may not enter.
        io::ErrorKind::PermissionDenied if path.symlink_metadata().is_err() => {
            "run the command as that user, or name a file that this user can reach, with --config PATH".to_owned()
        }
        io::ErrorKind::PermissionDenied => format!(
            "run the command as that user, or give the file to the user that runs it: chown {} {shown} && chmod 600 {shown}",
            user_name(own_uid())
        ),
        io::ErrorKind::InvalidData => "save it as UTF-8 text".to_owned(),
        io::ErrorKind::IsADirectory => {
            format!(
                "name the file in it: --config {}",
                path.join(FILE_NAME).display()
            )
        }
        _ => "repair the file, or name another one with --config PATH".to_owned(),
    };
    Finding {
        file: Some(path.to_owned()),
        problem: format!(
            "the configuration cannot be read: {}",
            explain_error(path, error)
        ),
        remedy,
        ..Finding::default()
    }
}

/// Describes that the file of `--config` or `-i` does not exist.
fn missing_named(path: &Path) -> Finding {
    Finding {
        problem: format!("there is no configuration file; tried {}", path.display()),
        remedy:
            "check the path after --config or the name after -i, or write a configuration there: \
                 `scp-079-avatar config` prints the example"
                .to_owned(),
        ..Finding::default()
    }
}

fn missing(tried: &[PathBuf], services: &Path) -> Finding {
    let list: Vec<_> = tried
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Finding {
        problem: format!(
            "there is no configuration file; tried {}, then {}/*.toml",
            list.join(", then "),
            services.display()
        ),
        remedy: "write one of these, for which `scp-079-avatar config` prints the example, or name another file with \
                 --config PATH"
            .to_owned(),
        ..Finding::default()
    }
}

/// Describes that several services could be meant.
fn several(directory: &Path, found: &[ConfigFile]) -> Finding {
    let names: Vec<_> = found
        .iter()
        .filter_map(|file| Some(format!("-i {}", file.path.file_stem()?.display())))
        .collect();
    Finding {
        problem: format!(
            "there are {} configurations in {}, and none is named",
            found.len(),
            directory.display()
        ),
        remedy: format!("name one: {}", names.join(", or ")),
        ..Finding::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().expect("a file has a parent")).expect("mkdir");
        std::fs::write(path, text).expect("write");
    }

    fn found(path: Option<&Path>, environment: &Environment) -> String {
        match find(path, environment) {
            Ok(file) => file.text.to_string(),
            Err(errors) => errors.to_string(),
        }
    }

    #[test]
    fn the_paths_are_tried_in_order() {
        let root = tempfile::tempdir().expect("tempdir");
        let root = root.path();
        let environment = Environment::rooted(root).with("XDG_CONFIG_HOME", root.join("xdg"));

        let none = found(None, &environment);
        let places = [
            root.join("config.toml"),
            root.join("xdg/scp-079-avatar/config.toml"),
            root.join("etc/scp-079-avatar/config.toml"),
        ];
        let at: Vec<_> = places
            .iter()
            .map(|place| none.find(&place.display().to_string()).expect("is named"))
            .collect();
        assert!(at.is_sorted(), "{none}");
        assert!(none.contains("`scp-079-avatar config` prints"), "{none}");

        for place in places.iter().rev() {
            let text = place.display().to_string();
            write(place, &text);
            assert_eq!(found(None, &environment), text);
        }
    }

    #[test]
    fn home_replaces_an_unset_or_relative_xdg_directory() {
        let root = tempfile::tempdir().expect("tempdir");
        let root = root.path();
        write(
            &root.join("home/.config/scp-079-avatar/config.toml"),
            "home",
        );
        let environment = Environment::rooted(root).with("HOME", root.join("home"));
        assert_eq!(found(None, &environment), "home");
        let environment = environment.with("XDG_CONFIG_HOME", "relative");
        assert_eq!(found(None, &environment), "home");
    }

    #[test]
    fn a_named_file_is_the_only_one_tried() {
        let root = tempfile::tempdir().expect("tempdir");
        let root = root.path();
        write(&root.join("config.toml"), "the default one");
        write(&root.join("other.toml"), "the other one");
        let environment = Environment::rooted(root);
        let other = Path::new("other.toml");
        assert_eq!(found(Some(other), &environment), "the other one");
        let gone = found(Some(Path::new("gone.toml")), &environment);
        assert!(
            gone.contains(&root.join("gone.toml").display().to_string()),
            "{gone}"
        );
        assert!(gone.contains("--config"), "{gone}");
    }

    #[test]
    fn the_only_readable_configuration_of_a_service_is_taken() {
        let root = tempfile::tempdir().expect("tempdir");
        let root = root.path();
        let environment = Environment::rooted(root);
        let services = root.join("etc/scp-079-avatar");
        write(&services.join("main.toml"), "main");
        write(&services.join("main.api_hash"), "no configuration");
        write(&services.join(".main.toml"), "a hidden file");
        std::fs::create_dir(services.join("old.toml")).expect("mkdir");
        assert_eq!(found(None, &environment), "main");

        write(&services.join("broken.toml"), "");
        std::fs::write(services.join("broken.toml"), b"\xff\xfe").expect("write");
        assert_eq!(
            found(None, &environment),
            "main",
            "the other cannot be read"
        );

        write(&services.join("second.toml"), "second");
        let both = found(None, &environment);
        assert!(both.contains("there are 2 configurations"), "{both}");
        assert!(both.contains("name one: -i main, or -i second"), "{both}");
        let second = environment.service_config("second");
        assert_eq!(found(Some(&second), &environment), "second");

        for name in ["main.toml", "second.toml"] {
            std::fs::remove_file(services.join(name)).expect("removed");
        }
        let refused = found(None, &environment);
        assert!(
            refused.contains("broken.toml: the configuration cannot be read"),
            "{refused}"
        );
        write(&root.join("config.toml"), "here");
        assert_eq!(
            found(None, &environment),
            "here",
            "the usual places come first"
        );
    }

    #[test]
    fn a_service_has_its_own_data_directory() {
        let root = tempfile::tempdir().expect("tempdir");
        let root = root.path();
        let environment = Environment::rooted(root);
        let config = environment.service_config("main");
        for (environment, expected) in [
            (environment.clone(), "/var/lib/scp-079-avatar/main"),
            (
                environment.clone().with("STATE_DIRECTORY", "relative"),
                "/var/lib/scp-079-avatar/main",
            ),
            (
                environment.with("STATE_DIRECTORY", "/srv/one:/srv/two"),
                "/srv/one",
            ),
        ] {
            assert_eq!(environment.default_data_dir(&config), Path::new(expected));
        }
    }

    #[test]
    fn an_unreadable_file_ends_the_search() {
        let root = tempfile::tempdir().expect("tempdir");
        let root = root.path();
        write(&root.join("etc/scp-079-avatar/config.toml"), "etc");
        let environment = Environment::rooted(root);
        let here = root.join("config.toml");
        std::fs::create_dir(&here).expect("mkdir");
        let directory = found(None, &environment);
        assert!(directory.contains("cannot be read"), "{directory}");
        std::fs::remove_dir(&here).expect("rmdir");
        std::fs::write(&here, b"\xff\xfe").expect("write");
        let binary = found(None, &environment);
        assert!(binary.contains("save it as UTF-8 text"), "{binary}");
    }
}
