//! The envelope, in: what a post in HIDE or EXCHANGE says (SPEC §5.1).
//!
//! Lenient about what Python writes and people paste: text, blanks, a code fence or a byte order mark around the
//! object, any order of keys, keys that nobody knows, NaN and the infinities, half a surrogate pair, a key given
//! twice (the last one counts, as in Python). Strict about the rest, and cheap about everything: one pass, memory
//! in proportion to the text, nesting bounded by `serde_json`. Knows no action and no sender: who may order what
//! is for `orders`. It keeps nothing.

mod mend;

use serde::Deserialize;
use serde_json::{Map, Value};

use self::mend::mend;

/// The longest text that is looked at, in bytes. Telegram's longest message has 4096 UTF-16 units, at most
/// 12 KiB of UTF-8.
pub const LONGEST: usize = 64 * 1024;

/// What one post says, not yet judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Who says it, in the fleet's names: `from`.
    pub from: String,
    /// To whom: `to`.
    pub to: Vec<String>,
    /// What is to be done: `action`.
    pub action: String,
    /// To what: `type`.
    pub kind: String,
    /// With what: `data`; null where there is none.
    pub data: Value,
}

/// Why a text is no envelope. Quotes nothing of the text, so that it may be logged at any level.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Longer than anything Telegram lets through; nothing in it was looked at.
    #[error("{0} bytes are too long for an envelope")]
    TooLong(usize),
    /// Nothing in it looks like the beginning of an object.
    #[error("there is no JSON object in the text")]
    NoObject,
    /// The object is cut short, wrongly written, or nested more than 127 deep.
    #[error("the object cannot be read: {0}")]
    NotJson(#[source] serde_json::Error),
    /// A key is not there.
    #[error("{0:?} is missing")]
    Missing(&'static str),
    /// A key's value is of another type.
    #[error("{key:?} is not {wanted}")]
    WrongType {
        /// The key.
        key: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
}

/// Reads the first JSON object in a text or caption as an envelope.
///
/// Only the outermost object counts: an envelope that is quoted inside a broken one is not read. Of `to`, a list
/// and a single name are understood.
///
/// # Errors
/// When there is no object, it is not JSON, or one of `from`, `to`, `action`, `type` is missing or no text.
pub fn read(text: &str) -> Result<Envelope, Malformed> {
    if text.len() > LONGEST {
        return Err(Malformed::TooLong(text.len()));
    }
    let object = beginning(text).ok_or(Malformed::NoObject)?;
    let mended = mend(object);
    // What follows the object is never asked for: a closing fence, a signature.
    let mut json = serde_json::Deserializer::from_str(&mended);
    let mut keys = Map::deserialize(&mut json).map_err(Malformed::NotJson)?;
    Ok(Envelope {
        from: string(&mut keys, "from")?,
        to: receivers(&mut keys)?,
        action: string(&mut keys, "action")?,
        kind: string(&mut keys, "type")?,
        data: keys.swap_remove("data").unwrap_or(Value::Null),
    })
}

/// The text from the first brace that a key follows.
fn beginning(text: &str) -> Option<&str> {
    let braces = text.match_indices('{');
    let mut rests = braces.map(|(at, _)| &text[at..]);
    rests.find(|rest| {
        let mut inside = rest.bytes().skip(1);
        inside.find(|byte| !byte.is_ascii_whitespace()) == Some(b'"')
    })
}

fn string(keys: &mut Map<String, Value>, key: &'static str) -> Result<String, Malformed> {
    match keys.swap_remove(key) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Malformed::WrongType {
            key,
            wanted: "a text",
        }),
        None => Err(Malformed::Missing(key)),
    }
}

fn receivers(keys: &mut Map<String, Value>) -> Result<Vec<String>, Malformed> {
    let key = "to";
    let names = match keys.swap_remove(key) {
        Some(Value::Array(names)) => names,
        Some(name @ Value::String(_)) => vec![name],
        Some(_) => vec![Value::Null],
        None => return Err(Malformed::Missing(key)),
    };
    let wrong = Malformed::WrongType {
        key,
        wanted: "a list of texts",
    };
    let texts = names.into_iter().map(|name| match name {
        Value::String(name) => Some(name),
        _ => None,
    });
    texts.collect::<Option<_>>().ok_or(wrong)
}

#[cfg(test)]
mod tests;
