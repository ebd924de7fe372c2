//! A list of this program in a file: as JSON in a sealed file, or as the plain values of the Python programs.
//!
//! The module only converts, without I/O. Ids of groups and channels are written in their Bot API form. Entries that
//! have no meaning in this program are left out and reported as [`SkippedEntries`], so that they are
//! not taken for restored. See docs/files.md.

pub(crate) mod python_dicts;
pub mod sealed_json;
mod skipped_entries;

use std::borrow::Cow;
use std::io;

use fleet_files::pickle::{self, PyValue};
use serde_json::{Value as Json, json};
use thiserror::Error;

pub use self::python_dicts::{group_ids, to_python};
pub use self::skipped_entries::SkippedEntries;
use crate::model::{List, ListData};

/// A list that was read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ListFile {
    /// The list that the file claims to be. The files of the Python programs do not name one.
    pub list: Option<List>,
    entries: Entries,
}

#[derive(Clone, Debug, PartialEq)]
enum Entries {
    Sealed(ListData),
    Python(PyValue),
}

/// The reason why a file does not give the list that was wanted.
#[derive(Debug, Error)]
pub enum ListFileError {
    /// The JSON cannot be parsed, or has an unknown layout.
    #[error("not a list of this program: {0}")]
    NotAList(String),
    /// The file is of another list, or an entry is invalid.
    #[error("the file does not hold {list}: {reason}")]
    Mismatch { list: List, reason: String },
}

/// The reason why the text of a list was not written.
#[derive(Debug, Error)]
pub(crate) enum ListTextError<E> {
    /// The list cannot be read.
    #[error("{0}")]
    Source(E),
    #[error(transparent)]
    Write(#[from] io::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("a record does not parse to the record that was written")]
    RoundTrip,
}

impl ListFile {
    /// Parses the JSON of a sealed file.
    ///
    /// # Errors
    /// See [`ListFileError`].
    pub fn from_json(text: &[u8]) -> Result<Self, ListFileError> {
        let (list, data) = sealed_json::parse(text)?;
        Ok(Self {
            list: Some(list),
            entries: Entries::Sealed(data),
        })
    }

    /// Takes the content of a pickle.
    #[must_use]
    pub const fn from_python(value: PyValue) -> Self {
        Self {
            list: None,
            entries: Entries::Python(value),
        }
    }

    /// Returns the content as JSON, for display.
    ///
    /// # Errors
    /// See [`sealed_json::list_document`].
    pub fn to_json(&self) -> Result<Json, serde_json::Error> {
        let data = match &self.entries {
            Entries::Sealed(data) => sealed_json::to_value(data)?,
            Entries::Python(value) => python_dicts::to_json(value),
        };
        Ok(json!({"list": self.list.map(List::as_str), "data": data}))
    }

    /// Returns true if this is the list `list` with these data, from a sealed file.
    pub(crate) fn is_sealed_copy_of(&self, list: List, data: &ListData) -> bool {
        self.list == Some(list) && matches!(&self.entries, Entries::Sealed(own) if own == data)
    }

    /// Returns true if this came from a pickle with these bytes. The pickle has to be one that this program wrote.
    pub(crate) fn is_pickled_as(&self, pickle: &[u8]) -> bool {
        matches!(&self.entries, Entries::Python(value) if pickle::write(value) == pickle)
    }

    /// Returns the data as those of `list`, and the entries that were left out.
    ///
    /// # Errors
    /// [`ListFileError::Mismatch`].
    pub fn data_for(
        &self,
        list: List,
    ) -> Result<(Cow<'_, ListData>, SkippedEntries), ListFileError> {
        let mismatch = |reason: &str| ListFileError::Mismatch {
            list,
            reason: reason.to_owned(),
        };
        match &self.entries {
            Entries::Sealed(data) if self.list == Some(list) => {
                Ok((Cow::Borrowed(data), SkippedEntries::default()))
            }
            Entries::Sealed(_) => Err(mismatch("it is another list")),
            Entries::Python(value) => {
                let mut skipped = SkippedEntries::default();
                python_dicts::from_python(list, value, &mut skipped)
                    .map(|data| (Cow::Owned(data), skipped))
                    .ok_or_else(|| mismatch("the values have another shape"))
            }
        }
    }
}
