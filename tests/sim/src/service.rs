//! The handlers of all simulated methods, a module per namespace of the API.

use grammers_tl_types::{Identifiable, functions, name_for_id};

use crate::dispatch::Route;

mod auth;
mod channels;
mod dialogs;
pub(crate) mod files;
mod help;
mod login_token;
mod participants;
mod password;
pub(crate) mod posting;
mod updates;
mod users;

macro_rules! routes {
    ($($request:ty),* $(,)?) => {
        /// Finds the handler of a constructor id.
        pub(crate) fn route(id: u32) -> Option<Route> {
            match id {
                $(<$request>::CONSTRUCTOR_ID => Some(Route::of::<$request>()),)*
                _ => None,
            }
        }

        /// The constructor ids of all simulated methods.
        const IDS: &[u32] = &[$(<$request>::CONSTRUCTOR_ID),*];
    };
}

routes!(
    functions::help::GetConfig,
    functions::help::GetNearestDc,
    functions::updates::GetState,
    functions::updates::GetDifference,
    functions::updates::GetChannelDifference,
    functions::messages::GetDialogs,
    functions::messages::GetPeerDialogs,
    functions::messages::GetHistory,
    functions::messages::SendMessage,
    functions::messages::SendMedia,
    functions::channels::GetMessages,
    functions::channels::GetFullChannel,
    functions::channels::GetChannels,
    functions::channels::GetParticipants,
    functions::channels::GetParticipant,
    functions::users::GetUsers,
    functions::users::GetFullUser,
    functions::upload::GetFile,
    functions::upload::SaveFilePart,
    functions::upload::SaveBigFilePart,
    functions::auth::ExportAuthorization,
    functions::auth::ImportAuthorization,
    functions::auth::SendCode,
    functions::auth::ResendCode,
    functions::auth::SignIn,
    functions::auth::CheckPassword,
    functions::auth::LogOut,
    functions::auth::ExportLoginToken,
    functions::auth::ImportLoginToken,
    functions::account::GetPassword,
);

/// Returns whether the method with this name, for instance `updates.getState`, is simulated.
pub(crate) fn has_method(name: &str) -> bool {
    IDS.iter().any(|id| name_for_id(*id) == name)
}
