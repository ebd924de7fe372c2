//! Pickles of Python give the values that Python pickled, and pickles of anything else are refused.

mod fleet_lists;
mod hostile_pickles;
mod pillow_photos;
mod protocols;

use std::path::PathBuf;

use super::*;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/python")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(directory().join(name)).expect(name)
}

/// Returns the pickle in one of the fleet's files.
fn decrypted(name: &str) -> Vec<u8> {
    let password = "correct horse 電池".into();
    crate::aescrypt::open(&fixture(&format!("{name}.pickle.aes")), &password).expect(name)
}

fn read_data(pickle: &[u8]) -> Result<PyValue, PickleError> {
    match read(pickle)? {
        Unpickled::Data(value) => Ok(value),
        Unpickled::Photo(_) => panic!("a photo where data should be"),
    }
}

fn read_photo(pickle: &[u8]) -> Result<RgbPhoto, PickleError> {
    match read(pickle)? {
        Unpickled::Photo(photo) => Ok(photo),
        Unpickled::Data(value) => panic!("data where a photo should be: {value:?}"),
    }
}

fn dict<const N: usize>(pairs: [(PyValue, PyValue); N]) -> PyValue {
    PyValue::Dict(pairs.into())
}

fn texts<const N: usize>(pairs: [(&str, PyValue); N]) -> PyValue {
    PyValue::Dict(
        pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect(),
    )
}

fn set<const N: usize>(members: [PyValue; N]) -> PyValue {
    PyValue::Set(members.into())
}

fn ints<const N: usize>(numbers: [i64; N]) -> Vec<PyValue> {
    numbers.map(PyValue::Int).into()
}

/// Returns the value with its sets in order. Python writes them in the order of its hashes.
fn sorted(value: PyValue) -> PyValue {
    match value {
        PyValue::Set(mut members) => {
            members.sort_by_key(|member| format!("{member:?}"));
            PyValue::Set(members)
        }
        PyValue::Dict(pairs) => PyValue::Dict(
            pairs
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect(),
        ),
        other => other,
    }
}

#[test]
fn a_dict_that_is_pickled_pair_by_pair_has_the_bytes_of_the_whole_dict() {
    for count in [0, 1, 300] {
        let pairs: Vec<_> = (0..count)
            .map(|number| (PyValue::Int(number), PyValue::from("value")))
            .collect();
        let mut measured = DictPickler::measure();
        for (key, value) in &pairs {
            measured.pair(key, value).unwrap();
        }
        let mut pickle = Vec::new();
        let mut written = DictPickler::new(&mut pickle, measured.finish().unwrap()).unwrap();
        for (key, value) in &pairs {
            written.pair(key, value).unwrap();
        }
        written.finish().unwrap();
        assert_eq!(pickle, write(&PyValue::Dict(pairs)));
    }
}
