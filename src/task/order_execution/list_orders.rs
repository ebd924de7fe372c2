//! The orders that clear or replace a list.

use std::borrow::Cow;

use super::effects::Execution;
use super::{ExecutionError, Preparation};
use crate::exchange::orders::ClearTarget;
use crate::list_file::SkippedEntries;
use crate::model::{List, ListData, WordList};
use crate::store::StoreError;
use crate::task::backup_files;
use crate::task::order_files::{AttachedList, FileError};

/// The data of a list that came with an order.
pub(in crate::task) struct ListFromFile<'a> {
    data: Cow<'a, ListData>,
    /// The parts of the file that mean nothing here.
    skipped: SkippedEntries,
}

impl<'a> Execution<'a, '_> {
    /// Clears a part of what is stored, once the backups that wait have their files.
    pub(super) fn clear(&mut self, part: ClearTarget) -> Result<&'static str, ExecutionError> {
        match self.attachments.preparation {
            Preparation::Files { .. } => {}
            Preparation::Failed(why) => return Err(ExecutionError::Refused(why.clone())),
            Preparation::Nothing if backup_files::has_pending_lists(self.tx)? => {
                let why = "a pending backup has no files yet";
                return Err(ExecutionError::Refused(why.into()));
            }
            Preparation::Nothing => {}
        }
        self.post_commit.deliver = true;
        self.post_commit.fetch = true;
        Ok(self.clear_part(part)?)
    }

    fn clear_part(&self, part: ClearTarget) -> Result<&'static str, StoreError> {
        let tx = self.tx;
        Ok(match part {
            ClearTarget::BadChannels => {
                tx.clear_bad_channels()?;
                "bad channels cleared"
            }
            ClearTarget::BadUsers => {
                tx.clear_bad_users()?;
                "bad users cleared"
            }
            ClearTarget::ExceptLong => {
                tx.clear_exceptions()?;
                "exceptions cleared"
            }
            ClearTarget::UserAll => {
                tx.forget_all_users(self.now)?;
                "users cleared"
            }
            ClearTarget::UserNew => {
                tx.forget_new_joins(self.now.plus(-self.executor.time_new), self.now)?;
                "new users cleared"
            }
        })
    }

    /// Replaces a rule list; rules that stay keep their hits.
    pub(super) fn update_rules(&mut self, words: WordList) -> Result<String, ExecutionError> {
        let list = List::Words(words);
        let found = data_of(list, self.attached())?;
        let ListData::Rules(rules) = found.data.as_ref() else {
            return Err(ExecutionError::Refused(
                "its file holds another list".into(),
            ));
        };
        self.tx.replace_rules(words, rules, true)?;
        self.post_commit.rules_changed = true;
        Ok(format!("{list} replaced, {} rules", rules.len()))
    }

    /// Replaces a list by the file of the post, once the list is kept.
    pub(super) fn roll_back(&mut self, list: List) -> Result<String, ExecutionError> {
        let found = data_of(list, self.attached())?;
        match self.attachments.preparation {
            Preparation::Files { kept: Some(_) } => {}
            Preparation::Failed(why) => return Err(ExecutionError::Refused(why.clone())),
            Preparation::Files { kept: None } | Preparation::Nothing => {
                return Err(ExecutionError::Refused(
                    "the replaced list is not kept".into(),
                ));
            }
        }
        self.tx.replace_list(list, &found.data, self.now)?;
        self.post_commit.deliver = true;
        self.post_commit.fetch = true;
        self.post_commit.rules_changed |= matches!(list, List::Words(_));
        self.post_commit.read_unknown_administrators |= list == List::AdminIds;
        Ok(if found.skipped.is_empty() {
            format!("{list} rolled back")
        } else {
            format!(
                "{list} rolled back; left out, as it means nothing here: {}",
                found.skipped.counts_by_kind()
            )
        })
    }

    fn attached(&self) -> Option<&'a AttachedList> {
        self.attachments.lists.get(&self.message)
    }
}

/// Returns the data of the file that came with an order, if they belong to the list that the order names.
pub(in crate::task) fn data_of(
    list: List,
    file: Option<&AttachedList>,
) -> Result<ListFromFile<'_>, FileError> {
    let file = match file {
        Some(Ok(file)) => file,
        Some(Err(why)) => return Err(why.clone()),
        None => return Err(FileError::NotFetched("it came without a file".into())),
    };
    match file.list {
        Some(named) if named != list => Err(FileError::Unusable(format!(
            "its file holds {named}, not {list}"
        ))),
        _ => {
            let found = file.data_for(list);
            let (data, skipped) = found.map_err(|error| FileError::Unusable(error.to_string()))?;
            Ok(ListFromFile { data, skipped })
        }
    }
}
