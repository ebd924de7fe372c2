//! The head of a file: all that stands before the ciphertext.
//!
//! Nothing authenticates its extensions, of which pyAesCrypt writes two: `CREATED_BY` with its own version, and an empty
//! container of 128 zeros. They are therefore compared with what its releases write, byte for byte, so that a
//! flipped bit is seen here too, unless it makes one release's version of another's (`6.1.1` and `6.1.0`).

use super::fault::AesCryptFault;
use super::{BLOCK, MAC};

/// The releases of pyAesCrypt since 2019, the last one first. A newer one has to be added here.
const RELEASES: [&str; 6] = ["6.1.1", "6.1.0", "6.0.0", "5.0.0", "0.4.4", "0.4.3"];
const CREATOR: &[u8] = b"CREATED_BY\0pyAesCrypt ";
const CONTAINER: usize = 128;
const MAGIC: &[u8] = b"AES";
const VERSION: u8 = 2;
/// Bytes of the wrapped inner IV and key.
pub(super) const WRAPPED: usize = BLOCK + 32;

/// The head of a file, and what follows it.
pub(super) struct Header<'a> {
    pub(super) outer_iv: &'a [u8; BLOCK],
    pub(super) wrapped: &'a [u8; WRAPPED],
    pub(super) wrapped_mac: &'a [u8; MAC],
    pub(super) body: &'a [u8],
}

impl<'a> Header<'a> {
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, AesCryptFault> {
        let versioned = file.strip_prefix(MAGIC).ok_or(AesCryptFault::NotAesCrypt)?;
        match versioned.first() {
            None => return Err(AesCryptFault::Truncated),
            Some(&VERSION) => {}
            Some(&version) => return Err(AesCryptFault::UnknownVersion(version)),
        }
        let known = RELEASES.map(head);
        let Some(rest) = known.iter().find_map(|head| file.strip_prefix(&head[..])) else {
            return Err(if known.iter().any(|head| head.starts_with(file)) {
                AesCryptFault::Truncated
            } else {
                AesCryptFault::UnknownHeader
            });
        };
        let (outer_iv, rest) = rest.split_first_chunk().ok_or(AesCryptFault::Truncated)?;
        let (wrapped, rest) = rest.split_first_chunk().ok_or(AesCryptFault::Truncated)?;
        let (wrapped_mac, body) = rest.split_first_chunk().ok_or(AesCryptFault::Truncated)?;
        Ok(Self {
            outer_iv,
            wrapped,
            wrapped_mac,
            body,
        })
    }
}

/// The head that this program writes: the last release's, so that its files look like any other of the fleet's.
pub(super) fn written() -> Vec<u8> {
    head(RELEASES[0])
}

fn head(release: &str) -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend([VERSION, 0]);
    let creator = [CREATOR, release.as_bytes()].concat();
    for extension in [&creator[..], &[0; CONTAINER]] {
        head.extend((extension.len() as u16).to_be_bytes());
        head.extend(extension);
    }
    head.extend([0, 0]);
    head
}
