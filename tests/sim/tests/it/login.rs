//! Logins by code and two-step password.

use grammers_crypto::two_factor_auth::{calculate_2fa, check_p_and_g};
use grammers_tl_types::{enums, functions, types};

use crate::client::{Client, simulator};

async fn code(client: &Client, phone: &str) -> Result<String, String> {
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
        Ok(enums::auth::SentCode::Code(sent)) => Ok(sent.phone_code_hash),
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
    assert!(
        code(&client, "+1 000")
            .await
            .unwrap_err()
            .contains("PHONE_NUMBER_INVALID")
    );

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
    assert_eq!(client.refusal(&state).await, "AUTH_KEY_UNREGISTERED");
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
