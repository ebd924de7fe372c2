//! Writing of a list into a file, record by record, and its comparison with the list afterwards.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, Write};
use std::sync::PoisonError;

use fleet_files::aescrypt::{AesCryptError, DecryptingReader, EncryptingWriter};
use fleet_files::atomic_file::AtomicFileError;
use fleet_files::sealed::SealedError;
use thiserror::Error;

use super::{Decoder, EncodeError, Encoder};
use crate::list_file::{ListTextError, python_dicts, sealed_json};
use crate::model::{List, ListSource};

/// The reason why a list was not written into its file.
#[derive(Debug, Error)]
pub enum ListWriteError<E> {
    /// The list cannot be read.
    #[error("{0}")]
    Source(E),
    /// The file cannot be written, or not read again.
    #[error("{0}")]
    File(#[source] io::Error),
    #[error(transparent)]
    Replace(#[from] AtomicFileError),
    /// No file can be made of this list.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl<E> From<ListTextError<E>> for ListWriteError<E> {
    fn from(error: ListTextError<E>) -> Self {
        match error {
            ListTextError::Source(error) => Self::Source(error),
            ListTextError::Write(error) => error.into(),
            ListTextError::Json(error) => Self::Encode(error.into()),
            ListTextError::RoundTrip => Self::Encode(EncodeError::RoundTrip),
        }
    }
}

impl<E> From<io::Error> for ListWriteError<E> {
    fn from(error: io::Error) -> Self {
        let error = match error.downcast::<EncodeError>() {
            Ok(error) => return Self::Encode(error),
            Err(error) => error,
        };
        let error = match error.downcast::<SealedError>() {
            Ok(error) => return Self::Encode(error.into()),
            Err(error) => error,
        };
        match error.downcast::<AesCryptError>() {
            Ok(error) => Self::Encode(error.into()),
            Err(error) => Self::File(error),
        }
    }
}

impl Encoder {
    /// Writes a list into an empty file, then opens the file and compares it with the list. `saved_at` is RFC 3339.
    /// The memory that this takes does not grow with the number of users.
    ///
    /// # Errors
    /// See [`ListWriteError`].
    pub fn write_list<S: ListSource>(
        &self,
        list: List,
        source: &S,
        saved_at: &str,
        file: &mut File,
        decoder: &Decoder,
    ) -> Result<(), ListWriteError<S::Error>> {
        match self {
            Self::Sealed(sealer) => {
                // Also the head may meet a full disk.
                let mut sealed = sealer.writer(&*file).map_err(io::Error::from)?;
                sealed_json::write_list(list, source, saved_at, &mut sealed)?;
                sealed.finish().map_err(io::Error::from)?;
                file.rewind()?;
                let mut opener = decoder
                    .opener
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                let opened = opener.reader(&*file).map_err(io::Error::from)?;
                drop(opener);
                let mut comparison = Comparison(BufReader::new(opened));
                sealed_json::write_list(list, source, saved_at, &mut comparison)?;
                Ok(comparison.finish()?)
            }
            Self::Python(password) => {
                let length = python_dicts::measure_list(list, source)?;
                let mut encrypted = EncryptingWriter::new(&*file, password)?;
                python_dicts::write_list(list, source, length, &mut encrypted)?;
                encrypted.finish()?;
                file.rewind()?;
                let opened = DecryptingReader::new(&*file, &decoder.password)?;
                let mut comparison = Comparison(BufReader::new(opened));
                python_dicts::write_list(list, source, length, &mut comparison)?;
                Ok(comparison.finish()?)
            }
        }
    }
}

/// A writer that compares what is written with the content of a reader.
struct Comparison<R>(R);

impl<R: Read> Comparison<R> {
    /// Checks that the reader is at its end, too.
    fn finish(mut self) -> io::Result<()> {
        match self.0.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(io::Error::other(EncodeError::RoundTrip)),
        }
    }
}

impl<R: Read> Write for Comparison<R> {
    fn write(&mut self, expected: &[u8]) -> io::Result<usize> {
        let mut found = [0; 4096];
        let length = expected.len().min(found.len());
        let found = &mut found[..length];
        match self.0.read_exact(found) {
            Ok(()) if *found == expected[..length] => Ok(length),
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
            _ => Err(io::Error::other(EncodeError::RoundTrip)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_other_content_is_refused() {
        for (found, expected) in [("abc", "abd"), ("ab", "abc"), ("abcd", "abc")] {
            let mut comparison = Comparison(found.as_bytes());
            let compared = comparison.write_all(expected.as_bytes());
            let error = compared.and_then(|()| comparison.finish()).unwrap_err();
            let error = ListWriteError::<()>::from(error);
            assert!(matches!(
                error,
                ListWriteError::Encode(EncodeError::RoundTrip)
            ));
        }
    }
}
