//! The fixtures of the repository as samples.

use std::fs;
use std::path::PathBuf;

use secrecy::SecretString;

/// Returns the password of every encrypted fixture.
pub(crate) fn password() -> SecretString {
    "correct horse 電池".into()
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = root().join("tests/fixtures").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the fixtures in a directory that have this extension, in the order of their names.
pub(crate) fn fixtures(directory: &str, extension: &str) -> Vec<Vec<u8>> {
    let path = root().join("tests/fixtures").join(directory);
    let entries = fs::read_dir(&path).expect("the fixtures exist");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("a readable directory").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{}: no {extension} file", path.display());
    paths
        .iter()
        .map(|path| fs::read(path).expect("a readable fixture"))
        .collect()
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Pieces of JSON texts: punctuation, numbers at the edges, half a surrogate pair, and words of envelopes.
pub(crate) const JSON_PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b":",
    b",",
    b"\\u",
    b"\\ud83d",
    b"\\udc00",
    b"NaN",
    b"-Infinity",
    b"null",
    b"true",
    b"false",
    b"-",
    b"1e999",
    b"0.5",
    b"99999999999999999999",
    b"-1001234567890",
    b"9007199254740993",
    b"-9223372036854775808",
    b"\"AVATAR\"",
    b"\"EMERGENCY\"",
    b"\"MANAGE\"",
    b"\"data\": {",
    b"\"the_id\": ",
    b"{\"a\":",
    "“".as_bytes(),
    "é".as_bytes(),
    "\u{feff}".as_bytes(),
    b"\0",
];
