//! Files of AES Crypt.

use std::sync::LazyLock;

use fleet_files::aescrypt::{AesCryptError, open};
use fleet_files::pickle::{self, PickleError};

use super::Parser;
use super::samples::{fixtures, password};

/// A file of AES Crypt's format 2 under the password of the samples.
pub const AES_CRYPT: Parser = Parser {
    name: "aes_crypt",
    samples,
    pieces: &[
        b"AES\x02\0",
        b"AES\x02\0\0\0",
        b"\0",
        b"\0\0",
        b"\xff\xff",
        b"\0\x04a\0bc",
        b"\0\x1bCREATED_BY\0pyAesCrypt 7.0.0",
        b"\x10\x10\x10\x10",
        &[0; 33],
    ],
    check,
};

/// The contents of the samples.
static CONTENTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let samples = samples();
    let contents = samples.iter().map(|sample| open(sample, &password()));
    contents
        .collect::<Result<_, _>>()
        .expect("every sample opens")
});

/// The sample files without photos, which are long.
fn samples() -> Vec<Vec<u8>> {
    let mut samples = fixtures("python", "aes");
    samples.extend(fixtures("python/releases", "aes"));
    samples.retain(|sample| sample.len() < 1000);
    samples
}

/// A file opens only with the content of a sample. The format does not authenticate its length byte, and a content that
/// is followed by its padding is no pickle.
fn check(input: &[u8]) -> bool {
    match open(input, &password()) {
        Ok(content) if CONTENTS.contains(&content) => true,
        Ok(content) => {
            let is_padded = CONTENTS.iter().any(|sample| {
                content.starts_with(sample)
                    && content.len() == sample.len().next_multiple_of(16)
                    && content[sample.len()..]
                        .iter()
                        .all(|&byte| usize::from(byte) == content.len() - sample.len())
            });
            assert!(is_padded, "the file opens with other content");
            let read = pickle::read(&content);
            assert!(matches!(read, Err(PickleError::TrailingBytes { .. })));
            true
        }
        Err(error) => {
            assert!(
                matches!(
                    error,
                    AesCryptError::NotAesCrypt
                        | AesCryptError::UnknownVersion(_)
                        | AesCryptError::WrongPasswordOrDamaged
                        | AesCryptError::Truncated
                        | AesCryptError::Damaged
                        | AesCryptError::TrailingBytes
                ),
                "{error:?}"
            );
            false
        }
    }
}
