//! Decides on joins within a transaction: reads what the store knows, asks `decide`, and records the result.
//!
//! The module is used for joins as they are seen, for joins whose user was looked up, and at a recheck. It knows
//! nothing of pages or of the loops. See docs/outcomes.md.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::RuleBook;
use crate::decide::share::{NewRow, ShownAvatar, is_taken};
use crate::decide::{self, Decision, JoinContext};
use crate::model::{
    AddedBy, Avatar, ChannelId, Join, JoinOutcome, Photo, ProfilePhoto, Share, SkipReason,
    Timestamp, User, UserId,
};
use crate::store::{Enqueued, PostedAs, StoreError, Tx};

/// The accounts that matter to a decision.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// This account.
    pub own: UserId,
    /// NOSPAM; if it is configured, only the groups that it administers are watched.
    pub nospam: Option<UserId>,
    /// The fleet's accounts, NOSPAM among them.
    pub fleet: BTreeSet<UserId>,
}

/// Decides on joins. Cheap to clone.
#[derive(Clone, Debug)]
pub struct JoinPolicy {
    pub accounts: Arc<Accounts>,
    /// Bios are matched, too.
    pub check_bio: bool,
    pub rule_book: RuleBook,
    /// The part of the members that is this instance's own.
    pub share: Share,
    /// The channel in which other instances post.
    pub hide: ChannelId,
}

/// The bio of a joiner, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bio<'a> {
    NotAsked,
    /// The program asked for the bio; `None` if the user has none, or the answer did not come in time.
    Asked(Option<&'a str>),
}

/// How much was learned about a joiner.
#[derive(Clone, Copy)]
struct Seen<'a> {
    was_looked_up: bool,
    is_unproven: bool,
    bio: Bio<'a>,
}

impl JoinPolicy {
    /// Decides on a join by what is known now, and counts the hits of rules.
    pub(super) fn decide(
        &self,
        tx: &Tx<'_>,
        join: &Join,
        user: Option<&User>,
        bio: Bio<'_>,
    ) -> Result<Decision, StoreError> {
        let seen = Seen {
            was_looked_up: false,
            is_unproven: false,
            bio,
        };
        self.decide_as_seen(tx, join, user, seen)
    }

    /// Decides on the sender of a first message, whom nothing proves to be a new member.
    pub(super) fn decide_unproven(&self, tx: &Tx<'_>, join: &Join) -> Result<Decision, StoreError> {
        let seen = Seen {
            was_looked_up: false,
            is_unproven: true,
            bio: Bio::NotAsked,
        };
        self.decide_as_seen(tx, join, None, seen)
    }

    fn decide_as_seen(
        &self,
        tx: &Tx<'_>,
        join: &Join,
        user: Option<&User>,
        seen: Seen<'_>,
    ) -> Result<Decision, StoreError> {
        let Seen {
            was_looked_up,
            is_unproven,
            bio,
        } = seen;
        let bio_text = match bio {
            Bio::Asked(bio) => bio,
            Bio::NotAsked => None,
        };
        let rules = self.rule_book.rules_at(tx)?;
        let hits = user
            .map(|user| rules.hits(user, bio_text))
            .unwrap_or_default();
        let forwarded = tx.forwarded_or_pending(join.user, join.group)?;
        let context = JoinContext {
            own: self.accounts.own,
            nospam_is_admin: self.nospam_is_admin(tx, join.group)?,
            adder_trusted: match join.added_by {
                AddedBy::Themselves => false,
                AddedBy::User(adder) => self.is_trusted(tx, adder)?,
                // Only an administrator acts in the name of a group.
                AddedBy::AnonymousAdmin => true,
            },
            is_trusted: self.is_trusted(tx, join.user)?,
            on_bad_list: tx.is_bad(join.user)?,
            hits_rule: !hits.is_empty(),
            handled_by_other_bot: tx.is_declared(join.group, join.message)?,
            has_group_flood: tx.has_group_flood(join.group)?,
            photo_is_excepted: match user.map(|user| user.photo) {
                Some(ProfilePhoto::Present(photo)) => tx.is_excepted(photo.id)?,
                _ => false,
            },
            user,
            was_looked_up,
            is_unproven,
            forwarded: &forwarded,
        };
        let decision = decide::join(join, &context);
        // The call for a bio is rate limited, so it is made only where everything else lets the photo through.
        if matches!(decision, Decision::Forward(_)) && bio == Bio::NotAsked && self.wants_bio() {
            return Ok(Decision::LookUp);
        }
        if decision == Decision::Skip(SkipReason::Named) {
            for hit in hits {
                tx.count_hit(hit.list, &hit.pattern)?;
            }
        }
        Ok(decision)
    }

    /// Decides again on a recorded join, after its user was looked up, and records the outcome. The outcome is `lookup`
    /// if the bio has to be asked for first.
    pub(super) fn decide_looked_up(
        &self,
        tx: &Tx<'_>,
        join: &Join,
        user: &User,
        bio: Bio<'_>,
        now: Timestamp,
    ) -> Result<JoinOutcome, StoreError> {
        tx.record_user(user, None)?;
        let seen = Seen {
            was_looked_up: true,
            is_unproven: false,
            bio,
        };
        let decision = self.decide_as_seen(tx, join, Some(user), seen)?;
        let recheck = tx.was_rechecked(join)?;
        let outcome = self.carry_out(tx, join, decision, recheck, now)?;
        let outcome = if concerns_photo_only(decision) {
            tx.settle_photo(join.group, join.message, join.user, outcome)?
        } else {
            tx.set_join_outcome(join.group, join.message, join.user, outcome)?;
            outcome
        };
        self.decide_unreadable(tx, user, now)?;
        tracing::info!(
            group = %join.group, user = %join.user, message_id = %join.message.or_zero(),
            outcome = outcome.as_str(), "join, its user looked up"
        );
        Ok(outcome)
    }

    /// Decides on the joins of a user that were unreadable, as soon as Telegram shows the user. Returns `true` if there
    /// is something to download or to look up.
    pub(super) fn decide_unreadable(
        &self,
        tx: &Tx<'_>,
        user: &User,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if user.photo == ProfilePhoto::Unknown {
            return Ok(false);
        }
        let mut fetch = false;
        for join in tx.unreadable_joins(user.id)? {
            tx.record_user(user, None)?;
            let decision = self.decide(tx, &join, Some(user), Bio::NotAsked)?;
            let outcome = self.carry_out(tx, &join, decision, true, now)?;
            if let (JoinOutcome::LookUp | JoinOutcome::Held, ProfilePhoto::Present(photo)) =
                (outcome, user.photo)
            {
                let found = avatar_of(&join, photo, true);
                tx.record_unqueued_photo(&found, outcome, now)?;
            }
            tx.set_join_outcome(join.group, join.message, join.user, outcome)?;
            tracing::info!(
                group = %join.group, user = %join.user, message_id = %join.message.or_zero(),
                outcome = outcome.as_str(), "join, its user shown at last"
            );
            fetch |= matches!(outcome, JoinOutcome::LookUp | JoinOutcome::Queued);
        }
        Ok(fetch)
    }

    /// Enqueues the photo that a decision forwards, and returns the outcome of the join. `recheck` says that the photo
    /// was not seen with the join.
    pub(super) fn carry_out(
        &self,
        tx: &Tx<'_>,
        join: &Join,
        decision: Decision,
        recheck: bool,
        now: Timestamp,
    ) -> Result<JoinOutcome, StoreError> {
        let photo = match decision {
            Decision::Skip(reason) => return Ok(JoinOutcome::Skipped(reason)),
            Decision::LookUp => return Ok(JoinOutcome::LookUp),
            Decision::Hold => return Ok(JoinOutcome::Held),
            Decision::Forward(photo) => photo,
        };
        let avatar = avatar_of(join, photo, recheck);
        let (is_new, outcome) = match self.post_of_another_instance(tx, join, &avatar, now)? {
            Some(post) => (
                tx.record_taken_avatar(&avatar, post, now)?,
                JoinOutcome::Taken,
            ),
            None => match tx.enqueue_unless_restored(&avatar, now)? {
                None => (false, JoinOutcome::Queued),
                Some(Enqueued::Waiting) => (true, JoinOutcome::Queued),
                Some(Enqueued::Posted(_)) => (true, JoinOutcome::Forwarded),
            },
        };
        Ok(if is_new {
            outcome
        } else {
            JoinOutcome::Skipped(SkipReason::Repeat)
        })
    }

    /// Returns the post of another instance that makes a photo needless, if one was read before.
    fn post_of_another_instance(
        &self,
        tx: &Tx<'_>,
        join: &Join,
        avatar: &Avatar,
        now: Timestamp,
    ) -> Result<Option<PostedAs>, StoreError> {
        if self.share.is_whole() {
            return Ok(None);
        }
        let row = NewRow {
            message: avatar.reported_message(),
            recheck: avatar.recheck,
            joined_at: join.date,
            made_at: now,
        };
        let posts = tx.others_avatars(join.group, join.user)?;
        let taken = posts.iter().find(|post| {
            let shown = ShownAvatar {
                message: post.message,
                posted_at: post.posted_at,
                read_at: post.read_at,
            };
            is_taken(shown, row)
        });
        Ok(taken.map(|post| PostedAs {
            channel: self.hide,
            message: post.post,
        }))
    }

    /// Reports whether bios matter: they are to be checked, and there are rules to check them against.
    pub(super) fn wants_bio(&self) -> bool {
        self.check_bio && self.rule_book.has_rules()
    }

    fn nospam_is_admin(&self, tx: &Tx<'_>, group: ChannelId) -> Result<Option<bool>, StoreError> {
        let Some(nospam) = self.accounts.nospam else {
            return Ok(None);
        };
        let known = tx.channel(group)?;
        if known.is_none_or(|known| known.admins_at.is_none()) {
            return Ok(None);
        }
        Ok(Some(tx.admins_of(group)?.contains(&nospam)))
    }

    fn is_trusted(&self, tx: &Tx<'_>, user: UserId) -> Result<bool, StoreError> {
        Ok(self.accounts.fleet.contains(&user) || tx.is_admin_anywhere(user)?)
    }
}

/// Returns the photo of a joiner for the group that they joined.
const fn avatar_of(join: &Join, photo: Photo, recheck: bool) -> Avatar {
    Avatar {
        group: join.group,
        user: join.user,
        message: join.message,
        photo,
        recheck,
    }
}

/// Returns true if the decision depends only on this photo or its absence: it does not change the outcome that another
/// photo gave the join.
const fn concerns_photo_only(decision: Decision) -> bool {
    match decision {
        Decision::Forward(_) => true,
        Decision::Skip(reason) => match reason {
            SkipReason::NoPhoto
            | SkipReason::Unreadable
            | SkipReason::Excepted
            | SkipReason::Repeat => true,
            SkipReason::Own
            | SkipReason::UnwatchedGroup
            | SkipReason::AddedByTrusted
            | SkipReason::Bot
            | SkipReason::Deleted
            | SkipReason::Bad
            | SkipReason::Trusted
            | SkipReason::Named
            | SkipReason::Declared
            | SkipReason::Unproven => false,
        },
        Decision::LookUp | Decision::Hold => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BadEntry, WordList};
    use crate::task::fixture::{ADMIN, Fixture, GROUP, JOINER, NOSPAM, NOW, join, user};

    #[test]
    fn the_decision_follows_what_the_store_knows() {
        let fixture = Fixture::new();
        let policy = &fixture.join_policy;
        let joiner = user(JOINER, Some(7));
        let decide =
            |tx: &Tx<'_>| policy.decide(tx, &join(1, JOINER), Some(&joiner), Bio::NotAsked);
        let skip = |reason| Decision::Skip(reason);
        fixture.write(|tx| {
            // Administrators that are unknown do not make the group unwatched.
            assert!(matches!(decide(tx)?, Decision::Forward(_)));
            tx.replace_admins(GROUP, &[ADMIN], NOW)?;
            assert_eq!(decide(tx)?, skip(SkipReason::UnwatchedGroup));
            tx.replace_admins(GROUP, &[ADMIN, NOSPAM], NOW)?;
            assert!(matches!(decide(tx)?, Decision::Forward(_)));
            let by = |adder| Join {
                added_by: adder,
                ..join(1, JOINER)
            };
            for (adder, trusted) in [
                (AddedBy::User(ADMIN), true),
                (AddedBy::AnonymousAdmin, true),
                (AddedBy::User(UserId::new(77)), false),
            ] {
                let decision = policy.decide(tx, &by(adder), Some(&joiner), Bio::NotAsked)?;
                assert_eq!(
                    decision == skip(SkipReason::AddedByTrusted),
                    trusted,
                    "{adder:?}"
                );
            }
            tx.set_bad(BadEntry::User(JOINER), true, NOW)?;
            assert_eq!(decide(tx)?, skip(SkipReason::Bad));
            Ok(())
        });
    }

    #[test]
    fn a_bio_is_looked_up_only_where_rules_could_hit_it() {
        let mut fixture = Fixture::new();
        fixture.join_policy.check_bio = true;
        let policy = &fixture.join_policy;
        let joiner = user(JOINER, Some(7));
        fixture.write(|tx| {
            let decide = |bio| policy.decide(tx, &join(1, JOINER), Some(&joiner), bio);
            assert!(matches!(decide(Bio::NotAsked)?, Decision::Forward(_)));
            tx.replace_rules(WordList::Bio, &[("pills".into(), 0)], true)?;
            assert_eq!(decide(Bio::NotAsked)?, Decision::LookUp);
            assert!(matches!(decide(Bio::Asked(None))?, Decision::Forward(_)));
            let named = Decision::Skip(SkipReason::Named);
            assert_eq!(decide(Bio::Asked(Some("Pills!")))?, named);
            assert_eq!(tx.rules(WordList::Bio)?, [("pills".to_owned(), 1)]);
            Ok(())
        });
    }

    #[test]
    fn a_photo_that_is_enqueued_already_is_a_repeat() {
        let fixture = Fixture::new();
        let photo = Decision::Forward(crate::task::fixture::photo(7));
        fixture.write(|tx| {
            let join = join(1, JOINER);
            let policy = &fixture.join_policy;
            let first = policy.carry_out(tx, &join, photo, false, NOW)?;
            let second = policy.carry_out(tx, &join, photo, false, NOW)?;
            assert_eq!(
                (first, second),
                (
                    JoinOutcome::Queued,
                    JoinOutcome::Skipped(SkipReason::Repeat)
                )
            );
            Ok(())
        });
    }
}
