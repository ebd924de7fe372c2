//! The state of logins: phone number, codes, tokens of QR codes, two-step password.

use std::time::Duration;

use grammers_tl_types::{enums, types};
use num_bigint::BigUint;

use crate::HOME_DC;

/// The way by which Telegram sends a login code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// A message in the account's other apps.
    App,
    /// A text message with digits.
    Sms,
    /// A text message with a word.
    SmsWord,
    /// A text message with a phrase.
    SmsPhrase,
    /// A call that speaks the code.
    Call,
    /// A call whose number is the code.
    FlashCall,
    /// A call from a number whose last digits are the code.
    MissedCall,
    /// A mail to the account's login address, answered by `email_verification`.
    Email,
    /// No code: the account has to set a login address first.
    SetUpEmailRequired,
    /// A message on fragment.com, for anonymous numbers.
    Fragment,
    /// A text message that only an official app with Google's or Apple's services can request.
    FirebaseSms,
}

/// The credentials that a login needs, and the logins in progress.
pub(crate) struct Login {
    /// The digits of the phone number.
    pub(crate) phone: String,
    pub(crate) code: String,
    pub(crate) password: Option<Password>,
    /// The data centre of the account, in which a login has to end.
    pub(crate) dc: i32,
    /// The kinds of the codes: the first is sent by `auth.sendCode`, each further one by `auth.resendCode`.
    pub(crate) kinds: Vec<CodeKind>,
    /// How long `auth.resendCode` is refused after a code.
    pub(crate) resend_after: Option<Duration>,
    /// The codes that were sent and not used.
    pub(crate) sent: Vec<SentCode>,
    /// True if the codes sent so far have expired.
    pub(crate) expired: bool,
    /// The keys under which the right code was sent and the password is still missing.
    pub(crate) awaiting_password: Vec<u64>,
    pub(crate) token_lifetime: Duration,
    pub(crate) tokens: Vec<LoginToken>,
}

/// A code that was sent.
#[derive(Clone)]
pub(crate) struct SentCode {
    pub(crate) hash: String,
    /// The digits of the phone number.
    pub(crate) phone: String,
    /// The place of its kind in [`Login::kinds`].
    pub(crate) turn: usize,
    /// When it was sent, on the scale of the world's clock.
    pub(crate) at: Duration,
}

/// A token that a QR code shows.
pub(crate) struct LoginToken {
    pub(crate) bytes: Vec<u8>,
    /// The key of the client that shows it.
    pub(crate) key: u64,
    /// When it expires, on the scale of the world's clock.
    pub(crate) expires: Duration,
    /// True if another device has scanned it.
    pub(crate) accepted: bool,
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

impl Login {
    /// Returns the kind of the code that was sent in this turn.
    pub(crate) fn kind(&self, turn: usize) -> CodeKind {
        self.kinds.get(turn).copied().unwrap_or(CodeKind::App)
    }
}

impl Default for Login {
    fn default() -> Self {
        Self {
            phone: String::new(),
            code: String::new(),
            password: None,
            dc: HOME_DC,
            kinds: vec![CodeKind::App],
            resend_after: None,
            sent: Vec::new(),
            expired: false,
            awaiting_password: Vec::new(),
            token_lifetime: Duration::from_secs(30),
            tokens: Vec::new(),
        }
    }
}

impl CodeKind {
    /// Returns the description of a sent code of this many characters.
    pub(crate) fn sent_type(self, length: i32) -> enums::auth::SentCodeType {
        use enums::auth::SentCodeType as T;
        let beginning = None;
        match self {
            Self::App => T::App(types::auth::SentCodeTypeApp { length }),
            Self::Sms => T::Sms(types::auth::SentCodeTypeSms { length }),
            Self::SmsWord => T::SmsWord(types::auth::SentCodeTypeSmsWord { beginning }),
            Self::SmsPhrase => T::SmsPhrase(types::auth::SentCodeTypeSmsPhrase {
                beginning: Some("stone".to_owned()),
            }),
            Self::Call => T::Call(types::auth::SentCodeTypeCall { length }),
            Self::FlashCall => T::FlashCall(types::auth::SentCodeTypeFlashCall {
                pattern: "+49151*****".to_owned(),
            }),
            Self::MissedCall => T::MissedCall(types::auth::SentCodeTypeMissedCall {
                prefix: "+49 151".to_owned(),
                length,
            }),
            Self::Email => T::EmailCode(types::auth::SentCodeTypeEmailCode {
                apple_signin_allowed: false,
                google_signin_allowed: false,
                email_pattern: "a***r@example.org".to_owned(),
                length,
                reset_available_period: None,
                reset_pending_date: None,
            }),
            Self::SetUpEmailRequired => {
                T::SetUpEmailRequired(types::auth::SentCodeTypeSetUpEmailRequired {
                    apple_signin_allowed: false,
                    google_signin_allowed: false,
                })
            }
            Self::Fragment => T::FragmentSms(types::auth::SentCodeTypeFragmentSms {
                url: "https://fragment.com/number/88801234567/code".to_owned(),
                length,
            }),
            Self::FirebaseSms => T::FirebaseSms(types::auth::SentCodeTypeFirebaseSms {
                nonce: None,
                play_integrity_project_id: None,
                play_integrity_nonce: None,
                receipt: None,
                push_timeout: None,
                length,
            }),
        }
    }

    /// Returns the name of this kind as a next one. Kinds that cannot be a next one are named as text messages.
    pub(crate) const fn next_type(self) -> enums::auth::CodeType {
        use enums::auth::CodeType as T;
        match self {
            Self::Call => T::Call,
            Self::FlashCall => T::FlashCall,
            Self::MissedCall => T::MissedCall,
            Self::Fragment => T::FragmentSms,
            _ => T::Sms,
        }
    }
}
