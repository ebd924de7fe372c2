//! Reads the data of an order: JSON values become ids and words of this program.
//!
//! Lenient about spelling: `the_id` means `id`, and a number may be a string or end in `.0`. Strict about
//! meaning: an id that does not have the form of its kind is an error. Errors name the key and never the value.

use serde_json::Value;

use crate::model::{ChannelId, MessageId, UserId};

/// The largest user id that Telegram assigns (core.telegram.org/api/bots/ids).
const MAX_USER_ID: i64 = 0xFF_FFFF_FFFF;
/// 2^53, the first whole number that is also the nearest float of another whole number.
const FIRST_INEXACT: f64 = 9_007_199_254_740_992.0;

/// The key that an error names if it concerns the data as a whole.
const WHOLE: &str = "data";

/// The reason why the data of an order cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its {key} {problem}")]
pub struct DataError {
    /// A key of the data, or `data` for the whole.
    pub key: &'static str,
    pub problem: DataProblem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataProblem {
    #[error("is missing")]
    Missing,
    #[error("is not an object")]
    NotAnObject,
    #[error("is not a whole number")]
    NotANumber,
    #[error("is not the id of a user")]
    NotAUser,
    #[error("is not the id of a channel, which is -100 and ten to twelve more digits")]
    NotAChannel,
    #[error("is not the id of a message")]
    NotAMessage,
    #[error("is not a word that this order accepts")]
    UnknownWord,
    #[error("is neither true nor false")]
    NotABool,
}

/// The data of an order, or the value of one of its keys.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    key: &'static str,
    value: &'a Value,
}

impl<'a> Data<'a> {
    pub(super) const fn new(value: &'a Value) -> Self {
        Self { key: WHOLE, value }
    }

    pub(super) fn user(self, key: &'static str) -> Result<UserId, DataError> {
        self.field(key)?.as_user()
    }

    pub(super) fn channel(self, key: &'static str) -> Result<ChannelId, DataError> {
        self.field(key)?.as_channel()
    }

    /// Reads the id of a channel; `None` if the key is missing or null.
    pub(super) fn optional_channel(
        self,
        key: &'static str,
    ) -> Result<Option<ChannelId>, DataError> {
        let given = self.field(key).ok().filter(|field| !field.value.is_null());
        given.map(Self::as_channel).transpose()
    }

    /// Reads the id of a message. 0, which means "no message" in AVATAR's reports, is an error.
    pub(super) fn message(self, key: &'static str) -> Result<MessageId, DataError> {
        let field = self.field(key)?;
        let id = i32::try_from(field.as_integer()?);
        let id = id.ok().filter(|id| *id > 0);
        id.map(MessageId::new)
            .ok_or_else(|| field.error(DataProblem::NotAMessage))
    }

    /// Reads a word, and returns the meaning that `words` gives it.
    pub(super) fn word<T: Copy>(
        self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Result<T, DataError> {
        self.field(key)?.as_word(words)
    }

    pub(super) fn as_user(self) -> Result<UserId, DataError> {
        let id = self.as_integer()?;
        let id = Some(id).filter(|id| (1..=MAX_USER_ID).contains(id));
        id.map(UserId::new)
            .ok_or_else(|| self.error(DataProblem::NotAUser))
    }

    pub(super) fn as_word<T: Copy>(self, words: &[(&str, T)]) -> Result<T, DataError> {
        let known = words.iter().find(|(word, _)| self.value == word);
        known
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| self.error(DataProblem::UnknownWord))
    }

    pub(super) fn as_bool(self) -> Result<bool, DataError> {
        let value = self.value.as_bool();
        value.ok_or_else(|| self.error(DataProblem::NotABool))
    }

    fn as_channel(self) -> Result<ChannelId, DataError> {
        let id = ChannelId::from_bot_api(self.as_integer()?);
        id.ok_or_else(|| self.error(DataProblem::NotAChannel))
    }

    /// Reads a whole number, which may also be a float without a fraction or a string.
    fn as_integer(self) -> Result<i64, DataError> {
        let number = match self.value {
            Value::Number(number) => number
                .as_i64()
                .or_else(|| number.as_f64().and_then(exact_integer)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| self.error(DataProblem::NotANumber))
    }

    /// Returns the value of `key`, or of `the_key` as newer bots spell it.
    fn field(self, key: &'static str) -> Result<Self, DataError> {
        let Some(fields) = self.value.as_object() else {
            return Err(self.error(DataProblem::NotAnObject));
        };
        let value = fields
            .get(key)
            .or_else(|| fields.get(&format!("the_{key}")));
        value.map(|value| Self { key, value }).ok_or(DataError {
            key,
            problem: DataProblem::Missing,
        })
    }

    const fn error(self, problem: DataProblem) -> DataError {
        DataError {
            key: self.key,
            problem,
        }
    }
}

/// Returns the whole number that equals a float, if there is exactly one.
fn exact_integer(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < FIRST_INEXACT).then_some(number as i64)
}
