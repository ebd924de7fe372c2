//! Derives whether an instance runs, from the lock on the data directory and the record in `state.db`.

use std::path::PathBuf;

use serde::Serialize;

use crate::model::{Timestamp, UserId, as_json};
use crate::store::{Holder, Instance};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Running,
    /// A process holds the lock without a record of a running program: the program is starting or
    /// ending, or another command is running.
    Busy,
    /// The program ended by a signal.
    Ended,
    /// The program ended with an error.
    Failed,
    /// The program ended without a record of its end: killed, or with the machine.
    Died,
    #[default]
    NeverRan,
}

/// The run state of an instance, and its record of itself. The fields are those of the JSON.
#[derive(Clone, Debug, Serialize)]
pub struct InstanceStatus {
    pub state: RunState,
    /// The process that holds the lock.
    pub pid: Option<u32>,
    pub data_dir: PathBuf,
    /// The time of the last start.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub started_at: Option<Timestamp>,
    #[serde(serialize_with = "as_json::time_if_known")]
    pub ended_at: Option<Timestamp>,
    /// The last sign of life of the process.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub alive_at: Option<Timestamp>,
    /// The last answer from Telegram.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub last_contact_at: Option<Timestamp>,
    /// The error that ended the program, if a signal did not.
    pub ended_because: Option<String>,
    /// The time of the copy from which the database was restored, until the posts since then were read.
    #[serde(serialize_with = "as_json::time_if_known")]
    pub restored_from: Option<Timestamp>,
    pub account: Option<UserId>,
    /// The version that last ran.
    pub version: Option<String>,
    /// The commit of that version.
    pub commit: Option<String>,
    /// The layout of `state.db`.
    pub layout: Option<i64>,
}

impl InstanceStatus {
    /// Combines the holder of the lock with the record in `state.db`.
    #[must_use]
    pub fn derive(holder: Option<Holder>, record: Option<Instance>, data_dir: PathBuf) -> Self {
        let has_database = record.is_some();
        let record = record.unwrap_or_default();
        let recorded_running = record.started_at.is_some() && record.ended_at.is_none();
        let state = match (holder, record.started_at) {
            (Some(holder), _) if recorded_running && holder.pid == record.pid => RunState::Running,
            (Some(_), _) => RunState::Busy,
            (None, None) => RunState::NeverRan,
            (None, Some(_)) if recorded_running => RunState::Died,
            (None, Some(_)) if record.ended_because.is_some() => RunState::Failed,
            (None, Some(_)) => RunState::Ended,
        };
        Self {
            state,
            pid: holder.and_then(|holder| holder.pid),
            data_dir,
            started_at: record.started_at,
            ended_at: record.ended_at,
            alive_at: record.alive_at,
            last_contact_at: record.last_contact_at,
            ended_because: record.ended_because,
            restored_from: record.restored_from,
            account: record.account,
            version: record.version,
            commit: record.commit,
            layout: has_database.then_some(record.layout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_and_record_determine_the_run_state() {
        let at = Some(Timestamp::new(5));
        let holder = |pid| Some(Holder { pid: Some(pid) });
        let record = |ended_at, because: Option<&str>| {
            Some(Instance {
                pid: Some(7),
                started_at: at,
                ended_at,
                ended_because: because.map(str::to_owned),
                ..Instance::default()
            })
        };
        for (holder, record, state) in [
            (None, None, RunState::NeverRan),
            (None, Some(Instance::default()), RunState::NeverRan),
            (holder(7), None, RunState::Busy),
            (holder(7), record(None, None), RunState::Running),
            (holder(8), record(None, None), RunState::Busy),
            (holder(7), record(at, None), RunState::Busy),
            (None, record(None, None), RunState::Died),
            (None, record(at, None), RunState::Ended),
            (None, record(at, Some("frozen")), RunState::Failed),
        ] {
            let status = InstanceStatus::derive(holder, record.clone(), PathBuf::new());
            assert_eq!(status.state, state, "{holder:?} {record:?}");
        }
    }
}
