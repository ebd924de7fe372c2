//! Finds the secrets: the key in the file, a file that `KEY_file` names, systemd's credential, the
//! environment.
//!
//! The first source in this order wins, because a maintainer sees the file first. A later source
//! that also has a value is a warning; a value together with a `KEY_file` is an error. This module
//! does not know what a secret is for, and never prints its value.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use super::account_directory::DataDirCheck;
use super::environment::Environment;
use super::field::Field;
use super::file_owner::explain_error;
use super::search::{self, ConfigFile};
use super::section_reader::SectionReader;
use crate::secret::{Origin, Secret};

/// The names of one secret in the different sources.
pub(super) struct SecretNames {
    /// The key in the configuration file.
    pub(super) key: &'static str,
    /// The key that names a file instead.
    pub(super) file_key: &'static str,
    /// The file name under `$CREDENTIALS_DIRECTORY`.
    pub(super) credential: &'static str,
    /// The environment variable.
    pub(super) variable: &'static str,
    /// True if the configuration file holds a number rather than a text.
    pub(super) is_number: bool,
}

impl SecretNames {
    /// Returns the remedy for a missing secret; `first` describes the usual source.
    pub(super) fn remedy(&self, first: &str) -> String {
        format!(
            "{first}; or name a file with {}, pass the systemd credential {}, or set {}",
            self.file_key, self.credential, self.variable
        )
    }
}

/// The result of looking for a secret.
pub(super) enum Lookup {
    Found(Secret),
    /// No source has it. The line is the key's, if the key is there but not filled in.
    Missing(Option<usize>),
    /// A source is invalid; the error has been recorded.
    Invalid,
}

/// The sources outside the configuration file.
pub(super) struct SecretSources<'e> {
    pub(super) environment: &'e Environment,
    /// The configuration's directory, from which relative paths start.
    pub(super) base: &'e Path,
    /// The absolute path of the configuration.
    pub(super) file: &'e Path,
    /// Looks at the data directory, if the command wants to know whether it can be used.
    pub(super) data_dir_check: Option<DataDirCheck>,
}

/// The secret of one source, if the source has it. The error has been recorded.
type FromSource = Result<Option<Secret>, ()>;

impl<'e> SecretSources<'e> {
    pub(super) fn new(environment: &'e Environment, file: &'e ConfigFile) -> Self {
        Self {
            environment,
            base: file.path.parent().unwrap_or(&file.path),
            file: &file.path,
            data_dir_check: None,
        }
    }

    /// Looks for a secret in every source.
    pub(super) fn find(&self, section: &mut SectionReader<'_, '_>, names: &SecretNames) -> Lookup {
        let field = section.take(names.key);
        let file_field = section.take(names.file_key);
        let empty_line = field.as_ref().map(|field| field.line);

        // Every source is read, so that one run reports all errors.
        let results = [
            inline(section, names, field.as_ref()),
            self.named_file(section, names, file_field.as_ref()),
            self.credential(section, names),
            self.variable(section, names),
        ];
        let Ok(found) = results.into_iter().collect::<Result<Vec<_>, ()>>() else {
            return Lookup::Invalid;
        };
        let mut found = found.into_iter().flatten();
        let Some(first) = found.next() else {
            return Lookup::Missing(empty_line);
        };
        let line = section.line_of(names.key);
        for other in found {
            let origin = other.origin();
            if matches!(origin, Origin::File(_)) {
                section.error::<()>(
                    names.key,
                    line,
                    format!("is set twice: here, and by {}", names.file_key),
                    "keep one of the two lines",
                );
                return Lookup::Invalid;
            }
            section.warning(
                names.key,
                line,
                format!("is taken from {}; {origin} is ignored", first.origin()),
                "remove one of the two",
            );
        }
        Lookup::Found(first)
    }

    fn named_file(
        &self,
        section: &mut SectionReader<'_, '_>,
        names: &SecretNames,
        field: Option<&Field<'_>>,
    ) -> FromSource {
        let Some(field) = field else { return Ok(None) };
        let Some(path) = field.as_text().filter(|_| !field.is_unfilled()) else {
            section.error::<()>(
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
            Ok(file) => {
                if file.world_readable {
                    section.warning(
                        names.file_key,
                        field.line,
                        format!(
                            "any user of this machine can read the secret in {}",
                            path.display()
                        ),
                        format!("chmod 600 {}", path.display()),
                    );
                }
                Ok(Some(Secret::new(file.text.as_str(), Origin::File(path))))
            }
            Err(problem) => {
                let problem = format!("{} {problem}", path.display());
                let remedy = "put a file there that holds only the secret and that this program's user can read, or remove the line";
                section.error::<()>(names.file_key, field.line, problem, remedy);
                Err(())
            }
        }
    }

    fn credential(&self, section: &mut SectionReader<'_, '_>, names: &SecretNames) -> FromSource {
        let Some(directory) = self.environment.directory("CREDENTIALS_DIRECTORY") else {
            return Ok(None);
        };
        let path: PathBuf = directory.join(names.credential);
        if matches!(std::fs::symlink_metadata(&path), Err(error) if search::is_absent(&error)) {
            return Ok(None);
        }
        match read(&path) {
            Ok(file) => Ok(Some(Secret::new(
                file.text.as_str(),
                Origin::Credential(path),
            ))),
            Err(problem) => {
                section.error::<()>(
                    names.key,
                    section.line_of(names.key),
                    format!("the systemd credential {} {problem}", path.display()),
                    format!("correct LoadCredential={}:… in the unit", names.credential),
                );
                Err(())
            }
        }
    }

    fn variable(&self, section: &mut SectionReader<'_, '_>, names: &SecretNames) -> FromSource {
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
                section.error::<()>(names.key, section.line_of(names.key), problem, remedy);
                Err(())
            }
        }
    }
}

/// Reads the secret from the configuration file itself, if it is filled in there.
fn inline(
    section: &mut SectionReader<'_, '_>,
    names: &SecretNames,
    field: Option<&Field<'_>>,
) -> FromSource {
    let Some(field) = field.filter(|field| !field.is_unfilled()) else {
        return Ok(None);
    };
    let digits = field.as_digits().map(Zeroizing::new);
    let value = match names.is_number {
        true => digits.as_ref().map(|digits| digits.as_str()),
        false => field.as_text(),
    };
    if let Some(value) = value {
        let origin = Origin::Config { line: field.line };
        return Ok(Some(Secret::new(value, origin)));
    }
    let key = names.key;
    let (expected, remedy) = match names.is_number {
        true => (
            "a whole number",
            format!("write it without quotes, such as {key} = 12345678"),
        ),
        false => ("a text", format!("write it in quotes: {key} = \"…\"")),
    };
    let problem = format!("expected {expected}, found {}", field.kind());
    section.error::<()>(key, field.line, problem, remedy);
    Err(())
}

/// Reads a file that holds one secret, without the newline that editors append.
fn read(path: &Path) -> Result<search::TextFile, String> {
    let file = search::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
        _ => format!("cannot be read: {}", explain_error(path, &error)),
    })?;
    let trimmed = file.text.strip_suffix('\n').unwrap_or(&file.text);
    let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
    if trimmed.is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(search::TextFile {
        text: Zeroizing::new(trimmed.to_owned()),
        world_readable: file.world_readable,
    })
}
