//! Where secrets come from.
//!
//! Owns the order of the places, first come first taken: the key in the configuration, the file
//! that `KEY_file` names, systemd's credential, the environment. The place that a maintainer sees
//! first when reading the file wins over those outside it; a place that is passed over although it
//! has a value is a warning, and naming both the value and a file for it is an error. Refuses to
//! know what a secret is for, and never repeats its value.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use super::search::{self, Environment};
use super::section::{Field, Section};
use crate::secret::{Origin, Secret};

/// The names that one secret has in the different places.
pub(super) struct Names {
    /// Its key in the configuration.
    pub(super) key: &'static str,
    /// The key that names a file instead.
    pub(super) file_key: &'static str,
    /// Its file under `$CREDENTIALS_DIRECTORY`.
    pub(super) credential: &'static str,
    /// Its environment variable.
    pub(super) variable: &'static str,
    /// Whether the configuration has it as a number rather than a text.
    pub(super) number: bool,
}

impl Names {
    /// Says what to do where the secret is missing; `first` is the usual way.
    pub(super) fn remedy(&self, first: &str) -> String {
        format!(
            "{first}; or name a file with {}, pass the systemd credential {}, or set {}",
            self.file_key, self.credential, self.variable
        )
    }
}

/// What came of looking for a secret.
pub(super) enum Found {
    /// It is there.
    Secret(Secret),
    /// It is nowhere; the line is that of the key, if it stands there unfilled.
    Nowhere(Option<usize>),
    /// Something is wrong with it, which has been noted.
    Faulty,
}

/// Where the places outside the configuration are.
pub(super) struct Places<'e> {
    /// The process's surroundings.
    pub(super) environment: &'e Environment,
    /// What relative paths are relative to: the configuration's directory.
    pub(super) base: &'e Path,
}

impl Places<'_> {
    /// Looks for a secret in every place.
    pub(super) fn look(&self, section: &mut Section<'_, '_>, names: &Names) -> Found {
        let field = section.take(names.key);
        let file_field = section.take(names.file_key);
        let empty_line = field.as_ref().map(|field| field.line);

        let mut found = Vec::new();
        let mut faulty = false;
        let mut note = |result: Result<Option<Secret>, ()>| match result {
            Ok(secret) => found.extend(secret),
            Err(()) => faulty = true,
        };
        note(inline(section, names, field.as_ref()));
        note(self.named_file(section, names, file_field.as_ref()));
        note(self.credential(section, names));
        note(self.variable(section, names));
        if faulty {
            return Found::Faulty;
        }

        let mut found = found.into_iter();
        let Some(first) = found.next() else {
            return Found::Nowhere(empty_line);
        };
        let line = section.line_of(names.key);
        for other in found {
            let origin = other.origin();
            if matches!(origin, Origin::File(_)) {
                section.wrong::<()>(
                    names.key,
                    line,
                    format!("is set twice: here, and by {}", names.file_key),
                    "keep one of the two lines",
                );
                return Found::Faulty;
            }
            section.warn(
                names.key,
                line,
                format!("is taken from {}; {origin} is passed over", first.origin()),
                "take one of the two away",
            );
        }
        Found::Secret(first)
    }

    fn named_file(
        &self,
        section: &mut Section<'_, '_>,
        names: &Names,
        field: Option<&Field<'_>>,
    ) -> Result<Option<Secret>, ()> {
        let Some(field) = field else { return Ok(None) };
        let Some(path) = field.as_text().filter(|_| !field.is_unfilled()) else {
            section.wrong::<()>(
                names.file_key,
                field.line,
                "names no file",
                format!(
                    "write the path of the file that holds the secret, such as {} = \"/etc/scp-079-avatar/{}\", or remove the line",
                    names.file_key, names.credential
                ),
            );
            return Err(());
        };
        let path = self.base.join(path);
        match read(&path) {
            Ok((secret, world_readable)) => {
                if world_readable {
                    section.warn(
                        names.file_key,
                        field.line,
                        format!(
                            "any user of this machine can read the secret in {}",
                            path.display()
                        ),
                        format!("chmod 600 {}", path.display()),
                    );
                }
                Ok(Some(Secret::new(secret.as_str(), Origin::File(path))))
            }
            Err(problem) => {
                let problem = format!("{} {problem}", path.display());
                let remedy = "let the user that runs this program read a file there that holds the secret and nothing else, or remove the line";
                section.wrong::<()>(names.file_key, field.line, problem, remedy);
                Err(())
            }
        }
    }

    fn credential(
        &self,
        section: &mut Section<'_, '_>,
        names: &Names,
    ) -> Result<Option<Secret>, ()> {
        let Some(directory) = self.environment.directory("CREDENTIALS_DIRECTORY") else {
            return Ok(None);
        };
        let path: PathBuf = directory.join(names.credential);
        if matches!(std::fs::symlink_metadata(&path), Err(error) if search::absent(&error)) {
            return Ok(None);
        }
        match read(&path) {
            Ok((secret, _)) => Ok(Some(Secret::new(secret.as_str(), Origin::Credential(path)))),
            Err(problem) => {
                section.wrong::<()>(
                    names.key,
                    section.line_of(names.key),
                    format!("the systemd credential {} {problem}", path.display()),
                    format!(
                        "put it right in the unit's LoadCredential={}:…",
                        names.credential
                    ),
                );
                Err(())
            }
        }
    }

    fn variable(&self, section: &mut Section<'_, '_>, names: &Names) -> Result<Option<Secret>, ()> {
        let Some(value) = self.environment.variable(names.variable) else {
            return Ok(None);
        };
        match value.to_str() {
            Some(value) => Ok(Some(Secret::new(
                value,
                Origin::Variable(names.variable.to_owned()),
            ))),
            None => {
                let problem = format!("the environment variable {} is not UTF-8", names.variable);
                let remedy = format!("set {} to plain text", names.variable);
                section.wrong::<()>(names.key, section.line_of(names.key), problem, remedy);
                Err(())
            }
        }
    }
}

/// Reads the secret from the configuration itself, if it is filled in there.
fn inline(
    section: &mut Section<'_, '_>,
    names: &Names,
    field: Option<&Field<'_>>,
) -> Result<Option<Secret>, ()> {
    let Some(field) = field.filter(|field| !field.is_unfilled()) else {
        return Ok(None);
    };
    let digits = field.as_digits().map(Zeroizing::new);
    let value = match names.number {
        true => digits.as_ref().map(|digits| digits.as_str()),
        false => field.as_text(),
    };
    if let Some(value) = value {
        let origin = Origin::Config { line: field.line };
        return Ok(Some(Secret::new(value, origin)));
    }
    let key = names.key;
    let (wanted, remedy) = match names.number {
        true => (
            "a whole number",
            format!("write it without quotes, such as {key} = 12345678"),
        ),
        false => ("a text", format!("write it in quotes: {key} = \"…\"")),
    };
    section.wrong::<()>(
        key,
        field.line,
        format!("{} stands where {wanted} belongs", field.kind()),
        remedy,
    );
    Err(())
}

/// Reads a file that holds one secret, less the newline that editors put at its end.
fn read(path: &Path) -> Result<(Zeroizing<String>, bool), String> {
    let (text, world_readable) = search::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
        _ => format!("cannot be read: {error}"),
    })?;
    let trimmed = text.strip_suffix('\n').unwrap_or(&text);
    let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
    if trimmed.is_empty() {
        return Err("is empty".to_owned());
    }
    Ok((Zeroizing::new(trimmed.to_owned()), world_readable))
}
