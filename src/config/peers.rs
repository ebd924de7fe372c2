//! `[bots]` and `[channels]`: the ids of the fleet's accounts and channels.
//!
//! This module checks the form of an id. Only Telegram can tell whether such an account exists.

use std::collections::BTreeMap;

use super::credentials::SecretSources;
use super::section_reader::{IdError, SectionReader};
use super::sections::{Section, Value};
use crate::model::{ChannelId, UserId};

/// The fleet's accounts other than NOSPAM: name and key.
const FLEET: [(&str, &str); 21] = [
    ("analyze", "analyze_id"),
    ("appeal", "appeal_id"),
    ("apply", "apply_id"),
    ("avatar", "avatar_id"),
    ("backup", "backup_id"),
    ("captcha", "captcha_id"),
    ("clean", "clean_id"),
    ("config", "config_id"),
    ("hide", "hide_id"),
    ("lang", "lang_id"),
    ("long", "long_id"),
    ("manage", "manage_id"),
    ("noflood", "noflood_id"),
    ("noporn", "noporn_id"),
    ("recheck", "recheck_id"),
    ("regex", "regex_id"),
    ("ticket", "ticket_id"),
    ("tip", "tip_id"),
    ("user", "user_id"),
    ("warn", "warn_id"),
    ("watch", "watch_id"),
];

/// `[bots]`
#[derive(Clone, Debug, Default)]
pub struct Bots {
    /// If set, only groups where NOSPAM is an administrator are watched.
    pub nospam: Option<UserId>,
    /// The fleet's other accounts by name, such as `captcha`. They are trusted.
    pub others: BTreeMap<&'static str, UserId>,
}

impl Bots {
    /// Returns every account of the fleet that is set, including NOSPAM.
    pub fn fleet(&self) -> impl Iterator<Item = UserId> + '_ {
        self.nospam.into_iter().chain(self.others.values().copied())
    }
}

impl Section for Bots {
    const NAME: &'static str = "bots";

    fn read(section: &mut SectionReader<'_, '_>, _: &SecretSources<'_>) -> Option<Self> {
        let example = "123456789";
        let nospam = section.id("nospam_id", account, example);
        let others = FLEET.map(|(name, key)| (name, key, section.id(key, account, example)));

        let mut bots = Self {
            nospam: nospam?,
            others: BTreeMap::new(),
        };
        let mut seen = BTreeMap::new();
        seen.extend(bots.nospam.map(|id| (id, "nospam_id")));
        for (name, key, id) in others {
            let Some(id) = id? else { continue };
            if let Some(first) = seen.insert(id, key) {
                let problem = format!("is the same account as {first}");
                section.warning(key, section.line_of(key), problem, "correct one of the two");
            }
            bots.others.insert(name, id);
        }
        Some(bots)
    }

    fn values(&self) -> Vec<Value> {
        let mut values = vec![Value::optional("nospam_id", self.nospam)];
        for (name, key) in FLEET {
            values.extend(self.others.get(name).map(|id| Value::new(key, id)));
        }
        if self.others.is_empty() {
            values.push(Value::new("others", "none"));
        }
        values
    }
}

fn account(number: i64) -> Result<UserId, IdError> {
    if number > 0 {
        return Ok(UserId::new(number));
    }
    Err(IdError {
        problem: format!("{number} is not an account id"),
        remedy: "write the id of a bot or user, which is a positive number, or 0 for none"
            .to_owned(),
    })
}

/// `[channels]`
#[derive(Clone, Copy, Debug)]
pub struct Channels {
    pub hide: ChannelId,
    /// If set, posts go to EXCHANGE first. EXCHANGE is never the same channel as HIDE.
    pub exchange: Option<ChannelId>,
    /// The channel where HIDE reports the results of MANAGE's orders.
    pub debug: Option<ChannelId>,
}

impl Section for Channels {
    const NAME: &'static str = "channels";

    fn read(section: &mut SectionReader<'_, '_>, _: &SecretSources<'_>) -> Option<Self> {
        let example = "-1001234567890";
        let hide = section.required_id("hide_channel_id", channel, example);
        let exchange = section.id("exchange_channel_id", channel, example);
        let debug = section.id("debug_channel_id", channel, example);
        let (hide, exchange, debug) = (hide?, exchange?, debug?);
        if exchange == Some(hide) {
            return section.error(
                "exchange_channel_id",
                section.line_of("exchange_channel_id"),
                "is the same channel as hide_channel_id",
                "write the id of EXCHANGE, or 0 if AVATAR is to use only HIDE",
            );
        }
        if exchange.is_some() {
            section.advice(
                "exchange_channel_id",
                "posts in EXCHANGE show this account to every bot there, because messages are signed",
                "write 0, so that AVATAR uses only HIDE",
            );
        }
        let other = match debug {
            None => None,
            debug if debug == Some(hide) => Some("hide_channel_id"),
            debug => (debug == exchange).then_some("exchange_channel_id"),
        };
        if let Some(other) = other {
            section.warning(
                "debug_channel_id",
                section.line_of("debug_channel_id"),
                format!("is the same channel as {other}"),
                "write the id of DEBUG, or 0 for no reports about orders",
            );
        }
        Some(Self {
            hide,
            exchange,
            debug,
        })
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::new("hide_channel_id", self.hide.bot_api()),
            Value::optional("exchange_channel_id", self.exchange.map(ChannelId::bot_api)),
            Value::optional("debug_channel_id", self.debug.map(ChannelId::bot_api)),
        ]
    }
}

/// Telegram numbers its channels from here, so a shorter id cannot be that of a channel.
const SMALLEST_CHANNEL: i64 = 1_000_000_000;

/// Reports whether the Bot API has this form for a basic group. Ids that begin with -100 are those of channels, from
/// which digits may be missing.
fn is_basic_group(number: i64) -> bool {
    const SMALLEST: i64 = -999_999_999_999;
    (SMALLEST..0).contains(&number) && !number.to_string().starts_with("-100")
}

fn channel(number: i64) -> Result<ChannelId, IdError> {
    if let Some(id) = ChannelId::from_bot_api(number) {
        return Ok(id);
    }
    // Many clients show an id without the `-100`. An id that has it is mistyped elsewhere.
    let bare = number.checked_abs().unwrap_or_default();
    let meant = (-1_000_000_000_000_i64).saturating_sub(bare);
    if is_basic_group(number) {
        let mut remedy =
            "write the id of a channel; `scp-079-avatar channels` lists those of the account"
                .to_owned();
        if bare >= SMALLEST_CHANNEL {
            remedy += &format!("; if the -100 in front is missing, write {meant}");
        }
        return Err(IdError {
            problem: format!("{number} is the id of a basic group, and this has to be a channel"),
            remedy,
        });
    }
    let remedy =
        if ChannelId::from_bot_api(meant).is_some() && !number.to_string().starts_with("-100") {
            format!("write it with -100 in front: {meant}")
        } else {
            "write the channel's id as the Bot API has it, such as -1001234567890".to_owned()
        };
    Err(IdError {
        problem: format!("{number} is not a channel id"),
        remedy,
    })
}
