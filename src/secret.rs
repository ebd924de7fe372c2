//! Secret values and their origins.
//!
//! Formatting a [`Secret`] in any way prints only its origin. Clones share one copy of the value,
//! which is wiped when the last clone is dropped.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretBox};

/// The source of a secret. The sources are tried in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file.
    Config {
        /// The line, counted from 1.
        line: usize,
    },
    /// The file that `KEY_file` names.
    File(PathBuf),
    /// A systemd credential, a file under `$CREDENTIALS_DIRECTORY`.
    Credential(PathBuf),
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config { line } => write!(f, "line {line} of the configuration"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Credential(path) => write!(f, "the systemd credential {}", path.display()),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
        }
    }
}

/// A value that must not be printed, with its [`Origin`].
pub struct Secret<T: Zeroize + ?Sized = str> {
    value: Arc<SecretBox<T>>,
    origin: Origin,
}

impl<T: Zeroize + ?Sized> Secret<T> {
    /// Wraps a value that was read from `origin`.
    #[must_use]
    pub fn new(value: impl Into<Box<T>>, origin: Origin) -> Self {
        Self {
            value: Arc::new(SecretBox::new(value.into())),
            origin,
        }
    }

    /// Returns the value. Callers use it at once and do not keep it.
    #[must_use]
    pub fn expose(&self) -> &T {
        self.value.expose_secret()
    }

    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }
}

// A derived Clone would require `T: Clone`, which `str` does not implement.
impl<T: Zeroize + ?Sized> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            origin: self.origin.clone(),
        }
    }
}

impl<T: Zeroize + ?Sized> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

impl<T: Zeroize + ?Sized> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "set, from {}", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_way_of_formatting_shows_the_value() {
        let origin = Origin::Variable("SCP079_ENCRYPT_PASSWORD".to_owned());
        let secret: Secret = Secret::new("hunter22", origin);
        for shown in [
            format!("{secret}"),
            format!("{secret:?}"),
            format!("{secret:#?}"),
        ] {
            assert!(!shown.contains("hunter22"), "{shown}");
            assert!(shown.contains("SCP079_ENCRYPT_PASSWORD"), "{shown}");
        }
        assert_eq!(secret.clone().expose(), "hunter22");
    }
}
