//! Asks who a user is: photo, bot, deleted; and who administers a group.

use std::collections::BTreeMap;

use telegram_wire::tl::{enums, functions as f, types};
use telegram_wire::{CallError, Wire};

use super::{convert, peer};
use crate::model::{AccessHash, ChannelId, Sighting, User, UserId};

/// How many administrators a call may give.
const ADMINISTRATORS_A_CALL: i32 = 200;

/// Asks for this account's own user object.
pub(super) async fn own(wire: &Wire) -> Result<User, CallError> {
    let answer = wire
        .invoke(&f::users::GetUsers {
            id: vec![enums::InputUser::UserSelf],
        })
        .await?;
    answer
        .first()
        .map(convert::user)
        .ok_or_else(|| CallError::Refused {
            method: "users.getUsers",
            code: 0,
            name: "an empty answer about the account itself".into(),
            value: None,
        })
}

/// Asks for many users at once, and for those that this did not give, one by one in every other
/// way to name them. Who is missing from the answer cannot be looked up at all. After `patience`
/// refusals in a row that are not about a user, if it has a limit, the last one is the answer.
pub(super) async fn look_up(
    wire: &Wire,
    sightings: &[Sighting],
    patience: Option<usize>,
) -> Result<BTreeMap<UserId, User>, CallError> {
    let mut found = BTreeMap::new();
    // One user that cannot be named spoils a batch. Those who are named by a message, which the fleet may have
    // deleted, spoil none but their own.
    for by_hash in [true, false] {
        let batch: Vec<enums::InputUser> = sightings
            .iter()
            .filter(|sighting| sighting.full_hash.is_some() == by_hash)
            .filter_map(|sighting| peer::for_user(sighting).into_iter().next())
            .collect();
        if batch.len() < 2 {
            continue;
        }
        match ask(wire, batch).await {
            Ok(users) => found.extend(users),
            Err(CallError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let mut refusals = 0;
    for sighting in sightings {
        for way in peer::for_user(sighting) {
            if found.contains_key(&sighting.user) {
                break;
            }
            match ask(wire, vec![way]).await {
                Ok(users) => {
                    refusals = 0;
                    found.extend(users);
                }
                // What is wrong with this one, or could not be read of this one.
                Err(CallError::Refused { code: 0 | 400, .. }) => {}
                Err(error @ CallError::Refused { .. }) => {
                    refusals += 1;
                    if patience.is_some_and(|most| refusals >= most) {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// Asks for a user's bio; `None` if they have none, or cannot be named.
pub(super) async fn bio(wire: &Wire, sighting: &Sighting) -> Result<Option<String>, CallError> {
    for id in peer::for_user(sighting) {
        match wire.invoke(&f::users::GetFullUser { id }).await {
            Ok(enums::users::UserFull::Full(answer)) => {
                let enums::UserFull::Full(user) = answer.full_user;
                return Ok(user.about);
            }
            Err(CallError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

async fn ask(
    wire: &Wire,
    id: Vec<enums::InputUser>,
) -> Result<impl Iterator<Item = (UserId, User)>, CallError> {
    let answer = wire.invoke(&f::users::GetUsers { id }).await?;
    Ok(answer
        .into_iter()
        .filter(|user| matches!(user, enums::User::User(_)))
        .map(|user| (UserId::new(user.id()), convert::user(&user))))
}

/// Asks for a group's administrators.
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
                limit: ADMINISTRATORS_A_CALL,
                hash: 0,
            })
            .await?;
        let enums::channels::ChannelParticipants::Participants(page) = answer else {
            return Ok(found);
        };
        let new = administrators_of(&page);
        let more = new.len() >= ADMINISTRATORS_A_CALL as usize;
        found.extend(new);
        if !more {
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
