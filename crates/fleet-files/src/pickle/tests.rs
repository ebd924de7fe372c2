//! Every file of the fleet reads as what Python put in, and nothing else gets through.

mod fleet;
mod hostile;
mod photos;
mod protocols;

use std::path::PathBuf;

use super::*;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/python")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(directory().join(name)).expect(name)
}

/// The pickle in one of the fleet's files.
fn opened(name: &str) -> Vec<u8> {
    let password = "correct horse 電池".into();
    crate::aescrypt::open(&fixture(&format!("{name}.pickle.aes")), &password).expect(name)
}

fn read_data(pickle: &[u8]) -> Result<Value, PickleFault> {
    match read(pickle)? {
        Content::Data(value) => Ok(value),
        Content::Photo(_) => panic!("a photo where data should be"),
    }
}

fn read_photo(pickle: &[u8]) -> Result<Photo, PickleFault> {
    match read(pickle)? {
        Content::Photo(photo) => Ok(photo),
        Content::Data(value) => panic!("data where a photo should be: {value:?}"),
    }
}

fn dict<const N: usize>(pairs: [(Value, Value); N]) -> Value {
    Value::Dict(pairs.into())
}

fn texts<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Dict(
        pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect(),
    )
}

fn set<const N: usize>(members: [Value; N]) -> Value {
    Value::Set(members.into())
}

fn ints<const N: usize>(numbers: [i64; N]) -> Vec<Value> {
    numbers.map(Value::Int).into()
}

/// The value with its sets in order: Python writes them in the order of its hashes.
fn sorted(value: Value) -> Value {
    match value {
        Value::Set(mut members) => {
            members.sort_by_key(|member| format!("{member:?}"));
            Value::Set(members)
        }
        Value::Dict(pairs) => Value::Dict(
            pairs
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect(),
        ),
        other => other,
    }
}
