//! The vocabulary of the program: ids, users, channels, joins, lists and outbox payloads, as plain data.
//!
//! This module knows neither the wire nor the database nor the clock. Its types describe what was seen; the
//! modules above decide what follows from it.

pub mod as_json;
mod channel;
mod group_scan;
mod group_signs;
mod id;
mod join_outcome;
mod list;
mod list_change;
mod list_source;
mod member;
mod message_link;
mod page;
mod payload;
mod share;
mod skip_reason;
mod user;

pub use channel::{Channel, ChannelKind, GroupClass, ScanReason};
pub use group_scan::{GroupScan, PendingSender, ScanRecord};
pub use group_signs::GroupSigns;
pub use id::{AccessHash, ChannelId, MessageId, PhotoId, Timestamp, UserId};
pub use join_outcome::{EffectOnRecheck, JoinOutcome, UnknownOutcome};
pub use list::{
    BadEntry, BadIds, ExceptIds, ForwardedRecord, JoinRecord, List, ListData, UserIds, WordList,
};
pub use list_change::ListChange;
pub use list_source::ListSource;
pub use member::{FullGroup, Member, MembersPage, Membership, MembershipAnswer};
pub use message_link::{MessageLink, MessageLinkError};
pub use page::{
    AddedBy, Advance, ChannelPost, DatedMessage, Document, DocumentRef, FoundBy, Join, Page, Sender,
};
pub use payload::{Avatar, Content, Payload, Purpose};
pub use share::Share;
pub use skip_reason::{Explanation, SkipReason};
pub use user::{Photo, ProfilePhoto, User, UserRef};
