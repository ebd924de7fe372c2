//! What `why` tells of one user, put together from `state.db` and the configuration. Changes nothing,
//! and needs no connection.

use std::collections::BTreeMap;

use serde::Serialize;

use super::AppError;
use super::instance_overview::{Condition, State, look_at};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::{ChannelId, MessageId, Timestamp, UserId, said};
use crate::store::history::{Cleared, JoinSeen, PhotoSeen, Standing};
use crate::store::{Facts, Instance, StoreError};

/// Everything that `why` tells. The names of the fields are those of its JSON.
#[derive(Clone, Debug, Serialize)]
pub struct History {
    /// When it was read.
    #[serde(serialize_with = "said::time")]
    pub now: Timestamp,
    /// The user.
    pub user_id: UserId,
    /// The group that was asked about, if it was one.
    #[serde(serialize_with = "said::channel_if_known")]
    pub group_id: Option<ChannelId>,
    /// Whether anything at all is known of them there.
    pub known: bool,
    /// Whether it is the account itself.
    pub is_own_account: bool,
    /// Which of the fleet they are, by `[bots]`.
    pub fleet: Option<&'static str>,
    /// What else is known of them.
    #[serde(flatten)]
    pub standing: Standing,
    /// Their joins, the latest first.
    pub joins: Vec<Joined>,
    /// Their photos, the latest first.
    pub photos: Vec<Shown>,
    /// When what was known was last cleared.
    pub cleared: Cleared,
    /// Whether the program runs.
    pub state: State,
    /// The titles of the groups and channels, by id.
    #[serde(skip)]
    pub titles: BTreeMap<ChannelId, String>,
}

/// A join, and its message.
#[derive(Clone, Debug, Serialize)]
pub struct Joined {
    /// The join.
    #[serde(flatten)]
    pub seen: JoinSeen,
    /// Its message.
    pub link: Option<String>,
}

/// A photo, and the message that it became.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The photo.
    #[serde(flatten)]
    pub seen: PhotoSeen,
    /// Its message.
    pub link: Option<String>,
}

/// Reads what `why` tells of `user`, in one group or in all of them.
///
/// # Errors
/// The database or the lock cannot be read, or the database is of another layout.
pub fn history(
    config: &Config,
    clock: &Clock,
    user: UserId,
    group: Option<ChannelId>,
) -> Result<History, AppError> {
    let now = clock.now();
    let (found, holder) = look_at(config, |facts| read(facts, user, group))?;
    let Read {
        left,
        standing,
        joins,
        photos,
        cleared,
        titles,
    } = found.unwrap_or_default();
    let is_own_account = left.as_ref().and_then(|left| left.account) == Some(user);
    let fleet = fleet_name(config, user);
    let nothing = Standing::default();
    let known = !joins.is_empty()
        || !photos.is_empty()
        || standing != nothing
        || fleet.is_some()
        || is_own_account;
    let joins = joins.into_iter().map(|seen| Joined {
        link: link(Some(seen.group_id), Some(seen.message_id)),
        seen,
    });
    let photos = photos.into_iter().map(|seen| Shown {
        link: link(seen.channel_id, seen.message_id),
        seen,
    });
    Ok(History {
        now,
        user_id: user,
        group_id: group,
        known,
        is_own_account,
        fleet,
        standing,
        joins: joins.collect(),
        photos: photos.collect(),
        cleared,
        state: Condition::judge(holder, left, config.telegram.data_dir.clone()).state,
        titles,
    })
}

/// What is read of one moment.
#[derive(Debug, Default)]
struct Read {
    left: Option<Instance>,
    standing: Standing,
    joins: Vec<JoinSeen>,
    photos: Vec<PhotoSeen>,
    cleared: Cleared,
    titles: BTreeMap<ChannelId, String>,
}

fn read(facts: &Facts<'_>, user: UserId, group: Option<ChannelId>) -> Result<Read, StoreError> {
    Ok(Read {
        left: Some(facts.instance()?),
        standing: facts.standing(user)?,
        joins: facts.joins_of(user, group)?,
        photos: facts.photos_of(user, group)?,
        cleared: facts.cleared()?,
        titles: facts.titles()?,
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

/// The address of a message, for who is in that group or channel.
fn link(channel: Option<ChannelId>, message: Option<MessageId>) -> Option<String> {
    let (channel, message) = channel.zip(message)?;
    (message.get() > 0).then(|| format!("https://t.me/c/{}/{message}", channel.bare()))
}
