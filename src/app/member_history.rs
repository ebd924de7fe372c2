//! Collects the output of `why` about one user from `state.db` and the configuration.
//!
//! The module changes nothing and needs no connection.

use std::collections::BTreeMap;

use serde::Serialize;

use super::AppError;
use super::instance_overview::{InstanceStatus, RunState, read_snapshot};
use crate::clock::Clock;
use crate::config::Config;
use crate::decide::Coverage;
use crate::model::{
    ChannelId, GroupClass, GroupSigns, MessageId, MessageLink, Timestamp, UserId, as_json,
};
use crate::store::user_records::{ClearTimes, UserJoin, UserPhoto, UserRoles};
use crate::store::{Instance, ReadTx, StoreError, inspect};

/// The output of `why`. The fields are those of the JSON (docs/json-output.md).
#[derive(Clone, Debug, Serialize)]
pub struct History {
    /// The time of reading.
    #[serde(serialize_with = "as_json::time")]
    pub now: Timestamp,
    pub user_id: UserId,
    /// The group of the question; `None` means all groups.
    #[serde(serialize_with = "as_json::channel_if_known")]
    pub group_id: Option<ChannelId>,
    /// How that group shows its joins; `None` if it is unknown.
    pub group_class: Option<GroupClass>,
    /// How many of that group's joins are seen.
    pub group_coverage: Option<Coverage>,
    /// True if anything is known about the user.
    pub known: bool,
    pub is_own_account: bool,
    /// The user's name in `[bots]`, if the user is one of the fleet.
    pub fleet: Option<&'static str>,
    /// The instance that the user belongs to, as `K/N`; `None` if there is only one.
    pub instance: Option<String>,
    #[serde(skip)]
    pub is_own_member: bool,
    #[serde(flatten)]
    pub roles: UserRoles,
    /// The user's joins, the latest first.
    pub joins: Vec<JoinEntry>,
    /// The user's photos, the latest first.
    pub photos: Vec<PhotoEntry>,
    /// The times when records of users were last cleared.
    pub cleared: ClearTimes,
    pub state: RunState,
    /// The titles of groups and channels.
    #[serde(skip)]
    pub titles: BTreeMap<ChannelId, String>,
    /// All groups, with the signs of their coverage.
    #[serde(skip)]
    pub groups: Vec<GroupSigns>,
}

#[derive(Clone, Debug, Serialize)]
pub struct JoinEntry {
    #[serde(flatten)]
    pub join: UserJoin,
    /// The address of the join's service message.
    pub link: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct PhotoEntry {
    #[serde(flatten)]
    pub photo: UserPhoto,
    /// The address of the photo's post.
    pub link: Option<String>,
}

/// Reads the output of `why` about `user`, in one group or in all of them.
///
/// # Errors
/// Returns an error if the database or the lock cannot be read, or the database has another layout.
pub fn history(
    config: &Config,
    clock: &Clock,
    user: UserId,
    group: Option<ChannelId>,
) -> Result<History, AppError> {
    let now = clock.now();
    let snapshot = read_snapshot(config, |tx| read(tx, user, group))?;
    let StoredHistory {
        instance,
        roles,
        joins,
        photos,
        cleared,
        titles,
        groups,
    } = snapshot.stored.unwrap_or_default();
    let is_own_account = instance.as_ref().and_then(|instance| instance.account) == Some(user);
    let fleet = fleet_name(config, user);
    let share = config.mode.share;
    let known = !joins.is_empty()
        || !photos.is_empty()
        || roles != UserRoles::default()
        || fleet.is_some()
        || is_own_account;
    let joins = joins.into_iter().map(|join| JoinEntry {
        link: link(Some(join.group_id), Some(join.message_id)),
        join,
    });
    let photos = photos.into_iter().map(|photo| PhotoEntry {
        link: link(photo.channel_id, photo.message_id),
        photo,
    });
    let data_dir = config.telegram.data_dir.clone();
    let asked = groups.iter().find(|signs| Some(signs.group) == group);
    Ok(History {
        now,
        user_id: user,
        group_id: group,
        group_class: asked.map(|signs| signs.class),
        group_coverage: asked.map(|signs| Coverage::judge(signs, now)),
        known,
        is_own_account,
        fleet,
        instance: (!share.is_whole()).then(|| share.of_member(user).to_string()),
        is_own_member: share.is_own(user),
        roles,
        joins: joins.collect(),
        photos: photos.collect(),
        cleared,
        state: InstanceStatus::derive(snapshot.holder, instance, data_dir).state,
        titles,
        groups,
    })
}

/// The joins that a message shows, and whether the program knows its group.
#[derive(Clone, Debug, Default)]
pub struct JoinMessage {
    /// The members that the message added.
    pub users: Vec<UserId>,
    /// The title of the group; `None` if it is unknown.
    pub title: Option<String>,
}

/// Reads which joins a message shows.
///
/// # Errors
/// Returns an error if the database cannot be read or has another layout.
pub fn join_message(config: &Config, link: MessageLink) -> Result<JoinMessage, AppError> {
    let read = inspect(&config.telegram.state_file(), |tx| {
        Ok(JoinMessage {
            users: tx.users_of_message(link.channel, link.message)?,
            title: tx.channel(link.channel)?.map(|known| known.channel.title),
        })
    })?;
    Ok(read.unwrap_or_default())
}

impl History {
    /// Returns the signs of the group of the question, if it is a known group.
    #[must_use]
    pub fn asked_group(&self) -> Option<&GroupSigns> {
        let mut groups = self.groups.iter();
        groups.find(|signs| Some(signs.group) == self.group_id)
    }
}

/// The data of one user, read in one transaction.
#[derive(Debug, Default)]
struct StoredHistory {
    instance: Option<Instance>,
    roles: UserRoles,
    joins: Vec<UserJoin>,
    photos: Vec<UserPhoto>,
    cleared: ClearTimes,
    titles: BTreeMap<ChannelId, String>,
    groups: Vec<GroupSigns>,
}

fn read(
    tx: &ReadTx<'_>,
    user: UserId,
    group: Option<ChannelId>,
) -> Result<StoredHistory, StoreError> {
    Ok(StoredHistory {
        instance: Some(tx.instance()?),
        roles: tx.user_roles(user)?,
        joins: tx.user_joins(user, group)?,
        photos: tx.user_photos(user, group)?,
        cleared: tx.clear_times()?,
        titles: tx.titles()?,
        groups: tx.group_signs()?,
    })
}

fn fleet_name(config: &Config, user: UserId) -> Option<&'static str> {
    let nospam = config.bots.nospam.map(|nospam| ("nospam", nospam));
    let others = config.bots.others.iter().map(|(name, id)| (*name, *id));
    nospam
        .into_iter()
        .chain(others)
        .find_map(|(name, id)| (id == user).then_some(name))
}

/// Returns a message's address, which works for members of the group or channel.
pub(super) fn link(channel: Option<ChannelId>, message: Option<MessageId>) -> Option<String> {
    let (channel, message) = channel.zip(message)?;
    (message.get() > 0).then(|| MessageLink { channel, message }.to_string())
}
