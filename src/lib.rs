//! SCP-079-AVATAR: forwards the profile photos of new group members to the SCP-079 fleet.
//!
//! ARCHITECTURE.md describes how the modules work together; docs/ describes the behaviour.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod decide;
pub mod exchange;
pub mod file_codec;
pub mod list_file;
pub mod model;
pub mod photo;
pub mod python_program;
pub mod rules;
pub mod schedule;
pub mod secret;
pub mod shutdown;
pub mod spool;
pub mod store;
pub mod task;
pub mod telegram;
pub mod version;
