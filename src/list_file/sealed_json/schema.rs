//! The `data` of each list in format 1.
//!
//! `seen_at` and `channel_id` are optional, because older files do not have them. Rules keep their order.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::list_file::ListFileError;
use crate::model::{
    BadIds, ChannelId, ExceptIds, ForwardedRecord, JoinOutcome, JoinRecord, List, ListData,
    MessageId, PhotoId, Timestamp, UserId, UserIds,
};

#[derive(Serialize, Deserialize)]
struct JoinJson<'a> {
    group_id: i64,
    message_id: i32,
    user_id: i64,
    joined_at: i64,
    added_by: Option<i64>,
    outcome: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct ForwardedJson {
    user_id: i64,
    photo_id: i64,
    group_id: i64,
    message_id: i32,
    sent_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel_id: Option<i64>,
}

impl JoinJson<'_> {
    fn record<E>(self, channel: impl Fn(i64) -> Result<ChannelId, E>) -> Result<JoinRecord, E> {
        Ok(JoinRecord {
            group: channel(self.group_id)?,
            message: MessageId::new(self.message_id),
            user: UserId::new(self.user_id),
            joined_at: Timestamp::new(self.joined_at),
            added_by: self.added_by,
            outcome: JoinOutcome::from_word(&self.outcome),
            seen_at: self.seen_at.map(Timestamp::new),
        })
    }
}

impl ForwardedJson {
    fn record<E>(
        self,
        channel: impl Fn(i64) -> Result<ChannelId, E>,
    ) -> Result<ForwardedRecord, E> {
        Ok(ForwardedRecord {
            user: UserId::new(self.user_id),
            photo: PhotoId::new(self.photo_id),
            group: channel(self.group_id)?,
            message: MessageId::new(self.message_id),
            sent_at: Timestamp::new(self.sent_at),
            channel: self.channel_id.map(channel).transpose()?,
        })
    }
}

/// A record of `user_ids` as it is written, one at a time.
pub(super) trait RecordJson: Sized + PartialEq {
    fn to_json(&self) -> Result<Vec<u8>, serde_json::Error>;

    /// Returns `None` if the text is not a record.
    fn from_json(text: &[u8]) -> Option<Self>;
}

impl RecordJson for JoinRecord {
    fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&join_json(self))
    }

    fn from_json(text: &[u8]) -> Option<Self> {
        let json: JoinJson<'_> = serde_json::from_slice(text).ok()?;
        json.record(|id| ChannelId::from_bot_api(id).ok_or(())).ok()
    }
}

impl RecordJson for ForwardedRecord {
    fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&forwarded_json(self))
    }

    fn from_json(text: &[u8]) -> Option<Self> {
        let json: ForwardedJson = serde_json::from_slice(text).ok()?;
        json.record(|id| ChannelId::from_bot_api(id).ok_or(())).ok()
    }
}

#[derive(Serialize, Deserialize)]
struct UsersJson<'a> {
    joins: Vec<JoinJson<'a>>,
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

/// The data of a list, serialized in the shape of that list.
pub(super) struct ListDataJson<'a>(pub(super) &'a ListData);

impl Serialize for ListDataJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ListData::Users(users) => UsersJson {
                joins: users.joins.iter().map(join_json).collect(),
                forwarded: users.forwarded.iter().map(forwarded_json).collect(),
            }
            .serialize(serializer),
            ListData::Bad(bad) => BadJson {
                users: bad.users.iter().map(|user| user.get()).collect(),
                channels: bad.channels.iter().map(|id| id.bot_api()).collect(),
            }
            .serialize(serializer),
            ListData::Except(except) => ExceptJson {
                photos: except.photos.iter().map(|photo| photo.get()).collect(),
            }
            .serialize(serializer),
            ListData::Admins(admins) => {
                serializer.collect_map(admins.iter().map(|(group, users)| {
                    let users: Vec<i64> = users.iter().map(|user| user.get()).collect();
                    (group.bot_api().to_string(), users)
                }))
            }
            ListData::Rules(rules) => {
                serializer.collect_map(rules.iter().map(|(rule, hits)| (rule, hits)))
            }
        }
    }
}

/// Rules and their counts of hits, in the order of the file.
struct RulesJson(Vec<(String, u64)>);

impl<'de> Deserialize<'de> for RulesJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RulesVisitor;
        impl<'de> Visitor<'de> for RulesVisitor {
            type Value = RulesJson;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from rules to counts of hits")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RulesJson, A::Error> {
                let mut rules = Vec::new();
                while let Some(rule) = map.next_entry()? {
                    rules.push(rule);
                }
                Ok(RulesJson(rules))
            }
        }
        deserializer.deserialize_map(RulesVisitor)
    }
}

/// Parses the data in a document, in the shape of `list`.
pub(super) fn parse_data(list: List, document: &[u8]) -> Result<ListData, ListFileError> {
    let mismatch = |reason: &dyn fmt::Display| ListFileError::Mismatch {
        list,
        reason: reason.to_string(),
    };
    let channel = |id: i64| {
        ChannelId::from_bot_api(id)
            .ok_or_else(|| mismatch(&format!("{id} is not the id of a channel")))
    };
    Ok(match list {
        List::UserIds => {
            let users: UsersJson<'_> = data_of(document).map_err(|error| mismatch(&error))?;
            ListData::Users(UserIds {
                joins: users
                    .joins
                    .into_iter()
                    .map(|join| join.record(channel))
                    .collect::<Result<_, ListFileError>>()?,
                forwarded: users
                    .forwarded
                    .into_iter()
                    .map(|photo| photo.record(channel))
                    .collect::<Result<_, ListFileError>>()?,
            })
        }
        List::BadIds => {
            let bad: BadJson = data_of(document).map_err(|error| mismatch(&error))?;
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
            let except: ExceptJson = data_of(document).map_err(|error| mismatch(&error))?;
            ListData::Except(ExceptIds {
                photos: except.photos.into_iter().map(PhotoId::new).collect(),
            })
        }
        List::AdminIds => {
            let admins: BTreeMap<String, BTreeSet<i64>> =
                data_of(document).map_err(|error| mismatch(&error))?;
            ListData::Admins(
                admins
                    .into_iter()
                    .map(|(group, users)| {
                        let group = group.parse().map_err(|error| mismatch(&error))?;
                        Ok((
                            channel(group)?,
                            users.into_iter().map(UserId::new).collect(),
                        ))
                    })
                    .collect::<Result<_, ListFileError>>()?,
            )
        }
        List::Words(_) => {
            let RulesJson(rules) = data_of(document).map_err(|error| mismatch(&error))?;
            ListData::Rules(rules)
        }
    })
}

fn data_of<T: DeserializeOwned>(document: &[u8]) -> Result<T, serde_json::Error> {
    #[derive(Deserialize)]
    struct Document<T> {
        data: T,
    }
    serde_json::from_slice::<Document<T>>(document).map(|document| document.data)
}

fn join_json(join: &JoinRecord) -> JoinJson<'_> {
    JoinJson {
        group_id: join.group.bot_api(),
        message_id: join.message.get(),
        user_id: join.user.get(),
        joined_at: join.joined_at.get(),
        added_by: join.added_by,
        outcome: join.outcome.as_str().into(),
        seen_at: join.seen_at.map(Timestamp::get),
    }
}

fn forwarded_json(photo: &ForwardedRecord) -> ForwardedJson {
    ForwardedJson {
        user_id: photo.user.get(),
        photo_id: photo.photo.get(),
        group_id: photo.group.bot_api(),
        message_id: photo.message.get(),
        sent_at: photo.sent_at.get(),
        channel_id: photo.channel.map(ChannelId::bot_api),
    }
}
