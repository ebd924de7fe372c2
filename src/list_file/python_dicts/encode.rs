//! Encoding of a list as plain values.

use std::collections::{BTreeMap, BTreeSet};

use fleet_files::pickle::PyValue;

use crate::model::{ListData, UserIds};

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

fn encode_users(users: &UserIds) -> PyValue {
    #[derive(Default)]
    struct UserEntry {
        avatar: String,
        join: BTreeMap<i64, i64>,
        message: BTreeMap<i64, BTreeSet<i64>>,
    }
    let mut by_user: BTreeMap<i64, UserEntry> = BTreeMap::new();
    for join in &users.joins {
        let entry = by_user.entry(join.user.get()).or_default();
        let group = join.group.bot_api();
        let joined = entry.join.entry(group).or_default();
        *joined = (*joined).max(join.joined_at.get());
        if join.message.get() > 0 {
            entry
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
        PyValue::Dict(
            numbers
                .into_iter()
                .map(|(key, value)| (PyValue::Int(key), PyValue::Int(value)))
                .collect(),
        )
    };
    PyValue::Dict(
        by_user
            .into_iter()
            .map(|(user, entry)| {
                let message = PyValue::Dict(
                    entry
                        .message
                        .into_iter()
                        .map(|(group, messages)| (PyValue::Int(group), set(messages.into_iter())))
                        .collect(),
                );
                let score = dict(SCORES.map(|name| (name, PyValue::Float(0.0))));
                let entry = dict([
                    ("avatar", PyValue::Str(entry.avatar)),
                    ("join", numbers(entry.join)),
                    ("message", message),
                    ("score", score),
                ]);
                (PyValue::Int(user), entry)
            })
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
