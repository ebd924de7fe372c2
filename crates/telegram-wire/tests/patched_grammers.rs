//! The changes to the copies of grammers' crates in `vendor/`.

use grammers_crypto::aes::{ige_decrypt, ige_encrypt};

#[test]
fn requests_are_not_compressed() {
    assert_eq!(grammers_mtproto::DEFAULT_COMPRESSION_THRESHOLD, None);
}

/// The ciphertext is that of Telethon 1.45, with cryptg and with OpenSSL.
#[test]
fn aes_ige_gives_the_bytes_of_other_implementations() {
    let key: [u8; 32] = std::array::from_fn(|index| index as u8);
    let iv: [u8; 32] = std::array::from_fn(|index| 32 + index as u8);
    let plain: Vec<u8> = (0..80_u32).map(|index| (7 * index + 3) as u8).collect();
    let mut buffer = plain.clone();
    ige_encrypt(&mut buffer, &key, &iv);
    let hex: String = buffer.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        concat!(
            "62dde7a435afbc7bc6b16a3b7de42d3eaeb02459b457bf8ea35b5a86e0fb4e5893593375f49ab3b9",
            "1e6e1cff638a85f9500b4eacc2a0f85ad429fa84c07271c24ca7f7d6aad0ac2cf52f6a3a59521af6"
        )
    );
    ige_decrypt(&mut buffer, &key, &iv);
    assert_eq!(buffer, plain);
}
