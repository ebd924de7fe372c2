//! Reads the lists of members: pages of recent members, single members, and how a group shows them.

use std::ops::Range;

use telegram_wire::tl::{enums, functions as f};
use telegram_wire::{CallError, Wire};

use super::{convert, peer};
use crate::model::{
    AccessHash, ChannelId, FullGroup, Member, MembersPage, Membership, MembershipAnswer, Timestamp,
    UserRef,
};

/// How many members one call may return.
pub const MEMBERS_PER_CALL: usize = 200;

/// Fetches these rows of the list of members, at most [`MEMBERS_PER_CALL`], the most recently active first.
pub(super) async fn page(
    wire: &Wire,
    group: ChannelId,
    access_hash: AccessHash,
    rows: Range<usize>,
) -> Result<MembersPage, CallError> {
    let answer = wire
        .invoke(&f::channels::GetParticipants {
            channel: peer::input_channel(group, access_hash),
            filter: enums::ChannelParticipantsFilter::ChannelParticipantsRecent,
            offset: i32::try_from(rows.start).unwrap_or(i32::MAX),
            limit: i32::try_from(rows.len()).unwrap_or(i32::MAX),
            hash: 0,
        })
        .await?;
    // "Not modified" answers only a hash.
    let enums::channels::ChannelParticipants::Participants(page) = answer else {
        return Ok(MembersPage::default());
    };
    Ok(MembersPage {
        members: page
            .participants
            .iter()
            .filter_map(|participant| member(participant, &page.users))
            .collect(),
        rows: page.participants.len(),
        count: u32::try_from(page.count).unwrap_or(0),
    })
}

/// Asks for one member, by every reference in turn until one is accepted.
pub(super) async fn membership(
    wire: &Wire,
    group: ChannelId,
    access_hash: AccessHash,
    user: &UserRef,
) -> Result<MembershipAnswer, CallError> {
    let mut answer = MembershipAnswer::NoReference;
    for participant in peer::for_participant(user) {
        let request = f::channels::GetParticipant {
            channel: peer::input_channel(group, access_hash),
            participant,
        };
        match wire.invoke(&request).await {
            Ok(enums::channels::ChannelParticipant::Participant(found)) => {
                return Ok(match member(&found.participant, &found.users) {
                    None => MembershipAnswer::NoReference,
                    Some(member) if member.membership == Membership::Gone => {
                        MembershipAnswer::NotMember
                    }
                    Some(member) => MembershipAnswer::Known(Box::new(member)),
                });
            }
            Err(CallError::Unusable { .. }) => {}
            Err(CallError::Refused { name, .. }) if name == "USER_NOT_PARTICIPANT" => {
                return Ok(MembershipAnswer::NotMember);
            }
            Err(CallError::Refused { name, .. }) if name == "CHAT_ADMIN_REQUIRED" => {
                return Ok(MembershipAnswer::DateRefused);
            }
            // Groups that hide their members may answer so for everybody.
            Err(CallError::Refused { name, .. }) if name == "PARTICIPANT_ID_INVALID" => {
                answer = MembershipAnswer::DateRefused;
            }
            Err(CallError::Refused { name, .. }) if names_reference(&name) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(answer)
}

/// Asks how a group shows its members.
pub(super) async fn full_group(
    wire: &Wire,
    group: ChannelId,
    access_hash: AccessHash,
) -> Result<FullGroup, CallError> {
    let channel = peer::input_channel(group, access_hash);
    let answer = wire
        .invoke(&f::channels::GetFullChannel { channel })
        .await?;
    let enums::messages::ChatFull::Full(answer) = answer;
    let enums::ChatFull::ChannelFull(full) = answer.full_chat else {
        return Err(CallError::Unusable {
            method: "channels.getFullChannel",
            cause: "the answer is not about a channel".into(),
        });
    };
    Ok(FullGroup {
        shows_members: full.can_view_participants && !full.participants_hidden,
        member_count: full
            .participants_count
            .and_then(|count| u32::try_from(count).ok()),
        pts: full.pts,
    })
}

/// Reports whether a refusal concerns only the reference to one user.
fn names_reference(name: &str) -> bool {
    const NAMES: [&str; 6] = [
        "USER_ID_INVALID",
        "USER_INVALID",
        "PEER_ID_INVALID",
        "MSG_ID_INVALID",
        "MESSAGE_ID_INVALID",
        "INPUT_USER_DEACTIVATED",
    ];
    NAMES.contains(&name)
}

/// Converts a row of a list. Returns `None` for this account itself, for channels, and without a user object.
fn member(participant: &enums::ChannelParticipant, users: &[enums::User]) -> Option<Member> {
    use enums::ChannelParticipant as P;
    let since = |date: i32| Membership::Member {
        since: Timestamp::new(i64::from(date)),
    };
    let (id, membership) = match participant {
        P::Participant(plain) => (plain.user_id, since(plain.date)),
        P::Creator(creator) => (creator.user_id, Membership::Administrator),
        P::Admin(admin) => (admin.user_id, Membership::Administrator),
        P::Banned(banned) => (
            user_of(&banned.peer)?,
            if banned.left {
                Membership::Gone
            } else {
                since(banned.date)
            },
        ),
        P::Left(left) => (user_of(&left.peer)?, Membership::Gone),
        P::ParticipantSelf(_) => return None,
    };
    let user = users.iter().find(|user| user.id() == id)?;
    let enums::User::User(object) = user else {
        return None;
    };
    (!object.is_self).then(|| Member {
        user: convert::user(user),
        membership,
    })
}

fn user_of(peer: &enums::Peer) -> Option<i64> {
    match peer {
        enums::Peer::User(user) => Some(user.user_id),
        _ => None,
    }
}
