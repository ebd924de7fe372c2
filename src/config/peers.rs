//! Accounts and channels of the fleet: `[bots]` and `[channels]`.
//!
//! Owns which names the fleet has and what an id looks like. Refuses to know whether such an
//! account or channel exists: only Telegram can tell.

use std::collections::BTreeMap;

use super::section::Section;
use super::{Bots, Channels};
use crate::model::{ChannelId, UserId};

/// The fleet's accounts that `[bots]` may name, NOSPAM apart.
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

/// Reads `[bots]`.
pub(super) fn bots(section: &mut Section<'_, '_>) -> Option<Bots> {
    let example = "123456789";
    let nospam = section.id("nospam_id", account, example);
    let others = FLEET.map(|(name, key)| (name, key, section.id(key, account, example)));

    let mut bots = Bots {
        nospam: nospam?,
        others: BTreeMap::new(),
    };
    let mut seen = BTreeMap::new();
    seen.extend(bots.nospam.map(|id| (id, "nospam_id")));
    for (name, key, id) in others {
        let Some(id) = id? else { continue };
        if let Some(first) = seen.insert(id, key) {
            let problem = format!("is the same account as {first}");
            section.warn(key, section.line_of(key), problem, "correct one of the two");
        }
        bots.others.insert(name, id);
    }
    Some(bots)
}

fn account(number: i64) -> Result<UserId, (String, String)> {
    if number > 0 {
        return Ok(UserId::new(number));
    }
    Err((
        format!("{number} is no account's id"),
        "write a bot's or user's id, which is a positive number, or 0 for none".to_owned(),
    ))
}

/// Reads `[channels]`.
pub(super) fn channels(section: &mut Section<'_, '_>) -> Option<Channels> {
    let example = "-1001234567890";
    let hide = section.required_id("hide_channel_id", channel, example);
    let exchange = section.id("exchange_channel_id", channel, example);
    let debug = section.id("debug_channel_id", channel, example);
    let (hide, exchange, debug) = (hide?, exchange?, debug?);
    if exchange == Some(hide) {
        return section.wrong(
            "exchange_channel_id",
            section.line_of("exchange_channel_id"),
            "is the same channel as hide_channel_id",
            "write the id of EXCHANGE, or 0 if AVATAR is to use HIDE alone",
        );
    }
    Some(Channels {
        hide,
        exchange,
        debug,
    })
}

fn channel(number: i64) -> Result<ChannelId, (String, String)> {
    if let Some(id) = ChannelId::from_bot_api(number) {
        return Ok(id);
    }
    // An id without the `-100` is what many clients show; one that has it is mistyped elsewhere.
    let bare = number.checked_abs().unwrap_or_default();
    let meant = (-1_000_000_000_000_i64).saturating_sub(bare);
    let remedy =
        if ChannelId::from_bot_api(meant).is_some() && !number.to_string().starts_with("-100") {
            format!("write it with -100 in front: {meant}")
        } else {
            "write the channel's id as the Bot API has it, such as -1001234567890".to_owned()
        };
    Err((format!("{number} is no channel's id"), remedy))
}
