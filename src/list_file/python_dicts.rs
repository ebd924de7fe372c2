//! The fleet's own shapes: dicts, sets, ints and strings, as the Python programs keep them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::LeftOut;
use crate::model::{
    BadIds, ChannelId, ExceptIds, ForwardedRecord, JoinRecord, List, ListData, MessageId, PhotoId,
    Timestamp, UserId, Users,
};
use fleet_files::pickle::Value;

const NO_GROUP: &str = "group ids that Telegram gives to nobody";
const NO_CHANNEL: &str = "channel ids that Telegram gives to nobody";
const NO_USER: &str = "user ids that Telegram gives to nobody";
const NO_MESSAGE: &str = "message ids that Telegram gives to nobody";
const NO_JOIN: &str = "users of whom no join is told";
const NO_PLACE: &str = "groups with messages but no join";
const OTHER_PHOTO: &str = "photos under names that only Python programs know";
const SCORED: &str = "users' scores";
const UNKNOWN: &str = "parts that mean nothing here";

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

/// Reads a list from the fleet's shape; `None` if it is another one. What means nothing here is noted.
pub(super) fn data_for(list: List, value: &Value, left_out: &mut LeftOut) -> Option<ListData> {
    match list {
        List::UserIds => read_users(value, left_out),
        List::BadIds => {
            unknown_parts(value, &["users", "channels"], left_out);
            let users = ids(value.get("users")?, NO_USER, user, left_out)?;
            let channels = ids(
                value.get("channels")?,
                NO_CHANNEL,
                ChannelId::from_bot_api,
                left_out,
            )?;
            Some(ListData::Bad(BadIds { users, channels }))
        }
        List::ExceptIds => {
            unknown_parts(value, &["long"], left_out);
            let mut photos = BTreeSet::new();
            for member in value.get("long")?.members()? {
                // The Python programs know photos by another id, which nothing here can match.
                match member.as_str().and_then(|text| text.parse().ok()) {
                    Some(photo) => {
                        photos.insert(PhotoId::new(photo));
                    }
                    None => left_out.note(OTHER_PHOTO, shown(member)),
                }
            }
            Some(ListData::Except(ExceptIds { photos }))
        }
        List::AdminIds => {
            let mut admins = BTreeMap::new();
            for (group, users) in value.pairs()? {
                let group = group.as_int()?;
                let users = ids(users, NO_USER, user, left_out)?;
                match ChannelId::from_bot_api(group) {
                    Some(group) => {
                        admins.insert(group, users);
                    }
                    None => left_out.note(NO_GROUP, group),
                }
            }
            Some(ListData::Admins(admins))
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
            Some(ListData::Rules(rules))
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

/// Joins come over, each message a join of its own. A photo comes over if this program wrote its id,
/// for the group that its owner joined last: a Python list does not say which. Scores mean nothing here.
fn read_users(value: &Value, left_out: &mut LeftOut) -> Option<ListData> {
    let mut users = Users::default();
    for (id, of_user) in value.pairs()? {
        let id = id.as_int()?;
        let Some(user) = user(id) else {
            left_out.note(NO_USER, id);
            continue;
        };
        unknown_parts(of_user, &["avatar", "join", "message", "score"], left_out);
        let first = users.joins.len();
        let joins = of_user.get("join")?.pairs()?;
        let mut messages: BTreeMap<i64, &[Value]> = BTreeMap::new();
        for (group, of_group) in of_user.get("message").and_then(Value::pairs).unwrap_or(&[]) {
            messages.insert(group.as_int()?, of_group.members()?);
        }
        for (group, joined_at) in joins {
            let (group, joined_at) = (group.as_int()?, joined_at.as_int()?);
            match ChannelId::from_bot_api(group) {
                Some(of) => {
                    let join = (of, user, Timestamp::new(joined_at));
                    let messages = messages.remove(&group).unwrap_or(&[]);
                    users.joins.extend(joins_of(join, messages, left_out));
                }
                None => {
                    messages.remove(&group);
                    left_out.note(NO_GROUP, group);
                }
            }
        }
        for group in messages.keys() {
            left_out.note(NO_PLACE, group);
        }
        if users.joins.len() == first {
            left_out.note(NO_JOIN, user);
        }
        let avatar = of_user.get("avatar").and_then(Value::as_str).unwrap_or("");
        let latest = users.joins[first..]
            .iter()
            .max_by_key(|join| join.joined_at);
        match (avatar.parse(), latest) {
            _ if avatar.is_empty() => {}
            (Ok(photo), Some(join)) => users.forwarded.push(ForwardedRecord {
                user,
                photo: PhotoId::new(photo),
                group: join.group,
                message: MessageId::new(0),
                sent_at: join.joined_at,
                channel: None,
            }),
            _ => left_out.note(OTHER_PHOTO, avatar),
        }
        let scores = of_user.get("score").and_then(Value::pairs).unwrap_or(&[]);
        if scores
            .iter()
            .any(|(_, score)| !matches!(score, Value::Int(0)) && *score != Value::Float(0.0))
        {
            left_out.note(SCORED, user);
        }
    }
    users.joins.sort_unstable();
    users.joins.dedup();
    Some(ListData::Users(users))
}

/// The joins of a user in a group: one for each message that is known, one without if none is.
fn joins_of(
    (group, user, joined_at): (ChannelId, UserId, Timestamp),
    messages: &[Value],
    left_out: &mut LeftOut,
) -> Vec<JoinRecord> {
    let mut known = Vec::new();
    for message in messages {
        match message.as_int().and_then(|id| i32::try_from(id).ok()) {
            Some(id) if id > 0 => known.push(id),
            _ => left_out.note(NO_MESSAGE, shown(message)),
        }
    }
    if known.is_empty() {
        known.push(0);
    }
    let join = |message| JoinRecord {
        group,
        message: MessageId::new(message),
        user,
        joined_at,
        added_by: None,
        outcome: RESTORED.to_owned(),
        seen_at: None,
    };
    known.into_iter().map(join).collect()
}

/// Notes the parts of a dict that are none of `known` and hold anything.
fn unknown_parts(value: &Value, known: &[&str], left_out: &mut LeftOut) {
    for (key, part) in value.pairs().unwrap_or(&[]) {
        let is_known = key.as_str().is_some_and(|key| known.contains(&key));
        let holds_nothing = part.members().is_some_and(<[_]>::is_empty)
            || part.pairs().is_some_and(<[_]>::is_empty);
        if !is_known && !holds_nothing {
            left_out.note(UNKNOWN, shown(key));
        }
    }
}

fn ids<T: Ord>(
    value: &Value,
    kind: &'static str,
    make: impl Fn(i64) -> Option<T>,
    left_out: &mut LeftOut,
) -> Option<BTreeSet<T>> {
    let mut found = BTreeSet::new();
    for member in value.members()? {
        let id = member.as_int()?;
        match make(id) {
            Some(made) => {
                found.insert(made);
            }
            None => left_out.note(kind, id),
        }
    }
    Some(found)
}

fn user(id: i64) -> Option<UserId> {
    (id > 0).then(|| UserId::new(id))
}

/// A plain value in words: text as it is.
fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        other => json(other).to_string(),
    }
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
    use crate::file_codec::{Opened, Reader};

    const PASSWORD: &str = "correct horse 電池";

    fn fixture(name: &str) -> crate::list_file::ListFile {
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

    fn read(name: &str, list: &str) -> (ListData, String) {
        let list = List::from_name(list).expect("a list");
        let file = fixture(name);
        let (data, left_out) = file.data_for(list).expect("that list");
        (data.into_owned(), left_out.to_string())
    }

    #[test]
    fn the_fleets_lists_are_read_and_what_means_nothing_here_is_named() {
        let users = BTreeSet::from([UserId::new(12_345_678), UserId::new(5_000_000_001)]);
        for name in ["bad_ids", "bad_ids_protocol_3"] {
            let (data, left_out) = read(name, "bad_ids");
            let expected = BadIds {
                users: users.clone(),
                channels: BTreeSet::new(),
            };
            assert_eq!(data, ListData::Bad(expected), "{name}");
            // The documents' channel id is none that Telegram gives.
            assert_eq!(
                left_out,
                "1 channel ids that Telegram gives to nobody (-10012345678)"
            );
        }
        let (ListData::Rules(rules), left_out) = read("nm_words", "nm_words") else {
            panic!("no rules")
        };
        let hits: Vec<u64> = rules.iter().map(|(_, hits)| *hits).collect();
        assert_eq!((hits, left_out.as_str()), (vec![3, 0, 12], ""));
        let (ListData::Rules(bare), _) = read("nm_words_protocol_2", "nm_words") else {
            panic!("no rules")
        };
        assert_eq!(bare.len(), 2);
        for (name, expected) in [
            (
                "except_ids",
                "1 photos under names that only Python programs know (AQADAgADr6cxGw)",
            ),
            (
                "user_ids",
                "1 group ids that Telegram gives to nobody (-10012345678); \
                 1 photos under names that only Python programs know (AQADAgADr6cxGw); \
                 2 users of whom no join is told (12345678, 87654321); \
                 1 users' scores (12345678)",
            ),
            (
                "admin_ids",
                "1 group ids that Telegram gives to nobody (-10012345678)",
            ),
        ] {
            assert_eq!(read(name, name).1, expected);
        }
        assert!(fixture("bad_ids").data_for(List::UserIds).is_err());
        assert!(fixture("empty_set").data_for(List::BadIds).is_err());
    }

    #[test]
    fn what_is_written_for_the_fleet_reads_back() {
        let group = ChannelId::from_bare(1_234_567_890);
        let user = UserId::new(7);
        let join = |message| JoinRecord {
            group,
            message: MessageId::new(message),
            user,
            joined_at: Timestamp::new(1_000),
            added_by: None,
            outcome: RESTORED.to_owned(),
            seen_at: None,
        };
        let photo = ForwardedRecord {
            user,
            photo: PhotoId::new(-5),
            group,
            message: MessageId::new(0),
            sent_at: Timestamp::new(1_000),
            channel: None,
        };
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
            (
                List::UserIds,
                ListData::Users(Users {
                    joins: vec![join(5), join(6)],
                    forwarded: vec![photo],
                }),
            ),
        ] {
            let mut left_out = LeftOut::default();
            let read = data_for(list, &of(&data), &mut left_out);
            assert_eq!(read, Some(data), "{list}");
            assert!(left_out.is_empty(), "{left_out}");
        }
    }
}
