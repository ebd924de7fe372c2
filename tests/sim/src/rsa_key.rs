//! The RSA key of the server, under which a client sends the first secret of a key exchange.
//!
//! Both paddings of core.telegram.org/mtproto/auth_key are read: `RSA_PAD`, and the SHA-1 prefix that older clients
//! send.

use std::sync::OnceLock;

use grammers_crypto::aes::ige_decrypt;
use grammers_tl_types::Serializable;
use num_bigint::BigUint;
use rsa::PrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPublicKey, LineEnding};
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::UnwrapErr;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The size of the modulus that both paddings require, in bits.
const BITS: usize = 2048;

pub(crate) struct RsaKey {
    modulus: BigUint,
    exponent: BigUint,
    secret: BigUint,
    public_pem: String,
}

impl RsaKey {
    /// Returns the key of this process, and makes it first if nothing has needed it yet. All simulators of a process share
    /// it, because clients begin a key exchange at each start to read the server's clock.
    pub(crate) fn of_process() -> Result<&'static Self, String> {
        static KEY: OnceLock<Result<RsaKey, String>> = OnceLock::new();
        KEY.get_or_init(Self::generate)
            .as_ref()
            .map_err(Clone::clone)
    }

    fn generate() -> Result<Self, String> {
        let mut random = UnwrapErr(getrandom::SysRng);
        let key = PrivateKey::new(&mut random, BITS).map_err(|error| error.to_string())?;
        Self::new(&key)
    }

    /// Reads a private key in PEM, PKCS #1 or PKCS #8.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, String> {
        let key = PrivateKey::from_pkcs1_pem(pem)
            .or_else(|_| PrivateKey::from_pkcs8_pem(pem))
            .map_err(|error| format!("not a private RSA key in PEM: {error}"))?;
        Self::new(&key)
    }

    fn new(key: &PrivateKey) -> Result<Self, String> {
        if key.size() * 8 != BITS {
            return Err(format!(
                "the RSA key has {} bits instead of {BITS}",
                key.size() * 8
            ));
        }
        let public = key.to_public_key();
        Ok(Self {
            modulus: BigUint::from_bytes_be(&key.n_bytes()),
            exponent: BigUint::from_bytes_be(&key.e_bytes()),
            secret: BigUint::from_bytes_be(&key.d().to_be_bytes_trimmed_vartime()),
            public_pem: public
                .to_pkcs1_pem(LineEnding::LF)
                .map_err(|error| error.to_string())?,
        })
    }

    /// Returns the public key in PEM, PKCS #1.
    pub(crate) fn public_pem(&self) -> &str {
        &self.public_pem
    }

    /// Returns the modulus in decimal digits.
    pub(crate) fn modulus(&self) -> String {
        self.modulus.to_string()
    }

    /// Returns the number by which clients name the key: the low 64 bits of the SHA-1 of modulus and exponent.
    pub(crate) fn fingerprint(&self) -> i64 {
        let mut key = self.modulus.to_bytes_be().to_bytes();
        key.extend(self.exponent.to_bytes_be().to_bytes());
        let hash: [u8; 20] = Sha1::digest(key).into();
        i64::from_le_bytes(hash[12..].try_into().expect("20 - 12 bytes"))
    }

    /// Decrypts what a client encrypted under the public key, and removes the padding. `length` tells how many bytes of
    /// a padded text are the text itself; the text behind the SHA-1 prefix is recognised by it.
    ///
    /// Returns `None` if neither padding is right.
    pub(crate) fn decrypt(
        &self,
        encrypted: &[u8],
        length: impl Fn(&[u8]) -> Option<usize>,
    ) -> Option<Vec<u8>> {
        let number = BigUint::from_bytes_be(encrypted);
        if encrypted.len() != BITS / 8 || number >= self.modulus {
            return None;
        }
        let block = crate::diffie_hellman::pad(&number.modpow(&self.secret, &self.modulus));
        let mut text = unpad(&block).or_else(|| unpad_sha1(&block, &length))?;
        text.truncate(length(&text)?);
        Some(text)
    }
}

/// Undoes `RSA_PAD`: a key of 32 bytes that is hidden by the hash of the rest, and under it 192 reversed bytes with
/// their hash.
fn unpad(block: &[u8]) -> Option<Vec<u8>> {
    let (hidden, encrypted) = block.split_first_chunk::<32>()?;
    let mut key = *hidden;
    for (byte, hash) in key.iter_mut().zip(Sha256::digest(encrypted)) {
        *byte ^= hash;
    }
    let mut reversed = encrypted.to_vec();
    ige_decrypt(&mut reversed, &key, &[0; 32]);
    let hash = reversed.split_off(192);
    reversed.reverse();
    let expected = Sha256::new().chain_update(key).chain_update(&reversed);
    (expected.finalize()[..] == hash[..]).then_some(reversed)
}

/// Undoes the older padding: a zero byte, the SHA-1 of the text, the text and random bytes.
fn unpad_sha1(block: &[u8], length: impl Fn(&[u8]) -> Option<usize>) -> Option<Vec<u8>> {
    let (0, rest) = block.split_first()? else {
        return None;
    };
    let (hash, text) = rest.split_first_chunk::<20>()?;
    let expected = Sha1::digest(text.get(..length(text)?)?);
    (expected[..] == hash[..]).then(|| text.to_vec())
}
