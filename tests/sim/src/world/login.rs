//! The account's way in: phone, code, two-step password.

use num_bigint::BigUint;

/// What logging in takes, and how far somebody got.
#[derive(Default)]
pub(crate) struct Login {
    pub(crate) phone: String,
    pub(crate) code: String,
    pub(crate) password: Option<Password>,
    /// Codes that were sent and are still good, by their hash; with the phone they were sent to.
    pub(crate) sent: Vec<(String, String)>,
    /// Whether codes that were sent count as expired.
    pub(crate) expired: bool,
    /// Keys that gave the right code and still owe the password.
    pub(crate) owing_password: Vec<u64>,
}

/// The two-step password as the server keeps it: never the password, only what checks it.
pub(crate) struct Password {
    pub(crate) salt1: Vec<u8>,
    pub(crate) salt2: Vec<u8>,
    /// g^x mod p
    pub(crate) verifier: BigUint,
    pub(crate) hint: String,
    /// The exchange under way: its id and the server's secret `b`.
    pub(crate) exchange: Option<(i64, BigUint)>,
}
