//! Pages through `messages.getDialogs`, and can be continued after any failure.
//!
//! A listing keeps its offset, so that a rate limit or a cut does not begin it again. A page that cannot be read is
//! halved until one dialog is left, which is stepped over; so is a page that names no next offset. The pages are not a
//! snapshot: while they are read, a dialog with a new message moves to the top, in front of the pages that follow.
//! Therefore the first page is fetched again at the end, until it shows no dialog that is missing.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use telegram_wire::tl::{enums, functions as f};
use telegram_wire::{CallError, Wire};

use super::date_search::DateSearch;
use super::page::{Offset, Page, PeerKey};
use super::page_limit::PageLimit;
use crate::model::{Channel, Timestamp};

/// The main list of dialogs, and the archive.
const FOLDERS: [i32; 2] = [0, 1];
/// How many positions of unreadable dialogs are remembered for the next list.
const MAX_HINTS: usize = 64;

/// The result of a step of a listing.
#[derive(Debug)]
pub enum ListingStep {
    /// The channels of one page.
    Page(Vec<Channel>),
    /// Every page was read.
    Complete,
}

/// A list of the account's channels, archived ones included, that is read page by page.
#[derive(Debug, Default)]
pub struct DialogListing {
    /// The position in [`FOLDERS`].
    folder: usize,
    stage: Stage,
    limit: PageLimit,
    /// The dialogs of this folder that were read.
    seen: BTreeSet<PeerKey>,
    /// How many pages of this folder were read.
    pages: usize,
    /// The first step of the next search by date.
    step: i32,
    /// How many dialogs of this folder were stepped over.
    skipped: usize,
    /// How many dialogs were stepped over in this list, and at most in any list so far.
    skipped_in_all: usize,
    most_skipped: usize,
    /// Where unreadable dialogs were found: the folder, and the date from which on the list could be read again.
    hints: BTreeSet<(usize, i32)>,
}

#[derive(Debug)]
enum Stage {
    Pages(Offset),
    /// Looks for the next offset by date.
    Search {
        dates: DateSearch,
        /// The search is about one dialog that cannot be read.
        unreadable: bool,
    },
    /// Reads the first page again.
    FirstPage,
}

impl Default for Stage {
    fn default() -> Self {
        Self::Pages(Offset::START)
    }
}

impl DialogListing {
    /// Begins again with the newest dialog.
    pub fn restart(&mut self) {
        self.begin_folder(0);
        self.skipped_in_all = 0;
    }

    /// Asks for the next page.
    pub(in crate::telegram) async fn advance(
        &mut self,
        wire: &Wire,
        now: Timestamp,
    ) -> Result<ListingStep, CallError> {
        while self.folder < FOLDERS.len() {
            match wire.invoke(&self.request()).await {
                Ok(answer) => {
                    let channels = self.take(answer, now);
                    if !channels.is_empty() {
                        return Ok(ListingStep::Page(channels));
                    }
                }
                Err(CallError::Unusable { cause, .. }) => self.note_unreadable(&cause, now),
                Err(error) => {
                    // An answer that is too large for the client looks like a lost connection.
                    if matches!(
                        error,
                        CallError::Network { .. } | CallError::ServerError { .. }
                    ) {
                        self.limit.fail();
                    }
                    return Err(error);
                }
            }
        }
        Ok(ListingStep::Complete)
    }

    fn request(&self) -> f::messages::GetDialogs {
        let mut limit = self.limit.get();
        let offset = match &self.stage {
            Stage::Pages(offset) => offset.clone(),
            Stage::Search { dates, unreadable } => {
                if *unreadable {
                    limit = 1;
                }
                Offset::at_date(dates.probe())
            }
            Stage::FirstPage => Offset::START,
        };
        f::messages::GetDialogs {
            exclude_pinned: !offset.with_pinned,
            folder_id: Some(FOLDERS[self.folder]),
            offset_date: offset.date,
            offset_id: offset.message,
            offset_peer: offset.peer,
            limit: i32::try_from(limit).unwrap_or(1),
            hash: 0,
        }
    }

    /// Takes a page over, and returns its channels.
    fn take(&mut self, answer: enums::messages::Dialogs, now: Timestamp) -> Vec<Channel> {
        let Some(page) = Page::new(answer) else {
            self.begin_folder(self.folder + 1);
            return Vec::new();
        };
        let fresh = page.keys().filter(|key| !self.seen.contains(key)).count();
        match &mut self.stage {
            Stage::Search { dates, unreadable } => {
                let is_beyond = fresh == page.keys().count();
                let overlaps = fresh > 0 && !is_beyond;
                if is_beyond {
                    dates.set_beyond();
                } else if !overlaps {
                    dates.set_stuck();
                }
                if !overlaps {
                    let (found, unreadable) = (dates.found(), *unreadable);
                    if let Some(date) = found {
                        self.step_over(date, unreadable);
                    } else if dates.is_exhausted() {
                        self.end_pages();
                    }
                    return Vec::new();
                }
                // The page continues where the list was stuck. The next search begins with steps as large, or larger ones
                // if this page brought little.
                let offset = Offset::at_date(dates.probe());
                self.step = if fresh * 2 < page.keys().count() {
                    dates.next_step()
                } else {
                    dates.step()
                };
                self.collect(&page);
                self.continue_after(&page, fresh, &offset, now);
            }
            Stage::Pages(offset) => {
                let offset = offset.clone();
                self.collect(&page);
                self.continue_after(&page, fresh, &offset, now);
            }
            Stage::FirstPage => {
                self.collect(&page);
                if fresh == 0 {
                    self.begin_folder(self.folder + 1);
                }
            }
        }
        page.channels()
    }

    fn collect(&mut self, page: &Page) {
        self.pages += 1;
        self.limit.succeed(page.dialogs.len());
        self.seen.extend(page.keys());
    }

    /// Chooses the next step after a page that began at `offset` and showed `fresh` dialogs that were not seen before.
    fn continue_after(&mut self, page: &Page, fresh: usize, offset: &Offset, now: Timestamp) {
        if page.is_whole {
            return self.begin_folder(self.folder + 1);
        }
        if page.dialogs.is_empty() {
            return self.end_pages();
        }
        if offset.with_pinned && page.has_only_pinned() {
            self.stage = Stage::Pages(Offset {
                with_pinned: false,
                ..Offset::START
            });
            return;
        }
        match page.offset_after() {
            Some(next) if fresh > 0 => self.stage = Stage::Pages(next),
            // The page leads no further, although the list has more dialogs.
            _ if self.seen.len() + self.skipped < page.count => {
                self.search(offset.date, false, now);
            }
            _ => self.end_pages(),
        }
    }

    /// An answer could not be parsed: something in it has a constructor that this layer lacks.
    fn note_unreadable(&mut self, cause: &str, now: Timestamp) {
        tracing::debug!(
            limit = self.limit.get(),
            cause,
            "a page of dialogs cannot be read"
        );
        match &mut self.stage {
            Stage::Pages(_)
            | Stage::Search {
                unreadable: false, ..
            } if !self.limit.is_one() => {
                self.limit.fail();
            }
            // The pinned dialogs are at most a handful, and cannot be stepped over one by one.
            Stage::Pages(offset) if offset.with_pinned => {
                self.limit.step_over();
                offset.with_pinned = false;
            }
            Stage::Pages(offset) => {
                let date = offset.date;
                self.search(date, true, now);
            }
            Stage::Search { dates, unreadable } => {
                dates.set_stuck();
                let unreadable = *unreadable;
                if let Some(date) = dates.found() {
                    self.step_over(date, unreadable);
                } else if dates.is_exhausted() {
                    self.end_pages();
                }
            }
            // The next list shows what moved.
            Stage::FirstPage => self.begin_folder(self.folder + 1),
        }
    }

    /// Looks for the next offset below `date`, or below the present if there is none.
    fn search(&mut self, date: i32, unreadable: bool, now: Timestamp) {
        let stuck = match date {
            0 => i32::try_from(now.get())
                .unwrap_or(i32::MAX)
                .saturating_add(1),
            date => date,
        };
        let hints = self.hints.range((self.folder, 0)..(self.folder, stuck));
        let hint = hints.map(|(_, date)| *date).next_back();
        self.stage = Stage::Search {
            dates: if unreadable {
                DateSearch::new(stuck, hint)
            } else {
                DateSearch::with_step(stuck, self.step.max(1))
            },
            unreadable,
        };
    }

    /// Continues below `date`, without the dialogs in front of it.
    fn step_over(&mut self, date: i32, unreadable: bool) {
        self.limit.step_over();
        self.stage = Stage::Pages(Offset::at_date(date));
        if !unreadable {
            return;
        }
        self.skipped += 1;
        self.skipped_in_all += 1;
        if self.hints.len() >= MAX_HINTS {
            self.hints.clear();
        }
        self.hints.insert((self.folder, date));
        if self.skipped_in_all > self.most_skipped {
            self.most_skipped = self.skipped_in_all;
            tracing::warn!(
                skipped = self.skipped_in_all,
                "a dialog cannot be read and is skipped"
            );
        }
    }

    fn end_pages(&mut self) {
        if self.pages > 1 {
            self.stage = Stage::FirstPage;
        } else {
            self.begin_folder(self.folder + 1);
        }
    }

    fn begin_folder(&mut self, folder: usize) {
        self.folder = folder;
        self.stage = Stage::default();
        self.seen.clear();
        self.pages = 0;
        self.step = 1;
        self.skipped = 0;
    }
}
