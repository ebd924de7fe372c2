//! The frozen files open, each corrupt file gives its error, and files of every length around a chunk come back.

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::*;

static SEALER: LazyLock<Sealer> = LazyLock::new(|| Sealer::new(&password()).unwrap());
/// One opener for all files of [`SEALER`], so that the tests pay for one derivation.
static OPENER: LazyLock<Mutex<Opener>> = LazyLock::new(|| Mutex::new(Opener::new(&password())));

fn password() -> SecretString {
    "correct horse 電池".into()
}

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    std::fs::read(path.join(name)).unwrap()
}

fn open_with(opener: &mut Opener, sealed: &[u8]) -> Result<Vec<u8>, SealedError> {
    let mut plain = Vec::new();
    let length = opener.open(sealed, &mut plain)?;
    assert_eq!(length, plain.len() as u64);
    Ok(plain)
}

fn open(sealed: &[u8]) -> Result<Vec<u8>, SealedError> {
    let mut opener = OPENER.lock().unwrap_or_else(PoisonError::into_inner);
    open_with(&mut opener, sealed)
}

fn error(sealed: &[u8]) -> SealedError {
    open(sealed).expect_err("an error")
}

/// Returns bytes in which no two stretches are alike.
fn plain(length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

fn flipped(sealed: &[u8], at: usize) -> Vec<u8> {
    let mut sealed = sealed.to_vec();
    sealed[at] ^= 1;
    sealed
}

/// The nonce prefixes of `empty`, `hello` and `avatar` end in 8 bytes that an early build derived from the key. Python
/// wrote `foreign` and `foreign_two_chunks` with other parameters.
#[test]
fn frozen_files_open() {
    let mut opener = Opener::new(&password());
    for (name, plain) in [
        ("empty", Vec::new()),
        ("hello", "Hello, 電池!\n".into()),
        ("foreign", "Hello, 電池!\n".into()),
        (
            "foreign_two_chunks",
            [&(0..=255).collect::<Vec<u8>>().repeat(256)[..], b"second"].concat(),
        ),
        ("avatar", fixture("avatar.jpg")),
    ] {
        let sealed = fixture(&format!("sealed/{name}.sealed"));
        assert_eq!(open_with(&mut opener, &sealed).unwrap(), plain, "{name}");
    }
}

#[test]
fn each_corrupt_file_gives_its_error_and_no_plaintext() {
    let mut opener = Opener::new(&password());
    for (name, expected) in [
        ("magic_wrong", "NotSealed"),
        ("version_unknown", "UnknownVersion(2)"),
        ("derivation_unknown", "UnknownKdf(2)"),
        ("memory_over_1_gib", "KdfTooCostly { memory_kib: 1048577"),
        (
            "passes_over_16",
            "KdfTooCostly { memory_kib: 19456, passes: 17",
        ),
        ("memory_too_little", "Kdf { memory_kib: 7"),
        ("passes_none", "Kdf { memory_kib: 19456, passes: 0"),
        ("lanes_none", "Kdf { memory_kib: 19456, passes: 2, lanes: 0"),
        (
            "lanes_too_many",
            "Kdf { memory_kib: 19456, passes: 2, lanes: 2433",
        ),
        ("salt_flipped", "WrongPasswordOrDamaged { chunk: 0 }"),
        ("prefix_flipped", "WrongPasswordOrDamaged { chunk: 0 }"),
        ("cut_in_magic", "NotSealed"),
        ("cut_in_version", "Truncated"),
        ("cut_in_header", "Truncated"),
        ("cut_after_header", "Truncated"),
        ("cut_in_chunk", "WrongPasswordOrDamaged { chunk: 0 }"),
        ("cut_in_tag", "WrongPasswordOrDamaged { chunk: 0 }"),
        ("chunk_flipped", "WrongPasswordOrDamaged { chunk: 0 }"),
        ("tag_flipped", "WrongPasswordOrDamaged { chunk: 0 }"),
        ("trailing_byte", "WrongPasswordOrDamaged { chunk: 0 }"),
        ("joined_twice", "WrongPasswordOrDamaged { chunk: 0 }"),
        (
            "foreign_chunk_flipped",
            "WrongPasswordOrDamaged { chunk: 0 }",
        ),
        (
            "foreign_trailing_byte",
            "WrongPasswordOrDamaged { chunk: 0 }",
        ),
    ] {
        let sealed = fixture(&format!("sealed/{name}.sealed"));
        let mut plain = Vec::new();
        let error = opener.open(&sealed[..], &mut plain).expect_err(name);
        let error = format!("{error:?}");
        assert!(error.starts_with(expected), "{name}: {error}");
        assert!(plain.is_empty(), "{name}: plaintext came out");
    }
}

#[test]
fn another_password_opens_no_file() {
    for name in ["empty", "hello", "avatar", "foreign"] {
        let sealed = fixture(&format!("sealed/{name}.sealed"));
        let error = open_with(&mut Opener::new(&"correct horse".into()), &sealed).unwrap_err();
        assert!(
            matches!(error, SealedError::WrongPasswordOrDamaged { chunk: 0 }),
            "{name}: {error:?}"
        );
    }
}

#[test]
fn files_of_every_length_around_a_chunk_come_back_and_waste_no_chunk() {
    for length in [
        0,
        1,
        15,
        16,
        17,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        2 * CHUNK,
        2 * CHUNK + 1,
    ] {
        let plain = plain(length);
        let sealed = SEALER.seal_bytes(&plain).unwrap();
        let chunks = length.div_ceil(CHUNK).max(1);
        assert_eq!(sealed.len(), header::LENGTH + length + chunks * TAG);
        assert_eq!(open(&sealed).unwrap(), plain);
    }
}

#[test]
fn a_cut_at_any_byte_of_a_small_file_is_refused() {
    let sealed = SEALER.seal_bytes(&plain(100)).unwrap();
    for length in 0..sealed.len() {
        let error = error(&sealed[..length]);
        let is_expected = match length {
            0..6 => matches!(error, SealedError::NotSealed),
            6..71 => matches!(error, SealedError::Truncated),
            _ => matches!(error, SealedError::WrongPasswordOrDamaged { chunk: 0 }),
        };
        assert!(is_expected, "{length}: {error:?}");
    }
}

#[test]
fn a_flipped_bit_in_any_byte_is_refused() {
    let sealed = SEALER.seal_bytes(&plain(100)).unwrap();
    for at in header::LENGTH..sealed.len() {
        let error = error(&flipped(&sealed, at));
        assert!(
            matches!(error, SealedError::WrongPasswordOrDamaged { chunk: 0 }),
            "{at}: {error:?}"
        );
    }
    for at in 0..header::LENGTH {
        error(&flipped(&sealed, at));
    }
}

#[test]
fn a_cut_at_the_border_of_a_chunk_is_reported_as_truncation() {
    let border = header::LENGTH + CHUNK + TAG;
    let sealed = SEALER.seal_bytes(&plain(2 * CHUNK + 5)).unwrap();
    for length in [
        border,
        border + 1,
        border + TAG - 1,
        2 * border - header::LENGTH,
    ] {
        let error = error(&sealed[..length]);
        assert!(
            matches!(error, SealedError::Truncated),
            "{length}: {error:?}"
        );
    }
    let error = error(&sealed[..border + 1000]);
    assert!(
        matches!(error, SealedError::WrongPasswordOrDamaged { chunk: 1 }),
        "{error:?}"
    );
}

#[test]
fn the_error_names_the_damaged_chunk() {
    let sealed = SEALER.seal_bytes(&plain(2 * CHUNK + 5)).unwrap();
    for number in 0..3 {
        let at = header::LENGTH + number * (CHUNK + TAG) + 2;
        let error = error(&flipped(&sealed, at));
        assert!(
            matches!(error, SealedError::WrongPasswordOrDamaged { chunk } if chunk as usize == number),
            "{number}: {error:?}"
        );
    }
}

#[test]
fn bytes_behind_the_last_chunk_are_refused() {
    for (length, many) in [(0, 300), (10, 300), (CHUNK, CHUNK + TAG), (CHUNK + 10, 300)] {
        let sealed = SEALER.seal_bytes(&plain(length)).unwrap();
        for trailing in [1, TAG, many] {
            let error = error(&[sealed.clone(), vec![0; trailing]].concat());
            let is_expected = if length == CHUNK {
                matches!(error, SealedError::TrailingBytes)
            } else {
                matches!(error, SealedError::WrongPasswordOrDamaged { .. })
            };
            assert!(is_expected, "{length} + {trailing}: {error:?}");
        }
    }
}

#[test]
fn chunks_in_another_order_are_refused() {
    let sealed = SEALER.seal_bytes(&plain(3 * CHUNK)).unwrap();
    let (header, chunks) = sealed.split_at(header::LENGTH);
    let chunks: Vec<&[u8]> = chunks.chunks(CHUNK + TAG).collect();
    for (order, refused) in [([1, 0, 2], 0), ([0, 2, 1], 1)] {
        let [first, second, third] = order.map(|number| chunks[number]);
        let error = error(&[header, first, second, third].concat());
        assert!(
            matches!(error, SealedError::WrongPasswordOrDamaged { chunk } if chunk == refused),
            "{error:?}"
        );
    }
    error(&[header, chunks[0], chunks[2]].concat());
}

#[test]
fn two_files_of_a_sealer_share_only_the_salt() {
    let [first, second] = [0; 2].map(|_| SEALER.seal_bytes(&plain(64)).unwrap());
    assert_eq!(first[..36], second[..36]);
    for (at, (first, second)) in [(36..44), (44..55), (55..63)]
        .into_iter()
        .map(|range| (first[range.clone()].to_vec(), second[range].to_vec()))
        .enumerate()
    {
        assert_ne!(first, second, "{at}");
    }
    let mut opener = Opener::new(&password());
    open_with(&mut opener, &first).unwrap();
    open_with(&mut opener, &second).unwrap();
    assert_eq!(opener.keys.len(), 1);
}

#[test]
fn damage_in_the_last_chunk_leaves_the_old_file_in_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("photo.jpg");
    std::fs::write(&path, "old").unwrap();
    let mut sealed = SEALER.seal_bytes(&[7; 70_000]).unwrap();
    let mut opener = Opener::new(&password());

    let last = sealed.len() - 1;
    sealed[last] ^= 1;
    let error = opener.open_to_file(&sealed[..], &path).unwrap_err();
    assert!(matches!(
        error,
        OpenToFileError::Sealed(SealedError::WrongPasswordOrDamaged { chunk: 1 })
    ));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    opener.open_bytes(&sealed).expect_err("damage");

    sealed[last] ^= 1;
    assert_eq!(opener.open_to_file(&sealed[..], &path).unwrap(), 70_000);
    assert_eq!(std::fs::read(&path).unwrap(), [7; 70_000]);
}

#[test]
fn a_later_sealer_knows_files_of_its_password_and_has_a_salt_of_its_own() {
    let earlier = SEALER.seal_bytes(b"sample").unwrap();
    for (password, file, is_known) in [
        (password(), earlier.as_slice(), true),
        ("another password".into(), earlier.as_slice(), false),
        (password(), &flipped(&earlier, 60), false),
        (password(), b"", false),
    ] {
        let (later, is_same) = Sealer::new_after(&password, file).unwrap();
        assert_eq!(is_same, is_known);
        let sealed = later.seal_bytes(b"later").unwrap();
        assert_ne!(sealed[20..36], earlier[20..36]);
        let opened = Opener::new(&password).open_bytes(&sealed).unwrap();
        assert_eq!(opened, b"later");
    }
}
