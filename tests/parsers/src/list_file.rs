//! Lists in files of a rollback: JSON from sealed files, and pickles of the Python programs.

use std::sync::LazyLock;

use fleet_files::pickle::{self, PyValue, Unpickled};
use fleet_files::sealed::Sealer;
use scp_079_avatar::file_codec::{DecodeError, DecodedFile, Decoder};
use scp_079_avatar::list_file::{ListFile, ListFileError, SkippedEntries, sealed_json, to_python};
use scp_079_avatar::model::{List, ListData};

use super::Parser;
use super::samples::{fixtures, password};

/// A list as JSON or as a pickle, without the encryption around it.
pub const LIST_FILE: Parser = Parser {
    name: "list_file",
    samples,
    pieces: &[
        b"{\"format\":",
        b"\"list\":\"bad_ids\"",
        b"\"list\":\"nm_words\"",
        b"\"data\":{",
        b"\"joins\":[",
        b"\"seen_at\":1",
        b"\"added_by\":null",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"",
        b"null",
        b"-1001234567890",
        b"\"-1001234567890\":[]",
        b"9223372036854775807",
        b"18446744073709551615",
        b"-9223372036854775808",
        b"0.5",
        b"J\xff\xff\xff\xff",
        b"\x8f",
        b"\x90",
        b"}",
        b"s",
        b"u",
        b"K\0",
        b"N",
        b"\x8c\x04join",
        b"\x8c\x07message",
        b"\x8c\x06avatar",
    ],
    check: |input| {
        let is_json_list = check_json(input);
        let is_python_list = match pickle::read(input) {
            Ok(Unpickled::Data(value)) => check_python(&value),
            _ => false,
        };
        is_json_list || is_python_list
    },
};

const SAVED_AT: &str = "2026-01-01T00:00:00Z";

static SEALER: LazyLock<Sealer> =
    LazyLock::new(|| Sealer::new(&password()).expect("a key can be derived"));
static DECODER: LazyLock<Decoder> = LazyLock::new(|| Decoder::new(&password()));

/// The Python programs' lists as pickles and as JSON, and one JSON text with all fields of joins and photos.
fn samples() -> Vec<Vec<u8>> {
    let mut samples = vec![
        br#"{"format":1,"list":"user_ids","saved_at":"2026-01-01T00:00:00Z","data":{
            "joins":[{"group_id":-1001234567890,"message_id":5,"user_id":7,"joined_at":9,
            "added_by":8,"outcome":"forwarded","seen_at":11}],"forwarded":[{"user_id":7,
            "photo_id":-3,"group_id":-1001234567890,"message_id":8,"sent_at":10,
            "channel_id":-1001234567891}]}}"#
            .to_vec(),
        br#"{"format":1,"list":"nm_words","saved_at":"now","data":{"a+":1,"b":0}}"#.to_vec(),
    ];
    for file in fixtures("python", "aes") {
        let content =
            fleet_files::aescrypt::open(&file, &password()).expect("the password of the fixtures");
        if let Ok(Unpickled::Data(value)) = pickle::read(&content) {
            samples.extend(List::ALL.into_iter().filter_map(|list| {
                let file = ListFile::from_python(value.clone());
                let (data, _) = file.data_for(list).ok()?;
                sealed_json::list_document(list, &data, SAVED_AT).ok()
            }));
            samples.push(content);
        }
    }
    samples
}

/// A list of a sealed file is of one kind, and is written and read as the same in both kinds of files.
fn check_json(input: &[u8]) -> bool {
    let sealed = SEALER.seal_bytes(input).expect("memory can be sealed");
    let decoded = DECODER.decode(&sealed);
    let file = match ListFile::from_json(input) {
        Ok(file) => file,
        Err(error) => {
            // A text that is no list at all is a report or another file.
            let is_other = matches!(
                decoded,
                Ok(DecodedFile::Other(_) | DecodedFile::Photo(_)) | Err(DecodeError::List(_))
            );
            assert!(is_other, "{error}: {decoded:?}");
            return false;
        }
    };
    let list = file.list.expect("a sealed list names itself");
    for other in List::ALL {
        let found = file.data_for(other);
        match found {
            Ok((data, skipped)) => {
                assert!(other == list && skipped.is_empty());
                let written = sealed_json::list_document(list, &data, SAVED_AT).expect("JSON");
                let again = ListFile::from_json(&written).expect("a written list can be read");
                assert_eq!(again, file);
                round_trip(list, &data);
            }
            Err(ListFileError::Mismatch { .. }) => assert_ne!(other, list),
            Err(error) => panic!("{error}"),
        }
    }
    file.to_json().expect("a list can be shown");
    true
}

/// A list of the Python programs that has the shape of one of ours is written and read as the same.
fn check_python(value: &PyValue) -> bool {
    let file = ListFile::from_python(value.clone());
    file.to_json().expect("a list can be shown");
    let mut is_a_list = false;
    for list in List::ALL {
        let Ok((data, skipped)) = file.data_for(list) else {
            continue;
        };
        assert!(skipped.counts_by_kind().len() < 1000);
        is_a_list = true;
        let (again, skipped) = round_trip(list, &data);
        // The values of user_ids do not name a group for a photo, and have one time for each group.
        if list != List::UserIds {
            assert!(skipped.is_empty(), "{skipped}");
            assert_eq!(again, *data);
        }
    }
    is_a_list
}

/// Writes a list for the Python programs and reads it. A second round changes nothing more.
fn round_trip(list: List, data: &ListData) -> (ListData, SkippedEntries) {
    let written_and_read = |data: &ListData| {
        let pickle = pickle::write(&to_python(data));
        let Ok(Unpickled::Data(value)) = pickle::read(&pickle) else {
            panic!("a written list is not read as data");
        };
        let file = ListFile::from_python(value);
        let (data, skipped) = file.data_for(list).expect("a written list has its shape");
        (data.into_owned(), skipped)
    };
    let first = written_and_read(data);
    let (second, skipped) = written_and_read(&first.0);
    assert_eq!(second, first.0);
    assert!(skipped.is_empty(), "{skipped}");
    first
}
