//! The decisions about lists of members (docs/outcomes.md): which members are new, how a group shows its joins, and
//! which list is read next.
//!
//! Everything is a function of what the store knows, of the answers of Telegram, and of the time.

mod first_message;
mod group_class;
mod new_member;
mod reading;
mod scan_due;
mod schedule;

pub use first_message::{FirstMessage, LEARNING_SENDERS, Learning, first_message};
pub use group_class::{ClassEvidence, group_class};
pub use new_member::{MemberHistory, NewMemberRule};
pub use reading::{MAX_PAGES, next_period, reads_another_page};
pub use scan_due::dates_are_refused;
pub use schedule::{NextStep, ScanCall, ScanSchedule, ScanStep};
