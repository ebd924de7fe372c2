//! The files of the exchange: sealed ones and those of the Python bots, opened and written under one password.

use std::collections::BTreeMap;

use fleet_files::pickle::{self, PyValue, RgbPhoto, Unpickled};
use fleet_files::sealed::{Opener, Sealer};
use fleet_files::{FileFormat, aescrypt};
use secrecy::SecretString;
use serde_json::{Value, json};

/// The password of a fleet, and the format in which it writes and expects files.
pub struct Files {
    format: FileFormat,
    password: SecretString,
    opener: Opener,
}

/// The content of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A sealed list: the value of its key `data`.
    List(Value),
    /// Any other content of a sealed file: an image as Telegram delivered it, or a text.
    Bytes(Vec<u8>),
    /// A pickled list or text.
    Python(PyValue),
    /// A pickled photo.
    Pixels(RgbPhoto),
}

impl Files {
    /// Returns the files of a fleet that reads sealed files.
    pub fn sealed(password: &str) -> Self {
        Self::new(FileFormat::Sealed, password)
    }

    /// Returns the files of a fleet whose bots are Python programs.
    pub fn python(password: &str) -> Self {
        Self::new(FileFormat::AesCrypt, password)
    }

    fn new(format: FileFormat, password: &str) -> Self {
        let password = SecretString::from(password);
        Self {
            format,
            opener: Opener::new(&password),
            password,
        }
    }

    /// Opens a file.
    ///
    /// # Errors
    /// If the file has another format than the fleet's, or does not open.
    pub fn open(&mut self, file: &[u8]) -> Result<Content, String> {
        if FileFormat::detect(file) != Some(self.format) {
            return Err(format!("is not a file of the format {:?}", self.format));
        }
        match self.format {
            FileFormat::Sealed => {
                let plain = self.opener.open_bytes(file);
                let plain = plain.map_err(|error| error.to_string())?;
                let list = serde_json::from_slice::<Value>(&plain).ok();
                Ok(match list {
                    Some(mut list) if list["format"] == 1 => Content::List(list["data"].take()),
                    _ => Content::Bytes(plain),
                })
            }
            FileFormat::AesCrypt => {
                let plain = aescrypt::open(file, &self.password);
                let plain = plain.map_err(|error| error.to_string())?;
                let value = pickle::read(&plain).map_err(|error| error.to_string())?;
                Ok(match value {
                    Unpickled::Data(value) => Content::Python(value),
                    Unpickled::Photo(photo) => Content::Pixels(photo),
                })
            }
        }
    }

    /// Encrypts a list of rules without hits.
    ///
    /// # Panics
    /// If the operating system hands out no random numbers.
    pub fn seal_rules(&self, list: &str, rules: &[&str]) -> Vec<u8> {
        match self.format {
            FileFormat::Sealed => {
                let hits: BTreeMap<&str, i64> = rules.iter().map(|rule| (*rule, 0)).collect();
                let document = json!({
                    "format": 1,
                    "list": list,
                    "saved_at": "2026-01-01T00:00:00Z",
                    "data": hits,
                });
                let sealer = Sealer::new(&self.password).expect("random numbers");
                let sealed = sealer.seal_bytes(document.to_string().as_bytes());
                sealed.expect("random numbers")
            }
            FileFormat::AesCrypt => {
                let pairs = rules.iter().map(|rule| ((*rule).into(), PyValue::Int(0)));
                let pickle = pickle::write(&PyValue::Dict(pairs.collect()));
                aescrypt::seal(&pickle, &self.password).expect("random numbers")
            }
        }
    }
}

impl Content {
    /// Returns whether the content is a photo: a JPEG or PNG image, or pixels.
    pub fn is_photo(&self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.starts_with(b"\xff\xd8") || bytes.starts_with(b"\x89PNG"),
            Self::Pixels(_) => true,
            Self::List(_) | Self::Python(_) => false,
        }
    }

    /// Returns the content of a text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Python(value) => value.as_str(),
            Self::List(_) | Self::Pixels(_) => None,
        }
    }

    /// Returns a list of names and numbers: rules and hits, or labels and figures.
    pub fn numbers(&self) -> Option<BTreeMap<String, i64>> {
        match self {
            Self::List(list) => {
                let pairs = list.as_object()?.iter();
                pairs
                    .map(|(name, number)| Some((name.clone(), number.as_i64()?)))
                    .collect()
            }
            Self::Python(value) => {
                let pairs = value.as_pairs()?.iter();
                pairs
                    .map(|(name, number)| Some((name.as_str()?.to_owned(), number.as_int()?)))
                    .collect()
            }
            Self::Bytes(_) | Self::Pixels(_) => None,
        }
    }

    /// Returns the ids under a key of a list, such as `users` of `bad_ids`.
    pub fn ids(&self, key: &str) -> Option<Vec<i64>> {
        match self {
            Self::List(list) => list[key].as_array()?.iter().map(Value::as_i64).collect(),
            Self::Python(value) => {
                let ids = value.get(key)?.as_members()?.iter();
                ids.map(PyValue::as_int).collect()
            }
            Self::Bytes(_) | Self::Pixels(_) => None,
        }
    }
}
