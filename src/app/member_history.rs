//! Collects the output of `why` about one user from `state.db` and the configuration.
//!
//! The module changes nothing and needs no connection.

use std::collections::BTreeMap;

use serde::Serialize;

use super::AppError;
use super::instance_overview::{InstanceStatus, RunState, read_snapshot};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{ChannelId, MessageId, Timestamp, UserId, said};
use crate::store::history::{Accounts, Cleared, JoinSeen, PhotoSeen};
use crate::store::{Instance, StoreError, Tx};

/// The output of `why`. The fields are those of the JSON (docs/json-output.md).
#[derive(Clone, Debug, Serialize)]
pub struct History {
    /// The time of reading.
    #[serde(serialize_with = "said::time")]
    pub now: Timestamp,
    pub user_id: UserId,
    /// The group of the question; `None` means all groups.
    #[serde(serialize_with = "said::channel_if_known")]
    pub group_id: Option<ChannelId>,
    /// True if anything is known about the user.
    pub known: bool,
    pub is_own_account: bool,
    /// The user's name in `[bots]`, if the user is one of the fleet.
    pub fleet: Option<&'static str>,
    #[serde(flatten)]
    pub roles: Accounts,
    /// The user's joins, the latest first.
    pub joins: Vec<JoinEntry>,
    /// The user's photos, the latest first.
    pub photos: Vec<PhotoEntry>,
    /// The times when records of users were last cleared.
    pub cleared: Cleared,
    pub state: RunState,
    /// The titles of groups and channels.
    #[serde(skip)]
    pub titles: BTreeMap<ChannelId, String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct JoinEntry {
    #[serde(flatten)]
    pub join: JoinSeen,
    /// The address of the join's service message.
    pub link: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct PhotoEntry {
    #[serde(flatten)]
    pub photo: PhotoSeen,
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
    } = snapshot.stored.unwrap_or_default();
    let is_own_account = instance.as_ref().and_then(|instance| instance.account) == Some(user);
    let fleet = fleet_name(config, user);
    let known = !joins.is_empty()
        || !photos.is_empty()
        || roles != Accounts::default()
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
    Ok(History {
        now,
        user_id: user,
        group_id: group,
        known,
        is_own_account,
        fleet,
        roles,
        joins: joins.collect(),
        photos: photos.collect(),
        cleared,
        state: InstanceStatus::derive(snapshot.holder, instance, data_dir).state,
        titles,
    })
}

/// The data of one user, read in one transaction.
#[derive(Debug, Default)]
struct StoredHistory {
    instance: Option<Instance>,
    roles: Accounts,
    joins: Vec<JoinSeen>,
    photos: Vec<PhotoSeen>,
    cleared: Cleared,
    titles: BTreeMap<ChannelId, String>,
}

fn read(tx: &Tx<'_>, user: UserId, group: Option<ChannelId>) -> Result<StoredHistory, StoreError> {
    Ok(StoredHistory {
        instance: Some(tx.instance()?),
        roles: tx.accounts(user)?,
        joins: tx.joins_of(user, group)?,
        photos: tx.photos_of(user, group)?,
        cleared: tx.cleared()?,
        titles: tx.titles()?,
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
fn link(channel: Option<ChannelId>, message: Option<MessageId>) -> Option<String> {
    let (channel, message) = channel.zip(message)?;
    (message.get() > 0).then(|| format!("https://t.me/c/{}/{message}", channel.bare()))
}
