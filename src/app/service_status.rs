//! The line about the program that a service manager shows, as in `systemctl status`.
//!
//! The line has figures only, no names. `status` of the command line says more.

use std::time::Duration;

use tokio::task::JoinSet;

use super::service_manager::ServiceManager;
use crate::clock::Clock;
use crate::model::Timestamp;
use crate::store::statistics::LoadFigures;
use crate::store::{Store, StoreError};
use crate::telegram::LastContact;

/// The time between two looks at the figures.
const INTERVAL: Duration = Duration::from_secs(5);

/// Sends the line whenever it changes, until the returned task is dropped. Without a service manager nothing is read.
pub(super) fn keep(
    manager: &ServiceManager,
    store: &Store,
    clock: &Clock,
    last_contact: &LastContact,
) -> JoinSet<()> {
    let mut task = JoinSet::new();
    if !manager.is_present() {
        return task;
    }
    let (manager, store, clock) = (manager.clone(), store.clone(), clock.clone());
    let last_contact = last_contact.clone();
    task.spawn(async move {
        let mut sent = None;
        loop {
            let figures: Result<LoadFigures, StoreError> =
                store.read(|tx| tx.load_figures(clock.now()));
            // The loops log errors of the disk; the line keeps its last figures.
            if let Ok(figures) = figures {
                let last_contact = last_contact.at().map(Timestamp::new);
                let line = line(figures, last_contact, clock.now());
                if sent.as_ref() != Some(&line) {
                    manager.status(&line);
                    sent = Some(line);
                }
            }
            tokio::time::sleep(INTERVAL).await;
        }
    });
    task
}

/// Returns the line. The time of the last answer has no seconds, so that the line changes at most once a minute while
/// nothing happens.
fn line(figures: LoadFigures, last_contact: Option<Timestamp>, now: Timestamp) -> String {
    let counted = |number, singular, plural| match number {
        1 => format!("1 {singular}"),
        number => format!("{number} {plural}"),
    };
    let groups = counted(figures.groups, "group", "groups");
    let photos = counted(figures.photos_waiting, "photo waits", "photos wait");
    let answer = match last_contact {
        None => "no answer from Telegram yet".to_owned(),
        Some(at) => {
            let text = at.rfc3339();
            // 2026-11-20T11:59:38Z
            let (date, time) = text.split_once('T').unwrap_or_default();
            let day = if at.midnight() == now.midnight() {
                String::new()
            } else {
                format!("{date} ")
            };
            let minute = time.get(..5).unwrap_or_default();
            format!("last answer from Telegram {day}{minute} UTC")
        }
    };
    format!("{groups}, {photos}, {answer}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_groups_photos_and_the_minute_of_the_last_answer() {
        let figures = |groups, photos_waiting| LoadFigures {
            groups,
            photos_waiting,
            ..LoadFigures::default()
        };
        let now = Timestamp::new(1_795_000_000);
        for (figures, last_contact, expected) in [
            (
                figures(1, 0),
                None,
                "1 group, 0 photos wait, no answer from Telegram yet",
            ),
            (
                figures(12, 1),
                Some(now.plus(-60)),
                "12 groups, 1 photo waits, last answer from Telegram 11:05 UTC",
            ),
            (
                figures(0, 200),
                Some(now.plus(-24 * 3600)),
                "0 groups, 200 photos wait, last answer from Telegram 2026-11-17 11:06 UTC",
            ),
        ] {
            assert_eq!(line(figures, last_contact, now), expected);
        }
    }
}
