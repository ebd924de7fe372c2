//! Reads the text of a post as an envelope.
//!
//! The reader accepts text, white space, a code fence or a byte order mark around the object, keys in any order,
//! unknown keys, and a key given twice (the last one counts, as in Python). Everything else must be JSON: the words
//! `NaN` and `Infinity` and half a surrogate pair, which Python's `json` writes, make an envelope malformed.
//! Time and memory are linear in the length of the text, and serde_json bounds the nesting.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// The longest text that [`Envelope::parse`] reads, in bytes.
///
/// Telegram's longest message has 4096 UTF-16 units, which are at most 12 KiB of UTF-8.
pub const MAX_TEXT_LEN: usize = 64 * 1024;

/// A message from one bot of the fleet to others.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The sender's name in the fleet, such as `MANAGE`.
    pub from: String,
    /// The receivers' names. `EMERGENCY` addresses all bots.
    pub to: Vec<String>,
    /// The action, such as `add`.
    pub action: String,
    /// The action's type, such as `bad`; the key `type`.
    pub kind: String,
    /// The parameters, whose form depends on action and type; null if the key is missing.
    pub data: Value,
}

/// The reason why a text is not an envelope. Its `Display` quotes nothing of the text.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The text has more than [`MAX_TEXT_LEN`] bytes.
    #[error("{0} bytes are too long for an envelope")]
    TooLong(usize),
    /// The text contains no brace that a key follows.
    #[error("the text contains no JSON object")]
    NoObject,
    /// The object is truncated, is not JSON, or is nested more than 127 levels deep.
    #[error("the object is not valid JSON: {0}")]
    InvalidJson(#[source] serde_json::Error),
    /// A required key is missing.
    #[error("{0:?} is missing")]
    Missing(&'static str),
    /// The value of a key has the wrong type.
    #[error("{key:?} is not {expected}")]
    WrongType {
        /// The name of the key.
        key: &'static str,
        /// The expected type, with an article.
        expected: &'static str,
    },
}

impl Envelope {
    /// Reads the first JSON object in a text or caption as an envelope.
    ///
    /// Only the outermost object counts: an envelope inside a broken object is not read. The value of `to` may be
    /// a list of names or a single name.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is too long, contains no object, the object is not JSON, or one of `from`, `to`,
    /// `action` and `type` is missing or has the wrong type.
    pub fn parse(text: &str) -> Result<Self, EnvelopeError> {
        if text.len() > MAX_TEXT_LEN {
            return Err(EnvelopeError::TooLong(text.len()));
        }
        let object = object_start(text).ok_or(EnvelopeError::NoObject)?;
        // The deserializer stops after the object, so that a closing fence or a signature may follow.
        let mut json = serde_json::Deserializer::from_str(object);
        let mut keys = Map::deserialize(&mut json).map_err(EnvelopeError::InvalidJson)?;
        Ok(Self {
            from: take_string(&mut keys, "from")?,
            to: take_receivers(&mut keys)?,
            action: take_string(&mut keys, "action")?,
            kind: take_string(&mut keys, "type")?,
            data: keys.swap_remove("data").unwrap_or(Value::Null),
        })
    }
}

/// Returns the part of a text that [`Envelope::parse`] reads: the first JSON object, without what surrounds it. Returns
/// `None` if the text contains no complete object.
#[must_use]
pub fn object_text(text: &str) -> Option<&str> {
    let object = object_start(text)?;
    let mut values = serde_json::Deserializer::from_str(object).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    object.get(..values.byte_offset())
}

/// Returns the text from the first brace that a key follows.
fn object_start(text: &str) -> Option<&str> {
    let mut candidates = text.match_indices('{').map(|(at, _)| &text[at..]);
    candidates.find(|candidate| {
        let mut inside = candidate.bytes().skip(1);
        inside.find(|byte| !byte.is_ascii_whitespace()) == Some(b'"')
    })
}

fn take_string(keys: &mut Map<String, Value>, key: &'static str) -> Result<String, EnvelopeError> {
    match keys.swap_remove(key) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(EnvelopeError::WrongType {
            key,
            expected: "a string",
        }),
        None => Err(EnvelopeError::Missing(key)),
    }
}

fn take_receivers(keys: &mut Map<String, Value>) -> Result<Vec<String>, EnvelopeError> {
    let key = "to";
    let names = match keys.swap_remove(key) {
        Some(Value::Array(names)) => names,
        Some(name) => vec![name],
        None => return Err(EnvelopeError::Missing(key)),
    };
    let names = names.into_iter().map(|name| match name {
        Value::String(name) => Some(name),
        _ => None,
    });
    names
        .collect::<Option<_>>()
        .ok_or(EnvelopeError::WrongType {
            key,
            expected: "a list of strings",
        })
}

#[cfg(test)]
mod tests;
