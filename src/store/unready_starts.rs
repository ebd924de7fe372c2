//! The count of starts in a row that did not get ready.

use super::{ReadTx, StoreError, Tx};
use crate::model::Timestamp;

const COUNT: &str = "unready_starts";
const LAST: &str = "unready_since";

/// Starts in a row that did not get ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnreadyStarts {
    pub count: u32,
    /// When the last of them began to connect.
    pub last: Option<Timestamp>,
}

impl ReadTx<'_> {
    /// Returns the starts in a row that did not get ready.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn unready_starts(&self) -> Result<UnreadyStarts, StoreError> {
        let number = |key| -> Result<Option<i64>, StoreError> {
            Ok(self.setting(key)?.and_then(|value| value.parse().ok()))
        };
        Ok(UnreadyStarts {
            count: number(COUNT)?
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(0),
            last: number(LAST)?.map(Timestamp::new),
        })
    }
}

impl Tx<'_> {
    /// Records the starts in a row that did not get ready.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_unready_starts(&self, starts: UnreadyStarts) -> Result<(), StoreError> {
        self.set_setting(COUNT, &starts.count.to_string())?;
        match starts.last {
            Some(last) => self.set_setting(LAST, &last.to_string()),
            None => Ok(()),
        }
    }
}
