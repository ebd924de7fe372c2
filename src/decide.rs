//! The decisions of the program, as synchronous functions of (event, context, now).
//!
//! This module holds the order of the reasons to skip a join, the rule of which photo is new at a recheck, the
//! coverage of a group, how far groups are read back after an import, the meaning of a channel's error, of a failed
//! post and of a refused document, the pace of posts, the time that an order waits for its file, and who covers for whom
//! among several instances. For the host it decides when a sign of life is stored, when a task counts as hung, when
//! `online` is posted, and when a raid is summed up in the log. It knows neither the wire nor the database nor the clock:
//! everything that a decision needs comes in as a value.

mod channel_refusal;
pub mod channel_tracker;
mod coverage;
mod deleted_unread;
mod join_decision;
mod life_record;
mod liveness;
pub mod member_scan;
mod new_photo;
mod online_report;
mod order_file;
mod pace;
mod raid_summary;
mod read_back;
mod refusals;
mod repost;
mod retry;
pub mod share;
mod start_pause;

pub use channel_refusal::{ChannelRefusal, channel_refusal};
pub use coverage::Coverage;
pub use deleted_unread::deleted_unread;
pub use join_decision::{Decision, JoinContext, join};
pub use life_record::{LifeRecord, RECORD_INTERVAL};
pub use liveness::Heartbeat;
pub use new_photo::{new_photo, overrides_outcome};
pub use online_report::{ONLINE_INTERVAL, is_online_report_due};
pub use order_file::{ORDER_FILE_LIMIT, OrderFileFailure, order_file_failed};
pub use pace::{AdaptivePace, CALM_INTERVAL, FEW_PHOTOS, LearnedPace};
pub use raid_summary::{MinuteLoad, RAID_JOINS, RaidSummary};
pub use read_back::{
    ReadBackBounds, ReadBackCut, ReadBackSearch, ReadBackStart, earliest_join, lowest_message,
};
pub use refusals::{RefusalRun, is_refusal_final};
pub use repost::{
    RenewalDecision, RenewalResult, RepostDecision, RepostHistory, renewed, repost_refused,
};
pub use retry::{
    CLOSED_PAUSE, DUPLICATE, PostFailure, Refusal, RetryDecision, backoff, post_failed,
};
pub use start_pause::start_pause;
