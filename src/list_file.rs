//! What a list looks like in a file: JSON in a sealed one (SPEC §7.1), Python's plain values in the
//! fleet's own (SPEC §7.2).
//!
//! Pure. Ids of groups and channels are written in the Bot API form. Whatever a file holds that has
//! no meaning here is left out, and said in words, so that nobody believes it to be restored.

mod python_dicts;
mod sealed_json;
mod skipped_entries;

use std::borrow::Cow;

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json, json};
use thiserror::Error;

use fleet_files::pickle::{self, Value};

pub use self::skipped_entries::LeftOut;
use self::{python_dicts as python, sealed_json as own};
use crate::model::{List, ListData};

/// The layout of the JSON.
const FORMAT: u64 = 1;

/// A list as a file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct ListFile {
    /// Which list it says it is; Python's files do not say.
    pub list: Option<List>,
    data: Data,
}

#[derive(Clone, Debug, PartialEq)]
enum Data {
    Own(ListData),
    Python(Value),
}

/// Why a file's data are not the list that was wanted.
#[derive(Debug, Error)]
pub enum ListFault {
    /// The JSON is none, or of another layout.
    #[error("it is no list of this program: {0}")]
    NotAList(String),
    /// It is another list, or damaged within.
    #[error("it does not hold {list}: {what}")]
    Unfit {
        /// The list that was wanted.
        list: List,
        /// What is wrong.
        what: String,
    },
}

/// Writes figures or a list as the JSON of a sealed file. `saved_at` is RFC 3339.
#[must_use]
pub fn to_json(list: &str, data: Json, saved_at: &str) -> Vec<u8> {
    let whole = json!({"format": FORMAT, "list": list, "saved_at": saved_at, "data": data});
    let mut text = whole.to_string().into_bytes();
    text.push(b'\n');
    text
}

/// Writes a list as the JSON of a sealed file, without a tree in between: lists are long.
///
/// # Errors
/// The data cannot be said in JSON, which does not happen for what is in [`ListData`].
pub fn list_to_json(
    list: List,
    data: &ListData,
    saved_at: &str,
) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Whole<'a> {
        format: u64,
        list: &'a str,
        saved_at: &'a str,
        data: own::Writing<'a>,
    }
    let mut text = serde_json::to_vec(&Whole {
        format: FORMAT,
        list: list.as_str(),
        saved_at,
        data: own::Writing(data),
    })?;
    text.push(b'\n');
    Ok(text)
}

/// Gives figures by label as JSON, in their order.
#[must_use]
pub fn counts_json(counts: &[(String, u64)]) -> Json {
    counts
        .iter()
        .map(|(label, count)| (label.clone(), json!(count)))
        .collect::<Map<_, _>>()
        .into()
}

/// Gives a list's data as Python's plain values, in the shapes that the fleet reads.
#[must_use]
pub fn python_of(data: &ListData) -> Value {
    python::of(data)
}

impl ListFile {
    /// Reads the JSON of a sealed file.
    ///
    /// # Errors
    /// It is no JSON, of another layout, or not what it says it is.
    pub fn from_json(text: &[u8]) -> Result<Self, ListFault> {
        #[derive(serde::Deserialize)]
        struct Head {
            format: Option<Json>,
            list: Option<Json>,
            data: Option<IgnoredAny>,
        }
        let bad = |what: &str| ListFault::NotAList(what.to_owned());
        let head: Head = serde_json::from_slice(text).map_err(|error| bad(&error.to_string()))?;
        match head.format.as_ref().and_then(Json::as_u64) {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(bad(&format!(
                    "its format is {other}, this program knows {FORMAT}"
                )));
            }
            None => return Err(bad("it has no format")),
        }
        let list = head
            .list
            .as_ref()
            .and_then(Json::as_str)
            .and_then(List::from_name)
            .ok_or_else(|| bad("it names no list of this program"))?;
        if head.data.is_none() {
            return Err(bad("it has no data"));
        }
        Ok(Self {
            list: Some(list),
            data: Data::Own(own::read(list, text)?),
        })
    }

    /// Gives what is in the file as JSON, for people and programs to look at.
    ///
    /// # Errors
    /// See [`list_to_json`].
    pub fn json(&self) -> Result<Json, serde_json::Error> {
        let data = match &self.data {
            Data::Own(data) => serde_json::to_value(own::Writing(data))?,
            Data::Python(value) => python::json(value),
        };
        Ok(json!({"list": self.list.map(List::as_str), "data": data}))
    }

    /// Takes Python's plain values.
    #[must_use]
    pub const fn from_python(value: Value) -> Self {
        Self {
            list: None,
            data: Data::Python(value),
        }
    }

    /// Returns whether this is that list, with those data, in a sealed file.
    pub(crate) fn is_own(&self, list: List, data: &ListData) -> bool {
        self.list == Some(list) && matches!(&self.data, Data::Own(own) if own == data)
    }

    /// Returns whether this came from a pickle with those bytes, which this program wrote.
    pub(crate) fn is_pickled(&self, pickle: &[u8]) -> bool {
        matches!(&self.data, Data::Python(value) if pickle::write(value) == pickle)
    }

    /// Gives the data as the list that is wanted, and what was left out because it means nothing here.
    ///
    /// # Errors
    /// They are not that list's.
    pub fn data_for(&self, list: List) -> Result<(Cow<'_, ListData>, LeftOut), ListFault> {
        let unfit = |what: &str| ListFault::Unfit {
            list,
            what: what.to_owned(),
        };
        match &self.data {
            Data::Own(data) if self.list == Some(list) => {
                Ok((Cow::Borrowed(data), LeftOut::default()))
            }
            Data::Own(_) => Err(unfit("it is another list")),
            Data::Python(value) => {
                let mut left_out = LeftOut::default();
                python::data_for(list, value, &mut left_out)
                    .map(|data| (Cow::Owned(data), left_out))
                    .ok_or_else(|| unfit("its values are of another shape"))
            }
        }
    }
}
