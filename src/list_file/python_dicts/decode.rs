//! Decoding of plain values as a list.

use std::collections::{BTreeMap, BTreeSet};

use fleet_files::pickle::PyValue;

use super::photo_file_id::photo_id;
use super::to_json;
use crate::list_file::SkippedEntries;
use crate::model::{
    BadIds, ChannelId, ExceptIds, ForwardedRecord, JoinOutcome, JoinRecord, List, ListData,
    MessageId, Timestamp, UserId, UserIds,
};

const GROUP_IDS: &str = "invalid group ids";
const CHANNEL_IDS: &str = "invalid channel ids";
const USER_IDS: &str = "invalid user ids";
const MESSAGE_IDS: &str = "invalid message ids";
const USERS_WITHOUT_JOIN: &str = "users without a join";
const GROUPS_WITHOUT_JOIN: &str = "groups with messages but no join";
const PYTHON_PHOTO_IDS: &str = "photo ids that only the Python programs can match";
const PHOTOS_WITHOUT_JOIN: &str = "photos of users without a join";
const USERS_WITH_SCORES: &str = "users with scores";
const UNKNOWN_KEYS: &str = "unknown keys";

/// Decodes the value as `list`, or returns `None` if the value has another shape. Entries without a meaning in this
/// program are recorded in `skipped`.
pub(in crate::list_file) fn from_python(
    list: List,
    value: &PyValue,
    skipped: &mut SkippedEntries,
) -> Option<ListData> {
    match list {
        List::UserIds => decode_users(value, skipped),
        List::BadIds => {
            record_unknown_keys(value, &["users", "channels"], skipped);
            let users = ids(value.get("users")?, USER_IDS, user_id, skipped)?;
            // Older programs do not write the channels.
            let channels = match value.get("channels") {
                Some(channels) => ids(channels, CHANNEL_IDS, ChannelId::from_bot_api, skipped)?,
                None => BTreeSet::new(),
            };
            Some(ListData::Bad(BadIds { users, channels }))
        }
        List::ExceptIds => {
            record_unknown_keys(value, &["long"], skipped);
            let mut photos = BTreeSet::new();
            for member in value.get("long")?.as_members()? {
                match member.as_str().and_then(photo_id) {
                    Some(photo) => {
                        photos.insert(photo);
                    }
                    None => skipped.record(PYTHON_PHOTO_IDS, shown(member)),
                }
            }
            Some(ListData::Except(ExceptIds { photos }))
        }
        List::AdminIds => {
            let mut admins = BTreeMap::new();
            for (group, users) in value.as_pairs()? {
                let group = group.as_int()?;
                let users = ids(users, USER_IDS, user_id, skipped)?;
                match ChannelId::from_bot_api(group) {
                    Some(group) => {
                        admins.insert(group, users);
                    }
                    None => skipped.record(GROUP_IDS, group),
                }
            }
            Some(ListData::Admins(admins))
        }
        List::Words(_) => {
            let rules = match value.as_pairs() {
                Some(pairs) => pairs
                    .iter()
                    .map(|(rule, hits)| {
                        Some((
                            rule.as_str()?.to_owned(),
                            u64::try_from(hits.as_int()?).ok()?,
                        ))
                    })
                    .collect::<Option<_>>()?,
                // Older programs wrote a list of rules without counts.
                None => value
                    .as_members()?
                    .iter()
                    .map(|rule| Some((rule.as_str()?.to_owned(), 0)))
                    .collect::<Option<_>>()?,
            };
            Some(ListData::Rules(rules))
        }
    }
}

/// Decodes a set of groups, and records the invalid ids among them. Returns `None` if the value has another shape.
#[must_use]
pub fn group_ids(value: &PyValue) -> Option<(BTreeSet<ChannelId>, SkippedEntries)> {
    let mut skipped = SkippedEntries::default();
    let groups = ids(value, GROUP_IDS, ChannelId::from_bot_api, &mut skipped)?;
    Some((groups, skipped))
}

/// Decodes `user_ids`. Each message becomes a join. A photo is taken as forwarded for the group that the user
/// joined last, because the value does not name a group. Scores are skipped.
fn decode_users(value: &PyValue, skipped: &mut SkippedEntries) -> Option<ListData> {
    let mut users = UserIds::default();
    for (id, entry) in value.as_pairs()? {
        let id = id.as_int()?;
        let Some(user) = user_id(id) else {
            skipped.record(USER_IDS, id);
            continue;
        };
        record_unknown_keys(entry, &["avatar", "join", "message", "score"], skipped);
        let first = users.joins.len();
        let joins = match entry.get("join") {
            Some(joins) => joins.as_pairs()?,
            None if is_user_entry(entry) => &[],
            None => return None,
        };
        let mut messages: BTreeMap<i64, &[PyValue]> = BTreeMap::new();
        for (group, of_group) in entry
            .get("message")
            .and_then(PyValue::as_pairs)
            .unwrap_or(&[])
        {
            messages.insert(group.as_int()?, of_group.as_members()?);
        }
        for (group, joined_at) in joins {
            let (group, joined_at) = (group.as_int()?, joined_at.as_int()?);
            match ChannelId::from_bot_api(group) {
                Some(channel) => {
                    let join = JoinRecord {
                        group: channel,
                        message: MessageId::new(0),
                        user,
                        joined_at: Timestamp::new(joined_at),
                        added_by: None,
                        outcome: JoinOutcome::Restored,
                        seen_at: None,
                    };
                    let messages = messages.remove(&group).unwrap_or(&[]);
                    users
                        .joins
                        .extend(join_per_message(join, messages, skipped));
                }
                None => {
                    messages.remove(&group);
                    skipped.record(GROUP_IDS, group);
                }
            }
        }
        for group in messages.keys() {
            skipped.record(GROUPS_WITHOUT_JOIN, group);
        }
        if users.joins.len() == first {
            skipped.record(USERS_WITHOUT_JOIN, user);
        }
        let avatar = entry.get("avatar").and_then(PyValue::as_str).unwrap_or("");
        let latest = users.joins[first..]
            .iter()
            .max_by_key(|join| join.joined_at);
        match (photo_id(avatar), latest) {
            _ if avatar.is_empty() => {}
            (Some(photo), Some(join)) => users.forwarded.push(ForwardedRecord {
                user,
                photo,
                group: join.group,
                message: MessageId::new(0),
                sent_at: join.joined_at,
                channel: None,
            }),
            (Some(_), None) => skipped.record(PHOTOS_WITHOUT_JOIN, avatar),
            (None, _) => skipped.record(PYTHON_PHOTO_IDS, avatar),
        }
        let scores = entry
            .get("score")
            .and_then(PyValue::as_pairs)
            .unwrap_or(&[]);
        if scores
            .iter()
            .any(|(_, score)| !matches!(score, PyValue::Int(0)) && *score != PyValue::Float(0.0))
        {
            skipped.record(USERS_WITH_SCORES, user);
        }
    }
    users.joins.sort_unstable();
    users.joins.dedup();
    Some(ListData::Users(users))
}

/// Reports whether a value without joins can be the entry of a user.
fn is_user_entry(value: &PyValue) -> bool {
    let has = |key| value.get(key).is_some();
    has("avatar") || has("message") || has("score")
}

/// Returns a copy of the join for each valid message, or the join itself if there is none.
fn join_per_message(
    join: JoinRecord,
    messages: &[PyValue],
    skipped: &mut SkippedEntries,
) -> Vec<JoinRecord> {
    let mut joins = Vec::new();
    for message in messages {
        match message.as_int().and_then(|id| i32::try_from(id).ok()) {
            Some(id) if id > 0 => joins.push(JoinRecord {
                message: MessageId::new(id),
                ..join.clone()
            }),
            _ => skipped.record(MESSAGE_IDS, shown(message)),
        }
    }
    if joins.is_empty() {
        joins.push(join);
    }
    joins
}

/// Records the keys of a dict that are not in `known` and whose values are not empty.
fn record_unknown_keys(value: &PyValue, known: &[&str], skipped: &mut SkippedEntries) {
    for (key, part) in value.as_pairs().unwrap_or(&[]) {
        let is_known = key.as_str().is_some_and(|key| known.contains(&key));
        let is_empty = part.as_members().is_some_and(<[_]>::is_empty)
            || part.as_pairs().is_some_and(<[_]>::is_empty);
        if !is_known && !is_empty {
            skipped.record(UNKNOWN_KEYS, shown(key));
        }
    }
}

/// Converts the members of a set. An id that `convert` refuses is recorded as `kind`.
fn ids<T: Ord>(
    value: &PyValue,
    kind: &'static str,
    convert: impl Fn(i64) -> Option<T>,
    skipped: &mut SkippedEntries,
) -> Option<BTreeSet<T>> {
    let mut found = BTreeSet::new();
    for member in value.as_members()? {
        let id = member.as_int()?;
        match convert(id) {
            Some(converted) => {
                found.insert(converted);
            }
            None => skipped.record(kind, id),
        }
    }
    Some(found)
}

fn user_id(id: i64) -> Option<UserId> {
    (id > 0).then(|| UserId::new(id))
}

/// Returns a value for display: a string as it is, any other value as JSON.
fn shown(value: &PyValue) -> String {
    match value {
        PyValue::Str(text) => text.clone(),
        other => to_json(other).to_string(),
    }
}
