//! The 55 bytes before the first chunk. Reading them makes every check that needs no key.

use std::io::Read;

use super::error::SealedError;
use super::read_up_to;

/// The first bytes of every sealed file.
pub(crate) const MAGIC: &[u8] = b"SCP079";
/// Bytes of the header.
pub(super) const LENGTH: usize = 55;

const VERSION: u8 = 1;
const KDF_ARGON2ID: u8 = 1;
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_PASSES: u32 = 16;

/// Everything that a key depends on, beside the password.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct KdfParameters {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) salt: [u8; 16],
}

impl KdfParameters {
    /// Returns the parameters of new files: 19 MiB, two passes, one lane.
    pub(super) fn with_salt(salt: [u8; 16]) -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
            lanes: 1,
            salt,
        }
    }
}

/// A header, parsed and as bytes.
pub(super) struct SealedHeader {
    pub(super) kdf: KdfParameters,
    pub(super) nonce_prefix: [u8; 19],
    pub(super) bytes: [u8; LENGTH],
}

impl SealedHeader {
    pub(super) fn new(kdf: KdfParameters, nonce_prefix: [u8; 19]) -> Self {
        let mut bytes = [0; LENGTH];
        bytes[..6].copy_from_slice(MAGIC);
        bytes[6] = VERSION;
        bytes[7] = KDF_ARGON2ID;
        bytes[8..12].copy_from_slice(&kdf.memory_kib.to_le_bytes());
        bytes[12..16].copy_from_slice(&kdf.passes.to_le_bytes());
        bytes[16..20].copy_from_slice(&kdf.lanes.to_le_bytes());
        bytes[20..36].copy_from_slice(&kdf.salt);
        bytes[36..].copy_from_slice(&nonce_prefix);
        Self {
            kdf,
            nonce_prefix,
            bytes,
        }
    }

    pub(super) fn read(from: &mut impl Read) -> Result<Self, SealedError> {
        let head = read_up_to(from, LENGTH)?;
        if !head.starts_with(MAGIC) {
            return Err(SealedError::NotSealed);
        }
        match head.get(6..8) {
            Some(&[VERSION, KDF_ARGON2ID]) => {}
            Some(&[VERSION, kdf]) => return Err(SealedError::UnknownKdf(kdf)),
            Some(&[version, _]) => return Err(SealedError::UnknownVersion(version)),
            _ => return Err(SealedError::Truncated),
        }
        let bytes: [u8; LENGTH] = head.try_into().map_err(|_| SealedError::Truncated)?;
        let number = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let mut salt = [0; 16];
        salt.copy_from_slice(&bytes[20..36]);
        let mut nonce_prefix = [0; 19];
        nonce_prefix.copy_from_slice(&bytes[36..]);
        let kdf = KdfParameters {
            memory_kib: number(8),
            passes: number(12),
            lanes: number(16),
            salt,
        };
        if kdf.memory_kib > MAX_MEMORY_KIB || kdf.passes > MAX_PASSES {
            return Err(SealedError::KdfTooCostly {
                memory_kib: kdf.memory_kib,
                passes: kdf.passes,
            });
        }
        Ok(Self {
            kdf,
            nonce_prefix,
            bytes,
        })
    }
}
