//! The running binary against the simulator: one test binary, a room per feature.

mod harness;

mod joins;
