//! Telegram's refusals during a login: each is one sentence with a remedy, and docs/login.md quotes it.

use telegram_sim::{CodeKind, Fault, Match};

use super::{CODE, PHONE, TWO_STEP, log_in, scene};

#[test]
fn each_refusal_is_a_sentence_with_a_remedy() {
    let page = include_str!("../../../docs/login.md");
    for (method, error, exit, sentence) in [
        (
            "auth.sendCode",
            (400, "PHONE_NUMBER_BANNED"),
            1,
            "Telegram has banned this phone number: ask recover@telegram.org, or use another account",
        ),
        (
            "auth.sendCode",
            (400, "PHONE_NUMBER_FLOOD"),
            1,
            "Telegram has sent too many codes to this phone number: wait a day, or try `login --qr`",
        ),
        (
            "auth.sendCode",
            (406, "PHONE_PASSWORD_FLOOD"),
            1,
            "after too many attempts: wait a day, then start `login` again",
        ),
        (
            "auth.sendCode",
            (400, "PHONE_PASSWORD_PROTECTED"),
            1,
            "log in with an official app first, or try `login --qr`",
        ),
        (
            "auth.checkPassword",
            (400, "SRP_PASSWORD_CHANGED"),
            1,
            "was changed during this login (SRP_PASSWORD_CHANGED): start `login` again, with the new password",
        ),
        (
            "auth.sendCode",
            (406, "UPDATE_APP_TO_LOGIN"),
            1,
            "Telegram requires a newer app for this login: try `login --qr`",
        ),
        (
            "auth.sendCode",
            (400, "PHONE_NUMBER_APP_SIGNUP_FORBIDDEN"),
            1,
            "has no Telegram account, and this program may not create one: create it with an official app first",
        ),
        (
            "auth.sendCode",
            (400, "API_ID_INVALID"),
            78,
            "does not accept api_id and api_hash: copy both again from my.telegram.org",
        ),
        (
            "auth.sendCode",
            (400, "API_ID_PUBLISHED_FLOOD"),
            78,
            "blocks this api_id, because it was published: enter the api_id and api_hash of an application of your own",
        ),
        (
            "auth.sendCode",
            (500, "AUTH_RESTART"),
            1,
            "asked twice to begin again (AUTH_RESTART): wait some minutes, then start `login` again",
        ),
        (
            "auth.signIn",
            (400, "PHONE_NUMBER_UNOCCUPIED"),
            1,
            "this phone number has no Telegram account yet: create it with an official app first",
        ),
        (
            "auth.signIn",
            (500, "SIGN_IN_FAILED"),
            1,
            "failed to complete the login (SIGN_IN_FAILED): wait some minutes, then start `login` again",
        ),
        (
            "auth.signIn",
            (406, "UPDATE_APP_TO_LOGIN"),
            1,
            "or a newer version of this program",
        ),
        (
            "auth.checkPassword",
            (400, "SRP_ID_INVALID"),
            1,
            "refused the proof of the password twice (SRP_ID_INVALID): start `login` again",
        ),
    ] {
        let scene = scene(Some(TWO_STEP));
        let (code, name) = error;
        let refused = Match::method(method).times(2);
        scene.sim.fault(refused, Fault::error(code, name));
        let (code, output) = log_in(&scene, &[PHONE, CODE, TWO_STEP]);
        assert_eq!(code, Some(exit), "{name}: {output}");
        assert!(output.contains(sentence), "{name}: {output}");
        let row = page.lines().find(|line| line.contains(name));
        let quoted = row.and_then(|row| row.split('`').nth(1));
        let quoted = quoted.unwrap_or_else(|| panic!("docs/login.md does not quote {name}"));
        assert!(output.contains(quoted), "{quoted:?} is not in\n{output}");
        assert!(!scene.sim.logged_in());
    }
}

#[test]
fn an_account_without_the_login_email_that_telegram_requires_is_told_to_set_it_up() {
    let scene = scene(None);
    let kinds = [CodeKind::SetUpEmailRequired];
    scene.sim.set_code_kinds(&kinds, None);
    let (code, output) = log_in(&scene, &[PHONE, CODE]);
    assert_eq!(code, Some(1), "{output}");
    let sentence = "it asks for a login email to be set up first): log in once with an official app, then try again";
    assert!(output.contains(sentence), "{output}");
}

#[test]
fn the_name_of_an_error_does_not_control_the_terminal() {
    let scene = scene(None);
    let refused = Match::method("auth.sendCode").once();
    let name = "TEST\u{1b}[2J\u{202e}_FAILED";
    scene.sim.fault(refused, Fault::error(400, name));
    let (code, output) = log_in(&scene, &[PHONE]);
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("TEST?[2J?_FAILED"), "{output}");
    assert!(!output.contains(['\u{1b}', '\u{202e}']), "{output}");
}
