//! Posts in the private channels become effects: each order once, in channel order, within the
//! transaction that moves the channel's `pts`.
//!
//! Owns what each order changes (SPEC §5.5). Who may give it, `exchange::orders` says. What can only
//! be done outside of the database, such as removing a file or waking a loop, is handed back as an
//! [`PostCommit`], and may be lost in a crash without harm.

use std::borrow::Cow;
use std::collections::BTreeMap;

use fleet_exchange::Envelope;

use super::{Shared, enqueue, lists};
use crate::exchange::orders::{self, Classified, Cleared, Order, OrderError};
use crate::exchange::reports::{self, Asker};
use crate::exchange::route::RouteEvent;
use crate::list_file::{ListFile, SkippedEntries};
use crate::model::{
    Bad, ChannelId, ChannelPost, List, ListData, MessageId, Page, Timestamp, WordList,
};
use crate::store::{Outcome, StoreError, Tx, Waiting};

/// This program's name in the fleet.
const OWN_NAME: &str = "AVATAR";
/// Whose orders are reported to the debug channel.
const MANAGE: &str = "MANAGE";

/// The lists that came with a page's orders, or why one could not be had.
pub(super) type Attached = BTreeMap<MessageId, Result<ListFile, String>>;

/// What is left to do after the commit.
#[derive(Debug, Default)]
pub(super) struct PostCommit {
    /// Spool files that no post waits for any more.
    pub(super) unspool: Vec<String>,
    /// There is something to look up or fetch.
    pub(super) fetch: bool,
    /// There is something to post.
    pub(super) deliver: bool,
    /// The rules were replaced.
    pub(super) rules: bool,
    /// The administrators are to be learned anew.
    pub(super) refresh: bool,
}

/// Returns whether a post is an order that means nothing without its file.
pub(super) fn needs_file(post: &ChannelPost) -> bool {
    matches!(classify(post), Some((_, Classified::Order(order))) if order.needs_file())
}

/// Applies a page's posts.
pub(super) fn apply(
    tx: &Tx<'_>,
    shared: &Shared,
    page: &Page,
    attached: &Attached,
    now: Timestamp,
) -> Result<PostCommit, StoreError> {
    let mut after = PostCommit::default();
    if !shared.delivery.private.contains(&page.channel) {
        return Ok(after);
    }
    for post in &page.posts {
        if post.own || post.text.is_empty() || tx.knows_order(page.channel, post.message)? {
            continue;
        }
        let Some((envelope, classified)) = classify(post) else {
            tracing::debug!(channel = %page.channel, message_id = %post.message, "no envelope");
            tx.count_malformed()?;
            continue;
        };
        let order = match classified {
            Classified::NotForUs => continue,
            Classified::Refused(refused) if refused.reason == OrderError::Overheard => {
                tracing::debug!("{refused}");
                continue;
            }
            Classified::Refused(refused) => {
                tracing::warn!("an order was refused: {refused}");
                note(
                    tx,
                    page.channel,
                    post,
                    &envelope,
                    &refused.reason.to_string(),
                    now,
                )?;
                continue;
            }
            Classified::Order(order) => order,
        };
        let carried_out = Carrier {
            tx,
            shared,
            now,
            after: &mut after,
        }
        .carry_out(&order, attached.get(&post.message))?;
        match carried_out {
            Ok(done) => {
                tracing::info!(
                    sender = orders::loggable_sender(&envelope.from),
                    action = envelope.action,
                    kind = envelope.kind,
                    "order carried out: {done}"
                );
                note(tx, page.channel, post, &envelope, "obeyed", now)?;
                if envelope.from == MANAGE
                    && !matches!(order, Order::StatusAsk { .. })
                    && let Some(debug) = shared.settings.debug
                {
                    let text = reports::debug_text(admin_of(&order), &done);
                    enqueue::text_file(tx, &reports::debug(debug), &text, now)?;
                    after.deliver = true;
                }
            }
            Err(why) => {
                tracing::error!(
                    sender = orders::loggable_sender(&envelope.from),
                    action = envelope.action,
                    kind = envelope.kind,
                    "an order could not be carried out: {why}"
                );
                note(tx, page.channel, post, &envelope, &why, now)?;
            }
        }
    }
    Ok(after)
}

fn classify(post: &ChannelPost) -> Option<(Envelope, Classified)> {
    let envelope = Envelope::parse(&post.text).ok()?;
    let classified = orders::classify(&envelope, OWN_NAME);
    Some((envelope, classified))
}

fn note(
    tx: &Tx<'_>,
    channel: ChannelId,
    post: &ChannelPost,
    envelope: &Envelope,
    verdict: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let what = (
        orders::loggable_sender(&envelope.from),
        envelope.action.as_str(),
        envelope.kind.as_str(),
    );
    tx.note_order(channel, post.message, what, verdict, now)
}

fn admin_of(order: &Order) -> Option<i64> {
    match order {
        Order::Rollback { admin, .. }
        | Order::Clear { admin, .. }
        | Order::Refresh { admin }
        | Order::StatusAsk { admin, .. }
        | Order::VersionAsk { admin, .. } => Some(admin.get()),
        _ => None,
    }
}

/// Carries out one order. The outer error ends the transaction, the inner one refuses the order.
struct Carrier<'a, 'f> {
    tx: &'a Tx<'f>,
    shared: &'a Shared,
    now: Timestamp,
    after: &'a mut PostCommit,
}

impl Carrier<'_, '_> {
    fn carry_out(
        &mut self,
        order: &Order,
        file: Option<&Result<ListFile, String>>,
    ) -> Result<Result<String, String>, StoreError> {
        let (tx, now) = (self.tx, self.now);
        let done = match *order {
            Order::AddBad(bad) => {
                tx.set_bad(bad, true, now)?;
                if let Bad::User(user) = bad {
                    self.cancel(Waiting::User(user), Outcome::Skipped("bad"))?;
                }
                "put on the bad list".to_owned()
            }
            Order::RemoveBad(bad) => {
                tx.set_bad(bad, false, now)?;
                if let Bad::User(user) = bad {
                    tx.forget_user(user)?;
                }
                "taken off the bad list".to_owned()
            }
            Order::AddExcept { user } => {
                tx.enqueue_exception(user, true)?;
                self.after.fetch = true;
                "the present photo goes on the exception list".to_owned()
            }
            Order::RemoveExcept { user } => {
                tx.enqueue_exception(user, false)?;
                self.after.fetch = true;
                "the present photo goes off the exception list".to_owned()
            }
            Order::Declare { group, message } => {
                tx.declare(group, message, now)?;
                self.cancel(
                    Waiting::Message(group, message),
                    Outcome::Skipped("declared"),
                )?;
                "message declared".to_owned()
            }
            Order::FloodBegin { group } => {
                let unspool = tx.begin_flood(group, now)?;
                self.after.unspool.extend(unspool);
                "flood begins".to_owned()
            }
            Order::FloodEnd { group } => {
                tx.end_flood(group)?;
                self.after.fetch = true;
                "flood ends".to_owned()
            }
            Order::Kicked { group, user } => {
                self.cancel(Waiting::Member(group, user), Outcome::Kicked)?;
                let since = now.plus(-self.shared.settings.time_new);
                tx.close_joins(group, user, Outcome::Kicked, since)?;
                "kicked user dropped".to_owned()
            }
            Order::VersionAsk {
                admin,
                message,
                group,
            } => {
                let asker = Asker {
                    admin_id: admin.get(),
                    message_id: i64::from(message.get()),
                };
                enqueue::version(tx, self.shared.settings.dialect, asker, group, now)?;
                self.after.deliver = true;
                "version reported".to_owned()
            }
            Order::StatusAsk { admin, message } => {
                let asker = Asker {
                    admin_id: admin.get(),
                    message_id: i64::from(message.get()),
                };
                enqueue::status_reply(tx, asker, now)?;
                self.after.deliver = true;
                "status reported".to_owned()
            }
            Order::BackupNow => {
                enqueue::backup(tx, self.shared.settings.dialect, now)?;
                self.after.fetch = true;
                "backup begun".to_owned()
            }
            Order::RegexCount => {
                let lists = enqueue::counts(tx, now)?;
                self.after.deliver = true;
                format!("{lists} counts reported")
            }
            Order::Rollback { list, .. } => return self.roll_back(list, file),
            Order::RegexUpdate { list } => return self.update_rules(list, file),
            Order::Clear { part, .. } => {
                if let Err(why) = self.save_waiting()? {
                    return Ok(Err(why));
                }
                self.clear(part)?.to_owned()
            }
            Order::RemoveScore { user } => {
                tx.forget_user(user)?;
                "user's records cleared".to_owned()
            }
            Order::Refresh { .. } => {
                self.after.refresh = true;
                "administrators are learned anew".to_owned()
            }
            Order::Hide(hide) => {
                if enqueue::turn(tx, self.shared, RouteEvent::Ordered { hide }, now)? {
                    self.after.deliver = true;
                }
                let route: &str = enqueue::route(tx, self.shared)?.into();
                format!("posts go to {route}")
            }
        };
        Ok(Ok(done))
    }

    fn cancel(&mut self, which: Waiting, outcome: Outcome) -> Result<(), StoreError> {
        let unspool = self.tx.cancel(which, outcome, self.now)?;
        self.after.unspool.extend(unspool);
        Ok(())
    }

    fn clear(&self, part: Cleared) -> Result<&'static str, StoreError> {
        let tx = self.tx;
        Ok(match part {
            Cleared::BadChannels => {
                tx.clear_bad(false)?;
                "bad channels cleared"
            }
            Cleared::BadUsers => {
                tx.clear_bad(true)?;
                "bad users cleared"
            }
            Cleared::ExceptLong => {
                tx.clear_excepted()?;
                "exceptions cleared"
            }
            Cleared::UserAll => {
                tx.forget_users(None)?;
                "users cleared"
            }
            Cleared::UserNew => {
                tx.forget_users(Some(self.now.plus(-self.shared.settings.time_new)))?;
                "new users cleared"
            }
        })
    }

    /// Replaces a list of rules; those that stay keep their hits.
    fn update_rules(
        &mut self,
        words: WordList,
        file: Option<&Result<ListFile, String>>,
    ) -> Result<Result<String, String>, StoreError> {
        let list = List::Words(words);
        match data_of(list, file) {
            Ok((data, _)) => {
                let ListData::Rules(rules) = data.as_ref() else {
                    return Ok(Err("its file holds another list".into()));
                };
                self.tx.replace_rules(words, rules, true)?;
                self.after.rules = true;
                Ok(Ok(format!("{list} replaced, {} rules", rules.len())))
            }
            Err(why) => Ok(Err(why)),
        }
    }

    /// Replaces a list by the post's file; what was there is kept as a sealed file first.
    fn roll_back(
        &mut self,
        list: List,
        file: Option<&Result<ListFile, String>>,
    ) -> Result<Result<String, String>, StoreError> {
        let (data, skipped) = match data_of(list, file) {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        if let Err(why) = self.save_waiting()? {
            return Ok(Err(why));
        }
        let keep = &self.shared.settings.data_dir;
        let replaced =
            lists::replace_list(self.tx, &self.shared.decoder, keep, (list, &data), self.now);
        match replaced {
            // What was there cannot be kept, and nothing was replaced: an order must not end the program.
            Err(StoreError::Unreadable(why)) => return Ok(Err(why)),
            replaced => replaced?,
        }
        self.after.rules |= matches!(list, List::Words(_));
        Ok(Ok(if skipped.is_empty() {
            format!("{list} rolled back")
        } else {
            format!(
                "{list} rolled back; left out, as it means nothing here: {}",
                skipped.counts_by_kind()
            )
        }))
    }

    /// Makes the lists that a backup is still to save: what comes next destroys what they are to hold.
    fn save_waiting(&mut self) -> Result<Result<(), String>, StoreError> {
        self.after.deliver = true;
        lists::save_waiting(self.tx, self.shared, self.now)
    }
}

/// Returns the data of a file that came with an order, if they are of the list that it names.
fn data_of(
    list: List,
    file: Option<&Result<ListFile, String>>,
) -> Result<(Cow<'_, ListData>, SkippedEntries), String> {
    let file = match file {
        Some(Ok(file)) => file,
        Some(Err(why)) => return Err(why.clone()),
        None => return Err("it came without a file".into()),
    };
    match file.list {
        Some(named) if named != list => Err(format!("its file holds {named}, not {list}")),
        _ => file.data_for(list).map_err(|error| error.to_string()),
    }
}
