//! Logins by code, QR code and two-step password.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use grammers_crypto::two_factor_auth::{calculate_2fa, check_p_and_g};
use grammers_session::updates::UpdatesLike;
use grammers_tl_types::{enums, functions, types};

use telegram_sim::{CodeKind, HOME_DC, OTHER_DC, Simulator};

use crate::client::{Client, simulator};

async fn code(client: &Client, phone: &str) -> Result<String, String> {
    send_code(client, phone)
        .await
        .map(|sent| sent.phone_code_hash)
}

async fn send_code(client: &Client, phone: &str) -> Result<types::auth::SentCode, String> {
    let request = functions::auth::SendCode {
        phone_number: phone.to_owned(),
        api_id: 1,
        api_hash: "hash".to_owned(),
        settings: enums::CodeSettings::Settings(types::CodeSettings {
            allow_flashcall: false,
            current_number: false,
            allow_app_hash: false,
            allow_missed_call: false,
            allow_firebase: false,
            unknown_number: false,
            logout_tokens: None,
            token: None,
            app_sandbox: None,
        }),
    };
    match client.call(&request).await {
        Ok(enums::auth::SentCode::Code(sent)) => Ok(sent),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

fn sign_in(phone: &str, hash: &str, code: &str) -> functions::auth::SignIn {
    functions::auth::SignIn {
        phone_number: phone.to_owned(),
        phone_code_hash: hash.to_owned(),
        phone_code: Some(code.to_owned()),
        email_verification: None,
    }
}

async fn check_password(client: &Client, password: &str) -> String {
    let enums::account::Password::Password(state) = client
        .call(&functions::account::GetPassword {})
        .await
        .unwrap();
    let Some(enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow(algorithm)) =
        state.current_algo
    else {
        panic!("an algorithm");
    };
    assert!(check_p_and_g(&algorithm.p, &algorithm.g));
    let (m1, a) = calculate_2fa(
        &algorithm.salt1,
        &algorithm.salt2,
        &algorithm.p,
        &algorithm.g,
        state.srp_b.unwrap(),
        vec![77; 256],
        password,
    );
    let request = functions::auth::CheckPassword {
        password: enums::InputCheckPasswordSrp::Srp(types::InputCheckPasswordSrp {
            srp_id: state.srp_id.unwrap(),
            a: a.to_vec(),
            m1: m1.to_vec(),
        }),
    };
    client.refusal(&request).await
}

#[tokio::test]
async fn a_login_requires_the_right_code_and_the_right_password() {
    let sim = simulator();
    sim.set_login("+49 151 0000", "12345", Some("correct horse"));
    let client = Client::with_session(&sim, false);
    let state = functions::updates::GetState {};
    assert_eq!(client.refusal(&state).await, "AUTH_KEY_UNREGISTERED");
    for phone in [
        "+1000",
        "",
        "+49 1510000",
        "0049151-0000",
        "++491510000",
        "４９１５１００００",
    ] {
        let refusal = code(&client, phone).await.unwrap_err();
        assert!(
            refusal.contains("PHONE_NUMBER_INVALID"),
            "{phone}: {refusal}"
        );
    }

    let hash = code(&client, "491510000").await.unwrap();
    assert_eq!(
        client.refusal(&sign_in("491510000", &hash, "1")).await,
        "PHONE_CODE_INVALID"
    );
    sim.expire_codes();
    assert_eq!(
        client.refusal(&sign_in("491510000", &hash, "12345")).await,
        "PHONE_CODE_EXPIRED"
    );
    let hash = code(&client, "491510000").await.unwrap();
    assert_eq!(
        client.refusal(&sign_in("491510000", &hash, "12345")).await,
        "SESSION_PASSWORD_NEEDED"
    );
    assert_eq!(
        check_password(&client, "wrong").await,
        "PASSWORD_HASH_INVALID"
    );
    assert_eq!(client.refusal(&state).await, "SESSION_PASSWORD_NEEDED");
    assert_eq!(check_password(&client, "correct horse").await, "no error");
    assert_eq!(client.refusal(&state).await, "no error");
    assert!(sim.logged_in());
    client.call(&functions::auth::LogOut {}).await.unwrap();
    assert_eq!(client.refusal(&state).await, "AUTH_KEY_UNREGISTERED");
    assert_eq!(sim.failures(), Vec::<String>::new());
}

#[tokio::test]
async fn a_login_without_a_password_requires_the_code_only() {
    let sim = simulator();
    sim.set_login("491510000", "12345", None);
    let client = Client::with_session(&sim, false);
    let hash = code(&client, "491510000").await.unwrap();
    assert_eq!(
        client.refusal(&sign_in("491510000", &hash, "12345")).await,
        "no error"
    );
    assert_eq!(
        client.refusal(&functions::updates::GetState {}).await,
        "no error"
    );
}

const PHONE: &str = "491510000";

fn resend(hash: &str) -> functions::auth::ResendCode {
    functions::auth::ResendCode {
        phone_number: PHONE.to_owned(),
        phone_code_hash: hash.to_owned(),
        reason: None,
    }
}

fn export() -> functions::auth::ExportLoginToken {
    functions::auth::ExportLoginToken {
        api_id: 1,
        api_hash: "hash".to_owned(),
        except_ids: Vec::new(),
    }
}

/// Returns the link of a QR code, and its token.
async fn shown_link(client: &Client) -> (String, Vec<u8>) {
    match client.call(&export()).await.unwrap() {
        enums::auth::LoginToken::Token(shown) => {
            let token = Base64UrlUnpadded::encode_string(&shown.token);
            (format!("tg://login?token={token}"), shown.token)
        }
        other => panic!("{other:?}"),
    }
}

fn scan(sim: &Simulator, link: &str) -> String {
    let refusal = sim.scan_login_token(link).err();
    refusal.map_or_else(String::new, |error| error.message)
}

#[tokio::test]
async fn a_code_is_sent_by_the_next_way_after_its_time_until_there_is_none() {
    let sim = simulator();
    sim.set_login(PHONE, "12345", None);
    let hour = Duration::from_secs(3600);
    sim.set_code_kinds(&[CodeKind::App, CodeKind::Call], Some(hour));
    let client = Client::with_session(&sim, false);
    let sent = send_code(&client, PHONE).await.unwrap();
    assert_eq!(sent.next_type, Some(enums::auth::CodeType::Call));
    assert_eq!(sent.timeout, Some(3600));
    let early = client.refusal(&resend(&sent.phone_code_hash)).await;
    assert_eq!(early, "SEND_CODE_UNAVAILABLE");

    sim.set_code_kinds(&[CodeKind::App, CodeKind::Call], None);
    let again = client.call(&resend(&sent.phone_code_hash)).await.unwrap();
    let enums::auth::SentCode::Code(again) = again else {
        panic!("{again:?}");
    };
    let kind = enums::auth::SentCodeType::Call(types::auth::SentCodeTypeCall { length: 5 });
    assert_eq!((again.r#type, again.next_type), (kind, None));
    let last = client.refusal(&resend(&again.phone_code_hash)).await;
    assert_eq!(last, "SEND_CODE_UNAVAILABLE");
    let replaced = sign_in(PHONE, &sent.phone_code_hash, "12345");
    assert_eq!(client.refusal(&replaced).await, "PHONE_CODE_EXPIRED");
    let right = sign_in(PHONE, &again.phone_code_hash, "12345");
    assert_eq!(client.refusal(&right).await, "no error");
}

#[tokio::test]
async fn a_code_by_mail_is_accepted_only_as_a_verification_of_the_address() {
    let sim = simulator();
    sim.set_login(PHONE, "123456", None);
    sim.set_code_kinds(&[CodeKind::Email], None);
    let client = Client::with_session(&sim, false);
    let hash = code(&client, PHONE).await.unwrap();
    let as_phone_code = sign_in(PHONE, &hash, "123456");
    assert_eq!(client.refusal(&as_phone_code).await, "PHONE_CODE_INVALID");
    let verification = |code: &str| functions::auth::SignIn {
        phone_code: None,
        email_verification: Some(enums::EmailVerification::Code(
            types::EmailVerificationCode {
                code: code.to_owned(),
            },
        )),
        ..sign_in(PHONE, &hash, "")
    };
    assert_eq!(client.refusal(&verification("1")).await, "CODE_INVALID");
    assert_eq!(client.refusal(&verification("123456")).await, "no error");
    assert!(sim.logged_in());
}

#[tokio::test]
async fn a_login_is_led_to_the_data_centre_of_the_account() {
    let sim = simulator();
    sim.set_login(PHONE, "12345", None);
    sim.set_account_dc(OTHER_DC);
    let client = Client::with_session(&sim, false);
    let refused = code(&client, PHONE).await.unwrap_err();
    assert!(refused.contains("PHONE_MIGRATE"), "{refused}");

    let (link, token) = shown_link(&client).await;
    assert_eq!(scan(&sim, &link), "");
    let answer = client.call(&export()).await.unwrap();
    let migrate = types::auth::LoginTokenMigrateTo {
        dc_id: OTHER_DC,
        token: token.clone(),
    };
    assert_eq!(answer, enums::auth::LoginToken::MigrateTo(migrate));
    let import = functions::auth::ImportLoginToken { token };
    let answer = client.call_in(OTHER_DC, &import).await.unwrap();
    assert!(matches!(answer, enums::auth::LoginToken::Success(_)));
    assert!(sim.logged_in());
}

#[tokio::test]
async fn another_device_accepts_the_token_of_a_qr_code_once_and_in_time() {
    let sim = simulator();
    sim.set_login(PHONE, "12345", Some("correct horse"));
    let mut client = Client::with_session(&sim, false);
    assert_eq!(scan(&sim, "tg://login?token=AAAA"), "AUTH_TOKEN_INVALID");
    sim.set_login_token_lifetime(Duration::ZERO);
    let (expired, _) = shown_link(&client).await;
    assert_eq!(scan(&sim, &expired), "AUTH_TOKEN_EXPIRED");
    sim.set_login_token_lifetime(Duration::from_secs(30));

    let (link, token) = shown_link(&client).await;
    let import = functions::auth::ImportLoginToken { token };
    let early = client.call_in(HOME_DC, &import).await.unwrap();
    assert!(matches!(early, enums::auth::LoginToken::Token(_)));
    assert_eq!(scan(&sim, &link), "");
    assert_eq!(scan(&sim, &link), "AUTH_TOKEN_ALREADY_ACCEPTED");
    let pushed = client.updates.recv().await.expect("a push");
    let UpdatesLike::Updates(enums::Updates::UpdateShort(pushed)) = pushed else {
        panic!("{pushed:?}");
    };
    assert_eq!(pushed.update, enums::Update::LoginToken);
    assert_eq!(client.refusal(&export()).await, "SESSION_PASSWORD_NEEDED");
    assert_eq!(check_password(&client, "correct horse").await, "no error");
    assert!(sim.logged_in());
}
