//! The table of permitted calls.
//!
//! A request can be invoked only if it implements [`Permitted`], which is sealed: the table below
//! holds all its implementations. A row names the request, Telegram's name of the method, the pace,
//! and, for a call that posts, the field that names the target. [`Wire`](crate::Wire) lets such a
//! call through only if the target is one of the channels that it was configured with.

use std::time::Duration;

use grammers_client::tl::{enums, functions as f};

use self::sealed::Call;
use crate::file_part::FilePart;
use crate::rate_limit::Pace;

/// A request that can be invoked. The trait is sealed: only the table of this crate implements it.
pub trait Permitted: Call {}

pub(crate) mod sealed {
    use grammers_client::tl::{RemoteCall, enums};

    use crate::rate_limit::Pace;

    /// The row of the table that belongs to a request.
    pub trait Call: RemoteCall {
        /// Telegram's name of the method.
        const METHOD: &'static str;
        /// How fast the method may be called.
        const PACE: Pace;
        /// Returns the peer that the call posts to, if it posts.
        fn writes_to(&self) -> Option<&enums::InputPeer> {
            None
        }
    }
}

macro_rules! permitted {
    ($( $request:path, $method:literal, $max_concurrent:literal at once, every $interval:literal ms $(, writes to $peer:ident)? ; )*) => {
        /// The names of all methods that can be invoked. Opening a connection adds `help.getConfig`
        /// inside `initConnection`, and MTProto its own service messages.
        pub const PERMITTED: &[&str] = &[$($method),*];

        $(
            impl Call for $request {
                const METHOD: &'static str = $method;
                const PACE: Pace = Pace {
                    max_concurrent: $max_concurrent,
                    interval: Duration::from_millis($interval),
                };
                $(fn writes_to(&self) -> Option<&enums::InputPeer> {
                    Some(&self.$peer)
                })?
            }

            impl Permitted for $request {}
        )*

        /// The name, the constructor id and whether the call posts, for each row.
        #[cfg(test)]
        const ROWS: &[(&str, u32, bool)] = &[$((
            $method,
            <$request as grammers_client::tl::Identifiable>::CONSTRUCTOR_ID,
            !concat!("", $(stringify!($peer))?).is_empty(),
        )),*];
    };
}

permitted! {
    // Reading. No call marks anything as read or shows the account online.
    f::updates::GetState,               "updates.getState",               1 at once, every 200 ms;
    f::updates::GetChannelDifference,   "updates.getChannelDifference",   2 at once, every 200 ms;
    f::messages::GetDialogs,            "messages.getDialogs",            1 at once, every 500 ms;
    f::messages::GetPeerDialogs,        "messages.getPeerDialogs",        1 at once, every 500 ms;
    f::channels::GetMessages,           "channels.getMessages",           2 at once, every 200 ms;
    f::channels::GetParticipants,       "channels.getParticipants",       1 at once, every 2000 ms;
    f::channels::GetParticipant,        "channels.getParticipant",        1 at once, every 3000 ms;
    f::channels::GetFullChannel,        "channels.getFullChannel",        1 at once, every 10000 ms;
    f::users::GetUsers,                 "users.getUsers",                 2 at once, every 200 ms;
    f::users::GetFullUser,              "users.getFullUser",              1 at once, every 1000 ms;
    // The caller limits the downloads from each data centre, so that a slow one does not delay the others.
    f::upload::GetFile,                 "upload.getFile",                 16 at once, every 0 ms;
    // Posting. The caller paces its posts. A part of a file is not visible before sendMedia refers to it.
    FilePart,                           "upload.saveFilePart",            2 at once, every 0 ms;
    f::upload::SaveBigFilePart,         "upload.saveBigFilePart",         2 at once, every 0 ms;
    f::messages::SendMessage,           "messages.sendMessage",           1 at once, every 0 ms, writes to peer;
    f::messages::SendMedia,             "messages.sendMedia",             1 at once, every 0 ms, writes to peer;
    // Copying the authorization to another data centre.
    f::auth::ExportAuthorization,       "auth.exportAuthorization",       1 at once, every 200 ms;
    f::auth::ImportAuthorization,       "auth.importAuthorization",       1 at once, every 200 ms;
    // Logging in.
    f::auth::SendCode,                  "auth.sendCode",                  1 at once, every 0 ms;
    f::auth::ResendCode,                "auth.resendCode",                1 at once, every 0 ms;
    f::auth::SignIn,                    "auth.signIn",                    1 at once, every 0 ms;
    f::account::GetPassword,            "account.getPassword",            1 at once, every 0 ms;
    f::auth::CheckPassword,             "auth.checkPassword",             1 at once, every 0 ms;
    f::auth::ExportLoginToken,          "auth.exportLoginToken",          1 at once, every 1000 ms;
    f::auth::ImportLoginToken,          "auth.importLoginToken",          1 at once, every 1000 ms;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use grammers_client::tl::name_for_id;

    use super::*;

    /// Every permitted method, and whether it posts.
    const METHODS: [(&str, bool); 24] = [
        ("account.getPassword", false),
        ("auth.checkPassword", false),
        ("auth.exportAuthorization", false),
        ("auth.exportLoginToken", false),
        ("auth.importAuthorization", false),
        ("auth.importLoginToken", false),
        ("auth.resendCode", false),
        ("auth.sendCode", false),
        ("auth.signIn", false),
        ("channels.getFullChannel", false),
        ("channels.getMessages", false),
        ("channels.getParticipant", false),
        ("channels.getParticipants", false),
        ("messages.getDialogs", false),
        ("messages.getPeerDialogs", false),
        ("messages.sendMedia", true),
        ("messages.sendMessage", true),
        ("updates.getChannelDifference", false),
        ("updates.getState", false),
        ("upload.getFile", false),
        ("upload.saveBigFilePart", false),
        ("upload.saveFilePart", false),
        ("users.getFullUser", false),
        ("users.getUsers", false),
    ];

    #[test]
    fn the_table_holds_exactly_the_intended_methods() {
        let rows: BTreeSet<(&str, bool)> = ROWS.iter().map(|row| (row.0, row.2)).collect();
        assert_eq!(rows, BTreeSet::from(METHODS));
        assert_eq!(ROWS.len(), METHODS.len(), "a method is in the table twice");
    }

    #[test]
    fn each_name_belongs_to_its_request() {
        for &(method, constructor, _) in ROWS {
            assert_eq!(method, name_for_id(constructor));
        }
    }
}
