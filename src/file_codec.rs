//! Encoding and decoding of the files that are exchanged with the fleet: photos, lists and reports.
//!
//! An [`Encoder`] writes the configured format. A [`Decoder`] reads both formats, whatever is configured. A list is
//! decoded again before its file is handed out. See docs/files.md.

mod list_stream;

use std::io::Cursor;
use std::sync::{Mutex, PoisonError};

use fleet_files::FileFormat;
use fleet_files::aescrypt::{self, AesCryptError};
use fleet_files::pickle::{self, PickleError, PyValue, RgbPhoto, Unpickled};
use fleet_files::sealed::{Opener, SealedError, Sealer};
use image::{DynamicImage, ImageFormat, RgbImage};
use secrecy::SecretString;
use thiserror::Error;

pub use self::list_stream::ListWriteError;
use crate::config::FileKind;
use crate::list_file::{self, ListFile, ListFileError, sealed_json};
use crate::model::{Content, List, ListData};

/// Encodes files in the configured format.
pub enum Encoder {
    Sealed(Box<Sealer>),
    /// The format of the Python programs, with the fleet's password.
    Python(SecretString),
}

/// The reason why a file could not be encoded.
#[derive(Debug, Error)]
pub enum EncodeError {
    #[error(transparent)]
    Sealed(#[from] SealedError),
    #[error(transparent)]
    AesCrypt(#[from] AesCryptError),
    #[error("the photo cannot be decoded: {0}")]
    Photo(#[from] image::ImageError),
    /// The photo is too large for a pickle.
    #[error(transparent)]
    Pickle(#[from] PickleError),
    #[error("the data cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the new file does not decode to the list that was written to it")]
    RoundTrip,
}

impl Encoder {
    /// Derives the key for sealed files, which is kept for the life of the encoder.
    ///
    /// # Errors
    /// See [`Sealer::new`].
    pub fn new(kind: FileKind, password: &SecretString) -> Result<Self, EncodeError> {
        Ok(match kind {
            FileKind::Sealed => Self::Sealed(Box::new(Sealer::new(password)?)),
            FileKind::Python => Self::Python(password.clone()),
        })
    }

    /// Does the same as [`new`](Self::new), and reports whether `sample`, a small file of an earlier encoder, has the same
    /// format and password.
    ///
    /// # Errors
    /// See [`new`](Self::new).
    pub fn new_after(
        kind: FileKind,
        password: &SecretString,
        sample: &[u8],
    ) -> Result<(Self, bool), EncodeError> {
        Ok(match kind {
            FileKind::Sealed => {
                let (sealer, is_same) = Sealer::new_after(password, sample)?;
                (Self::Sealed(Box::new(sealer)), is_same)
            }
            FileKind::Python => {
                let is_same = aescrypt::open(sample, password).is_ok();
                (Self::Python(password.clone()), is_same)
            }
        })
    }

    /// Encodes a photo that was checked to be a whole image.
    ///
    /// # Errors
    /// See [`EncodeError`].
    pub fn encode_photo(&self, image: &[u8]) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Sealed(sealer) => Ok(sealer.seal_bytes(image)?),
            Self::Python(password) => {
                let pixels = image::load_from_memory(image)?.to_rgb8();
                let (width, height) = pixels.dimensions();
                let photo = RgbPhoto::new(width, height, pixels.into_raw())?;
                Ok(aescrypt::seal(&pickle::write_photo(&photo), password)?)
            }
        }
    }

    /// Encodes the file of a report. `saved_at` is RFC 3339.
    ///
    /// # Errors
    /// See [`EncodeError`].
    pub fn encode_report(&self, content: &Content, saved_at: &str) -> Result<Vec<u8>, EncodeError> {
        match (self, content) {
            (Self::Sealed(sealer), Content::PlainText(text)) => {
                Ok(sealer.seal_bytes(text.as_bytes())?)
            }
            (Self::Sealed(sealer), Content::Counts { list, counts }) => {
                let json = sealed_json::document(list, sealed_json::counts(counts), saved_at);
                Ok(sealer.seal_bytes(&json)?)
            }
            (Self::Python(password), content) => {
                let value = match content {
                    Content::PlainText(text) => PyValue::Str(text.clone()),
                    Content::Counts { counts, .. } => {
                        list_file::to_python(&ListData::Rules(counts.clone()))
                    }
                };
                Ok(aescrypt::seal(&pickle::write(&value), password)?)
            }
        }
    }

    /// Encodes a small file, by which a later run recognizes the format and the password.
    ///
    /// # Errors
    /// See [`EncodeError`].
    pub fn encode_sample(&self) -> Result<Vec<u8>, EncodeError> {
        self.encode_report(&Content::PlainText(String::new()), "")
    }

    /// Encodes a list, and decodes the file again to check that it holds the same list. `saved_at` is RFC 3339.
    ///
    /// # Errors
    /// See [`EncodeError`].
    pub fn encode_list(
        &self,
        list: List,
        data: &ListData,
        saved_at: &str,
        decoder: &Decoder,
    ) -> Result<Vec<u8>, EncodeError> {
        // Lists are long: each copy is dropped before the next one is made.
        let decode = |file: &[u8]| match decoder.decode(file) {
            Ok(DecodedFile::List(decoded)) => Ok(decoded),
            _ => Err(EncodeError::RoundTrip),
        };
        let (file, is_same) = match self {
            Self::Sealed(sealer) => {
                let file = sealer.seal_bytes(&sealed_json::list_document(list, data, saved_at)?)?;
                let is_same = decode(&file)?.is_sealed_copy_of(list, data);
                (file, is_same)
            }
            Self::Python(password) => {
                let pickle = pickle::write(&list_file::to_python(data));
                let file = aescrypt::seal(&pickle, password)?;
                let is_same = decode(&file)?.is_pickled_as(&pickle);
                (file, is_same)
            }
        };
        if is_same {
            Ok(file)
        } else {
            Err(EncodeError::RoundTrip)
        }
    }
}

/// Decodes files of both formats.
pub struct Decoder {
    opener: Mutex<Opener>,
    password: SecretString,
}

/// The content of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum DecodedFile {
    /// A photo, as an image file.
    Photo(Vec<u8>),
    List(ListFile),
    /// A text or any other bytes.
    Other(Vec<u8>),
}

/// The reason why a file could not be decoded.
#[derive(Debug, Error)]
pub enum DecodeError {
    #[error("not a sealed file, nor an AES Crypt file")]
    UnknownFormat,
    #[error(transparent)]
    Sealed(#[from] SealedError),
    #[error(transparent)]
    AesCrypt(#[from] AesCryptError),
    #[error(transparent)]
    Pickle(#[from] PickleError),
    #[error(transparent)]
    List(#[from] ListFileError),
    #[error("the photo cannot be written as PNG: {0}")]
    Photo(String),
}

impl Decoder {
    #[must_use]
    pub fn new(password: &SecretString) -> Self {
        Self {
            opener: Mutex::new(Opener::new(password)),
            password: password.clone(),
        }
    }

    /// Returns an encoder of sealed files with the same password, whatever format is configured.
    ///
    /// # Errors
    /// See [`Encoder::new`].
    pub fn sealed_encoder(&self) -> Result<Encoder, EncodeError> {
        Encoder::new(FileKind::Sealed, &self.password)
    }

    /// Decodes a whole file, and recognises a photo or a list in it.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(&self, file: &[u8]) -> Result<DecodedFile, DecodeError> {
        match FileFormat::detect(file) {
            Some(FileFormat::Sealed) => {
                let mut opener = self.opener.lock().unwrap_or_else(PoisonError::into_inner);
                let plain = opener.open_bytes(file)?;
                recognise(plain)
            }
            Some(FileFormat::AesCrypt) => {
                match pickle::read(&aescrypt::open(file, &self.password)?)? {
                    Unpickled::Photo(photo) => to_png(photo).map(DecodedFile::Photo),
                    Unpickled::Data(PyValue::Str(text)) => {
                        Ok(DecodedFile::Other(text.into_bytes()))
                    }
                    Unpickled::Data(value) => Ok(DecodedFile::List(ListFile::from_python(value))),
                }
            }
            None => Err(DecodeError::UnknownFormat),
        }
    }
}

/// Recognises the content of a sealed file.
fn recognise(plain: Vec<u8>) -> Result<DecodedFile, DecodeError> {
    if image::guess_format(&plain).is_ok() {
        Ok(DecodedFile::Photo(plain))
    } else if plain.starts_with(b"{\"format\":") {
        match ListFile::from_json(&plain) {
            Ok(list) => Ok(DecodedFile::List(list)),
            // The figures of a status report have the layout of a list, under another name.
            Err(ListFileError::NotAList(_)) => Ok(DecodedFile::Other(plain)),
            Err(error) => Err(error.into()),
        }
    } else {
        Ok(DecodedFile::Other(plain))
    }
}

fn to_png(photo: RgbPhoto) -> Result<Vec<u8>, DecodeError> {
    let (width, height) = (photo.width(), photo.height());
    let pixels = RgbImage::from_raw(width, height, photo.into_pixels())
        .expect("the pixels of an RgbPhoto fill its size");
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(pixels)
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| DecodeError::Photo(error.to_string()))?;
    Ok(bytes.into_inner())
}
