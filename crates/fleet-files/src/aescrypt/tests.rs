//! pyAesCrypt's files open, ours are frozen to the byte, and each fault is told.

use std::path::PathBuf;

use super::*;

fn password() -> SecretString {
    "correct horse 電池".into()
}

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/python");
    std::fs::read(path.join(name)).unwrap()
}

/// Seals as [`seal`] does, with an IV and a key that are always the same.
fn sealed(plain: &[u8]) -> Vec<u8> {
    let mut inner = InnerKey::zero();
    inner.bytes_mut().fill(0x5a);
    seal_under(plain, &password(), [7; BLOCK], &inner).unwrap()
}

fn fault(file: &[u8]) -> AesCryptFault {
    open(file, &password()).expect_err("a fault")
}

fn flipped(file: &[u8], at: usize, bit: u8) -> Vec<u8> {
    let mut file = file.to_vec();
    file[at] ^= 1 << bit;
    file
}

/// Where the ciphertext begins.
fn body_start(file: &[u8]) -> usize {
    file.len() - Header::parse(file).ok().unwrap().body.len()
}

#[test]
fn files_of_every_length_around_a_block_come_back() {
    for length in [0, 1, 15, 16, 17, 31, 32, 33, 100_000] {
        let plain: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let file = seal(&plain, &password()).unwrap();
        assert_eq!(file.len(), 262 + plain.len().next_multiple_of(16) + 33);
        assert_eq!(open(&file, &password()).unwrap(), plain);
    }
}

#[test]
fn two_files_with_the_same_content_share_nothing_behind_the_header() {
    let [first, second] = [0; 2].map(|_| seal(&[0; 64], &password()).unwrap());
    let header = header::written().len();
    assert_eq!(first[..header], second[..header]);
    for (first, second) in first[header..].chunks(16).zip(second[header..].chunks(16)) {
        assert!(first != second || first.len() < 16);
    }
}

#[test]
fn every_release_of_pyaescrypt_is_understood() {
    for release in ["0.4.3", "0.4.4", "5.0.0", "6.0.0", "6.1.0", "6.1.1"] {
        let file = fixture(&format!("releases/pyaescrypt_{release}.pickle.aes"));
        let plain = open(&file, &password()).unwrap();
        assert!(plain.starts_with(b"\x80\x04"), "{release}");
    }
}

#[test]
fn another_password_is_told() {
    let file = fixture("empty_set.pickle.aes");
    for password in ["", "correct horse", "correct horse 電池 "] {
        assert_eq!(
            open(&file, &password.into()),
            Err(AesCryptFault::WrongPassword)
        );
    }
    let long = "電".repeat(1025).into();
    assert_eq!(open(&file, &long), Err(AesCryptFault::PasswordTooLong));
    assert_eq!(seal(b"", &long), Err(AesCryptFault::PasswordTooLong));
    seal(b"", &"電".repeat(1024).into()).unwrap();
}

#[test]
fn each_bit_of_a_small_file_matters() {
    let content = b"\x80\x04\x8f\x94.";
    let file = sealed(content);
    let body = body_start(&file);
    let length_byte = file.len() - TAIL;
    for at in 0..file.len() {
        // The stretching makes each case behind the header cost milliseconds: one bit of a byte there, all where it
        // matters which.
        let all_bits = at < header::written().len() || at == length_byte;
        for bit in if all_bits { 0..8 } else { 3..4 } {
            let found = open(&flipped(&file, at, bit), &password());
            match (at, bit) {
                (0..3, _) => assert_eq!(found, Err(AesCryptFault::NotAesCrypt)),
                (3, _) => assert_eq!(found, Err(AesCryptFault::UnknownVersion(2 ^ (1 << bit)))),
                // `6.1.1` turns into `6.1.0`, which was a release too.
                (33, 0) => assert_eq!(found.unwrap(), content),
                (4..166, _) => assert_eq!(found, Err(AesCryptFault::UnknownHeader), "{at} {bit}"),
                _ if at < body => assert_eq!(found, Err(AesCryptFault::WrongPassword)),
                _ if at == length_byte => assert_eq!(found, Err(AesCryptFault::Damaged)),
                _ => assert!(
                    matches!(found, Err(AesCryptFault::Damaged)),
                    "{at}: {found:?}"
                ),
            }
        }
    }
}

#[test]
fn a_length_byte_that_became_0_leaves_the_padding_behind_the_content() {
    // Eight bytes in the last block: one flipped bit makes that 0.
    let mut file = sealed(b"12345678");
    let at = file.len() - TAIL;
    file[at] ^= 8;
    let plain = open(&file, &password()).unwrap();
    assert_eq!(plain, b"12345678\x08\x08\x08\x08\x08\x08\x08\x08");
}

#[test]
fn a_cut_anywhere_is_a_cut() {
    let file = sealed(&[1; 40]);
    let mut taken_for_damage = 0;
    for length in 3..file.len() {
        match fault(&file[..length]) {
            AesCryptFault::Truncated => {}
            AesCryptFault::Damaged => taken_for_damage += 1,
            other => panic!("{length}: {other:?}"),
        }
    }
    // Only cuts by whole blocks can be taken for damage, and only where a byte happens to be below 16.
    assert!(taken_for_damage <= 1, "{taken_for_damage}");
    for length in 0..3 {
        assert_eq!(fault(&file[..length]), AesCryptFault::NotAesCrypt);
    }
}

#[test]
fn bytes_behind_the_end_are_told() {
    for content in [0, 5, 16, 300] {
        let file = sealed(&vec![9; content]);
        for trailing in [1, 15, 16, 32, 33, 1000] {
            let longer = [file.clone(), vec![0; trailing]].concat();
            assert_eq!(
                fault(&longer),
                AesCryptFault::TrailingBytes,
                "{content} + {trailing}"
            );
        }
        let twice = [file.clone(), file].concat();
        assert_eq!(fault(&twice), AesCryptFault::TrailingBytes);
    }
}

#[test]
fn what_is_longer_than_memory_allows_is_refused_before_any_work() {
    let file = sealed(b"");
    let mut long = file[..body_start(&file)].to_vec();
    long.resize(long.len() + LARGEST + TAIL + 1, 0);
    assert_eq!(fault(&long), AesCryptFault::TooLong);
    assert_eq!(seal(&long, &password()), Err(AesCryptFault::TooLong));
}

/// Changes a file in a few places, as chance has it; the same chance in every run.
fn mutated(file: &[u8], random: &mut u64) -> Vec<u8> {
    let mut next = |below: usize| {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        (*random % below as u64) as usize
    };
    let mut file = file.to_vec();
    for _ in 0..=next(3) {
        let at = next(file.len());
        match next(4) {
            0 => file.truncate(at.max(1)),
            1 => file[at] = next(256) as u8,
            2 => file.insert(at, next(256) as u8),
            _ => file[at] ^= 1 << next(8),
        }
    }
    file
}

/// A mutation may hit nothing but the length byte, or change nothing.
fn assert_harmless(opened: Result<Vec<u8>, AesCryptFault>, whole: &[u8]) {
    if let Ok(plain) = opened {
        assert!(plain.starts_with(whole) && plain.len() - whole.len() < BLOCK);
    }
}

#[test]
fn mutated_files_are_refused() {
    let mut random = 0x9e37_79b9_7f4a_7c15;
    for name in ["empty_set", "bad_ids", "user_ids"] {
        let file = fixture(&format!("{name}.pickle.aes"));
        let whole = open(&file, &password()).unwrap();
        for _ in 0..400 {
            let file = mutated(&file, &mut random);
            assert_harmless(open(&file, &password()), &whole);
        }
        // The password is not stretched again for these: that takes nearly all the time.
        let header = Header::parse(&file).ok().unwrap();
        let inner = OuterKey::stretch(&password(), header.outer_iv)
            .unwrap()
            .unwrap(header.wrapped);
        for _ in 0..20_000 {
            let body = mutated(header.body, &mut random);
            assert_harmless(open_body(&body, &inner), &whole);
        }
    }
}

#[test]
fn the_files_that_python_was_shown_are_what_is_written() {
    // tests/interop/python_files.py opens these frozen files with pyAesCrypt.
    let mut seen = 0;
    let directory =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/python/ours");
    for entry in std::fs::read_dir(directory).unwrap() {
        let file = std::fs::read(entry.unwrap().path()).unwrap();
        assert_eq!(sealed(&open(&file, &password()).unwrap()), file);
        seen += 1;
    }
    assert_eq!(seen, 12);
}
