//! `users.*`: users by access hash or by a message that refers to them.

use grammers_tl_types::{enums, functions, types};

use crate::blank;
use crate::dispatch::{Caller, Handler};
use crate::record::RpcError;

impl Handler for functions::users::GetUsers {
    fn handle(self, caller: &mut Caller) -> Result<Vec<enums::User>, RpcError> {
        let world = &*caller.world;
        self.id
            .iter()
            .map(|input| match (world.input_user(input), input) {
                (Ok(user), _) => Ok(user.full(world.me)),
                // "If the access hash is invalid, userEmpty is returned."
                (Err(_), enums::InputUser::User(input)) => {
                    Ok(enums::User::Empty(types::UserEmpty { id: input.user_id }))
                }
                // MSG_ID_INVALID is among the method's errors: one such user fails the whole call.
                (Err(error), _) => Err(error),
            })
            .collect()
    }
}

impl Handler for functions::users::GetFullUser {
    fn handle(self, caller: &mut Caller) -> Result<enums::users::UserFull, RpcError> {
        let world = &*caller.world;
        let user = world.input_user(&self.id)?;
        let full = types::UserFull {
            id: user.id,
            about: user.about.clone(),
            ..blank::user_full()
        };
        Ok(enums::users::UserFull::Full(types::users::UserFull {
            full_user: enums::UserFull::Full(full),
            chats: Vec::new(),
            users: vec![user.full(world.me)],
        }))
    }
}
