//! The 55 bytes before the first chunk: read with every refusal that needs no key, and written.

use std::io::Read;

use super::fault::SealedFault;
use super::read_up_to;

/// How every sealed file begins.
pub(crate) const MAGIC: &[u8] = b"SCP079";
/// Bytes of the header, which are the associated data of every chunk.
pub(super) const LENGTH: usize = 55;

const VERSION: u8 = 1;
const ARGON2ID: u8 = 1;
const MOST_MEMORY_KIB: u32 = 1 << 20;
const MOST_PASSES: u32 = 16;

/// All that a key depends on, beside the password.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Parameters {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) salt: [u8; 16],
}

impl Parameters {
    /// What this program writes: 19 MiB, two passes, one lane (SPEC §7.1).
    pub(super) fn with_salt(salt: [u8; 16]) -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
            lanes: 1,
            salt,
        }
    }
}

/// A header that can be worked with, and its bytes as they stand in the file.
pub(super) struct Header {
    pub(super) parameters: Parameters,
    pub(super) prefix: [u8; 19],
    pub(super) bytes: [u8; LENGTH],
}

impl Header {
    pub(super) fn new(parameters: Parameters, prefix: [u8; 19]) -> Self {
        let mut bytes = [0; LENGTH];
        bytes[..6].copy_from_slice(MAGIC);
        bytes[6] = VERSION;
        bytes[7] = ARGON2ID;
        bytes[8..12].copy_from_slice(&parameters.memory_kib.to_le_bytes());
        bytes[12..16].copy_from_slice(&parameters.passes.to_le_bytes());
        bytes[16..20].copy_from_slice(&parameters.lanes.to_le_bytes());
        bytes[20..36].copy_from_slice(&parameters.salt);
        bytes[36..].copy_from_slice(&prefix);
        Self {
            parameters,
            prefix,
            bytes,
        }
    }

    pub(super) fn read(from: &mut impl Read) -> Result<Self, SealedFault> {
        let head = read_up_to(from, LENGTH)?;
        if !head.starts_with(MAGIC) {
            return Err(SealedFault::NotSealed);
        }
        match head.get(6..8) {
            Some(&[VERSION, ARGON2ID]) => {}
            Some(&[VERSION, derivation]) => {
                return Err(SealedFault::UnknownDerivation(derivation));
            }
            Some(&[version, _]) => return Err(SealedFault::UnknownVersion(version)),
            _ => return Err(SealedFault::Truncated),
        }
        let bytes: [u8; LENGTH] = head.try_into().map_err(|_| SealedFault::Truncated)?;
        let number = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let mut salt = [0; 16];
        salt.copy_from_slice(&bytes[20..36]);
        let mut prefix = [0; 19];
        prefix.copy_from_slice(&bytes[36..]);
        let parameters = Parameters {
            memory_kib: number(8),
            passes: number(12),
            lanes: number(16),
            salt,
        };
        if parameters.memory_kib > MOST_MEMORY_KIB || parameters.passes > MOST_PASSES {
            return Err(SealedFault::TooCostly {
                memory_kib: parameters.memory_kib,
                passes: parameters.passes,
            });
        }
        Ok(Self {
            parameters,
            prefix,
            bytes,
        })
    }
}
