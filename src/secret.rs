//! Secrets, and where each of them came from.
//!
//! Owns the values that must never be printed; refuses to know what they are for. A [`Secret`]
//! shows its origin and nothing else, whichever way it is formatted. Clones share one copy of the
//! value, which is wiped when the last of them is dropped.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretBox};

/// Where a secret was read from, in the order in which the places are asked (SPEC §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The configuration itself, on this line.
    Config {
        /// The line, counted from 1.
        line: usize,
    },
    /// The file that `KEY_file` names.
    File(PathBuf),
    /// A file of systemd's, under `$CREDENTIALS_DIRECTORY`.
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

/// A value that must not be seen, with its [`Origin`].
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

    /// Hands the value out, to be used at once and not kept.
    #[must_use]
    pub fn expose(&self) -> &T {
        self.value.expose_secret()
    }

    /// Says where the value came from.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }
}

// Derived, it would ask for `T: Clone`, which a `str` is not.
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
