//! Warns at start if the program ran before with this data directory, and `state.db` is lost.

use std::fs;

use crate::config::Telegram;

/// Warns if `state.db` is to be created although there are traces of an earlier run. Must be called before the database
/// is opened.
pub(super) fn warn_if_lost(config: &Telegram) {
    if let Some(cause) = lost_state(config) {
        tracing::warn!(
            cause,
            "the program starts without its earlier records: lists, rules and waiting photos are gone, and joins since \
             the last run are not found; if this is not intended, stop it and restore state.db"
        );
    }
}

fn lost_state(config: &Telegram) -> Option<&'static str> {
    let path = config.state_file();
    let mut log = path.clone().into_os_string();
    log.push("-wal");
    match fs::metadata(&path) {
        Ok(state) if state.len() == 0 => Some("state.db is empty"),
        Ok(_) => None,
        Err(_) if fs::metadata(log).is_ok_and(|log| log.len() > 0) => {
            Some("state.db is missing beside state.db-wal")
        }
        Err(_) if config.data_dir.join("spool").exists() => {
            Some("state.db is missing beside the spool of an earlier run")
        }
        Err(_) => None,
    }
}
