//! The running binary against the simulator: one test binary, a room per feature.

mod harness;

mod cli;
mod crashes;
mod joins;
mod login;
mod rooms;
mod skips;
mod startup;
