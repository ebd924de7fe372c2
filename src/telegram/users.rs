//! Looks users up, fetches their bios, and lists the administrators of a group.

use std::collections::BTreeMap;
use std::time::Duration;

use telegram_wire::tl::{enums, functions as f, types};
use telegram_wire::{CallError, Wire};

use super::{convert, peer};
use crate::model::{AccessHash, ChannelId, User, UserId, UserRef};

/// How many administrators one call may return.
const ADMINISTRATORS_PER_CALL: i32 = 200;
/// How many refusals in a row that do not concern one user end a look-up.
const MAX_REFUSALS: usize = 3;

/// Fetches this account's own user object.
pub(super) async fn own(wire: &Wire) -> Result<User, CallError> {
    let request = f::users::GetUsers {
        id: vec![enums::InputUser::UserSelf],
    };
    own_of(&wire.invoke(&request).await?)
}

/// Returns this account's own user object from the answer of `users.getUsers`.
pub(super) fn own_of(answer: &[enums::User]) -> Result<User, CallError> {
    answer
        .first()
        .map(convert::user)
        .ok_or_else(|| CallError::Unusable {
            method: "users.getUsers",
            cause: "the answer about the account itself is empty".into(),
        })
}

/// Looks users up, first in batches, then each missing one separately and in every other way to name them. A
/// user who is missing from the result cannot be looked up.
///
/// Returns the last refusal after a few in a row that do not concern one user: they may pass.
pub(super) async fn look_up(
    wire: &Wire,
    user_refs: &[UserRef],
) -> Result<BTreeMap<UserId, User>, CallError> {
    let max_refusals = MAX_REFUSALS.min(user_refs.len());
    let mut found = look_up_in_batches(wire, user_refs).await?;
    let mut refusals = 0;
    for user_ref in user_refs {
        for id in peer::for_user(user_ref) {
            if found.contains_key(&user_ref.user) {
                break;
            }
            match fetch(wire, vec![id]).await {
                Ok(users) => {
                    refusals = 0;
                    found.extend(users);
                }
                // The refusal, or the answer that could not be parsed, concerns only this user.
                Err(CallError::Unusable { .. }) => {}
                Err(CallError::Refused { name, .. }) if names_user(&name) => {}
                Err(error @ CallError::Refused { .. }) => {
                    refusals += 1;
                    if refusals >= max_refusals {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// Returns true if the name of a refusal concerns one user, or the way to name them.
fn names_user(name: &str) -> bool {
    const NAMES: [&str; 6] = ["USER_", "PEER_", "MSG_", "MESSAGE_", "CHANNEL_", "CHAT_"];
    NAMES.iter().any(|begin| name.starts_with(begin))
}

/// Looks users up with one call for those who have an access hash, and one for those who are named by
/// a message. Telegram refuses a whole batch for one bad name, and messages are often deleted, so the
/// two kinds are kept apart. A batch that cannot be read is halved, down to the one user to blame.
async fn look_up_in_batches(
    wire: &Wire,
    user_refs: &[UserRef],
) -> Result<BTreeMap<UserId, User>, CallError> {
    let mut found = BTreeMap::new();
    let batch_of = |by_hash: bool| -> Vec<enums::InputUser> {
        user_refs
            .iter()
            .filter(|user_ref| user_ref.full_hash.is_some() == by_hash)
            .filter_map(|user_ref| peer::for_user(user_ref).into_iter().next())
            .collect()
    };
    let mut batches = vec![batch_of(false), batch_of(true)];
    while let Some(mut batch) = batches.pop() {
        if batch.len() < 2 {
            continue;
        }
        match fetch(wire, batch.clone()).await {
            Ok(users) => found.extend(users),
            Err(CallError::Unusable { .. }) => {
                batches.push(batch.split_off(batch.len() / 2));
                batches.push(batch);
            }
            Err(CallError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

async fn fetch(
    wire: &Wire,
    id: Vec<enums::InputUser>,
) -> Result<impl Iterator<Item = (UserId, User)>, CallError> {
    let answer = wire.invoke(&f::users::GetUsers { id }).await?;
    Ok(answer
        .into_iter()
        .filter(|user| matches!(user, enums::User::User(_)))
        .map(|user| (UserId::new(user.id()), convert::user(&user))))
}

/// Fetches a user's bio. Returns `None` if they have none, or if Telegram accepts no way to name them. `timeout` bounds
/// the wait for each answer, and not the wait for the method's own pace.
pub(super) async fn bio(
    wire: &Wire,
    user_ref: &UserRef,
    timeout: Duration,
) -> Result<Option<String>, CallError> {
    for id in peer::for_user(user_ref) {
        let request = f::users::GetFullUser { id };
        match wire.invoke_within(&request, timeout).await {
            Ok(enums::users::UserFull::Full(answer)) => {
                let enums::UserFull::Full(user) = answer.full_user;
                return Ok(user.about);
            }
            Err(CallError::Refused { .. } | CallError::Unusable { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Lists a group's administrators, its creator among them.
pub(super) async fn administrators(
    wire: &Wire,
    group: ChannelId,
    access_hash: AccessHash,
) -> Result<Vec<UserId>, CallError> {
    let mut found = Vec::new();
    loop {
        let offset = i32::try_from(found.len()).unwrap_or(i32::MAX);
        let answer = wire
            .invoke(&f::channels::GetParticipants {
                channel: peer::input_channel(group, access_hash),
                filter: enums::ChannelParticipantsFilter::ChannelParticipantsAdmins,
                offset,
                limit: ADMINISTRATORS_PER_CALL,
                hash: 0,
            })
            .await?;
        let enums::channels::ChannelParticipants::Participants(page) = answer else {
            return Ok(found);
        };
        let mut administrators = administrators_of(&page);
        let is_full = administrators.len() >= ADMINISTRATORS_PER_CALL as usize;
        administrators.retain(|administrator| !found.contains(administrator));
        // A page of known administrators would be followed by the same page without end.
        let is_last = !is_full || administrators.is_empty();
        found.extend(administrators);
        if is_last {
            return Ok(found);
        }
    }
}

fn administrators_of(page: &types::channels::ChannelParticipants) -> Vec<UserId> {
    use enums::ChannelParticipant as P;
    page.participants
        .iter()
        .filter_map(|participant| match participant {
            P::Creator(creator) => Some(creator.user_id),
            P::Admin(admin) => Some(admin.user_id),
            _ => None,
        })
        .map(UserId::new)
        .collect()
}
