//! The key that Argon2id derives from a password.

use aead_stream::{NewStream, StreamBE32};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::XChaCha20Poly1305;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};

use super::error::SealedError;
use super::header::KdfParameters;

/// The room, in blocks of 1 KiB, that is reserved for a derivation. glibc takes an allocation of more than 32 MiB always
/// from the system, and returns it when it is freed; from the second derivation on it would take a smaller one from its
/// heap, and keep it. Pages that are not touched take no memory.
const RESERVED_BLOCKS: usize = 33 * 1024;

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
                let blocks_or_more = blocks.max(memory.len());
                memory
                    .try_reserve_exact(blocks_or_more.max(RESERVED_BLOCKS) - memory.len())
                    .map_err(|_| argon2::Error::OutOfMemory)?;
                memory.resize(blocks_or_more, Block::new());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_derivation_is_large_enough_to_come_from_the_system() {
        let mut memory = Vec::new();
        let parameters = KdfParameters {
            memory_kib: 16,
            passes: 1,
            lanes: 1,
            salt: [0; 16],
        };
        DerivedKey::derive_in(&mut memory, &"password".into(), &parameters).expect("a key");
        assert_eq!(memory.len(), 16);
        assert!(memory.capacity() * size_of::<Block>() > 32 << 20);
    }
}
