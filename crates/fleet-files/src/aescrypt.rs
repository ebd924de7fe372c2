//! AES Crypt, format 2, as pyAesCrypt writes it: the envelope of the Python programs' files.
//!
//! [`seal`] and [`open`] work on whole files in memory, and [`open`] returns nothing that was not authenticated to its
//! end. [`EncryptingWriter`] and [`DecryptingReader`] work on streams. The module keeps no key.
//!
//! Layout: `AES` · version 2 · a reserved byte · extensions · IV 16 · the inner IV and key, encrypted, 48 · their HMAC
//! 32 · ciphertext (AES-256-CBC) · plaintext length modulo 16 · HMAC of the ciphertext 32. See
//! <https://www.aescrypt.com/aes_file_format.html>.
//!
//! The format authenticates neither the extensions, which are skipped, nor the length byte. [`open`] therefore
//! compares the padding with the length byte. One flipped bit remains undetected, the one that makes the length byte
//! 0: the content is then followed by its padding. A pickle with trailing bytes is refused by [`crate::pickle::read`].

mod error;
mod keys;
mod layout;
mod streams;

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::Mac;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

pub use self::error::AesCryptError;
use self::keys::{HmacSha256, InnerKey, OuterKey};
use self::layout::Layout;
pub(crate) use self::layout::MAGIC;
pub use self::streams::{DecryptingReader, EncryptingWriter};

/// The longest content that is sealed or opened, in bytes. All work is done in memory.
pub const MAX_CONTENT: usize = 256 << 20;
/// Bytes of an AES block and of an IV.
const BLOCK: usize = 16;
/// Bytes of an HMAC-SHA-256.
const MAC: usize = 32;
/// Bytes behind the ciphertext: the length modulo 16, and the HMAC.
const TAIL: usize = 1 + MAC;

/// Encrypts `plain` under the password, with a fresh IV and key. This takes about a millisecond, and more for long contents.
///
/// # Errors
/// [`AesCryptError::TooLong`], [`AesCryptError::PasswordTooLong`] or [`AesCryptError::Random`].
pub fn seal(plain: &[u8], password: &SecretString) -> Result<Vec<u8>, AesCryptError> {
    let mut outer_iv = [0; BLOCK];
    let mut inner = InnerKey::zero();
    getrandom::fill(&mut outer_iv)?;
    getrandom::fill(inner.bytes_mut())?;
    seal_with(plain, password, outer_iv, &inner)
}

fn seal_with(
    plain: &[u8],
    password: &SecretString,
    outer_iv: [u8; BLOCK],
    inner: &InnerKey,
) -> Result<Vec<u8>, AesCryptError> {
    if plain.len() > MAX_CONTENT {
        return Err(AesCryptError::TooLong);
    }
    let mut file = layout::sealed_head(password, outer_iv, inner)?;
    let start = file.len();
    let padding = plain.len().next_multiple_of(BLOCK) - plain.len();
    file.extend(plain);
    file.resize(file.len() + padding, padding as u8);
    let text = &mut file[start..];
    cbc::Encryptor::<Aes256>::new(inner.key().into(), inner.iv().into())
        .encrypt_blocks(blocks(text));
    let mac = inner.mac().chain_update(text).finalize().into_bytes();
    file.push((plain.len() % BLOCK) as u8);
    file.extend(mac);
    Ok(file)
}

/// Decrypts a file of AES Crypt's format 2, whichever program wrote it.
///
/// # Errors
/// See [`AesCryptError`]. No part of the content is returned then.
pub fn open(file: &[u8], password: &SecretString) -> Result<Vec<u8>, AesCryptError> {
    let Layout {
        outer_iv,
        wrapped,
        wrapped_mac,
        body,
    } = Layout::parse(file)?;
    if body.len() > MAX_CONTENT + TAIL {
        return Err(AesCryptError::TooLong);
    }
    let outer = OuterKey::derive(password, outer_iv)?;
    outer
        .mac(wrapped)
        .verify_slice(wrapped_mac)
        .map_err(|_| AesCryptError::WrongPasswordOrDamaged)?;
    open_body(body, &outer.unwrap(wrapped))
}

/// Decrypts the ciphertext and its tail.
fn open_body(body: &[u8], inner: &InnerKey) -> Result<Vec<u8>, AesCryptError> {
    let text_length = body
        .len()
        .checked_sub(TAIL)
        .ok_or(AesCryptError::Truncated)?;
    let (text, tail) = body.split_at(text_length);
    let is_authentic = text_length.is_multiple_of(BLOCK)
        && inner
            .mac()
            .chain_update(text)
            .verify_slice(&tail[1..])
            .is_ok();
    if !is_authentic {
        return Err(diagnose(body, inner.mac()));
    }
    let mut plain = Zeroizing::new(text.to_vec());
    cbc::Decryptor::<Aes256>::new(inner.key().into(), inner.iv().into())
        .decrypt_blocks(blocks(&mut plain));
    let length = content_length(&plain, tail[0]).ok_or(AesCryptError::Damaged)?;
    plain.truncate(length);
    Ok(std::mem::take(&mut *plain))
}

/// Returns the length of the content in the decrypted blocks, or `None` if the padding contradicts the length byte.
fn content_length(plain: &[u8], length_byte: u8) -> Option<usize> {
    let padding = match length_byte {
        0 => 0,
        1..=15 => BLOCK - usize::from(length_byte),
        _ => return None,
    };
    let length = plain.len().checked_sub(padding)?;
    plain[length..]
        .iter()
        .all(|&byte| usize::from(byte) == padding)
        .then_some(length)
}

/// Finds out why a body is not authentic. Uses only HMACs and lengths.
fn diagnose(body: &[u8], mut mac: HmacSha256) -> AesCryptError {
    // A file with trailing bytes is authentic up to the end of one of its blocks.
    for (number, block) in body.chunks_exact(BLOCK).enumerate() {
        let rest = &body[number * BLOCK..];
        if rest.len() <= TAIL {
            break;
        }
        // Only one in sixteen bytes can be a length byte, which saves most of the work.
        if rest[0] < BLOCK as u8 && mac.clone().verify_slice(&rest[1..TAIL]).is_ok() {
            return AesCryptError::TrailingBytes;
        }
        mac.update(block);
    }
    let text_length = body.len() - TAIL;
    if !text_length.is_multiple_of(BLOCK) || body[text_length] >= BLOCK as u8 {
        AesCryptError::Truncated
    } else {
        AesCryptError::Damaged
    }
}

/// Returns the bytes as AES blocks. Their number has to be a multiple of 16.
fn blocks(bytes: &mut [u8]) -> &mut [aes::Block] {
    aes::Block::slice_as_chunks_mut(bytes).0
}

#[cfg(test)]
mod tests;
