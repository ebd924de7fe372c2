//! Integration tests: the real binary against a simulated Telegram, a module per feature.

mod harness;

mod account;
mod administrators;
mod bios;
mod channels;
mod cli;
mod connections;
mod crashes;
mod delivery;
mod dialogs;
mod disk;
mod documents;
mod downloads;
mod foreign_text;
mod free_space;
mod joins;
mod known_account;
mod lists;
mod login;
mod lost_state;
mod migration;
mod module_boundaries;
mod orders;
mod pages;
mod photos;
mod recheck;
mod refused_posts;
mod regressions;
mod repeated_starts;
mod schedule;
mod signals;
mod skips;
mod startup;
mod status;
mod unreadable;
