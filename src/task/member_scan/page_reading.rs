//! Reads a page of a list of members. Telegram leaks constructors that this layer lacks, and one of them makes a whole
//! answer unreadable: such a page is read in halves, down to the one row that is then left out.

use super::{MemberScan, TaskError};
use crate::decide::member_scan::ScanCall;
use crate::model::{GroupScan, MembersPage};
use crate::telegram::{CallError, MEMBERS_PER_CALL};

/// After so many unreadable answers the rows are not the cause.
const MAX_UNREADABLE_ANSWERS: usize = 24;

impl MemberScan {
    /// Reads the page that begins at the row `offset`. Returns `None` if it has to be read later.
    pub(super) async fn read_page(
        &mut self,
        group: &GroupScan,
        offset: usize,
    ) -> Result<Option<MembersPage>, TaskError> {
        let mut page = MembersPage::default();
        // The parts that are not read yet, the next one last.
        let whole = offset..offset + MEMBERS_PER_CALL;
        let mut parts = vec![whole];
        let mut unreadable = 0;
        while let Some(rows) = parts.pop() {
            if unreadable > 0 {
                let pace = self.schedule.pause_before(ScanCall::Members, self.now());
                self.parts.runtime.pause(pace).await?;
            }
            let may_split = unreadable < MAX_UNREADABLE_ANSWERS;
            let telegram = self.parts.telegram.clone();
            let call = async {
                let call = telegram.members(group.group, group.access_hash, rows.clone());
                match call.await {
                    Err(CallError::Unusable { .. }) if may_split => Ok(None),
                    answer => answer.map(Some),
                }
            };
            let Some(answer) = self.call(ScanCall::Members, group.group, call).await? else {
                return Ok(None);
            };
            match answer {
                Some(part) => {
                    self.schedule.record_success(group.group);
                    if part.rows == 0 {
                        parts.clear();
                    }
                    page.members.extend(part.members);
                    page.rows += part.rows;
                    page.count = part.count;
                }
                None => {
                    unreadable += 1;
                    if rows.len() == 1 {
                        page.rows += 1;
                        tracing::warn!(group = %group.group, "a member who cannot be read is left out");
                    } else {
                        let middle = rows.start + rows.len() / 2;
                        parts.extend([middle..rows.end, rows.start..middle]);
                    }
                }
            }
        }
        Ok(Some(page))
    }
}
