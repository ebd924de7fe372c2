//! A list as the plain values of the Python programs: dicts, sets, integers and strings.
//!
//! | List | Value |
//! |---|---|
//! | `user_ids` | `{user: {"avatar": str, "join": {group: time}, "message": {group: {message}}, "score": {str: float}}}` |
//! | `bad_ids` | `{"channels": {channel}, "users": {user}}` |
//! | `except_ids` | `{"long": {str}}` |
//! | `admin_ids` | `{group: {user}}` |
//! | rules | `{rule: hits}` |

mod decode;
mod encode;
mod photo_file_id;
mod stream;

use fleet_files::pickle::PyValue;
use serde_json::{Map, Value as Json};

pub(super) use self::decode::from_python;
pub use self::decode::group_ids;
pub use self::encode::to_python;
pub(crate) use self::stream::{measure_list, write_list};

/// Returns any plain value as JSON, for display: sets and tuples become arrays, keys become strings.
pub(super) fn to_json(value: &PyValue) -> Json {
    match value {
        PyValue::None => Json::Null,
        PyValue::Bool(value) => (*value).into(),
        PyValue::Int(number) => (*number).into(),
        PyValue::Float(number) => (*number).into(),
        PyValue::Bytes(bytes) => format!("{} bytes", bytes.len()).into(),
        PyValue::Str(text) => text.clone().into(),
        PyValue::List(members)
        | PyValue::Tuple(members)
        | PyValue::Set(members)
        | PyValue::FrozenSet(members) => members.iter().map(to_json).collect(),
        PyValue::Dict(pairs) => pairs
            .iter()
            .map(|(key, value)| {
                let key = match key {
                    PyValue::Str(text) => text.clone(),
                    other => to_json(other).to_string(),
                };
                (key, to_json(value))
            })
            .collect::<Map<_, _>>()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::file_codec::{DecodedFile, Decoder};
    use crate::list_file::{ListFile, SkippedEntries};
    use crate::model::{
        BadIds, ChannelId, ExceptIds, ForwardedRecord, JoinOutcome, JoinRecord, List, ListData,
        MessageId, PhotoId, Timestamp, UserId, UserIds,
    };

    const PASSWORD: &str = "correct horse 電池";

    fn fixture(name: &str) -> ListFile {
        let path = format!(
            "{}/tests/fixtures/python/{name}.pickle.aes",
            env!("CARGO_MANIFEST_DIR")
        );
        let bytes = std::fs::read(path).expect("a fixture");
        let decoder = Decoder::new(&PASSWORD.into());
        match decoder.decode(&bytes).expect("a valid file") {
            DecodedFile::List(list) => list,
            other => panic!("not a list: {other:?}"),
        }
    }

    fn read(name: &str, list: &str) -> (ListData, String) {
        let list = List::from_name(list).expect("a list");
        let file = fixture(name);
        let (data, skipped) = file.data_for(list).expect("that list");
        (data.into_owned(), skipped.to_string())
    }

    #[test]
    fn lists_of_python_are_decoded_and_skipped_entries_are_named() {
        let users = BTreeSet::from([UserId::new(12_345_678), UserId::new(5_000_000_001)]);
        for name in ["bad_ids", "bad_ids_protocol_3"] {
            let (data, skipped) = read(name, "bad_ids");
            let expected = BadIds {
                users: users.clone(),
                channels: BTreeSet::new(),
            };
            assert_eq!(data, ListData::Bad(expected), "{name}");
            // The channel id of the Python programs' documentation has too few digits.
            assert_eq!(skipped, "1 invalid channel ids (-10012345678)");
        }
        let (ListData::Rules(rules), skipped) = read("nm_words", "nm_words") else {
            panic!("not rules")
        };
        let hits: Vec<u64> = rules.iter().map(|(_, hits)| *hits).collect();
        assert_eq!((hits, skipped.as_str()), (vec![3, 0, 12], ""));
        let (ListData::Rules(bare), _) = read("nm_words_protocol_2", "nm_words") else {
            panic!("not rules")
        };
        assert_eq!(bare.len(), 2);
        for (name, expected) in [
            (
                "except_ids",
                "1 photo ids that only the Python programs can match (AQADAgADr6cxGw)",
            ),
            (
                "user_ids",
                "1 invalid group ids (-10012345678); \
                 1 photo ids that only the Python programs can match (AQADAgADr6cxGw); \
                 1 users with scores (12345678); \
                 2 users without a join (12345678, 87654321)",
            ),
            ("admin_ids", "1 invalid group ids (-10012345678)"),
        ] {
            assert_eq!(read(name, name).1, expected);
        }
        assert!(fixture("bad_ids").data_for(List::UserIds).is_err());
        assert!(fixture("empty_set").data_for(List::BadIds).is_err());
    }

    #[test]
    fn encoded_lists_decode_to_the_same_data() {
        let group = ChannelId::from_bare(1_234_567_890);
        let user = UserId::new(7);
        let join = |message| JoinRecord {
            group,
            message: MessageId::new(message),
            user,
            joined_at: Timestamp::new(1_000),
            added_by: None,
            outcome: JoinOutcome::Restored,
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
                ListData::Users(UserIds {
                    joins: vec![join(5), join(6)],
                    forwarded: vec![photo],
                }),
            ),
        ] {
            let mut skipped = SkippedEntries::default();
            let decoded = from_python(list, &to_python(&data), &mut skipped);
            assert_eq!(decoded, Some(data), "{list}");
            assert!(skipped.is_empty(), "{skipped}");
        }
    }

    #[test]
    fn lists_of_older_programs_lack_keys() {
        let dict = |pairs: Vec<(PyValue, PyValue)>| PyValue::Dict(pairs);
        let text = |text: &str| PyValue::Str(text.into());
        let users = PyValue::Set(vec![PyValue::Int(7)]);
        let mut skipped = SkippedEntries::default();
        let decoded = from_python(
            List::BadIds,
            &dict(vec![(text("users"), users)]),
            &mut skipped,
        );
        let expected = BadIds {
            users: BTreeSet::from([UserId::new(7)]),
            channels: BTreeSet::new(),
        };
        assert_eq!(decoded, Some(ListData::Bad(expected)));
        assert!(skipped.is_empty(), "{skipped}");
        let user = dict(vec![(text("avatar"), text(""))]);
        let users = dict(vec![(PyValue::Int(7), user)]);
        let decoded = from_python(List::UserIds, &users, &mut skipped);
        assert_eq!(decoded, Some(ListData::Users(UserIds::default())));
        assert_eq!(skipped.to_string(), "1 users without a join (7)");
    }

    #[test]
    fn photos_named_by_file_ids_are_exceptions_and_forwarded_photos() {
        const FILE_ID: &str = "AQADAgADnctPeldkWl8ACOsypPj_____AwAD0gKWSQAEqedUYZfT03VNAAMWBA";
        let text = |text: &str| PyValue::Str(text.into());
        let dict = |pairs: Vec<(PyValue, PyValue)>| PyValue::Dict(pairs);
        let photo = PhotoId::new(6_870_914_508_384_095_133);
        let mut skipped = SkippedEntries::default();
        let photos = PyValue::Set(vec![text(FILE_ID), text("AQADAgADr6cxGw")]);
        let except = dict(vec![(text("long"), photos)]);
        let expected = ExceptIds {
            photos: BTreeSet::from([photo]),
        };
        assert_eq!(
            from_python(List::ExceptIds, &except, &mut skipped),
            Some(ListData::Except(expected))
        );
        assert_eq!(skipped.total(), 1);
        let joins = dict(vec![(
            PyValue::Int(-1_001_234_567_890),
            PyValue::Int(1_000),
        )]);
        let user = dict(vec![(text("avatar"), text(FILE_ID)), (text("join"), joins)]);
        let users = dict(vec![(PyValue::Int(7), user)]);
        let decoded = from_python(List::UserIds, &users, &mut skipped);
        let Some(ListData::Users(users)) = decoded else {
            panic!("not users")
        };
        assert_eq!(users.forwarded[0].photo, photo);
        assert_eq!(skipped.total(), 1);
    }
}
