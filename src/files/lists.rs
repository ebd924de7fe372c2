//! What a list looks like in a file: JSON in a sealed one (SPEC §7.1), Python's plain values in the
//! fleet's own (SPEC §7.2).
//!
//! Pure. Ids of groups and channels are written in the Bot API form. Whatever a file holds that has
//! no meaning here is left out, and counted, so that nobody believes it to be restored.

mod python;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use thiserror::Error;

use super::pickle::Value;
use crate::model::{
    BadIds, ChannelId, ExceptIds, ForwardedRecord, JoinRecord, List, ListData, MessageId, PhotoId,
    Timestamp, UserId, Users,
};

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
    Json(Json),
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

/// A join, in JSON.
#[derive(Serialize, Deserialize)]
struct JoinJson {
    group_id: i64,
    message_id: i32,
    user_id: i64,
    joined_at: i64,
    added_by: Option<i64>,
    outcome: String,
}

/// A forwarded photo, in JSON.
#[derive(Serialize, Deserialize)]
struct ForwardedJson {
    user_id: i64,
    photo_id: i64,
    group_id: i64,
    message_id: i32,
    sent_at: i64,
}

#[derive(Serialize, Deserialize)]
struct UsersJson {
    joins: Vec<JoinJson>,
    forwarded: Vec<ForwardedJson>,
}

#[derive(Serialize, Deserialize)]
struct BadJson {
    users: BTreeSet<i64>,
    channels: BTreeSet<i64>,
}

#[derive(Serialize, Deserialize)]
struct ExceptJson {
    photos: BTreeSet<i64>,
}

/// Writes a list as the JSON of a sealed file. `saved_at` is RFC 3339.
#[must_use]
pub fn to_json(list: &str, data: Json, saved_at: &str) -> Vec<u8> {
    let whole = json!({"format": FORMAT, "list": list, "saved_at": saved_at, "data": data});
    let mut text = whole.to_string().into_bytes();
    text.push(b'\n');
    text
}

/// Gives a list's data as JSON.
///
/// # Errors
/// The data cannot be said in JSON, which does not happen for what is in [`ListData`].
pub fn json_of(data: &ListData) -> Result<Json, serde_json::Error> {
    match data {
        ListData::Users(users) => serde_json::to_value(UsersJson {
            joins: users.joins.iter().map(join_json).collect(),
            forwarded: users.forwarded.iter().map(forwarded_json).collect(),
        }),
        ListData::Bad(bad) => serde_json::to_value(BadJson {
            users: bad.users.iter().map(|user| user.get()).collect(),
            channels: bad.channels.iter().map(|id| id.bot_api()).collect(),
        }),
        ListData::Except(except) => serde_json::to_value(ExceptJson {
            photos: except.photos.iter().map(|photo| photo.get()).collect(),
        }),
        ListData::Admins(admins) => Ok(admins
            .iter()
            .map(|(group, users)| {
                let users: Vec<i64> = users.iter().map(|user| user.get()).collect();
                (group.bot_api().to_string(), json!(users))
            })
            .collect::<Map<_, _>>()
            .into()),
        ListData::Rules(rules) => Ok(counts_json(rules)),
    }
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
    /// It is no JSON, or of another layout.
    pub fn from_json(text: &[u8]) -> Result<Self, ListFault> {
        let bad = |what: &str| ListFault::NotAList(what.to_owned());
        let mut whole: Json =
            serde_json::from_slice(text).map_err(|error| bad(&error.to_string()))?;
        match whole.get("format").and_then(Json::as_u64) {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(bad(&format!(
                    "its format is {other}, this program knows {FORMAT}"
                )));
            }
            None => return Err(bad("it has no format")),
        }
        let name = whole.get("list").and_then(Json::as_str);
        let list = name.and_then(List::from_name);
        if list.is_none() {
            return Err(bad("it names no list of this program"));
        }
        let data = whole
            .get_mut("data")
            .map(Json::take)
            .ok_or_else(|| bad("it has no data"))?;
        Ok(Self {
            list,
            data: Data::Json(data),
        })
    }

    /// Gives what is in the file as JSON, for people and programs to look at.
    #[must_use]
    pub fn json(&self) -> Json {
        match &self.data {
            Data::Json(data) => json!({"list": self.list.map(List::as_str), "data": data}),
            Data::Python(value) => json!({"list": null, "data": python::json(value)}),
        }
    }

    /// Takes Python's plain values.
    #[must_use]
    pub const fn from_python(value: Value) -> Self {
        Self {
            list: None,
            data: Data::Python(value),
        }
    }

    /// Gives the data as the list that is wanted, and how many entries were left out because they
    /// mean nothing here.
    ///
    /// # Errors
    /// They are not that list's.
    pub fn data_for(&self, list: List) -> Result<(ListData, usize), ListFault> {
        match &self.data {
            Data::Python(value) => python::data_for(list, value).ok_or_else(|| ListFault::Unfit {
                list,
                what: "its values are of another shape".into(),
            }),
            Data::Json(data) => read_json(list, data).map(|data| (data, 0)),
        }
    }
}

fn read_json(list: List, data: &Json) -> Result<ListData, ListFault> {
    let unfit = |what: &dyn std::fmt::Display| ListFault::Unfit {
        list,
        what: what.to_string(),
    };
    let channel = |id: i64| {
        ChannelId::from_bot_api(id).ok_or_else(|| unfit(&format!("{id} is no channel's id")))
    };
    Ok(match list {
        List::UserIds => {
            let users = UsersJson::deserialize(data).map_err(|error| unfit(&error))?;
            ListData::Users(Users {
                joins: users
                    .joins
                    .into_iter()
                    .map(|join| {
                        Ok(JoinRecord {
                            group: channel(join.group_id)?,
                            message: MessageId::new(join.message_id),
                            user: UserId::new(join.user_id),
                            joined_at: Timestamp::new(join.joined_at),
                            added_by: join.added_by,
                            outcome: join.outcome,
                        })
                    })
                    .collect::<Result<_, ListFault>>()?,
                forwarded: users
                    .forwarded
                    .into_iter()
                    .map(|photo| {
                        Ok(ForwardedRecord {
                            user: UserId::new(photo.user_id),
                            photo: PhotoId::new(photo.photo_id),
                            group: channel(photo.group_id)?,
                            message: MessageId::new(photo.message_id),
                            sent_at: Timestamp::new(photo.sent_at),
                        })
                    })
                    .collect::<Result<_, ListFault>>()?,
            })
        }
        List::BadIds => {
            let bad = BadJson::deserialize(data).map_err(|error| unfit(&error))?;
            ListData::Bad(BadIds {
                users: bad.users.into_iter().map(UserId::new).collect(),
                channels: bad
                    .channels
                    .into_iter()
                    .map(channel)
                    .collect::<Result<_, _>>()?,
            })
        }
        List::ExceptIds => {
            let except = ExceptJson::deserialize(data).map_err(|error| unfit(&error))?;
            ListData::Except(ExceptIds {
                photos: except.photos.into_iter().map(PhotoId::new).collect(),
            })
        }
        List::AdminIds => {
            let admins = BTreeMap::<String, BTreeSet<i64>>::deserialize(data)
                .map_err(|error| unfit(&error))?;
            ListData::Admins(
                admins
                    .into_iter()
                    .map(|(group, users)| {
                        let group = group.parse().map_err(|error| unfit(&error))?;
                        Ok((
                            channel(group)?,
                            users.into_iter().map(UserId::new).collect(),
                        ))
                    })
                    .collect::<Result<_, ListFault>>()?,
            )
        }
        List::Words(_) => {
            let rules = Map::deserialize(data).map_err(|error| unfit(&error))?;
            ListData::Rules(
                rules
                    .into_iter()
                    .map(|(rule, hits)| {
                        let hits = hits
                            .as_u64()
                            .ok_or_else(|| unfit(&"a rule's hits are no count"))?;
                        Ok((rule, hits))
                    })
                    .collect::<Result<_, ListFault>>()?,
            )
        }
    })
}

fn join_json(join: &JoinRecord) -> JoinJson {
    JoinJson {
        group_id: join.group.bot_api(),
        message_id: join.message.get(),
        user_id: join.user.get(),
        joined_at: join.joined_at.get(),
        added_by: join.added_by,
        outcome: join.outcome.clone(),
    }
}

fn forwarded_json(photo: &ForwardedRecord) -> ForwardedJson {
    ForwardedJson {
        user_id: photo.user.get(),
        photo_id: photo.photo.get(),
        group_id: photo.group.bot_api(),
        message_id: photo.message.get(),
        sent_at: photo.sent_at.get(),
    }
}
