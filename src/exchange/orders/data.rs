//! The data of each order, from JSON into ids and words of ours.
//!
//! Lenient about spelling (`the_id` for `id`, a number as text or with `.0`), strict about meaning: an id that is
//! not of its kind's form is refused, never cut down to fit. A fault names the key, not the value.

use serde_json::{Map, Value};

use super::{Cleared, Order};
use crate::model::{Bad, ChannelId, List, MessageId, UserId, WordList};

/// The largest id that Telegram gives to a user (core.telegram.org/api/bots/ids).
const LARGEST_USER: i64 = 0xFF_FFFF_FFFF;
/// The first whole number that an f64 may stand for without being it: 2^53.
const FIRST_INEXACT: f64 = 9_007_199_254_740_992.0;

/// The key that stands for the whole data.
const WHOLE: &str = "data";

/// What is wrong with an order's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its {key} {fault}")]
pub struct BadData {
    /// Which key of the data; `data` for the whole.
    pub key: &'static str,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The key is not there.
    #[error("is missing")]
    Missing,
    /// Keys were expected.
    #[error("is no object")]
    NotAnObject,
    /// A number was expected, or its text.
    #[error("is no whole number")]
    NotANumber,
    /// The number is no user's.
    #[error("is no user's id")]
    NotAUser,
    /// The number is no supergroup's or channel's; the documents' short examples are none.
    #[error("is no channel's id: -100 and ten more digits, or up to twelve, are expected")]
    NotAChannel,
    /// The number is no message's.
    #[error("is no message's id")]
    NotAMessage,
    /// A word was expected, and this one is not known for that order.
    #[error("is none of the words that this order takes")]
    UnknownWord,
    /// True or false was expected.
    #[error("is neither true nor false")]
    NotABool,
}

/// `{id, type: user or channel}`.
pub(super) fn add_bad(data: &Value) -> Result<Order, BadData> {
    Ok(Order::AddBad(bad(data)?))
}

/// `{id, type: user or channel}`.
pub(super) fn remove_bad(data: &Value) -> Result<Order, BadData> {
    Ok(Order::RemoveBad(bad(data)?))
}

/// `{id, type: long}`.
pub(super) fn add_except(data: &Value) -> Result<Order, BadData> {
    let user = excepted(data)?;
    Ok(Order::AddExcept { user })
}

/// `{id, type: long}`.
pub(super) fn remove_except(data: &Value) -> Result<Order, BadData> {
    let user = excepted(data)?;
    Ok(Order::RemoveExcept { user })
}

/// `{group_id, message_id}`.
pub(super) fn declared(data: &Value) -> Result<Order, BadData> {
    let keys = Keys::of(data)?;
    Ok(Order::Declare {
        group: keys.channel("group_id")?,
        message: keys.message("message_id")?,
    })
}

/// `{group_id, status: begin or end}`.
pub(super) fn flood(data: &Value) -> Result<Order, BadData> {
    let keys = Keys::of(data)?;
    let group = keys.channel("group_id")?;
    keys.word(
        "status",
        &[
            ("begin", Order::FloodBegin { group }),
            ("end", Order::FloodEnd { group }),
        ],
    )
}

/// `{group_id, user_id, …}`.
pub(super) fn kicked(data: &Value) -> Result<Order, BadData> {
    let keys = Keys::of(data)?;
    Ok(Order::Kicked {
        group: keys.channel("group_id")?,
        user: keys.user("user_id")?,
    })
}

/// `{admin_id, message_id}`, newer also `group_id`.
pub(super) fn version_ask(data: &Value) -> Result<Order, BadData> {
    let keys = Keys::of(data)?;
    let has_group = keys.0.get("group_id").is_some_and(|group| !group.is_null());
    Ok(Order::VersionAsk {
        admin: keys.user("admin_id")?,
        message: keys.message("message_id")?,
        group: has_group.then(|| keys.channel("group_id")).transpose()?,
    })
}

/// `{admin_id, message_id}`.
pub(super) fn status_ask(data: &Value) -> Result<Order, BadData> {
    let keys = Keys::of(data)?;
    Ok(Order::StatusAsk {
        admin: keys.user("admin_id")?,
        message: keys.message("message_id")?,
    })
}

/// `{admin_id, type: list name}`.
pub(super) fn rollback(data: &Value) -> Result<Order, BadData> {
    let keys = Keys::of(data)?;
    Ok(Order::Rollback {
        admin: keys.user("admin_id")?,
        list: keys.word("type", &List::ALL.map(|list| (list.as_str(), list)))?,
    })
}

/// `{admin_id, type: channels or users}`.
pub(super) fn clear_bad(data: &Value) -> Result<Order, BadData> {
    let channels = ("channels", Cleared::BadChannels);
    clear(data, &[channels, ("users", Cleared::BadUsers)])
}

/// `{admin_id, type: long}`.
pub(super) fn clear_except(data: &Value) -> Result<Order, BadData> {
    clear(data, &[("long", Cleared::ExceptLong)])
}

/// `{admin_id, type: all or new}`.
pub(super) fn clear_user(data: &Value) -> Result<Order, BadData> {
    let all = ("all", Cleared::UserAll);
    clear(data, &[all, ("new", Cleared::UserNew)])
}

/// A user's id alone.
pub(super) fn remove_score(data: &Value) -> Result<Order, BadData> {
    let user = user(WHOLE, data)?;
    Ok(Order::RemoveScore { user })
}

/// An administrator's id alone.
pub(super) fn refresh(data: &Value) -> Result<Order, BadData> {
    let admin = user(WHOLE, data)?;
    Ok(Order::Refresh { admin })
}

/// A word list's name alone.
pub(super) fn regex_update(data: &Value) -> Result<Order, BadData> {
    let words = WordList::ALL.map(|list| (list.as_str(), list));
    let list = word(WHOLE, data, &words)?;
    Ok(Order::RegexUpdate { list })
}

/// `"ask"`.
pub(super) fn regex_count(data: &Value) -> Result<Order, BadData> {
    word(WHOLE, data, &[("ask", Order::RegexCount)])
}

/// True or false.
pub(super) fn hide(data: &Value) -> Result<Order, BadData> {
    let fault = BadData {
        key: WHOLE,
        fault: Fault::NotABool,
    };
    data.as_bool().map(Order::Hide).ok_or(fault)
}

fn bad(data: &Value) -> Result<Bad, BadData> {
    let keys = Keys::of(data)?;
    let is_user = keys.word("type", &[("user", true), ("channel", false)])?;
    Ok(if is_user {
        Bad::User(keys.user("id")?)
    } else {
        Bad::Channel(keys.channel("id")?)
    })
}

fn excepted(data: &Value) -> Result<UserId, BadData> {
    let keys = Keys::of(data)?;
    keys.word("type", &[("long", ())])?;
    keys.user("id")
}

fn clear(data: &Value, words: &[(&str, Cleared)]) -> Result<Order, BadData> {
    let keys = Keys::of(data)?;
    Ok(Order::Clear {
        admin: keys.user("admin_id")?,
        what: keys.word("type", words)?,
    })
}

/// The keys of an order's data.
struct Keys<'a>(&'a Map<String, Value>);

impl<'a> Keys<'a> {
    fn of(data: &'a Value) -> Result<Self, BadData> {
        let fault = BadData {
            key: WHOLE,
            fault: Fault::NotAnObject,
        };
        data.as_object().map(Self).ok_or(fault)
    }

    /// The value of `key`, or of `the_key` as the newer bots spell some.
    fn value(&self, key: &'static str) -> Result<&'a Value, BadData> {
        let newer = || self.0.get(&format!("the_{key}"));
        let fault = BadData {
            key,
            fault: Fault::Missing,
        };
        self.0.get(key).or_else(newer).ok_or(fault)
    }

    fn user(&self, key: &'static str) -> Result<UserId, BadData> {
        user(key, self.value(key)?)
    }

    fn channel(&self, key: &'static str) -> Result<ChannelId, BadData> {
        let fault = BadData {
            key,
            fault: Fault::NotAChannel,
        };
        let id = whole(key, self.value(key)?)?;
        ChannelId::from_bot_api(id).ok_or(fault)
    }

    /// A message's id; 0, which stands for no message in our own reports, is none.
    fn message(&self, key: &'static str) -> Result<MessageId, BadData> {
        let fault = BadData {
            key,
            fault: Fault::NotAMessage,
        };
        let id = i32::try_from(whole(key, self.value(key)?)?);
        let id = id.ok().filter(|id| *id > 0);
        id.map(MessageId::new).ok_or(fault)
    }

    fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Result<T, BadData> {
        word(key, self.value(key)?, words)
    }
}

fn user(key: &'static str, value: &Value) -> Result<UserId, BadData> {
    let fault = BadData {
        key,
        fault: Fault::NotAUser,
    };
    let id = Some(whole(key, value)?).filter(|id| (1..=LARGEST_USER).contains(id));
    id.map(UserId::new).ok_or(fault)
}

fn word<T: Copy>(key: &'static str, value: &Value, words: &[(&str, T)]) -> Result<T, BadData> {
    let fault = BadData {
        key,
        fault: Fault::UnknownWord,
    };
    let known = words.iter().find(|(word, _)| value == word);
    known.map(|(_, meaning)| *meaning).ok_or(fault)
}

/// A whole number: as such, with a fraction of nothing, or as text.
fn whole(key: &'static str, value: &Value) -> Result<i64, BadData> {
    let number = match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(exact)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or(BadData {
        key,
        fault: Fault::NotANumber,
    })
}

/// The whole number that a float stands for, if there is one only.
fn exact(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < FIRST_INEXACT).then_some(number as i64)
}
