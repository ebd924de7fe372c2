//! The key that Argon2id derives from a password.

use aead_stream::{NewStream, StreamBE32};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::XChaCha20Poly1305;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};

use super::error::SealedError;
use super::header::KdfParameters;

/// A derived key, wiped when it is dropped.
pub(super) struct DerivedKey(SecretBox<[u8; 32]>);

impl DerivedKey {
    pub(super) fn derive(
        password: &SecretString,
        parameters: &KdfParameters,
    ) -> Result<Self, SealedError> {
        Self::derive_in(&mut Vec::new(), password, parameters)
    }

    /// Derives a key in `memory`, which grows as needed.
    pub(super) fn derive_in(
        memory: &mut Vec<Block>,
        password: &SecretString,
        parameters: &KdfParameters,
    ) -> Result<Self, SealedError> {
        let &KdfParameters {
            memory_kib,
            passes,
            lanes,
            salt,
        } = parameters;
        let mut key = SecretBox::new(Box::new([0; 32]));
        Params::new(memory_kib, passes, lanes, Some(32))
            .and_then(|params| {
                let blocks = params.block_count();
                let missing = blocks.saturating_sub(memory.len());
                memory
                    .try_reserve_exact(missing)
                    .map_err(|_| argon2::Error::OutOfMemory)?;
                memory.resize(memory.len() + missing, Block::new());
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                    .hash_password_into_with_memory(
                        password.expose_secret().as_bytes(),
                        &salt,
                        key.expose_secret_mut(),
                        &mut memory[..blocks],
                    )
            })
            .map_err(|source| SealedError::Kdf {
                memory_kib,
                passes,
                lanes,
                source,
            })?;
        Ok(Self(key))
    }

    /// Returns the cipher for the chunks of the file that has this nonce prefix.
    pub(super) fn stream(&self, nonce_prefix: &[u8; 19]) -> StreamBE32<XChaCha20Poly1305> {
        StreamBE32::new(self.0.expose_secret().into(), nonce_prefix.into())
    }
}
