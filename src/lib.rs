//! SCP-079-AVATAR: forwards the profile photos of new group members to the SCP-079 fleet.

pub mod clock;
pub mod decide;
pub mod model;
pub mod shutdown;
pub mod telegram;
