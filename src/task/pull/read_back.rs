//! Searches for where the reading back of a group begins, at the first start after an import.
//!
//! A step looks at one page and records nothing of it, unless that page holds everything there is to read. Afterwards
//! the ledger says where the reading begins. A crash during a search loses only the search.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ChannelPuller;
use crate::decide::channel_tracker::{GapEnd, PageRead, PullEnd};
use crate::decide::{ReadBackBounds, ReadBackCut, ReadBackSearch};
use crate::model::{ChannelId, ChannelKind, MessageId, Page};
use crate::store::KnownChannel;
use crate::task::TaskError;
use crate::task::dialog_sync::{self, NOT_READ_BACK};

/// The progress of the reading back in this process. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct ReadBackProgress(Arc<Mutex<Groups>>);

#[derive(Debug, Default)]
struct Groups {
    /// The groups that are being read back, each with its search until that ends.
    searches: BTreeMap<ChannelId, Option<ReadBackSearch>>,
    finished: usize,
    /// How many groups have older messages that may hold missing joins.
    cut: usize,
}

/// A search that runs.
pub(super) struct RunningSearch {
    search: ReadBackSearch,
    bounds: ReadBackBounds,
}

impl ReadBackProgress {
    fn lock(&self) -> MutexGuard<'_, Groups> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChannelPuller {
    /// Returns the search of a group that an import has read back; `None` if there is none or it has ended.
    pub(super) async fn running_search(
        &self,
        known: &KnownChannel,
        gap: GapEnd,
    ) -> Result<Option<RunningSearch>, TaskError> {
        let channel = &known.channel;
        if channel.pts != NOT_READ_BACK || channel.kind != ChannelKind::Group {
            return Ok(None);
        }
        let (from, watched_from) = self
            .database
            .read(|tx| Ok((tx.read_back_from()?, tx.watched_from(channel.id)?)))
            .await?;
        let Some(from) = from else {
            return Ok(None);
        };
        let mut groups = self.read_back.lock();
        let search = groups
            .searches
            .entry(channel.id)
            .or_insert_with(|| Some(ReadBackSearch::new(gap.top)));
        Ok(search.map(|search| RunningSearch {
            search,
            bounds: ReadBackBounds {
                wanted: from.max(channel.since),
                earliest: watched_from.max(channel.since),
                lowest: channel.top_message,
            },
        }))
    }

    /// Looks at the next page of a search.
    pub(super) async fn look_further(
        &self,
        known: &KnownChannel,
        running: RunningSearch,
        limit: i32,
    ) -> Result<PullEnd, TaskError> {
        let (id, hash) = (known.channel.id, known.channel.access_hash);
        let after = running.search.before_next(limit, &running.bounds);
        let call = self
            .telegram
            .messages(id, hash, after, running.search.next(), limit);
        match self.runtime.or_shutdown(call).await? {
            Ok(page) => self.looked_at(id, running, after, Some(&page)).await,
            Err(error) => self.failed(id, error, false).await,
        }
    }

    /// Passes the next message of a search, which cannot be read. The reading counts it.
    pub(super) async fn look_past(
        &self,
        known: &KnownChannel,
        running: RunningSearch,
    ) -> Result<PullEnd, TaskError> {
        let after = running.search.before_next(1, &running.bounds);
        self.looked_at(known.channel.id, running, after, None).await
    }

    async fn looked_at(
        &self,
        group: ChannelId,
        running: RunningSearch,
        after: MessageId,
        page: Option<&Page>,
    ) -> Result<PullEnd, TaskError> {
        let RunningSearch { mut search, bounds } = running;
        let messages = page.map_or(&[][..], |page| &page.messages);
        let Some(start) = search.looked_at(after, messages, &bounds) else {
            self.read_back.lock().searches.insert(group, Some(search));
            return Ok(PullEnd::PageApplied(PageRead::default()));
        };
        if let Some(cut) = start.cut {
            self.read_back.lock().cut += 1;
            log_cut(group, start.after, cut);
        }
        match page {
            Some(page) if start.is_page_enough => {
                self.pages.apply_prepared(page).await?;
            }
            _ => {
                self.database
                    .write(|tx| tx.set_position(group, NOT_READ_BACK, start.after))
                    .await?;
            }
        }
        self.read_back.lock().searches.insert(group, None);
        Ok(PullEnd::PageApplied(PageRead::default()))
    }

    /// Records that a group was read back, or that the account is not in it any more. A group without messages, and one
    /// that the account left before, had no search.
    pub(super) async fn read_back_ended(&self, group: ChannelId) -> Result<(), TaskError> {
        let search = self.read_back.lock().searches.remove(&group);
        self.read_back.lock().finished += usize::from(search.is_some());
        self.end_reading_back().await
    }

    /// Ends the reading back if no group is left of it.
    pub(in crate::task) async fn end_reading_back(&self) -> Result<(), TaskError> {
        if dialog_sync::end_reading_back(&self.database).await? {
            let (groups, cut) = {
                let progress = self.read_back.lock();
                (progress.finished, progress.cut)
            };
            tracing::info!(groups, cut, "the groups were read back");
        }
        Ok(())
    }
}

fn log_cut(group: ChannelId, after: MessageId, cut: ReadBackCut) {
    let down_to = cut
        .down_to
        .map_or_else(|| "unknown".to_owned(), |time| time.to_string());
    tracing::warn!(
        %group,
        after_message = %after,
        %down_to,
        limit = cut.limit,
        "only the newest messages of a group are read back: earlier joins are left out"
    );
}
