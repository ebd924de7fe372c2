//! The state of logins: phone number, codes, two-step password.

use num_bigint::BigUint;

/// The credentials that a login needs, and the logins in progress.
#[derive(Default)]
pub(crate) struct Login {
    pub(crate) phone: String,
    pub(crate) code: String,
    pub(crate) password: Option<Password>,
    /// The valid codes that were sent: their hash and the phone number.
    pub(crate) sent: Vec<(String, String)>,
    /// True if the codes sent so far have expired.
    pub(crate) expired: bool,
    /// The keys under which the right code was sent and the password is still missing.
    pub(crate) awaiting_password: Vec<u64>,
}

/// The two-step password as the server stores it: a verifier, not the password.
pub(crate) struct Password {
    pub(crate) salt1: Vec<u8>,
    pub(crate) salt2: Vec<u8>,
    /// g^x mod p
    pub(crate) verifier: BigUint,
    pub(crate) hint: String,
    /// The exchange in progress: its id and the server's secret `b`.
    pub(crate) exchange: Option<(i64, BigUint)>,
}
