//! Recognition of a file's format by its first bytes.

use crate::{aescrypt, sealed};

/// The encrypted formats in which the fleet exchanges files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// The format of [`sealed`].
    Sealed,
    /// AES Crypt, the envelope of the Python programs' files; see [`aescrypt`].
    AesCrypt,
}

impl FileFormat {
    /// Returns the format of the file that begins with `head`, if it is one of the two. Six bytes suffice.
    pub fn detect(head: &[u8]) -> Option<Self> {
        if head.starts_with(sealed::MAGIC) {
            Some(Self::Sealed)
        } else if head.starts_with(aescrypt::MAGIC) {
            Some(Self::AesCrypt)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_recognised_by_its_first_bytes() {
        for (head, expected) in [
            (&b"SCP079\x01\x01"[..], Some(FileFormat::Sealed)),
            (b"SCP079", Some(FileFormat::Sealed)),
            (b"AES\x02\x00", Some(FileFormat::AesCrypt)),
            (b"SCP07", None),
            (b"", None),
        ] {
            assert_eq!(FileFormat::detect(head), expected, "{head:?}");
        }
    }
}
