//! The two-step password on the server's side: SRP-2048 as core.telegram.org/api/srp describes it.

use grammers_tl_types::{enums, types};
use hmac::Hmac;
use num_bigint::BigUint;
use sha2::{Digest, Sha256, Sha512};

use crate::diffie_hellman::{GENERATOR, pad, prime};
use crate::record::RpcError;
use crate::world::World;
use crate::world::login::Password;

impl Password {
    /// Computes the verifier of a password.
    pub(crate) fn new(password: &str, hint: &str, salt1: Vec<u8>, salt2: Vec<u8>) -> Self {
        let x = BigUint::from_bytes_be(&ph2(password.as_bytes(), &salt1, &salt2));
        Self {
            verifier: BigUint::from(GENERATOR).modpow(&x, &prime()),
            salt1,
            salt2,
            hint: hint.to_owned(),
            exchange: None,
        }
    }

    /// Begins an exchange and returns `g_b`.
    fn begin(&mut self, id: i64, secret: BigUint) -> Vec<u8> {
        let g_b = self.g_b(&secret);
        self.exchange = Some((id, secret));
        pad(&g_b)
    }

    /// g_b = (k * v + g^b) mod p
    fn g_b(&self, secret: &BigUint) -> BigUint {
        let p = prime();
        let k = BigUint::from_bytes_be(&h(&[&pad(&p), &pad(&BigUint::from(GENERATOR))]));
        (k * &self.verifier + BigUint::from(GENERATOR).modpow(secret, &p)) % p
    }

    /// Returns the `M1` that a client with the right password sends.
    fn proof(&self, secret: &BigUint, g_a: &BigUint) -> [u8; 32] {
        let p = prime();
        let g = pad(&BigUint::from(GENERATOR));
        let g_b = pad(&self.g_b(secret));
        let u = BigUint::from_bytes_be(&h(&[&pad(g_a), &g_b]));
        let shared = (g_a * self.verifier.modpow(&u, &p)).modpow(secret, &p);
        let k_b = h(&[&pad(&shared)]);
        let mut p_xor_g = h(&[&pad(&p)]);
        for (byte, other) in p_xor_g.iter_mut().zip(h(&[&g])) {
            *byte ^= other;
        }
        h(&[
            &p_xor_g,
            &h(&[&self.salt1]),
            &h(&[&self.salt2]),
            &pad(g_a),
            &g_b,
            &k_b,
        ])
    }

    fn algorithm(&self) -> enums::PasswordKdfAlgo {
        enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow(
            types::PasswordKdfAlgoSha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow {
                salt1: self.salt1.clone(),
                salt2: self.salt2.clone(),
                g: GENERATOR.cast_signed(),
                p: pad(&prime()),
            },
        )
    }
}

/// Returns the reply to `account.getPassword`, and begins an exchange if there is a password.
pub(super) fn state(world: &mut World) -> enums::account::Password {
    let srp_id = world.random();
    let secret: Vec<u8> = (0..32).flat_map(|_| world.random().to_le_bytes()).collect();
    let secret = BigUint::from_bytes_be(&secret);
    let password = world.login.password.as_mut();
    let current = password.map(|password| {
        let g_b = password.begin(srp_id, secret);
        (password.algorithm(), g_b, password.hint.clone())
    });
    enums::account::Password::Password(types::account::Password {
        has_recovery: false,
        has_secure_values: false,
        has_password: current.is_some(),
        srp_b: current.as_ref().map(|(_, g_b, _)| g_b.clone()),
        srp_id: current.as_ref().map(|_| srp_id),
        hint: current
            .as_ref()
            .map(|(_, _, hint)| hint.clone())
            .filter(|hint| !hint.is_empty()),
        current_algo: current.map(|(algorithm, _, _)| algorithm),
        email_unconfirmed_pattern: None,
        new_algo: enums::PasswordKdfAlgo::Unknown,
        new_secure_algo: enums::SecurePasswordKdfAlgo::Unknown,
        secure_random: vec![7; 32],
        pending_reset_date: None,
        login_email_pattern: None,
    })
}

/// Checks the proof in `auth.checkPassword`. Each exchange allows one attempt.
pub(super) fn check(
    world: &mut World,
    sent: &enums::InputCheckPasswordSrp,
) -> Result<(), RpcError> {
    let password = world
        .login
        .password
        .as_mut()
        .ok_or_else(|| RpcError::bad("PASSWORD_HASH_INVALID"))?;
    let enums::InputCheckPasswordSrp::Srp(sent) = sent else {
        return Err(RpcError::bad("PASSWORD_HASH_INVALID"));
    };
    let (_, secret) = password
        .exchange
        .take()
        .filter(|(id, _)| *id == sent.srp_id)
        .ok_or_else(|| RpcError::bad("SRP_ID_INVALID"))?;
    let g_a = BigUint::from_bytes_be(&sent.a);
    if g_a == BigUint::ZERO || g_a >= prime() {
        return Err(RpcError::bad("SRP_A_INVALID"));
    }
    if password.proof(&secret, &g_a).as_slice() == sent.m1 {
        Ok(())
    } else {
        Err(RpcError::bad("PASSWORD_HASH_INVALID"))
    }
}

fn h(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// SH(data, salt) := H(salt | data | salt)
fn sh(data: &[u8], salt: &[u8]) -> [u8; 32] {
    h(&[salt, data, salt])
}

/// PH2(password, salt1, salt2)
fn ph2(password: &[u8], salt1: &[u8], salt2: &[u8]) -> [u8; 32] {
    let ph1 = sh(&sh(password, salt1), salt2);
    let mut derived = [0; 64];
    pbkdf2::pbkdf2::<Hmac<Sha512>>(&ph1, salt1, 100_000, &mut derived)
        .expect("HMAC takes keys of any length");
    sh(&derived, salt2)
}
