//! AES Crypt, format 2, as pyAesCrypt writes and opens it: the envelope of the Python fleet's files (SPEC §7.2).
//!
//! Owns sealing and opening of whole buffers; what is handed out was authenticated to its end. Knows neither paths
//! nor contents, and keeps no key.
//!
//! Layout: `AES`, version 2, a zero · extensions · IV 16 · the inner IV and key, encrypted, 48 · their HMAC 32 ·
//! ciphertext (AES-256-CBC) · plaintext length modulo 16 · HMAC of the ciphertext 32. The format authenticates
//! neither the extensions nor the length byte. So the extensions must be those that pyAesCrypt writes (`header`), and
//! the padding must be the one that it writes. One flipped bit is left that shows here in no way: one that makes the
//! length byte 0. The content then ends with its padding; a pickle with bytes behind its end is refused.

mod fault;
mod header;
mod key;

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::Mac;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

pub use self::fault::AesCryptFault;
use self::header::Header;
use self::key::{Hmac256, InnerKey, OuterKey};

/// The longest content that is sealed or opened: the work is done in memory.
pub const LARGEST: usize = 256 << 20;
/// Bytes of AES's block, of an IV, and what the ciphertext is a multiple of.
const BLOCK: usize = 16;
/// Bytes of HMAC-SHA256.
const MAC: usize = 32;
/// What follows the ciphertext: the length modulo 16, and the HMAC.
const TAIL: usize = 1 + MAC;

/// Seals `plain` under the password, with an IV and a key of its own: about 5 ms, and more for long contents.
///
/// # Errors
/// [`AesCryptFault::TooLong`], [`AesCryptFault::PasswordTooLong`] or [`AesCryptFault::Random`].
pub fn seal(plain: &[u8], password: &SecretString) -> Result<Vec<u8>, AesCryptFault> {
    let mut outer_iv = [0; BLOCK];
    let mut inner = InnerKey::zero();
    getrandom::fill(&mut outer_iv)?;
    getrandom::fill(inner.bytes_mut())?;
    seal_under(plain, password, outer_iv, &inner)
}

fn seal_under(
    plain: &[u8],
    password: &SecretString,
    outer_iv: [u8; BLOCK],
    inner: &InnerKey,
) -> Result<Vec<u8>, AesCryptFault> {
    if plain.len() > LARGEST {
        return Err(AesCryptFault::TooLong);
    }
    let outer = OuterKey::stretch(password, &outer_iv)?;
    let mut file = header::written();
    file.extend(outer_iv);
    let wrapped = outer.wrap(inner);
    file.extend(wrapped);
    file.extend(outer.mac(&wrapped).finalize().into_bytes());

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

/// Opens a file that [`seal`] or pyAesCrypt made.
///
/// # Errors
/// [`AesCryptFault`] says what is wrong with the file or the password; nothing of the content comes out then.
pub fn open(file: &[u8], password: &SecretString) -> Result<Vec<u8>, AesCryptFault> {
    let Header {
        outer_iv,
        wrapped,
        wrapped_mac,
        body,
    } = Header::parse(file)?;
    if body.len() > LARGEST + TAIL {
        return Err(AesCryptFault::TooLong);
    }
    let outer = OuterKey::stretch(password, outer_iv)?;
    outer
        .mac(wrapped)
        .verify_slice(wrapped_mac)
        .map_err(|_| AesCryptFault::WrongPassword)?;
    open_body(body, &outer.unwrap(wrapped))
}

/// Opens what follows the header.
fn open_body(body: &[u8], inner: &InnerKey) -> Result<Vec<u8>, AesCryptFault> {
    let text_length = body
        .len()
        .checked_sub(TAIL)
        .ok_or(AesCryptFault::Truncated)?;
    let (text, tail) = body.split_at(text_length);
    let is_whole = text_length.is_multiple_of(BLOCK)
        && inner
            .mac()
            .chain_update(text)
            .verify_slice(&tail[1..])
            .is_ok();
    if !is_whole {
        return Err(diagnose(body, inner.mac()));
    }
    let mut plain = Zeroizing::new(text.to_vec());
    cbc::Decryptor::<Aes256>::new(inner.key().into(), inner.iv().into())
        .decrypt_blocks(blocks(&mut plain));
    let length = content_length(&plain, tail[0]).ok_or(AesCryptFault::Damaged)?;
    plain.truncate(length);
    Ok(std::mem::take(&mut *plain))
}

/// How much of what was decrypted is content; nothing if the padding is not what the length byte promises.
fn content_length(plain: &[u8], length_modulo: u8) -> Option<usize> {
    let padding = match length_modulo {
        0 => 0,
        1..=15 => BLOCK - usize::from(length_modulo),
        _ => return None,
    };
    let length = plain.len().checked_sub(padding)?;
    plain[length..]
        .iter()
        .all(|&byte| usize::from(byte) == padding)
        .then_some(length)
}

/// Says what is wrong with a body whose HMAC does not fit, from HMACs and lengths alone.
fn diagnose(body: &[u8], mut mac: Hmac256) -> AesCryptFault {
    // A file with something behind it is whole up to one of its blocks.
    for (position, block) in body.chunks_exact(BLOCK).enumerate() {
        let rest = &body[position * BLOCK..];
        if rest.len() <= TAIL {
            break;
        }
        // One length byte in sixteen is possible: that saves most of the work.
        if rest[0] < BLOCK as u8 && mac.clone().verify_slice(&rest[1..TAIL]).is_ok() {
            return AesCryptFault::TrailingBytes;
        }
        mac.update(block);
    }
    let text_length = body.len() - TAIL;
    if !text_length.is_multiple_of(BLOCK) || body[text_length] >= BLOCK as u8 {
        AesCryptFault::Truncated
    } else {
        AesCryptFault::Damaged
    }
}

/// The bytes as blocks; their number is a multiple of the block's size.
fn blocks(bytes: &mut [u8]) -> &mut [aes::Block] {
    aes::Block::slice_as_chunks_mut(bytes).0
}

#[cfg(test)]
mod tests;
