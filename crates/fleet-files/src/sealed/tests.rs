//! The frozen files open, each corrupt one gives its fault, and every border of the chunks holds.

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::*;

static SEALER: LazyLock<Sealer> = LazyLock::new(|| Sealer::new(&password()).unwrap());

fn password() -> SecretString {
    "correct horse 電池".into()
}

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    std::fs::read(path.join(name)).unwrap()
}

fn opened_with(opener: &mut Opener, sealed: &[u8]) -> Result<Vec<u8>, SealedFault> {
    let mut plain = Vec::new();
    let length = opener.open(sealed, &mut plain)?;
    assert_eq!(length, plain.len() as u64);
    Ok(plain)
}

/// One opener for all that [`SEALER`] sealed, so that a case does not pay for a derivation.
static OPENER: LazyLock<Mutex<Opener>> = LazyLock::new(|| Mutex::new(Opener::new(&password())));

fn opened(sealed: &[u8]) -> Result<Vec<u8>, SealedFault> {
    let mut opener = OPENER.lock().unwrap_or_else(PoisonError::into_inner);
    opened_with(&mut opener, sealed)
}

fn fault(sealed: &[u8]) -> SealedFault {
    opened(sealed).expect_err("a fault")
}

/// Bytes in which no two stretches are alike.
fn plain(length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

/// A file as another writer makes it: its nonce prefix vouches for nothing.
fn sealed_elsewhere(plain: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::new();
    SEALER.seal_under([7; 19], plain, &mut sealed).unwrap();
    sealed
}

fn flipped(sealed: &[u8], at: usize) -> Vec<u8> {
    let mut sealed = sealed.to_vec();
    sealed[at] ^= 1;
    sealed
}

#[test]
fn frozen_files_open() {
    let mut opener = Opener::new(&password());
    for (name, plain) in [
        ("empty", Vec::new()),
        ("hello", "Hello, 電池!\n".into()),
        ("foreign", "Hello, 電池!\n".into()),
        ("avatar", fixture("avatar.jpg")),
    ] {
        let sealed = fixture(&format!("sealed/{name}.sealed"));
        assert_eq!(opened_with(&mut opener, &sealed).unwrap(), plain, "{name}");
    }
}

#[test]
fn each_corrupt_file_gives_its_own_fault() {
    let mut opener = Opener::new(&password());
    for (name, expected) in [
        ("magic_wrong", "NotSealed"),
        ("version_unknown", "UnknownVersion(2)"),
        ("derivation_unknown", "UnknownDerivation(2)"),
        ("memory_over_1_gib", "TooCostly { memory_kib: 1048577"),
        (
            "passes_over_16",
            "TooCostly { memory_kib: 19456, passes: 17",
        ),
        ("memory_too_little", "Derivation { memory_kib: 7"),
        ("passes_none", "Derivation { memory_kib: 19456, passes: 0"),
        (
            "lanes_none",
            "Derivation { memory_kib: 19456, passes: 2, lanes: 0",
        ),
        (
            "lanes_too_many",
            "Derivation { memory_kib: 19456, passes: 2, lanes: 2433",
        ),
        ("salt_flipped", "WrongPassword"),
        ("prefix_flipped", "WrongPassword"),
        ("cut_in_magic", "NotSealed"),
        ("cut_in_version", "Truncated"),
        ("cut_in_header", "Truncated"),
        ("cut_after_header", "Truncated"),
        ("cut_in_chunk", "Truncated"),
        ("cut_in_tag", "Truncated"),
        ("chunk_flipped", "Damaged { position: 0 }"),
        ("tag_flipped", "Damaged { position: 0 }"),
        ("trailing_byte", "TrailingBytes"),
        ("joined_twice", "TrailingBytes"),
        ("foreign_chunk_flipped", "WrongPassword"),
        ("foreign_trailing_byte", "TrailingBytes"),
    ] {
        let sealed = fixture(&format!("sealed/{name}.sealed"));
        let mut plain = Vec::new();
        let fault = opener.open(&sealed[..], &mut plain).expect_err(name);
        let fault = format!("{fault:?}");
        assert!(fault.starts_with(expected), "{name}: {fault}");
        assert!(plain.is_empty(), "{name}: plaintext came out");
    }
}

#[test]
fn another_password_is_told_from_a_damaged_file() {
    for name in ["empty", "hello", "avatar", "foreign"] {
        let sealed = fixture(&format!("sealed/{name}.sealed"));
        let fault = opened_with(&mut Opener::new(&"correct horse".into()), &sealed).unwrap_err();
        assert!(
            matches!(fault, SealedFault::WrongPassword),
            "{name}: {fault:?}"
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
        assert_eq!(opened(&sealed).unwrap(), plain);
        assert_eq!(opened(&sealed_elsewhere(&plain)).unwrap(), plain);
    }
}

#[test]
fn a_cut_at_any_byte_of_a_small_file_is_a_cut() {
    let sealed = SEALER.seal_bytes(&plain(100)).unwrap();
    for length in header::MAGIC.len()..sealed.len() {
        let fault = fault(&sealed[..length]);
        assert!(
            matches!(fault, SealedFault::Truncated),
            "{length}: {fault:?}"
        );
    }
}

#[test]
fn a_flipped_bit_anywhere_behind_the_header_is_damage() {
    let sealed = SEALER.seal_bytes(&plain(100)).unwrap();
    for at in header::LENGTH..sealed.len() {
        let fault = fault(&flipped(&sealed, at));
        assert!(
            matches!(fault, SealedFault::Damaged { position: 0 }),
            "{at}: {fault:?}"
        );
    }
    for at in 0..header::LENGTH {
        opened(&flipped(&sealed, at)).expect_err("a header that was changed");
    }
}

#[test]
fn cuts_at_and_around_the_border_of_a_chunk_are_cuts() {
    let border = header::LENGTH + CHUNK + TAG;
    let plain = plain(2 * CHUNK + 5);
    for sealed in [SEALER.seal_bytes(&plain).unwrap(), sealed_elsewhere(&plain)] {
        for length in [
            border,
            border + 1,
            border + TAG - 1,
            2 * border - header::LENGTH,
        ] {
            let fault = fault(&sealed[..length]);
            assert!(
                matches!(fault, SealedFault::Truncated),
                "{length}: {fault:?}"
            );
        }
    }
    // Within a chunk, only a header that vouches for the length can tell.
    let length = border + 1000;
    let ours = fault(&SEALER.seal_bytes(&plain).unwrap()[..length]);
    assert!(matches!(ours, SealedFault::Truncated), "{ours:?}");
    let elsewhere = fault(&sealed_elsewhere(&plain)[..length]);
    assert!(
        matches!(elsewhere, SealedFault::DamagedOrCut { position: 1 }),
        "{elsewhere:?}"
    );
}

#[test]
fn a_flipped_bit_names_its_chunk() {
    let plain = plain(2 * CHUNK + 5);
    for sealed in [SEALER.seal_bytes(&plain).unwrap(), sealed_elsewhere(&plain)] {
        for position in [0, 1] {
            let at = header::LENGTH + position * (CHUNK + TAG) + 500;
            let found = fault(&flipped(&sealed, at));
            assert!(
                matches!(found, SealedFault::Damaged { position: told } if told as usize == position),
                "{position}: {found:?}"
            );
        }
    }
}

#[test]
fn bytes_behind_the_last_chunk_are_refused() {
    for (length, many) in [(0, 300), (10, 300), (CHUNK, CHUNK + TAG), (CHUNK + 10, 300)] {
        let plain = plain(length);
        for sealed in [SEALER.seal_bytes(&plain).unwrap(), sealed_elsewhere(&plain)] {
            for trailing in [1, TAG, many] {
                let longer = [sealed.clone(), vec![0; trailing]].concat();
                let fault = fault(&longer);
                assert!(
                    matches!(fault, SealedFault::TrailingBytes),
                    "{length} + {trailing}: {fault:?}"
                );
            }
        }
    }
}

#[test]
fn chunks_in_another_order_are_refused() {
    let sealed = SEALER.seal_bytes(&plain(3 * CHUNK)).unwrap();
    let (header, chunks) = sealed.split_at(header::LENGTH);
    let chunks: Vec<&[u8]> = chunks.chunks(CHUNK + TAG).collect();
    let swapped = [header, chunks[1], chunks[0], chunks[2]].concat();
    assert!(matches!(
        fault(&swapped),
        SealedFault::Damaged { position: 0 }
    ));
    let dropped = [header, chunks[0], chunks[2]].concat();
    assert!(matches!(fault(&dropped), SealedFault::Truncated));
}

#[test]
fn two_files_of_a_process_share_a_salt_and_nothing_else() {
    let [first, second] = [0; 2].map(|_| SEALER.seal_bytes(&plain(64)).unwrap());
    assert_eq!(first[..36], second[..36]);
    assert_ne!(first[36..55], second[36..55]);
    assert_ne!(first[55..], second[55..]);
    let mut opener = Opener::new(&password());
    opened_with(&mut opener, &first).unwrap();
    opened_with(&mut opener, &second).unwrap();
    assert_eq!(opener.keys.len(), 1);
}

#[test]
fn a_length_that_was_not_announced_is_a_fault() {
    let fault = SEALER.seal(5, &b"four"[..], io::sink()).unwrap_err();
    assert!(matches!(
        fault,
        SealedFault::LengthDiffers { told: 5, found: 4 }
    ));
}
