//! MTProto 2.0 encryption on the server's side.
//!
//! This module encrypts and decrypts packets under an authorization key and does not look at the messages inside. The
//! constant `x` of core.telegram.org/mtproto/description is 0 for packets of a client and 8 for those of the server.

use std::fmt;

use grammers_crypto::aes::{ige_decrypt, ige_encrypt};
use sha1::Sha1;
use sha2::{Digest, Sha256};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct AuthKey {
    data: [u8; 256],
    id: u64,
    aux_hash: i64,
}

/// The content of a packet.
pub(crate) struct DecryptedPacket {
    pub(crate) session_id: i64,
    /// `msg_id`, `seqno`, length and body, without the padding.
    pub(crate) message: Vec<u8>,
}

/// The error of a packet that cannot be decrypted.
pub(crate) enum PacketError {
    TooShort,
    WrongMsgKey,
    WrongLength,
    WrongPadding(usize),
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => {
                f.write_str("a packet is too short or not a multiple of the block size")
            }
            Self::WrongMsgKey => f.write_str("the msg_key of a packet does not match"),
            Self::WrongLength => f.write_str("the message length of a packet is invalid"),
            Self::WrongPadding(size) => write!(f, "a packet has {size} bytes of padding"),
        }
    }
}

impl AuthKey {
    pub(crate) fn new(data: [u8; 256]) -> Self {
        let hash: [u8; 20] = Sha1::digest(data).into();
        let id = u64::from_le_bytes(hash[12..].try_into().expect("20 - 12 bytes"));
        let aux_hash = i64::from_le_bytes(hash[..8].try_into().expect("8 of 20 bytes"));
        Self { data, id, aux_hash }
    }

    /// Returns the low 64 bits of the key's SHA-1, with which every packet begins.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Returns the high 64 bits of the key's SHA-1, which the answers of a key exchange name.
    pub(crate) fn aux_hash(&self) -> i64 {
        self.aux_hash
    }

    pub(crate) fn data(&self) -> &[u8; 256] {
        &self.data
    }

    /// Decrypts a packet of a client, including its `auth_key_id`.
    pub(crate) fn decrypt(&self, packet: &[u8]) -> Result<DecryptedPacket, PacketError> {
        if packet.len() < 24 + 32 || !(packet.len() - 24).is_multiple_of(16) {
            return Err(PacketError::TooShort);
        }
        let msg_key: [u8; 16] = packet[8..24].try_into().expect("16 bytes");
        let mut text = packet[24..].to_vec();
        let (key, iv) = self.derive(&msg_key, 0);
        ige_decrypt(&mut text, &key, &iv);
        if self.msg_key(&text, 0) != msg_key {
            return Err(PacketError::WrongMsgKey);
        }
        let session_id = i64::from_le_bytes(text[8..16].try_into().expect("8 bytes"));
        let length = i32::from_le_bytes(text[28..32].try_into().expect("4 bytes"));
        let end = usize::try_from(length)
            .ok()
            .filter(|length| length.is_multiple_of(4))
            .map(|length| 32 + length)
            .filter(|end| *end <= text.len())
            .ok_or(PacketError::WrongLength)?;
        let padding = text.len() - end;
        if !(12..=1024).contains(&padding) {
            return Err(PacketError::WrongPadding(padding));
        }
        text.truncate(end);
        text.drain(..16);
        Ok(DecryptedPacket {
            session_id,
            message: text,
        })
    }

    /// Encrypts `message` (`msg_id`, `seqno`, length, body) for a client.
    pub(crate) fn encrypt(&self, salt: i64, session_id: i64, message: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(message.len() + 64);
        text.extend_from_slice(&salt.to_le_bytes());
        text.extend_from_slice(&session_id.to_le_bytes());
        text.extend_from_slice(message);
        // The padding has 12 to 27 bytes, so that the whole is a multiple of 16.
        let padding = 12 + (16 - (text.len() + 12) % 16) % 16;
        text.resize(text.len() + padding, 0x5a);
        let msg_key = self.msg_key(&text, 8);
        let (key, iv) = self.derive(&msg_key, 8);
        ige_encrypt(&mut text, &key, &iv);
        let mut packet = Vec::with_capacity(text.len() + 24);
        packet.extend_from_slice(&self.id.to_le_bytes());
        packet.extend_from_slice(&msg_key);
        packet.extend_from_slice(&text);
        packet
    }

    fn msg_key(&self, text: &[u8], x: usize) -> [u8; 16] {
        let mut hasher = Sha256::new();
        hasher.update(&self.data[88 + x..88 + x + 32]);
        hasher.update(text);
        let large: [u8; 32] = hasher.finalize().into();
        large[8..24].try_into().expect("16 bytes")
    }

    fn derive(&self, msg_key: &[u8; 16], x: usize) -> ([u8; 32], [u8; 32]) {
        let mut hasher = Sha256::new();
        hasher.update(msg_key);
        hasher.update(&self.data[x..x + 36]);
        let a: [u8; 32] = hasher.finalize().into();
        let mut hasher = Sha256::new();
        hasher.update(&self.data[40 + x..40 + x + 36]);
        hasher.update(msg_key);
        let b: [u8; 32] = hasher.finalize().into();
        let mut key = [0; 32];
        key[..8].copy_from_slice(&a[..8]);
        key[8..24].copy_from_slice(&b[8..24]);
        key[24..].copy_from_slice(&a[24..]);
        let mut iv = [0; 32];
        iv[..8].copy_from_slice(&b[..8]);
        iv[8..24].copy_from_slice(&a[8..24]);
        iv[24..].copy_from_slice(&b[24..]);
        (key, iv)
    }
}
