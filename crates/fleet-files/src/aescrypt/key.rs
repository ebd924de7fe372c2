//! The two keys of a file: the outer one comes from the password, the inner one is random and wrapped by the outer.

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::fault::AesCryptFault;
use super::header::WRAPPED;
use super::{BLOCK, blocks};

/// The HMAC of the format.
pub(super) type Hmac256 = Hmac<Sha256>;

/// How often the password is hashed.
const ROUNDS: usize = 8192;
/// What pyAesCrypt counts as too long, in Python's characters.
const LONGEST_PASSWORD: usize = 1024;

/// The key that the password and the outer IV make; wiped when it goes.
pub(super) struct OuterKey {
    key: Zeroizing<[u8; 32]>,
    iv: [u8; BLOCK],
}

impl OuterKey {
    /// Hashes IV and password, some milliseconds long.
    pub(super) fn stretch(
        password: &SecretString,
        iv: &[u8; BLOCK],
    ) -> Result<Self, AesCryptFault> {
        let password = password.expose_secret();
        if password.chars().count() > LONGEST_PASSWORD {
            return Err(AesCryptFault::PasswordTooLong);
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

    pub(super) fn mac(&self, wrapped: &[u8; WRAPPED]) -> Hmac256 {
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

/// IV and key of the content; wiped when they go.
pub(super) struct InnerKey(Zeroizing<[u8; WRAPPED]>);

impl InnerKey {
    /// A place for random bytes.
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

    pub(super) fn mac(&self) -> Hmac256 {
        keyed(self.key())
    }
}

fn keyed(key: &[u8; 32]) -> Hmac256 {
    Hmac256::new_from_slice(key).expect("HMAC takes a key of any length")
}
