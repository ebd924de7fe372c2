//! The proof that somebody knows the two-step password, which never leaves this process (SRP).

use grammers_crypto::two_factor_auth::{calculate_2fa, check_p_and_g};
use grammers_tl_types::{enums, types};

/// Proves the knowledge of `password`; `None` if Telegram's parameters are missing or not safe to use.
#[must_use]
pub fn password_proof(
    asked: types::account::Password,
    password: &str,
) -> Option<types::InputCheckPasswordSrp> {
    use enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow as Known;
    let Known(p) = asked.current_algo? else {
        return None;
    };
    if !check_p_and_g(&p.p, &p.g) {
        return None;
    }
    let (m1, a) = calculate_2fa(
        &p.salt1,
        &p.salt2,
        &p.p,
        &p.g,
        asked.srp_b?,
        asked.secure_random,
        password,
    );
    Some(types::InputCheckPasswordSrp {
        srp_id: asked.srp_id?,
        a: a.to_vec(),
        m1: m1.to_vec(),
    })
}
