//! A login code that Telegram has sent: its way, its form, and the next way to send it.

use telegram_wire::tl::{enums, types};

use super::{LoginError, typed_digits};

/// A login code that Telegram has sent.
#[derive(Debug)]
pub struct SentCode {
    pub(super) phone: String,
    pub(super) hash: String,
    pub kind: CodeKind,
    /// The number of its characters, if Telegram names it.
    pub length: Option<i32>,
    /// The way in which [`resend_code`](crate::telegram::Telegram::resend_code) sends it, if there is one.
    pub next: Option<NextWay>,
    /// How many seconds that way is refused.
    pub next_after: i64,
}

/// The way in which a code was sent. The texts are Telegram's.
#[derive(Debug, PartialEq, Eq)]
pub enum CodeKind {
    App,
    Sms,
    /// A word or a phrase in a text message, which begins with this.
    Words {
        beginning: Option<String>,
    },
    Call,
    /// The code is the number that calls, which has this pattern.
    FlashCall {
        pattern: String,
    },
    /// The code is the end of the number that calls, which begins with this.
    MissedCall {
        prefix: String,
    },
    /// A mail to the address with this pattern.
    Email {
        pattern: String,
    },
    /// A message at this address.
    Fragment {
        url: String,
    },
    /// A text message that only an official app can request.
    Firebase,
}

/// The next way to send a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextWay {
    Sms,
    Call,
    FlashCall,
    MissedCall,
    Fragment,
}

impl SentCode {
    /// Reads the answer to `auth.sendCode` or `auth.resendCode`.
    pub(super) fn new(phone: String, answer: enums::auth::SentCode) -> Result<Self, LoginError> {
        let sent = match answer {
            enums::auth::SentCode::Code(sent) => sent,
            enums::auth::SentCode::Success(_) => {
                return Err(LoginError::NotHere("it reports a login without a code"));
            }
            enums::auth::SentCode::PaymentRequired(_) => {
                return Err(LoginError::NotHere("it asks for a payment"));
            }
        };
        let (kind, length) = kind_and_length(sent.r#type)?;
        Ok(Self {
            phone,
            hash: sent.phone_code_hash,
            kind,
            length: length.filter(|length| *length > 0),
            next: sent.next_type.map(NextWay::from),
            next_after: sent.timeout.unwrap_or_default().max(0).into(),
        })
    }

    /// Reports whether the operator typed no code.
    #[must_use]
    pub fn is_empty(&self, typed: &str) -> bool {
        self.normalize(typed).is_empty()
    }

    /// Returns the code as Telegram takes it.
    pub(super) fn normalize(&self, typed: &str) -> String {
        match self.kind {
            CodeKind::Words { .. } => typed_digits::words(typed),
            _ => typed_digits::code(typed),
        }
    }

    /// Returns the fields of `auth.signIn` for this code: `phone_code` and `email_verification`.
    pub(super) fn fields(
        &self,
        code: String,
    ) -> (Option<String>, Option<enums::EmailVerification>) {
        match self.kind {
            CodeKind::Email { .. } => {
                let verification = types::EmailVerificationCode { code };
                (None, Some(verification.into()))
            }
            _ => (Some(code), None),
        }
    }
}

impl From<enums::auth::CodeType> for NextWay {
    fn from(next: enums::auth::CodeType) -> Self {
        use enums::auth::CodeType as T;
        match next {
            T::Sms => Self::Sms,
            T::Call => Self::Call,
            T::FlashCall => Self::FlashCall,
            T::MissedCall => Self::MissedCall,
            T::FragmentSms => Self::Fragment,
        }
    }
}

fn kind_and_length(kind: enums::auth::SentCodeType) -> Result<(CodeKind, Option<i32>), LoginError> {
    use enums::auth::SentCodeType as T;
    Ok(match kind {
        T::App(code) => (CodeKind::App, Some(code.length)),
        T::Sms(code) => (CodeKind::Sms, Some(code.length)),
        T::Call(code) => (CodeKind::Call, Some(code.length)),
        T::SmsWord(code) => (words(code.beginning), None),
        T::SmsPhrase(code) => (words(code.beginning), None),
        T::FlashCall(code) => {
            let pattern = code.pattern;
            (CodeKind::FlashCall { pattern }, None)
        }
        T::MissedCall(code) => {
            let prefix = code.prefix;
            (CodeKind::MissedCall { prefix }, Some(code.length))
        }
        T::EmailCode(code) => {
            let pattern = code.email_pattern;
            (CodeKind::Email { pattern }, Some(code.length))
        }
        T::FragmentSms(code) => (CodeKind::Fragment { url: code.url }, Some(code.length)),
        T::FirebaseSms(_) => (CodeKind::Firebase, None),
        T::SetUpEmailRequired(_) => {
            return Err(LoginError::NotHere(
                "it asks for a login email to be set up first",
            ));
        }
    })
}

const fn words(beginning: Option<String>) -> CodeKind {
    CodeKind::Words { beginning }
}
