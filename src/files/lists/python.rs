//! The fleet's own shapes: dicts, sets, ints and strings, as the Python programs keep them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use crate::files::pickle::Value;
use crate::model::{
    BadIds, ChannelId, ExceptIds, JoinRecord, List, ListData, MessageId, PhotoId, Timestamp,
    UserId, Users,
};

/// The scores that every user of the fleet's lists has; this program gives none.
const SCORES: [&str; 8] = [
    "captcha", "clean", "lang", "long", "noflood", "noporn", "nospam", "warn",
];

/// What became of a join that only a Python list tells of.
const RESTORED: &str = "restored";

/// Says any plain value in JSON, to be looked at: sets and tuples become lists, keys become texts.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()).into(),
        Value::Str(text) => text.clone().into(),
        Value::List(members)
        | Value::Tuple(members)
        | Value::Set(members)
        | Value::FrozenSet(members) => members.iter().map(json).collect(),
        Value::Dict(pairs) => pairs
            .iter()
            .map(|(key, value)| {
                let key = match key {
                    Value::Str(text) => text.clone(),
                    other => json(other).to_string(),
                };
                (key, json(value))
            })
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// Gives a list in the fleet's shape.
pub(super) fn of(data: &ListData) -> Value {
    match data {
        ListData::Users(users) => users_of(users),
        ListData::Bad(bad) => dict([
            ("channels", set(bad.channels.iter().map(|id| id.bot_api()))),
            ("users", set(bad.users.iter().map(|user| user.get()))),
        ]),
        ListData::Except(except) => dict([(
            "long",
            Value::Set(
                except
                    .photos
                    .iter()
                    .map(|photo| Value::Str(photo.to_string()))
                    .collect(),
            ),
        )]),
        ListData::Admins(admins) => Value::Dict(
            admins
                .iter()
                .map(|(group, users)| {
                    (
                        Value::Int(group.bot_api()),
                        set(users.iter().map(|user| user.get())),
                    )
                })
                .collect(),
        ),
        ListData::Rules(rules) => Value::Dict(
            rules
                .iter()
                .map(|(rule, hits)| {
                    (
                        Value::Str(rule.clone()),
                        Value::Int(i64::try_from(*hits).unwrap_or(i64::MAX)),
                    )
                })
                .collect(),
        ),
    }
}

/// Reads a list from the fleet's shape; `None` if it is another one. The number is how many entries
/// mean nothing here and were left out.
pub(super) fn data_for(list: List, value: &Value) -> Option<(ListData, usize)> {
    match list {
        List::UserIds => read_users(value),
        List::BadIds => {
            let (users, no_users) = ids(value.get("users"), |id| Some(UserId::new(id)))?;
            let (channels, no_channels) = ids(value.get("channels"), ChannelId::from_bot_api)?;
            Some((
                ListData::Bad(BadIds { users, channels }),
                no_users + no_channels,
            ))
        }
        List::ExceptIds => {
            let members = value.get("long")?.members()?;
            // The Python programs know photos by another id, which nothing here can match.
            let photos: BTreeSet<PhotoId> = members
                .iter()
                .filter_map(|member| member.as_str()?.parse().ok().map(PhotoId::new))
                .collect();
            let left_out = members.len() - photos.len();
            Some((ListData::Except(ExceptIds { photos }), left_out))
        }
        List::AdminIds => {
            let mut admins = BTreeMap::new();
            let mut left_out = 0;
            for (group, users) in value.pairs()? {
                let (users, none) = ids(Some(users), |id| Some(UserId::new(id)))?;
                left_out += none;
                match ChannelId::from_bot_api(group.as_int()?) {
                    Some(group) => {
                        admins.insert(group, users);
                    }
                    None => left_out += 1,
                }
            }
            Some((ListData::Admins(admins), left_out))
        }
        List::Words(_) => {
            let rules = match value.pairs() {
                Some(pairs) => pairs
                    .iter()
                    .map(|(rule, hits)| {
                        Some((
                            rule.as_str()?.to_owned(),
                            u64::try_from(hits.as_int()?).ok()?,
                        ))
                    })
                    .collect::<Option<_>>()?,
                // A bare list of rules, as older programs wrote them.
                None => value
                    .members()?
                    .iter()
                    .map(|rule| Some((rule.as_str()?.to_owned(), 0)))
                    .collect::<Option<_>>()?,
            };
            Some((ListData::Rules(rules), 0))
        }
    }
}

fn users_of(users: &Users) -> Value {
    #[derive(Default)]
    struct OfUser {
        avatar: String,
        join: BTreeMap<i64, i64>,
        message: BTreeMap<i64, BTreeSet<i64>>,
    }
    let mut by_user: BTreeMap<i64, OfUser> = BTreeMap::new();
    for join in &users.joins {
        let of_user = by_user.entry(join.user.get()).or_default();
        let group = join.group.bot_api();
        let joined = of_user.join.entry(group).or_default();
        *joined = (*joined).max(join.joined_at.get());
        if join.message.get() > 0 {
            of_user
                .message
                .entry(group)
                .or_default()
                .insert(i64::from(join.message.get()));
        }
    }
    let mut forwarded: Vec<_> = users.forwarded.iter().collect();
    forwarded.sort_by_key(|photo| photo.sent_at);
    for photo in forwarded {
        by_user.entry(photo.user.get()).or_default().avatar = photo.photo.to_string();
    }
    let numbers = |numbers: BTreeMap<i64, i64>| {
        Value::Dict(
            numbers
                .into_iter()
                .map(|(key, value)| (Value::Int(key), Value::Int(value)))
                .collect(),
        )
    };
    Value::Dict(
        by_user
            .into_iter()
            .map(|(user, of_user)| {
                let message = Value::Dict(
                    of_user
                        .message
                        .into_iter()
                        .map(|(group, messages)| (Value::Int(group), set(messages.into_iter())))
                        .collect(),
                );
                let score = dict(SCORES.map(|name| (name, Value::Float(0.0))));
                let entry = dict([
                    ("avatar", Value::Str(of_user.avatar)),
                    ("join", numbers(of_user.join)),
                    ("message", message),
                    ("score", score),
                ]);
                (Value::Int(user), entry)
            })
            .collect(),
    )
}

/// Joins come over; photos are known by another id there, and scores mean nothing here.
fn read_users(value: &Value) -> Option<(ListData, usize)> {
    let mut joins = BTreeSet::new();
    let mut left_out = 0;
    for (user, of_user) in value.pairs()? {
        let user = UserId::new(user.as_int()?);
        let messages = of_user.get("message").and_then(Value::pairs).unwrap_or(&[]);
        for (group, joined_at) in of_user.get("join")?.pairs()? {
            let Some(group) = ChannelId::from_bot_api(group.as_int()?) else {
                left_out += 1;
                continue;
            };
            let joined_at = Timestamp::new(joined_at.as_int()?);
            let of_group = messages
                .iter()
                .find(|(of, _)| of.as_int() == Some(group.bot_api()))
                .and_then(|(_, messages)| messages.members())
                .unwrap_or(&[]);
            let latest = of_group
                .iter()
                .filter_map(|message| i32::try_from(message.as_int()?).ok())
                .max()
                .unwrap_or(0);
            joins.insert(JoinRecord {
                group,
                message: MessageId::new(latest),
                user,
                joined_at,
                added_by: None,
                outcome: RESTORED.to_owned(),
            });
        }
        let avatar = of_user.get("avatar").and_then(Value::as_str);
        left_out += usize::from(avatar.is_some_and(|avatar| !avatar.is_empty()));
    }
    let users = Users {
        joins: joins.into_iter().collect(),
        forwarded: Vec::new(),
    };
    Some((ListData::Users(users), left_out))
}

fn ids<T: Ord>(
    value: Option<&Value>,
    make: impl Fn(i64) -> Option<T>,
) -> Option<(BTreeSet<T>, usize)> {
    let members = value?.members()?;
    let numbers: Vec<i64> = members.iter().map(Value::as_int).collect::<Option<_>>()?;
    let found: BTreeSet<T> = numbers.into_iter().filter_map(make).collect();
    let left_out = members.len() - found.len();
    Some((found, left_out))
}

fn set(ids: impl Iterator<Item = i64>) -> Value {
    Value::Set(ids.map(Value::Int).collect())
}

fn dict<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Dict(
        pairs
            .into_iter()
            .map(|(key, value)| (Value::from(key), value))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::files::{Opened, Reader};

    const PASSWORD: &str = "correct horse 電池";

    fn fixture(name: &str) -> crate::files::ListFile {
        let path = format!(
            "{}/tests/fixtures/python/{name}.pickle.aes",
            env!("CARGO_MANIFEST_DIR")
        );
        let bytes = std::fs::read(path).expect("a fixture");
        let reader = Reader::new(&SecretString::from(PASSWORD));
        match reader.read(&bytes).expect("it opens") {
            Opened::List(list) => list,
            other => panic!("no list: {other:?}"),
        }
    }

    #[test]
    fn the_fleets_lists_are_read_and_what_means_nothing_here_is_counted() {
        let users = BTreeSet::from([UserId::new(12_345_678), UserId::new(5_000_000_001)]);
        for name in ["bad_ids", "bad_ids_protocol_3"] {
            let (data, left_out) = fixture(name).data_for(List::BadIds).expect("a bad list");
            let expected = BadIds {
                users: users.clone(),
                channels: BTreeSet::new(),
            };
            assert_eq!(data, ListData::Bad(expected), "{name}");
            // The documents' channel id is none that Telegram gives.
            assert_eq!(left_out, 1, "{name}");
        }
        let words = List::from_name("nm_words").expect("a list");
        let (rules, _) = fixture("nm_words").data_for(words).expect("rules");
        let ListData::Rules(rules) = rules else {
            panic!("no rules")
        };
        let hits: Vec<u64> = rules.iter().map(|(_, hits)| *hits).collect();
        assert_eq!(hits, [3, 0, 12]);
        let (bare, _) = fixture("nm_words_protocol_2")
            .data_for(words)
            .expect("rules");
        let ListData::Rules(bare) = bare else {
            panic!("no rules")
        };
        assert_eq!(bare.len(), 2);
        let (_, left_out) = fixture("except_ids")
            .data_for(List::ExceptIds)
            .expect("exceptions");
        assert_eq!(left_out, 1);
        fixture("user_ids").data_for(List::UserIds).expect("users");
        fixture("admin_ids")
            .data_for(List::AdminIds)
            .expect("administrators");
        assert!(fixture("bad_ids").data_for(List::UserIds).is_err());
        assert!(fixture("empty_set").data_for(List::BadIds).is_err());
    }

    #[test]
    fn what_is_written_for_the_fleet_reads_back() {
        let group = ChannelId::from_bare(1_234_567_890);
        let user = UserId::new(7);
        for (list, data) in [
            (
                List::BadIds,
                ListData::Bad(BadIds {
                    users: BTreeSet::from([user]),
                    channels: BTreeSet::from([group]),
                }),
            ),
            (
                List::ExceptIds,
                ListData::Except(ExceptIds {
                    photos: BTreeSet::from([PhotoId::new(-5), PhotoId::new(9)]),
                }),
            ),
            (
                List::AdminIds,
                ListData::Admins(BTreeMap::from([(group, BTreeSet::from([user]))])),
            ),
            (
                List::from_name("ad_words").expect("a list"),
                ListData::Rules(vec![("b".into(), 2), ("a".into(), 0)]),
            ),
        ] {
            assert_eq!(data_for(list, &of(&data)), Some((data, 0)), "{list}");
        }
        let join = JoinRecord {
            group,
            message: MessageId::new(5),
            user,
            joined_at: Timestamp::new(1_000),
            added_by: None,
            outcome: RESTORED.to_owned(),
        };
        let users = ListData::Users(Users {
            joins: vec![join],
            forwarded: Vec::new(),
        });
        assert_eq!(data_for(List::UserIds, &of(&users)), Some((users, 0)));
    }
}
