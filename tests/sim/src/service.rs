//! What each method does. A room per part of the API; `route` is the list of all that are known.

use grammers_tl_types::{Identifiable, functions};

use crate::dispatch::Route;

mod auth;
mod channels;
mod dialogs;
mod files;
mod help;
mod password;
pub(crate) mod posting;
mod updates;
mod users;

macro_rules! routes {
    ($id:expr; $($request:ty),* $(,)?) => {
        match $id {
            $(<$request>::CONSTRUCTOR_ID => Some(Route::of::<$request>()),)*
            _ => None,
        }
    };
}

/// Finds the handler of a constructor id.
pub(crate) fn route(id: u32) -> Option<Route> {
    routes!(id;
        functions::help::GetConfig,
        functions::help::GetNearestDc,
        functions::updates::GetState,
        functions::updates::GetDifference,
        functions::updates::GetChannelDifference,
        functions::messages::GetDialogs,
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
        functions::auth::SignIn,
        functions::auth::CheckPassword,
        functions::auth::LogOut,
        functions::account::GetPassword,
    )
}
