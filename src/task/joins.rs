//! A page of happenings becomes rows: facts from the store, a decision, and its record, all within
//! the transaction that moves `pts`.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::orders::{self, Attached, PostCommit};
use super::recheck::{self, Sight};
use super::{Accounts, Shared, TaskError};
use crate::decide::{self, Decision, JoinContext, SkipReason};
use crate::model::{
    AddedBy, Advance, Avatar, ChannelId, Join, Page, ProfilePhoto, Timestamp, User, UserId,
    WordList,
};
use crate::rules::{Hit, RuleId, Rules};
use crate::store::{AdvanceOutcome, Outcome, StoreError, Tx};

/// What was done with a page.
#[derive(Debug)]
pub(super) struct Applied {
    /// Whether it followed what is stored.
    pub(super) moved: AdvanceOutcome,
    /// What is left to do after the commit.
    pub(super) after: PostCommit,
}

/// What is known of a joiner's bio.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bio {
    /// Nobody asked for it yet.
    NotAsked,
    /// It was asked for: this, or none that could be had.
    Asked(Option<String>),
}

/// Applies a page, if it follows what is stored. `attached` are the lists that its orders brought.
pub(super) fn apply(
    tx: &Tx<'_>,
    shared: &Shared,
    page: &Page,
    attached: &Attached,
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let moved = tx.advance(page.channel, page.advance, page.last_message)?;
    // A push may be overtaken by the list of dialogs whose pts was adopted: what it tells was revealed,
    // and is known by its message if it was seen before.
    let overtaken =
        moved == AdvanceOutcome::AlreadyApplied && matches!(page.advance, Advance::Pushed { .. });
    if moved != AdvanceOutcome::Advanced && !overtaken {
        let after = PostCommit::default();
        return Ok(Applied { moved, after });
    }
    let mut after = orders::apply(tx, shared, page, attached, now)?;
    // What is read back over a gap may reach to before this account was there.
    let since = match page.advance {
        Advance::Refetched => tx.watched_since(page.channel)?,
        _ => Timestamp::new(0),
    };
    for join in &page.joins {
        if join.date < since || tx.knows_join(join)? {
            continue;
        }
        let user = page.users.iter().find(|user| user.id == join.user);
        if let Some(user) = user {
            tx.note_user(user, Some((join.group, join.message)))?;
        }
        let decision = decide_on(tx, shared, join, user, &Bio::NotAsked)?;
        let outcome = carry_out(tx, join, decision, false, now)?;
        tracing::info!(
            group = %join.group, user = %join.user, message_id = %join.message,
            outcome = outcome.as_str(), "join"
        );
        tx.record_join(join, outcome, now)?;
        after.fetch |= matches!(outcome, Outcome::LookUp | Outcome::Queued);
    }
    for user in &page.shown {
        after.fetch |= recheck::look(tx, shared, user, Sight::InPassing, now)?;
    }
    Ok(Applied { moved, after })
}

/// Does what is left to do after the commit.
pub(super) async fn finish(shared: &Shared, after: PostCommit) -> Result<(), TaskError> {
    for name in after.unspool {
        if let Err(error) = shared.spool.remove(&name) {
            tracing::warn!("a spooled photo cannot be removed: {error}");
        }
    }
    if after.rules {
        shared.reload_rules().await?;
    }
    if after.refresh {
        shared.wakes.all_admins.store(true, Ordering::Release);
        shared.wakes.admins.notify_one();
    }
    if after.fetch {
        shared.wakes.fetch.notify_one();
    }
    if after.deliver {
        shared.wakes.deliver.notify_one();
    }
    Ok(())
}

/// Decides anew on a recorded join, after its user was looked up.
pub(super) fn decide_again(
    tx: &Tx<'_>,
    shared: &Shared,
    join: &Join,
    user: &User,
    bio: Option<String>,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    tx.note_user(user, None)?;
    let decision = decide_on(tx, shared, join, Some(user), &Bio::Asked(bio))?;
    let recheck = tx.was_rechecked(join)?;
    let outcome = carry_out(tx, join, decision, recheck, now)?;
    let (group, message) = (join.group, join.message);
    let outcome = if is_about_the_photo(decision) {
        tx.settle_photo(group, message, join.user, outcome)?
    } else {
        tx.settle_join(group, message, join.user, outcome)?;
        outcome
    };
    tracing::info!(
        group = %join.group, user = %join.user, message_id = %join.message,
        outcome = outcome.as_str(), "join, after asking for the user"
    );
    Ok(outcome)
}

/// Whether a decision says no more than what this very photo, or the lack of one, leads to.
const fn is_about_the_photo(decision: Decision) -> bool {
    match decision {
        Decision::Forward(_) => true,
        Decision::Skip(reason) => matches!(
            reason,
            SkipReason::NoPhoto | SkipReason::Excepted | SkipReason::Repeat
        ),
        Decision::LookUp | Decision::Hold => false,
    }
}

/// Decides on a join by what is known now; a rule's hit counts one.
pub(super) fn decide_on(
    tx: &Tx<'_>,
    shared: &Shared,
    join: &Join,
    user: Option<&User>,
    bio: &Bio,
) -> Result<Decision, StoreError> {
    let accounts = &shared.accounts;
    let rules = shared.rules_of(tx)?;
    let named = user.map(|user| hit(&rules, user, bio)).unwrap_or_default();
    let forwarded = tx.forwarded(join.user, join.group)?;
    let known = JoinContext {
        own: accounts.own,
        nospam_is_admin: nospam_is_admin(tx, accounts, join.group)?,
        adder_trusted: match join.added_by {
            AddedBy::Themselves => false,
            AddedBy::User(adder) => is_trusted(tx, accounts, adder)?,
            // Only an administrator acts in the name of a group.
            AddedBy::AnonymousAdmin => true,
        },
        trusted: is_trusted(tx, accounts, join.user)?,
        bad: tx.is_bad(join.user)?,
        named: !named.is_empty(),
        declared: tx.is_declared(join.group, join.message)?,
        flooded: tx.is_flooded(join.group)?,
        excepted: match user.map(|user| user.photo) {
            Some(ProfilePhoto::Present(photo)) => tx.is_excepted(photo.id)?,
            _ => false,
        },
        user,
        forwarded: &forwarded,
    };
    let decision = decide::join(join, &known);
    // A bio is asked for only where everything else would let the photo through.
    if matches!(decision, Decision::Forward(_)) && *bio == Bio::NotAsked && wants_bio(shared) {
        return Ok(Decision::LookUp);
    }
    if decision == Decision::Skip(SkipReason::Named) {
        for (list, rule) in named {
            tx.count_hit(list, &rule)?;
        }
    }
    Ok(decision)
}

/// Owes what a decision asks for; `recheck` if what was seen was not seen with the join.
pub(super) fn carry_out(
    tx: &Tx<'_>,
    join: &Join,
    decision: Decision,
    recheck: bool,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    Ok(match decision {
        Decision::Skip(reason) => Outcome::Skipped(reason.as_str()),
        Decision::LookUp => Outcome::LookUp,
        Decision::Hold => Outcome::Held,
        Decision::Forward(photo) => {
            let avatar = Avatar {
                group: join.group,
                user: join.user,
                message: join.message,
                photo,
                recheck,
            };
            if tx.enqueue_avatar(&avatar, now)? {
                Outcome::Queued
            } else {
                Outcome::Skipped(SkipReason::Repeat.as_str())
            }
        }
    })
}

fn nospam_is_admin(
    tx: &Tx<'_>,
    accounts: &Accounts,
    group: ChannelId,
) -> Result<Option<bool>, StoreError> {
    let Some(nospam) = accounts.nospam else {
        return Ok(None);
    };
    let known = tx.channel(group)?;
    if known.is_none_or(|known| known.admins_at.is_none()) {
        return Ok(None);
    }
    Ok(Some(tx.admins_of(group)?.contains(&nospam)))
}

fn is_trusted(tx: &Tx<'_>, accounts: &Accounts, user: UserId) -> Result<bool, StoreError> {
    Ok(accounts.fleet.contains(&user) || tx.is_admin_anywhere(user)?)
}

/// Returns every list of rules, in its order.
pub(super) fn rule_lists(tx: &Tx<'_>) -> Result<RuleLists, StoreError> {
    WordList::ALL
        .into_iter()
        .map(|list| {
            let rules = tx.rules(list)?;
            Ok((list, rules.into_iter().map(|(rule, _)| rule).collect()))
        })
        .collect()
}

/// The rules in force, and the texts that their hits are counted under.
#[derive(Debug, Default)]
pub struct RulesInForce {
    /// Which version of the lists, and the rules; none before the first are compiled.
    rules: Option<(u64, Rules)>,
    lists: RuleLists,
}

impl RulesInForce {
    /// Returns whether these are the rules of that version.
    pub(super) fn is_of(&self, version: u64) -> bool {
        self.rules.as_ref().is_some_and(|(own, _)| *own == version)
    }
}

pub(super) type RuleLists = BTreeMap<WordList, Vec<String>>;

/// Compiles the lists; what cannot be compiled is named by list and number.
pub(super) fn compile(version: u64, lists: RuleLists, zh_cn: bool) -> RulesInForce {
    let (rules, invalid) = Rules::compile(&lists, zh_cn);
    for invalid in invalid {
        tracing::warn!("a rule is skipped: {invalid}");
    }
    RulesInForce {
        rules: Some((version, rules)),
        lists,
    }
}

/// Whether bios matter: they are to be checked, and there are rules to check them against.
pub(super) fn wants_bio(shared: &Shared) -> bool {
    shared.settings.check_bio && shared.rules().lists.values().any(|rules| !rules.is_empty())
}

/// Returns the rules that a user's name or bio hits, each of which counts one.
fn hit(in_force: &RulesInForce, user: &User, bio: &Bio) -> Vec<(WordList, String)> {
    let Some((_, rules)) = &in_force.rules else {
        return Vec::new();
    };
    let bio = match bio {
        Bio::Asked(bio) => bio.as_deref(),
        Bio::NotAsked => None,
    };
    let result = rules.search(&user.name, bio);
    for rule in &result.over_limit {
        tracing::warn!("a rule ran past its limit of steps and was skipped: {rule}");
    }
    let text = |rule: RuleId| {
        let rules = in_force.lists.get(&rule.list)?;
        Some((rule.list, rules.get(rule.index)?.clone()))
    };
    result
        .hit
        .into_iter()
        .flat_map(Hit::rules)
        .filter_map(text)
        .collect()
}
