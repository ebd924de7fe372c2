//! The key of a file, and the nonce prefix that vouches for it.
//!
//! A prefix made here is 11 random bytes, then two words of 4 bytes, each the head of a SHA-256 that begins with a
//! purpose and the key: the first over the random bytes and the plaintext's length, the second over all before
//! it. Without the key they look random. With it, the second says "this is the key, and this prefix is intact",
//! the first "this is the length". They decide nothing: only the tags do. They word the error.

use aead_stream::{NewStream, StreamBE32};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::XChaCha20Poly1305;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};
use sha2::{Digest, Sha256};

use super::fault::SealedFault;
use super::header::Parameters;

const RANDOM: usize = 11;
const WORD: usize = 4;

/// A derived key; wiped when it goes.
pub(super) struct Key(SecretBox<[u8; 32]>);

impl Key {
    pub(super) fn derive(
        password: &SecretString,
        parameters: &Parameters,
    ) -> Result<Self, SealedFault> {
        let &Parameters {
            memory_kib,
            passes,
            lanes,
            salt,
        } = parameters;
        let mut key = SecretBox::new(Box::new([0; 32]));
        Params::new(memory_kib, passes, lanes, Some(32))
            .and_then(|params| {
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
                    password.expose_secret().as_bytes(),
                    &salt,
                    key.expose_secret_mut(),
                )
            })
            .map_err(|source| SealedFault::Derivation {
                memory_kib,
                passes,
                lanes,
                source,
            })?;
        Ok(Self(key))
    }

    /// The STREAM of the file that has this nonce prefix.
    pub(super) fn stream(&self, prefix: &[u8; 19]) -> StreamBE32<XChaCha20Poly1305> {
        StreamBE32::new(self.0.expose_secret().into(), prefix.into())
    }

    /// Makes the prefix for a file of this length.
    pub(super) fn prefix(&self, length: u64) -> Result<[u8; 19], SealedFault> {
        let mut prefix = [0; RANDOM + 2 * WORD];
        getrandom::fill(&mut prefix[..RANDOM])?;
        let length_word = self.length_word(&prefix, length);
        prefix[RANDOM..][..WORD].copy_from_slice(&length_word);
        let key_word = self.key_word(&prefix);
        prefix[RANDOM + WORD..].copy_from_slice(&key_word);
        Ok(prefix)
    }

    /// Whether the prefix was made by this key. A file of another writer says no.
    pub(super) fn made(&self, prefix: &[u8; 19]) -> bool {
        prefix[RANDOM + WORD..] == self.key_word(prefix)
    }

    /// Whether a prefix that [`made`](Self::made) accepts was made for this length.
    pub(super) fn made_for_length(&self, prefix: &[u8; 19], length: u64) -> bool {
        prefix[RANDOM..][..WORD] == self.length_word(prefix, length)
    }

    fn length_word(&self, prefix: &[u8; 19], length: u64) -> [u8; WORD] {
        self.word(b"SCP079 length", &prefix[..RANDOM], &length.to_le_bytes())
    }

    fn key_word(&self, prefix: &[u8; 19]) -> [u8; WORD] {
        self.word(b"SCP079 key", &prefix[..RANDOM + WORD], &[])
    }

    fn word(&self, purpose: &[u8], random: &[u8], more: &[u8]) -> [u8; WORD] {
        let digest = Sha256::new()
            .chain_update(purpose)
            .chain_update(self.0.expose_secret())
            .chain_update(random)
            .chain_update(more)
            .finalize();
        let mut word = [0; WORD];
        word.copy_from_slice(&digest[..WORD]);
        word
    }
}
