//! The server's side of a key exchange, for one connection: core.telegram.org/mtproto/auth_key.
//!
//! This module computes answers and does no I/O. A step that does not fit is answered as Telegram does: with transport
//! error −404, `server_DH_params_fail` or `dh_gen_fail`. An exchange lives as long as its connection.

use grammers_crypto::aes::{ige_decrypt, ige_encrypt};
use grammers_crypto::generate_key_data_from_nonce;
use grammers_tl_types::{
    Cursor, Deserializable, Identifiable, Serializable, enums, functions, types,
};
use num_bigint::BigUint;
use sha1::{Digest, Sha1};

use crate::crypto::AuthKey;
use crate::diffie_hellman::{GENERATOR, pad, prime};
use crate::mtproto::constructor;
use crate::rsa_key::RsaKey;

/// The two primes whose product a client factors: the example of core.telegram.org/mtproto/samples-auth_key.
const P: u32 = 0x494C_553B;
const Q: u32 = 0x5391_1073;

/// A request of a key exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyExchangeStep {
    /// `req_pq_multi`, which also shows the server's clock.
    ReqPq,
    /// `req_DH_params`.
    ReqDhParams,
    /// `set_client_DH_params`.
    SetClientDhParams,
}

/// The fate of a request of a key exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExchangeFault {
    /// The answer names another nonce than the client's.
    WrongNonce,
    /// `dh_gen_retry`, which asks for other parameters. At earlier steps the answer is transport error −404.
    Retry,
    /// `server_DH_params_fail` or `dh_gen_fail`. At the first step the answer is transport error −404.
    Fail,
    /// The connection closes, and the request is not done.
    Cut,
    /// The request is done, and the connection closes without an answer.
    LoseReply,
    /// The connection stays open without an answer.
    Silence,
}

/// The state of the exchange on one connection.
#[derive(Default)]
pub(crate) enum KeyExchange {
    #[default]
    Idle,
    /// The product was sent.
    PqSent { nonces: Nonces },
    /// The parameters were sent.
    ParamsSent {
        nonces: Nonces,
        new_nonce: [u8; 32],
        secret: BigUint,
        /// The number by which the client's next attempt has to name the key of the last one; 0 for the first.
        retry_id: i64,
    },
}

/// The numbers by which client and server name the exchange.
#[derive(Clone, Copy)]
pub(crate) struct Nonces {
    client: [u8; 16],
    server: [u8; 16],
}

/// The answer to a request.
pub(crate) enum Answer {
    /// This body.
    Body(Vec<u8>),
    /// This body, and the key is valid from here on.
    Key(Vec<u8>, Box<AuthKey>),
    /// Transport error −404.
    Refused,
}

/// The facts of the server that an answer needs.
pub(crate) struct Server<'s> {
    pub(crate) rsa: &'s RsaKey,
    pub(crate) dc: i32,
    /// The server's clock, in seconds since 1970.
    pub(crate) now: i32,
    /// Reports whether the id of a new key is taken.
    pub(crate) is_taken: &'s dyn Fn(u64) -> bool,
}

/// Returns the step of a request, if it is one of a key exchange.
pub(crate) fn step(body: &[u8]) -> Option<KeyExchangeStep> {
    Some(match constructor(body)? {
        functions::ReqPqMulti::CONSTRUCTOR_ID => KeyExchangeStep::ReqPq,
        functions::ReqDhParams::CONSTRUCTOR_ID => KeyExchangeStep::ReqDhParams,
        functions::SetClientDhParams::CONSTRUCTOR_ID => KeyExchangeStep::SetClientDhParams,
        _ => return None,
    })
}

impl KeyExchange {
    /// Answers a request. A fault changes the answer; `Cut`, `LoseReply` and `Silence` are the caller's.
    pub(crate) fn handle(
        &mut self,
        body: &[u8],
        server: &Server<'_>,
        fault: Option<KeyExchangeFault>,
    ) -> Answer {
        let Some(rest) = body.get(4..) else {
            return Answer::Refused;
        };
        let answer = match step(body) {
            Some(KeyExchangeStep::ReqPq) => functions::ReqPqMulti::from_bytes(rest)
                .ok()
                .and_then(|request| self.pq(&request, server, fault)),
            Some(KeyExchangeStep::ReqDhParams) => functions::ReqDhParams::from_bytes(rest)
                .ok()
                .and_then(|request| self.params(&request, server, fault)),
            Some(KeyExchangeStep::SetClientDhParams) => {
                functions::SetClientDhParams::from_bytes(rest)
                    .ok()
                    .and_then(|request| self.finish(request, server, fault))
            }
            None => None,
        };
        answer.unwrap_or_else(|| {
            *self = Self::Idle;
            Answer::Refused
        })
    }

    fn pq(
        &mut self,
        request: &functions::ReqPqMulti,
        server: &Server<'_>,
        fault: Option<KeyExchangeFault>,
    ) -> Option<Answer> {
        if matches!(
            fault,
            Some(KeyExchangeFault::Retry | KeyExchangeFault::Fail)
        ) {
            return None;
        }
        let nonces = Nonces {
            client: request.nonce,
            server: random(),
        };
        *self = Self::PqSent { nonces };
        let answer = enums::ResPq::Pq(types::ResPq {
            nonce: nonces.answered(fault),
            server_nonce: nonces.server,
            pq: pq().to_be_bytes().to_vec(),
            server_public_key_fingerprints: vec![server.rsa.fingerprint()],
        });
        Some(Answer::Body(answer.to_bytes()))
    }

    fn params(
        &mut self,
        request: &functions::ReqDhParams,
        server: &Server<'_>,
        fault: Option<KeyExchangeFault>,
    ) -> Option<Answer> {
        let Self::PqSent { nonces } = *self else {
            return None;
        };
        let is_right = nonces.name(&request.nonce, &request.server_nonce)
            && number(&request.p) == Some(P.into())
            && number(&request.q) == Some(Q.into())
            && request.public_key_fingerprint == server.rsa.fingerprint();
        if !is_right || fault == Some(KeyExchangeFault::Retry) {
            return None;
        }
        let inner = server.rsa.decrypt(
            &request.encrypted_data,
            serialized_length::<enums::PQInnerData>,
        )?;
        let inner = InnerData::read(&inner)?;
        if fault == Some(KeyExchangeFault::Fail) || !inner.fits(&nonces, server.dc) {
            *self = Self::Idle;
            let failed = enums::ServerDhParams::Fail(types::ServerDhParamsFail {
                nonce: nonces.client,
                server_nonce: nonces.server,
                new_nonce_hash: low_hash(&[&inner.new_nonce]),
            });
            return Some(Answer::Body(failed.to_bytes()));
        }
        let secret = BigUint::from_bytes_be(&random::<256>());
        let data = enums::ServerDhInnerData::Data(types::ServerDhInnerData {
            nonce: nonces.client,
            server_nonce: nonces.server,
            g: GENERATOR.cast_signed(),
            dh_prime: pad(&prime()),
            g_a: pad(&BigUint::from(GENERATOR).modpow(&secret, &prime())),
            server_time: server.now,
        });
        let answer = enums::ServerDhParams::Ok(types::ServerDhParamsOk {
            nonce: nonces.answered(fault),
            server_nonce: nonces.server,
            encrypted_answer: seal(&data.to_bytes(), &nonces, &inner.new_nonce),
        });
        *self = Self::ParamsSent {
            nonces,
            new_nonce: inner.new_nonce,
            secret,
            retry_id: 0,
        };
        Some(Answer::Body(answer.to_bytes()))
    }

    fn finish(
        &mut self,
        request: functions::SetClientDhParams,
        server: &Server<'_>,
        fault: Option<KeyExchangeFault>,
    ) -> Option<Answer> {
        let Self::ParamsSent {
            nonces,
            new_nonce,
            secret,
            retry_id,
        } = self
        else {
            return None;
        };
        let (nonces, new_nonce) = (*nonces, *new_nonce);
        if !nonces.name(&request.nonce, &request.server_nonce) {
            return None;
        }
        let data = unseal(request.encrypted_data, &nonces, &new_nonce)?;
        let enums::ClientDhInnerData::Data(data) =
            enums::ClientDhInnerData::from_bytes(&data).ok()?;
        if !nonces.name(&data.nonce, &data.server_nonce) || data.retry_id != *retry_id {
            return None;
        }
        let g_b = BigUint::from_bytes_be(&data.g_b);
        let shared = pad(&g_b.modpow(secret, &prime()));
        let key = AuthKey::new(
            shared
                .try_into()
                .expect("a number below the prime has 256 bytes"),
        );
        let hash = |number: u8| low_hash(&[&new_nonce, &[number], &key.aux_hash().to_le_bytes()]);
        let nonce = nonces.answered(fault);
        let server_nonce = nonces.server;
        if fault == Some(KeyExchangeFault::Fail) || !is_safe(&g_b) {
            *self = Self::Idle;
            let failed = enums::SetClientDhParamsAnswer::DhGenFail(types::DhGenFail {
                nonce,
                server_nonce,
                new_nonce_hash3: hash(3),
            });
            return Some(Answer::Body(failed.to_bytes()));
        }
        if fault == Some(KeyExchangeFault::Retry) || (server.is_taken)(key.id()) {
            *retry_id = key.aux_hash();
            let retry = enums::SetClientDhParamsAnswer::DhGenRetry(types::DhGenRetry {
                nonce,
                server_nonce,
                new_nonce_hash2: hash(2),
            });
            return Some(Answer::Body(retry.to_bytes()));
        }
        *self = Self::Idle;
        let done = enums::SetClientDhParamsAnswer::DhGenOk(types::DhGenOk {
            nonce,
            server_nonce,
            new_nonce_hash1: hash(1),
        });
        Some(Answer::Key(done.to_bytes(), Box::new(key)))
    }
}

impl Nonces {
    /// Returns the nonce of an answer.
    fn answered(&self, fault: Option<KeyExchangeFault>) -> [u8; 16] {
        if fault == Some(KeyExchangeFault::WrongNonce) {
            self.client.map(|byte| !byte)
        } else {
            self.client
        }
    }

    /// Reports whether a request names this exchange.
    fn name(&self, client: &[u8; 16], server: &[u8; 16]) -> bool {
        self.client == *client && self.server == *server
    }
}

/// The fields of all forms of `p_q_inner_data`.
struct InnerData {
    pq: Vec<u8>,
    p: Vec<u8>,
    q: Vec<u8>,
    nonce: [u8; 16],
    server_nonce: [u8; 16],
    new_nonce: [u8; 32],
    dc: Option<i32>,
}

impl InnerData {
    /// Reads the two forms for permanent keys. Temporary keys are not simulated.
    fn read(bytes: &[u8]) -> Option<Self> {
        match enums::PQInnerData::from_bytes(bytes).ok()? {
            enums::PQInnerData::Data(data) => Some(Self {
                pq: data.pq,
                p: data.p,
                q: data.q,
                nonce: data.nonce,
                server_nonce: data.server_nonce,
                new_nonce: data.new_nonce,
                dc: None,
            }),
            enums::PQInnerData::Dc(data) => Some(Self {
                pq: data.pq,
                p: data.p,
                q: data.q,
                nonce: data.nonce,
                server_nonce: data.server_nonce,
                new_nonce: data.new_nonce,
                dc: Some(data.dc),
            }),
            _ => None,
        }
    }

    fn fits(&self, nonces: &Nonces, dc: i32) -> bool {
        nonces.name(&self.nonce, &self.server_nonce)
            && number(&self.pq) == Some(pq())
            && number(&self.p) == Some(P.into())
            && number(&self.q) == Some(Q.into())
            && self.dc.is_none_or(|named| named == dc)
    }
}

fn pq() -> u64 {
    u64::from(P) * u64::from(Q)
}

/// Reads a big-endian number without leading zeros, as TL has it in a string.
fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.len() > 8 || bytes.first().is_none_or(|first| *first == 0) {
        return None;
    }
    Some(
        bytes
            .iter()
            .fold(0, |number, byte| (number << 8) | u64::from(*byte)),
    )
}

/// Reports whether a client's half is far enough from 0 and from the prime.
fn is_safe(g_b: &BigUint) -> bool {
    let margin = BigUint::from(1_u8) << (2048 - 64);
    *g_b > margin && *g_b < prime() - margin
}

/// Returns the low 128 bits of the SHA-1 of all parts.
fn low_hash(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha1::new();
    for part in parts {
        hasher.update(part);
    }
    let hash: [u8; 20] = hasher.finalize().into();
    *hash.last_chunk().expect("20 bytes")
}

/// Returns how many bytes at the start of `bytes` are one value.
fn serialized_length<T: Deserializable>(bytes: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::from_slice(bytes);
    T::deserialize(&mut cursor).ok()?;
    Some(cursor.pos())
}

/// Encrypts the server's half under the nonces, with its hash in front.
fn seal(data: &[u8], nonces: &Nonces, new_nonce: &[u8; 32]) -> Vec<u8> {
    let mut text = Sha1::digest(data).to_vec();
    text.extend_from_slice(data);
    text.resize(text.len().next_multiple_of(16), 0x5a);
    let (key, iv) = generate_key_data_from_nonce(&nonces.server, new_nonce);
    ige_encrypt(&mut text, &key, &iv);
    text
}

/// Decrypts the client's half and checks its hash.
fn unseal(mut text: Vec<u8>, nonces: &Nonces, new_nonce: &[u8; 32]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(16) || text.len() < 32 {
        return None;
    }
    let (key, iv) = generate_key_data_from_nonce(&nonces.server, new_nonce);
    ige_decrypt(&mut text, &key, &iv);
    let mut data = text.split_off(20);
    data.truncate(serialized_length::<enums::ClientDhInnerData>(&data)?);
    (Sha1::digest(&data)[..] == text[..]).then_some(data)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes
}
