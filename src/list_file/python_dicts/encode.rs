//! Encoding of a list as plain values.

use std::collections::{BTreeMap, BTreeSet};

use fleet_files::pickle::PyValue;

use crate::model::{ForwardedRecord, JoinRecord, ListData, Timestamp, UserIds};

/// The scores of every user. The Python programs expect the keys; this program gives no scores.
const SCORES: [&str; 8] = [
    "captcha", "clean", "lang", "long", "noflood", "noporn", "nospam", "warn",
];

/// Returns a list in the shape that the Python programs read.
#[must_use]
pub fn to_python(data: &ListData) -> PyValue {
    match data {
        ListData::Users(users) => encode_users(users),
        ListData::Bad(bad) => dict([
            ("channels", set(bad.channels.iter().map(|id| id.bot_api()))),
            ("users", set(bad.users.iter().map(|user| user.get()))),
        ]),
        ListData::Except(except) => dict([(
            "long",
            PyValue::Set(
                except
                    .photos
                    .iter()
                    .map(|photo| PyValue::Str(photo.to_string()))
                    .collect(),
            ),
        )]),
        ListData::Admins(admins) => PyValue::Dict(
            admins
                .iter()
                .map(|(group, users)| {
                    (
                        PyValue::Int(group.bot_api()),
                        set(users.iter().map(|user| user.get())),
                    )
                })
                .collect(),
        ),
        ListData::Rules(rules) => PyValue::Dict(
            rules
                .iter()
                .map(|(rule, hits)| {
                    (
                        PyValue::Str(rule.clone()),
                        PyValue::Int(i64::try_from(*hits).unwrap_or(i64::MAX)),
                    )
                })
                .collect(),
        ),
    }
}

/// What the Python programs know of a user.
#[derive(Default)]
pub(super) struct UserEntry {
    avatar: String,
    avatar_at: Option<Timestamp>,
    join: BTreeMap<i64, i64>,
    message: BTreeMap<i64, BTreeSet<i64>>,
}

impl UserEntry {
    pub(super) fn add_join(&mut self, join: &JoinRecord) {
        let group = join.group.bot_api();
        let joined = self.join.entry(group).or_default();
        *joined = (*joined).max(join.joined_at.get());
        if join.message.get() > 0 {
            self.message
                .entry(group)
                .or_default()
                .insert(i64::from(join.message.get()));
        }
    }

    /// Keeps the photo that was sent last; of several at one time, the one that is added last.
    pub(super) fn add_photo(&mut self, photo: &ForwardedRecord) {
        if self.avatar_at <= Some(photo.sent_at) {
            self.avatar = photo.photo.to_string();
            self.avatar_at = Some(photo.sent_at);
        }
    }

    pub(super) fn into_python(self) -> PyValue {
        let join = self.join.into_iter();
        let join = join.map(|(group, time)| (PyValue::Int(group), PyValue::Int(time)));
        let message = self.message.into_iter();
        let message =
            message.map(|(group, messages)| (PyValue::Int(group), set(messages.into_iter())));
        dict([
            ("avatar", PyValue::Str(self.avatar)),
            ("join", PyValue::Dict(join.collect())),
            ("message", PyValue::Dict(message.collect())),
            (
                "score",
                dict(SCORES.map(|name| (name, PyValue::Float(0.0)))),
            ),
        ])
    }
}

fn encode_users(users: &UserIds) -> PyValue {
    let mut by_user: BTreeMap<i64, UserEntry> = BTreeMap::new();
    for join in &users.joins {
        by_user.entry(join.user.get()).or_default().add_join(join);
    }
    for photo in &users.forwarded {
        by_user
            .entry(photo.user.get())
            .or_default()
            .add_photo(photo);
    }
    PyValue::Dict(
        by_user
            .into_iter()
            .map(|(user, entry)| (PyValue::Int(user), entry.into_python()))
            .collect(),
    )
}

fn set(ids: impl Iterator<Item = i64>) -> PyValue {
    PyValue::Set(ids.map(PyValue::Int).collect())
}

fn dict<const N: usize>(pairs: [(&str, PyValue); N]) -> PyValue {
    PyValue::Dict(
        pairs
            .into_iter()
            .map(|(key, value)| (PyValue::from(key), value))
            .collect(),
    )
}
