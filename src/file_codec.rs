//! Makes and reads the fleet's files, of either kind (SPEC §7).

use std::io::Cursor;
use std::sync::{Mutex, PoisonError};

use image::{DynamicImage, ImageFormat, RgbImage};
use secrecy::SecretString;
use thiserror::Error;

use fleet_files::aescrypt::{self, AesCryptFault};
use fleet_files::pickle::{self, PickleFault, Value};
use fleet_files::{Kind, Opener, SealedFault, Sealer, open_whole};

use crate::config::FileKind;
use crate::list_file::{self as lists, ListFault, ListFile};
use crate::model::{Content, List, ListData};

/// Makes files of the configured kind.
pub enum Maker {
    /// Sealed ones.
    Sealed(Box<Sealer>),
    /// Those that the Python fleet reads, with this password.
    Python(SecretString),
}

/// Why a file could not be made.
#[derive(Debug, Error)]
pub enum MakeFault {
    /// Sealing failed.
    #[error(transparent)]
    Sealed(#[from] SealedFault),
    /// AES Crypt failed.
    #[error(transparent)]
    AesCrypt(#[from] AesCryptFault),
    /// The photo cannot be decoded.
    #[error("the photo cannot be decoded: {0}")]
    Photo(#[from] image::ImageError),
    /// The photo is too large to be pickled.
    #[error(transparent)]
    Pickle(#[from] PickleFault),
    /// The data cannot be written.
    #[error("the data cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    /// What was made does not open to what went in.
    #[error("what was made does not open to what went in")]
    Differs,
}

impl Maker {
    /// Derives the key, for the life of the process.
    ///
    /// # Errors
    /// No random numbers, or no memory for the derivation.
    pub fn new(kind: FileKind, password: &SecretString) -> Result<Self, MakeFault> {
        Ok(match kind {
            FileKind::Sealed => Self::Sealed(Box::new(Sealer::new(password)?)),
            FileKind::Python => Self::Python(password.clone()),
        })
    }

    /// Makes the file of a photo that was checked to be a whole image.
    ///
    /// # Errors
    /// See [`MakeFault`].
    pub fn photo(&self, image: &[u8]) -> Result<Vec<u8>, MakeFault> {
        match self {
            Self::Sealed(sealer) => Ok(sealer.seal_bytes(image)?),
            Self::Python(password) => {
                let pixels = image::load_from_memory(image)?.to_rgb8();
                let (width, height) = pixels.dimensions();
                let photo = pickle::Photo::new(width, height, pixels.into_raw())?;
                Ok(aescrypt::seal(&pickle::write_photo(&photo), password)?)
            }
        }
    }

    /// Makes the file of a report.
    ///
    /// # Errors
    /// See [`MakeFault`].
    pub fn report(&self, content: &Content, saved_at: &str) -> Result<Vec<u8>, MakeFault> {
        match (self, content) {
            (Self::Sealed(sealer), Content::Text(text)) => Ok(sealer.seal_bytes(text.as_bytes())?),
            (Self::Sealed(sealer), Content::Counts { list, counts }) => {
                let json = lists::to_json(list, lists::counts_json(counts), saved_at);
                Ok(sealer.seal_bytes(&json)?)
            }
            (Self::Python(password), content) => {
                let value = match content {
                    Content::Text(text) => Value::Str(text.clone()),
                    Content::Counts { counts, .. } => {
                        lists::python_of(&ListData::Rules(counts.clone()))
                    }
                };
                Ok(aescrypt::seal(&pickle::write(&value), password)?)
            }
        }
    }

    /// Makes the file of a list, and opens it again to see that it holds what went in (SPEC §7.3).
    ///
    /// # Errors
    /// See [`MakeFault`].
    pub fn list(
        &self,
        list: List,
        data: &ListData,
        saved_at: &str,
        reader: &Reader,
    ) -> Result<Vec<u8>, MakeFault> {
        // Each copy goes before the next is made: lists are long.
        let read = |file: &[u8]| match reader.read(file) {
            Ok(Opened::List(found)) => Ok(found),
            _ => Err(MakeFault::Differs),
        };
        let (file, is_same) = match self {
            Self::Sealed(sealer) => {
                let file = sealer.seal_bytes(&lists::list_to_json(list, data, saved_at)?)?;
                let is_same = read(&file)?.is_own(list, data);
                (file, is_same)
            }
            Self::Python(password) => {
                let pickle = pickle::write(&lists::python_of(data));
                let file = aescrypt::seal(&pickle, password)?;
                let is_same = read(&file)?.is_pickled(&pickle);
                (file, is_same)
            }
        };
        if is_same {
            Ok(file)
        } else {
            Err(MakeFault::Differs)
        }
    }
}

/// Opens files of both kinds, whatever the setting.
pub struct Reader {
    opener: Mutex<Opener>,
    password: SecretString,
}

/// What was in a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Opened {
    /// A photo, as an image file.
    Photo(Vec<u8>),
    /// A list.
    List(ListFile),
    /// A text, or something else that is neither.
    Other(Vec<u8>),
}

/// Why a file could not be read.
#[derive(Debug, Error)]
pub enum ReadFault {
    /// It is of neither kind.
    #[error("this is not a sealed file, nor an AES Crypt file")]
    Unknown,
    /// It is a sealed file, and does not open.
    #[error(transparent)]
    Sealed(#[from] SealedFault),
    /// It is an AES Crypt file, and does not open.
    #[error(transparent)]
    AesCrypt(#[from] AesCryptFault),
    /// What is in it is no plain pickle.
    #[error(transparent)]
    Pickle(#[from] PickleFault),
    /// What is in it is a list of another layout.
    #[error(transparent)]
    List(#[from] ListFault),
    /// The photo in it is damaged.
    #[error("the photo in it cannot be written as an image: {0}")]
    Photo(String),
}

impl Reader {
    /// Makes a reader with the fleet's password.
    #[must_use]
    pub fn new(password: &SecretString) -> Self {
        Self {
            opener: Mutex::new(Opener::new(password)),
            password: password.clone(),
        }
    }

    /// Makes a maker of sealed files with the same password, whatever kind is posted.
    ///
    /// # Errors
    /// No random numbers, or no memory for the derivation.
    pub fn sealing(&self) -> Result<Maker, MakeFault> {
        Maker::new(FileKind::Sealed, &self.password)
    }

    /// Opens a file, all of it or nothing, and recognises what is in it.
    ///
    /// # Errors
    /// See [`ReadFault`].
    pub fn read(&self, file: &[u8]) -> Result<Opened, ReadFault> {
        match Kind::of(file) {
            Kind::Sealed => {
                let mut opener = self.opener.lock().unwrap_or_else(PoisonError::into_inner);
                let plain = open_whole(&mut opener, file)?;
                Self::recognise(plain)
            }
            Kind::AesCrypt => match pickle::read(&aescrypt::open(file, &self.password)?)? {
                pickle::Content::Photo(photo) => png(&photo).map(Opened::Photo),
                pickle::Content::Data(Value::Str(text)) => Ok(Opened::Other(text.into_bytes())),
                pickle::Content::Data(value) => Ok(Opened::List(ListFile::from_python(value))),
            },
            Kind::Unknown => Err(ReadFault::Unknown),
        }
    }

    /// Recognises what a sealed file held.
    fn recognise(plain: Vec<u8>) -> Result<Opened, ReadFault> {
        if image::guess_format(&plain).is_ok() {
            Ok(Opened::Photo(plain))
        } else if plain.starts_with(b"{\"format\":") {
            match ListFile::from_json(&plain) {
                Ok(list) => Ok(Opened::List(list)),
                // The figures of a status report have the layout of a list, and are none.
                Err(ListFault::NotAList(_)) => Ok(Opened::Other(plain)),
                Err(error) => Err(error.into()),
            }
        } else {
            Ok(Opened::Other(plain))
        }
    }
}

fn png(photo: &pickle::Photo) -> Result<Vec<u8>, ReadFault> {
    let pixels = RgbImage::from_raw(photo.width(), photo.height(), photo.rgb().to_vec())
        .ok_or_else(|| ReadFault::Photo("its size does not fit its pixels".into()))?;
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(pixels)
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| ReadFault::Photo(error.to_string()))?;
    Ok(bytes.into_inner())
}
