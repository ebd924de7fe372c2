//! The kinds of login codes, the next way to send one, and steps that Telegram leads elsewhere or has repeated.

use std::io::{BufRead, BufReader};
use std::thread;
use std::time::Duration;

use telegram_sim::{CodeKind, Fault, Match, OTHER_DC};

use super::{
    CODE, PHONE, TWO_STEP, log_in, log_in_well, run_forwards_photos, scene, spawn_login, type_line,
};
use crate::harness::{Scene, assert_in_order, now, wait_for_output};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn each_kind_of_code_is_described_and_accepted() {
    for (kind, sentence) in [
        (
            CodeKind::App,
            "A code was sent to the account's other Telegram apps. It has 5 digits.",
        ),
        (
            CodeKind::Sms,
            "A code was sent to the phone, as a text message. It has 5 digits.",
        ),
        (
            CodeKind::Call,
            "Telegram calls the phone and speaks the code. It has 5 digits.",
        ),
        (
            CodeKind::FlashCall,
            "The code is the number that calls: +49151*****.",
        ),
        (
            CodeKind::MissedCall,
            "The code is the last 5 digits of the number that calls, which begins with +49 151.",
        ),
        (
            CodeKind::Email,
            "A code was sent to the account's login email, a***r@example.org. It has 5 digits.",
        ),
        (
            CodeKind::Fragment,
            "open https://fragment.com/number/88801234567/code. It has 5 digits.",
        ),
        (
            CodeKind::FirebaseSms,
            "cannot arrive: end with Ctrl-C and try `login --qr`.",
        ),
    ] {
        let scene = scene(None);
        scene.sim.set_code_kinds(&[kind], None);
        let output = log_in_well(&scene, &[PHONE, CODE]);
        let warning = "a code that is typed into a Telegram chat expires at once";
        assert_in_order(&output, &[sentence, warning, "Code: ", "Logged in"]);
    }
}

#[test]
fn a_code_of_words_keeps_its_blanks() {
    for (kind, code, sentence) in [
        (CodeKind::SmsWord, "stone", "as words in a text message."),
        (
            CodeKind::SmsPhrase,
            "stone bridge-keeper",
            "The code begins with \"stone\".",
        ),
    ] {
        let scene = scene(None);
        scene.sim.set_login(PHONE, code, None);
        scene.sim.set_code_kinds(&[kind], None);
        let output = log_in_well(&scene, &[PHONE, &format!(" {code} ")]);
        assert_in_order(&output, &[sentence, "Logged in"]);
    }
}

#[test]
fn separators_and_digits_of_other_scripts_are_accepted() {
    for (phone, code) in [
        (PHONE, "271-82"),
        ("0086 (138) 0013.8000", " 27 182 "),
        ("\u{202a}+86‑138‑0013‑8000\u{202c}", "2‑7–1\u{a0}82"),
        ("＋８６　１３８００１３８０００", "\u{200e}２７１８２"),
        ("+٨٦١٣٨٠٠١٣٨٠٠٠", "٢٧١٨٢"),
    ] {
        let scene = scene(None);
        log_in_well(&scene, &[phone, code]);
        assert_eq!(scene.sim.calls_of("auth.sendCode").len(), 1, "{phone}");
        assert_eq!(scene.sim.calls_of("auth.signIn").len(), 1, "{code}");
    }
}

#[test]
fn a_wrong_code_by_mail_is_asked_for_again() {
    let scene = scene(None);
    scene.sim.set_code_kinds(&[CodeKind::Email], None);
    let output = log_in_well(&scene, &[PHONE, "11111", CODE]);
    assert_in_order(&output, &["that code is wrong; try again.", "Logged in"]);
    run_forwards_photos(scene);
}

#[test]
fn an_empty_line_has_the_code_sent_in_the_next_way_until_there_is_none() {
    let scene = scene(None);
    let kinds = [CodeKind::FirebaseSms, CodeKind::Sms, CodeKind::Call];
    scene.sim.set_code_kinds(&kinds, None);
    let output = log_in_well(&scene, &[PHONE, "", " ", "", "", CODE]);
    let none = "Telegram sends this code in no other way";
    assert_in_order(
        &output,
        &[
            "cannot arrive: have it sent in the next way.",
            "press Enter: Telegram then sends it by text message.",
            "as a text message.",
            "press Enter: Telegram then sends it by a call that speaks it.",
            "Telegram calls the phone and speaks the code.",
            none,
            none,
            "Logged in",
        ],
    );
    assert_eq!(scene.sim.calls_of("auth.resendCode").len(), 2);
    assert_eq!(scene.sim.calls_of("auth.sendCode").len(), 1);
}

#[test]
fn an_empty_line_before_the_time_of_the_next_way_says_when_that_is() {
    let scene = scene(None);
    let kinds = [CodeKind::App, CodeKind::MissedCall];
    scene.sim.set_code_kinds(&kinds, Some(HOUR));
    let output = log_in_well(&scene, &[PHONE, "", CODE]);
    let after = "press Enter after 20";
    let way = "Telegram then sends it as the number of a missed call.";
    assert_in_order(&output, &[after, way, "Code: ", after, way, "Logged in"]);
    assert!(scene.sim.calls_of("auth.resendCode").is_empty());
}

#[test]
fn an_empty_line_after_the_time_of_the_next_way_has_the_code_sent_in_it() {
    let scene = scene(None);
    let kinds = [CodeKind::App, CodeKind::Sms, CodeKind::Call];
    scene
        .sim
        .set_code_kinds(&kinds, Some(Duration::from_secs(3)));
    let mut login = spawn_login(&scene);
    let mut output = BufReader::new(login.stdout.take().expect("piped"));
    type_line(&mut login, PHONE);
    let asked = line_with(&mut output, "press Enter after 20");
    type_line(&mut login, "");
    let repeated = line_with(&mut output, "press Enter after 20");
    assert_eq!(named_time(&repeated), named_time(&asked));
    assert!(scene.sim.calls_of("auth.resendCode").is_empty());

    let left = named_time(&asked) - now();
    thread::sleep(Duration::from_secs(u64::try_from(left).unwrap_or(0)));
    type_line(&mut login, "");
    line_with(&mut output, "as a text message.");
    let next = line_with(&mut output, "press Enter after 20");
    assert!(next.contains("by a call that speaks it"), "{next}");
    assert_eq!(scene.sim.calls_of("auth.resendCode").len(), 1);
    assert_eq!(scene.sim.calls_of("auth.sendCode").len(), 1);

    type_line(&mut login, CODE);
    line_with(&mut output, "Logged in");
    let (code, _, err) = wait_for_output(login);
    assert_eq!(code, Some(0), "{err}");
    assert!(scene.sim.logged_in());
}

/// Reads up to the next line that contains `words`, and returns that line.
fn line_with(output: &mut impl BufRead, words: &str) -> String {
    let mut read = String::new();
    loop {
        let start = read.len();
        let bytes = output.read_line(&mut read).expect("UTF-8");
        assert!(bytes > 0, "no {words:?} in\n{read}");
        if read[start..].contains(words) {
            return read.split_off(start);
        }
    }
}

/// Returns the time that a line names.
fn named_time(line: &str) -> i64 {
    let mut words = line.split(' ');
    let time = words.find_map(|word| word.parse::<jiff::Timestamp>().ok());
    time.expect("a time").as_second()
}

#[test]
fn a_code_stays_valid_if_telegram_refuses_to_send_the_next_one() {
    for (fault, sentence) in [
        (
            Fault::error(406, "SEND_CODE_UNAVAILABLE"),
            "use the code that was sent",
        ),
        (Fault::FloodWait(600), "The code that was sent stays valid."),
    ] {
        let scene = scene(None);
        let kinds = [CodeKind::App, CodeKind::Sms];
        scene.sim.set_code_kinds(&kinds, None);
        let resent = Match::method("auth.resendCode").once();
        scene.sim.fault(resent, fault);
        let output = log_in_well(&scene, &[PHONE, "", CODE]);
        assert_in_order(&output, &[sentence, "Logged in"]);
    }
}

#[test]
fn a_code_that_expired_before_the_next_way_is_replaced() {
    let scene = scene(None);
    let kinds = [CodeKind::App, CodeKind::Sms];
    scene.sim.set_code_kinds(&kinds, None);
    let expired = Fault::error(400, "PHONE_CODE_EXPIRED");
    scene
        .sim
        .fault(Match::method("auth.resendCode").once(), expired);
    let output = log_in_well(&scene, &[PHONE, "", CODE]);
    assert_in_order(
        &output,
        &["that code has expired", "A code was sent", "Logged in"],
    );
    assert_eq!(scene.sim.calls_of("auth.sendCode").len(), 2);
}

#[test]
fn a_step_that_telegram_wants_repeated_is_repeated_once() {
    for (method, code, name) in [
        ("auth.sendCode", 500, "AUTH_RESTART"),
        ("auth.resendCode", 500, "AUTH_RESTART"),
        ("auth.signIn", 500, "AUTH_RESTART"),
        ("account.getPassword", 500, "AUTH_RESTART"),
        ("auth.checkPassword", 500, "AUTH_RESTART"),
        ("auth.checkPassword", 400, "SRP_ID_INVALID"),
    ] {
        let scene = scene(Some(TWO_STEP));
        let kinds = [CodeKind::App, CodeKind::Sms];
        scene.sim.set_code_kinds(&kinds, None);
        let once = Match::method(method).once();
        scene.sim.fault(once, Fault::error(code, name));
        log_in_well(&scene, &[PHONE, "", CODE, TWO_STEP]);
    }
}

/// Waits until a call of `method` has succeeded.
fn wait_for_success(scene: &Scene, method: &'static str) {
    scene.wait_for(method, |world| {
        world.calls_of(method).any(|call| call.succeeded())
    });
}

#[test]
fn each_step_follows_the_account_to_its_data_centre() {
    for step in 0..4 {
        let scene = scene(Some(TWO_STEP));
        let kinds = [CodeKind::App, CodeKind::Sms];
        scene.sim.set_code_kinds(&kinds, None);
        let lines = [
            (PHONE, "auth.sendCode"),
            ("", "auth.resendCode"),
            (CODE, "account.getPassword"),
            (TWO_STEP, "auth.checkPassword"),
        ];
        let mut login = spawn_login(&scene);
        for (at, (line, method)) in lines.into_iter().enumerate() {
            if at == step {
                scene.sim.set_account_dc(OTHER_DC);
            }
            type_line(&mut login, line);
            wait_for_success(&scene, method);
        }
        let (code, out, err) = wait_for_output(login);
        assert_eq!(code, Some(0), "step {step}: {out}{err}");
        assert!(scene.sim.logged_in());
        // The session names the data centre.
        let (code, output) = log_in(&scene, &[]);
        assert_eq!(code, Some(0), "{output}");
        assert!(output.contains("Already logged in"), "{output}");
    }
}
