//! The shapes of a list's data in the JSON of a sealed file (format 1).
//!
//! What a newer release adds is optional, so that files of before still open. Rules keep their order.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ListFault;
use crate::model::{
    BadIds, ChannelId, ExceptIds, ForwardedRecord, JoinRecord, List, ListData, MessageId, PhotoId,
    Timestamp, UserId, Users,
};

/// A join.
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

/// A forwarded photo.
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

/// A list's data, to be written.
pub(super) struct Writing<'a>(pub(super) &'a ListData);

impl Serialize for Writing<'_> {
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

/// Rules and hits, in the order of the file.
struct RulesJson(Vec<(String, u64)>);

impl<'de> Deserialize<'de> for RulesJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = RulesJson;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("rules, each with a count of hits")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RulesJson, A::Error> {
                let mut rules = Vec::new();
                while let Some(rule) = map.next_entry()? {
                    rules.push(rule);
                }
                Ok(RulesJson(rules))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// Reads the data out of the whole JSON, as that list's.
///
/// # Errors
/// They are not that list's.
pub(super) fn read(list: List, text: &[u8]) -> Result<ListData, ListFault> {
    let unfit = |what: &dyn fmt::Display| ListFault::Unfit {
        list,
        what: what.to_string(),
    };
    let channel = |id: i64| {
        ChannelId::from_bot_api(id).ok_or_else(|| unfit(&format!("{id} is no channel's id")))
    };
    Ok(match list {
        List::UserIds => {
            let users: UsersJson<'_> = data(text).map_err(|error| unfit(&error))?;
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
                            outcome: join.outcome.into_owned(),
                            seen_at: join.seen_at.map(Timestamp::new),
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
                            channel: photo.channel_id.map(channel).transpose()?,
                        })
                    })
                    .collect::<Result<_, ListFault>>()?,
            })
        }
        List::BadIds => {
            let bad: BadJson = data(text).map_err(|error| unfit(&error))?;
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
            let except: ExceptJson = data(text).map_err(|error| unfit(&error))?;
            ListData::Except(ExceptIds {
                photos: except.photos.into_iter().map(PhotoId::new).collect(),
            })
        }
        List::AdminIds => {
            let admins: BTreeMap<String, BTreeSet<i64>> =
                data(text).map_err(|error| unfit(&error))?;
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
            let RulesJson(rules) = data(text).map_err(|error| unfit(&error))?;
            ListData::Rules(rules)
        }
    })
}

fn data<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    #[derive(Deserialize)]
    struct Body<T> {
        data: T,
    }
    serde_json::from_slice::<Body<T>>(text).map(|body| body.data)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list_file::{ListFile, list_to_json};

    #[test]
    fn a_file_of_before_opens_and_what_is_known_since_comes_back() {
        let old = br#"{"format":1,"list":"user_ids","saved_at":"2026-01-01T00:00:00Z","data":{
            "joins":[{"group_id":-1001234567890,"message_id":5,"user_id":7,"joined_at":9,
                      "added_by":null,"outcome":"forwarded"}],
            "forwarded":[{"user_id":7,"photo_id":-3,"group_id":-1001234567890,"message_id":8,
                          "sent_at":10}]}}"#;
        let file = ListFile::from_json(old).expect("it opens");
        let (data, _) = file.data_for(List::UserIds).expect("users");
        let ListData::Users(mut users) = data.into_owned() else {
            panic!("no users")
        };
        assert_eq!(users.joins[0].seen_at, None);
        assert_eq!(users.forwarded[0].channel, None);
        users.joins[0].seen_at = Some(Timestamp::new(11));
        users.forwarded[0].channel = Some(ChannelId::from_bare(12));
        let data = ListData::Users(users);
        let json = list_to_json(List::UserIds, &data, "now").expect("JSON");
        let text = String::from_utf8_lossy(&json);
        assert!(text.contains(r#""seen_at":11"#), "{text}");
        assert!(text.contains(r#""channel_id":-1000000000012"#), "{text}");
        let again = ListFile::from_json(&json).expect("it opens");
        assert!(again.is_own(List::UserIds, &data));
    }

    #[test]
    fn rules_keep_their_order_and_wrong_hits_are_named() {
        let rules = ListData::Rules(vec![("z".into(), 1), ("a".into(), 0)]);
        let list = List::from_name("nm_words").expect("a list");
        let json = list_to_json(list, &rules, "now").expect("JSON");
        assert!(
            ListFile::from_json(&json)
                .expect("it opens")
                .is_own(list, &rules)
        );
        let bad = br#"{"format":1,"list":"nm_words","data":{"z":-1}}"#;
        let fault = ListFile::from_json(bad).expect_err("a count is none");
        assert!(
            fault.to_string().contains("does not hold nm_words"),
            "{fault}"
        );
    }
}
