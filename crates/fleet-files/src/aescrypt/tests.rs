//! The files of pyAesCrypt open, written files are frozen to the byte, and each kind of damage gives its error.

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
    seal_with(plain, &password(), [7; BLOCK], &inner).unwrap()
}

fn error(file: &[u8]) -> AesCryptError {
    open(file, &password()).expect_err("an error")
}

fn flipped(file: &[u8], at: usize, bit: u8) -> Vec<u8> {
    let mut file = file.to_vec();
    file[at] ^= 1 << bit;
    file
}

/// Returns the position at which the ciphertext begins.
fn body_start(file: &[u8]) -> usize {
    file.len() - Layout::parse(file).ok().unwrap().body.len()
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
fn two_files_with_the_same_content_share_only_the_head() {
    let [first, second] = [0; 2].map(|_| seal(&[0; 64], &password()).unwrap());
    let head = layout::head().len();
    assert_eq!(first[..head], second[..head]);
    for (first, second) in first[head..].chunks(16).zip(second[head..].chunks(16)) {
        assert!(first != second || first.len() < 16);
    }
}

#[test]
fn files_of_every_release_of_pyaescrypt_open() {
    for release in ["0.4.3", "0.4.4", "5.0.0", "6.0.0", "6.1.0", "6.1.1"] {
        let file = fixture(&format!("releases/pyaescrypt_{release}.pickle.aes"));
        let plain = open(&file, &password()).unwrap();
        assert!(plain.starts_with(b"\x80\x04"), "{release}");
    }
}

#[test]
fn extensions_of_other_programs_are_skipped() {
    let file = sealed(b"content");
    let behind_head = &file[layout::head().len()..];
    for head in [
        &b"AES\x02\x00\x00\x00"[..],
        b"AES\x02\x00\x00\x04a\0bc\x00\x00",
        b"AES\x02\x00\x00\x1bCREATED_BY\0pyAesCrypt 7.0.0\x00\x00",
        &[&b"AES\x02\x00\xff\xff"[..], &[1; 0xffff], b"\x00\x00"].concat(),
    ] {
        let file = [head, behind_head].concat();
        assert_eq!(open(&file, &password()).unwrap(), b"content");
    }
}

#[test]
fn a_wrong_password_opens_no_file() {
    let file = fixture("empty_set.pickle.aes");
    for password in ["", "correct horse", "correct horse 電池 "] {
        assert_eq!(
            open(&file, &password.into()),
            Err(AesCryptError::WrongPasswordOrDamaged)
        );
    }
    let long = "電".repeat(1025).into();
    assert_eq!(open(&file, &long), Err(AesCryptError::PasswordTooLong));
    assert_eq!(seal(b"", &long), Err(AesCryptError::PasswordTooLong));
    seal(b"", &"電".repeat(1024).into()).unwrap();
}

#[test]
fn a_flipped_bit_outside_the_extensions_is_detected() {
    let content = b"\x80\x04\x8f\x94.";
    let file = sealed(content);
    let head = layout::head().len();
    let body = body_start(&file);
    let length_byte = file.len() - TAIL;
    for at in 0..file.len() {
        // The key derivation takes milliseconds: one bit of a byte is flipped, and all where their meanings differ.
        let all_bits = at < 7 || at == length_byte;
        for bit in if all_bits { 0..8 } else { 3..4 } {
            let opened = open(&flipped(&file, at, bit), &password());
            match at {
                0..3 => assert_eq!(opened, Err(AesCryptError::NotAesCrypt)),
                3 => assert_eq!(opened, Err(AesCryptError::UnknownVersion(2 ^ (1 << bit)))),
                // The reserved byte and the contents of the extensions.
                4 | 7..34 | 36..164 => assert_eq!(opened.unwrap(), content),
                // The lengths of the extensions.
                _ if at < head => assert!(
                    matches!(
                        opened,
                        Err(AesCryptError::Truncated | AesCryptError::WrongPasswordOrDamaged)
                    ),
                    "{at} {bit}: {opened:?}"
                ),
                _ if at < body => assert_eq!(opened, Err(AesCryptError::WrongPasswordOrDamaged)),
                _ => assert_eq!(opened, Err(AesCryptError::Damaged), "{at} {bit}"),
            }
        }
    }
}

#[test]
fn a_length_byte_that_became_0_leaves_the_padding_behind_the_content() {
    // The last block holds eight bytes of content: one flipped bit makes that 0.
    let mut file = sealed(b"12345678");
    let at = file.len() - TAIL;
    file[at] ^= 8;
    let plain = open(&file, &password()).unwrap();
    assert_eq!(plain, b"12345678\x08\x08\x08\x08\x08\x08\x08\x08");
}

#[test]
fn a_truncated_file_is_reported_as_truncated() {
    let file = sealed(&[1; 40]);
    let mut reported_as_damaged = 0;
    for length in 3..file.len() {
        match error(&file[..length]) {
            AesCryptError::Truncated => {}
            AesCryptError::Damaged => reported_as_damaged += 1,
            other => panic!("{length}: {other:?}"),
        }
    }
    // Only a cut by whole blocks can look like damage, and only if the byte before the HMAC happens to be below 16.
    assert!(reported_as_damaged <= 1, "{reported_as_damaged}");
    for length in 0..3 {
        assert_eq!(error(&file[..length]), AesCryptError::NotAesCrypt);
    }
}

#[test]
fn trailing_bytes_are_reported() {
    for content in [0, 5, 16, 300] {
        let file = sealed(&vec![9; content]);
        for trailing in [1, 15, 16, 32, 33, 1000] {
            let longer = [file.clone(), vec![0; trailing]].concat();
            assert_eq!(
                error(&longer),
                AesCryptError::TrailingBytes,
                "{content} + {trailing}"
            );
        }
        let twice = [file.clone(), file].concat();
        assert_eq!(error(&twice), AesCryptError::TrailingBytes);
    }
}

#[test]
fn a_file_that_is_too_long_is_refused_before_any_work() {
    let file = sealed(b"");
    let mut long = file[..body_start(&file)].to_vec();
    long.resize(long.len() + MAX_CONTENT + TAIL + 1, 0);
    assert_eq!(error(&long), AesCryptError::TooLong);
    assert_eq!(seal(&long, &password()), Err(AesCryptError::TooLong));
}

/// Changes a file in up to four places. The sequence of changes is the same in every run.
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

/// A mutated file may open only if the mutation did not change the content, apart from padding behind it.
fn assert_harmless(opened: Result<Vec<u8>, AesCryptError>, whole: &[u8]) {
    if let Ok(plain) = opened {
        assert!(plain.starts_with(whole) && plain.len() - whole.len() < BLOCK);
    }
}

#[test]
fn mutated_files_never_open_to_other_content() {
    let mut random = 0x9e37_79b9_7f4a_7c15;
    for name in ["empty_set", "bad_ids", "user_ids"] {
        let file = fixture(&format!("{name}.pickle.aes"));
        let whole = open(&file, &password()).unwrap();
        for _ in 0..400 {
            let file = mutated(&file, &mut random);
            assert_harmless(open(&file, &password()), &whole);
        }
        // The derivation, which takes nearly all the time, is not repeated for the bodies.
        let layout = Layout::parse(&file).ok().unwrap();
        let inner = OuterKey::derive(&password(), layout.outer_iv)
            .unwrap()
            .unwrap(layout.wrapped);
        for _ in 0..20_000 {
            let body = mutated(layout.body, &mut random);
            assert_harmless(open_body(&body, &inner), &whole);
        }
    }
}

#[test]
fn written_files_are_the_ones_that_python_opens() {
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

#[test]
fn streams_and_whole_files_open_each_other_at_every_length_around_a_buffer() {
    use std::io::{Read, Write};
    let password: SecretString = "stream".into();
    for length in [
        0, 1, 15, 16, 17, 65_519, 65_535, 65_536, 65_537, 131_072, 200_001,
    ] {
        let plain: Vec<u8> = (0..length).map(|number| (number % 251) as u8).collect();
        let mut file = Vec::new();
        let mut writer = EncryptingWriter::new(&mut file, &password).unwrap();
        for part in plain.chunks(7_001) {
            writer.write_all(part).unwrap();
        }
        writer.finish().unwrap();
        assert!(open(&file, &password).unwrap() == plain, "{length}");

        let whole = seal(&plain, &password).unwrap();
        assert_eq!(whole.len(), file.len());
        let mut back = Vec::new();
        let mut reader = DecryptingReader::new(&whole[..], &password).unwrap();
        reader.read_to_end(&mut back).unwrap();
        assert!(back == plain, "{length}");
        // The last byte of the HMAC.
        let mut damaged = whole;
        *damaged.last_mut().unwrap() ^= 1;
        let mut reader = DecryptingReader::new(&damaged[..], &password).unwrap();
        reader.read_to_end(&mut back).unwrap_err();
    }
}
