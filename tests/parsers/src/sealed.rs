//! Sealed files.

use std::sync::{LazyLock, Mutex, PoisonError};

use fleet_files::sealed::{Opener, SealedError};

use super::Parser;
use super::samples::{fixture, fixtures, password};

/// Bytes of a header, and its bytes on which the key depends.
const HEADER: usize = 55;
const KDF: std::ops::Range<usize> = 8..36;
/// The product of memory in KiB and passes up to which a key is derived for an input: the 16 GiB that the format
/// allows take seconds.
const MAX_COST: u64 = 1024;
const CHUNK: usize = 65_536;

/// A sealed file under the password of the samples.
pub const SEALED: Parser = Parser {
    name: "sealed",
    samples: || fixtures("sealed", "sealed"),
    pieces: &[
        b"SCP079\x01\x01",
        b"SCP079\x02\x01",
        b"\0",
        b"\x01",
        b"\xff\xff\xff\xff",
        b"\x40\0\0\0\x01\0\0\0\x02\0\0\0",
        b"\x08\0\0\0\x01\0\0\0\x01\0\0\0",
        &[0; 16],
        &[0; 19],
        &[0xff; 64],
    ],
    check,
};

/// The sealed files that open, and their contents.
static WHOLE: LazyLock<[(Vec<u8>, Vec<u8>); 5]> = LazyLock::new(|| {
    let hello = "Hello, 電池!\n".as_bytes();
    let two_chunks = [&(0..=255).collect::<Vec<u8>>().repeat(256)[..], b"second"].concat();
    [
        ("empty", Vec::new()),
        ("hello", hello.into()),
        ("avatar", fixture("avatar.jpg")),
        ("foreign", hello.into()),
        ("foreign_two_chunks", two_chunks),
    ]
    .map(|(name, content)| (fixture(&format!("sealed/{name}.sealed")), content))
});

/// Keeps the keys of the samples.
static OPENER: LazyLock<Mutex<Opener>> = LazyLock::new(|| Mutex::new(Opener::new(&password())));

/// A file opens only if it is a sample, byte by byte, and chunks that come out before an error are a sample's.
fn check(input: &[u8]) -> bool {
    let mut content = Vec::new();
    let opened = if has_key_of_a_sample(input) {
        let mut opener = OPENER.lock().unwrap_or_else(PoisonError::into_inner);
        opener.open(input, &mut content)
    } else if cost(input) > MAX_COST {
        return false;
    } else {
        Opener::new(&password()).open(input, &mut content)
    };
    match opened {
        Ok(length) => {
            assert_eq!(length, content.len() as u64);
            let mut whole = WHOLE.iter();
            assert!(whole.any(|(file, plain)| file == input && *plain == content));
            true
        }
        Err(error) => {
            assert!(content.len().is_multiple_of(CHUNK));
            assert!(WHOLE.iter().any(|(_, plain)| plain.starts_with(&content)));
            assert!(
                matches!(
                    error,
                    SealedError::NotSealed
                        | SealedError::UnknownVersion(_)
                        | SealedError::UnknownKdf(_)
                        | SealedError::KdfTooCostly { .. }
                        | SealedError::Kdf { .. }
                        | SealedError::Truncated
                        | SealedError::TrailingBytes
                        | SealedError::WrongPasswordOrDamaged { .. }
                ),
                "{error:?}"
            );
            false
        }
    }
}

fn has_key_of_a_sample(input: &[u8]) -> bool {
    let mut whole = WHOLE.iter();
    input.len() >= HEADER && whole.any(|(file, _)| file[KDF] == input[KDF])
}

/// Returns the product of memory and passes, or 0 if the opener will refuse the header without deriving a key.
fn cost(input: &[u8]) -> u64 {
    let number = |at: usize| -> u64 {
        let bytes = input[at..].first_chunk().expect("a whole header");
        u32::from_le_bytes(*bytes).into()
    };
    if input.len() < HEADER || number(8) > 1 << 20 || number(12) > 16 {
        return 0;
    }
    number(8) * number(12)
}
