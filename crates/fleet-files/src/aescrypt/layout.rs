//! The parts of a file, and the head that this crate writes.

use hmac::Mac;
use secrecy::SecretString;

use super::error::AesCryptError;
use super::keys::{InnerKey, OuterKey};
use super::{BLOCK, MAC};

/// The first bytes of every AES Crypt file.
pub(crate) const MAGIC: &[u8] = b"AES";
const VERSION: u8 = 2;
/// Bytes of the wrapped inner IV and key.
pub(super) const WRAPPED: usize = BLOCK + 32;

/// The two extensions that pyAesCrypt 6.1.1 writes: the name of the program, and an empty container of 128 bytes.
/// Files of this crate look like any other of the fleet's.
const EXTENSIONS: [&[u8]; 2] = [b"CREATED_BY\0pyAesCrypt 6.1.1", &[0; 128]];

/// The parts of a file that matter for decryption.
pub(super) struct Layout<'a> {
    pub(super) outer_iv: &'a [u8; BLOCK],
    pub(super) wrapped: &'a [u8; WRAPPED],
    pub(super) wrapped_mac: &'a [u8; MAC],
    /// The ciphertext and its tail.
    pub(super) body: &'a [u8],
}

impl<'a> Layout<'a> {
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, AesCryptError> {
        let rest = file.strip_prefix(MAGIC).ok_or(AesCryptError::NotAesCrypt)?;
        let rest = match rest {
            [VERSION, _reserved, rest @ ..] => rest,
            [] | [VERSION] => return Err(AesCryptError::Truncated),
            &[version, ..] => return Err(AesCryptError::UnknownVersion(version)),
        };
        let rest = skip_extensions(rest).ok_or(AesCryptError::Truncated)?;
        let (outer_iv, rest) = rest.split_first_chunk().ok_or(AesCryptError::Truncated)?;
        let (wrapped, rest) = rest.split_first_chunk().ok_or(AesCryptError::Truncated)?;
        let (wrapped_mac, body) = rest.split_first_chunk().ok_or(AesCryptError::Truncated)?;
        Ok(Self {
            outer_iv,
            wrapped,
            wrapped_mac,
            body,
        })
    }
}

/// Returns the bytes behind the extensions, or `None` if the file ends before them. Each extension has a length of two
/// bytes in front; the length 0 ends them.
fn skip_extensions(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (length, behind) = rest.split_first_chunk()?;
        match u16::from_be_bytes(*length) {
            0 => return Some(behind),
            length => rest = behind.get(length.into()..)?,
        }
    }
}

/// Returns everything before the ciphertext of a new file.
pub(super) fn sealed_head(
    password: &SecretString,
    outer_iv: [u8; BLOCK],
    inner: &InnerKey,
) -> Result<Vec<u8>, AesCryptError> {
    let outer = OuterKey::derive(password, &outer_iv)?;
    let mut file = head();
    file.extend(outer_iv);
    let wrapped = outer.wrap(inner);
    file.extend(wrapped);
    file.extend(outer.mac(&wrapped).finalize().into_bytes());
    Ok(file)
}

/// Returns the head of a new file, up to the outer IV.
pub(super) fn head() -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend([VERSION, 0]);
    for extension in EXTENSIONS {
        head.extend((extension.len() as u16).to_be_bytes());
        head.extend(extension);
    }
    head.extend([0, 0]);
    head
}
