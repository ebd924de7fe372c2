//! The proof of the two-step password at login (<https://core.telegram.org/api/srp>).

use grammers_client::tl::{enums, types};
use grammers_crypto::two_factor_auth::{calculate_2fa, check_p_and_g};

/// Computes the proof for `auth.checkPassword` from the answer of `account.getPassword`. The password
/// itself is not sent.
///
/// Returns `None` if the account has no password, or if Telegram's parameters are unknown or unsafe.
#[must_use]
pub fn password_proof(
    parameters: types::account::Password,
    password: &str,
) -> Option<types::InputCheckPasswordSrp> {
    use enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow as Supported;
    let Supported(algorithm) = parameters.current_algo? else {
        return None;
    };
    let (server_share, srp_id) = (parameters.srp_b?, parameters.srp_id?);
    if !check_p_and_g(&algorithm.p, &algorithm.g) {
        return None;
    }
    let (m1, a) = calculate_2fa(
        &algorithm.salt1,
        &algorithm.salt2,
        &algorithm.p,
        &algorithm.g,
        server_share,
        parameters.secure_random,
        password,
    );
    Some(types::InputCheckPasswordSrp {
        srp_id,
        a: a.to_vec(),
        m1: m1.to_vec(),
    })
}
