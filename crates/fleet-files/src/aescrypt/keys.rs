//! The two keys of a file. The outer key is derived from the password; the inner key is random, encrypts the content,
//! and is stored encrypted ("wrapped") under the outer key.

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::error::AesCryptError;
use super::layout::WRAPPED;
use super::{BLOCK, blocks};

pub(super) type HmacSha256 = Hmac<Sha256>;

/// The number of times that the password is hashed.
const ROUNDS: usize = 8192;
/// The limit of pyAesCrypt, in characters.
const MAX_PASSWORD: usize = 1024;

/// The key that is derived from the password and the outer IV, wiped when it is dropped.
pub(super) struct OuterKey {
    key: Zeroizing<[u8; 32]>,
    iv: [u8; BLOCK],
}

impl OuterKey {
    /// Derives the key, which takes some milliseconds.
    pub(super) fn derive(password: &SecretString, iv: &[u8; BLOCK]) -> Result<Self, AesCryptError> {
        let password = password.expose_secret();
        if password.chars().count() > MAX_PASSWORD {
            return Err(AesCryptError::PasswordTooLong);
        }
        let mut utf16 = Zeroizing::new(Vec::with_capacity(2 * password.len()));
        for unit in password.encode_utf16() {
            utf16.extend(unit.to_le_bytes());
        }
        let mut key = Zeroizing::new([0; 32]);
        key[..BLOCK].copy_from_slice(iv);
        for _ in 0..ROUNDS {
            *key = Sha256::new()
                .chain_update(*key)
                .chain_update(&*utf16)
                .finalize()
                .into();
        }
        Ok(Self { key, iv: *iv })
    }

    pub(super) fn mac(&self, wrapped: &[u8; WRAPPED]) -> HmacSha256 {
        keyed(&self.key).chain_update(wrapped)
    }

    pub(super) fn wrap(&self, inner: &InnerKey) -> [u8; WRAPPED] {
        let mut wrapped = *inner.0;
        cbc::Encryptor::<Aes256>::new((&*self.key).into(), (&self.iv).into())
            .encrypt_blocks(blocks(&mut wrapped));
        wrapped
    }

    pub(super) fn unwrap(&self, wrapped: &[u8; WRAPPED]) -> InnerKey {
        let mut inner = InnerKey(Zeroizing::new(*wrapped));
        cbc::Decryptor::<Aes256>::new((&*self.key).into(), (&self.iv).into())
            .decrypt_blocks(blocks(inner.bytes_mut()));
        inner
    }
}

/// The IV and the key of the content, wiped when they are dropped.
pub(super) struct InnerKey(Zeroizing<[u8; WRAPPED]>);

impl InnerKey {
    /// Returns a key of zeros, to be filled with random bytes.
    pub(super) fn zero() -> Self {
        Self(Zeroizing::new([0; WRAPPED]))
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0[..]
    }

    pub(super) fn iv(&self) -> &[u8; BLOCK] {
        self.0.first_chunk().expect("48 bytes are more than 16")
    }

    pub(super) fn key(&self) -> &[u8; 32] {
        self.0.last_chunk().expect("48 bytes are more than 32")
    }

    pub(super) fn mac(&self) -> HmacSha256 {
        keyed(self.key())
    }
}

fn keyed(key: &[u8; 32]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes a key of any length")
}
