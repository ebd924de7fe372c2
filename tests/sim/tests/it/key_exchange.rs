//! Key exchanges, with a client that computes each request itself and can send wrong ones.

use grammers_crypto::{generate_key_data_from_nonce, rsa};
use grammers_tl_types::{Deserializable, Serializable, enums, functions, types};
use num_bigint::BigUint;
use sha1::{Digest, Sha1};
use telegram_sim::{
    HOME_DC, KeyExchangeFault as Fault, KeyExchangeStep as Step, OTHER_DC, Options, PublicKey,
    Simulator,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{TIMEOUT, simulator};

const P: [u8; 4] = 0x494C_553B_u32.to_be_bytes();
const Q: [u8; 4] = 0x5391_1073_u32.to_be_bytes();
const NONCE: [u8; 16] = [7; 16];
const NEW_NONCE: [u8; 32] = [9; 32];

/// A connection that sends unencrypted messages.
struct Plain {
    stream: TcpStream,
    sequence: i32,
}

/// An answer, or the transport error in its place. Zero stands for a closed connection.
type Answer = Result<Vec<u8>, i32>;

impl Plain {
    async fn connect(sim: &Simulator, dc: i32) -> Self {
        Self {
            stream: TcpStream::connect(sim.address(dc)).await.unwrap(),
            sequence: 0,
        }
    }

    async fn call<R: Serializable>(&mut self, request: &R) -> Answer {
        let body = request.to_bytes();
        let length = i32::try_from(body.len()).unwrap();
        let message = [
            &[0; 8],
            &4_i64.to_le_bytes()[..],
            &length.to_le_bytes(),
            &body,
        ]
        .concat();
        let length = i32::try_from(message.len() + 12).unwrap();
        let mut frame = [
            &length.to_le_bytes(),
            &self.sequence.to_le_bytes(),
            &message[..],
        ]
        .concat();
        frame.extend(crc32fast::hash(&frame).to_le_bytes());
        self.sequence += 1;
        self.stream.write_all(&frame).await.unwrap();
        tokio::time::timeout(TIMEOUT, self.read()).await.unwrap()
    }

    async fn read(&mut self) -> Answer {
        let Ok(length) = self.stream.read_i32_le().await else {
            return Err(0);
        };
        if length < 0 {
            return Err(length);
        }
        let mut rest = vec![0; usize::try_from(length).unwrap() - 4];
        self.stream.read_exact(&mut rest).await.unwrap();
        // Sequence, auth_key_id, msg_id and length come before the body, and the checksum after it.
        Ok(rest[4 + 20..rest.len() - 4].to_vec())
    }

    async fn pq(&mut self) -> Result<types::ResPq, i32> {
        let answer = self.call(&functions::ReqPqMulti { nonce: NONCE }).await?;
        let enums::ResPq::Pq(pq) = enums::ResPq::from_bytes(&answer).unwrap();
        Ok(pq)
    }

    /// Sends the request for parameters. The home data centre is named in the encrypted part if `dc` is true.
    async fn params(
        &mut self,
        request: functions::ReqDhParams,
    ) -> Result<enums::ServerDhParams, i32> {
        let answer = self.call(&request).await?;
        Ok(enums::ServerDhParams::from_bytes(&answer).unwrap())
    }

    /// Completes an exchange that has its parameters, and returns the last answer with the key.
    async fn finish(
        &mut self,
        params: types::ServerDhParamsOk,
        retry_id: i64,
    ) -> Result<(enums::SetClientDhParamsAnswer, [u8; 256]), i32> {
        let (key, iv) = generate_key_data_from_nonce(&params.server_nonce, &NEW_NONCE);
        let mut text = params.encrypted_answer;
        grammers_crypto::aes::ige_decrypt(&mut text, &key, &iv);
        let enums::ServerDhInnerData::Data(data) =
            enums::ServerDhInnerData::from_bytes(&text[20..]).unwrap();
        assert_eq!(
            (data.nonce, data.server_nonce),
            (NONCE, params.server_nonce)
        );
        let prime = BigUint::from_bytes_be(&data.dh_prime);
        let secret = BigUint::from_bytes_be(&[0x35; 256]);
        let g_b = BigUint::from(data.g.cast_unsigned()).modpow(&secret, &prime);
        let shared = BigUint::from_bytes_be(&data.g_a).modpow(&secret, &prime);
        let mut auth_key = [0; 256];
        let bytes = shared.to_bytes_be();
        auth_key[256 - bytes.len()..].copy_from_slice(&bytes);
        let inner = enums::ClientDhInnerData::Data(types::ClientDhInnerData {
            nonce: NONCE,
            server_nonce: params.server_nonce,
            retry_id,
            g_b: g_b.to_bytes_be(),
        })
        .to_bytes();
        let mut encrypted_data = [&Sha1::digest(&inner)[..], &inner].concat();
        encrypted_data.resize(encrypted_data.len().next_multiple_of(16), 0);
        grammers_crypto::aes::ige_encrypt(&mut encrypted_data, &key, &iv);
        let request = functions::SetClientDhParams {
            nonce: NONCE,
            server_nonce: params.server_nonce,
            encrypted_data,
        };
        let answer = self.call(&request).await?;
        let answer = enums::SetClientDhParamsAnswer::from_bytes(&answer).unwrap();
        Ok((answer, auth_key))
    }
}

/// Returns the right request for parameters.
fn request(key: &PublicKey, pq: &types::ResPq) -> functions::ReqDhParams {
    encrypted(key, pq, inner_data(pq))
}

fn inner_data(pq: &types::ResPq) -> enums::PQInnerData {
    enums::PQInnerData::Data(types::PQInnerData {
        pq: pq.pq.clone(),
        p: P.to_vec(),
        q: Q.to_vec(),
        nonce: NONCE,
        server_nonce: pq.server_nonce,
        new_nonce: NEW_NONCE,
    })
}

fn inner_data_for(dc: i32, pq: &types::ResPq) -> enums::PQInnerData {
    enums::PQInnerData::Dc(types::PQInnerDataDc {
        pq: pq.pq.clone(),
        p: P.to_vec(),
        q: Q.to_vec(),
        nonce: NONCE,
        server_nonce: pq.server_nonce,
        new_nonce: NEW_NONCE,
        dc,
    })
}

fn encrypted(
    key: &PublicKey,
    pq: &types::ResPq,
    inner: enums::PQInnerData,
) -> functions::ReqDhParams {
    let rsa = rsa::Key::new(&key.modulus, "65537").unwrap();
    functions::ReqDhParams {
        nonce: NONCE,
        server_nonce: pq.server_nonce,
        p: P.to_vec(),
        q: Q.to_vec(),
        public_key_fingerprint: key.fingerprint,
        encrypted_data: rsa::encrypt_hashed(&inner.to_bytes(), &rsa, &[3; 224]),
    }
}

/// Encrypts with the padding of older clients: a SHA-1 in front.
fn encrypted_sha1(key: &PublicKey, inner: &enums::PQInnerData) -> Vec<u8> {
    let inner = inner.to_bytes();
    let mut block = [&[0][..], &Sha1::digest(&inner)[..], &inner].concat();
    block.resize(256, 0x11);
    let modulus: BigUint = key.modulus.parse().unwrap();
    let number = BigUint::from_bytes_be(&block).modpow(&BigUint::from(65_537_u32), &modulus);
    let bytes = number.to_bytes_be();
    [vec![0; 256 - bytes.len()], bytes].concat()
}

fn ok(params: enums::ServerDhParams) -> types::ServerDhParamsOk {
    match params {
        enums::ServerDhParams::Ok(params) => params,
        enums::ServerDhParams::Fail(failed) => panic!("{failed:?}"),
    }
}

#[tokio::test]
async fn a_key_is_negotiated_with_both_paddings_and_in_both_data_centres() {
    let sim = simulator();
    let key = sim.public_key().unwrap();
    assert!(key.pem.starts_with("-----BEGIN RSA PUBLIC KEY-----"));
    for (dc, old_padding) in [(HOME_DC, false), (OTHER_DC, false), (OTHER_DC, true)] {
        let mut client = Plain::connect(&sim, dc).await;
        let pq = client.pq().await.unwrap();
        assert_eq!(pq.server_public_key_fingerprints, [key.fingerprint]);
        let inner = inner_data_for(dc, &pq);
        let mut request = encrypted(&key, &pq, inner.clone());
        if old_padding {
            request.encrypted_data = encrypted_sha1(&key, &inner);
        }
        let params = ok(client.params(request).await.unwrap());
        let (answer, auth_key) = client.finish(params, 0).await.unwrap();
        let enums::SetClientDhParamsAnswer::DhGenOk(done) = answer else {
            panic!("{answer:?}");
        };
        let hash = Sha1::digest(auth_key);
        let expected = Sha1::digest([&NEW_NONCE[..], &[1], &hash[..8]].concat());
        assert_eq!(done.new_nonce_hash1, expected[4..]);
    }
    assert_eq!(sim.read(|world| world.negotiated_keys(HOME_DC)), 1);
    assert_eq!(sim.read(|world| world.negotiated_keys(OTHER_DC)), 2);
    assert_eq!(sim.failures(), Vec::<String>::new());
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let sim = simulator();
    let key = sim.public_key().unwrap();
    let wrong: [fn(&mut functions::ReqDhParams); 6] = [
        |request| request.nonce = [1; 16],
        |request| request.server_nonce = [1; 16],
        |request| request.p = vec![3],
        |request| request.q.insert(0, 0),
        |request| request.public_key_fingerprint = 1,
        |request| request.encrypted_data[255] ^= 1,
    ];
    for spoil in wrong {
        let mut client = Plain::connect(&sim, HOME_DC).await;
        let pq = client.pq().await.unwrap();
        let mut request = request(&key, &pq);
        spoil(&mut request);
        assert_eq!(client.params(request).await.unwrap_err(), -404);
    }
    // The encrypted part names another data centre.
    let mut client = Plain::connect(&sim, HOME_DC).await;
    let pq = client.pq().await.unwrap();
    let foreign = encrypted(&key, &pq, inner_data_for(OTHER_DC, &pq));
    let enums::ServerDhParams::Fail(failed) = client.params(foreign).await.unwrap() else {
        panic!("parameters for another data centre");
    };
    assert_eq!(failed.new_nonce_hash, Sha1::digest(NEW_NONCE)[4..]);
    // A step without the one before it, and a message that is no request of a key exchange.
    let mut client = Plain::connect(&sim, HOME_DC).await;
    assert_eq!(client.params(request(&key, &pq)).await.unwrap_err(), -404);
    let mut client = Plain::connect(&sim, HOME_DC).await;
    let ping = functions::Ping { ping_id: 1 };
    assert_eq!(client.call(&ping).await.unwrap_err(), -404);
    assert_eq!(sim.read(|world| world.negotiated_keys(HOME_DC)), 0);
}

#[tokio::test]
async fn armed_faults_change_the_answers_and_end_with_their_number() {
    let sim = simulator();
    let key = sim.public_key().unwrap();
    sim.fault_key_exchange(Step::ReqPq, Fault::WrongNonce, 1);
    let mut client = Plain::connect(&sim, HOME_DC).await;
    assert_ne!(client.pq().await.unwrap().nonce, NONCE);

    sim.fault_key_exchange(Step::ReqPq, Fault::Cut, 1);
    let mut client = Plain::connect(&sim, HOME_DC).await;
    assert_eq!(client.pq().await.unwrap_err(), 0);

    sim.fault_key_exchange(Step::ReqDhParams, Fault::Fail, 1);
    let mut client = Plain::connect(&sim, HOME_DC).await;
    let pq = client.pq().await.unwrap();
    let failed = client.params(request(&key, &pq)).await.unwrap();
    assert!(
        matches!(failed, enums::ServerDhParams::Fail(_)),
        "{failed:?}"
    );

    sim.fault_key_exchange(Step::SetClientDhParams, Fault::Fail, 1);
    let mut client = Plain::connect(&sim, HOME_DC).await;
    let pq = client.pq().await.unwrap();
    let params = ok(client.params(request(&key, &pq)).await.unwrap());
    let (failed, _) = client.finish(params, 0).await.unwrap();
    assert!(
        matches!(failed, enums::SetClientDhParamsAnswer::DhGenFail(_)),
        "{failed:?}"
    );
    assert_eq!(sim.read(|world| world.negotiated_keys(HOME_DC)), 0);
}

#[tokio::test]
async fn a_retry_names_the_key_of_the_attempt_before() {
    let sim = simulator();
    let key = sim.public_key().unwrap();
    sim.fault_key_exchange(Step::SetClientDhParams, Fault::Retry, 1);
    for retries_right in [true, false] {
        let mut client = Plain::connect(&sim, HOME_DC).await;
        let pq = client.pq().await.unwrap();
        let params = ok(client.params(request(&key, &pq)).await.unwrap());
        let (answer, auth_key) = client.finish(params.clone(), 0).await.unwrap();
        if !retries_right {
            assert!(
                matches!(answer, enums::SetClientDhParamsAnswer::DhGenOk(_)),
                "{answer:?}"
            );
            continue;
        }
        assert!(
            matches!(answer, enums::SetClientDhParamsAnswer::DhGenRetry(_)),
            "{answer:?}"
        );
        let aux = i64::from_le_bytes(Sha1::digest(auth_key)[..8].try_into().unwrap());
        let (answer, _) = client.finish(params, aux).await.unwrap();
        assert!(
            matches!(answer, enums::SetClientDhParamsAnswer::DhGenOk(_)),
            "{answer:?}"
        );
    }
    assert_eq!(sim.read(|world| world.negotiated_keys(HOME_DC)), 2);
    assert_eq!(
        sim.read(|world| world.key_exchange_requests(HOME_DC, Step::SetClientDhParams)),
        3
    );
}

#[test]
fn a_given_key_is_used_and_another_file_is_refused() {
    let start = |pem: &str| {
        Simulator::start(Options {
            rsa_key: Some(pem.to_owned()),
            ..Options::default()
        })
    };
    let fingerprint = |sim: Simulator| sim.public_key().unwrap().fingerprint;
    let pem = include_str!("server_key.pem");
    assert_eq!(
        fingerprint(start(pem).unwrap()),
        fingerprint(start(pem).unwrap())
    );
    let error = start("-----BEGIN nothing").err().expect("no key");
    let error = error.to_string();
    assert!(error.contains("not a private RSA key"), "{error}");
}
