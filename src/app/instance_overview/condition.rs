//! Whether an instance runs: from who has the data directory, and from what was left in it.

use std::path::PathBuf;

use serde::Serialize;

use crate::model::{Timestamp, UserId, said};
use crate::store::{Holder, Instance};

/// Whether an instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It runs.
    Running,
    /// A process has the data directory, but does not say that it runs: it just starts or ends, or is
    /// another command.
    Busy,
    /// It was told to end, and did.
    Ended,
    /// It ended because of trouble.
    Failed,
    /// It ended without a word: killed, or with the machine.
    Died,
    /// It never ran.
    NeverRan,
}

/// Whether an instance runs, and what it left about itself.
#[derive(Clone, Debug, Serialize)]
pub struct Condition {
    /// Whether it runs.
    pub state: State,
    /// The process that has the data directory.
    pub pid: Option<u32>,
    /// The data directory.
    pub data_dir: PathBuf,
    /// When it last started.
    #[serde(serialize_with = "said::time_if_known")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(serialize_with = "said::time_if_known")]
    pub ended_at: Option<Timestamp>,
    /// What ended it, if that was not a signal.
    pub ended_because: Option<String>,
    /// The account.
    pub account: Option<UserId>,
    /// The version that last ran.
    pub version: Option<String>,
    /// The commit that it was built from.
    pub commit: Option<String>,
    /// The layout of `state.db`.
    pub layout: Option<i64>,
}

impl Condition {
    /// Puts together who has the directory and what was left in it.
    #[must_use]
    pub fn judge(holder: Option<Holder>, left: Option<Instance>, data_dir: PathBuf) -> Self {
        let has_database = left.is_some();
        let left = left.unwrap_or_default();
        let says_it_runs = left.started_at.is_some() && left.ended_at.is_none();
        let state = match (holder, left.started_at) {
            (Some(holder), _) if says_it_runs && holder.pid == left.pid => State::Running,
            (Some(_), _) => State::Busy,
            (None, None) => State::NeverRan,
            (None, Some(_)) if says_it_runs => State::Died,
            (None, Some(_)) if left.ended_because.is_some() => State::Failed,
            (None, Some(_)) => State::Ended,
        };
        Self {
            state,
            pid: holder.and_then(|holder| holder.pid),
            data_dir,
            started_at: left.started_at,
            ended_at: left.ended_at,
            ended_because: left.ended_because,
            account: left.account,
            version: left.version,
            commit: left.commit,
            layout: has_database.then_some(left.layout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_directory_and_what_was_left_in_it_tell_whether_it_runs() {
        let at = Some(Timestamp::new(5));
        let holder = |pid| Some(Holder { pid: Some(pid) });
        let left = |ended_at, because: Option<&str>| {
            Some(Instance {
                pid: Some(7),
                started_at: at,
                ended_at,
                ended_because: because.map(str::to_owned),
                ..Instance::default()
            })
        };
        for (holder, left, state) in [
            (None, None, State::NeverRan),
            (None, Some(Instance::default()), State::NeverRan),
            (holder(7), None, State::Busy),
            (holder(7), left(None, None), State::Running),
            (holder(8), left(None, None), State::Busy),
            (holder(7), left(at, None), State::Busy),
            (None, left(None, None), State::Died),
            (None, left(at, None), State::Ended),
            (None, left(at, Some("frozen")), State::Failed),
        ] {
            let judged = Condition::judge(holder, left.clone(), PathBuf::new());
            assert_eq!(judged.state, state, "{holder:?} {left:?}");
        }
    }
}
